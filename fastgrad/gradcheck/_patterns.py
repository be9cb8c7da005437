"""What mistakes in a derivative have in common: at most one kind of mistake, and one place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from . import _dependence as dependence
from . import _factors as factors
from . import _locations as locations
from . import _orders as orders
from . import _terms as terms
from ._comparison import Comparison

Pattern = Callable[[Comparison], str | None]

#: Kinds of mistakes, for derivatives that are wrong in the first six digits; the first that fits counts.
KINDS: tuple[Pattern, ...] = (
    orders.keeps_first_call, factors.sign, orders.transposed, orders.swapped_args, factors.factor, factors.power,
    terms.offset, orders.reordered, orders.shifted, orders.one_by_one, terms.constant, terms.linear,
    terms.same_at_all_points, terms.same_at_all_coordinates, factors.weights, factors.few_factors, orders.elsewhere,
    terms.same_sum, terms.slight, orders.mixes_points, factors.factor_in_part, dependence.changes,
)  # fmt: skip

#: Kinds of mistakes, for derivatives that are wrong in later digits.
SLIGHT_KINDS: tuple[Pattern, ...] = (terms.single_precision, terms.slight)

#: Places of mistakes; the first that fits counts.
PLACES: tuple[Pattern, ...] = (
    locations.at_kinks, locations.one_place, locations.around_the_diagonal, locations.beyond_a_threshold,
    locations.in_an_interval, locations.few_places, locations.some_points, locations.changing_places,
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
