"""Looks of the ladder: seven steps on both sides of many points, judged by straight-line arithmetic.

Most points of most functions need no more than the first look, most of the others one or two at finer steps. The loop
here has no branches and no calls, so that it runs on vector registers; whatever it does not settle goes on, with its
values, to the state machine of `advance`. What is accepted here is judged by the rules of `best_window`, for the five
windows that win in practice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._extrapolation import GAINS
from ._point import SMALL, Floats, Ints, kernel, step_of
from ._rounding import BARS, CONDITION, LEAST, RELATIVE, ROUNDING
from ._windows import AIM

#: What a look says of a point: that it goes on to the state machine, that it is finished, that its steps were too wide,
#: and that it is finished unless steps of the size of the point see more.
OPEN, DONE, FINER, TINY = range(4)

PLANES = 14
"""Evaluations of a look: six steps and a probe, on both sides."""

_EXPONENT = 0x7FF << 52


class Look(NamedTuple):
    """Six steps to extrapolate and a fine one to probe, in units of a power of two, and what follows from them.

    Windows are named by their first and last step: ``v..`` are the weights of the quotients in the value at 0,
    ``p.._.`` those in the prediction of a finer quotient, ``g..`` the bar for unit noise of one value, over the finest
    step.
    """

    steps: tuple[float, ...]
    v01: tuple[float, ...]
    v02: tuple[float, ...]
    v03: tuple[float, ...]
    v04: tuple[float, ...]
    v05: tuple[float, ...]
    v12: tuple[float, ...]
    v13: tuple[float, ...]
    v14: tuple[float, ...]
    v15: tuple[float, ...]
    p03_4: tuple[float, ...]
    p03_5: tuple[float, ...]
    p03_6: tuple[float, ...]
    p04_5: tuple[float, ...]
    p04_6: tuple[float, ...]
    p14_5: tuple[float, ...]
    p14_6: tuple[float, ...]
    p05_6: tuple[float, ...]
    p15_6: tuple[float, ...]
    g03: float
    g04: float
    g05: float
    g14: float
    g15: float
    condition: float
    """Share of the rounding of the argument that a value is assumed to carry."""


def _look(*levels: int, unit: int = 0, condition: float = CONDITION) -> Look:
    """Make the look at so many levels below the scale, in units of ``2^-unit`` of it."""
    steps = tuple(float(step_of.py_func(unit - level, unit)) for level in levels)
    t = [h * h for h in steps]

    def weights(first: int, last: int, at: float) -> tuple[float, ...]:
        nodes = range(first, last + 1)
        return tuple(float(np.prod([(at - t[j]) / (t[i] - t[j]) for j in nodes if j != i])) for i in nodes)

    def gain(first: int, last: int) -> float:
        below = levels[last]
        return float(BARS * GAINS[below if below < len(GAINS) else 0, 0, 0, last - first + 1])

    values = [weights(a, b, 0.0) for a, b in ((0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (1, 5))]
    known = ((0, 3, 4), (0, 3, 5), (0, 3, 6), (0, 4, 5), (0, 4, 6), (1, 4, 5), (1, 4, 6), (0, 5, 6), (1, 5, 6))
    predictions = [weights(a, b, t[c]) for a, b, c in known]
    gains = [gain(a, b) for a, b in ((0, 3), (0, 4), (0, 5), (1, 4), (1, 5))]
    return Look._make([steps, *values, *predictions, *gains, condition])


#: The first look, the second, which shares two steps and the probe with it, and any finer one: there every step is half
#: of the one before. The last is in units of the level it begins with.
FIRST = _look(3, 4, 5, 6, 7, 8, 18)
SECOND = _look(7, 8, 9, 10, 11, 12, 18, condition=1.0)
LATER = _look(9, 10, 11, 12, 13, 14, 19, unit=9, condition=1.0)

F4, F5, F6 = (float(BARS * GAINS[0, 0, 0, k]) for k in (4, 5, 6))
"""Gains of windows of four to six halved steps."""


STATIONARY = 2.0**-7
"""Share of the widest secant that the finest is near a zero of third order: 2^-8, and 2^-4 near one of second."""


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
def quotients(x: float, y: float, h: float, p: float, q: float) -> tuple[float, float, float]:
    """Step as it came out, odd and even quotient of the values `p` above, `q` below and `y` at a point."""
    above, below = (x + h) - x, x - (x - h)
    h = 0.5 * (above + below)
    per = 0.5 / h
    d = (p - q) * per
    return h, d, ((p - y) - (y - q) - d * (above - below)) * (2 * per * per)


@kernel
def secant(y: float, p: float, q: float, h: float) -> float:
    """Steeper of the two secants."""
    return float(max(abs(p - y), abs(q - y)) / h)


@kernel
def rounding(p: float, q: float) -> float:
    """Return the rounding of one of two values."""
    return float(ROUNDING * max(abs(p), abs(q)) + LEAST)


@kernel
def accept(look: Look, x: Floats, f0: Floats, unit: Floats, m: int, v: Floats, df: Floats, error: Floats, size: Floats,
           done: Ints) -> None:  # fmt: skip
    """Judge a look at `m` points; ``done[i]`` tells what is to become of them."""
    steps = look.steps
    for i in range(m):
        a, y, u = x[i], f0[i], unit[i]
        h0, d0, e0 = quotients(a, y, u * steps[0], v[i], v[m + i])
        h1, d1, e1 = quotients(a, y, u * steps[1], v[2 * m + i], v[3 * m + i])
        h2, d2, e2 = quotients(a, y, u * steps[2], v[4 * m + i], v[5 * m + i])
        h3, d3, e3 = quotients(a, y, u * steps[3], v[6 * m + i], v[7 * m + i])
        h4, d4, e4 = quotients(a, y, u * steps[4], v[8 * m + i], v[9 * m + i])
        h5, d5, e5 = quotients(a, y, u * steps[5], v[10 * m + i], v[11 * m + i])
        h6, d6, e6 = quotients(a, y, u * steps[6], v[12 * m + i], v[13 * m + i])
        moved = v[12 * m + i] != y or v[13 * m + i] != y
        s3, n3 = secant(y, v[6 * m + i], v[7 * m + i], h3), rounding(v[6 * m + i], v[7 * m + i])
        s4, n4 = secant(y, v[8 * m + i], v[9 * m + i], h4), rounding(v[8 * m + i], v[9 * m + i])
        s5, n5 = secant(y, v[10 * m + i], v[11 * m + i], h5), rounding(v[10 * m + i], v[11 * m + i])
        # values of the windows, named by first and last level
        t01, t02, t03 = dot2(look.v01, d0, d1), dot3(look.v02, d0, d1, d2), dot4(look.v03, d0, d1, d2, d3)
        t04, t05 = dot5(look.v04, d0, d1, d2, d3, d4), dot6(look.v05, d0, d1, d2, d3, d4, d5)
        t12, t13 = dot2(look.v12, d1, d2), dot3(look.v13, d1, d2, d3)
        t14, t15 = dot4(look.v14, d1, d2, d3, d4), dot5(look.v15, d1, d2, d3, d4, d5)
        c1, c2, c3 = abs(t01 - d0), abs(t02 - t01), abs(t03 - t02)
        c4, c5 = abs(t04 - t03), abs(t05 - t04)
        b2, b3, b4, b5 = abs(t12 - d1), abs(t13 - t12), abs(t14 - t13), abs(t15 - t14)
        trunc03, trunc04, trunc05 = truncation_of(c3, c2, c1), truncation_of(c4, c3, c2), truncation_of(c5, c4, c3)
        trunc14, trunc15 = truncation_of(b4, b3, b2), truncation_of(b5, b4, b3)
        # noise found on the finer levels, in both parities
        w4, w5, w6 = 0.8165 * h4 * h4, 0.8165 * h5 * h5, 0.8165 * h6 * h6
        o4, o5, o6 = 1.4142 * h4, 1.4142 * h5, 1.4142 * h6
        r03_4 = max(o4 * abs(d4 - dot4(look.p03_4, d0, d1, d2, d3)), w4 * abs(e4 - dot4(look.p03_4, e0, e1, e2, e3)))
        r03_5 = max(o5 * abs(d5 - dot4(look.p03_5, d0, d1, d2, d3)), w5 * abs(e5 - dot4(look.p03_5, e0, e1, e2, e3)))
        r03_6 = max(o6 * abs(d6 - dot4(look.p03_6, d0, d1, d2, d3)), w6 * abs(e6 - dot4(look.p03_6, e0, e1, e2, e3)))
        r03 = max(max(r03_4, r03_5), r03_6)
        odd, even = d5 - dot5(look.p04_5, d0, d1, d2, d3, d4), e5 - dot5(look.p04_5, e0, e1, e2, e3, e4)
        r04 = max(o5 * abs(odd), w5 * abs(even))
        odd, even = d6 - dot5(look.p04_6, d0, d1, d2, d3, d4), e6 - dot5(look.p04_6, e0, e1, e2, e3, e4)
        r04 = max(r04, max(o6 * abs(odd), w6 * abs(even)))
        odd, even = d5 - dot4(look.p14_5, d1, d2, d3, d4), e5 - dot4(look.p14_5, e1, e2, e3, e4)
        r14 = max(o5 * abs(odd), w5 * abs(even))
        odd, even = d6 - dot4(look.p14_6, d1, d2, d3, d4), e6 - dot4(look.p14_6, e1, e2, e3, e4)
        r14 = max(r14, max(o6 * abs(odd), w6 * abs(even)))
        odd, even = d6 - dot6(look.p05_6, d0, d1, d2, d3, d4, d5), e6 - dot6(look.p05_6, e0, e1, e2, e3, e4, e5)
        r05 = max(o6 * abs(odd), w6 * abs(even))
        odd, even = d6 - dot5(look.p15_6, d1, d2, d3, d4, d5), e6 - dot5(look.p15_6, e1, e2, e3, e4, e5)
        r15 = max(o6 * abs(odd), w6 * abs(even))
        # assumed noise: rounding of value and argument
        z = ROUNDING * look.condition * abs(a)
        k3, k4, k5 = n3 + z * s3, n4 + z * s4, n5 + z * s5
        g03 = look.g03 / h3 * (1.0 + 1.0 / 3.0 if r03 > 2 * k3 else 1.0)
        g04 = look.g04 / h4 * (1.0 + 1.0 / 2.0 if r04 > 2 * k4 else 1.0)
        g14 = look.g14 / h4 * (1.0 + 1.0 / 2.0 if r14 > 2 * k4 else 1.0)
        g05 = look.g05 / h5 * (2.0 if r05 > 2 * k5 else 1.0)
        g15 = look.g15 / h5 * (2.0 if r15 > 2 * k5 else 1.0)
        # the shortest bar wins
        bar = trunc03 + g03 * max(r03, n3) + RELATIVE * abs(t03)
        value, slope, best = t03, s3, (bar if bar < np.inf else np.inf)
        full = trunc03 + g03 * max(r03, k3) + RELATIVE * abs(t03)
        floor, wide = F4 / h3 * k3, trunc03
        bar = trunc04 + g04 * max(r04, n4) + RELATIVE * abs(t04)
        won = bar < best
        value, slope, best = (t04 if won else value), (s4 if won else slope), (bar if won else best)
        full = trunc04 + g04 * max(r04, k4) + RELATIVE * abs(t04) if won else full
        floor, wide = (F5 / h4 * k4 if won else floor), (trunc04 if won else wide)
        bar = trunc14 + g14 * max(r14, n4) + RELATIVE * abs(t14)
        won = bar < best
        value, slope, best = (t14 if won else value), (s4 if won else slope), (bar if won else best)
        full = trunc14 + g14 * max(r14, k4) + RELATIVE * abs(t14) if won else full
        floor, wide = (F4 / h4 * k4 if won else floor), (trunc14 if won else wide)
        bar = trunc05 + g05 * max(r05, n5) + RELATIVE * abs(t05)
        won = bar < best
        value, slope, best = (t05 if won else value), (s5 if won else slope), (bar if won else best)
        full = trunc05 + g05 * max(r05, k5) + RELATIVE * abs(t05) if won else full
        floor, wide = (F6 / h5 * k5 if won else floor), (trunc05 if won else wide)
        bar = trunc15 + g15 * max(r15, n5) + RELATIVE * abs(t15)
        won = bar < best
        value, slope, best = (t15 if won else value), (s5 if won else slope), (bar if won else best)
        full = trunc15 + g15 * max(r15, k5) + RELATIVE * abs(t15) if won else full
        floor, wide = (F5 / h5 * k5 if won else floor), (trunc15 if won else wide)
        local = abs(value) + slope
        short = best <= 50 * AIM * local or (best <= 1e-10 * local and full <= 3 * floor)
        # where the slope is nothing beside that over the widest step, terms of that size may have been rounded inside
        # `f`: x - sin(x) at 1e-3; only digits tell, and there is no time for them here
        far = secant(y, v[i], v[m + i], h0)
        short = short and moved and full < np.inf and not (abs(value) + s5 < STATIONARY * far and far < np.inf)
        # what leaves a window at its own steps and not at the probe is structure, not noise
        structure = 2 * wide > best or 8 * r03_6 < max(r03_4, r03_5)
        # an edge of the domain among the steps
        edge = not best < np.inf and (abs(d6) < np.inf or 0 < abs(a) < SMALL)
        # x**2 at 1e-28: the values near x are so much smaller that steps of the size of x see much more
        tiny = 0 < abs(a) < SMALL and full > AIM * abs(value) and 128 * ROUNDING * abs(y) < full * abs(a)
        df[i], error[i], size[i] = value, full, local
        done[i] = (TINY if tiny else DONE) if short else (FINER if (structure or edge) and moved else OPEN)
