"""Each side alone: kinks, edges, and a side that knows better than both together."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .flatness import flat_bound, is_below_rounding, survey
from .judge import Select, larger
from .rounding import ROUNDING, Quanta
from .scan import Scan
from .search import Best, Values, best_of, deviation, windows

ROUGH = 1e-9
"""Relative bound below which no further levels and no side alone are asked for anything better."""
SHARP_SIDE = 1e-6
"""Relative bound below which one-sided higher derivatives may make a kink."""
APART = 4.0
"""Slopes that differ by more than so many times their bounds are different ones."""
KNOWS_BETTER = 0.25
"""One side is preferred only below this share of the two-sided relative bound."""
FLAT_OVER = 8
"""Levels over which a side has to be exactly flat to have the slope 0."""


class Sides(NamedTuple):
    """What the sides make of the result of both together."""

    df: Any
    bound: Any
    share: Any
    scale: Any
    left: Any
    right: Any
    kink: Any


def _one_side(v: Values, q: Quanta, reserve: int, sign: int) -> tuple[Any, Any, Any, Any]:
    """Best result of one side: derivative, bound, relative bound, scale; 0 where it is flat from some level on."""
    side = v.side(sign)
    w = best_of(windows(side, q), reserve)
    df, bound, share = w.df, w.bound, np.where(w.exists, w.share, np.inf)
    if v.n == 1:
        s = survey(side)
        is_flat = (s.flat < v.levels) & (s.last - s.flat >= FLAT_OVER) & ~is_below_rounding(side, s)
        df = np.where(is_flat, 0.0, df)
        bound = np.where(is_flat, flat_bound(side, q.whole, s.flat_step), bound)
    return df, bound, share, w.scale


def sides(v: Values, q: Quanta, reserve: int, w: Best, share: Any, constant: Any) -> Sides:
    """Hold the result of both sides together against those of each; not where `f` is `constant` but for noise."""
    right, right_bound, right_share, right_scale = _one_side(v, q, reserve, 1)
    left, left_bound, left_share, left_scale = _one_side(v, q, reserve, -1)
    bounds, apart = right_bound + left_bound, np.abs(right - left)
    kink = apart > APART * bounds
    if v.n == 1:
        kink &= ~constant & _is_kink(v, q, left, right)
    else:  # a kink of a lower derivative: both sides are sure of themselves, and the even part lies between them
        kink &= np.maximum(right_share, left_share) < SHARP_SIDE
        kink &= np.abs(w.df - 0.5 * (left + right)) <= w.bound + bounds

    def knows_better(df: Any, bound: Any, its: Any) -> Any:
        """Whether one side is to be preferred, and the finest levels of the other do not forbid it."""
        near = ~np.isfinite(w.bound) | (np.abs(w.df - df) <= 3 * (w.bound + bound))
        return (share >= ROUGH) & (its < KNOWS_BETTER * share) & (near | (share > 0.1)) & _agrees(v, q, df, bound)

    by_right = ~kink & knows_better(right, right_bound, right_share)
    by_left = ~kink & knows_better(left, left_bound, left_share)
    both = by_right & by_left
    take_right = by_right & ~(by_left & (left_bound < right_bound))
    take_left = by_left & ~take_right

    def pick(own: Any, of_left: Any, of_right: Any) -> Any:
        return np.where(take_right, of_right, np.where(take_left, of_left, own))

    df, bound = pick(w.df, left, right), pick(w.bound, left_bound, right_bound)
    # two results, each sure of itself: a kink too near to be told
    bound = np.where(both & (apart > APART * bounds), np.maximum(bound, apart), bound)
    df = np.where(kink, 0.5 * (left + right), df)
    bound = np.where(kink, 0.5 * bounds, bound)
    return Sides(
        df, bound, pick(share, left_share, right_share), pick(w.scale, left_scale, right_scale),
        np.where(kink, left, df), np.where(kink, right, df), kink,
    )  # fmt: skip


def _noise_at(select: Select, points: Any, above: Any, below: Any, each: Any, slope: Any) -> Any:
    """Return the rounding of the values at one level, for a derivative of about `slope`."""
    x, y, _, rounding, finest, apparent = points[:6]
    each = select(each < apparent, finest, each)
    size = larger(select, abs(y), abs(above), abs(below))
    return larger(select, each, rounding * size) + abs(x * slope) * (ROUNDING * 0.15)


def _kink(select: Select, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    result, decided = state
    left, right = points[6:]
    h, above, below, each = levels
    y, jump = points[1], right - left
    slope = larger(select, abs(left), abs(right))
    noise = _noise_at(select, points, above, below, each, slope) * 16.0
    tells = ~decided & (abs(above) < math.inf) & (abs(below) < math.inf) & (noise < abs(jump) * h)
    seen = ((above - y) - (y - below)) / h
    result = (tells & (abs(seen - jump) <= abs(jump) * 0.5)) | (~tells & result)
    return (result, decided | tells), ()


_KINK = Scan("kink", _kink, lambda _: (True, False), lambda _s, state, _p: state[:1], backwards=True)


def _is_kink(v: Values, q: Quanta, left: Any, right: Any) -> Any:
    """Whether the slopes still differ at the finest level where they could be told apart."""
    return _KINK([*v.points, *q.rows, left, right], [*v.groups, q.each], v.levels, 1)[0][0] != 0.0


def _agree(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    result, decided, first, distance = state
    slope, bound = points[6:]
    h, above, below, each = levels
    y = points[1]
    right, left = (above - y) / h, (y - below) / h
    slack = _noise_at(select, points, above, below, each, slope) * 8.0 / h + bound
    size = abs(slope) + abs(right) + abs(left)
    off = larger(select, abs(right - slope), abs(left - slope))
    tells = ~decided & (abs(above) < math.inf) & (abs(below) < math.inf) & (slack < size * 0.1)
    start = tells & (distance < 0.0)
    decided = decided | (start & (off <= slack + size * 0.3))
    start = start & ~decided
    later = tells & ~start & ~decided & (level <= first - 3.0)
    result = (later & (distance <= off * 0.5)) | (~later & result)
    return (result, decided | later, select(start, level, first), select(start, off, distance)), ()


def _agreed(_select: Select, state: Any, _points: Any) -> Any:
    result, decided, _, distance = state
    return ((decided & result) | (~decided & (distance < 0.0)),)


_AGREES = Scan("agrees", _agree, lambda _: (True, False, 0.0, -1.0), _agreed, backwards=True)


def _agrees(v: Values, q: Quanta, slope: Any, bound: Any) -> Any:
    """Whether the finest levels that say anything allow `slope` on both sides, or come closer to it."""
    return _AGREES([*v.points, *q.rows, slope, bound], [*v.groups, q.each], v.levels, 1)[0][0] != 0.0


def _runs(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    """Look for five deviations in a row that are as large: beyond a kink."""
    largest, *older = state
    rounding, *fit = points[3:]
    off = deviation(select, (1, False), points, fit, levels[0], levels[1:])
    off = select((level > fit[2]) & (fit[0] >= 0.0), off, 0.0)
    floor = rounding * larger(select, abs(points[1]), abs(levels[1])) * 16.0
    clear = (abs(off) > floor) & (abs(levels[1]) < math.inf)
    own = select(clear, off, 0.0)
    run = (own, *older)
    lowest, highest = own, own
    for row in older:
        lowest, highest = select(row < lowest, row, lowest), select(row > highest, row, highest)
    size = select(abs(lowest) < abs(highest), abs(lowest), abs(highest))
    beyond = (lowest * highest > 0.0) & (highest - lowest <= size * (1.0 / 3.0)) & (level - 4.0 >= fit[2] + 4.0)
    return (select(beyond & (size > largest), size, largest), *run[:4]), (off,)


def _last_large(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    return (select(abs(levels[0]) > points[0] * 0.5, level, state[0]),), ()


_RUNS = Scan("runs", _runs, lambda _: (0.0,) * 5, lambda _s, state, _p: state[:1])
_LAST_LARGE = Scan("last large", _last_large, lambda _: (-1.0,))


def before_kink(v: Values, q: Quanta, fit: Any) -> Any:
    """Find the first level before a kink, where from one side all values but that at the point lie on one curve; or -1.

    What is noise of the value at the point alone would be as loud as that of the others. Next to the window its own
    levels are as far off; at finer ones so is each of five in a row.
    """
    (largest,), (off,) = _RUNS([*v.points, q.rounding, *fit.rows], v.groups, v.levels, 1, 1)
    (last,), _ = _LAST_LARGE([largest], [off], v.levels, 1)
    return np.where(largest > 0, np.maximum(last + 1, fit.last), -1.0)
