"""Error functions: `erf`, `erfc`."""

from __future__ import annotations

import math

from ._exp import EXP, LN2_HI, LN2_LO, LOG2_E, SHIFT, power_of_two, powers
from ._overload import elementary
from ._symbols import Number, fma, muladd, polynomial, select, with_sign

_TWO_OVER_ROOT_PI, _TWO_OVER_ROOT_PI_REST = 1.1283791670955126, 1.533545961316588e-17

# (erf x / x - 2 / sqrt(pi)) / x**2 for |x| <= 1, error 2**-56.8 of erf x
_ERF = (
    -0.3761263890318367, 0.1128379167094914, -0.026866170643785332, 0.005223977610995412,
    -0.000854832614014814, 0.00012055299350503026, -1.4924814995878181e-05, 1.6448314765463845e-06,
    -1.6214832280497544e-07, 1.3745809922490657e-08, -7.841204977700689e-10,
)  # fmt: skip
# -log(erfc x) for 1 <= x <= 5.95, error 2**-59.3 of erf x
_MINUS_LOG_ERFC = (
    1.8436520772817946e-07, 1.1283772825952871, 0.6366287028206082, 0.10274664517913265,
    -0.019076960427833207, -0.0002822211530848408, 0.0017709168448946078, -0.0006428259452621376,
    4.595036138528997e-05, 6.975365603751788e-05, -4.477138720278332e-05, 1.6422011544945595e-05,
    -4.301928564243341e-06, 8.452249173561094e-07, -1.2483604505039825e-07, 1.3522841481726598e-08,
    -1.0170968650503556e-09, 4.7519527650156904e-11, -1.0391056972328158e-12,
)  # fmt: skip


@elementary(math.erf, scipy="erf")
def erf(x: Number) -> Number:
    """Error function.

    Minimax polynomials, up to 1 of ``erf(x) / x``, beyond of ``-log(erfc(x))``. At most 1.3 ulp.
    """
    a = abs(x)
    c = select(a > 5.95, 5.95, a)
    square = c * c
    head = c * _TWO_OVER_ROOT_PI
    tail = fma(c, _TWO_OVER_ROOT_PI, -head) + c * _TWO_OVER_ROOT_PI_REST
    small = head + muladd(c * square, polynomial(square, _ERF), tail)
    q = polynomial(c, _MINUS_LOG_ERFC)
    t = muladd(-q, LOG2_E, SHIFT)
    k = t - SHIFT
    r = muladd(-k, LN2_LO, muladd(-k, LN2_HI, -q))
    e = 1.0 + muladd(r * r, polynomial(r, EXP), r)
    big = 1.0 - e * power_of_two(t)
    return with_sign(select(a < 1.0, small, big), x)


# (erf x / x - 2 / sqrt(pi)) / x**2 for |x| <= 0.65, error 2**-57.4 of erf x
_ERF_SMALL = (
    -0.376126389031837, 0.11283791670947109, -0.026866170641969493, 0.00522397756918328,
    -0.0008548321560375029, 0.00012055018274611429, -1.4914577195982182e-05, 1.6227597667160638e-06,
    -1.3590134339474345e-07,
)  # fmt: skip
# (1 + 2 x) exp(x**2) erfc(x) in (x - 4) / (x + 4) for 0.65 <= x <= 28 (the form is that of Shepherd and
# Laframboise 1981), error 2**-56.3
_ERFCX_0, _ERFCX_0_REST = 1.2329951186255526, -4.9787989447957205e-17
_ERFCX = (
    -0.1396211168405621, 0.01537965210262145, 0.06809705425463881, -0.1010390660364158,
    0.09373283500053371, -0.06633036580943377, 0.03716751549681737, -0.016197734092526343,
    0.005031970394927532, -0.0007577730454727698, -0.00019925927115225015, 0.00015062067881382835,
    -2.4389192913238386e-05, -1.1219686727583962e-05, 5.684946331404739e-06, 2.9111458588733925e-07,
    -7.87350428031683e-07, 7.482570047771846e-08, 7.636192304204221e-08, -1.5280100351877068e-08,
)  # fmt: skip


@elementary(math.erfc, scipy="erfc")
def erfc(x: Number) -> Number:
    """``1 - erf(x)`` without cancellation.

    ``1 - erf(x)`` below 0.65, beyond ``exp(-x**2)`` in two parts times a polynomial in ``(x - 4) / (x + 4)``
    (Shepherd and Laframboise 1981). At most 1.02 ulp.
    """
    a = abs(x)
    c = select(a > 28.0, 28.0, a)
    square = c * c
    square_rest = fma(c, c, -square)
    head = x * _TWO_OVER_ROOT_PI
    tail = muladd(x * square, polynomial(square, _ERF_SMALL), x * _TWO_OVER_ROOT_PI_REST)
    tail = tail + fma(x, _TWO_OVER_ROOT_PI, -head)
    total = 1.0 - head
    small = total + (((1.0 - total) - head) - tail)
    # e**(-c*c) = 2**k (p + rest)
    t = muladd(-square, LOG2_E, SHIFT)
    k = t - SHIFT
    head = muladd(-k, LN2_HI, -square)
    tail = muladd(-k, LN2_LO, -square_rest)
    r = head + tail
    z = muladd(r * r, polynomial(r, EXP), tail)
    p = 1.0 + head
    rest = ((1.0 - p) + head) + z
    # both quotients, (c - 4) / (c + 4) and 1 / (1 + 2 c), with one divide
    more, twice = c + 4.0, muladd(2.0, c, 1.0)
    inverse = 1.0 / (more * twice)
    s = (c - 4.0) * twice * inverse
    v = s * polynomial(s, _ERFCX)
    g = _ERFCX_0 + v
    g_rest = ((_ERFCX_0 - g) + v) + _ERFCX_0_REST
    w = more * inverse
    w_rest = (fma(-w, twice, 1.0) - w * fma(2.0, c, 1.0 - twice)) * w
    # the product of the three, each rounding kept
    m = g * w
    m_rest = muladd(g, w_rest, muladd(g_rest, w, fma(g, w, -m)))
    value = p * m
    value = value + (fma(p, m, -value) + muladd(rest, m, p * m_rest))
    first, second = powers(t)
    value = value * first * second
    value = select(x < 0.0, 2.0 - value, value)
    return select(a < 0.65, small, value)
