"""Points whose values have noise down to the finest levels: `n` of 1 from both sides, before the last search."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .codegen import Row, Select, last_bit
from .extrapolation import DEVIATIONS
from .judge import truncation, weighted
from .noise import FAINT, LOUD, QUIET, SHARP, count_turns
from .quotients import larger
from .rounding import APPARENT, CONDITION, COUNTS, RELATIVE, ROUNDING, quanta
from .scan import Scan
from .schedule import sliding
from .search import Fit, Values, compete, deviation, window_polynomial
from .verdict import JUMP

FINE_LEVELS = 8
"""The finest levels at which the values change: there their noise is measured."""
FLAT = 18
"""Level from which on equal values show an argument rounded inside `f`; at coarser levels they may be stairs."""
VISIBLE = 64.0
"""Second differences beyond this many roundings of a value are noise."""
DIGITS = 2.0**-32
"""Values whose last bit is larger, relative to them, have few digits."""
QUANTA = 4.0
"""Errors of values that are computed in few digits, in quanta."""
WIDE = 12
"""Levels from the scale down whose windows are wide."""


def _second_differences(select: Select, state: Any, points: Any, levels: Any, level: Row) -> Any:
    largest, finest, turns, last, last_rise = state
    y, count = points[1], points[3]
    _h, above, below = levels
    difference = (above - y) - (y - below)
    size = abs(difference)
    use = (level >= count - float(FINE_LEVELS)) & (size < math.inf)
    largest = select(use & (size > largest), size, largest)
    finest = select(use & (level >= count - 0.5 * FINE_LEVELS) & (size > finest), size, finest)
    rise = select(use, difference - last, 0.0)
    rise = select(abs(rise) >= largest * (1.0 / LOUD), rise, 0.0)
    turns, last_rise = count_turns(select, turns, rise, last_rise)
    return (largest, finest, turns, select(use, difference, last), last_rise), ()


_SECOND_DIFFERENCES = Scan("second differences", _second_differences, lambda _: (0.0,) * 5,
                           lambda _s, state, _p: state[:3], backwards=True)  # fmt: skip


class Noise(NamedTuple):
    """Noise of the values; rows."""

    size: Row
    """Standard deviation of one value, 0 if none is visible."""
    quantum: Row
    """Relative quantum of values with few digits; 0 for all others."""
    end: Row
    """Number of levels less those at which all finer values are equal to that at the point."""

    def at(self, index: Any) -> Noise:
        """Return some of the points."""
        return Noise(*(a[index] for a in self))

    def after(self, coarse_levels: int) -> Noise:
        """Return the noise of values with further coarse levels."""
        return self._replace(end=self.end + coarse_levels)


def _second_difference_noise(v: Values, first: int, end: Row) -> Row:
    """Return the noise at the last `FINE_LEVELS` levels before `end`, none of which is coarser than `first`; or 0.

    Second differences are noise if they do not decay from the first four levels to the last four, or hardly decay and
    go up and down. Those of a kink decay to a sixteenth.
    """
    fine = v.finer(first)
    largest, last, turns = _SECOND_DIFFERENCES([*v.points, end - first], fine.groups, fine.levels, 3)[0]
    noise = largest / math.sqrt(6.0)
    is_visible = (noise > VISIBLE * ROUNDING * np.abs(v.y)) & (last >= np.where(turns >= 2, 0.125, 0.4) * largest)
    return np.where(is_visible, noise, 0.0)


def visible_noise(v: Values) -> Noise:
    """Measure the noise of values that is visible at the finest levels.

    Where an argument is rounded inside `f`, as to float32, the values at the finest levels are equal, and those before
    have noise. Values with few digits, as those of float32, have the noise of their rounding.
    """
    finest = v.values[v.levels - FINE_LEVELS : v.levels]
    noise = _second_difference_noise(v, v.levels - FINE_LEVELS, float(v.levels))
    quantum, end = np.zeros(noise.shape), np.full(noise.shape, float(v.levels))
    flat = np.flatnonzero((noise == 0) & (finest[-1] == v.y).all(axis=0))
    if flat.size:
        part = v if flat.size == noise.size else v.at(flat)
        is_equal = (part.values[: v.levels] == part.y).all(axis=1)
        first_equal = v.levels - np.logical_and.accumulate(is_equal[::-1]).sum(axis=0).astype(np.float64)
        of_argument = _second_difference_noise(part, FLAT - FINE_LEVELS, first_equal)
        noise[flat], end[flat] = np.where(first_equal >= FLAT, of_argument, 0.0), first_equal
    digits = last_bit(finest[-1]) / np.abs(finest[-1])
    short = np.flatnonzero((noise == 0) & ((digits > DIGITS) & (digits < COUNTS / 0.3)).all(axis=0))
    if short.size:
        rounding = quanta(v if short.size == noise.size else v.at(short)).rounding
        rounding = np.where((rounding > APPARENT * ROUNDING) & (rounding < COUNTS), rounding, 0.0)
        noise[short], quantum[short] = rounding * np.abs(v.y[short]), rounding / 0.3
    return Noise(noise, quantum, end)


class _LimitedWindow(NamedTuple):
    """A window that noise limits; rows."""

    df: Row
    truncation: Row
    gain: Row
    """Bound per noise of one value."""
    local: Row
    last: Row
    first: Row
    h: Row
    """Step at the first level."""


@cache
def _limited() -> Scan:
    """Choose the window with the shortest bound for a given noise; each level is judged as the finest of a set."""
    table = sliding(1, True)
    last, fields = table.extrapolated - 1, len(_LimitedWindow._fields)
    gains = {b: table.noise_gain(0, b) for _, b in table.windows}
    kept = len(table.windows) - 1  # secants are needed where windows end

    def body(select: Select, state: Any, points: Any, levels: Any, level: Row) -> Any:
        relative_bound, lowest, bound, *rows = state
        best, chosen, rows = rows[:fields], rows[fields : fields + last + 1], rows[fields + last + 1 :]
        mains, secants = rows[:last], rows[last:]
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
            truncation_error = truncation(select, corrections[b - 1], corrections[b - 2], corrections[b - 3])
            gain = gains[b] / unit
            ranking_bound = truncation_error + gain * noise
            local = abs(coefficients[b]) + secants[b - last + kept]
            allowed = (level >= float(last)) & (ranking_bound < math.inf) & (local > 0.0)
            this, wins = compete(select, allowed, ranking_bound, local, bound, relative_bound, lowest)
            new_best = _LimitedWindow(
                coefficients[b], truncation_error, gain, local, level - float(last - b), level - float(last), unit
            )
            relative_bound, bound = select(wins, this, relative_bound), select(wins, ranking_bound, bound)
            lowest = select(this < lowest, this, lowest)
            best = [select(wins, new, old) for new, old in zip(new_best, best, strict=True)]
            chosen = [select(wins, new, old) for new, old in zip(mains, chosen, strict=True)]
        return (relative_bound, lowest, bound, *best, *chosen, *mains[1:], *secants[1:]), ()

    def finish(select: Select, state: Any, _points: Any) -> Any:
        best, mains = _LimitedWindow(*state[3 : 3 + fields]), state[3 + fields : 3 + fields + last + 1]
        fit: list[Row] = []
        for _, b in table.windows:
            rows = window_polynomial(mains, b, Fraction(1, 4))
            is_this = best.last == best.first + float(b)
            fit = [select(is_this, new, old) for new, old in zip(rows, fit or rows, strict=True)]
        return (*best, *fit)

    none = _LimitedWindow(math.nan, math.inf, math.inf, 0.0, 0.0, -1.0, 1.0)
    start = (math.inf, math.inf, math.inf, *none, *[0.0] * (last + 1), *[math.nan] * (last + kept))
    return Scan(f"limited by noise {table}", body, lambda _: start, finish)


class _FinerLevels(NamedTuple):
    """How finer levels deviate from a window, and the jump beyond it at coarser levels; rows."""

    largest: Row
    near: Row
    """Largest deviation of the next six levels."""
    span: Row
    last: Row
    """Last level with a significant deviation."""
    count: Row
    sign_changes: Row
    curvature: Row
    """Second difference over the first differences at the first level of the window."""
    jump: Row


def _deviate(select: Select, state: Any, points: Any, levels: Any, level: Row) -> Any:
    """Take all levels once, from fine to coarse: first those finer than the window, then those coarser."""
    largest, near, top, bottom, count, sign_changes, last_off, curvature, jump, finer, finer_move = state
    y, noise, fit = points[1], points[3], points[4:]
    first, last = fit[:2]
    h, above, below = levels
    off = deviation(select, (1, True), points, fit, h, levels[1:])
    size = abs(off)
    is_finer = (level > last) & (first >= 0.0)
    finer_size = select(is_finer, size, 0.0)
    largest = larger(select, largest, finer_size)
    near = select((level <= last + 6.0) & (finer_size > near), finer_size, near)
    loud = is_finer & (size >= noise * (1.0 / LOUD)) & (size > 0.0)
    bottom = select(loud & (level > bottom), level, bottom)
    top = select(loud, level, top)
    count = count + select(loud, 1.0, 0.0)
    sign_changes = sign_changes + select(loud & (off * last_off < 0.0), 1.0, 0.0)
    rise, fall = above - y, y - below
    move = larger(select, abs(rise), abs(fall))
    curvature = select(level == first, abs(rise - fall) * 0.5 / (h * move), curvature)
    # one of the five levels next to the window jumps if the next coarser one does not deviate by much more
    before = level + 1.0
    is_jump = (before >= first - 5.0) & (before < first)
    is_jump = is_jump & (finer > (largest + ROUNDING * abs(y)) * 16.0) & (finer < finer_move * JUMP)
    is_jump = is_jump & (size < finer * 4.0)
    jump = select(is_jump & (finer > jump), finer, jump)
    last_off = select(loud, off, last_off)
    return (largest, near, top, bottom, count, sign_changes, last_off, curvature, jump, size, move), ()


def _finer_levels(_select: Select, state: Any, _points: Any) -> Any:
    largest, near, top, bottom, count, sign_changes, _, curvature, jump, *_ = state
    return _FinerLevels(largest, near, bottom - top, bottom, count, sign_changes, curvature, jump)


_DEVIATE = Scan(
    "deviations of noise", _deviate, lambda _: (0.0, 0.0, 0.0, -1.0, *[0.0] * 7), _finer_levels, backwards=True
)


def _deviations(v: Values, fit: Fit, noise: Row | float) -> _FinerLevels:
    rows = [*v.points, noise, *fit.rows]
    return _FinerLevels(*_DEVIATE(rows, v.groups, v.levels, len(_FinerLevels._fields))[0])


def jump_beyond(v: Values, fit: Fit) -> Row:
    """Return the error that an iteration may hide inside a window: the jump at coarser steps over the coarsest step.

    An iteration that stops earlier or later when the argument moves jumps by its own error. Within the window it may be
    smooth and wrong by as much (Kepler's equation by a fixed point to 1e-6: bounds of 1e-14 for errors of 1e-6). A jump
    is as large at one step as at the next; truncation grows tenfold or more.
    """
    return np.where(fit.first >= 0, _deviations(v, fit, 0.0).jump / fit.h, 0.0)


def resolve_noise(v: Values, noise: Noise, coarse_levels: int) -> tuple[Row, Row, Row, Row]:
    """Differentiate at points whose values have noise down to the finest levels.

    The window is the best for the noise of the finest levels. It is accepted if all finer levels deviate from it as
    noise does; for values with a quantum, if they deviate by a few quanta at most, of the value and of the argument.

    Returns
    -------
    df, bound, scale, is_resolved : row
        Derivative, bound, local slope scale, and whether the window is accepted.
    """
    extrapolated, fields = sliding(1, True).extrapolated, len(_LimitedWindow._fields)
    rows, _ = _limited()([*v.points, noise.size], v.groups, v.levels, fields + 1 + extrapolated)
    w, (base, *coefficients) = _LimitedWindow(*rows[:fields]), rows[fields:]
    d = _deviations(v, Fit(w.first, w.last, w.h, base, tuple(coefficients)), noise.size)
    value_noise = np.maximum(noise.size, math.sqrt(2.0) * d.largest)
    argument = ROUNDING * CONDITION * np.abs(v.x) * w.local
    # noise may be that of an argument inside `f`, as in ((x + 1e8) - 1e8)**2: the slope is then that of a neighbour
    gain = np.maximum(w.gain, 2 * DEVIATIONS * d.curvature)
    bound = w.truncation + np.maximum(value_noise, argument) * gain
    bound = np.fmax(bound + RELATIVE * np.abs(w.df), d.jump / w.h)
    is_resolved = (w.first >= 0) & (w.first < coarse_levels + WIDE) & (noise.size > 0) & (bound < SHARP * w.local)
    is_resolved &= d.largest <= w.local * w.h * np.where(noise.end < v.levels, FAINT, QUIET)
    is_noise = (d.count >= 4) & (d.span >= 8) & (d.sign_changes >= 2) & (d.last >= noise.end - FINE_LEVELS)
    is_noise &= d.near >= 0.125 * d.largest  # equally large at all steps
    is_resolved &= is_noise | (d.largest <= QUANTA * noise.quantum * (np.abs(v.y) + np.abs(v.x * w.df)))
    return w.df, bound, w.local, is_resolved
