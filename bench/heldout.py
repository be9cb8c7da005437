"""A second collection of functions, held out from development: how often do the error bars hold?

    nice python bench/heldout.py [--list] [--cache DIRECTORY]

Nothing in `fastgrad` was tuned on these functions, and they share nothing with `fastgrad.corpus`. The truths come from
mpmath and are kept in a temporary directory (``--cache``, ``FASTGRAD_HELDOUT``), as they take a minute or two.

Kinds: "smooth" functions are computed to about 1e-10 of what the rounding of their argument allows; "noisy" ones carry
more noise than that (cancellation, float32, rounding to digits, hashed noise), their truth is the smooth function
underneath; "kink" ones are made of pieces or flat in places, their truth is that of the piece the point is on; "wrong"
ones are smooth but have wrong values (an iteration stopped early, a quadrature, a table): no bar could know.
"""

import argparse
import hashlib
import json
import os
import re
import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np
from scipy import interpolate
from scipy import special as sp

import fastgrad


@dataclass(frozen=True)
class Case:
    """A function `f` of arrays, the same function `exact` of ``(mpmath, x)``, its points and its kind."""

    name: str
    f: Callable
    exact: Callable
    points: np.ndarray
    kind: str


ALL: list[Case] = []
NAMES = "sin cos tan asin acos atan sinh cosh tanh exp expm1 log log1p log10 sqrt acosh atanh pi sign floor".split()
# NumPy and SciPy under the names of mpmath, so that one expression serves for both.
NP = SimpleNamespace(
    **{name: getattr(np, name) for name in NAMES}, erf=sp.erf, erfc=sp.erfc, erfinv=sp.erfinv, ncdf=sp.ndtr,
    gamma=sp.gamma, loggamma=sp.gammaln, digamma=sp.digamma, psi=sp.polygamma, beta=sp.beta, besselj=sp.jv,
    bessely=sp.yv, besseli=sp.iv, besselk=sp.kv, airyai=lambda x: sp.airy(x)[0], airybi=lambda x: sp.airy(x)[2],
    zeta=sp.zeta, ellipk=sp.ellipk, ellipe=sp.ellipe, lambertw=lambda x: sp.lambertw(x).real, e1=sp.exp1,
    si=lambda x: sp.sici(x)[0], ci=lambda x: sp.sici(x)[1], legendre=sp.eval_legendre, chebyt=sp.eval_chebyt,
    hermite=sp.eval_hermite, laguerre=sp.eval_genlaguerre, struveh=sp.struve, fresnels=lambda x: sp.fresnel(x)[0],
    hyp1f1=sp.hyp1f1, hyp2f1=sp.hyp2f1, ber=lambda n, x: sp.ber(x), gammainc=lambda a, z, x, **_: sp.gammainc(a, x),
    betainc=lambda a, b, z, x, **_: sp.betainc(a, b, x), ellipfun=lambda kind, x, m: sp.ellipj(x, m)[0],
    polylog=lambda n, x: sp.spence(1 - x))


def pick(where, yes, no):
    """Choose the piece, for arrays and for mpmath's numbers."""
    return np.where(where, yes, no) if isinstance(where, np.ndarray) else yes if where else no


def P(low, high, *places, scale=1.0):
    """Sixteen points inside (low, high), and powers of ten times `scale` away from the special places."""
    rng = np.random.default_rng(zlib.crc32(repr((low, high, places)).encode()))
    near = [c + sign * scale * 10.0**-k for c in places for k in (1, 2, 3, 4, 6, 9) for sign in (-1, 1)]
    x = np.concatenate([low + (high - low) * (np.arange(8) + 0.5) / 8, rng.uniform(low, high, 8), near])
    return np.unique(x[(x > low) & (x < high) & ~np.isin(x, places)])


def G(low, high, both=False):
    """Seventeen points over the decades from `low` to `high`, and their mirror images for `both`."""
    rng = np.random.default_rng(zlib.crc32(repr((low, high)).encode()))
    x = np.concatenate([np.geomspace(low, high, 9), np.exp(rng.uniform(np.log(low), np.log(high), 8))])
    return np.unique(np.concatenate([x, -x]) if both else x)



def written(text):
    """Turn an expression in x into a function of arrays and one of (mpmath, x)."""
    words, code = set(re.findall(r"[a-z]\w*", text)), compile(text, text, "eval")

    def exact(m, x):
        return eval(code, {word: getattr(m, word) for word in words if hasattr(m, word)} | {"pick": pick, "x": x})

    return eval(f"lambda x: {text}", vars(NP) | {"pick": pick}), exact


def add(kind, *pairs, before=np.float64, after=None):
    """Add functions, given in turn as ``"expression"`` or ``"name: expression"`` and their points.

    The points go through `before`, and ``after(values, points)`` spoils the values.
    """
    for label, points in zip(pairs[::2], pairs[1::2], strict=True):
        name, _, text = label.rpartition(": ")
        name = name or text
        if any(case.name == name for case in ALL):
            name = f"{name} at {points[len(points) // 2]:.3g}"
        f, exact = written(text)

        def spoilt(x, f=f):
            y = np.asarray(f(before(x)), float)
            return np.asarray(after(y, x), float) if after else y

        ALL.append(Case(name, spoilt, exact, points, kind))


def wrong(name, f, g, points):
    """Add a function whose values are smooth, but not quite those of `g`, an expression or a function of (m, x)."""
    ALL.append(Case(name, f, written(g)[1] if isinstance(g, str) else g, points, "wrong"))


def hashed(size):
    """Make deterministic noise of the given size, absolute."""
    def spoil(y, x):
        z = np.sin(1e9 * x) * 43758.5453
        return y + size * 2 * (z - np.floor(z) - 0.5)
    return spoil


def digits(n):
    """Round the values to `n` digits after the point."""
    return lambda y, x: np.round(y, n)


def newton(start, residual, slope, steps=14):
    """Solve an equation for mpmath from a good start."""
    for _ in range(steps):
        start = start - residual(start) / slope(start)
    return start


# Elementary functions
add("smooth",
    "exp(-x/5)*cos(7*x)", P(-4, 9), "(1 + x - 3*x**2)*exp(-x*x/2)", P(-6, 6, 0), "exp(x*log(x))", P(0, 4, 0),
    "sin(1 / x)", G(0.01, 3, True), "x*sin(1/x)", G(0.003, 1, True), "tan(x)", P(-1.5, np.pi / 2, np.pi / 2),
    "log(log(x))", P(1, 6, 1), "sqrt(1 - x*x)", P(-1, 1, -1, 1), "asin(x)", P(-1, 1, -1, 1),
    "acos(x)**2", P(-1, 1, -1, 1), "acosh(x)", P(1, 9, 1), "atanh(x)", P(-1, 1, -1, 1), "sqrt(x)", G(1e-9, 1e9),
    "x**1.5", P(0, 5, 0), "x**-0.3", G(1e-9, 1e3), "x**0.1 - 1", P(0, 3, 0), "log(abs(x - 2))", P(-3, 7, 2),
    "exp(-1 / x)", G(0.01, 30), "exp(-1 / x**2)", G(0.1, 20, True), "1/(1 + 25*x*x)", P(-2, 2, 0),
    "(x*x - 1)/(x*x + 0.0001)", P(-2, 2, 0), "sinh(x)/cosh(2*x)", P(-8, 8, 0), "atan(1e4*(x - 0.3))", P(-1, 2, 0.3),
    "tanh(50*(x - 0.7))", P(0, 1.5, 0.7), "sin(x*x)", P(-12, 12), "cos(300*x)", P(-2, 2),
    "sin(x)*sin(30*x)*sin(100*x)", P(-3, 3), "exp(sin(8*x))", P(-5, 5), "exp(exp(x))", P(-4, 4),
    "(x-1)*(x-2)*(x-3)*(x-4)*(x-5)*(x-6)*(x-7)*(x-8)", P(0, 9, 4), "((x**3 - 4)*x**4 + x - 7)*x**3 + 2", P(-2, 2, 0),
    "sign(x)*abs(x)**(1/3)", P(-2, 2, 0), "sqrt(1e-6 + x*x)", P(-1, 1, 0), "sqrt(1e-12 + (x - 0.5)**2)", P(-1, 2, 0.5),
    "x*log(x)", P(0, 4, 0), "1 / x", G(1e-9, 1e9, True), "1/(x - 1)**2", P(-1, 3, 1), "x / expm1(x)", P(-20, 20, 0),
    "sin(x) / x", P(-30, 30, 0), "exp(-(((x - 0.4)/1e-3)**2)/2)", P(0.395, 0.405, 0.4, scale=0.01),
    "1e-4/((x - 2)**2 + 1e-8)", P(1, 3, 2), "exp(100*x)", P(-3, 3), "(1 + x/100)**100", P(-50, 50),
    "x**50", P(-2, 2, 1), "sin(x) + 1e-3*sin(1000*x)", P(-3, 3), "x + 1e-6*sin(1e5*x)", P(-3, 3),
    "1e6 + sin(x)", P(-3, 3), "1e9 + x*x + x**3", P(-3, 3), "sqrt(x + sqrt(x + sqrt(x)))", P(0, 7, 0),
    "cos(log(x))", G(1e-9, 100), "atan(sin(x) / (1.5 + cos(x)))", P(-9, 9), "2*atan(tanh(x/2))", P(-20, 20, 0),
    "x*exp(-x)", P(-5, 600), "exp(-x*x)", P(-25, 25, 0), "exp(-1/(1 - x*x))", P(-0.99, 0.99, 0),
    "sum(0.5**k*cos(3**k*x) for k in range(7))", P(-2, 2), "sin(exp(x))", P(-2, 7), "sin(2*sin(2*sin(2*x)))", P(-4, 4),
    "tan(1.5*sin(x))", P(-6, 6), "asin(tanh(x))", P(-4, 4, 0), "0*x + 0.7", P(-3, 3, 0), "0.1*x - 0.7", P(-1e3, 1e3, 0),
    "(2*x - 3)/(x + 0.1)", P(-3, 3, -0.1))
# Other scales and large arguments
add("smooth",
    "sin(x / 1e-9)", P(-9e-9, 9e-9, 0, scale=1e-9), "exp(-((x/2e-6)**2))", P(-5e-6, 5e-6, 0, scale=1e-6),
    "log1p(x*1e9)", G(1e-11, 1e-7), "exp(-((x - 1e6)**2)/50)", P(999970, 1000030, 1e6, scale=10),
    "tanh((x - 1e4) / 30)", P(9900, 10100, 1e4, scale=100), "sin(x)", P(9990, 10010), "sin(x)", P(999990, 1000010),
    "cos(x / 1e7)", P(-1e9, 1e9), "exp(-x / 1e9)", P(-1e9, 5e9), "x**3 - 1e6*x**2 + x", P(-2e6, 2e6),
    "x / (x + 1e6)", G(1e2, 1e9), "log(x)", G(1e6, 1e12), "sqrt(x - 1e-6)", P(1e-6, 9e-6, 1e-6, scale=1e-6),
    "x*x", P(-2e9, 2e9), "1 / (x - 1e4)", P(9000, 11000, 1e4, scale=100))
# Special functions
add("smooth",
    "erf(x)", P(-6, 6, 0), "erfc(x)", P(-3, 20), "gamma(x)", P(-3.9, 6, -1), "loggamma(x)", G(1e-6, 1e6),
    "digamma(x)", P(0, 9, 0), "psi(1, x)", G(1e-3, 1e3), "beta(x, 2.5)", P(0, 9, 0), "besselj(0, x)", P(-40, 40),
    "besselj(5, x)", P(0, 60), "bessely(0, x)", P(0, 20, 0), "besseli(1, x)", P(-30, 30, 0),
    "besselk(1, x)", G(1e-6, 100), "airyai(x)", P(-20, 8), "airybi(x)", P(-12, 6), "zeta(x)", P(1, 9, 1),
    "ellipk(x)", P(-3, 1, 1), "ellipe(x)", P(-3, 1, 1), "lambertw(x)", P(-0.36, 9, 0), "e1(x)", G(1e-9, 30),
    "si(x)", P(-30, 30, 0), "ci(x)", P(0, 30, 0), "legendre(10, x)", P(-1, 1, 0.5), "chebyt(25, x)", P(-1.02, 1.02, -1),
    "hermite(6, x)*exp(-x*x/2)", P(-7, 7), "laguerre(5, 0.5, x)*exp(-x/2)", P(0, 30),
    "gammainc(2.5, 0, x, regularized=True)", P(0, 15, 0), "betainc(2.5, 0.7, 0, x, regularized=True)", P(0, 1, 0),
    "struveh(1, x)", P(0, 20), "fresnels(x)", P(-6, 6, 0), "erfinv(x)", P(-1, 1, 0), "hyp1f1(0.5, 1.5, x)", P(-9, 9, 0),
    "hyp2f1(0.5, 1, 2.25, x)", P(-0.9, 0.95, 0), "ellipfun('sn', x, m=0.7)", P(-6, 6), "ber(0, x)", P(-7, 7, 0))
# Statistics
add("smooth",
    "normal cdf: ncdf(x)", P(-9, 9, 0), "log of normal cdf: log(ncdf(x))", P(-20, 5),
    "normal log-likelihood in sigma: -40*log(x) - 53.7/(2*x*x)", P(0.01, 9, 0),
    "t pdf with 1.5 degrees: (1 + x*x/1.5)**-1.25", P(-30, 30, 0),
    "gamma log density: 2.7*log(x) - x/0.4 - loggamma(3.7 + 0*x)", P(0, 9, 0),
    "beta log density: -0.5*log(x) + 3*log1p(-x)", P(0, 1, 0, 1),
    "cauchy cdf: 0.5 + atan((x - 1) / 0.01) / pi", P(-2, 4, 1), "weibull pdf: 1.7*x**0.7*exp(-(x**1.7))", P(0, 4, 0),
    "gumbel cdf: exp(-exp(-x))", P(-4, 20), "poisson log-likelihood: 137*log(x) - 25*x", P(0, 20, 0),
    "binomial log-likelihood: 17*log(x) + 483*log(1 - x)", P(0, 1, 0, 1),
    "negative binomial in size: loggamma(x + 12) - loggamma(x) + x*log(x/(x + 4))", G(1e-3, 1e3),
    "von Mises: exp(20*cos(x - 0.5))/(2*pi*besseli(0, 20.0))", P(-3, 3),
    "lognormal pdf: exp(-(log(x)**2)/0.5)/x", G(1e-3, 1e2), "skew normal: 2*exp(-x*x/2)*ncdf(4*x)", P(-4, 5, 0),
    "mixture log-likelihood: sum(log(0.3*exp(-((y - x)**2)/2) + 0.7*exp(-((y - 3)**2)/8)) for y in (-1, 0.5, 2, 4))",
    P(-9, 9),
    "entropy of a coin: -x*log(x) - (1 - x)*log1p(-x)", P(0, 1, 0, 1), "logit: log(x / (1 - x))", P(0, 1, 0, 1),
    "probit: sqrt(2)*erfinv(2*x - 1)", P(0.001, 0.999, 0.5),
    "inverse gaussian cdf: ncdf(sqrt(2/x)*(x - 1)) + exp(4)*ncdf(-sqrt(2/x)*(x + 1))", P(0.02, 6),
    "box-cox log-likelihood: 3*log(x) - 20*log((2.5**x - 1)/x)", P(0.1, 4))
# Physics and chemistry
add("smooth",
    "planck in wavelength: 1.19e-16/x**5/expm1(0.014388/(x*5800))", G(1e-7, 1e-4),
    "planck in frequency: 1.47e-50*x**3/expm1(x*1.6e-14)", G(1e12, 3e15),
    "lennard-jones in metres: 4*1.65e-21*((3.4e-10/x)**12 - (3.4e-10/x)**6)", P(2.8e-10, 12e-10),
    "morse: 4.7*(1 - exp(-1.9*(x - 0.74)))**2", P(0.2, 6, 0.74),
    "van der waals: 24.6 / (x - 0.0427) - 3.59 / x**2", P(0.0427, 2, 0.0427),
    "fermi-dirac: 1 / (exp((x - 5) / 0.025) + 1)", P(4, 6, 5),
    "lorentz factor: 1/sqrt(1 - (x/299792458.0)**2)", P(-2.99e8, 2.99e8),
    "coulomb in SI: 2.307e-28 / x", G(1e-12, 1e-6), "pendulum period: 4*ellipk(sin(x/2)**2)", P(-3, 3, 0),
    "airy disk: (2*besselj(1, x)/x)**2", P(-15, 15, 0),
    "breit-wigner: 1/((x*x - 8315.18)**2 + 8315.18*6.2)", P(80, 100, 91.1876),
    "neutrino oscillation: sin(1.267*2.5e-3*735/x)**2", G(0.05, 50),
    "tunnelling: 1/(1 + sinh(5*sqrt(1 - x))**2/(4*x*(1 - x)))", P(0, 1, 0, 1),
    "barometer: 101325*(1 - 2.25577e-5*x)**5.25588", P(-400, 44000),
    "klein-nishina: (1/(2 - cos(x)))**2*(2 - cos(x) + 1/(2 - cos(x)) - sin(x)**2)", P(-3.1, 3.1, 0),
    "schwarzschild potential: -1 / x + 8 / x**2 - 16 / x**3", G(0.5, 1e3),
    "arrhenius: 1e13*exp(-80000/(8.314*x))", P(250, 1500), "hill: x**4 / (0.3**4 + x**4)", P(0, 3, 0),
    "nernst: 0.0257*log(x/0.145)", G(1e-7, 10), "debye-hueckel: -0.509*sqrt(x)/(1 + sqrt(x))", P(0, 2, 0),
    "antoine: 10**(8.07131 - 1730.63/(233.426 + x))", P(1, 100),
    "butler-volmer: expm1(19.5*x) - expm1(-19.5*x)", P(-0.5, 0.5, 0),
    "langevin with coth: 1 / tanh(x) - 1 / x", P(0.5, 30),
    "acid strength: -log10((sqrt(1.8e-5**2 + 4*1.8e-5*x) - 1.8e-5)/2)", G(1e-4, 10))
# Engineering and finance
add("smooth",
    "diode: 1e-12*expm1(x/0.02585)", P(-1, 0.8, 0), "haaland friction: (-1.8*log10(6.9/x + 1e-5))**-2", G(4e3, 1e8),
    "low pass gain: -10*log10(1 + (x/1591.5)**2)", G(30, 1e6), "resonant phase: atan(0.02*x/(1 - x*x))", P(0, 1, 1),
    "thermistor: 1/(1.4e-3 + 2.37e-4*log(x) + 9.9e-8*log(x)**3)", G(100, 1e6),
    "prandtl-meyer: sqrt(6)*atan(sqrt((x*x - 1)/6)) - atan(sqrt(x*x - 1))", P(1, 6, 1),
    "area ratio of a nozzle: ((1 + 0.2*x*x)/1.2)**3/x", P(0, 5, 1),
    "step response: 1 - exp(-0.2*x)*(cos(3*x) + sin(3*x)/15)", P(0, 25),
    "log mean temperature: (80 - x) / log(80 / x)", P(0.1, 60, 20), "butterworth: 1 / sqrt(1 + x**16)", P(-3, 3, 1),
    "array pattern: (sin(8*x)/(8*sin(x)))**2", P(0.1, 3), "buckling secant: 1/cos(pi/2*sqrt(x))", P(0, 1, 1),
    "call price in spot: x*ncdf((log(x/100) + 0.035)/0.2) - 95.1229*ncdf((log(x/100) + 0.015)/0.2)", P(40, 250, 100),
    "call price at expiry: x*ncdf(log(x/100)/1e-3) - 100*ncdf(log(x/100)/1e-3 - 1e-3)", P(99, 101, 100),
    "call price in volatility: 100*erf(x/2/sqrt(2))", P(0, 3, 0),
    "bond in yield: sum(4/(1 + x)**k for k in range(1, 11)) + 100/(1 + x)**10", P(-0.3, 0.6, 0),
    "kelly growth: 0.55*log(1 + x) + 0.45*log(1 - x)", P(-1, 1, 1),
    "nelson-siegel: 0.03 - 0.02*(1 - exp(-x/2))/(x/2) + 0.01*exp(-x/2)", P(0.5, 30),
    "crra utility: x**-2.0 / -2", G(1e-3, 1e5))
# Machine learning
add("smooth",
    "log1p(exp(x))", P(-40, 40, 0), "1 / (1 + exp(-x))", P(-60, 60, 0), "tanh(x)", P(-40, 40), "x*ncdf(x)", P(-9, 9, 0),
    "0.5*x*(1 + tanh(0.79788456*(x + 0.044715*x**3)))", P(-5, 9, 0), "x/(1 + exp(-1.7*x))", P(-20, 20, 0),
    "x*tanh(log1p(exp(x)))", P(-9, 9, 0), "log(cosh(x))", P(-30, 30),
    "log1p(exp(-x))*0.9 + 0.1*log1p(exp(x))", P(-20, 20), "-((1 - x)**2)*log(x)", P(0, 1, 0),
    "exp(x) / (exp(x) + exp(2) + exp(-1) + 3)", P(-9, 15))
add("kink",
    "pick(x > 0, x, 0*x)", P(-2, 2, 0), "pick(x > 0.3, x - 0.3, 0.01*(x - 0.3))", P(-2, 2, 0.3),
    "pick(x > 0, x, expm1(x) / 2)", P(-5, 3, 0), "1.0507*pick(x > 0, x, 1.67326*expm1(x))", P(-5, 3, 0),
    "x / (1 + abs(x))", P(-9, 9, 0), "pick(x < -3, 0*x, pick(x > 3, 1 + 0*x, x/6 + 0.5))", P(-6, 6, -3, 3),
    "x*pick(x < -3, 0*x, pick(x > 3, 1 + 0*x, x/6 + 0.5))", P(-6, 6, -3, 3),
    "pick(x < 1, (1 - x)**2, 0*x)", P(-2, 3, 1), "pick(abs(x) < 1, x*x/2, abs(x) - 0.5)", P(-3, 3, -1, 1),
    "pick(x > 2.5, 0.9*(x - 2.5), 0.1*(2.5 - x))", P(0, 6, 2.5),
    "pick(x < 0, 0*x, pick(x > 1, 1 + 0*x, x*x*(3 - 2*x)))", P(-1, 2, 0, 1),
    "pick(x > 20, x, log1p(exp(x)))", P(15, 25, 20))
# Pieces, kinks, steps and flat places
add("kink",
    "abs(x)", P(-2, 2, 0), "abs(x - 2e-6)", P(-6e-6, 6e-6, 2e-6, scale=1e-6),
    "abs(x - 1e6)", P(999900, 1000100, 1e6, scale=100), "abs(sin(x))", P(-2, 6, 0),
    "pick(sin(x) > 0.5, 0.5 + 0*x, sin(x))", P(-4, 9, np.pi / 6), "pick(x > 1, 1 + 0*x, 0*x)", P(-1, 3, 1),
    "sign(x - 0.4)*cos(x)", P(-2, 3, 0.4), "x - floor(x)", P(-2.03, 2.03, 1),
    "abs((x - 2*floor(x/2)) - 1)", P(-2.03, 4.03, 1), "pick(x < 0, 0*x, pick(x < 2, 1 + 0*x, 5 + 0*x))", P(-3, 5, 0, 2),
    "pick(x < 11000, 0*x, pick(x < 31000, 0.2*(x - 11000), 4000 + 0.42*(x - 31000)))",
    P(0, 80000, 11000, 31000, scale=1e4),
    "pick(x > 100, x - 100, 0*x)", P(50, 150, 100, scale=10), "sqrt(abs(x - 1))", P(-1, 3, 1),
    "pick(abs(x) < 1, (1 - x*x)**2, 0*x)", P(-2, 2, -1, 1), "pick(x < 1, x**3, 3*x - 2)", P(-1, 3, 1),
    "sin(x) + pick(x > 0.5, (x - 0.5)**2, 0*x)", P(-2, 3, 0.5), "exp(x) + pick(x > 0, x**3, 0*x)", P(-2, 2, 0),
    "pick(x < 0.7, 1e-9*x, 1e-9*x + (x - 0.7)/50)", P(-2, 3, 0.7),
    "pick(abs(x) < 0.1, 0*x, x - 0.1*sign(x))", P(-1, 1, -0.1, 0.1),
    "sign(x)*(0.3 + 0.2*exp(-abs(x)*10)) + 0.1*x", P(-2, 2, 0), "-abs(x - 1) / 0.3", P(-3, 5, 1),
    "pick(x > -20, -20 + (x + 20) / 4, x)", P(-60, 0, -20, scale=10), "cos(x) + 1e-5*abs(x - 0.2)", P(-2, 2, 0.2),
    "x + pick(x > 0.6, 1e-4 + 0*x, 0*x)", P(-1, 2, 0.6),
    "pick(exp(-x) > x*x, exp(-x), x*x)", P(-2, 3, 0.7034674224983917))
# Cancellation
add("noisy",
    "x - sin(x)", P(-3, 3, 0), "exp(x) - 1", P(-3, 3, 0), "log(1 + x)", P(-1, 3, 0), "(1 - cos(x)) / x**2", P(-4, 4, 0),
    "log(exp(x)) - x", P(-20, 20), "sqrt(x + 1) - sqrt(x)", G(1e-2, 1e9), "1 / x - 1 / (x + 1)", G(1e-2, 1e6),
    "(tan(x) - sin(x)) / x**3", P(-1.2, 1.2, 0), "sqrt(1 + x*x) - 1", P(-2, 2, 0),
    "(exp(x) - 1 - x) / x**2", P(-3, 3, 0),
    "x**7 - 7*x**6 + 21*x**5 - 35*x**4 + 35*x**3 - 21*x**2 + 7*x - 1", P(-1, 3, 1),
    "(-1e3 + sqrt(1e6 - 4*x))/2", P(-9, 9, 0), "cosh(x)**2 - sinh(x)**2", P(-9, 9), "(sin(x) + 1e8) - 1e8", P(-4, 4),
    "1 - tanh(x)**2", P(-15, 15), "acos(1/sqrt(1 + x*x))", P(0, 3, 0), "1 / tanh(x) - 1 / x", P(-1, 1, 0),
    "-log(1 - 1 / (1 + exp(-x)))", P(-25, 25), "((x + 1e4)**2 + (x**2 + 1e4)**2)/2 - ((x + x**2 + 2e4)/2)**2", P(-5, 5),
    "(1 - (1 + x)**-30)/x", P(-0.2, 0.5, 0), "polylog(2, x)", P(-0.9, 0.9, 0))
# Float32, rounded values, hashed noise
add("noisy", "float32 wave: sin(3*x)", P(-4, 4), "float32 softplus: log(1 + exp(x))", P(-9, 9),
    "float32 bell: exp(-x*x/2)", P(-4, 4, 0), "float32 rational: (x + 2)/(x*x + 3)", P(-9, 9), before=np.float32)
add("noisy", "kept in float32: exp(sin(x))", P(-9, 9), "root kept in float32: sqrt(x)", P(0.01, 9),
    after=lambda y, x: np.float32(y))
for _n in (3, 4, 5, 6, 7, 8):
    add("noisy", f"sine to {_n} digits: 3*sin(x)", P(-4, 4), after=digits(_n))
add("noisy", "price to 4 digits: 100*exp(-x/7)", P(0, 20), after=digits(4))
add("noisy", "steam table to 3 digits: 10**(8.07131 - 1730.63/(233.426 + x))", P(10, 100), after=digits(3))
add("noisy", "logarithm to 6 digits: log(x)", G(0.1, 1e3), after=digits(6))
for _n in (12, 10, 8, 6, 4, 3):
    add("noisy", f"bell with noise 1e-{_n}: exp(-x*x/4)", P(-5, 5), after=hashed(10.0**-_n))
add("noisy", "wave with noise 1e-7: sin(5*x)", P(-3, 3), after=hashed(1e-7))
add("noisy", "cubic with noise 1e-9: x**3 - 2*x", P(-2, 2), after=hashed(1e-9))
add("noisy", "log with noise 1e-5: log(x)", P(0.1, 9), after=hashed(1e-5))
add("noisy", "relative noise 1e-6: exp(x)", P(-8, 8), after=lambda y, x: y * (1 + hashed(1e-6)(0, x)))


# Smooth but wrong values
def stopped(start, step, tolerance, most=60):
    """Iterate, every point until its step is below the tolerance."""
    y, going = start, np.ones(np.shape(start), bool)
    for _ in range(most):
        new = step(y)
        y, going = np.where(going, new, y), going & (abs(new - y) > tolerance)
    return y


def quadrature(g, nodes, weights):
    """Integrate from 0 to x with fixed nodes on [0, 1]."""
    return lambda x: x * (weights * g(np.multiply.outer(x, nodes))).sum(-1)


GAUSS, GRID, TWELFTHS = np.polynomial.legendre.leggauss(5), np.linspace(-4, 4, 41), np.arange(13) / 12
wrong("kepler to 1e-3", lambda x: stopped(
    x + 0.6 * np.sin(x), lambda e: e - (e - 0.6 * np.sin(e) - x) / (1 - 0.6 * np.cos(e)), 1e-3), lambda m, x: newton(
    x + 0.6 * m.sin(x), lambda e: e - 0.6 * m.sin(e) - x, lambda e: 1 - 0.6 * m.cos(e)), P(-3, 3))
wrong("fixed point to 1e-4", lambda x: stopped(0 * x, lambda y: x / 2 * np.cos(y), 1e-4), lambda m, x: newton(
    0 * x, lambda y: y - x / 2 * m.cos(y), lambda y: 1 + x / 2 * m.sin(y)), P(-1.5, 1.5))
wrong("lambert W to 1e-2", lambda x: stopped(np.log1p(x), lambda w: w - (w - x * np.exp(-w)) / (1 + w), 1e-2),
      "lambertw(x)", P(0.1, 9))
wrong("heron root", lambda x: stopped((1 + x) / 2, lambda y: (y + x / y) / 2, 0, 3), "sqrt(x)", G(0.01, 100))
wrong("trapezoid of a bell", quadrature(lambda t: np.exp(-t * t), TWELFTHS, np.r_[0.5, np.ones(11), 0.5] / 12),
      "sqrt(pi)/2*erf(x)", P(-4, 4))
wrong("gauss of a chirp", quadrature(lambda t: np.sin(np.pi / 2 * t * t), (1 + GAUSS[0]) / 2, GAUSS[1] / 2),
      "fresnels(x)", P(-2, 2))
wrong("table of sine", lambda x: np.interp(x, GRID, np.sin(GRID)), "sin(x)", P(-3.9, 3.9))
wrong("spline table", interpolate.CubicSpline(GRID, np.exp(-GRID / 3) * np.sin(2 * GRID)), "exp(-x/3)*sin(2*x)",
      P(-3.9, 3.9))
wrong("erf by a short formula", lambda x: 1 - np.exp(-x * x) * np.polynomial.polynomial.polyval(1 / (
    1 + 0.3275911 * x), [0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]), "erf(x)", P(0, 4))
wrong("euler steps", lambda x: stopped(x, lambda y: y + 0.04 * y * (1 - y), 0, 50),
      "x*exp(2)/(1 + x*(exp(2) - 1))", P(-0.05, 2))
wrong("zeta of 200 terms", lambda x: sum(k**-x for k in np.arange(200, 0, -1.0)), "zeta(x)", P(1.5, 7))
wrong("stirling", lambda x: (x - 0.5) * np.log(x) - x + np.log(2 * np.pi) / 2, "loggamma(x)", G(0.5, 1e3))
wrong("taylor exp of 12 terms", lambda x: sum(x**k / sp.factorial(k) for k in range(12)), "exp(x)", P(-4, 4))

CASES = tuple(ALL)


def exact_row(case, x):
    """Return the derivatives of order 1 to 3 and the value at a float, from mpmath: 20 digits and more."""
    size = max(abs(x), 1e-12)
    with mpmath.workdps(150 + 3 * int(max(-np.log10(size), 0))):
        at, h = mpmath.mpf(x), mpmath.mpf(size) * mpmath.mpf(10) ** -26
        a, b, c, d, e = (mpmath.mpf(case.exact(mpmath, at + k * h)) for k in (-2, -1, 0, 1, 2))
        row = [(d - b) / (2 * h), (b - 2 * c + d) / h**2, (e - 2 * d + 2 * b - a) / (2 * h**3)]
        # what is left of a derivative that is 0: the rounding of mpmath's numbers
        large = max(abs(a), abs(c), abs(e))
        small = [large * mpmath.mpf(10) ** -60 / mpmath.mpf(size) ** n for n in (1, 2, 3)]
        row = [float(v) for v in [*(0 if abs(v) < s else v for v, s in zip(row, small, strict=True)), c]]
    return [v if np.isfinite(v) else None for v in row]


def truths(cache=None):
    """Return name -> array (4, points): derivatives of order 1, 2, 3 and the value; NaN where there is none.

    They are kept in a file in the directory `cache` (or ``$FASTGRAD_HELDOUT``, or the temporary directory), which is
    made anew when the functions above have changed.
    """
    source = Path(__file__).read_text().partition("\ndef truths(")[0]
    folder = Path(cache or os.environ.get("FASTGRAD_HELDOUT") or tempfile.gettempdir())
    path = folder / f"heldout-{hashlib.sha256(source.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        rows = {case.name: [exact_row(case, float(x)) for x in case.points] for case in CASES}
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows))
    return {name: np.array(rows, float).T for name, rows in json.loads(path.read_text()).items()}


class Called:
    """A function that is called, not compiled, and keeps quiet."""

    def __init__(self, f):
        self.f = f

    def __call__(self, x):
        with np.errstate(all="ignore"):
            return self.f(x)


RULES = {"n=1 both": (1, "both"), "n=1 left": (1, "left"), "n=1 right": (1, "right"), "n=2": (2, "both"),
         "n=3": (3, "both")}


def measure(method_name="adaptive", cases=CASES, cache=None, rules=RULES):
    """Return one record per rule and case: arrays over the points that have a truth."""
    known, records = truths(cache), []
    for label, (n, side) in rules.items():
        rule = getattr(fastgrad, method_name)(n=n, side=side)
        for case in cases:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = fastgrad.derivative(Called(case.f), case.points, method=rule, full_output=True, workers=1)
            truth, value = known[case.name][n - 1], known[case.name][3]
            use = np.isfinite(truth)
            x, truth, value, df, bar, good = (v[use] for v in (
                case.points, truth, value, found.df, found.error, found.success))
            with np.errstate(all="ignore"):
                off = abs(df - truth)
                scale = np.maximum(abs(truth), 1e-9 * abs(value) / np.maximum(abs(x), 1) ** n)
                records.append({
                    "rule": label, "case": case, "x": x, "df": df, "truth": truth, "bar": bar, "good": good,
                    "answered": np.isfinite(df), "held": off <= bar + np.spacing(abs(truth)), "ratio": bar / off,
                    "bad": good & (off > 10 * bar) & (off > 1e-6 * scale)})
    return records


def table(records):
    """Print a line per rule: shares of the points, of those answered for the bars that hold."""
    print(f"{'rule':<11}{'kinds':<14}{'points':>7}{'held':>10}{'wrong>10x':>11}{'NaN':>8}{'converged':>11}"
          f"{'bar/err':>10}")
    for label in dict.fromkeys(r["rule"] for r in records):
        for kinds in ("all", "not wrong", "smooth", "noisy", "kink", "wrong"):
            some = [r for r in records if r["rule"] == label and (
                kinds in ("all", r["case"].kind) or kinds == "not wrong" and r["case"].kind != "wrong")]
            if some:
                answered, held, bad, good, ratio = (
                    np.concatenate([r[k] for r in some]) for k in ("answered", "held", "bad", "good", "ratio"))
                middle = np.median(ratio[answered & ~np.isnan(ratio) & (ratio < np.inf)])
                print(f"{label:<11}{kinds:<14}{held.size:>7}{held[answered].mean():>10.3%}{bad.mean():>11.3%}"
                      f"{1 - answered.mean():>8.2%}{good.mean():>11.2%}{middle:>10.1f}")


def worst(records, most=15):
    """Print the functions whose bars hold least, with the example that is farthest out."""
    for label in dict.fromkeys(r["rule"] for r in records):
        print(f"\n{label}")
        some = [(np.mean((~r["held"])[r["answered"]]) if r["answered"].any() else 0.0, r) for r in records
                if r["rule"] == label and r["case"].kind != "wrong"]
        for share, r in [pair for pair in sorted(some, key=lambda pair: -pair[0]) if pair[0]][:most]:
            i = np.argmin(np.where(r["held"] | ~r["answered"], np.inf, r["ratio"]))
            print(f"  {share:6.1%} {r['case'].name[:32]:<32} {r['case'].kind:<6} x={float(r['x'][i])!r} "
                  f"df={r['df'][i]:.9g} truth={r['truth'][i]:.9g} bar={r['bar'][i]:.2g} "
                  f"{'converged' if r['good'][i] else ''}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How often do error bars hold on functions held out?")
    parser.add_argument("--list", action="store_true", help="the worst functions of every rule too")
    parser.add_argument("--cache", help="directory for the truths")
    options = parser.parse_args()
    outcome = measure(cache=options.cache)
    table(outcome)
    if options.list:
        worst(outcome)
