"""The windows of a series: the bar of each, and which of them is best.

Compiled once, whatever the function: these kernels only see numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._extrapolation import (
    CENTRAL_EVEN,
    CENTRAL_ODD,
    GAINS,
    LANES,
    RIGHT,
    WIDEST,
    Series,
    differences,
    extrapolate,
    fill,
    residual,
)
from ._noise import JUMP
from ._point import Ints, Point, kernel, per_step, scale_of
from ._rounding import BARS, LEAST, RELATIVE

SINGLE = 1.5 * BARS
"""The same for one side, whose noise is measured at half as many values."""
AIM = 1e-13
"""A bar of this score is not improved on."""
GOOD = 1e-6
"""Windows of scores below compete by their bars, others by their scores."""
SHARP = 0.02
"""Score of a window that may be believed against finer levels; beyond, it may be one of noise alone."""
UNKNOWN = 0.5
"""Beyond this score not even the size of the derivative is known."""


class Window(NamedTuple):
    """A window that has been chosen: the derivative, its bar and what that is made of, and its ends as positions."""

    value: float
    bar: float
    noise: float
    truncation: float
    score: float
    size: float
    coarse: int
    fine: int


@kernel
def coefficient_of(kind: int, n: int) -> int:
    """Which coefficient of the power series belongs to the derivative of order `n`."""
    return n - 1 if kind >= RIGHT else (n - 1) // 2


@kernel
def factorial(n: int) -> float:
    """From a Taylor coefficient to a derivative."""
    product = 1.0
    for i in range(2, n + 1):
        product *= i
    return product


@kernel
def lever_of(s: Series, kind: int, n: int, b: int, k: int, below: int) -> float:
    """Bar per unit of noise of the window of ``k + 1`` levels that ends at `b`, so many levels `below` the scale."""
    one_sided = kind >= RIGHT
    gain = float(GAINS[below if 0 <= below < 12 else 0, RIGHT if one_sided else kind, coefficient_of(kind, n), k + 1])
    return float(per_step(gain * (SINGLE if one_sided else BARS), s.h[b], n))


@kernel
def prepare(s: Series, kind: int, n: int, count: int, scale: int, levels: Ints) -> None:
    """Extrapolate all windows, and write down what `best_window` compares them by."""
    differences(s, count, 2 if kind <= CENTRAL_EVEN else 1)
    m = coefficient_of(kind, n)
    extrapolate(s, m, count)
    times = factorial(n)
    for k in range(m, min(WIDEST, count)):
        for b in range(k, count):
            s.lever[k, b] = lever_of(s, kind, n, b, k, scale - levels[s.index[b]])
        for b in range(k, count):
            s.bound[k, b] = s.truncation[k, b] + s.lever[k, b] * s.noise[b] + RELATIVE * abs(s.table[k, b])
            s.size[k, b] = abs(s.table[k, b]) + s.secant[b] / times


@kernel
def weigh(s: Series, kind: int, count: int, b: int, k: int, most: float) -> tuple[float, float]:
    """Noise of the window of ``k + 1`` levels that ends at `b`: as measured, and as the bar has to assume it.

    The noise of one value is the largest deviation from the window, over all finer levels and both parities. The search
    ends early when the window has more than `most`, and with that has lost.
    """
    # a residual of the odd part is half a difference of two values, of the even part half a sum less f0
    main = 1.4142 if kind == CENTRAL_ODD else 0.8165 if kind == CENTRAL_EVEN else 0.7071
    other = 0.8165 if kind == CENTRAL_ODD else 1.4142 if kind == CENTRAL_EVEN else 0.0
    found, lever, a = 0.0, s.lever[k, b], b - k
    enough = most / lever
    for start in range(b + 1, count, LANES):
        for i in range(LANES):
            s.lane[i], s.other_lane[i] = s.divided[0, k, a], s.divided[1, k, a]
        for c in range(k - 1, -1, -1):
            node, p, q = s.t[a + c], s.divided[0, c, a], s.divided[1, c, a]
            for i in range(LANES):
                apart = s.t[start + i] - node
                s.lane[i] = s.lane[i] * apart + p
                s.other_lane[i] = s.other_lane[i] * apart + q
        for i in range(LANES):
            j = start + i
            off = main * abs((s.value[j] - s.lane[i]) * s.weight[j])
            found = off if off > found else found  # not `max`: what is not a number says nothing
            off = other * abs((s.other[j] - s.other_lane[i]) * s.other_weight[j])
            found = off if off > found else found
        if found > enough:
            break
    if found > 2 * s.conditioned[b]:
        lever *= 1.0 + 1.0 / (count - 1 - b)  # few samples of a noise larger than expected
    return lever * max(found, s.noise[b]), lever * max(found, s.conditioned[b])


@kernel
def best_window(s: Series, kind: int, n: int, count: int, first: int, last: int, good: float) -> Window:
    """Best window between the series positions `first` and `last`; `prepare` must have run.

    Its bar is `BARS` standard deviations of the noise found on all finer levels (never below the rounding of the
    values), times the gain of the extrapolation, plus the truncation. The score is the bar over the local slope
    scale. Windows with scores below `good` compete by their bars, the others by their scores; the bar that is returned
    counts the rounding of the argument too, which the choice leaves out because it is an assumption. ``coarse`` is -1
    if there is none.
    """
    m = coefficient_of(kind, n)
    least = 0.0 if good < np.inf else LEAST  # where bars alone count there need be no slope
    # the most promising one first: then nearly all others are ruled out without a look at their noise
    first_b, first_k, lowest = -1, 0, np.inf
    for b in range(first, min(count, last + 1)):
        for k in range(m, min(b - first, WIDEST - 1) + 1):
            bound, size = s.bound[k, b], max(s.size[k, b], least)
            if bound < np.inf and size > 0.0:
                key = bound if bound < good * size else 1e300 * min(bound / size, 1e5)
                if key < lowest:
                    lowest, first_b, first_k = key, b, k
    if first_b < 0:
        return Window(np.nan, np.inf, np.inf, np.inf, np.inf, 0.0, -1, -1)
    b, k = first_b, first_k
    measured, noise = weigh(s, kind, count, b, k, np.inf)
    bar = s.truncation[k, b] + measured + RELATIVE * abs(s.table[k, b])
    score = bar / max(s.size[k, b], least)
    lowest, fine, wide = score, b, k
    for b in range(first, min(count, last + 1)):
        for k in range(m, min(b - first, WIDEST - 1) + 1):
            bound, size = s.bound[k, b], max(s.size[k, b], least)
            if not (bound < np.inf and size > 0.0) or (b == first_b and k == first_k):
                continue
            # beyond this bar it neither wins nor comes near enough to matter
            most = min(bar, good * size) if score < good else size * max(score, 4 * lowest)
            if bound >= most:
                continue
            measured, assumed = weigh(s, kind, count, b, k, 1.001 * most)
            this = s.truncation[k, b] + measured + RELATIVE * abs(s.table[k, b])
            share = this / size
            if score < good:
                take = share < good and this < bar
            elif share < good:
                take = True
            else:  # of those to come, a finer one nearly as good wins if its bar is shorter: slopes like a power of h
                take = share < score or (share > 0.01 and share < 4 * lowest and this < bar)
            lowest = min(lowest, share)
            if take:
                score, bar, noise, fine, wide = share, this, assumed, b, k
    times = factorial(n)
    value, truncation = s.table[wide, fine] * times, s.truncation[wide, fine] * times
    if kind == CENTRAL_ODD and n == 1:
        noise = max(noise, hidden(s, fine - wide, fine, noise / s.lever[wide, fine]))
    noise *= times
    bar = truncation + noise + RELATIVE * abs(value)
    return Window(value, bar, noise, truncation, score, abs(value) + s.secant[fine], fine - wide, fine)


@kernel
def hidden(s: Series, coarse: int, fine: int, noise: float) -> float:
    """Error that the steps inside a window cannot show, for `noise` of one value.

    What looks like noise of the values may be noise of an argument inside `f`, the same at all coarse steps:
    ``((x + 1e8) - 1e8)**2``. Then the slope found is the slope nearby, and a wide step does not make it better. And an
    iteration that stops earlier or later when the argument moves jumps at coarser steps by what it leaves undone;
    within the window it may be smooth and wrong by as much (Kepler's equation by a fixed point to 1e-6: bars of 1e-14
    for errors of 1e-6). A jump is as large at one step as at the next; what a polynomial leaves grows tenfold or more.
    """
    found = 0.0
    if s.secant[coarse] > 0.0:
        found = BARS * noise * (2 * abs(s.other[coarse]) / s.secant[coarse])  # their product may overflow
    if coarse >= 2 and fine - coarse >= 3:
        jump = abs(residual(s, coarse, fine, 0, coarse - 1))
        for j in range(coarse - 2, -1, -1):
            wider = abs(residual(s, coarse, fine, 0, j))
            if 16 * noise < jump < JUMP * s.secant[j + 1] * s.h[j + 1] and wider < 4 * jump:
                found = max(found, jump / s.h[coarse])
            jump = wider
    return found


@kernel
def series_window(q: Point, kind: int, n: int, s: Series, good: float) -> tuple[Window, int]:
    """Fill one series, extrapolate it and choose its best window; and how many levels the series has."""
    scale = scale_of(q.x)
    count = fill(q, kind, n, scale, s)
    prepare(s, kind, n, count, scale, q.levels)
    return best_window(s, kind, n, count, 0, count, good), count
