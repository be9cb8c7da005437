"""Logarithms: `log`, `log1p`, `log2`, `log10`.

All write ``x = 2**k (1 + f)`` with ``1 + f`` between ``sqrt(1/2)`` and ``sqrt(2)``, and with
``s = f / (2 + f)``: ``log(1 + f) = f - f*f/2 + s (f*f/2 + s*s P(s*s))``, an identity where ``P`` collects
what ``2 artanh(s)`` has beyond its first term.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._exp import EXPONENT, LN2_HI, LN2_LO
from ._overload import elementary
from ._symbols import bits, fma, from_bits, muladd, polynomial, select

# (2 artanh(s) / s - 2) / s**2, error 2**-59.5 of the logarithm
LOG = (
    0.6666666666666735,
    0.3999999999941109,
    0.2857142874326284,
    0.22222198475973645,
    0.18183569740325947,
    0.15313903236042284,
    0.14797507794479461,
)

SMALLEST_NORMAL = 2.2250738585072014e-308
TWO_54 = 2.0**54
ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
# Added to the bits of x, this puts k + 1023 into the exponent field.
OFFSET = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
MANTISSA = np.uint64((1 << 52) - 1)
# Or-ed into this, a small integer becomes a float64: int64 to float64 is packed on AVX-512 only.
INTEGER, INTEGER_BIAS = np.uint64(0x4330000000000000), 2.0**52 + 1023.0


@elementary(np.log)
def log(x: Any) -> Any:
    """Natural logarithm.

    Parameters
    ----------
    x : float
        Any real number.

    Returns
    -------
    float

    Notes
    -----
    The identity at the head of this module. At most 0.77 ulp.
    """
    subnormal = x < SMALLEST_NORMAL
    u = bits(select(subnormal, x * TWO_54, x)) + OFFSET
    k = from_bits((u >> EXPONENT) | INTEGER) - select(subnormal, INTEGER_BIAS + 54.0, INTEGER_BIAS)
    f = from_bits((u & MANTISSA) + ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f
    h = half * f
    low = muladd(s, muladd(z, polynomial(z, LOG), h), muladd(k, LN2_LO, -fma(half, f, -h)))
    # k ln 2 + f is the big part: in two sums, so that each rounds small terms only once
    big = k * LN2_HI
    head = big + f
    lost = (big - head) + f
    result = head + ((low + lost) - h)
    result = select(x < np.inf, result, x)
    return select(x > 0.0, result, select(x == 0.0, -np.inf, math.nan))


@elementary(np.log1p)
def log1p(x: Any) -> Any:
    """``log(1 + x)`` without cancellation near 0.

    Parameters
    ----------
    x : float
        Any real number.

    Returns
    -------
    float

    Notes
    -----
    As `log` of the rounded sum ``1 + x``, with what the rounding lost put back. At most 0.77 ulp.
    """
    y = 1.0 + x
    back = y - 1.0
    lost = (1.0 - (y - back)) + (x - back)
    u = bits(y) + OFFSET
    biased = u >> EXPONENT
    k = from_bits(biased | INTEGER) - INTEGER_BIAS
    f = from_bits((u & MANTISSA) + ROOT_HALF) - 1.0
    # what the sum 1 + x lost, on the scale of f; it counts for small k only, and 2**-k must stay in range
    lost = select(y < 1e18, lost * from_bits((_TWICE_BIAS - biased) << EXPONENT), 0.0)
    g = f + lost
    lost = (f - g) + lost
    s = g / (2.0 + g)
    z = s * s
    half = 0.5 * g
    h = half * g
    low = muladd(s, muladd(z, polynomial(z, LOG), h), muladd(k, LN2_LO, lost - fma(half, g, -h)))
    big = k * LN2_HI
    head = big + g
    low = low + ((big - head) + g)
    result = head + (low - h)
    result = select(x < np.inf, result, x)
    result = select(abs(x) < 1e-17, x, result)
    return select(x > -1.0, result, select(x == -1.0, -np.inf, math.nan))


_TWICE_BIAS = np.uint64(2046)

LOG2_E_HI, LOG2_E_LO = 1.4426950408889634, 2.0355273740931033e-17
LOG10_E_HI, LOG10_E_LO = 0.4342944819032518, 1.098319650216765e-17
# 42 bits in the first part: k times it is exact
LOG10_2_HI, LOG10_2_LO = float.fromhex("0x1.34413509f4000p-2"), 8.241712586023572e-13


@elementary(np.log2)
def log2(x: Any) -> Any:
    """Logarithm to base 2.

    Parameters
    ----------
    x : float
        Any real number.

    Returns
    -------
    float

    Notes
    -----
    As `log`, times ``1 / ln 2`` in two parts; exact at powers of two. At most 0.68 ulp.
    """
    subnormal = x < SMALLEST_NORMAL
    u = bits(select(subnormal, x * TWO_54, x)) + OFFSET
    k = from_bits((u >> EXPONENT) | INTEGER) - select(subnormal, INTEGER_BIAS + 54.0, INTEGER_BIAS)
    f = from_bits((u & MANTISSA) + ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f
    h = half * f
    low = muladd(s, muladd(z, polynomial(z, LOG), h), -fma(half, f, -h))
    ln = (f - h) + low
    rest = ((f - ln) - h) + low
    product = ln * LOG2_E_HI
    rest = muladd(rest, LOG2_E_HI, muladd(ln, LOG2_E_LO, fma(ln, LOG2_E_HI, -product)))
    total = k + product
    result = total + (((k - total) + product) + rest)
    result = select(x < np.inf, result, x)
    return select(x > 0.0, result, select(x == 0.0, -np.inf, math.nan))


@elementary(np.log10)
def log10(x: Any) -> Any:
    """Logarithm to base 10.

    Parameters
    ----------
    x : float
        Any real number.

    Returns
    -------
    float

    Notes
    -----
    As `log`, times ``1 / ln 10`` in two parts. At most 0.64 ulp.
    """
    subnormal = x < SMALLEST_NORMAL
    u = bits(select(subnormal, x * TWO_54, x)) + OFFSET
    k = from_bits((u >> EXPONENT) | INTEGER) - select(subnormal, INTEGER_BIAS + 54.0, INTEGER_BIAS)
    f = from_bits((u & MANTISSA) + ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f
    h = half * f
    low = muladd(s, muladd(z, polynomial(z, LOG), h), -fma(half, f, -h))
    ln = (f - h) + low
    rest = ((f - ln) - h) + low
    product = ln * LOG10_E_HI
    rest = muladd(rest, LOG10_E_HI, muladd(ln, LOG10_E_LO, fma(ln, LOG10_E_HI, -product)))
    big = k * LOG10_2_HI
    total = big + product
    result = total + (((big - total) + product) + muladd(k, LOG10_2_LO, rest))
    result = select(x < np.inf, result, x)
    return select(x > 0.0, result, select(x == 0.0, -np.inf, math.nan))
