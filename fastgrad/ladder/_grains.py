"""Where fine levels contradict a window of coarser ones: rounded values, or a function that is like that there."""

from __future__ import annotations

import numpy as np

from ._asking import ask
from ._extrapolation import Series, residual
from ._noise import change_over, loudest, noise_like
from ._point import ENOUGH, Floats, Point, kernel, scale_of, step_of
from ._rounding import COUNTS, ROUNDING
from ._windows import GOOD, SHARP, UNKNOWN, Window, best_window, coefficient_of

STAIRS, FINE_STAIRS, SURE = 2.0**-3, 2.0**-7, 2.0**-10
"""Deviations of a window that are a smaller share of the change of `f` there may be those of rounding, are more likely
those of rounding than of the steps of a stair, and are taken for it."""
CONVERGES = 1e-8
"""Score of a window of four levels that is no noise: noise has no octaves of convergence unless it is flat."""


@kernel
def through_noise(q: Point, s: Series, kind: int, n: int, count: int, w: Window, flat: bool) -> tuple[Window, bool]:
    """Look for a coarser window than `w`, the best, which the finer levels leave only because they are noise.

    Returns the window to go on with, and whether it is that one. Asks for finer levels where there are too few to say.
    """
    last = w.fine if flat else -1
    for j in range(count):
        if q.levels[s.index[j]] >= q.levels[s.index[w.fine]] + 4:
            last = max(last, j)
    if last < 0:
        return w, False
    wide = best_window(s, kind, n, count, 0, last, GOOD)
    apart = flat or abs(wide.value - w.value) > w.bar + wide.bar
    if wide.coarse < 0 or not apart or not wide.score < SHARP:
        return w, False
    verdict = noise_like(q, s, count, wide.coarse, wide.fine, flat)
    if verdict < 0 and q.count < ENOUGH - 6:
        for d in range(2, 13, 2):
            ask(q, q.levels[s.index[wide.fine]] - d, q.coarsest, 5)
    return (wide, True) if verdict == 1 else (w, False)


@kernel
def grainy(q: Point, s: Series, count: int, coarse: int, fine: int) -> int:
    """Tell whether exactly flat levels below a window are those of a function with grains (1), or not (0); -1: unclear.

    Small changes of such a function are whole multiples of one grain, and none leaves the window by more than four.
    """
    f0, grain, change = q.f0, np.inf, 0.0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            off = abs(v - f0)
            if 0.0 < off < grain:
                grain = off
            if j <= s.index[fine] and off < np.inf:
                change = max(change, off)
    if not grain < change * 2.0**-10:
        return 0
    usual = 64 * ROUNDING * abs(f0)
    multiples = 3 if grain <= usual else 0  # rounding as everywhere: its grains are known
    grain = max(grain, 0.25 * usual)
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            ratio = abs(v - f0) / grain
            if grain > usual and 1.5 < ratio < 32.0:
                if abs(ratio - np.floor(ratio + 0.5)) > 0.1:
                    return 0
                multiples += 1
    for j in range(fine + 1, count):
        if abs(residual(s, coarse, fine, 0, j)) > 4.0 * grain:
            return 0
    return 1 if multiples >= 3 else -1


@kernel
def leaves_smoothly(q: Point, values: Floats, off: float, h: Floats, v: Floats) -> tuple[bool, bool]:
    """Whether one side is smooth down to its flat levels, as beyond a kink, and whether it has levels enough to say so.

    A polynomial through three or four levels predicts the next finer one: twice to a small share of `off`, or of the
    smallest change, which among rounded values happens once in a thousand times. Levels with the same value, a grain,
    count once.
    """
    scale, k = scale_of(q.x), 0
    for j in range(q.count - 1, -1, -1):
        if k < 6 and 0.0 < abs(values[j] - q.f0) < np.inf and (k == 0 or values[j] != v[k - 1]):
            h[k], v[k] = step_of(q.levels[j], scale), values[j]
            k += 1
    if k < 5:
        return k == 0, k == 0
    off = max(off, abs(v[0] - q.f0))
    for i in range(2):
        predicted = 0.0
        for j in range(i + 1, i + k - 1):
            part = v[j]
            for m in range(i + 1, i + k - 1):
                if m != j:
                    part *= (h[i] - h[m]) / (h[j] - h[m])
            predicted += part
        if not abs(predicted - v[i]) <= off * 2.0**-5:
            return False, True
    return True, True


@kernel
def parted(q: Point, s: Series, last: int, coarse: int, fine: int, side: int) -> tuple[float, bool]:
    """How far the levels down to the first flat one, after `last`, leave a window, as a share of the change there.

    Infinite where that is certainly no rounding, because each side that has been looked at is smooth down to where it
    becomes flat. And whether there were levels enough to say so.
    """
    most = loudest(s, coarse, fine, last + 1, 1)
    smooth, told = True, True
    if side >= 0:
        smooth, told = leaves_smoothly(q, q.above, most, s.lane, s.other_lane)
    if side <= 0:
        left, left_told = leaves_smoothly(q, q.below, most, s.lane, s.other_lane)
        smooth, told = smooth and left, told and left_told
    return np.inf if smooth else most / change_over(q, s, fine), told


@kernel
def beyond_flat(q: Point, s: Series, kind: int, n: int, count: int, flat: int, flat_bar: float, side: int
                ) -> tuple[Window, bool, float]:  # fmt: skip
    """Judge what the levels say that are coarser than the flat ones, from `flat` on, or ask for more of them.

    Returns their best window, whether its slope is taken rather than 0, and the slope at most where that is in doubt:
    neither of the two answers can then be ruled out.
    """
    last = -1
    for j in range(count):
        if s.index[j] < flat:
            last = j
    wide = best_window(s, kind, n, count, 0, last, GOOD)
    most = abs(wide.value) + wide.bar
    if wide.coarse < 0 or most <= flat_bar or q.rounding > COUNTS or (n == 1 and wide.score >= UNKNOWN):
        return wide, False, 0.0
    clear = 0 if side == 0 and n == 1 else grainy(q, s, count, wide.coarse, wide.fine)
    if clear == 1 and wide.score < SHARP:
        return wide, True, 0.0
    share, told = parted(q, s, last, wide.coarse, wide.fine, side)
    if (clear < 0 or (share < STAIRS and not told)) and q.count < ENOUGH - 6:
        for d in range(6):
            ask(q, q.levels[flat] + d, q.coarsest, 6)
    doubtful = share < STAIRS and not (told and share < SURE)
    return wide, told and share < FINE_STAIRS and wide.score < UNKNOWN, most if doubtful else 0.0


@kernel
def ripple(q: Point, s: Series, kind: int, n: int, count: int, w: Window) -> float:
    """How far from a window finer ones may be that contradict it, as those of a ripple do; 0 if none does.

    A ripple looks like noise to steps that are longer than its waves; finer windows are sure of another slope, which
    the quotients reach smoothly. With a part of `f` that is rounded they jump there, from one grain to none: that is
    noise after all. Asks for the levels in between where they are not known.
    """
    levels, first, m = q.levels, w.fine + 1, coefficient_of(kind, n)
    while first < count and levels[s.index[first]] > levels[s.index[w.fine]] - 4:
        first += 1
    if first >= count - m - 1:
        return 0.0
    other = best_window(s, kind, n, count, first, count, np.inf)
    apart = abs(other.value - w.value)
    if not apart > 2 * (other.bar + w.bar):
        return 0.0
    j = count - 1
    while m == 0 and j > 0 and abs(s.value[j] * n - other.value) <= 0.25 * apart:
        j -= 1
    if j < count - 1:
        if levels[s.index[j]] - levels[s.index[j + 1]] > 1 and q.count < ENOUGH - 6:
            for level in range(levels[s.index[j + 1]] + 1, levels[s.index[j]]):
                ask(q, level, q.coarsest, 6)
        elif abs(s.value[j + 1] * n - other.value) < 0.02 * apart:
            return 0.0
    return float(apart + other.bar)
