"""The first look of the ladder: the same fifteen evaluations for every point, judged by straight-line arithmetic.

Most points of most functions need no more. The loops here have no branches and no calls, so that they run on vector
registers; whatever they do not accept goes on, with its values, to the state machine of `advance`. What is accepted
here is judged by the rules of `best_window`, for the five windows that win in practice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._extrapolation import BARS, CONDITION, GAINS, RELATIVE, ROUNDING, Floats, Ints, kernel
from ._judgement import AIM

STEPS = (0.125, 0.09375, 0.0625, 0.03125, 0.015625, 0.0078125, 1.1547005383792515 * 2.0**-17)
"""Steps over the scale of the point: the levels 3 to 8 and 18 below it."""
PLANES = 2 * len(STEPS)

_EXPONENT = 0x7FF << 52
_T = tuple(h * h for h in STEPS)


def _lagrange(nodes: range, at: float) -> tuple[float, ...]:
    """Weights of the values at the nodes (in ``h^2``) in the interpolated value."""
    return tuple(float(np.prod([(at - _T[j]) / (_T[i] - _T[j]) for j in nodes if j != i])) for i in nodes)


# windows by their first and last level: value at 0 and prediction at a finer level
V01, V02, V03, V04, V05 = (_lagrange(range(0, k), 0.0) for k in range(2, 7))
V12, V13, V14, V15 = (_lagrange(range(1, k), 0.0) for k in range(3, 7))
P03_4, P03_5, P03_6 = (_lagrange(range(0, 4), _T[j]) for j in (4, 5, 6))
P04_5, P04_6 = (_lagrange(range(0, 5), _T[j]) for j in (5, 6))
P14_5, P14_6 = (_lagrange(range(1, 5), _T[j]) for j in (5, 6))
P05_6, P15_6 = _lagrange(range(0, 6), _T[6]), _lagrange(range(1, 6), _T[6])

# noise of the value of a window per noise of one function value, over the step of its finest level
G03, G04, G05 = (float(BARS * GAINS[level, 0, 0, k]) for level, k in ((6, 4), (7, 5), (8, 6)))
G14, G15 = (float(BARS * GAINS[level, 0, 0, k]) for level, k in ((7, 4), (8, 5)))
F4, F5, F6 = (float(BARS * GAINS[0, 0, 0, k]) for k in (4, 5, 6))


@kernel
def dot2(w: Any, a: float, b: float) -> float:
    """Weighted mean of two, exact where they are equal."""
    return float(b + (w[0] * (a - b)))


@kernel
def dot3(w: Any, a: float, b: float, c: float) -> float:
    """Weighted mean of three, exact where they are equal."""
    return float(c + (w[0] * (a - c) + w[1] * (b - c)))


@kernel
def dot4(w: Any, a: float, b: float, c: float, d: float) -> float:
    """Weighted mean of four, exact where they are equal."""
    return float(d + (w[0] * (a - d) + w[1] * (b - d) + w[2] * (c - d)))


@kernel
def dot5(w: Any, a: float, b: float, c: float, d: float, e: float) -> float:
    """Weighted mean of five, exact where they are equal."""
    return float(e + (w[0] * (a - e) + w[1] * (b - e) + w[2] * (c - e) + w[3] * (d - e)))


@kernel
def dot6(w: Any, a: float, b: float, c: float, d: float, e: float, f: float) -> float:
    """Weighted mean of six, exact where they are equal."""
    return float(f + (w[0] * (a - f) + w[1] * (b - f) + w[2] * (c - f) + w[3] * (d - f) + w[4] * (e - f)))


@kernel
def unit(x: float) -> float:
    """``2^scale``: the power of two at or below ``max(|x|, 1)``."""
    return np.int64(np.float64(max(abs(x), 1.0)).view(np.int64) & np.int64(_EXPONENT)).view(np.float64)


@kernel
def truncation_of(last: float, before: float, earlier: float) -> float:
    """Estimate the truncation of a window by the arithmetic of `extrapolate`, without branches."""
    rate_before = before / earlier if earlier > 0.0 else 0.0
    last = max(last, before * min(rate_before, 1.0) * 0.25)
    rate = max(last / before, rate_before * 0.25) if before > 0.0 else (0.0 if last == 0.0 else 1.0)
    rest = 1.0 if rate <= 0.6 else min(8.0, max(1.0, 2.5 * rate / max(1.0 - rate, 0.125)))
    return last * (2.0 * rate if rate < 0.5 else rest)


@kernel
def accept(x: Floats, f0: Floats, m: int, v: Floats, df: Floats, error: Floats, size: Floats, done: Ints) -> None:
    """Judge the first look at `m` points; ``done[i]`` tells which are finished."""
    for i in range(m):
        a, y, u = x[i], f0[i], unit(x[i])
        # quotients: odd part d, even part e
        h = u * STEPS[0]
        h0 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[i], v[m + i]
        d0, e0 = (p - q) / (2 * h0), ((p - y) - (y - q)) / (2 * h0 * h0)
        h = u * STEPS[1]
        h1 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[2 * m + i], v[3 * m + i]
        d1, e1 = (p - q) / (2 * h1), ((p - y) - (y - q)) / (2 * h1 * h1)
        h = u * STEPS[2]
        h2 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[4 * m + i], v[5 * m + i]
        d2, e2 = (p - q) / (2 * h2), ((p - y) - (y - q)) / (2 * h2 * h2)
        h = u * STEPS[3]
        h3 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[6 * m + i], v[7 * m + i]
        d3, e3 = (p - q) / (2 * h3), ((p - y) - (y - q)) / (2 * h3 * h3)
        s3 = max(abs(p - y), abs(q - y)) / h3
        n3 = ROUNDING * max(abs(p), abs(q))
        h = u * STEPS[4]
        h4 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[8 * m + i], v[9 * m + i]
        d4, e4 = (p - q) / (2 * h4), ((p - y) - (y - q)) / (2 * h4 * h4)
        s4 = max(abs(p - y), abs(q - y)) / h4
        n4 = ROUNDING * max(abs(p), abs(q))
        h = u * STEPS[5]
        h5 = 0.5 * (((a + h) - a) + (a - (a - h)))
        p, q = v[10 * m + i], v[11 * m + i]
        d5, e5 = (p - q) / (2 * h5), ((p - y) - (y - q)) / (2 * h5 * h5)
        s5 = max(abs(p - y), abs(q - y)) / h5
        n5 = ROUNDING * max(abs(p), abs(q))
        h = u * STEPS[6]
        above, below = (a + h) - a, a - (a - h)
        h6 = 0.5 * (above + below)
        p, q = v[12 * m + i], v[13 * m + i]
        d6, e6 = (p - q) / (2 * h6), ((p - y) / above - (y - q) / below) / (2 * h6)
        moved = p != y or q != y
        # values of the windows, named by first and last level
        t01, t02, t03 = dot2(V01, d0, d1), dot3(V02, d0, d1, d2), dot4(V03, d0, d1, d2, d3)
        t04, t05 = dot5(V04, d0, d1, d2, d3, d4), dot6(V05, d0, d1, d2, d3, d4, d5)
        t12, t13 = dot2(V12, d1, d2), dot3(V13, d1, d2, d3)
        t14, t15 = dot4(V14, d1, d2, d3, d4), dot5(V15, d1, d2, d3, d4, d5)
        c1, c2, c3 = abs(t01 - d0), abs(t02 - t01), abs(t03 - t02)
        c4, c5 = abs(t04 - t03), abs(t05 - t04)
        b2, b3, b4, b5 = abs(t12 - d1), abs(t13 - t12), abs(t14 - t13), abs(t15 - t14)
        trunc03, trunc04, trunc05 = truncation_of(c3, c2, c1), truncation_of(c4, c3, c2), truncation_of(c5, c4, c3)
        trunc14, trunc15 = truncation_of(b4, b3, b2), truncation_of(b5, b4, b3)
        # noise found on the finer levels, in both parities
        w4, w5, w6 = 0.8165 * h4 * h4, 0.8165 * h5 * h5, 0.8165 * h6 * h6
        o4, o5, o6 = 1.4142 * h4, 1.4142 * h5, 1.4142 * h6
        r03 = max(
            max(o4 * abs(d4 - dot4(P03_4, d0, d1, d2, d3)), w4 * abs(e4 - dot4(P03_4, e0, e1, e2, e3))),
            max(
                max(o5 * abs(d5 - dot4(P03_5, d0, d1, d2, d3)), w5 * abs(e5 - dot4(P03_5, e0, e1, e2, e3))),
                max(o6 * abs(d6 - dot4(P03_6, d0, d1, d2, d3)), w6 * abs(e6 - dot4(P03_6, e0, e1, e2, e3))),
            ),
        )
        r04 = max(
            max(o5 * abs(d5 - dot5(P04_5, d0, d1, d2, d3, d4)), w5 * abs(e5 - dot5(P04_5, e0, e1, e2, e3, e4))),
            max(o6 * abs(d6 - dot5(P04_6, d0, d1, d2, d3, d4)), w6 * abs(e6 - dot5(P04_6, e0, e1, e2, e3, e4))),
        )
        r14 = max(
            max(o5 * abs(d5 - dot4(P14_5, d1, d2, d3, d4)), w5 * abs(e5 - dot4(P14_5, e1, e2, e3, e4))),
            max(o6 * abs(d6 - dot4(P14_6, d1, d2, d3, d4)), w6 * abs(e6 - dot4(P14_6, e1, e2, e3, e4))),
        )
        r05 = max(
            o6 * abs(d6 - dot6(P05_6, d0, d1, d2, d3, d4, d5)), w6 * abs(e6 - dot6(P05_6, e0, e1, e2, e3, e4, e5))
        )
        r15 = max(o6 * abs(d6 - dot5(P15_6, d1, d2, d3, d4, d5)), w6 * abs(e6 - dot5(P15_6, e1, e2, e3, e4, e5)))
        # assumed noise: rounding of value and argument
        z = ROUNDING * CONDITION * abs(a)
        k3, k4, k5 = n3 + z * s3, n4 + z * s4, n5 + z * s5
        g03 = G03 / h3 * (1.0 + 1.0 / 3.0 if r03 > 2 * k3 else 1.0)
        g04 = G04 / h4 * (1.0 + 1.0 / 2.0 if r04 > 2 * k4 else 1.0)
        g14 = G14 / h4 * (1.0 + 1.0 / 2.0 if r14 > 2 * k4 else 1.0)
        g05 = G05 / h5 * (2.0 if r05 > 2 * k5 else 1.0)
        g15 = G15 / h5 * (2.0 if r15 > 2 * k5 else 1.0)
        # the shortest bar wins
        best = trunc03 + g03 * max(r03, n3) + RELATIVE * abs(t03)
        value, full, secant = t03, trunc03 + g03 * max(r03, k3) + RELATIVE * abs(t03), s3
        floor = F4 / h3 * k3
        bar = trunc04 + g04 * max(r04, n4) + RELATIVE * abs(t04)
        won = bar < best
        value, secant, best = (t04 if won else value), (s4 if won else secant), (bar if won else best)
        full = trunc04 + g04 * max(r04, k4) + RELATIVE * abs(t04) if won else full
        floor = F5 / h4 * k4 if won else floor
        bar = trunc14 + g14 * max(r14, n4) + RELATIVE * abs(t14)
        won = bar < best
        value, secant, best = (t14 if won else value), (s4 if won else secant), (bar if won else best)
        full = trunc14 + g14 * max(r14, k4) + RELATIVE * abs(t14) if won else full
        floor = F4 / h4 * k4 if won else floor
        bar = trunc05 + g05 * max(r05, n5) + RELATIVE * abs(t05)
        won = bar < best
        value, secant, best = (t05 if won else value), (s5 if won else secant), (bar if won else best)
        full = trunc05 + g05 * max(r05, k5) + RELATIVE * abs(t05) if won else full
        floor = F6 / h5 * k5 if won else floor
        bar = trunc15 + g15 * max(r15, n5) + RELATIVE * abs(t15)
        won = bar < best
        value, secant, best = (t15 if won else value), (s5 if won else secant), (bar if won else best)
        full = trunc15 + g15 * max(r15, k5) + RELATIVE * abs(t15) if won else full
        floor = F5 / h5 * k5 if won else floor
        local = abs(value) + secant
        short = best <= 50 * AIM * local or (best <= 1e-10 * local and full <= 3 * floor)
        df[i], error[i], size[i] = value, full, local
        done[i] = 1 if short and moved and full < np.inf else 0
