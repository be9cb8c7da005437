"""The judging kernel: value, bound and verdict of one level set, from the values at its points.

Written once, in elementary arithmetic without branches. NumPy runs it on arrays, and `codegen` lets it write machine
code; both give the same bits. A row holds one number for each point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .extrapolation import DEVIATIONS, Table
from .rounding import RELATIVE, ROUNDING, SMALLEST

OPEN, DONE, FINER, NEARBY, WIDER = range(5)
"""Verdicts: not settled; done; the steps were too wide; done unless steps of the size of the point see more; done, but
rounding leaves so much that wider steps may be better."""

BEST = 1e-13
"""A relative bound that finer steps would not improve on."""
FINE = 5e-11
"""Relative bound of the first round that no further round is worth improving on."""
GOOD = 1e-6
"""Windows of smaller relative bounds compete by their bounds, others by their relative bounds."""
STATIONARY = 2.0**-7
"""Share of the widest secant that the finest is near a zero of third order: 2^-8, and 2^-4 near one of second."""
SMALL = 2.0**-12
"""Nearer to 0 than that, steps of the size of the scale 1 see nothing of what a function may have of its own there."""
JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` are those of iterations."""
SHAKEN = 2.0**18
"""Noise of one value, as it comes out of the extrapolation to wider steps; several times that, to be sure."""

#: ``where(condition, a, b)``: NumPy's, or the machine code's.
Select = Callable[[Any, Any, Any], Any]


class Judgement(NamedTuple):
    """Rows of the best window of a level set."""

    df: Any
    bound: Any
    """With the rounding of the argument."""
    measured: Any
    """Without, by which windows compete."""
    noise: Any
    """Part of the bound that is noise."""
    truncation: Any
    scale: Any
    """Local slope scale: the derivative plus the steeper secant over a step of the window, per further step for higher
    orders; over the finest up to order 4, over the coarsest beyond."""
    local: Any
    """The same over the finest step for all orders, by which windows compete."""
    window: Any
    """Number of the window."""
    verdict: Any


def larger(select: Select, *rows: Any) -> Any:
    """Largest of several rows; a NaN says nothing unless it comes first."""
    most = rows[0]
    for row in rows[1:]:
        most = select(row > most, row, most)
    return most


def weighted(weights: Sequence[float], rows: Sequence[Any], last: Any) -> Any:
    """Weighted sum of differences from the last row."""
    total = (rows[0] - last) * weights[0]
    for w, row in zip(weights[1:], rows[1:], strict=False):
        total = total + (row - last) * w
    return total


def truncation(select: Select, last: Any, before: Any, earlier: Any) -> Any:
    """Estimate the truncation error of a window from its last three corrections.

    It is the last correction times the rate at which corrections shrank; one that shrank by chance does not count
    (compare Berntsen and Espelid 1991). Where they shrink slowly, as for a power of `h` that is not whole, it is the
    rest of a geometric series.
    """
    rate_before = select(earlier > 0.0, before / earlier, 0.0)
    last = larger(select, last, before * select(rate_before < 1.0, rate_before, 1.0) * 0.25)
    slow = select(last == 0.0, 0.0, 1.0)
    rate = select(before > 0.0, larger(select, last / before, rate_before * 0.25), slow)
    gap = 1.0 - rate
    rest = rate * 2.5 / select(gap > 0.125, gap, 0.125)
    rest = select(rest > 1.0, rest, 1.0)
    rest = select(rest < 8.0, rest, 8.0)
    rest = select(rate <= 0.6, 1.0, rest)
    return last * select(rate < 0.5, rate * 2.0, rest)


class Series(NamedTuple):
    """Quotients at the steps of a level set, and what goes with them; lists of rows."""

    main: list[Any]
    other: list[Any]
    """The quotients of the other parity, which must be as smooth; none for one side."""
    h: list[Any]
    weight: list[Any]
    """What makes deviations of the main quotients standard deviations of one value."""
    other_weight: list[Any]
    secant: list[Any]
    """The steeper of the two secants."""
    largest: list[Any]
    """The larger of the two absolute values."""


def quotients(select: Select, table: Table, x: Any, y: Any, u: Any, values: Sequence[Any]) -> Series:
    """Form the quotients; `u` is the scale of the point, negative for the left side."""
    s = Series([], [], [], [], [], [], [])
    for j, step in enumerate(table.steps):
        if table.two_sided:
            p, q = values[2 * j], values[2 * j + 1]
            offset = u * step
            above, below = (x + offset) - x, x - (x - offset)
            h = (above + below) * 0.5
            per = 0.5 / h
            odd = (p - q) * per
            rise, fall = p - y, y - q
            even = ((rise - fall) - odd * (above - below)) * (per * per * 2.0)
            odd_weight, even_weight = h * 1.4142, h * h * 0.8165
            pairs = (odd, odd_weight), (even, even_weight)
            (main, weight), (other, other_weight) = pairs if table.n % 2 else pairs[::-1]
            s.main.append(main)
            s.other.append(other)
            s.weight.append(weight)
            s.other_weight.append(other_weight)
            s.secant.append(larger(select, abs(rise), abs(fall)) / h)
            size = larger(select, abs(p), abs(q))
            s.largest.append(size if table.n % 2 else larger(select, size, abs(y)))
        else:
            p = values[j]
            t = (x + u * step) - x
            h = abs(t)
            s.main.append((p - y) / t)
            s.weight.append(h * 0.7071)
            s.secant.append(abs(p - y) / h)
            s.largest.append(larger(select, abs(p), abs(y)))
        s.h.append(h)
    return s


def judge(
    select: Select, table: Table, x: Any, y: Any, u: Any, values: Sequence[Any], rounding: Any = ROUNDING,
    quantum: Sequence[Any] | None = None,
) -> Judgement:  # fmt: skip
    """Judge the windows of a level set.

    Parameters
    ----------
    select : callable
        ``where``.
    table : Table
        The level set.
    x, y, u : row
        Points, values there, scales; those of the left side are negative.
    values : sequence of rows
        From coarse to fine; for both sides above and below in turn.
    rounding : row or float
        Relative rounding of a value, as a standard deviation.
    quantum : sequence of rows, optional
        What all values up to a level are multiples of, times 0.3.
    """
    n, degree, last = table.n, table.degree, table.extrapolated - 1
    s = quotients(select, table, x, y, u, values)
    inverse = 1.0 / u
    to_derivative: Any = float(math.factorial(n))
    for _ in range((n - 1) - (n - 1) % 2 if table.two_sided else n - 1):
        to_derivative = inverse * to_derivative
    if table.two_sided and n % 2 == 0:
        to_derivative = float(math.factorial(n))
        for _ in range(n - 2):
            to_derivative = inverse * to_derivative
    per_noise: Any = 1.0
    for _ in range(n):
        per_noise = abs(inverse) * per_noise

    noise, conditioned = [], []
    argument = abs(x) * (ROUNDING * table.condition)
    for j in range(last + 1):
        own = s.largest[j] * rounding
        if quantum is not None:
            own = larger(select, own, quantum[j])
        noise.append(own + SMALLEST)
        conditioned.append(noise[j] + argument * s.secant[j])

    coefficient: dict[tuple[int, int], Any] = {}
    for a in (0, 1):
        for b in range(a + degree, last + 1):
            base = s.main[b]
            sums = weighted(table.value(a, b), s.main[a:b], base) if b > a else 0.0 * base
            coefficient[a, b] = base + sums if degree == 0 else sums
    correction = {
        (a, b): abs(coefficient[a, b] - coefficient[a, b - 1]) for a, b in coefficient if (a, b - 1) in coefficient
    }

    best: Judgement | None = None
    floor: Any = None
    structure: Any = None
    good: Any = None
    low_share: Any = None
    behind_kink: Any = None
    beside: Any = None
    for number, (a, b) in enumerate(table.windows):
        value = coefficient[a, b] * to_derivative
        trunc = truncation(select, correction[a, b], correction[a, b - 1], correction[a, b - 2])
        trunc = trunc * abs(to_derivative)
        deviations: list[Any] = []
        probes: list[Any] = []
        for j in range(b + 1, len(table.steps)):
            weights = table.prediction(a, b, j)
            off = s.main[j] - (s.main[b] + weighted(weights, s.main[a:b], s.main[b]))
            deviation = s.weight[j] * abs(off)
            probes = [*probes[-2:], s.weight[j] * off]
            if table.two_sided:
                off = s.other[j] - (s.other[b] + weighted(weights, s.other[a:b], s.other[b]))
                deviation = larger(select, deviation, s.other_weight[j] * abs(off))
            deviations.append(deviation)
        if not table.two_sided and (a, b) == (0, last):
            behind_kink = _is_behind_kink(select, probes, deviations[-3:], conditioned[b])
        found = larger(select, 0.0 * u, *deviations)
        if table.two_sided and b == last:
            # one probe is not much to know the noise by; the finest level of the window, as a window without it
            # predicts it, is another, unless it is off by much more: that is truncation
            noisy = beside <= larger(select, conditioned[b], found) * 8.0
            found = select(noisy & (beside > found), beside, found)
        elif a == 0:
            beside = deviations[0]
        gain = per_noise * table.noise_gain(a, b)
        # few samples of a noise larger than expected
        few = 1.0 + 1.0 / (len(table.steps) - 1 - b)
        raised = select(found > conditioned[b] * 2.0, gain * few, gain)
        rounding_part = abs(value) * RELATIVE
        measured = trunc + raised * larger(select, noise[b], found) + rounding_part
        # of values far beyond 1 the squares of the steps overflow, and nothing is left of the noise
        measured = select((measured < math.inf) & (gain > 0.0), measured, math.inf)
        of_value = larger(select, conditioned[b], found)
        full_noise = raised * of_value
        if quantum is not None and n == 1 and table.two_sided:
            # what looks like noise of the values may be noise of an argument inside `f`, the same at all coarse steps,
            # as in ((x + 1e8) - 1e8)**2: the slope is then that nearby, and a wide step does not make it better
            nearby = abs(s.other[a]) * (2 * DEVIATIONS) / select(s.secant[a] > 0.0, s.secant[a], math.inf)
            full_noise = larger(select, full_noise, of_value * nearby)
        full = trunc + full_noise + rounding_part
        sizes = []
        for at in (b, a):
            secant = s.secant[at]
            for _ in range(n - 1):
                secant = secant / s.h[at]
            sizes.append(abs(value) + secant)
        # fine steps make the size of a higher derivative of any noise: it is not to be its excuse
        local, scale = sizes if n > 4 else (sizes[0], sizes[0])
        share = measured / select(local > SMALLEST, local, SMALLEST)
        this = Judgement(value, full, measured, full_noise, trunc, scale, local, 0.0 * u + float(number), u)
        this_floor = gain * conditioned[b]
        if best is None:
            best, floor, good, low_share = this, this_floor, share < GOOD, share
            if len(deviations) > 1:
                structure = deviations[-1] * 8.0 < larger(select, *deviations[:-1])
            continue
        better = measured < best.measured
        wins = select(good, (share < GOOD) & better, (share < GOOD) | (share < low_share))
        best = Judgement(*(select(wins, mine, its) for mine, its in zip(this, best, strict=True)))
        floor = select(wins, this_floor, floor)
        low_share = select(wins, share, low_share)
        good = good | (share < GOOD)
    assert best is not None
    return best._replace(verdict=verdict(select, table, x, y, u, values, s, best, floor, structure, behind_kink))


def _is_behind_kink(select: Select, offs: Sequence[Any], sizes: Sequence[Any], noise: Any) -> Any:
    """Whether a kink lies between the point and some probes, seen from one side.

    All three probes beyond it are then off by the same amount, or the finest, before it, by much less than the others.
    """
    lowest, highest = offs[0], offs[0]
    for row in offs[1:]:
        lowest, highest = select(row < lowest, row, lowest), larger(select, highest, row)
    smallest = select(abs(lowest) < abs(highest), abs(lowest), abs(highest))
    together = (lowest * highest > 0.0) & (highest - lowest <= smallest * 0.25) & (smallest > noise * 8.0)
    others = larger(select, *sizes[:-1])
    return together | ((others > noise * 16.0) & (sizes[-1] * 8.0 < others))


def verdict(
    select: Select, table: Table, x: Any, y: Any, u: Any, values: Sequence[Any], s: Series, best: Judgement,
    floor: Any, structure: Any, behind_kink: Any,
) -> Any:  # fmt: skip
    """Decide whether a point is done, or needs finer steps."""
    n, last = table.n, table.extrapolated - 1
    probe = values[-1] != y
    if table.two_sided:
        probe = probe | (values[-2] != y)
    short = best.measured <= best.local * FINE
    # a bound that is what rounding leaves: nothing finer would make it much shorter
    limited = (best.measured <= best.local * max(SHORT[n], LONG)) & (best.bound <= floor * 3.0)
    done = (short | limited) & probe & (best.bound < math.inf)
    # where the slope is nothing beside that over the widest step, terms of that size may have been rounded inside
    # `f`, as in x - sin(x) at 1e-3; only the digits of the values tell, which the last search looks at
    far, near = s.secant[0], s.secant[last]
    for _ in range(n - 1):
        far, near = far / s.h[0], near / s.h[last]
    done = done & ~((abs(best.df) + near < far * STATIONARY) & (far < math.inf))
    # what leaves a window at its own steps and not at the probe is structure, not noise
    structure = structure | (best.truncation * 2.0 > best.measured)
    size = abs(x)
    beside_zero = (size > 0.0) & (size < SMALL)
    edge = ~(best.measured < math.inf) & ((abs(s.main[-1]) < math.inf) | beside_zero)
    # x**2 at 1e-28: values near x are so much smaller that steps of the size of x see much more
    nearby = beside_zero & (best.bound > abs(best.df) * BEST)
    bound = best.bound
    for _ in range(n):
        bound = bound * size
    nearby = nearby & (abs(y) * (128 * ROUNDING) < bound)
    if n == 1 and not table.two_sided:
        # x / (1 + abs(x)) at 1e-10 from the left: the kink at 0 is nearer than any step of the scale, and no other side
        # shows it
        nearby = nearby | (beside_zero & (abs(y) < size * abs(best.df) * 16.0))
    if table.condition < 1.0:
        # equal to f(x) at all steps of the first round, as an entry of a jacobian that does not depend on a coordinate
        flat = values[0] == y
        for row in values[1:]:
            flat = flat & (row == y)
        done, nearby = done | flat, nearby & ~flat
    wide = ~short & (best.measured > best.local * SHORT[n])
    finished = select(nearby, 0.0 * u + float(NEARBY), select(wide, 0.0 * u + float(WIDER), 0.0 * u + float(DONE)))
    if behind_kink is not None:
        done, structure = done & ~behind_kink, structure | behind_kink
    if n == 1 and table.two_sided:
        jump = jumps(select, table, x, s, values)
        done, structure, edge = done & ~jump, structure & ~jump, edge & ~jump
    unfinished = select((structure | edge) & probe, 0.0 * u + float(FINER), 0.0 * u + float(OPEN))
    return select(done, finished, unfinished)


def jumps(select: Select, table: Table, x: Any, s: Series, values: Sequence[Any]) -> Any:
    """Whether the levels are parted by a small jump, as of an iteration that stops earlier or later.

    Where a function is smooth, the leading coefficient is the same whichever level is added to the finest four; of a
    jump, wherever it is, the widest level shows half as much as the next or less. The probe shows the noise.
    """
    rows = s.main[table.extrapolated - 4 : table.extrapolated]
    coefficients, off = [], []
    for level, (weights, own) in zip((0, 1, len(table.steps) - 1), table.leading, strict=True):
        total = (s.main[level] - rows[-1]) * own
        for w, row in zip(weights[:-1], rows[:-1], strict=True):
            total = total + (row - rows[-1]) * w
        coefficients.append(abs(total))
        off.append(abs(total) * abs(1.0 / own))
    change = abs(values[2] - values[3])
    size = s.largest[0] + abs(x) * change / (s.h[1] * 2.0)
    noise = larger(select, off[2] * s.h[-1] * 1.4142, size * ROUNDING)
    seen = off[1] * s.h[1]
    return (seen > noise * SHAKEN) & (seen < change * (64 * JUMP)) & (coefficients[0] < coefficients[1] * 0.75)


SHORT = {1: 1e-8, **{n: 10.0 ** (-10 + n) for n in range(2, 9)}}
"""Relative bound at which one that rounding leaves is short enough."""
LONG = 1e-6
"""Relative bound beyond which one that rounding leaves is left to the last search."""
