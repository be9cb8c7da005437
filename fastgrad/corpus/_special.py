"""Special functions out of scipy.special: opaque to a compiler, and not always right to the last digit."""

from __future__ import annotations

import math

from scipy import special as sc

from ._case import Case
from ._points import decades, uniform

WIDE = (0.0, *uniform(-5, 5, 20, 201), *decades(1e-6, 1, 8, 202, "+-"))
POSITIVE = (1.0, *uniform(0.2, 15, 20, 203), *decades(1e-5, 1, 8, 204))

CASES = (
    Case(
        "erf",
        "special",
        sc.erf,
        WIDE,
        lambda m, x: m.erf(x),
        slope=lambda m, x: 2 / m.sqrt(m.pi) * m.exp(-x * x),
    ),
    Case(
        "erfc_math",
        "special",
        math.erfc,
        (*WIDE, 8.0, 15.0),
        lambda m, x: m.erfc(x),
        slope=lambda m, x: -2 / m.sqrt(m.pi) * m.exp(-x * x),
    ),
    Case(
        "erfcx", "special", sc.erfcx, (*uniform(-3, 20, 20, 205), 1e3), lambda m, x: m.exp(x * x) * m.erfc(x)
    ),
    Case(
        "gamma",
        "special",
        sc.gamma,
        (*POSITIVE, -0.5, -1.5, -2.4),
        lambda m, x: m.gamma(x),
        slope=lambda m, x: m.gamma(x) * m.digamma(x),
    ),
    Case(
        "lgamma",
        "special",
        math.lgamma,
        (*POSITIVE, 100.0, 1e4),
        lambda m, x: m.loggamma(x),
        slope=lambda m, x: m.digamma(x),
    ),
    Case(
        "digamma",
        "special",
        sc.digamma,
        POSITIVE,
        lambda m, x: m.digamma(x),
        slope=lambda m, x: m.polygamma(1, x),
    ),
    Case(
        "j0",
        "special",
        sc.j0,
        (*WIDE, *uniform(5, 60, 15, 206)),
        lambda m, x: m.besselj(0, x),
        slope=lambda m, x: -m.besselj(1, x),
    ),
    Case(
        "jv_2_5",
        "special",
        lambda x: sc.jv(2.5, x),
        uniform(0.1, 30, 20, 207),
        lambda m, x: m.besselj(2.5, x),
    ),
    # K of half-integer order is elementary; mpmath needs ten seconds a point for K of integer order
    Case(
        "kv_1_5",
        "special",
        lambda x: sc.kv(1.5, x),
        uniform(0.05, 20, 20, 208),
        lambda m, x: m.sqrt(m.pi / (2 * x)) * m.exp(-x) * (1 + 1 / x),
    ),
    Case(
        "i0e",
        "special",
        sc.i0e,
        (*uniform(0.1, 20, 15, 209), 100.0),
        lambda m, x: m.besseli(0, x) * m.exp(-x),
    ),
    Case(
        "airy_ai",
        "special",
        lambda x: sc.airy(x)[0],
        uniform(-15, 8, 25, 210),
        lambda m, x: m.airyai(x),
        slope=lambda m, x: m.airyai(x, derivative=1),
    ),
    Case(
        "lambertw",
        "special",
        lambda x: sc.lambertw(x).real,
        (-0.36787944, -0.3678, -0.36, -0.2, 1e-6, *uniform(0, 10, 15, 211), 1e4, 1e8),
        lambda m, x: m.lambertw(x).real,
    ),
    Case(
        "ellipk",
        "special",
        sc.ellipk,
        (0.0, 0.5, 0.9, 0.99, 0.999999, *uniform(-2, 0.95, 15, 212)),
        lambda m, x: m.ellipk(x),
    ),
    Case(
        "expi",
        "special",
        sc.expi,
        uniform(0.1, 20, 20, 213),
        lambda m, x: m.ei(x),
        slope=lambda m, x: m.exp(x) / x,
    ),
    Case(
        "sici",
        "special",
        lambda x: sc.sici(x)[0],
        (0.0, *uniform(-20, 20, 20, 214)),
        lambda m, x: m.si(x),
        slope=lambda m, x: m.sinc(x),
    ),
    Case(
        "zeta",
        "special",
        sc.zeta,
        (1.001, 1.1, *uniform(1.2, 15, 12, 215)),
        lambda m, x: m.zeta(x),
    ),
    Case("dawsn", "special", sc.dawsn, WIDE, lambda m, x: m.sqrt(m.pi) / 2 * m.exp(-x * x) * m.erfi(x)),
    Case(
        "legendre7",
        "special",
        lambda x: sc.eval_legendre(7, x),
        (0.0, 1.0, *uniform(-1, 1, 20, 216)),
        lambda m, x: (429 * x**7 - 693 * x**5 + 315 * x**3 - 35 * x) / 16,
    ),
)
