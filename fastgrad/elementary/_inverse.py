"""Inverse circular functions: `arctan`, `arcsin`, `arccos`."""

from __future__ import annotations

import math

import numpy as np

from ._overload import elementary
from ._symbols import Number, fma, muladd, polynomial, select, square_root, with_sign

_PI_HALF, _PI_HALF_REST = 1.5707963267948966, 6.123233995736766e-17

# (arctan t / t - 1) / t**2, error 2**-59.3
_ARCTAN = (
    -0.33333333333333254, 0.1999999999996554, -0.1428571428116406, 0.11111110824254682,
    -0.09090898777932264, 0.07692076334551476, -0.06663269323450474, 0.05848986670971918,
    -0.05043857829037593, 0.03817186566804349, -0.01801686775765698,
)  # fmt: skip


@elementary(np.arctan, math.atan)
def arctan(x: Number) -> Number:
    """Inverse tangent.

    Three intervals, one divide, corrected by its remainder, and one minimax polynomial. At most 0.81 ulp.
    """
    a = abs(x)
    far = a > 2.414213562373095
    near = a <= 0.41421356237309503
    a = select(a > 1e300, 1e300, a)
    # arctan a = 0, pi/4 or pi/2 plus arctan t with |t| <= tan(pi/8), one divide for all three
    more = a + 1.0
    above = select(far, -1.0, select(near, a, a - 1.0))
    below = select(far, a, select(near, 1.0, more))
    middle = ~(far | near)
    # what a - 1 and a + 1 lost: 1.2 ulp without
    above_rest = select(middle, a - (above + 1.0), 0.0)
    below_rest = select(middle, a - (more - 1.0), 0.0)
    inverse = 1.0 / below
    t = above * inverse
    rest = (fma(-t, below, above) + (above_rest - t * below_rest)) * inverse
    z = t * t
    base = select(far, _PI_HALF, select(near, 0.0, 0.5 * _PI_HALF))
    base_rest = select(far, _PI_HALF_REST, select(near, 0.0, 0.5 * _PI_HALF_REST))
    total = base + t
    low = muladd(t * z, polynomial(z, _ARCTAN), ((base - total) + t) + (rest + base_rest))
    return with_sign(total + low, x)


# (arcsin s / s - 1) / s**2, error 2**-59.7
_ARCSIN = (
    0.1666666666666671, 0.07499999999980918, 0.044642857166931144, 0.030381943016047762,
    0.022372207486172007, 0.017351731003919818, 0.013979540230517888, 0.011408433242792698,
    0.010731265035757808, 0.0038776571402623977, 0.021319221822052873, -0.020484238755448466,
    0.032325463956342004,
)  # fmt: skip


@elementary(np.arcsin, math.asin)
def arcsin(x: Number) -> Number:
    """Inverse sine; NaN outside [-1, 1].

    Minimax polynomial up to 0.5, beyond it of ``sqrt((1 - |x|) / 2)``, the root in two parts. At most 0.63 ulp.
    """
    a = abs(x)
    big = a > 0.5
    z = select(big, 0.5 * (1.0 - a), a * a)
    root = square_root(z)
    # arcsin a = pi/2 - 2 arcsin(sqrt((1 - a) / 2)); the root in two parts, else 1.4 ulp just above 0.5
    rest = fma(-root, root, z) / (2.0 * root + 1e-300)
    s = select(big, root, a)
    tail = s * z * polynomial(z, _ARCSIN)
    total = _PI_HALF - 2.0 * root
    low = ((_PI_HALF - total) - 2.0 * root) + (_PI_HALF_REST - 2.0 * (rest + tail))
    return with_sign(select(big, total + low, a + tail), x)


@elementary(np.arccos, math.acos)
def arccos(x: Number) -> Number:
    """Inverse cosine; NaN outside [-1, 1].

    As `arcsin`. At most 0.62 ulp.
    """
    a = abs(x)
    big = a > 0.5
    z = select(big, 0.5 * (1.0 - a), a * a)
    root = square_root(z)
    rest = select(big, fma(-root, root, z) / (2.0 * root + 1e-300), 0.0)
    s = select(big, root, a)
    tail = muladd(s * z, polynomial(z, _ARCSIN), rest)
    negative = x < 0.0
    # base - s - tail with base 0 or pi (and both doubled) beyond 0.5, else pi/2
    s, tail = select(big, (2.0 * s, 2.0 * tail), (s, tail))
    s, tail = select((big & ~negative) | (negative & ~big), (-s, -tail), (s, tail))
    base = select(big, select(negative, 2.0 * _PI_HALF, 0.0), _PI_HALF)
    base_rest = select(big, select(negative, 2.0 * _PI_HALF_REST, 0.0), _PI_HALF_REST)
    total = base - s
    return total + (((base - total) - s) + (base_rest - tail))
