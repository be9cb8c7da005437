"""What rounding leaves: how far the values of a function are off, and what that does to a bar."""

from __future__ import annotations

import math

import numpy as np

from ._point import Point, kernel, per_step

ROUNDING = 0.3 * 2.0**-52
"""Root mean square of one rounding of a value, relative to it (0.29 ulp; the mean over the binade is smaller)."""
LEAST = 2.0**-1074
"""Rounding of a value among the subnormal numbers, whatever its size."""
CONDITION = 0.15
"""Share of the rounding of the argument, ``|x f'|`` ulp, that a value is assumed to carry."""
BARS = 3.5
"""The bar is this many standard deviations of the noise wide."""
RELATIVE = 2.5e-16
"""Rounding of the extrapolation itself, relative to the derivative."""
COUNTS = 0.3 * 2.0**-10
"""Values whose rounding would be larger have ten bits at most: they count, as floor does; that is no rounding."""

MOST = 1e9
"""A multiple of a power of ten is one by no chance if it is so many times that at most: 1 in a million."""

SEEN = 8
"""Digits of fewer values say nothing: a function that doubles its argument has few of them, too."""
LONG = 26
"""Digits of a value that has been rounded: more than float32 has, or x**7 at 0.625, which are all of them right."""
GROWN = 8.0
"""A grain that is so many times the finest, or the rounding of the value, is not so by chance."""


@kernel
def see_digits(q: Point) -> None:
    """Take the rounding of the values from their digits.

    Those of float32 have 24 bits, and ``exp(x) - 1`` near 0 has none below 2^-53: where no value has more the rounding
    is not that of doubles of their size. Steps that are no powers of two keep exact functions from looking so.

    What is rounded inside `f` may be large where the steps are, and the values small all the same: ``x - sin(x)`` has
    digits down to those of `x`. So the grain of a level is that of the levels down to it, if they have digits enough.
    """
    relative, grain, seen, long = 1.0, np.inf, 0, 0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            if np.isfinite(v) and v != 0.0 and v != q.f0:
                m, e = math.frexp(abs(v))
                digits = int(math.ldexp(m, 53))
                last = float(digits & -digits)
                relative = min(relative, last / float(digits))
                grain = min(grain, math.ldexp(last, e - 53))
                seen += 1
                if last < 2.0 ** (53 - LONG):
                    long += 1
        q.grains[j] = 0.3 * grain if long >= SEEN else 0.0
    few = seen < SEEN
    q.rounding = ROUNDING if few else max(ROUNDING, 0.3 * relative)
    for j in range(q.count):
        if q.grains[j] < GROWN * 0.3 * grain:  # a digit or two more are there by chance
            q.grains[j] = 0.0 if few else 0.3 * grain
    q.inner = 0.3 * grain if long >= SEEN else 0.0


@kernel
def decimal_grain(q: Point) -> float:
    """Find the power of ten, 0.1 to 1e-9, of which all values are multiples; 0 if there is none.

    Nobody but people rounds like that. One step says nothing, whatever its size: there have to be three values. Whole
    numbers, which are counts more often than rounded, have no such grain.
    """
    if q.rounding > COUNTS:
        return 0.0
    lowest, highest, three, power = q.f0, q.f0, False, 1.0
    while power < MOST and not is_multiple(q.f0, power):
        power *= 10.0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            if np.isfinite(v):
                lowest, highest = min(lowest, v), max(highest, v)
                while power < MOST and not is_multiple(v, power):
                    power *= 10.0
    for j in range(q.count):
        three = three or lowest < q.f0 < highest or lowest < q.above[j] < highest or lowest < q.below[j] < highest
    apart = (highest - lowest) * power > 0.5  # not those of 1, up to the rounding of doubles
    return 1.0 / power if three and apart and 1.0 < power < MOST else 0.0


@kernel
def is_multiple(v: float, power: float) -> bool:
    """Whether a value is a whole number over `power`, as nearly as numbers can say, and not by chance."""
    times = abs(v) * power
    return bool(times < MOST and abs(times - np.floor(times + 0.5)) <= 2.0**-51 * times)


@kernel
def rounding_at(q: Point, j: int, slope: float) -> float:
    """Return the rounding of the values at one place of the ladder, for a derivative of about `slope`."""
    size = max(abs(q.f0), abs(q.above[j]), abs(q.below[j]))
    return float(max(q.rounding * size, q.grains[j]) + ROUNDING * CONDITION * abs(q.x * slope))


@kernel
def flat_bar_of(q: Point, h: float, n: int) -> float:
    """Bar of a derivative of 0 where `f` is flat up to the step `h`."""
    own = ROUNDING * abs(q.f0)
    return float(per_step(BARS * (q.inner if q.inner > GROWN * own else own), h, n))
