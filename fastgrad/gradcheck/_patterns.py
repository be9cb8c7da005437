"""What mistakes in a derivative have in common: at most one kind of mistake, and one place.

==========  ==========================================================  =============================
group       patterns                                                    what to look at
==========  ==========================================================  =============================
factors     sign, constant, power of an argument, one per coordinate    constants, the chain rule
order       transposed, swapped, shifted, mixed up between calls        indices, arguments, axes
terms       constant, offset, a coordinate without effect, few digits   detached parts, float32
places      kinks, rows and coordinates, the diagonal, a threshold      branches, masks, one formula
==========  ==========================================================  =============================
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from . import _factors as factors
from . import _order as order
from . import _places as places
from . import _terms as terms
from ._comparison import Comparison, Pattern

#: Kinds of mistakes, for derivatives that are wrong in the first six digits; the first that fits counts.
KINDS: tuple[Pattern, ...] = (
    order.keeps_first_call, factors.sign, order.transposed, order.swapped_args, factors.factor, factors.power,
    terms.offset, order.reordered, order.one_by_one, terms.constant, order.elsewhere, terms.slight, order.mixes_points,
    factors.factor_in_part, terms.dependence,
)  # fmt: skip

#: Kinds of mistakes, for derivatives that are wrong in later digits.
SLIGHT_KINDS: tuple[Pattern, ...] = (terms.single_precision, terms.slight)

#: Places of mistakes; the first that fits counts.
PLACES: tuple[Pattern, ...] = (
    places.at_kinks, places.one_place, places.around_the_diagonal, places.beyond_a_threshold, places.few_places,
    places.some_points,
)  # fmt: skip


def patterns(comparison: Comparison) -> tuple[str, ...]:
    """Describe what the mistakes have in common; empty if nothing is wrong, or if no pattern fits."""
    texts = list(_not_finite(comparison))
    if comparison.wrong.any():
        texts += _first(SLIGHT_KINDS if comparison.is_slight else KINDS, comparison)
    if comparison.disagrees.any():
        texts += _first(PLACES, comparison)
    return tuple(texts)


def _first(candidates: tuple[Pattern, ...], comparison: Comparison) -> list[str]:
    """Return the text of the first pattern that fits."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        text = next((text for pattern in candidates if (text := pattern(comparison))), None)
    return [text] if text else []


def _not_finite(comparison: Comparison) -> Iterator[str]:
    """Count NaN and infinities where the derivative exists."""
    values = comparison.values
    for name, is_kind in (("NaN", np.isnan), ("infinite", np.isinf)):
        count = np.count_nonzero(is_kind(values) & comparison.disagrees)
        if count:
            yield f"{name} at {count} of {values.size} entries where `f` has a derivative, or one on either side"
