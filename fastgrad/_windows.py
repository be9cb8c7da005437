"""The windows of a series: the bar of each, and which of them is best.

Compiled once, whatever the function: these kernels only see numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._extrapolation import (
    BARS,
    CENTRAL_EVEN,
    CENTRAL_ODD,
    LEFT,
    RELATIVE,
    RIGHT,
    WIDEST,
    Floats,
    Ints,
    Series,
    interpolate,
    kernel,
    residual,
)

GOOD = 1e-6
"""Windows whose bar is below this share of the local slope compete by their bars, others by that share."""
JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` there are taken for an iteration's."""


class Window(NamedTuple):
    """What is known about the best window: see `best_window`."""

    value: float
    bar: float
    noise: float
    truncation: float
    score: float
    coarse: int
    fine: int


@kernel
def noise_below(s: Series, kind: int, count: int, coarse: int, fine: int) -> float:
    """Noise of one value: the largest deviation, over all finer levels and both parities, from the window."""
    parities = 2 if kind <= CENTRAL_EVEN else 1
    interpolate(s, coarse, fine, parities)
    # a residual of the odd part is half a difference of two values, of the even part half a sum less f0
    main = 1.4142 if kind == CENTRAL_ODD else 0.8165 if kind == CENTRAL_EVEN else 0.7071
    other = 0.8165 if kind == CENTRAL_ODD else 1.4142
    found = 0.0
    for j in range(fine + 1, count):
        found = max(found, main * abs(residual(s, coarse, fine, 0, j)))
        if parities == 2:
            found = max(found, other * abs(residual(s, coarse, fine, 1, j)))
    return found


@kernel
def weigh(s: Series, kind: int, n: int, m: int, count: int, b: int, k: int, scale: int, levels: Ints,
          gains: Floats) -> tuple[float, float]:  # fmt: skip
    """Noise of the window of ``k + 1`` levels that ends at `b`: as measured, and as the bar has to assume it."""
    gain = lever(s, kind, n, m, b, k, scale, levels, gains)
    found = noise_below(s, kind, count, b - k, b)
    if found > 2 * s.conditioned[b]:
        gain *= 1.0 + 1.0 / (count - 1 - b)  # few samples of a noise larger than expected
    return gain * max(found, s.noise[b]), gain * max(found, s.conditioned[b])


@kernel
def lever(s: Series, kind: int, n: int, m: int, b: int, k: int, scale: int, levels: Ints, gains: Floats) -> float:
    """Bar per unit of noise of one value."""
    below = scale - levels[s.index[b]]
    gain = float(BARS * gains[below if 0 <= below < 12 else 0, RIGHT if kind == LEFT else kind, m, k + 1])
    for _ in range(n):
        gain /= s.h[b]
    return gain


@kernel
def best_window(s: Series, kind: int, n: int, m: int, count: int, last: int, scale: int, levels: Ints,
                gains: Floats) -> Window:  # fmt: skip
    """Best window that ends at series position `last` or coarser; `extrapolate` must have run.

    Its bar is `BARS` standard deviations of the noise found on all finer levels (never below the rounding of the
    values), times the gain of the extrapolation, plus the truncation. The score is the bar over the local slope
    scale. Good windows compete by their bars, the others by their scores; the bar that is returned counts the rounding
    of the argument too, which the choice leaves out because it is an assumption. ``coarse`` is -1 if there is none.
    """
    factorial = 1.0
    for i in range(2, n + 1):
        factorial *= i
    # the most promising one first: then nearly all others are ruled out without a look at their noise
    first_b, first_k, first = -1, 0, np.inf
    for b in range(min(count, last + 1)):
        for k in range(m, min(b, WIDEST - 1) + 1):
            size = abs(s.table[b, k]) + s.secant[b] / factorial
            if s.truncation[b, k] < np.inf and size > 0.0:
                bound = s.truncation[b, k] + lever(s, kind, n, m, b, k, scale, levels, gains) * s.noise[b]
                key = bound if bound < GOOD * size else 1e300 * min(bound / size, 1e5)
                if key < first:
                    first, first_b, first_k = key, b, k
    if first_b < 0:
        return Window(np.nan, np.inf, np.inf, np.inf, np.inf, -1, -1)
    b, k = first_b, first_k
    measured, noise = weigh(s, kind, n, m, count, b, k, scale, levels, gains)
    bar = s.truncation[b, k] + measured + RELATIVE * abs(s.table[b, k])
    score = bar / (abs(s.table[b, k]) + s.secant[b] / factorial)
    lowest, fine, wide = score, b, k
    for b in range(min(count, last + 1)):
        for k in range(m, min(b, WIDEST - 1) + 1):
            truncation = s.truncation[b, k]
            size = abs(s.table[b, k]) + s.secant[b] / factorial
            if not (truncation < np.inf and size > 0.0) or (b == first_b and k == first_k):
                continue
            bound = truncation + lever(s, kind, n, m, b, k, scale, levels, gains) * s.noise[b]
            if (bound >= bar or bound >= GOOD * size) if score < GOOD else bound >= 4 * score * size:
                continue
            measured, assumed = weigh(s, kind, n, m, count, b, k, scale, levels, gains)
            this = truncation + measured + RELATIVE * abs(s.table[b, k])
            share = this / size
            if score < GOOD:
                take = share < GOOD and this < bar
            elif share < GOOD:
                take = True
            else:  # a finer one nearly as good wins if its bar is shorter: slopes that tend to 0 as a power of h
                take = share < score or (share > 0.01 and share < 4 * lowest and this < bar)
            lowest = min(lowest, share)
            if take:
                score, bar, noise, fine, wide = share, this, assumed, b, k
    value, truncation = s.table[fine, wide] * factorial, s.truncation[fine, wide] * factorial
    if kind == CENTRAL_ODD and n == 1:
        one = noise / lever(s, kind, n, m, fine, wide, scale, levels, gains)
        noise = max(noise, hidden(s, fine - wide, fine, one))
    noise *= factorial
    return Window(value, truncation + noise + RELATIVE * abs(value), noise, truncation, score, fine - wide, fine)


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
        found = BARS * noise * 2 * abs(s.other[coarse]) / s.secant[coarse]
    if coarse >= 2 and fine - coarse >= 3:
        interpolate(s, coarse, fine, 1)
        jump = abs(residual(s, coarse, fine, 0, coarse - 1))
        for j in range(coarse - 2, -1, -1):
            wider = abs(residual(s, coarse, fine, 0, j))
            if 16 * noise < jump < JUMP * s.secant[j + 1] * s.h[j + 1] and wider < 4 * jump:
                found = max(found, jump / s.h[coarse])
            jump = wider
    return found
