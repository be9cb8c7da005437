"""Logarithms: `log`, `log1p`, `log2`, `log10`.

All write ``x = 2**k (1 + f)`` with ``1 + f`` between ``sqrt(1/2)`` and ``sqrt(2)``, and with
``s = f / (2 + f)``: ``log(1 + f) = f - f*f/2 + s (f*f/2 + s*s P(s*s))``, an identity where ``P`` collects
what ``2 artanh(s)`` has beyond its first term.
"""

from __future__ import annotations

import math

import numpy as np

from ._exp import LN2_HI, LN2_LO, LOG2_E, LOG2_E_REST
from ._overload import elementary
from ._symbols import FRACTION_BITS, Number, Word, bits, fma, from_bits, muladd, polynomial, select

# (2 artanh(s) / s - 2) / s**2, error 2**-59.5 of the logarithm
_LOG = (
    0.6666666666666735, 0.3999999999941109, 0.2857142874326284, 0.22222198475973645,
    0.18183569740325947, 0.15313903236042284, 0.14797507794479461,
)  # fmt: skip

_SMALLEST_NORMAL = 2.2250738585072014e-308
_TWO_54 = 2.0**54
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
# Added to the bits of x, this puts k + 1023 into the exponent field.
_OFFSET = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_MANTISSA = np.uint64((1 << 52) - 1)
# Or-ed into this, a small integer becomes a float64: int64 to float64 is packed on AVX-512 only.
_INTEGER, _INTEGER_BIAS = np.uint64(0x4330000000000000), 2.0**52 + 1023.0
_TWICE_BIAS = np.uint64(2046)


def split(x: Number) -> tuple[Number, Number]:
    """Exponent and mantissa of a positive number, the mantissa between ``sqrt(1/2)`` and ``sqrt(2)``."""
    subnormal = x < _SMALLEST_NORMAL
    k, m = _split(bits(select(subnormal, x * _TWO_54, x)) + _OFFSET)
    return k - select(subnormal, _INTEGER_BIAS + 54.0, _INTEGER_BIAS), m


def _split(u: Word) -> tuple[Number, Number]:
    """Exponent with `_INTEGER_BIAS`, and mantissa, from bits with `_OFFSET`."""
    return from_bits((u >> FRACTION_BITS) | _INTEGER), from_bits((u & _MANTISSA) + _ROOT_HALF)


def _series(f: Number) -> tuple[Number, Number, Number, Number]:
    """Return `s`, what it is to be multiplied with, and ``f*f/2`` in two parts."""
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f
    h = half * f
    return s, muladd(z, polynomial(z, _LOG), h), h, fma(half, f, -h)


def _in_two_parts(f: Number) -> tuple[Number, Number]:
    """``log(1 + f)`` in two parts."""
    s, factor, h, h_rest = _series(f)
    low = muladd(s, factor, -h_rest)
    ln = (f - h) + low
    return ln, ((f - ln) - h) + low


def _with_edges(x: Number, edge: float, value: Number) -> Number:
    """Put in what a logarithm is at infinity, at the edge of its domain, and below that."""
    value = select(x < np.inf, value, x)
    return select(x > edge, value, select(x == edge, -np.inf, math.nan))


@elementary(np.log, math.log)
def log(x: Number) -> Number:
    """Natural logarithm.

    The identity at the head of this module. At most 0.77 ulp.
    """
    k, m = split(x)
    f = m - 1.0
    s, factor, h, h_rest = _series(f)
    low = muladd(s, factor, muladd(k, LN2_LO, -h_rest))
    # k ln 2 + f is the big part: in two sums, so that each rounds small terms only once
    big = k * LN2_HI
    head = big + f
    lost = (big - head) + f
    return _with_edges(x, 0.0, head + ((low + lost) - h))


@elementary(np.log1p, math.log1p, scipy="log1p")
def log1p(x: Number) -> Number:
    """``log(1 + x)`` without cancellation near 0.

    As `log` of the rounded sum ``1 + x``, with what the rounding lost put back. At most 0.77 ulp.
    """
    y = 1.0 + x
    back = y - 1.0
    lost = (1.0 - (y - back)) + (x - back)
    u = bits(y) + _OFFSET
    k, m = _split(u)
    k, f = k - _INTEGER_BIAS, m - 1.0
    # what the sum 1 + x lost, on the scale of f; it counts for small k only, and 2**-k must stay in range
    lost = select(y < 1e18, lost * from_bits((_TWICE_BIAS - (u >> FRACTION_BITS)) << FRACTION_BITS), 0.0)
    g = f + lost
    lost = (f - g) + lost
    s, factor, h, h_rest = _series(g)
    low = muladd(s, factor, muladd(k, LN2_LO, lost - h_rest))
    big = k * LN2_HI
    head = big + g
    low = low + ((big - head) + g)
    return _with_edges(x, -1.0, select(abs(x) < 1e-17, x, head + (low - h)))


_LOG10_E, _LOG10_E_REST = 0.4342944819032518, 1.098319650216765e-17
# 42 bits in the first part: k times it is exact
_LOG10_2_HI, _LOG10_2_LO = float.fromhex("0x1.34413509f4000p-2"), 8.241712586023572e-13


@elementary(np.log2, math.log2)
def log2(x: Number) -> Number:
    """Logarithm to base 2.

    As `log`, times ``1 / ln 2`` in two parts; exact at powers of two. At most 0.68 ulp.
    """
    k, m = split(x)
    ln, rest = _in_two_parts(m - 1.0)
    product = ln * LOG2_E
    rest = muladd(rest, LOG2_E, muladd(ln, LOG2_E_REST, fma(ln, LOG2_E, -product)))
    total = k + product
    return _with_edges(x, 0.0, total + (((k - total) + product) + rest))


@elementary(np.log10, math.log10)
def log10(x: Number) -> Number:
    """Logarithm to base 10.

    As `log`, times ``1 / ln 10`` in two parts. At most 0.64 ulp.
    """
    k, m = split(x)
    ln, rest = _in_two_parts(m - 1.0)
    product = ln * _LOG10_E
    rest = muladd(rest, _LOG10_E, muladd(ln, _LOG10_E_REST, fma(ln, _LOG10_E, -product)))
    big = k * _LOG10_2_HI
    total = big + product
    return _with_edges(x, 0.0, total + (((big - total) + product) + muladd(k, _LOG10_2_LO, rest)))
