"""Kernel of the round for noise: the window that is best for the noise of fine levels."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any, NamedTuple

from .codegen import Row, Select, last_bit
from .extrapolation import DEVIATIONS
from .fine_levels import FINE, FineNoise
from .flatness import UNKNOWN
from .judge import truncation, weighted
from .noise import FAINT, LOUD, QUIET, SHARP
from .quotients import larger, quotient
from .rounding import APPARENT, CONDITION, COUNTS, RELATIVE, ROUNDING
from .scan import Scan
from .schedule import sliding, step
from .search import compete, window_polynomial
from .verdict import DONE, FINER, JUMP, OPEN, WIDER

COARSE = tuple(range(-2, 7))
"""Levels of the windows: those of waves of frequency 3 to 30 at a noise of 1e-10 to 1e-3."""
MIDDLE = (9, 12, 15)
"""Levels that show whether deviations are as large next to the window as at the finest steps."""
SIMILAR = 8.0
"""Deviations from a window beyond this many standard deviations of the noise of fine levels are structure. Where the
finest levels are flat they are not: the noise of an argument is smallest where the slope vanishes."""
QUANTA = 4.0
"""Errors of values that are computed in few digits, in quanta."""


class _Window(NamedTuple):
    """A window that noise limits; rows."""

    df: Row
    truncation: Row
    noise: Row
    """That of fine levels, or the rounding of the values by their digits: terms that cancel grow with the step."""
    gain: Row
    """Bound per noise of one value."""
    local: Row
    first: Row
    last: Row


class _Levels(NamedTuple):
    """Quotients at all levels from coarse to fine; lists of rows."""

    main: list[Row]
    h: list[Row]
    rise: list[Row]
    fall: list[Row]
    values: list[Any]
    """Pairs above and below."""


def _levels(select: Select, x: Row, y: Row, units: list[Row], values: Any) -> _Levels:
    levels = _Levels([], [], [], [], [])
    pairs = zip(values[::2], values[1::2], strict=True)
    for level, unit, (above, below) in zip((*COARSE, *MIDDLE, *FINE), units, pairs, strict=True):
        main, h = quotient(select, (1, True), (x, y, None), unit * float(step(level)), (above, below))
        for row, new in zip(levels, (main, h, above - y, y - below, (above, below)), strict=True):
            row.append(new)
    return levels


def _best_window(select: Select, levels: _Levels, noise: Row) -> tuple[_Window, list[Row]]:
    """Choose the window with the shortest bound for a noise; return it with the quotients at its levels."""
    table, count = sliding(1, True), len(COARSE)
    zero = 0.0 * noise
    best: list[Row] = []
    secants = [
        larger(select, abs(rise), abs(fall)) / h
        for rise, fall, h in zip(levels.rise[:count], levels.fall[:count], levels.h[:count], strict=True)
    ]
    quantum, noises = zero + math.inf, []
    for above, below in levels.values[:count]:
        for digit in (last_bit(above), last_bit(below)):
            quantum = select((digit > 0.0) & (digit < quantum), digit, quantum)
        noises.append(larger(select, noise, select(quantum < math.inf, quantum * 0.3, 0.0)))
    relative_bound = lowest = bound = zero + math.inf
    spans = [b for _, b in table.windows]
    for a in range(count - spans[0]):
        inverse = 1.0 / levels.h[a]
        coefficients = [levels.main[a]]
        for b in range(1, min(spans[-1], count - 1 - a) + 1):
            rows = levels.main[a : a + b]
            coefficients.append(levels.main[a + b] + weighted(table.value(0, b), rows, levels.main[a + b]))
        corrections = [abs(new - old) for old, new in itertools.pairwise(coefficients)]
        for b in spans:
            if a + b >= count:
                break
            truncation_error = truncation(select, corrections[b - 1], corrections[b - 2], corrections[b - 3])
            gain = inverse * table.noise_gain(0, b)
            ranking_bound = truncation_error + gain * noises[a + b]
            local = abs(coefficients[b]) + secants[a + b]
            allowed = (ranking_bound < math.inf) & (local > 0.0)
            window = _Window(
                coefficients[b], truncation_error, noises[a + b], gain, local, zero + float(a), zero + float(a + b)
            )
            best = best or [*_Window(zero + math.nan, zero + math.inf, noise, zero, zero, zero - 1.0, zero)]
            this, wins = compete(select, allowed, ranking_bound, local, bound, relative_bound, lowest)
            relative_bound, bound = select(wins, this, relative_bound), select(wins, ranking_bound, bound)
            lowest = select(this < lowest, this, lowest)
            best = [select(wins, new, old) for new, old in zip(window, best, strict=True)]
    w = _Window(*best)
    chosen: list[Row] = []
    for a in range(count - spans[0]):
        rows = [levels.main[min(a + k, count - 1)] for k in range(spans[-1] + 1)]
        chosen = [select(w.first == float(a), new, old) for new, old in zip(rows, chosen or rows, strict=True)]
    return w, chosen


def _fit(select: Select, w: _Window, chosen: list[Row]) -> list[Row]:
    """Return base and coefficients of the polynomial of a window."""
    fit: list[Row] = []
    for _, b in sliding(1, True).windows:
        rows = window_polynomial(chosen, b, Fraction(1, 4))
        fit = [select(w.last == w.first + float(b), new, old) for new, old in zip(rows, fit or rows, strict=True)]
    return fit


class _Deviations(NamedTuple):
    """How finer levels deviate from a window, and the jump beyond it at coarser levels; rows."""

    largest: Row
    near: Row
    """Largest deviation before the fine levels."""
    top: Row
    """First and last level with a significant deviation."""
    bottom: Row
    count: Row
    sign_changes: Row
    curvature: Row
    """Second difference over the first differences at the first level of the window."""
    jump: Row


def _deviations(select: Select, levels: _Levels, w: _Window, fit: list[Row], ratio: Row, y: Row, noise: Row
                ) -> _Deviations:  # fmt: skip
    """Take all levels once, from fine to coarse; `ratio` is that of the units of fine and coarse levels."""
    base, *coefficients = fit
    zero = 0.0 * noise
    inverse_square = zero + 1.0
    for a, level in enumerate(COARSE):
        inverse_square = select(w.first == float(a), 1.0 / float(step(level)) ** 2, inverse_square)
    square_of_fine = inverse_square * (ratio * ratio)
    largest = near = count = sign_changes = last_off = curvature = jump = finer = finer_move = zero
    top, bottom = zero, zero - 1.0
    numbers = (*COARSE, *MIDDLE, *FINE)
    for k in reversed(range(len(numbers))):
        h, rise, fall = levels.h[k], levels.rise[k], levels.fall[k]
        s = (inverse_square if numbers[k] < FINE[0] else square_of_fine) * float(step(numbers[k])) ** 2
        total = coefficients[-1]
        for c in coefficients[-2::-1]:
            total = total * s + c
        off = (levels.main[k] - (base + total)) * h
        off = select(abs(off) < math.inf, off, 0.0)
        size = abs(off)
        is_finer = w.last < float(k)
        finer_size = select(is_finer, size, 0.0)
        largest = larger(select, largest, finer_size)
        if numbers[k] < FINE[0]:
            near = larger(select, near, finer_size)
        loud = is_finer & (size >= noise * (1.0 / LOUD)) & (size > 0.0)
        bottom = select(loud & (bottom < 0.0), float(numbers[k]), bottom)
        top = select(loud, float(numbers[k]), top)
        count = count + select(loud, 1.0, 0.0)
        sign_changes = sign_changes + select(loud & (off * last_off < 0.0), 1.0, 0.0)
        last_off = select(loud, off, last_off)
        if k >= len(COARSE):
            continue
        move = larger(select, abs(rise), abs(fall))
        curvature = select(w.first == float(k), abs(rise - fall) * 0.5 / (h * move), curvature)
        # a level next to the window jumps if the next coarser one does not deviate by much more
        is_jump = (w.first > float(k + 1)) & (finer > (largest + abs(y) * ROUNDING) * 16.0)
        is_jump = is_jump & (finer < finer_move * JUMP) & (size < finer * 4.0)
        jump = select(is_jump & (finer > jump), finer, jump)
        finer, finer_move = size, move
    return _Deviations(largest, near, top, bottom, count, sign_changes, curvature, jump)


def _quantum(select: Select, y: Row, values: Any) -> Row:
    """Return the relative quantum of values with few digits; 0 for all others."""
    relative, count = 0.0 * y + 1.0, 0.0 * y
    for value in values:
        use = (abs(value) < math.inf) & (value != 0.0) & (value != y)
        ratio = last_bit(value) / abs(value)
        relative = select(use & (ratio < relative), ratio, relative)
        count = count + select(use, 1.0, 0.0)
    is_known = (relative * 0.3 > APPARENT * ROUNDING) & (relative * 0.3 < COUNTS) & (count >= 8.0)
    return select(is_known, relative, 0.0)


class NoisyResult(NamedTuple):
    """Result of the round; rows."""

    df: Row
    bound: Row
    scale: Row
    is_resolved: Row
    verdict: Row
    """Whether wider or finer steps may improve the result."""


def _judge(select: Select, _state: Any, points: Any) -> Any:
    x, y, unit, fine_unit, noise, turns, is_flat, *values = points
    zero, flat = 0.0 * noise, is_flat != 0.0
    units = [unit] * len(COARSE + MIDDLE) + [fine_unit] * len(FINE)
    levels = _levels(select, x, y, units, values)
    quantum = select(noise > 0.0, 0.0, _quantum(select, y, values))
    noise = larger(select, noise, quantum * abs(y) * 0.3)
    w, chosen = _best_window(select, levels, noise)
    d = _deviations(select, levels, w, _fit(select, w, chosen), fine_unit / unit, y, noise)
    widest = zero
    for a, level in enumerate(COARSE):
        widest = select(w.first == float(a), unit * float(step(level)), widest)
    # few deviations are a small sample of the noise
    value_noise = larger(select, w.noise, d.largest * math.sqrt(2.0)) * (1.0 + 2.0 / (d.count + 1.0))
    argument = abs(x) * w.local * (ROUNDING * CONDITION)
    # noise may be that of an argument inside `f`, as in ((x + 1e8) - 1e8)**2: the slope is then that of a neighbour
    gain = larger(select, w.gain, d.curvature * (2 * DEVIATIONS))
    bound = w.truncation + larger(select, value_noise, argument) * gain
    bound = larger(select, bound + abs(w.df) * RELATIVE, d.jump / widest)
    is_resolved = (w.first >= 0.0) & (noise > 0.0) & (bound < w.local * select(flat, zero + SHARP, zero + UNKNOWN))
    is_resolved = is_resolved & (d.largest <= w.local * widest * select(flat, zero + FAINT, zero + QUIET))
    is_noise = (d.count >= 4.0) & (d.bottom - d.top >= 8.0) & (d.sign_changes + turns >= 2.0)
    is_noise = is_noise & (flat | (d.largest <= noise * SIMILAR))
    is_noise = is_noise & (d.bottom >= float(FINE[0])) & (d.near >= d.largest * 0.125)  # equally large at all steps
    in_quanta = d.largest <= quantum * QUANTA * (abs(y) + abs(x * w.df))
    is_resolved = is_resolved & (is_noise | in_quanta)
    is_wide = is_resolved & (w.first == 0.0) & (w.truncation * 2.0 < bound)
    is_narrow = (w.first < 0.0) | (w.first >= float(len(COARSE) - 5))
    is_narrow = is_narrow | ((w.last == float(len(COARSE) - 1)) & (w.truncation * 2.0 > bound))
    other = select(is_narrow, zero + float(FINER), select(is_resolved, zero + float(DONE), zero + float(OPEN)))
    return NoisyResult(w.df, bound, w.local, is_resolved, select(is_wide, zero + float(WIDER), other))


_JUDGE = Scan("noise round", finish=_judge)


def judge_noisy(
    x: Row, y: Row, units: tuple[Row, Row], fine: FineNoise, coarse_values: Any, fine_values: Any
) -> NoisyResult:
    """Judge values at coarse and fine levels, whose steps are in `units`; shapes (levels, 2, points)."""
    rows = [x, y, *units, *fine[:3], *coarse_values.reshape(-1, x.size), *fine_values.reshape(-1, x.size)]
    return NoisyResult(*_JUDGE(rows, [], 1, len(NoisyResult._fields))[0])
