"""What mistakes in a derivative have in common: at most one kind of mistake, and one place.

==========  ==========================================================  =============================
module      patterns                                                    what to look at
==========  ==========================================================  =============================
_repairs    sign, factor, power, offset, order, arguments, calls        constants, the chain rule, indices
_symptoms   constant, a coordinate without effect, few right digits     detached parts, float32
            kinks, rows and coordinates, the diagonal, a threshold      branches, masks, one formula
==========  ==========================================================  =============================
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from ..estimates import Status
from . import _repairs as repairs
from . import _symptoms as symptoms
from ._comparison import Comparison, Pattern

#: What would make values right that are wrong in the first six digits; the first that fits counts.
REPAIRS: tuple[Callable[[Comparison], repairs.Repairs], ...] = (
    repairs.direct, repairs.swapped_args, repairs.factor, repairs.power, repairs.offset, repairs.reordered,
    repairs.one_by_one,
)  # fmt: skip


def repaired(c: Comparison) -> str | None:
    """Find the first repair that makes all values right that are decided, or with an ending all that are wrong."""
    decided = c.gross | (c.decided & (c.numerical.status != Status.KINK))
    for repair in REPAIRS:
        for text, values, *ending in repair(c):
            if values is not None and c.like(values)[decided].all():
                return text
            if ending and c.like(values)[c.gross].all():
                return text + ending[0]
    return None


#: Kinds of mistakes in the first six digits, and in later ones; places of mistakes. The first that fits counts.
KINDS: tuple[Pattern, ...] = (
    repaired, symptoms.constant, symptoms.elsewhere, symptoms.slight, symptoms.mixes_points, symptoms.factor_in_part,
    symptoms.dependence,
)  # fmt: skip
SLIGHT_KINDS: tuple[Pattern, ...] = (symptoms.single_precision, symptoms.slight)
PLACES: tuple[Pattern, ...] = (
    symptoms.at_kinks, partial(symptoms.few_places, most=1), symptoms.around_the_diagonal, symptoms.beyond_a_threshold,
    symptoms.few_places, symptoms.some_points,
)  # fmt: skip


def patterns(comparison: Comparison) -> tuple[str, ...]:
    """Describe what the mistakes have in common; empty if nothing is wrong, or if no pattern fits."""
    c, texts = comparison, []
    for name, is_kind in (("NaN", np.isnan), ("infinite", np.isinf)):
        if count := np.count_nonzero(is_kind(c.values) & c.disagrees):
            texts.append(f"{name} at {count} of {c.values.size} entries where `f` has a derivative on one side or both")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        is_slight = 2 * np.count_nonzero(c.gross) <= np.count_nonzero(c.wrong)
        for candidates, wrong in ((SLIGHT_KINDS if is_slight else KINDS, c.wrong), (PLACES, c.disagrees)):
            fitting = (text for pattern in candidates if wrong.any() and (text := pattern(c)))
            texts += [text for text in (next(fitting, None),) if text]
    return tuple(texts)
