"""Where a function is flat: exactly, or because its values are rounded."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._typing import FloatArray
from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .extrapolation import DEVIATIONS
from .judge import Window
from .noise import SHARP, deviations
from .rounding import APPARENT, ROUNDING, SMALLEST, is_whole, nearest_whole
from .search import LevelValues, best_window, finer_deviation, last_start_before, per_step, polynomial
from .verdict import SMALL

UNKNOWN = 0.5
"""Beyond this relative bound not even the size of the derivative is known."""
STAIRS, FINE_STAIRS, SURE = 2.0**-3, 2.0**-7, 2.0**-10
"""Deviations from a window, as shares of the change of `f` there: below the first they may be rounding, below the
second they are more likely rounding than the steps of a stair, below the third they count as rounding."""

FEW_ROUNDINGS = 16.0
"""The least change counts as rounding up to this many roundings of the value. A larger one has to be smooth itself."""


class Survey(NamedTuple):
    """Changes of the values over all levels; rows."""

    largest_change: Row
    """At the levels that windows use."""
    flat_level: Row
    """First level from which on all values equal that at the point; the number of levels if there is none.

    A level without values is not flat: it may lie beyond the edge of a domain."""
    flat_step: Row
    change_before: Row
    """Change at the level before the flat ones."""
    first_level: Row
    """First and last level with a value."""
    last_level: Row
    is_whole: Row
    """Whether all values are whole numbers, as 0 or 1."""


def _survey(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    largest, flat, flat_step, before, first, last, whole, change_before = state
    _x, y, _sign, coarse_levels, count = points
    h, *values = levels
    exists = differs = equal = y != y
    change = y * 0.0
    for value in values:
        finite = abs(value) < math.inf
        exists = exists | finite
        differs, equal = differs | (finite & (value != y)), equal | (value == y)
        whole = whole & (is_whole(value) | ~finite)
        move = abs(value - y)
        change = select((move > change) & (move < math.inf), move, change)
    largest = select((level >= coarse_levels) & (change > largest), change, largest)
    begins = equal & ~differs & (flat == count)
    flat = select(differs, count, select(begins, level, flat))
    first = select(exists & (first == count), level, first)
    return (
        largest, flat, select(begins, h, flat_step), select(begins, change_before, before), first,
        select(exists, level, last), whole, change,
    ), ()  # fmt: skip


_SURVEY = Scan(
    "survey",
    _survey,
    lambda points: (0.0, points[4], 1.0, 0.0, points[4], -1.0, True, 0.0),
    lambda _select, state, _points: state[:-1],
)


def survey(v: LevelValues, coarse_levels: int = 0) -> Survey:
    """Measure the changes of the values; windows do not use the `coarse_levels`."""
    return Survey(*_SURVEY([*v.points, coarse_levels, v.levels], v.groups, v.levels, len(Survey._fields))[0])


def is_below_rounding(v: LevelValues, s: Survey) -> Row:
    """Whether levels are flat because their steps change `f` by less than its rounding.

    `f` then changes by a few roundings at the level before.
    """
    fine = s.flat_step < np.maximum(np.abs(v.x), 1.0) * 2.0**-24
    has_level_before = (s.flat_level > s.first_level) & (s.flat_level < v.levels)
    return has_level_before & fine & (s.change_before <= 4 / 0.3 * ROUNDING * np.abs(v.y))


def flat_bound(v: LevelValues, quantum: Row, h: Row) -> Row:
    """Bound of a derivative of 0 where `f` is flat up to the step `h`: one rounding of `f`."""
    own = ROUNDING * np.abs(v.y) + SMALLEST
    return per_step(DEVIATIONS * np.where(quantum > APPARENT * own, quantum, own), h, v.n)


def _largest_deviation(series: tuple[int, bool]) -> Scan:
    """Largest deviation from a window at finer levels that are not flat."""

    def body(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        flat_level, *fit = points[3:]
        size = abs(finer_deviation(select, series, points, fit, levels, level))
        return (select((level <= flat_level) & (size > state[0]), size, state[0]),), ()

    return Scan(f"largest deviation {series}", body, lambda _: (0.0,))


_LARGEST_DEVIATION = {series: _largest_deviation(series) for series in ((0, True), (1, True), (1, False))}


def judge_beyond_flat(
    v: LevelValues, candidates: list[FloatArray], s: Survey, zero_bound: Row, rounding: Row, coarse_levels: int
) -> tuple[Window, Row, Row]:
    """Judge the levels that are coarser than the flat ones.

    Returns
    -------
    window : Window
        Best window of these levels.
    is_accepted : row
        Whether the derivative is its slope rather than 0.
    uncertainty : row
        The largest slope where neither answer can be ruled out, else 0.
    """
    first, last = coarse_levels + (v.n == 1), last_start_before(v, s.flat_level)
    wide = best_window(candidates, first, last)
    steepest = np.abs(wide.df) + wide.bound
    is_usable = wide.exists & (steepest > zero_bound) & ((v.n > 1) | (wide.relative_bound < UNKNOWN))
    fit = polynomial(v, wide)
    d = deviations(v, fit)
    (largest,), _ = _LARGEST_DEVIATION[v.series]([*v.points, s.flat_level, *fit.rows], v.groups, v.levels, 1)
    is_sharp = wide.relative_bound < SHARP
    is_smooth, is_sampled = np.ones(v.x.shape, bool), np.ones(v.x.shape, bool)
    for value in v.groups[1:]:
        side_is_smooth, side_is_sampled = _is_smooth_before_flat(v, value, largest)
        is_smooth, is_sampled = is_smooth & side_is_smooth, is_sampled & side_is_sampled
    part = np.where(is_smooth, np.inf, largest / np.where(d.change > 0, d.change, np.inf))
    # digits too few for the size of the values explain that `f` is flat up to a step
    slope_of_rounding = per_step(rounding / 0.3 * np.abs(v.y), s.flat_step, v.n)
    is_explained = (rounding > 8 * ROUNDING) & (np.abs(wide.df) <= 4 * slope_of_rounding) & is_sharp
    is_sampled |= is_explained
    part = np.where(is_explained, 0.0, part)
    is_uncertain = is_usable & (part < STAIRS) & ~(is_sampled & (part < SURE))
    is_accepted = is_usable & is_sampled & (part < FINE_STAIRS) & (wide.relative_bound < UNKNOWN)
    # beside 0, where terms cancel until nothing is left, values jump from 0 to others without order
    shortest = best_window(candidates, first, last, by_bound=True)
    is_cancelling = (v.y == 0) & (np.abs(v.x) < SMALL) & ~is_smooth & shortest.exists
    steepest = np.where(is_cancelling, np.abs(shortest.df) + shortest.bound, steepest)
    return wide, is_accepted, np.where(is_uncertain | is_cancelling, steepest, 0.0)


def _distinct(select: Select, state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    """Collect steps and values of the six finest levels with different values."""
    count, newest, *rows = state
    h, value = levels
    change = abs(value - points[1])
    is_new = (count < 6.0) & (change > 0.0) & (change < math.inf) & ((count == 0.0) | (value != newest))
    collected: list[Row] = []
    for i in range(6):
        use = is_new & (count == float(i))
        collected += [select(use, h, rows[2 * i]), select(use, value, rows[2 * i + 1])]
    return (count + select(is_new, 1.0, 0.0), select(is_new, value, newest), *collected), ()


def _predicts(select: Select, state: Rows, points: Rows) -> Rows:
    """Predict the two finest values by the polynomial through the next four.

    Values in steps of a rounding may be smooth by chance, as one, two, four and eight of them: the changes are then
    whole multiples of the finest.
    """
    count, _, *rows = state
    h, values = rows[::2], rows[1::2]
    y, largest = points[1], points[3]
    finest = abs(values[0] - y)
    off = select((finest > largest) | (finest > abs(y) * (FEW_ROUNDINGS * ROUNDING)), finest, largest)
    is_smooth = count >= 5.0
    for i in range(2):
        predicted = 0.0 * count
        for j in range(i + 1, i + 5):
            part = values[j]
            for k in range(i + 1, i + 5):
                if k != j:
                    factor = (h[i] - h[k]) / (h[j] - h[k])
                    part = select(count > float(k - i + 1), part * factor, part)
            predicted = predicted + select(count > float(j - i + 1), part, 0.0)
        is_smooth = is_smooth & (abs(predicted - values[i]) <= off * 2.0**-5)
    is_whole_multiple = is_smooth
    for i in range(1, 6):
        ratio = select(count > float(i), (values[i] - y) / (values[0] - y), 1.0)
        is_whole_multiple = is_whole_multiple & (abs(ratio - nearest_whole(ratio)) <= 2.0**-6)
    is_smooth = is_smooth & ~is_whole_multiple
    return is_smooth | (count == 0.0), (count >= 5.0) | (count == 0.0)


_SMOOTH = Scan("smooth before flat levels", _distinct, lambda _: (0.0, 0.0, *[1.0, 0.0] * 6), _predicts, backwards=True)


def _is_smooth_before_flat(v: LevelValues, value: Row, off: Row) -> tuple[Row, Row]:
    """Whether one side is smooth down to its flat levels, as beyond a kink, and whether it has enough levels to tell.

    A polynomial through three or four levels predicts the next finer one, twice, to a small share of the smallest
    change, or of `off` where that change is rounding. Among rounded values that happens once in a thousand times.
    Levels with the same value count once.
    """
    is_smooth, is_sampled = _SMOOTH([*v.points, off], [v.h, value], v.levels, 2)[0]
    return is_smooth != 0.0, is_sampled != 0.0
