"""Each side alone: kinks, edges, and a side that is more accurate than both together."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .flatness import flat_bound, is_below_rounding, survey
from .judge import Window
from .quotients import larger
from .rounding import CONDITION, ROUNDING, Quanta
from .search import Fit, LevelValues, best_window, finer_deviation, windows

ROUGH = 1e-9
"""Relative bound below which neither further levels nor one side alone are tried."""
SHARP_SIDE = 1e-6
"""Relative bound below which one-sided higher derivatives may make a kink."""
APART = 4.0
"""Slopes differ if their distance is more than this many bounds."""
PREFERRED = 0.25
"""One side is preferred only below this share of the two-sided relative bound."""
FLAT_OVER = 8
"""A side that is exactly flat over this many levels has the derivative 0."""


class Sides(NamedTuple):
    """Result after the comparison with each side."""

    df: Row
    bound: Row
    relative_bound: Row
    scale: Row
    left: Row
    right: Row
    is_kink: Row


class _OneSide(NamedTuple):
    """Best result of one side."""

    df: Row
    bound: Row
    relative_bound: Row
    scale: Row


def _one_side(v: LevelValues, q: Quanta, coarse_levels: int, sign: int) -> _OneSide:
    side = v.side(sign)
    w = best_window(windows(side, q), coarse_levels)
    df, bound, relative_bound = w.df, w.bound, np.where(w.exists, w.relative_bound, np.inf)
    s = survey(side)
    is_flat = (s.flat_level < v.levels) & (s.last_level - s.flat_level >= FLAT_OVER) & ~is_below_rounding(side, s)
    df = np.where(is_flat, 0.0, df)
    bound = np.where(is_flat, flat_bound(side, q.certain, s.flat_step), bound)
    return _OneSide(df, bound, relative_bound, w.scale)


def compare_sides(
    v: LevelValues, q: Quanta, coarse_levels: int, w: Window, relative_bound: Row, constant: Row
) -> Sides:
    """Compare the result of both sides with that of each; `constant` says where `f` is constant but for noise."""
    right, left = (_one_side(v, q, coarse_levels, sign) for sign in (1, -1))
    bounds, apart = right.bound + left.bound, np.abs(right.df - left.df)
    differ = apart > APART * bounds
    mean = 0.5 * (left.df + right.df)
    if v.n == 1:
        kink = differ & ~constant & _is_kink(v, q, left.df, right.df)
    else:  # a kink of a lower derivative: both sides are sharp, and the even part lies between them
        kink = differ & (np.maximum(right.relative_bound, left.relative_bound) < SHARP_SIDE)
        kink &= np.abs(w.df - mean) <= w.bound + bounds

    def is_preferred(side: _OneSide) -> Row:
        near = ~np.isfinite(w.bound) | (np.abs(w.df - side.df) <= 3 * (w.bound + side.bound))
        is_better = (relative_bound >= ROUGH) & (side.relative_bound < PREFERRED * relative_bound)
        if v.n == 1:
            is_better &= _is_compatible(v, q, side.df, side.bound)
        else:  # beside an edge both sides take narrow steps, over which any bound is short beside the secants
            is_better |= (side.relative_bound < SHARP_SIDE) & (side.bound < PREFERRED * w.bound)
            is_better &= ~differ
        return ~kink & is_better & (near | (relative_bound > 0.1))

    prefer_right, prefer_left = is_preferred(right), is_preferred(left)
    take_right = prefer_right & ~(prefer_left & (left.bound < right.bound))
    take_left = prefer_left & ~take_right

    both = _OneSide(w.df, w.bound, relative_bound, w.scale)
    df, bound, relative_bound, scale = (
        np.where(take_right, of_right, np.where(take_left, of_left, own))
        for own, of_left, of_right in zip(both, left, right, strict=True)
    )
    # two sharp results that differ: a kink that the finest levels do not resolve
    bound = np.where(prefer_right & prefer_left & differ, np.maximum(bound, apart), bound)
    df, bound = np.where(kink, mean, df), np.where(kink, 0.5 * bounds, bound)
    left_df, right_df = np.where(kink, left.df, df), np.where(kink, right.df, df)
    return Sides(df, bound, relative_bound, scale, left_df, right_df, kink)


def _noise_at(select: Select, points: Rows, levels: Rows, slope: Row) -> Row:
    """Return the rounding of the values at one level, for a derivative of about `slope`."""
    x, y, _, rounding, common, threshold = points[:6]
    _h, above, below, quantum = levels
    quantum = select(quantum < threshold, common, quantum)
    size = larger(select, abs(y), abs(above), abs(below))
    return larger(select, quantum, rounding * size) + abs(x * slope) * (ROUNDING * CONDITION)


def _kink(select: Select, state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    result, is_decided = state
    left, right = points[6:]
    h, above, below, _ = levels
    y, jump = points[1], right - left
    noise = _noise_at(select, points, levels, larger(select, abs(left), abs(right))) * 16.0
    decides = ~is_decided & (abs(above) < math.inf) & (abs(below) < math.inf) & (noise < abs(jump) * h)
    observed = ((above - y) - (y - below)) / h
    result = (decides & (abs(observed - jump) <= abs(jump) * 0.5)) | (~decides & result)
    return (result, is_decided | decides), ()


_KINK = Scan("kink", _kink, lambda _: (True, False), lambda _s, state, _p: state[:1], backwards=True)


def _is_kink(v: LevelValues, q: Quanta, left: Row, right: Row) -> Row:
    """Whether the slopes still differ at the finest level that resolves the difference."""
    return _KINK([*v.points, *q.rows, left, right], [*v.groups, q.by_level], v.levels, 1)[0][0] != 0.0


def _compatible(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    result, is_decided, first, distance = state
    slope, bound = points[6:]
    h, above, below, _ = levels
    y = points[1]
    right, left = (above - y) / h, (y - below) / h
    slack = _noise_at(select, points, levels, slope) * 8.0 / h + bound
    size = abs(slope) + abs(right) + abs(left)
    off = larger(select, abs(right - slope), abs(left - slope))
    is_sharp = ~is_decided & (abs(above) < math.inf) & (abs(below) < math.inf) & (slack < size * 0.1)
    start = is_sharp & (distance < 0.0)
    is_decided = is_decided | (start & (off <= slack + size * 0.3))
    start = start & ~is_decided
    later = is_sharp & ~start & ~is_decided & (level <= first - 3.0)
    result = (later & (distance <= off * 0.5)) | (~later & result)
    return (result, is_decided | later, select(start, level, first), select(start, off, distance)), ()


def _is_compatible_after(_select: Select, state: Rows, _points: Rows) -> Rows:
    result, is_decided, _, distance = state
    return ((is_decided & result) | (~is_decided & (distance < 0.0)),)


_COMPATIBLE = Scan("compatible", _compatible, lambda _: (True, False, 0.0, -1.0), _is_compatible_after, backwards=True)


def _is_compatible(v: LevelValues, q: Quanta, slope: Row, bound: Row) -> Row:
    """Whether the secants of both sides at the finest sharp level agree with `slope`, or approach it."""
    return _COMPATIBLE([*v.points, *q.rows, slope, bound], [*v.groups, q.by_level], v.levels, 1)[0][0] != 0.0


def _runs(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    """Find five equal deviations in a row: they lie beyond a kink."""
    largest, *older = state
    rounding, *fit = points[3:]
    off = finer_deviation(select, (1, False), points, fit, levels, level)
    noise = rounding * larger(select, abs(points[1]), abs(levels[1])) * 16.0
    is_clear = (abs(off) > noise) & (abs(levels[1]) < math.inf)
    own = select(is_clear, off, 0.0)
    lowest, highest = own, own
    for row in older:
        lowest, highest = select(row < lowest, row, lowest), select(row > highest, row, highest)
    size = select(abs(lowest) < abs(highest), abs(lowest), abs(highest))
    are_equal = (lowest * highest > 0.0) & (highest - lowest <= size * (1.0 / 3.0))
    is_beyond = are_equal & (level - 4.0 >= fit[1] + 4.0)
    return (select(is_beyond & (size > largest), size, largest), own, *older[:3]), (off,)


def _last_large(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    return (select(abs(levels[0]) > points[0] * 0.5, level, state[0]),), ()


_RUNS = Scan("runs", _runs, lambda _: (0.0,) * 5, lambda _s, state, _p: state[:1])
_LAST_LARGE = Scan("last large", _last_large, lambda _: (-1.0,))


def level_before_kink(v: LevelValues, q: Quanta, fit: Fit) -> Row:
    """Return the first level before a kink, where all values of one side but that at the point are smooth; or -1.

    Noise of the value at the point alone would be as large as that of the others. The levels next to the window deviate
    by as much as those beyond the kink, and so does each of five finer levels in a row.
    """
    (largest,), (off,) = _RUNS([*v.points, q.rounding, *fit.rows], v.groups, v.levels, 1, 1)
    (last,), _ = _LAST_LARGE([largest], [off], v.levels, 1)
    return np.where(largest > 0, np.maximum(last + 1, fit.last), -1.0)
