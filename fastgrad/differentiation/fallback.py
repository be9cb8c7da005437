"""The adaptive rule takes over where a stencil leaves the domain of the function, or the bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..adaptive_rule import HIGHEST, Adaptive
from ..estimates import Estimate
from ..rules.stencils import Stencil


def replace_missing(results: Any, missing: Any, rule: Any, again: Callable[[Adaptive, Any], Any]) -> Any:
    """Have the adaptive rule compute the `missing` entries of a stencil's results, in place unless they are a number.

    `again` maps the adaptive rule and the numbers of entries to their results. The adaptive rule evaluates on both
    sides whatever the stencil does: at an upper bound a forward difference has nothing ahead.
    """
    where = np.flatnonzero(missing)
    if not where.size or not isinstance(rule, Stencil) or rule.n > HIGHEST:
        return results
    better = again(Adaptive(rule.n), where)
    if isinstance(results, Estimate):
        for field, values in zip(results, better, strict=True):
            field.reshape(-1)[where] = values
        return results
    if not isinstance(results, np.ndarray):
        return type(results)(better[0])
    results[np.unravel_index(where, results.shape)] = better
    return results
