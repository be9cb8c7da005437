"""The complex step for functions of numbers and of vectors, compared with the adaptive rule at a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..estimates import Estimate
from ..rules.complexstep import compare, step_at

#: Results that are compared with the adaptive rule.
_SAMPLE = 16


def slopes(f: Callable[[Any], Any], x: Any) -> Any:
    """Differentiate by a complex step at real positions `x`; NaN where one is not finite.

    `f` maps ``x + i h`` to values of the shape of `x`, or with further axes at the end.
    """
    h = step_at(x)
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(f(x + 1j * h))
    except TypeError as err:
        raise TypeError(
            f"`f` must accept complex numbers for the complex step; it raised {err}. "
            'Write it with NumPy functions, or use method="adaptive".'
        ) from err
    behind = np.shape(x) + (1,) * (values.ndim - np.ndim(x))
    return np.where(np.isfinite(x).reshape(behind), np.imag(values) / h.reshape(behind), np.nan)


def compare_sample(results: Any, count: int, x: Any, trusted: Callable[[Any], Estimate]) -> None:
    """Raise where the complex step and the adaptive rule disagree at a sample of the results.

    There are `count` of them along the first axis, at positions `x` for the message; `trusted` maps indices along that
    axis to the results of the adaptive rule.
    """
    if not results.size:
        return
    each = max(results.size // count, 1)
    some = np.unique(np.linspace(0, count - 1, max(1, min(_SAMPLE // each, count))).astype(int))
    estimate = trusted(some)
    compare(results[some].ravel(), Estimate(*(np.ravel(a) for a in estimate)), np.ravel(x[some]))
