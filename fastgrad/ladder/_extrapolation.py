"""Extrapolation over a ladder of steps: the value and the truncation of every window of neighbouring levels.

Compiled once, whatever the function: these kernels only see numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._point import LEVELS, Floats, Point, kernel, per_step, step_of
from ._rounding import CONDITION, LEAST, ROUNDING

WIDEST = 8
"""Most levels in a window."""
LANES = 8
"""Levels that are compared with a window at a time."""
ROOM = LEVELS + LANES
"""Length of the rows of a series: the last go of lanes may reach beyond the levels."""

CENTRAL_ODD, CENTRAL_EVEN, RIGHT, LEFT = 0, 1, 2, 3
"""Series: odd part in h^2, even part in h^2, right and left quotient in h."""


def _step(below: int) -> float:
    """Step of the level `below` the scale, without the odd factor, in units of the scale."""
    return 2.0**-below if below < 4 else 3 / 32 if below == 4 else 2.0 ** (1 - below)


def _gain(kind: int, steps: Floats) -> Floats:
    """Root mean square of the lowest Taylor coefficients for unit noise in the values, times ``steps[-1]^n``.

    `steps` holds a ladder in every column; so does the result. Columns together: one by one they took 11 ms of every
    start.
    """
    h = steps / steps[-1]
    t = h if kind == RIGHT else h * h
    lagrange = np.zeros((4, *t.shape))  # coefficients, from the lowest, of the polynomial that is 1 at one level
    lagrange[0] = 1.0
    for i in range(len(t)):
        others = np.arange(len(t)) != i
        product = lagrange[:, others] * -t[i]
        product[1:] += lagrange[:-1, others]
        lagrange[:, others] = product / (t[others] - t[i])
    each = lagrange / (h * h if kind == CENTRAL_EVEN else h)
    squares = np.sum(each * each, axis=1)
    if kind == CENTRAL_ODD:
        squares /= 2
    else:  # the value at the point itself has a part in every quotient
        squares = (squares if kind == RIGHT else squares / 2) + np.sum(each, axis=1) ** 2
    gains: Floats = np.sqrt(squares)
    return gains


def _gains() -> Floats:
    """All gains: finest level below the scale (0: far below), kind, coefficient, number of levels."""
    table = np.zeros((12, 3, 4, WIDEST + 1))
    finest = [40, *range(1, 12)]
    steps = np.array([[_step(level - back) for level in finest] for back in reversed(range(WIDEST))])
    for kind in (CENTRAL_ODD, CENTRAL_EVEN, RIGHT):
        for count in range(1, WIDEST + 1):
            table[:, kind, :, count] = _gain(kind, steps[-count:]).T
    return table


GAINS = _gains()


Series = Any
"""One record of `SERIES`."""

SERIES = np.dtype(
    [(name, np.float64, (ROOM,)) for name in
     ("h", "t", "value", "weight", "other", "other_weight", "noise", "conditioned", "secant", "ratio", "per")]
    + [("index", np.int64, (ROOM,)), ("divided", np.float64, (2, WIDEST, ROOM)),
       ("coefficient", np.float64, (4, WIDEST, ROOM))]
    + [(name, np.float64, (WIDEST, ROOM)) for name in ("table", "truncation", "lever", "bound", "size")]
    + [(name, np.float64, (LANES,)) for name in ("lane", "other_lane")]
)  # fmt: skip
"""One series of quotients from coarse to fine, and all its windows.

``value[i]`` is a power series in ``t[i]`` of which one coefficient is wanted; ``weight[i]`` turns its residuals into
residuals of function values; `other` is the series of the other parity, which must be as smooth; `noise` is the
rounding of the values alone, `conditioned` with the rounding of the argument; `secant` the steeper of the two secants,
divided by the step once for every further order of the derivative; `index` the place of the level on the ladder.

Of the window of ``k + 1`` levels that ends at position ``b``, ``table[k, b]`` is the wanted coefficient,
``truncation[k, b]`` its error without noise, ``lever[k, b]`` the bar per unit of noise, ``bound[k, b]`` the bar that
rounding alone leaves, ``size[k, b]`` the local slope scale. ``divided[parity, k, a]`` is the divided difference of the
``k + 1`` levels that begin at ``a``. Windows side by side lie side by side in memory: the loops over them vectorise.
"""


@kernel
def fill(q: Point, kind: int, n: int, scale: int, s: Series) -> int:
    """Write one series from the values on the ladder; return how many levels it has."""
    k = 0
    x, f0 = q.x, q.f0
    for i in range(q.count):
        step = step_of(q.levels[i], scale)
        hp, hm = (x + step) - x, x - (x - step)
        p, m = q.above[i], q.below[i]
        if kind <= CENTRAL_EVEN:
            if not (np.isfinite(p) and np.isfinite(m)):
                continue
            h = 0.5 * (hp + hm)
            t = h * h
            odd, even = (p - m) / (2 * h), ((p - f0) / hp - (f0 - m) / hm) / (2 * h)
            size = max(abs(p), abs(m))
            slope = max(abs(p - f0), abs(m - f0)) / h
            if kind == CENTRAL_ODD:
                s.value[k], s.weight[k], s.other[k], s.other_weight[k] = odd, h, even, t
            else:
                s.value[k], s.weight[k], s.other[k], s.other_weight[k] = even, t, odd, h
                size = max(size, abs(f0))
        else:
            v = p if kind == RIGHT else m
            if not np.isfinite(v):
                continue
            h = hp if kind == RIGHT else hm
            t = h if kind == RIGHT else -h
            s.value[k], s.weight[k] = (v - f0) / t, h
            size, slope = max(abs(v), abs(f0)), abs(v - f0) / h
        noise = max(q.rounding * size, q.grains[i]) + LEAST
        if not (noise < np.inf and abs(s.value[k]) < np.inf and slope < np.inf):
            continue
        s.h[k], s.t[k], s.noise[k] = h, t, noise
        s.conditioned[k] = noise + ROUNDING * CONDITION * abs(x) * slope
        s.secant[k] = per_step(slope, h, n - 1)
        s.index[k] = i
        k += 1
    for j in range(k, k + LANES):
        s.t[j] = s.value[j] = s.other[j] = s.weight[j] = s.other_weight[j] = 0.0
    return k


@kernel
def differences(s: Series, count: int, parities: int) -> None:
    """Divided differences of all windows, of one parity or both: their interpolating polynomials."""
    for j in range(count):
        s.divided[0, 0, j] = s.value[j]
        s.divided[1, 0, j] = s.other[j]
    for parity in range(parities):
        for k in range(1, min(WIDEST, count)):
            for j in range(count - k):
                rise = s.divided[parity, k - 1, j + 1] - s.divided[parity, k - 1, j]
                s.divided[parity, k, j] = rise / (s.t[j + k] - s.t[j])


@kernel
def residual(s: Series, coarse: int, fine: int, parity: int, j: int) -> float:
    """Deviation of level `j` from the polynomial of the window, as a deviation of function values."""
    t = s.t[j]
    p = s.divided[parity, fine - coarse, coarse]
    for i in range(fine - coarse - 1, -1, -1):
        p = p * (t - s.t[coarse + i]) + s.divided[parity, i, coarse]
    if parity == 0:
        return float((s.value[j] - p) * s.weight[j])
    return float((s.other[j] - p) * s.other_weight[j])


@kernel
def extrapolate(s: Series, m: int, count: int) -> None:
    """Neville's table of coefficient `m` for all windows, and an estimate of the truncation error of each."""
    for c in range(m + 1):
        for b in range(count):
            s.coefficient[c, 0, b] = s.value[b] if c == 0 else 0.0
    for k in range(1, min(WIDEST, count)):
        for b in range(k, count):
            s.per[b] = 1.0 / (s.t[b - k] - s.t[b])
            s.ratio[b] = s.t[b] * s.per[b]
        for c in range(m + 1):
            for b in range(k, count):
                v = s.coefficient[c, k - 1, b]
                s.coefficient[c, k, b] = v + (v - s.coefficient[c, k - 1, b - 1]) * s.ratio[b]
            if c > 0:
                for b in range(k, count):
                    rise = s.coefficient[c - 1, k - 1, b - 1] - s.coefficient[c - 1, k - 1, b]
                    s.coefficient[c, k, b] += rise * s.per[b]
    for k in range(min(WIDEST, count)):
        for b in range(k, count):
            s.table[k, b] = s.coefficient[m, k, b]
    for k in range(min(WIDEST, count)):
        truncate(s, m, count, k)


@kernel
def truncate(s: Series, m: int, count: int, k: int) -> None:
    """Estimate the truncation error of all windows of ``k + 1`` levels.

    It is what the finest level of a window changed, times the rate at which such changes shrank before; one that
    shrank by chance does not count, and windows of three levels or fewer get no credit at all.
    """
    if k < m or (k == m and m > 0):
        for b in range(k, count):
            s.truncation[k, b] = np.inf
    elif k == m:
        for b in range(k, count - 1):
            s.truncation[k, b] = 2 * abs(s.value[b] - s.value[b + 1])
    elif k == m + 1:
        for b in range(k, count):
            s.truncation[k, b] = abs(s.table[k, b] - s.table[k - 1, b - 1])
    elif k == m + 2:
        for b in range(k, count):
            last = abs(s.table[k, b] - s.table[k - 1, b - 1])
            before = abs(s.table[k - 1, b - 1] - s.table[k - 2, b - 2])
            s.truncation[k, b] = remainder(last, max(last / before, 0.5) if before > 0.0 else 0.55)
    else:
        for b in range(k, count):
            last = abs(s.table[k, b] - s.table[k - 1, b - 1])
            before = abs(s.table[k - 1, b - 1] - s.table[k - 2, b - 2])
            earlier = abs(s.table[k - 2, b - 2] - s.table[k - 3, b - 3])
            rate_before = before / earlier if earlier > 0.0 else 0.0
            last = max(last, before * min(rate_before, 1.0) * 0.25)
            rate = max(last / before, rate_before * 0.25) if before > 0.0 else 0.55
            s.truncation[k, b] = remainder(last, rate)
    s.truncation[k, count - 1] = np.inf  # the finest level is there to be looked at: nothing finer checks it


@kernel
def remainder(last: float, rate: float) -> float:
    """Estimate what is left after a change `last` when changes shrink by `rate`; slower than by half, do not gain."""
    # a power of h that is not whole: the rest of a geometric series
    rest = 1.0 if rate <= 0.6 else min(8.0, max(1.0, 2.5 * rate / max(1.0 - rate, 0.125)))
    return float(last * (2.0 * rate if rate < 0.5 else rest))
