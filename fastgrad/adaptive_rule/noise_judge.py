"""Kernel of the round for noise: whether finer levels deviate from the best window as noise does."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

from ..compilation.rows import Row, Rows, Select, last_bit
from .extrapolation import DEVIATIONS
from .fine_levels import FEWEST, FINE, FINEST_MIDDLE, fine_noise
from .flatness import UNKNOWN
from .noise import FAINT, LOUD, QUIET, SHARP, count_turns, is_jump
from .noise_windows import STARTS, Levels, NoisyWindow, coarse_levels, middle_levels
from .quotients import larger
from .round_kernels import Round
from .rounding import APPARENT, CONDITION, COUNTS, RELATIVE, ROUNDING
from .schedule import step
from .verdict import DONE, FINER, NEARBY, OPEN, WIDER

SIMILAR = 12.0
"""Deviations from a window beyond this many standard deviations of the noise of fine levels are structure. Where the
finest levels are flat they are not: the noise of an argument is smallest where the slope vanishes."""
AGAIN = 5
"""Verdict: fine levels with other steps, another sample of the noise, may show it."""
QUANTA = 4.0
"""Errors of values that are computed in few digits, in quanta."""


class _Deviations(NamedTuple):
    """How finer levels deviate from a window, and the jump beyond it at coarser levels; rows."""

    largest: Row
    near: Row
    """Largest deviation before the fine levels."""
    top: Row
    """First and last level with a significant deviation."""
    bottom: Row
    count: Row
    reversals: Row
    """Changes of their sign; where all share the noise of the value at the point, changes of direction, less two."""
    curvature: Row
    """Second difference over the first differences at the first level of the window; with the jump for `n` of 1."""
    jump: Row


def _deviations(levels: Levels, w: NoisyWindow, ratio: Row, noise: Row) -> _Deviations:
    """Take all levels once, from fine to coarse; `ratio` is that of the units of fine and coarse levels."""
    select, y, zero = levels.select, levels.y, levels.zero
    base, *coefficients = levels.fit(w)
    power, shares_noise = 2 if levels.two_sided else 1, not (levels.two_sided and levels.n % 2)
    inverse = levels.at_first(w, [float(step(level)) ** -power for level in levels.numbers])
    inverse_of_fine = inverse * (ratio * ratio if levels.two_sided else ratio)
    largest = near = count = reversals = last_off = last_rise = curvature = jump = finer = finer_move = zero
    top, bottom = zero, zero - 1.0
    for k, number in reversed(list(enumerate(levels.numbers))):
        h, is_fine = levels.h[k], number > FINEST_MIDDLE
        s = (inverse_of_fine if is_fine else inverse) * float(step(number)) ** power
        total = coefficients[-1]
        for c in coefficients[-2::-1]:
            total = total * s + c
        off = (levels.main[k] - (base + total)) * h
        off = select(abs(off) < math.inf, off * h if power == 2 and shares_noise else off, 0.0)
        size = abs(off)
        is_finer = w.last < float(k)
        finer_size = select(is_finer, size, 0.0)
        largest = larger(select, largest, finer_size)
        if not is_fine:
            near = larger(select, near, finer_size)
        loud = is_finer & (size >= noise * (1.0 / LOUD)) & (size > 0.0)
        bottom = select(loud & (bottom < 0.0), float(number), bottom)
        top = select(loud, float(number), top)
        count = count + select(loud, 1.0, 0.0)
        if shares_noise:
            rise = select(loud & (count > 1.0) & (abs(off - last_off) >= noise * (1.0 / LOUD)), off - last_off, 0.0)
            reversals, last_rise = count_turns(select, reversals, rise, last_rise)
        else:
            reversals = reversals + select(loud & (off * last_off < 0.0), 1.0, 0.0)
        last_off = select(loud, off, last_off)
        if k >= levels.count:
            continue
        move, is_first = levels.moves[k], w.first == float(k)
        if (levels.n, levels.two_sided) != (1, True):
            continue
        rise, fall = levels.changes[k]
        curvature = select(is_first, abs(rise - fall) * 0.5 / (h * move), curvature)
        jumps = (w.first > float(k + 1)) & is_jump(finer, finer_move, size, largest, y)
        jump = select(jumps & (finer > jump), finer, jump)
        finer, finer_move = size, move
    return _Deviations(largest, near, top, bottom, count, reversals - (2.0 if shares_noise else 0.0), curvature, jump)


def _quantum(select: Select, y: Row, values: Rows) -> Row:
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
    verdict: Row
    """Whether wider or finer steps may improve the result; AGAIN where other fine levels may; NEARBY where fine levels
    are flat, and wider ones may show the noise."""
    is_resolved: Row


@cache
def noise_round(n: int, side: int) -> Round:
    """Return the round for noise.

    Its extra rows are the units of coarse and of fine levels, and how many of these must not be flat.
    """
    #: From a deviation to the standard deviation of one value.
    weight = (math.sqrt(2.0) if n % 2 else math.sqrt(2.0 / 3.0)) if side == 0 else math.sqrt(0.5)
    coarse = coarse_levels(n, side == 0) + middle_levels(n, side == 0)
    levels_of_fine = FINE[side == 0]
    fine_values = len(levels_of_fine) * (1 if side else 2)

    def judge(select: Select, x: Row, y: Row, _u: Row, extras: Rows, values: Rows) -> NoisyResult:
        unit, fine_unit, fewest = extras
        fine = fine_noise(select, y, fewest, values[-fine_values:])
        noise, turns, is_flat = fine.noise, fine.turns, fine.is_flat
        levels = Levels(select, n, side, (x, y, unit, fine_unit, *values))
        zero, flat, end = levels.zero, is_flat, float(levels.count - 1)
        quantum = _quantum(select, y, values)
        noise = larger(select, noise, quantum * abs(y) * 0.3)
        w = levels.best_window(noise)
        d = _deviations(levels, w, fine_unit / unit, noise)
        h = levels.at_first(w, levels.h)
        # of `f` over the widest step, both sides, if it goes on as over the finest: it may turn within the window
        change = w.secant * 2.0 * abs(h)
        # few deviations are a small sample of the noise
        value_noise = larger(select, w.noise, d.largest * weight) * (1.0 + 2.0 / (d.count + 1.0))
        argument = abs(x) * w.secant * (ROUNDING * CONDITION)
        # noise may be that of an argument inside `f`, as in ((x + 1e8) - 1e8)**2: the slope is then that of a neighbour
        gain = larger(select, w.gain, d.curvature * (2 * DEVIATIONS))
        bound = w.truncation + larger(select, value_noise, argument) * gain
        bound = larger(select, bound + abs(w.df) * RELATIVE, d.jump / abs(h))
        is_resolved = (w.first >= 0.0) & (noise > 0.0) & (bound < w.local * select(flat, zero + SHARP, zero + UNKNOWN))
        is_resolved = is_resolved & (d.largest <= change * select(flat, zero + FAINT, zero + QUIET))
        is_noise = (
            (d.count >= 4.0) & (d.bottom - d.top >= 8.0) & (d.reversals + turns >= select(flat, zero + 1.0, zero + 2.0))
        )
        is_noise = is_noise & (flat | (d.largest * weight <= noise * SIMILAR))
        is_noise = is_noise & (d.bottom > float(FINEST_MIDDLE)) & (d.near >= d.largest * 0.125)  # as large at all steps
        in_quanta = d.largest <= quantum * QUANTA * (abs(y) + abs(x * w.secant))
        is_silent = flat & (fine.noise == 0.0) & (fewest == float(FEWEST))
        is_resolved = fine.is_noisy & ~is_silent & is_resolved & (is_noise | in_quanta)
        is_wide = is_resolved & (w.first == 0.0) & (w.truncation * 2.0 < bound)
        is_narrow = (w.first < 0.0) | (w.first >= float(STARTS))
        is_narrow = is_narrow | ((w.last == end) & (w.truncation * 2.0 > bound))
        decision = select(is_narrow, zero + float(FINER), select(is_resolved, zero + float(DONE), zero + float(OPEN)))
        decision = select(fine.is_noisy, select(is_wide, zero + float(WIDER), decision), zero + float(OPEN))
        again = (decision == float(OPEN)) & (fine.is_loud | fine.is_noisy)
        decision = select(again, zero + float(AGAIN), decision)
        return NoisyResult(w.df, bound, w.local, select(is_silent, zero + float(NEARBY), decision), is_resolved)

    steps = tuple(float(step(level)) for level in (*coarse, *levels_of_fine))
    units = (0,) * len(coarse) + (1,) * len(levels_of_fine)
    return Round(f"noise {n} {side}", side, steps, units, 3, judge, NoisyResult)
