"""Circular functions: `sin`, `cos`, `tan`.

``|x| = k pi/2 + r`` with pi/2 in three parts (Cody and Waite 1980). Beyond 2**30, on a slow path, the mantissa times
those 192 bits of ``2 / pi`` that matter (Payne and Hanek 1983), exactly, in integers. Not libm: glibc 2.36 is wrong by
up to 140,000 ulp at those of these arguments that lie closest to multiples of pi/2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import numpy as np

from ._overload import elementary
from ._slow_path import with_slow_path
from ._symbols import ONE, SIGN, Number, Word, bits, fma, from_bits, muladd, number, polynomial, select, table_entry

_TWO_OVER_PI = 0.6366197723675814
_PI_HALF_1, _PI_HALF_2, _PI_HALF_3 = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
_SHIFT = 6755399441055744.0  # rounds as `SHIFT` of `_exp` does, and leaves k itself in the low bits
_TWO, _30, _32, _52, _62, _63 = (np.uint64(n) for n in (2, 30, 32, 52, 62, 63))
_LOW, _BITS_30 = np.uint64(2**32 - 1), np.uint64(2**30 - 1)
_FRACTION, _HIDDEN = np.uint64(2**52 - 1), np.uint64(2**52)

# (sin r / r - 1) / r**2, error 2**-58.0; (cos r - 1 + r**2 / 2) / r**4, error 2**-64.2
_SIN = (
    -0.16666666666666632, 0.008333333333322316, -0.00019841269829725191, 2.7557313662053142e-06,
    -2.5050753263885314e-08, 1.5896504911039777e-10,
)  # fmt: skip
_COS = (
    0.0416666666666666, -0.001388888888887399, 2.4801587289394916e-05, -2.7557314326027596e-07,
    2.0875719558255963e-09, -1.1359448656026198e-11,
)  # fmt: skip


# 2 / pi in words of 32 bits, after 32 zeros; the largest float64 needs 1,193 bits
_WORDS = (
    0x00000000, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB,
    0xDEBBC561, 0xB7246E3A, 0x424DD2E0, 0x06492EEA, 0x09D1921C, 0xFE1DEB1C, 0xB129A73E, 0xE88235F5,
    0x2EBB4484, 0xE99C7026, 0xB45F7E41, 0x3991D639, 0x835339F4, 0x9C845F8B, 0xBDF9283B, 0x1FF897FF,
    0xDE05980F, 0xEF2F118B, 0x5A0A6D1F, 0x6D367ECF, 0x27CB09B7, 0x4F463F66, 0x9E5FEA2D, 0x7527BAC7,
    0xEBE5F17B, 0x3D0739F7, 0x8A5292EA, 0x6BFB5FB1, 0x1F8D5D08, 0x56033046, 0xFC7B6BAB, 0xF0CFBC20,
    0x9AF4361D,
)  # fmt: skip


def _near(a: Number) -> tuple[Word, Number, Number]:
    """Bits that end in `k` mod 4, and ``a - k pi/2`` in two parts; right up to 2**30."""
    t = muladd(a, _TWO_OVER_PI, _SHIFT)
    k = t - _SHIFT
    # Exact: a multiple of 2**-53 below 1. The next difference is kept in two parts, the third is small against them.
    first = fma(-k, _PI_HALF_1, a)
    product = k * _PI_HALF_2
    second = first - product
    lost = (first - second) - product
    third = lost - muladd(k, _PI_HALF_3, fma(k, _PI_HALF_2, -product))
    r = second + third
    return bits(t), r, (second - r) + third


def _far(a: Number) -> tuple[Word, Number, Number]:
    """Do the same for any finite ``a`` of at least 2**30, one number at a time."""
    u = bits(a)
    low, high = u & _LOW, ((u & _FRACTION) | _HIDDEN) >> _32
    # 192 bits of 2 / pi from the one that, times a, stands for 2; bits before it stand for whole turns. Times
    # the mantissa, modulo 2**192, from the last word to the first: a 2 / pi mod 4.
    start = (u >> _52) - (1075 + 2 - 32)
    place, shift = start >> 5, _32 - (start & 31)
    words = [table_entry(_WORDS, "fastgrad_two_over_pi", place + i) for i in range(7)]
    carry: Word | int = 0
    before: Word | int = 0
    s: Number | float = 0.0
    rest: Number | float = 0.0
    weight = 2.0**-190
    for i in range(5, -1, -1):
        word = (((words[i] << _32) | words[i + 1]) >> shift) & _LOW
        one, two = low * word, high * before
        total = (one & _LOW) + (two & _LOW) + carry
        carry = (one >> _32) + (two >> _32) + (total >> _32)
        before, digit = word, total & _LOW
        if i > 0:  # small to large: exact but for bits 2**-100 below
            part = number(digit) * weight
            add = s + part
            rest += s - (add - part)
            s = add
            weight *= 2.0**32
    # the first word: two bits of k, then the fraction; round k to nearest
    fraction, k = digit & _BITS_30, digit >> _30
    up = fraction >= 1 << 29
    fraction = select(up, fraction - (1 << 30), fraction)
    k = select(up, k + ONE, k)
    part = number(fraction) * weight
    f = part + s
    back = f - part
    rest += (part - (f - back)) + (s - back)
    head = f * _PI_HALF_1
    tail = fma(f, _PI_HALF_1, -head) + muladd(f, _PI_HALF_2, rest * _PI_HALF_1)
    r = head + tail
    return k, r, (head - r) + tail


def _series(r: Number, rest: Number) -> tuple[Number, Number, Number]:
    """Sine of ``r + rest`` less `r`; cosine as a large and a small part."""
    z = r * r
    sine = muladd(r * z, polynomial(z, _SIN), rest)
    half = 0.5 * z
    lead = 1.0 - half
    return sine, lead, ((1.0 - lead) - half) + muladd(z * z, polynomial(z, _COS), -r * rest)


def _of_any_angle(reduced: Callable[[Number, Word, Number, Number], Number]) -> Callable[[Number], Number]:
    """Make a function of any angle out of one of the angle, `k` and the reduced angle in two parts."""

    def slow(x: Number) -> Number:
        return select(abs(x) < np.inf, reduced(x, *_far(abs(x))), np.nan)

    slow.__name__ = f"_{reduced.__name__}_far"
    guarded = with_slow_path(slow, 2.0**30)

    @wraps(reduced)
    def function(x: Number) -> Number:
        return guarded(reduced(x, *_near(abs(x))), x)

    return function


@elementary(np.sin, math.sin)
@_of_any_angle
def sin(x: Number, u: Word, r: Number, rest: Number) -> Number:
    """Sine of an angle in radians, of any size.

    The reductions at the head of this module and minimax polynomials up to pi/4. At most 0.84 ulp.
    """
    sine, lead, cosine = _series(r, rest)
    value = select((u & ONE) != 0, lead + cosine, r + sine)
    return from_bits(bits(value) ^ ((u & _TWO) << _62) ^ (bits(x) & SIGN))


@elementary(np.cos, math.cos)
@_of_any_angle
def cos(_x: Number, u: Word, r: Number, rest: Number) -> Number:
    """Cosine of an angle in radians, of any size.

    The reductions at the head of this module and minimax polynomials up to pi/4. At most 0.90 ulp.
    """
    sine, lead, cosine = _series(r, rest)
    value = select((u & ONE) != 0, r + sine, lead + cosine)
    return from_bits(bits(value) ^ (((u + ONE) & _TWO) << _62))


@elementary(np.tan, math.tan)
@_of_any_angle
def tan(x: Number, u: Word, r: Number, rest: Number) -> Number:
    """Tangent of an angle in radians, of any size.

    Quotient of sine and cosine, both in two parts, corrected by its remainder. At most 1.2 ulp.
    """
    sine, lead, cosine = _series(r, rest)
    odd = u & ONE
    swapped = odd != 0
    above, above_rest = select(swapped, (lead, cosine), (r, sine))
    below, below_rest = select(swapped, (r, sine), (lead, cosine))
    divisor = below + below_rest
    below_rest = (below - divisor) + below_rest
    # One divide; the remainder of the quotient times the reciprocal again corrects it: 1.2 ulp, without it 2.2.
    inverse = 1.0 / divisor
    q = (above + above_rest) * inverse
    remainder = (fma(-q, divisor, above) + above_rest) - q * below_rest
    return from_bits(bits(q + remainder * inverse) ^ (odd << _63) ^ (bits(x) & SIGN))
