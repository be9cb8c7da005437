"""Exponentials: `exp`, `exp2`, `expm1`, `sigmoid`.

All reduce ``x = k ln 2 + r`` with ``|r| <= ln(2) / 2`` and scale by ``2**k`` (Cody and Waite 1980).
What stands in front of a polynomial is exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ._overload import elementary, inlined
from ._symbols import FRACTION_BITS, ONE, Number, bits, fma, from_bits, muladd, polynomial, select

# A constant is rounded; its REST is what the rounding left of it. Of HI and LO together the first has so few bits that
# products with it are exact.
LOG2_E, LOG2_E_REST = 1.4426950408889634, 2.0355273740931033e-17
LN_2, LN_2_REST = 0.6931471805599453, 2.3190468138462996e-17
# ln 2 in two parts; 32 bits in the first, so that k times it is exact for every k that occurs.
LN2_HI = float.fromhex("0x1.62e42feep-1")
LN2_LO = 1.9082149292705877e-10

# Adding this rounds to the nearest integer and leaves it, plus 2046, in the low bits: conversions from float64 to int64
# are packed on AVX-512 only, this everywhere. Half of 2046 is the bias of the exponent: see `powers`.
SHIFT = 6755399441055744.0 + 2046.0

# (e**r - 1 - r) / r**2, error 2**-57.9 of e**r
EXP = (
    0.5000000000000011, 0.16666666666666413, 0.041666666666530155, 0.008333333333494466,
    0.0013888888943630192, 0.00019841269506567868, 2.4801493098812547e-05, 2.755758638360497e-06,
    2.763024841475187e-07, 2.5000058474558107e-08,
)  # fmt: skip


def clamp(x: Number, low: float, high: float) -> Number:
    """Clip a number to an interval; NaN for NaN."""
    c = select(x > high, high, x)
    return select(c < low, low, c)


def reduced(c: Number) -> tuple[Number, Number, Number]:
    """Return the number whose low bits hold ``k + 2046``, and ``c - k ln 2`` in two parts, the first exact."""
    t = muladd(c, LOG2_E, SHIFT)
    k = t - SHIFT
    return t, muladd(-k, LN2_HI, c), -k * LN2_LO


def power_of_two(t: Number, less: int = 0) -> Number:
    """``2**(k - less)`` from the number whose low bits hold ``k + 2046``, where that is a normal number."""
    return from_bits((bits(t) - np.uint64(1023 + less)) << FRACTION_BITS)


def powers(t: Number) -> tuple[Number, Number]:
    """``2**k`` from the same as the product of two powers, where `k` runs from -1075 to 1024.

    With ``u = k + 2046``, ``u >> 1`` is the biased exponent of one and the rest that of the other. The second product
    rounds once, also into subnormals.
    """
    u = bits(t)
    half = u >> ONE
    return from_bits(half << FRACTION_BITS), from_bits((u - half) << FRACTION_BITS)


def quotient(above: Number, above_rest: Number, below: Number, below_rest: Number) -> Number:
    """Quotient of two sums: one divide, then the remainder of the quotient times the reciprocal corrects it."""
    inverse = 1.0 / below
    q = above * inverse
    remainder = fma(-q, below, above) + (above_rest - q * below_rest)
    return q + remainder * inverse


@elementary(np.exp, math.exp)
def exp(x: Number) -> Number:
    """Exponential function.

    Reduction by multiples of ln 2 in two parts (Cody and Waite 1980) and a minimax polynomial. At most 0.92 ulp.
    """
    c = clamp(x, -1400.0, 1400.0)
    t, head, tail = reduced(c)
    r = head + tail
    # `tail` joins the small terms: adding them to `r` would round twice, 1.03 ulp instead of 0.76.
    p = 1.0 + (head + muladd(r * r, polynomial(r, EXP), tail))
    first, second = powers(t)
    return p * first * second


# (2**r - 1 - r ln 2) / r**2, error 2**-58.0 of 2**r
EXP2 = (
    0.24022650695910133, 0.05550410866482169, 0.009618129107593592, 0.0013333558146386671,
    0.00015403530457809737, 1.5252733862536028e-05, 1.3215434932790782e-06, 1.0178048010790998e-07,
    7.073842561009193e-09, 4.457203811735364e-10,
)  # fmt: skip


@elementary(np.exp2, math.exp2, scipy="exp2")
def exp2(x: Number) -> Number:
    """Two to the power of `x`.

    The integer part goes to the exponent, the fraction to a minimax polynomial; exact at integers.
    At most 0.84 ulp.
    """
    c = clamp(x, -2000.0, 2000.0)
    t = c + SHIFT
    r = c - (t - SHIFT)
    head = r * LN_2
    tail = fma(r, LN_2, -head) + r * LN_2_REST
    p = 1.0 + (head + muladd(r * r, polynomial(r, EXP2), tail))
    first, second = powers(t)
    return p * first * second


# (e**r - 1 - r - r**2 / 2) / r**3, error 2**-61.7 of e**r - 1
EXPM1 = (
    0.16666666666666677, 0.0416666666666667, 0.008333333333321615, 0.0013888888888866837,
    0.0001984126988615877, 2.480158736055765e-05, 2.7557244181707534e-06, 2.755724275909968e-07,
    2.510904495927382e-08, 2.092444333497168e-09,
)  # fmt: skip


def expm1_parts(head: Number, tail: Number) -> tuple[Number, Number]:
    """``e**r - 1`` in two parts, for ``r = head + tail``.

    The square in two parts: in one, ``1 + 2 z`` for k = 1 would cost 1.0 ulp instead of 0.7.
    """
    r = head + tail
    half = 0.5 * r
    square = half * r
    z = r + square
    rest = ((r - z) + square) + (((head - r) + tail) + fma(half, r, -square))
    return z, muladd(r * square, 2.0 * polynomial(r, EXPM1), rest)


@elementary(np.expm1, math.expm1, scipy="expm1")
def expm1(x: Number) -> Number:
    """``exp(x) - 1`` without cancellation near 0.

    As `exp`, with ``e**r - 1`` carried in two parts. At most 0.80 ulp.
    """
    c = clamp(x, -40.0, 709.9)
    t, head, tail = reduced(c)
    z, rest = expm1_parts(head, tail)
    scale = power_of_two(t, 1)  # half of 2**k, so that k = 1024 is in range; the factor 2 comes last
    front = scale - 0.5
    total = front + scale * z
    lost = ((scale - front) - 0.5) + ((front - total) + scale * z)
    result = 2.0 * (total + (lost + scale * rest))
    result = select(abs(x) < 1e-17, x, result)
    return select(x > 709.9, np.inf, result)


@inlined
def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-x))


@elementary(_sigmoid, scipy="expit")
def sigmoid(x: Number) -> Number:
    """Logistic function ``1 / (1 + exp(-x))``.

    ``e**-|x|`` in two parts and one divide, corrected by its remainder; never overflows. At most 0.76 ulp.
    """
    a = abs(x)
    c = select(a > 800.0, 800.0, a)
    t, head, tail = reduced(-c)
    r = head + tail
    small = muladd(r * r, polynomial(r, EXP), tail)
    # e**-|x| = 2**k (p + rest)
    z = head + small
    p = 1.0 + z
    rest = ((1.0 - p) + z) + ((head - z) + small)
    first, second = powers(t)
    e = p * first * second
    below = 1.0 + e
    below_rest = (e - (below - 1.0)) + rest * first * second
    negative = x < 0.0
    above = select(negative, p, 1.0)
    above_rest = select(negative, rest, 0.0)
    q = quotient(above, above_rest, below, below_rest)
    return select(negative, q * first * second, q)
