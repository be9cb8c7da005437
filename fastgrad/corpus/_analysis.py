"""Functions of analysis: elementary, special, and those that the literature on differentiation uses."""

from __future__ import annotations

import cmath
import math

import numpy as np
from scipy import special as sc

from .._typing import Argument
from ._case import Mathematics, family

elementary = family("elementary")
special = family("special")
classics = family("classics")

COEFFICIENTS = (1.0, -0.5, 0.25, 3.0, -2.0, 0.125, 1.5, -1.0, 0.75, 2.0)


def horner(x: Argument) -> Argument:
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


def wilkinson(x: Argument) -> Argument:
    """Product of (x - k), k = 1 to 12."""
    p = 1.0
    for k in range(1, 13):
        p = p * (x - k)
    return p


def osborne(x: Argument) -> Argument:
    """Evaluate a residual squared of Osborne's first fit, as a function of one decay rate."""
    total = 0.0
    for t, y in ((0.0, 0.844), (100.0, 0.784), (200.0, 0.628), (300.0, 0.535)):
        total = total + (y - 0.5 - 1.5 * np.exp(-x * t) + np.exp(-0.02 * t)) ** 2
    return total


def lyness_moler(x: float) -> float:
    """Evaluate the real part of a function of a complex number."""
    z = complex(x, 0.5)
    return (cmath.exp(z) / (cmath.sin(z) ** 3 + cmath.cos(z) ** 3)).real


def _lyness_moler(m: Mathematics, x: Argument) -> Argument:
    z = m.mpc(x, 0.5)
    return (m.exp(z) / (m.sin(z) ** 3 + m.cos(z) ** 3)).real


CASES = (
    elementary("cubic", lambda x: 2.0 * x**3 - 3.0 * x**2 + x - 5.0, slope=lambda m, x: 6 * x**2 - 6 * x + 1),
    elementary("horner9", horner),
    elementary("exp", math.exp, slope=lambda m, x: m.exp(x)),
    elementary("log", np.log, slope=lambda m, x: 1 / x),
    elementary("log_math", lambda x: math.log(x), slope=lambda m, x: 1 / x),
    elementary("sqrt", np.sqrt, slope=lambda m, x: 1 / m.sqrt(x) / 2),
    elementary("sin", np.sin, slope=lambda m, x: m.cos(x)),
    elementary("cos", np.cos, slope=lambda m, x: -m.sin(x)),
    elementary("tan", lambda x: np.sin(x) / np.cos(x), slope=lambda m, x: 1 + m.tan(x) ** 2),
    elementary("arctan", np.arctan, slope=lambda m, x: 1 / (1 + x * x)),
    elementary("sinh", np.sinh, slope=lambda m, x: m.cosh(x)),
    elementary("asinh", math.asinh, slope=lambda m, x: 1 / m.sqrt(1 + x * x)),
    elementary("cbrt", np.cbrt, slope=lambda m, x: m.cbrt(abs(x)) / (3 * abs(x))),
    elementary("x_to_x", lambda x: x**x, slope=lambda m, x: x**x * (m.log(x) + 1)),
    elementary("rational", lambda x: (x * x - 2 * x + 3) / (x * x + x + 7)),
    elementary("composite", lambda x: np.tanh(np.sin(x) * np.exp(-x * x)) + 1 / (1 + np.exp(-x))),
    elementary("branch_joined", power_by_if, slope=lambda m, x: 3 * x**2),
    elementary("linear", lambda x: 3.0 * x - 7.0, slope=lambda m, x: m.mpf(3)),
    elementary("constant", lambda x: 0.0 * x + 42.0, slope=lambda m, x: m.mpf(0)),
    special("erf", sc.erf, slope=lambda m, x: 2 / m.sqrt(m.pi) * m.exp(-x * x)),
    special("erfc_math", math.erfc, slope=lambda m, x: -2 / m.sqrt(m.pi) * m.exp(-x * x)),
    special("erfcx", sc.erfcx),
    special("gamma", sc.gamma, slope=lambda m, x: m.gamma(x) * m.digamma(x)),
    special("lgamma", math.lgamma, slope=lambda m, x: m.digamma(x)),
    special("digamma", sc.digamma, slope=lambda m, x: m.polygamma(1, x)),
    special("j0", sc.j0, slope=lambda m, x: -m.besselj(1, x)),
    special("jv_2_5", lambda x: sc.jv(2.5, x)),
    # K of half-integer order is elementary; mpmath needs ten seconds a point for K of integer order
    special("kv_1_5", lambda x: sc.kv(1.5, x)),
    special("i0e", sc.i0e),
    special("airy_ai", lambda x: sc.airy(x)[0], lambda m, x: m.airyai(x), slope=lambda m, x: m.airyai(x, derivative=1)),
    special("lambertw", lambda x: sc.lambertw(x).real),
    special("ellipk", sc.ellipk),
    special("expi", sc.expi, slope=lambda m, x: m.exp(x) / x),
    special("sici", lambda x: sc.sici(x)[0], slope=lambda m, x: m.sinc(x)),
    special("zeta", sc.zeta),
    special("dawsn", sc.dawsn),
    special("legendre7", lambda x: sc.eval_legendre(7, x)),
    classics("squire_trapp", lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3), source="Squire and Trapp 1998"),
    classics("lyness_moler", lyness_moler, _lyness_moler, source="Lyness and Moler 1967"),
    classics("runge", lambda x: 1 / (1 + 25 * x**2), slope=lambda m, x: -50 * x / (1 + 25 * x**2) ** 2,
             source="Runge 1901"),
    classics("ridders", lambda x: np.exp(x) / (np.sin(x) - x**2), source="Ridders 1982"),
    classics("numerical_recipes", lambda x: x * np.exp(-x * x / 2) * np.tan(0.3 * x), source="Press et al., dfridr"),
    classics("numdifftools_exp_cos", lambda x: np.exp(np.cos(x)) + np.sin(x) ** 3,
             source="after the numdifftools manual"),
    classics("numdifftools_x3_x4", lambda x: x**3 + x**4, slope=lambda m, x: 3 * x**2 + 4 * x**3,
             source="numdifftools manual"),
    classics("rosenbrock", lambda x: (1.0 - x) ** 2 + 100.0 * (1.0 - x**2) ** 2, source="Rosenbrock 1960"),
    classics("wilkinson_12", wilkinson, source="Wilkinson 1963"),
    classics("osborne_decay", osborne, source="after More and Wild 2011"),
    classics("sinc", lambda x: np.sinc(x)),
    classics("witch", lambda x: 8.0 / (x**2 + 4.0), slope=lambda m, x: -16 * x / (x**2 + 4) ** 2, source="Agnesi 1748"),
    classics("franke_slice",
             lambda x: 0.75 * np.exp(-((9 * x - 2) ** 2) / 4 - 1) + 0.5 * np.exp(-((9 * x - 7) ** 2) / 4),
             source="Franke 1979"),
    classics("stiff_arctan", lambda x: math.atan(1e4 * (x - 0.2))),
)  # fmt: skip
