"""Hyperbolic functions: `tanh`, `sinh`, `cosh`."""

from __future__ import annotations

import math

import numpy as np

from ._exp import SHIFT, expm1_parts, power_of_two, quotient, reduced
from ._overload import elementary
from ._symbols import Number, fma, muladd, polynomial, select, with_sign


@elementary(np.tanh, math.tanh)
def tanh(x: Number) -> Number:
    """Hyperbolic tangent.

    ``(E - 1) / (E + 1)`` with ``E = exp(2 |x|)``, both in two parts, one divide, corrected by its remainder.
    At most 0.70 ulp.
    """
    a = abs(x)
    t, head, tail = reduced(2.0 * select(a > 20.0, 20.0, a))
    lead, small = expm1_parts(head, tail)
    z = lead + small
    rest = (lead - z) + small
    # tanh = (E - 1) / (E + 1) with E = e**(2|x|) = scale (1 + z + rest); both sums in two parts
    scale = power_of_two(t)
    z, rest = scale * z, scale * rest
    over, under = scale - 1.0, scale + 1.0
    above, below = over + z, under + z
    # the first term of each: what scale -+ 1 lost, for |x| > 18 only, but there 1.3 ulp
    above_rest = ((scale - over) - 1.0) + (((over - above) + z) + rest)
    below_rest = ((scale - under) + 1.0) + (((under - below) + z) + rest)
    return with_sign(quotient(above, above_rest, below, below_rest), x)


# (sinh r / r - 1) / r**2, error 2**-61.7; (cosh r - 1) / r**2, error 2**-58
_SINH = (
    0.16666666666666677, 0.008333333333321615, 0.00019841269886160343, 2.755724418011099e-06,
    2.5109045514062725e-08,
)  # fmt: skip
_COSH = (
    0.5000000000000013, 0.041666666666514286, 0.0013888888947261354, 2.480148972272939e-05,
    2.763134982163983e-07,
)  # fmt: skip
# Both powers of two carry 2**-41 (a half, and 2**-40 that the end takes back), so that k = 1026 is in range,
# and also 2**27 times it (the splitting of a product where the target has no fused multiply-add).
_LESS, _TWO_40 = 41, 2.0**40


def _parts(a: Number) -> tuple[Number, Number, Number, Number, Number]:
    """For ``a = k ln 2 + r``: `r`, ``sinh r - r``, ``cosh r - 1``, and ``2**(k - 41)`` and ``2**(-k - 41)``.

    Then ``2**-40 sinh a = up cosh r + down sinh r``, with the difference and the sum of the last two, and `cosh` with
    these exchanged: no divide.
    """
    t, head, tail = reduced(select(a > 711.0, 711.0, a))
    r = head + tail
    rest = (head - r) + tail
    square = r * r
    odd = muladd(r * square, polynomial(square, _SINH), rest)
    even = square * polynomial(square, _COSH)
    k = t - SHIFT
    k = select(k > 40.0, 40.0, k)
    return r, odd, even, power_of_two(t, _LESS), power_of_two(SHIFT - k, _LESS)


def _sum(main: Number, other: Number, lost: Number, r: Number, odd: Number, even: Number) -> Number:
    """Return ``main cosh r + other sinh r``; `lost` is what `main` lost: up to 0.5 ulp, at k = 27."""
    lead = other * r
    total = main + lead
    low = (((main - total) + lead) + lost) + (fma(other, r, -lead) + muladd(main, even, other * odd))
    return _TWO_40 * (total + low)


@elementary(np.sinh, math.sinh)
def sinh(x: Number) -> Number:
    """Hyperbolic sine.

    ``sinh(k ln 2 + r)`` by the addition theorem, without a divide. At most 0.82 ulp.
    """
    a = abs(x)
    r, odd, even, grow, shrink = _parts(a)
    up, down = grow - shrink, grow + shrink
    result = _sum(up, down, (grow - up) - shrink, r, odd, even)
    result = select(a < 1e-9, a, result)
    result = select(a > 711.0, np.inf, result)
    return with_sign(result, x)


@elementary(np.cosh, math.cosh)
def cosh(x: Number) -> Number:
    """Hyperbolic cosine.

    ``cosh(k ln 2 + r)`` by the addition theorem, without a divide. At most 0.77 ulp.
    """
    a = abs(x)
    r, odd, even, grow, shrink = _parts(a)
    up, down = grow - shrink, grow + shrink
    result = _sum(down, up, (grow - down) + shrink, r, odd, even)
    return select(a > 711.0, np.inf, result)
