"""Noise: how finer levels deviate from a window, and what of that is noise of the values."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .codegen import last_bit
from .extrapolation import DEVIATIONS
from .judge import JUMP, Select, larger, truncation, weighted
from .rounding import APPARENT, CONDITION, COUNTS, RELATIVE, ROUNDING, quanta
from .scan import Scan
from .schedule import sliding
from .search import COARSER, Fit, Values, compete, deviation, window_polynomial

QUIET, FAINT = 2.0**-7, 2.0**-10
"""Noise is at most this share of the change of `f` over a window; the second where the fine levels are exactly flat."""
LOUD = 16.0
"""Deviations within this factor of the largest are significant."""


def _about_constant(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    most, fine, turns, *each = state
    made: list[Any] = []
    for k, value in enumerate(levels[1:]):
        last, rising = each[2 * k : 2 * k + 2]
        off = value - points[1]
        use = abs(off) < math.inf
        size = select(use, abs(off), 0.0)
        most = select(size > most, size, most)
        fine = select((level >= points[3] + 8.0) & (size > fine), size, fine)
        rise = select(use, off - last, 0.0)
        turns = turns + select(rise * rising < 0.0, 1.0, 0.0)
        made += [select(use, off, last), select(rise != 0.0, rise, rising)]
    return (most, fine, turns, *made), ()


def _is_about_constant(_select: Select, state: Any, _points: Any) -> Any:
    return ((state[2] >= 2.0) & (state[1] >= state[0] * 0.125),)


_ABOUT_CONSTANT = {
    sides: Scan(
        f"about constant {sides}", _about_constant, lambda _, sides=sides: (0.0,) * (3 + 2 * sides), _is_about_constant,
        backwards=True,
    )
    for sides in (1, 2)
}  # fmt: skip


def is_noise_about_constant(v: Values, top: Any) -> Any:
    """Whether all changes are those of noise about a constant; `top` is the first level with a value.

    Such changes do not grow over eight octaves, and they go up and down from level to level.
    """
    scan = _ABOUT_CONSTANT[2 if v.two_sided else 1]
    return scan([*v.points, top], v.groups, v.levels, 1)[0][0] != 0.0


class Deviations(NamedTuple):
    """How the finer levels deviate from a window; rows."""

    largest: Any
    most: Any
    """The largest but one: one level alone may be next to a singular point."""
    moved: Any
    """How far `f` moves at most down to the end of the window."""
    count: Any
    """How many deviations are significant."""
    span: Any
    """Over how many levels."""
    signs: Any
    """How often they change their sign; from one side, where all share the noise of the value at the point, how often
    they turn."""

    def are_noise(self, flat: Any) -> Any:
        """Tell whether finer levels leave a window because of noise; else it is structure.

        Noise is small against what `f` does over the window, as loud at all levels, and changes its sign. `flat` tells
        where the finest levels are exactly flat.
        """
        small = (self.most > 0.0) & (self.most <= self.moved * np.where(flat, FAINT, QUIET))
        loud = (self.count >= 4) & (self.span >= np.where(flat, 6, 8))
        return small & loud & (self.signs >= np.where(flat, 1, 2))


@cache
def _deviations(series: tuple[int, bool]) -> tuple[Scan, Scan]:
    def off(select: Select, points: Any, levels: Any, level: Any, fit: Any) -> Any:
        its = deviation(select, series, points, fit, levels[0], levels[1:])
        return select((level > fit[2]) & (fit[0] >= 0.0), its, 0.0)

    def sizes(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        largest, most, moved = state
        fit = points[3:]
        size = abs(off(select, points, levels, level, fit))
        lesser = select(size < largest, size, largest)
        most = select(lesser > most, lesser, most)
        for value in levels[1:]:
            move = abs(value - points[1])
            moved = select((level <= fit[2]) & (move > moved) & (move < math.inf), move, moved)
        return (select(size > largest, size, largest), most, moved), ()

    def signs(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        top, bottom, count, signs, turns, last, rising = state
        most, *fit = points[3:]
        its = off(select, points, levels, level, fit)
        least = most * (1.0 / LOUD)
        loud = (abs(its) >= least) & (its != 0.0)
        top = select(loud & (level < top), level, top)
        signs = signs + select(loud & (its * last < 0.0), 1.0, 0.0)
        rise = select(loud & (abs(its - last) >= least), its - last, 0.0)
        turns = turns + select(rise * rising < 0.0, 1.0, 0.0)
        rising = select(rise != 0.0, rise, rising)
        count = count + select(loud, 1.0, 0.0)
        return (top, select(loud, level, bottom), count, signs, turns, select(loud, its, last), rising), ()

    def together(select: Select, state: Any, _points: Any) -> Any:
        top, bottom, count, signs, turns, _, _ = state
        if not series[1]:
            signs = larger(select, signs, turns - 2.0)
        return count, bottom - top, signs

    return (
        Scan(f"deviations {series}", sizes, lambda _: (0.0,) * 3),
        Scan(f"signs {series}", signs, lambda _: (1e9, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0), together),
    )


def deviations(v: Values, fit: Fit) -> Deviations:
    """Look at how the finer levels deviate from windows."""
    first, second = _deviations(v.series)
    sizes, _ = first([*v.points, *fit.rows], v.groups, v.levels, 3)
    return Deviations(*sizes, *second([*v.points, sizes[1], *fit.rows], v.groups, v.levels, 3)[0])


def _jump_over(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    found, wider = state
    noise, *fit = points[3:]
    y, frame, first = points[1], fit[0], fit[1]
    off = abs(deviation(select, (1, True), points, fit, levels[0], levels[1:]))
    off = select((frame >= 0.0) & (level < first) & (level >= frame - float(COARSER)), off, 0.0)
    moved = y * 0.0
    for value in levels[1:]:
        move = abs(value - y)
        moved = select((move > moved) & (move < math.inf), move, moved)
    is_jump = (level >= first - 5.0) & (level < first) & (level >= 1.0) & (noise < off) & (off < moved * JUMP)
    is_jump = is_jump & (wider < off * 4.0)
    return (select(is_jump & (off > found), off, found), off), ()


_JUMP_OVER = Scan("jump over", _jump_over, lambda _: (0.0, 0.0), lambda _s, state, _p: state[:1])


def jump_beyond(v: Values, fit: Fit, d: Deviations) -> Any:
    """Error that an iteration may hide inside a window: the jump at coarser steps, over the coarsest of the window.

    An iteration that stops earlier or later when the argument moves jumps by what it leaves undone; within the window
    it may be smooth and wrong by as much (Kepler's equation by a fixed point to 1e-6: bounds of 1e-14 for errors of
    1e-6). A jump is as large at one step as at the next; what a polynomial leaves grows tenfold or more.
    """
    noise = 16 * (d.largest + ROUNDING * np.abs(v.y))
    (jump,), _ = _JUMP_OVER([*v.points, noise, *fit.rows], v.groups, v.levels, 1)
    coarsest = fit.h * 2.0 ** -(fit.first - fit.frame)
    return np.where((fit.last - fit.first >= 3) & (fit.frame >= 0), jump / coarsest, 0.0)


FINE = 8
"""How many of the finest levels show the noise of the values, if they have any."""
VISIBLE = 64.0
"""Noise is visible that is so many times the rounding of a value."""
DIGITS = 2.0**-32
"""Values whose last bit is larger, relative to them, have few digits."""
QUANTA = 4.0
"""Values that are computed in few digits may be off by so many quanta."""
WIDE = 12
"""Levels from the scale down whose windows are wide."""
SHARP = 0.02
"""Relative bound of a window that may be believed against finer levels; beyond, it may be one of noise alone."""


def _second_differences(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    most, finest, turns, last, rising = state
    y, count = points[1], points[3]
    _h, above, below = levels
    difference = (above - y) - (y - below)
    size = abs(difference)
    use = (level >= count - float(FINE)) & (size < math.inf)
    most = select(use & (size > most), size, most)
    finest = select(use & (level >= count - 0.5 * FINE) & (size > finest), size, finest)
    rise = select(use, difference - last, 0.0)
    rise = select(abs(rise) >= most * (1.0 / LOUD), rise, 0.0)
    turns = turns + select(rise * rising < 0.0, 1.0, 0.0)
    return (most, finest, turns, select(use, difference, last), select(rise != 0.0, rise, rising)), ()


_SECOND_DIFFERENCES = Scan("second differences", _second_differences, lambda _: (0.0,) * 5, backwards=True)


def visible_noise(v: Values) -> tuple[Any, Any]:
    """Noise of one value as a standard deviation, 0 if none is seen; and the quantum of the values relative to them.

    The second differences at the finest levels show the noise: it is as large there as at coarser ones, and goes up and
    down; a kink does neither. Values with few digits, as those of float32, have the noise of their rounding. Other
    values have the quantum 0.
    """
    finest = v.values[v.levels - FINE : v.levels]
    levels = [v.h[-FINE:], *(finest[:, side] for side in range(2))]
    most, last, turns, *_ = _SECOND_DIFFERENCES([*v.points, FINE], levels, FINE, 5)[0]
    noise = most / math.sqrt(6.0)
    noise = np.where((noise > VISIBLE * ROUNDING * np.abs(v.y)) & (turns >= 2) & (last >= 0.125 * most), noise, 0.0)
    quantum = np.zeros(noise.shape)
    digits = last_bit(finest[-1]) / np.abs(finest[-1])
    short = np.flatnonzero((noise == 0) & ((digits > DIGITS) & (digits < COUNTS / 0.3)).all(axis=0))
    if short.size:
        rounding = quanta(v.at(short)).rounding
        rounding = np.where((rounding > APPARENT * ROUNDING) & (rounding < COUNTS), rounding, 0.0)
        noise[short], quantum[short] = rounding * np.abs(v.y[short]), rounding / 0.3
    return noise, quantum


class _Window(NamedTuple):
    """A window that noise limits, as far as its own levels tell; rows."""

    df: Any
    truncation: Any
    gain: Any
    """Bound per noise of one value."""
    local: Any
    last: Any
    """Level at which the window ends, the first level of its set, and the step there."""
    frame: Any
    h: Any


@cache
def _limited() -> Scan:
    """Choose the window with the shortest bound for a known noise; each level is judged as the finest of a set."""
    table = sliding(1, True)
    last, fields = table.extrapolated - 1, len(_Window._fields)
    gains = {b: table.noise_gain(0, b) for _, b in table.windows}
    kept = len(table.windows) - 1  # secants are needed where windows end

    def body(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        share, lowest, bound, *rest = state
        best, chosen, rest = rest[:fields], rest[fields : fields + last + 1], rest[fields + last + 1 :]
        mains, secants = rest[:last], rest[last:]
        y, noise = points[1], points[3]
        h, above, below = levels
        mains = [*mains, (above - below) * 0.5 / h]
        secants = [*secants, larger(select, abs(above - y), abs(y - below)) / h]
        coefficients = [mains[0]]
        for b in range(1, last + 1):
            coefficients.append(mains[b] + weighted(table.value(0, b), mains[:b], mains[b]))
        corrections = [abs(new - old) for old, new in itertools.pairwise(coefficients)]
        unit = h * 2.0**last
        for _, b in table.windows:
            rest_error = truncation(select, corrections[b - 1], corrections[b - 2], corrections[b - 3])
            gain = gains[b] / unit
            measured = rest_error + gain * noise
            local = abs(coefficients[b]) + secants[b - last + kept]
            allowed = (level >= float(last)) & (measured < math.inf) & (local > 0.0)
            this, wins = compete(select, allowed, measured, local, bound, share, lowest)
            own = coefficients[b], rest_error, gain, local, level - float(last - b), level - float(last), unit
            share, bound = select(wins, this, share), select(wins, measured, bound)
            lowest = select(this < lowest, this, lowest)
            best = [select(wins, new, old) for new, old in zip(own, best, strict=True)]
            chosen = [select(wins, new, old) for new, old in zip(mains, chosen, strict=True)]
        return (share, lowest, bound, *best, *chosen, *mains[1:], *secants[1:]), ()

    def finish(select: Select, state: Any, _points: Any) -> Any:
        best, own = state[3 : 3 + fields], state[3 + fields : 3 + fields + last + 1]
        ends = [best[4] == best[5] + float(b) for _, b in table.windows]
        made = [window_polynomial(own, 0, b, Fraction(1, 4)) for _, b in table.windows]
        fit = made[0]
        for is_this, rows in zip(ends[1:], made[1:], strict=True):
            fit = [select(is_this, new, old) for new, old in zip(rows, fit, strict=True)]
        return (*best, *fit)

    start = (math.inf, math.inf, math.inf, math.nan, *[math.inf] * 2, 0.0, 0.0, -1.0, 1.0, *[0.0] * (last + 1),
             *[math.nan] * (last + kept))  # fmt: skip
    return Scan(f"limited by noise {table}", body, lambda _: start, finish)


def _deviate(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    """Look at all deviations once, from fine to coarse: noise, then what jumps at the levels beyond the window."""
    largest, beside, top, bottom, count, signs, last_off, nearby, jump, finer, finer_move = state
    y, noise, fit = points[1], points[3], points[4:]
    frame, first, last = fit[:3]
    h, above, below = levels
    off = deviation(select, (1, True), points, fit, h, levels[1:])
    size = abs(off)
    inside = (level > last) & (frame >= 0.0)
    its = select(inside, size, 0.0)
    largest = larger(select, largest, its)
    beside = select((level <= last + 6.0) & (its > beside), its, beside)
    loud = inside & (size >= noise * (1.0 / LOUD)) & (size > 0.0)
    bottom = select(loud & (level > bottom), level, bottom)
    top = select(loud, level, top)
    count = count + select(loud, 1.0, 0.0)
    signs = signs + select(loud & (off * last_off < 0.0), 1.0, 0.0)
    rise, fall = above - y, y - below
    ratio = abs(rise - fall) * 0.5 / (h * larger(select, abs(rise), abs(fall)))
    nearby = select(level == frame, ratio, nearby)
    # a level that the window does not reach jumps if the next coarser one is not off by much more
    move = larger(select, abs(rise), abs(fall))
    before = level + 1.0
    is_jump = (before >= first - 5.0) & (before < first) & (before >= frame - float(COARSER))
    is_jump = is_jump & (finer > (largest + ROUNDING * abs(y)) * 16.0) & (finer < finer_move * JUMP)
    is_jump = is_jump & (size < finer * 4.0)
    jump = select(is_jump & (finer > jump), finer, jump)
    return (largest, beside, top, bottom, count, signs, select(loud, off, last_off), nearby, jump, size, move), ()


_DEVIATE = Scan(
    "deviations of noise", _deviate, lambda _: (0.0, 0.0, 0.0, -1.0, *[0.0] * 7), lambda _s, state, _p: (
        state[0], state[1], state[3] - state[2], state[3], state[4], state[5], state[7], state[8]
    ), backwards=True,
)  # fmt: skip


def settle_noise(v: Values, noise: Any, quantum: Any, reserve: int) -> tuple[Any, Any, Any, Any]:
    """Settle points whose values have noise down to the finest levels, n = 1 from both sides.

    The window is chosen by the noise of the finest levels, and believed if all levels that are finer deviate from it as
    noise does; of values with a `quantum`, if they deviate by a few quanta at most, of the value and of the argument.
    Returns derivative, bound, local slope scale and whether a point is settled.
    """
    extrapolated = sliding(1, True).extrapolated
    levels = min(v.levels, reserve + WIDE + extrapolated - 1)  # windows of finer levels are not believed
    rows, _ = _limited()([*v.points, noise], v.groups, levels, len(_Window._fields) + 1 + extrapolated)
    w = _Window(*rows[: len(_Window._fields)])
    base, *coefficients = rows[len(_Window._fields) :]
    fit = Fit(w.frame, w.frame, w.last, w.h, base, tuple(coefficients))
    largest, beside, span, finest, count, signs, nearby, jump = _DEVIATE(
        [*v.points, noise, *fit.rows], v.groups, v.levels, 8
    )[0]
    found = np.maximum(noise, math.sqrt(2.0) * largest)
    argument = ROUNDING * CONDITION * np.abs(v.x) * w.local
    # noise may be that of an argument inside `f`, as in ``((x + 1e8) - 1e8)**2``: the slope is then nearby
    bound = w.truncation + np.maximum(found, argument) * np.maximum(w.gain, 2 * DEVIATIONS * nearby)
    bound = np.fmax(bound + RELATIVE * np.abs(w.df), jump / w.h)
    moved = w.local * w.h
    settled = (w.frame >= 0) & (w.frame < reserve + WIDE) & (noise > 0) & (bound < SHARP * w.local)
    settled &= largest <= moved * QUIET
    # noise that is the same at all steps
    is_noise = (count >= 4) & (span >= 8) & (signs >= 2) & (finest >= v.levels - FINE) & (beside >= 0.125 * largest)
    settled &= is_noise | (largest <= QUANTA * quantum * (np.abs(v.y) + np.abs(v.x * w.df)))
    return w.df, bound, w.local, settled
