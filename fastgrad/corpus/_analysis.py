"""Functions of analysis: elementary, special, and those that the literature on differentiation uses."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
from scipy import special as sc

from ._case import decades, family, uniform

elementary = family("elementary")
special = family("special")
classics = family("classics")

REAL = (0.0, 1.0, -1.0, 0.5, *uniform(-10, 10, 20, 1), *decades(1e-8, 1e3, 20, 2, "+-"))
POSITIVE = (1.0, 2.0, 0.5, *uniform(0.1, 10, 20, 3), *decades(1e-8, 1e8, 20, 4))
COEFFICIENTS = (1.0, -0.5, 0.25, 3.0, -2.0, 0.125, 1.5, -1.0, 0.75, 2.0)
NEAR_0 = (0.0, *uniform(-5, 5, 20, 201), *decades(1e-6, 1, 8, 202, "+-"))
MODERATE = (1.0, *uniform(0.2, 15, 20, 203), *decades(1e-5, 1, 8, 204))
UNIT = (0.0, 1.0, 0.5, *uniform(-1, 1, 15, 1401))


def horner(x: Any) -> Any:
    """Evaluate a polynomial of degree 9, by Horner's rule in a loop."""
    total = 0.0
    for c in COEFFICIENTS:
        total = total * x + c
    return total


def power_by_if(x: float) -> float:
    """Evaluate a branch on one number: cube above 1, continued smoothly below."""
    if x > 1.0:
        return x**3
    return 1.0 + 3.0 * (x - 1.0) + 3.0 * (x - 1.0) ** 2 + (x - 1.0) ** 3


def wilkinson(x: Any) -> Any:
    """Product of (x - k), k = 1 to 12."""
    p = 1.0
    for k in range(1, 13):
        p = p * (x - k)
    return p


def osborne(x: Any) -> Any:
    """Evaluate a residual squared of Osborne's first fit, as a function of one decay rate."""
    total = 0.0
    for t, y in ((0.0, 0.844), (100.0, 0.784), (200.0, 0.628), (300.0, 0.535)):
        total = total + (y - 0.5 - 1.5 * np.exp(-x * t) + np.exp(-0.02 * t)) ** 2
    return total


def lyness_moler(x: float) -> float:
    """Evaluate the real part of a function of a complex number."""
    z = complex(x, 0.5)
    return (cmath.exp(z) / (cmath.sin(z) ** 3 + cmath.cos(z) ** 3)).real


def _lyness_moler(m: Any, x: Any) -> Any:
    z = m.mpc(x, 0.5)
    return (m.exp(z) / (m.sin(z) ** 3 + m.cos(z) ** 3)).real


CASES = (
    elementary("cubic", lambda x: 2.0 * x**3 - 3.0 * x**2 + x - 5.0, REAL, slope=lambda m, x: 6 * x**2 - 6 * x + 1),
    elementary("horner9", horner, (0.0, *uniform(-3, 3, 30, 5))),
    elementary("exp", math.exp, (0.0, 1.0, *uniform(-50, 50, 30, 6), *decades(1e-8, 1, 10, 7)),
               slope=lambda m, x: m.exp(x)),
    elementary("log", np.log, POSITIVE, slope=lambda m, x: 1 / x),
    elementary("log_math", lambda x: math.log(x), POSITIVE, slope=lambda m, x: 1 / x),
    elementary("sqrt", np.sqrt, POSITIVE, slope=lambda m, x: 1 / m.sqrt(x) / 2),
    elementary("sin", np.sin, (*REAL, math.pi, math.pi / 2), slope=lambda m, x: m.cos(x)),
    elementary("cos", np.cos, (*REAL, math.pi, math.pi / 2), slope=lambda m, x: -m.sin(x)),
    elementary("tan", lambda x: np.sin(x) / np.cos(x), uniform(-1.5, 1.5, 30, 8), slope=lambda m, x: 1 + m.tan(x) ** 2),
    elementary("arctan", np.arctan, (*REAL, *decades(1e3, 1e8, 8, 9)), slope=lambda m, x: 1 / (1 + x * x)),
    elementary("sinh", np.sinh, (0.0, *uniform(-20, 20, 25, 10)), slope=lambda m, x: m.cosh(x)),
    elementary("asinh", math.asinh, REAL, slope=lambda m, x: 1 / m.sqrt(1 + x * x)),
    elementary("cbrt", np.cbrt, decades(1e-9, 1e9, 30, 11, "+-"), slope=lambda m, x: m.cbrt(abs(x)) / (3 * abs(x))),
    elementary("x_to_x", lambda x: x**x, (*uniform(0.05, 8, 25, 12), 1e-3, 1e-6),
               slope=lambda m, x: x**x * (m.log(x) + 1)),
    elementary("rational", lambda x: (x * x - 2 * x + 3) / (x * x + x + 7), REAL),
    elementary("composite", lambda x: np.tanh(np.sin(x) * np.exp(-x * x)) + 1 / (1 + np.exp(-x)),
               uniform(-6, 6, 40, 13)),
    elementary("branch_joined", power_by_if, (1.0, 0.999, 1.001, *uniform(-2, 4, 20, 14)), slope=lambda m, x: 3 * x**2),
    elementary("linear", lambda x: 3.0 * x - 7.0, REAL, slope=lambda m, x: m.mpf(3)),
    elementary("constant", lambda x: 0.0 * x + 42.0, REAL, slope=lambda m, x: m.mpf(0)),
    special("erf", sc.erf, NEAR_0, slope=lambda m, x: 2 / m.sqrt(m.pi) * m.exp(-x * x)),
    special("erfc_math", math.erfc, (*NEAR_0, 8.0, 15.0), slope=lambda m, x: -2 / m.sqrt(m.pi) * m.exp(-x * x)),
    special("erfcx", sc.erfcx, (*uniform(-3, 20, 20, 205), 1e3)),
    special("gamma", sc.gamma, (*MODERATE, -0.5, -1.5, -2.4), slope=lambda m, x: m.gamma(x) * m.digamma(x)),
    special("lgamma", math.lgamma, (*MODERATE, 100.0, 1e4), slope=lambda m, x: m.digamma(x)),
    special("digamma", sc.digamma, MODERATE, slope=lambda m, x: m.polygamma(1, x)),
    special("j0", sc.j0, (*NEAR_0, *uniform(5, 60, 15, 206)), slope=lambda m, x: -m.besselj(1, x)),
    special("jv_2_5", lambda x: sc.jv(2.5, x), uniform(0.1, 30, 20, 207)),
    # K of half-integer order is elementary; mpmath needs ten seconds a point for K of integer order
    special("kv_1_5", lambda x: sc.kv(1.5, x), uniform(0.05, 20, 20, 208)),
    special("i0e", sc.i0e, (*uniform(0.1, 20, 15, 209), 100.0)),
    special("airy_ai", lambda x: sc.airy(x)[0], uniform(-15, 8, 25, 210), lambda m, x: m.airyai(x),
            slope=lambda m, x: m.airyai(x, derivative=1)),
    special("lambertw", lambda x: sc.lambertw(x).real,
            (-0.36787944, -0.3678, -0.36, -0.2, 1e-6, *uniform(0, 10, 15, 211), 1e4, 1e8)),
    special("ellipk", sc.ellipk, (0.0, 0.5, 0.9, 0.99, 0.999999, *uniform(-2, 0.95, 15, 212))),
    special("expi", sc.expi, uniform(0.1, 20, 20, 213), slope=lambda m, x: m.exp(x) / x),
    special("sici", lambda x: sc.sici(x)[0], (0.0, *uniform(-20, 20, 20, 214)), slope=lambda m, x: m.sinc(x)),
    special("zeta", sc.zeta, (1.001, 1.1, *uniform(1.2, 15, 12, 215))),
    special("dawsn", sc.dawsn, NEAR_0),
    special("legendre7", lambda x: sc.eval_legendre(7, x), (0.0, 1.0, *uniform(-1, 1, 20, 216))),
    classics("squire_trapp", lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3),
             (1.5, math.pi / 4, *uniform(-0.6, 2.2, 20, 1402)), source="Squire and Trapp 1998"),
    classics("lyness_moler", lyness_moler, uniform(-2, 2, 16, 1403), _lyness_moler, source="Lyness and Moler 1967"),
    classics("runge", lambda x: 1 / (1 + 25 * x**2), UNIT, slope=lambda m, x: -50 * x / (1 + 25 * x**2) ** 2,
             source="Runge 1901"),
    classics("ridders", lambda x: np.exp(x) / (np.sin(x) - x**2), (1.0, *uniform(1.0, 4, 12, 1404)),
             source="Ridders 1982"),
    classics("numerical_recipes", lambda x: x * np.exp(-x * x / 2) * np.tan(0.3 * x), (0.0, *uniform(-4, 4, 16, 1405)),
             source="Press et al., dfridr"),
    classics("numdifftools_exp_cos", lambda x: np.exp(np.cos(x)) + np.sin(x) ** 3, UNIT,
             source="after the numdifftools manual"),
    classics("numdifftools_x3_x4", lambda x: x**3 + x**4, (0.0, 1.0, *UNIT), slope=lambda m, x: 3 * x**2 + 4 * x**3,
             source="numdifftools manual"),
    classics("rosenbrock", lambda x: (1.0 - x) ** 2 + 100.0 * (1.0 - x**2) ** 2,
             (1.0, -1.2, 0.0, *uniform(-2, 2, 12, 1406)), source="Rosenbrock 1960"),
    classics("wilkinson_12", wilkinson, (1.0, 6.5, 12.0, *uniform(0, 13, 12, 1407)), source="Wilkinson 1963"),
    classics("osborne_decay", osborne, (0.01, 0.02, 0.0, *uniform(0, 0.2, 12, 1408)),
             source="after More and Wild 2011"),
    classics("sinc", lambda x: np.sinc(x), (0.0, 1.0, 0.5, *uniform(-10, 10, 15, 1409))),
    classics("witch", lambda x: 8.0 / (x**2 + 4.0), (0.0, *uniform(-10, 10, 15, 1410)),
             slope=lambda m, x: -16 * x / (x**2 + 4) ** 2, source="Agnesi 1748"),
    classics("franke_slice",
             lambda x: 0.75 * np.exp(-((9 * x - 2) ** 2) / 4 - 1) + 0.5 * np.exp(-((9 * x - 7) ** 2) / 4), UNIT,
             source="Franke 1979"),
    classics("stiff_arctan", lambda x: math.atan(1e4 * (x - 0.2)), (0.2, 0.2001, 0.21, *uniform(0, 1, 10, 1411))),
)  # fmt: skip
