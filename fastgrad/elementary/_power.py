"""Roots and powers: `sqrt`, `cbrt`, `power`."""

from __future__ import annotations

import math

import numpy as np

from ._exp import EXP2, LN_2, LN_2_REST, SHIFT, clamp, power_of_two, powers
from ._log import split
from ._overload import elementary
from ._symbols import SIGN, Number, bits, fma, from_bits, muladd, polynomial, select, square_root, with_sign


@elementary(np.sqrt, math.sqrt)
def sqrt(x: Number) -> Number:
    """Square root; NaN below 0.

    The hardware's instruction, rounded correctly.
    """
    return square_root(x)


# m**(-1/3), error 2**-17.4
_CBRT = (
    1.9991697243447846, -2.485915878088635, 2.7922044943223843, -1.8981279669845654,
    0.7007375541407755, -0.10806408088608507,
)  # fmt: skip
_TWO_52 = 2.0**52
_ROOT_TWO, _ROOT_HALF = 1.2599210498948732, 0.7937005259840998


@elementary(np.cbrt, math.cbrt, scipy="cbrt")
def cbrt(x: Number) -> Number:
    """Cube root.

    Inverse cube root by a polynomial, then two Newton steps, the last with its residual in two parts.
    At most 0.501 ulp.
    """
    a = abs(x)
    k, m = split(a)
    # 2**k = 2**(3 q + j)
    t = muladd(k, 0.3333333333333333, SHIFT)
    j = k - 3.0 * (t - SHIFT)
    y = polynomial(m, _CBRT) * select(j > 0.0, _ROOT_HALF, select(j < 0.0, _ROOT_TWO, 1.0))
    m = m * select(j > 0.0, 2.0, select(j < 0.0, 0.5, 1.0))
    # m**(-1/3) to 2**-49, then a Newton step on the cube root with the residual in two parts
    e = muladd(-m * y, y * y, 1.0)
    y = muladd(y * e, muladd(e, 0.2222222222222222, 0.3333333333333333), y)
    y = y * y
    c = m * y
    square = c * c
    residual = fma(-c, square, m) - c * fma(c, c, -square)
    c = c + residual * (y * 0.3333333333333333)
    c = c * power_of_two(t)
    return select((a > 0.0) & (a < np.inf), with_sign(c, x), x + x)


# 2 artanh(s) / (s ln 2) = A + z (B + z Q(z)), z = s**2; error 2**-72 of the logarithm
_A, _A_REST = 2.8853900817779268, 4.0710547481862066e-17
_B, _B_REST = 0.9617966939259756, 5.0577616648125907e-17
_Q = (
    0.5770780163555853, 0.412198583111199, 0.3205988979432817, 0.2623081953901778,
    0.22195246817774708, 0.19239448370216092, 0.16857751635977802, 0.17185684895910774,
)  # fmt: skip


@elementary(np.power, np.float_power, math.pow)
def power(x: Number, y: Number) -> Number:
    """Return `x` to the power of `y`.

    NaN for a negative `x` and a `y` that is not whole. Zeros, infinities and signs as in C (IEEE 754 `pow`).
    ``log2 |x|`` in two parts to 2**-67, times `y`, then as `exp2`. At most 0.90 ulp.
    """
    a = abs(x)
    k, m = split(a)
    f = m - 1.0
    # log2(a) in two parts, error 2**-67 of it: y log2(a) goes up to 1075, and its absolute error counts
    below = 2.0 + f
    inverse = 1.0 / below
    s = f * inverse
    s_rest = (fma(-s, below, f) - s * (f - (below - 2.0))) * inverse
    z = s * s
    z_rest = muladd(2.0 * s, s_rest, fma(s, s, -z))
    w = polynomial(z, _Q)
    v = z * w
    v_rest = muladd(z_rest, w, fma(z, w, -v))
    w = _B + v
    w_rest = ((_B - w) + v) + (v_rest + _B_REST)
    v = z * w
    v_rest = fma(z, w, -v) + muladd(z_rest, w, z * w_rest)
    w = _A + v
    w_rest = ((_A - w) + v) + (v_rest + _A_REST)
    v = s * w
    v_rest = fma(s, w, -v) + muladd(s_rest, w, s * w_rest)
    big = k + v
    rest = ((k - big) + v) + v_rest
    big = select((a > 0.0) & (a < np.inf), big, select(a == 0.0, -np.inf, a))
    # 2**(y log2 a)
    p = y * big
    p_rest = fma(y, big, -p) + y * rest
    p_rest = select(abs(p) < 2000.0, p_rest, 0.0)
    p = clamp(p, -2000.0, 2000.0)
    t = p + SHIFT
    r = p - (t - SHIFT)
    head = r * LN_2
    tail = fma(r, LN_2, -head) + muladd(p_rest, LN_2, r * LN_2_REST)
    r = r + p_rest
    value = 1.0 + (head + muladd(r * r, polynomial(r, EXP2), tail))
    first, second = powers(t)
    value = value * first * second
    # what C says about signs, zeros and infinities
    value = select((a == 1.0) & (y == y), 1.0, value)
    size = abs(y)
    half_way = 0.5 * size + _TWO_52
    excess = select(size < 2.0 * _TWO_52, size - 2.0 * (half_way - _TWO_52), 0.0)
    odd = abs(excess) == 1.0
    whole = odd | (excess == 0.0)
    value = select((x > -np.inf) & (x < 0.0) & ~whole, math.nan, value)
    value = select(odd, from_bits(bits(value) ^ (bits(x) & SIGN)), value)
    return select((x == 1.0) | (y == 0.0), 1.0, value)
