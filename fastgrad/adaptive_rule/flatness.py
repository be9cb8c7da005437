"""Where a function is flat: exactly, or because its values are rounded."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .extrapolation import DEVIATIONS
from .judge import Select
from .noise import SHARP, deviations
from .rounding import APPARENT, ROUNDING, SMALLEST, is_whole, nearest_whole
from .scan import Scan
from .search import Best, Values, before, best_of, deviation, per_step, polynomial

UNKNOWN = 0.5
"""Beyond this relative bound not even the size of the derivative is known."""
STAIRS, FINE_STAIRS, SURE = 2.0**-3, 2.0**-7, 2.0**-10
"""Deviations of a window that are a smaller share of the change of `f` there may be those of rounding, are more likely
those of rounding than of the steps of a stair, and are taken for it."""


class Survey(NamedTuple):
    """What the values tell at first sight; rows."""

    most: Any
    """How far `f` moves at most, at the levels that are not in reserve."""
    flat: Any
    """First level from which on all finer values equal that at the point; the number of levels if there is none.

    A level without values says nothing: beyond the edge of a domain a function is not flat."""
    flat_step: Any
    before: Any
    """How far `f` moves at the level before."""
    first: Any
    """First and last level with a value, and the step there."""
    last: Any
    last_step: Any
    is_whole: Any
    """Whether all values are whole numbers, as 0 or 1."""
    steepest: Any
    """The steepest secant."""


def _survey(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    most, flat, flat_step, before, first, last, last_step, whole, steepest, moved_before = state
    _x, y, _sign, reserve, count = points
    h, *values = levels
    there = differs = equal = y != y
    moved = y * 0.0
    for value in values:
        finite = abs(value) < math.inf
        there = there | finite
        differs, equal = differs | (finite & (value != y)), equal | (value == y)
        whole = whole & (is_whole(value) | ~finite)
        move = abs(value - y)
        moved = select((move > moved) & (move < math.inf), move, moved)
    most = select((level >= reserve) & (moved > most), moved, most)
    begins = equal & ~differs & (flat == count)
    flat = select(differs, count, select(begins, level, flat))
    first = select(there & (first == count), level, first)
    secant = moved / h
    return (
        most, flat, select(begins, h, flat_step), select(begins, moved_before, before), first,
        select(there, level, last), select(there, h, last_step), whole,
        select((secant > steepest) & (secant < math.inf), secant, steepest), moved,
    ), ()  # fmt: skip


_SURVEY = Scan(
    "survey",
    _survey,
    lambda points: (0.0, points[4], 1.0, 0.0, points[4], -1.0, 1.0, True, 0.0, 0.0),
    lambda _select, state, _points: state[:-1],
)


def survey(v: Values, reserve: int = 0) -> Survey:
    """Look over the values."""
    return Survey(*_SURVEY([*v.points, reserve, v.levels], v.groups, v.levels, len(Survey._fields))[0])


def is_below_rounding(v: Values, s: Survey) -> Any:
    """Whether levels are flat because the steps are too fine to move `f` by its rounding, or by the last digit it has.

    The value then moves by a few roundings only at the level before.
    """
    fine = s.flat_step < np.maximum(np.abs(v.x), 1.0) * 2.0**-24
    return (s.flat > 0) & (s.flat < v.levels) & fine & (s.before <= 4 / 0.3 * ROUNDING * np.abs(v.y))


def flat_bound(v: Values, whole: Any, h: Any) -> Any:
    """Bound of a derivative of 0 where `f` is flat up to the step `h`: one rounding of `f`."""
    own = ROUNDING * np.abs(v.y) + SMALLEST
    return per_step(DEVIATIONS * np.where(whole > APPARENT * own, whole, own), h, v.n)


def _largest_down_to(series: tuple[int, bool]) -> Scan:
    def body(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        flat, *fit = points[3:]
        size = abs(deviation(select, series, points, fit, levels[0], levels[1:]))
        use = (level > fit[2]) & (level <= flat) & (fit[0] >= 0.0) & (size > state[0])
        return (select(use, size, state[0]),), ()

    return Scan(f"largest deviation {series}", body, lambda _: (0.0,))


_LARGEST = {series: _largest_down_to(series) for series in ((0, True), (1, True), (1, False))}


def beyond_flat(v: Values, every: list[Any], s: Survey, zero_bound: Any, rounding: Any, reserve: int
                ) -> tuple[Best, Any, Any]:  # fmt: skip
    """Judge what the levels say that are coarser than the flat ones.

    Returns their best window, whether its slope is taken rather than 0, and the slope at most where that is in doubt:
    neither of the two answers can then be ruled out.
    """
    wide = best_of(every, reserve + (v.n == 1), before(v, s.flat))
    most = np.abs(wide.df) + wide.bound
    usable = wide.exists & (most > zero_bound) & ((v.n > 1) | (wide.share < UNKNOWN))
    fit = polynomial(v, wide)
    d = deviations(v, fit)
    (largest,), _ = _LARGEST[v.series]([*v.points, s.flat, *fit.rows], v.groups, v.levels, 1)
    sharp = wide.share < SHARP
    in_quanta = np.zeros(v.x.shape, bool)
    if not (v.two_sided and v.n == 1):
        in_quanta = _in_quanta(v, d.largest, d.moved) & sharp
    smooth, told = np.ones(v.x.shape, bool), np.ones(v.x.shape, bool)
    for value in v.groups[1:]:
        its, tells = _leaves_smoothly(v, value, largest)
        smooth, told = smooth & its, told & tells
    part = np.where(smooth, np.inf, largest / np.where(d.moved > 0, d.moved, np.inf))
    # digits too few for the size of the values explain that `f` is flat up to a step
    steps = per_step(rounding / 0.3 * np.abs(v.y), s.flat_step, v.n)
    explained = (rounding > 8 * ROUNDING) & (np.abs(wide.df) <= 4 * steps) & sharp
    told |= explained
    part = np.where(explained | in_quanta, 0.0, part)
    doubtful = usable & (part < STAIRS) & ~(told & (part < SURE))
    taken = usable & told & (part < FINE_STAIRS) & (wide.share < UNKNOWN)
    return wide, taken, np.where(doubtful & ~in_quanta, most, 0.0)


def _smallest_move(select: Select, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    quantum = state[0]
    for value in levels:
        move = abs(value - points[0])
        quantum = select((move > 0.0) & (move < quantum), move, quantum)
    return (quantum,), ()


def _multiples(select: Select, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    whole, count = state
    for value in levels:
        move = abs(value - points[0])
        ratio = select((move > 0.0) & (move < math.inf), move / points[1], 0.0)
        counted = (ratio > 1.5) & (ratio < 32.0)
        whole = whole & ((abs(ratio - nearest_whole(ratio)) <= 0.1) | ~counted)
        count = count + select(counted, 1.0, 0.0)
    return (whole, count), ()


_SMALLEST_MOVE = Scan("smallest move", _smallest_move, lambda _: (math.inf,))
_MULTIPLES = Scan("multiples of a quantum", _multiples, lambda _: (True, 0.0))


def _in_quanta(v: Values, off: Any, over: Any) -> Any:
    """Whether small changes are whole multiples of one quantum, and none leaves the window by more than four."""
    (quantum,), _ = _SMALLEST_MOVE([v.y], v.groups[1:], v.levels, 1)
    fine = quantum < over * 2.0**-10
    usual = 64 * ROUNDING * np.abs(v.y)
    ordinary = quantum <= usual  # rounding as everywhere: its quanta are known
    quantum = np.maximum(quantum, 0.25 * usual)
    (whole, count), _ = _MULTIPLES([v.y, quantum], v.groups[1:], v.levels, 2)
    return fine & (ordinary | ((whole != 0) & (count >= 3))) & (off <= 4.0 * quantum)


def _distinct(select: Select, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    """Collect steps and values of the six finest levels with different values."""
    k, newest, *rows = state
    h, value = levels
    moved = abs(value - points[1])
    new = (k < 6.0) & (moved > 0.0) & (moved < math.inf) & ((k == 0.0) | (value != newest))
    made = []
    for i in range(6):
        here = new & (k == float(i))
        made += [select(here, h, rows[2 * i]), select(here, value, rows[2 * i + 1])]
    return (k + select(new, 1.0, 0.0), select(new, value, newest), *made), ()


def _predicts(select: Select, state: Any, points: Any) -> Any:
    k, _, *rows = state
    h, values = rows[::2], rows[1::2]
    finest = abs(values[0] - points[1])
    off = select(finest > points[3], finest, points[3])
    smooth = k >= 5.0
    for i in range(2):
        predicted = 0.0 * k
        for j in range(i + 1, i + 5):
            part = values[j]
            for other in range(i + 1, i + 5):
                if other != j:
                    factor = (h[i] - h[other]) / (h[j] - h[other])
                    part = select(k > float(other - i + 1), part * factor, part)
            predicted = predicted + select(k > float(j - i + 1), part, 0.0)
        smooth = smooth & (abs(predicted - values[i]) <= off * 2.0**-5)
    return smooth | (k == 0.0), (k >= 5.0) | (k == 0.0)


_LEAVES = Scan("leaves smoothly", _distinct, lambda _: (0.0, 0.0, *[1.0, 0.0] * 6), _predicts, backwards=True)


def _leaves_smoothly(v: Values, value: Any, off: Any) -> tuple[Any, Any]:
    """Whether one side is smooth down to its flat levels, as beyond a kink, and whether it has levels enough to say so.

    A polynomial through three or four levels predicts the next finer one: twice to a small share of `off`, or of the
    smallest change, which among rounded values happens once in a thousand times. Levels with the same value, a quantum,
    count once.
    """
    smooth, told = _LEAVES([*v.points, off], [v.h, value], v.levels, 2)[0]
    return smooth != 0.0, told != 0.0
