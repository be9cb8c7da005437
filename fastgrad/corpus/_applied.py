"""Functions of the sciences: networks, statistics, finance; physics, chemistry and biology in SI units."""

from __future__ import annotations

import math

import numpy as np
import scipy
from scipy import special as sc

from .._typing import Argument
from ._case import Mathematics, family

neural = family("neural")
probability = family("probability")
finance = family("finance")
physics = family("physics")

SAMPLE = (1.2, 0.7, 2.9, 4.1, 0.3, 1.8, 2.2, 3.3)
H, C, K = 6.62607015e-34, 299792458.0, 1.380649e-23


def stable_sigmoid(x: float) -> float:
    """Evaluate the logistic function that never overflows, for one number."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


def cross_entropy(x: Argument) -> Argument:
    """Softmax cross-entropy over five logits, as a function of the first."""
    others = (0.3, -1.2, 2.0, 0.7)
    top = np.maximum(x, 2.0)
    total = np.exp(x - top)
    for o in others:
        total = total + np.exp(o - top)
    return top + np.log(total) - x


def layernorm(x: Argument) -> Argument:
    """First output of a layer normalisation of four numbers."""
    a, b, c = 0.5, -1.0, 2.0
    mean = (x + a + b + c) / 4.0
    var = ((x - mean) ** 2 + (a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 4.0
    return (x - mean) / np.sqrt(var + 1e-5)


def two_layers(x: Argument) -> Argument:
    """Evaluate a small network with fixed weights."""
    hidden = [np.tanh(w * x + b) for w, b in ((0.7, 0.1), (-1.3, 0.4), (2.1, -0.9), (0.2, 1.5))]
    out = 0.3 * hidden[0] - 1.1 * hidden[1] + 0.6 * hidden[2] + 0.9 * hidden[3]
    return (out - 0.25) ** 2


def mixture(x: Argument) -> Argument:
    """Log density of a narrow and a wide normal."""
    narrow = 0.2 * np.exp(-0.5 * ((x - 1.0) / 0.01) ** 2) / 0.01
    wide = 0.8 * np.exp(-0.5 * (x / 2.0) ** 2) / 2.0
    return np.log(narrow + wide)


def cauchy_likelihood(x: Argument) -> Argument:
    """Negative log likelihood of the location of a Cauchy distribution."""
    total = 0.0
    for d in SAMPLE:
        total = total + np.log1p((x - d) ** 2)
    return total


def student_pdf(t: Argument) -> Argument:
    """Density of Student's t with 3.5 degrees of freedom."""
    nu = 3.5
    c = math.gamma((nu + 1) / 2) / (math.sqrt(nu * math.pi) * math.gamma(nu / 2))
    return c * (1 + t**2 / nu) ** (-(nu + 1) / 2)


def black_scholes_call(spot: Argument) -> Argument:
    """Evaluate a European call, strike 100, one year."""
    strike, rate, vol, t = 100.0, 0.03, 0.2, 1.0
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol**2) * t) / (vol * np.sqrt(t))
    d2 = d1 - vol * np.sqrt(t)
    return spot * scipy.stats.norm.cdf(d1) - strike * np.exp(-rate * t) * scipy.stats.norm.cdf(d2)


def _delta(m: Mathematics, spot: Argument) -> Argument:
    """Evaluate the slope of the call in its spot."""
    vol, rate = m.mpf(0.2), m.mpf(0.03)
    return m.ncdf((m.log(spot / 100) + rate + vol**2 / 2) / vol)


def put_in_vol(vol: float) -> float:
    """Evaluate a European put as a function of its volatility, with math.erfc, one number at a time."""
    spot, strike, rate, t = 95.0, 100.0, 0.01, 0.5
    root = vol * math.sqrt(t)
    d1 = (math.log(spot / strike) + (rate + 0.5 * vol * vol) * t) / root
    n1, n2 = 0.5 * math.erfc(d1 / math.sqrt(2.0)), 0.5 * math.erfc((d1 - root) / math.sqrt(2.0))
    return strike * math.exp(-rate * t) * n2 - spot * n1


def digital(spot: Argument) -> Argument:
    """Evaluate a digital call an hour before it expires."""
    t = 1.0 / 8760.0
    d2 = (np.log(spot / 100.0) - 0.5 * 0.2**2 * t) / (0.2 * np.sqrt(t))
    return sc.ndtr(d2)


def bond_price(y: Argument) -> Argument:
    """Evaluate a bond of 30 years, 4 % a year, as a function of its yield."""
    total = 0.0
    for k in range(1, 31):
        total = total + 4.0 / (1.0 + y) ** k
    return total + 100.0 / (1.0 + y) ** 30


def annuity(r: Argument) -> Argument:
    """Monthly payment of a loan of 250,000 over 360 months."""
    q = (1.0 + r) ** -360
    return 250_000.0 * r / (1.0 - q)


def nelson_siegel(t: Argument) -> Argument:
    """Evaluate a yield curve."""
    u = t / 1.7
    return 0.04 - 0.02 * (1 - np.exp(-u)) / u + 0.01 * ((1 - np.exp(-u)) / u - np.exp(-u))


CASES = (
    neural("sigmoid", lambda x: 1.0 / (1.0 + np.exp(-x)), slope=lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2),
    neural("stable_sigmoid", stable_sigmoid),
    neural("tanh", np.tanh, slope=lambda m, x: 1 - m.tanh(x) ** 2),
    neural("softplus", lambda x: np.log1p(np.exp(x)), slope=lambda m, x: 1 / (1 + m.exp(-x))),
    neural("softplus_logaddexp", lambda x: np.logaddexp(0.0, x)),
    neural("silu", lambda x: x / (1.0 + np.exp(-x))),
    neural("gelu", lambda x: 0.5 * x * (1.0 + sc.erf(x / np.sqrt(2.0))), agree=1e-9),
    neural("gelu_tanh", lambda x: 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))), agree=1e-8),
    neural("mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    neural("cross_entropy", cross_entropy),
    neural("bce_logit", lambda x: np.maximum(x, 0) - x * 0.3 + np.log1p(np.exp(-np.abs(x)))),
    neural("layernorm", layernorm),
    neural("two_layers", two_layers),
    neural("softsign", lambda x: x / (1.0 + abs(x)), slope=lambda m, x: 1 / (1 + abs(x)) ** 2, kind="kink"),
    neural("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))), kind="kink"),
    probability("normal_pdf", lambda x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)),
    probability("normal_cdf", lambda x: scipy.stats.norm.cdf(x), slope=lambda m, x: m.npdf(x)),
    probability("log_normal_cdf", sc.log_ndtr),
    probability("normal_quantile", sc.ndtri),
    probability("logit", lambda p: np.log(p / (1 - p)), slope=lambda m, x: 1 / (x * (1 - x))),
    probability("entropy", lambda p: -p * np.log(p) - (1 - p) * np.log1p(-p), slope=lambda m, x: m.log((1 - x) / x)),
    probability("narrow_mixture", mixture),
    probability("gamma_likelihood", lambda k: sum((k - 1.0) * math.log(d) - d - math.lgamma(k) for d in SAMPLE)),
    probability("cauchy_likelihood", cauchy_likelihood),
    probability("student_pdf", student_pdf),
    probability("beta_cdf", lambda x: sc.betainc(2.5, 4.0, x),
                slope=lambda m, x: x**1.5 * (1 - x) ** 3 / m.beta(2.5, 4)),
    probability("gamma_cdf", lambda x: sc.gammainc(3.0, x), slope=lambda m, x: x * x * m.exp(-x) / 2),
    probability("poisson_loglik", lambda lam: 17 * np.log(lam) - lam - math.lgamma(18), slope=lambda m, x: 17 / x - 1),
    finance("black_scholes_call", black_scholes_call, slope=_delta, source="Black and Scholes 1973"),
    finance("put_in_vol", put_in_vol),
    finance("digital_at_expiry", digital),
    finance("bond_price", bond_price),
    finance("annuity", annuity, agree=1e-11),
    finance("net_present_value",
            lambda r: sum(c / (1.0 + r) ** k for k, c in enumerate((-1000.0, 300.0, 420.0, 680.0, -120.0)))),
    finance("log_utility", lambda w: 0.55 * np.log1p(1.5 * w) + 0.45 * np.log1p(-w)),
    finance("svi", lambda k: 0.04 + 0.1 * (-0.4 * (k - 0.05) + np.sqrt((k - 0.05) ** 2 + 0.01))),
    finance("nelson_siegel", nelson_siegel, agree=1e-12),
    finance("compound", lambda r: 1000.0 * math.exp(12 * 30 * math.log1p(r / 12))),
    physics("planck",
            lambda wavelength: 2 * H * C**2 / wavelength**5 / (np.exp(H * C / (wavelength * K * 5800.0)) - 1)),
    physics("lorentz_factor", lambda v: 1.0 / math.sqrt(1.0 - (v / 299792458.0) ** 2)),
    physics("van_der_waals", lambda v: 8.314462618 * 300.0 / (v - 4.267e-5) - 0.364 / v**2),
    physics("damped", lambda t: np.exp(-0.1 * t) * np.cos(7.0 * t + 0.3)),
    physics("barometric", lambda h: 101325.0 * (1.0 - 2.25577e-5 * h) ** 5.25588),
    physics("morse", lambda r: 7.6e-19 * (1.0 - np.exp(-1.93e10 * (r - 7.4e-11))) ** 2),
    physics("diode", lambda v: 1e-12 * (math.exp(v / 0.02585) - 1.0)),
    physics("arrhenius", lambda t: 1e13 * np.exp(-95e3 / (8.314462618 * t))),
    physics("fermi_dirac", lambda e: 1.0 / (np.exp((e - 8.01e-19) / (K * 300.0)) + 1.0)),
    physics("swamee_jain", lambda re: 0.25 / math.log10(1e-4 / 3.7 + 5.74 / re**0.9) ** 2),
    physics("several_periods", lambda t: np.sin(2.0 * t) + 0.3 * np.sin(13.0 * t + 1.0) + 0.05 * np.sin(91.0 * t)),
    physics("coulomb", lambda r: 8.9875517923e9 * 1.602176634e-19**2 / r),
    physics("kinetic", lambda v: 0.5 * 9.1093837e-31 * v**2),
    physics("michaelis_hill", lambda s: 4.2 * s**2.7 / (0.3**2.7 + s**2.7)),
)  # fmt: skip
