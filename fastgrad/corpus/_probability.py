"""Densities, distribution functions and likelihoods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc
from scipy import stats

from ._case import Case
from ._points import uniform

WIDE = (0.0, 1.0, *uniform(-5, 5, 25, 301))
DATA = (1.2, 0.7, 2.9, 4.1, 0.3, 1.8, 2.2, 3.3)


def normal_pdf(x: Any) -> Any:
    """Evaluate standard normal density."""
    return np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)


def mixture(x: Any) -> Any:
    """Log density of a narrow and a wide normal."""
    narrow = 0.2 * np.exp(-0.5 * ((x - 1.0) / 0.01) ** 2) / 0.01
    wide = 0.8 * np.exp(-0.5 * (x / 2.0) ** 2) / 2.0
    return np.log(narrow + wide)


def _mixture(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    narrow = 0.2 * m.exp(-(((x - 1) / m.mpf(0.01)) ** 2) / 2) / m.mpf(0.01)
    return m.log(narrow + 0.8 * m.exp(-((x / 2) ** 2) / 2) / 2)


def gamma_likelihood(k: float) -> float:
    """Log likelihood of the shape of a gamma distribution, summed over data with math."""
    return sum((k - 1.0) * math.log(d) - d - math.lgamma(k) for d in DATA)


def cauchy_likelihood(x: Any) -> Any:
    """Negative log likelihood of the location of a Cauchy distribution."""
    total = 0.0
    for d in DATA:
        total = total + np.log1p((x - d) ** 2)
    return total


def student_pdf(t: Any) -> Any:
    """Density of Student's t with 3.5 degrees of freedom."""
    nu = 3.5
    c = math.gamma((nu + 1) / 2) / (math.sqrt(nu * math.pi) * math.gamma(nu / 2))
    return c * (1 + t**2 / nu) ** (-(nu + 1) / 2)


CASES = (
    Case(
        "normal_pdf",
        "probability",
        normal_pdf,
        (*WIDE, 10.0, 20.0),
        lambda m, x: m.exp(-x * x / 2) / m.sqrt(2 * m.pi),
    ),
    Case(
        "normal_cdf",
        "probability",
        lambda x: stats.norm.cdf(x),
        (*WIDE, -10.0),
        lambda m, x: m.ncdf(x),
        slope=lambda m, x: m.npdf(x),
    ),
    Case(
        "log_normal_cdf",
        "probability",
        sc.log_ndtr,
        (*WIDE, -10.0, -40.0, 6.0),
        lambda m, x: m.log(m.ncdf(x)),
    ),
    Case(
        "normal_quantile",
        "probability",
        sc.ndtri,
        (0.5, 1e-10, 1e-5, 1e-3, 0.01, 0.99, 0.99999, *uniform(0.02, 0.98, 15, 302)),
        lambda m, x: -m.sqrt(2) * m.erfinv(1 - 2 * x),
    ),
    Case(
        "logit",
        "probability",
        lambda p: np.log(p / (1 - p)),
        (0.5, 1e-9, 1e-4, 0.999, 1 - 1e-6, *uniform(0.01, 0.99, 15, 303)),
        lambda m, x: m.log(x / (1 - x)),
        slope=lambda m, x: 1 / (x * (1 - x)),
    ),
    Case(
        "entropy",
        "probability",
        lambda p: -p * np.log(p) - (1 - p) * np.log1p(-p),
        (0.5, 1e-9, 1e-4, 0.999, 1 - 1e-6, *uniform(0.01, 0.99, 15, 304)),
        lambda m, x: -x * m.log(x) - (1 - x) * m.log(1 - x),
        slope=lambda m, x: m.log((1 - x) / x),
    ),
    Case(
        "narrow_mixture",
        "probability",
        mixture,
        (1.0, 0.97, 1.03, 1.05, 0.9, *uniform(0.95, 1.05, 12, 305), *uniform(-4, 4, 10, 306)),
        _mixture,
    ),
    Case(
        "gamma_likelihood",
        "probability",
        gamma_likelihood,
        (*uniform(0.05, 20, 25, 307), 1e-4, 300.0),
        lambda m, k: sum((k - 1) * m.log(d) - d - m.loggamma(k) for d in DATA),
    ),
    Case(
        "cauchy_likelihood",
        "probability",
        cauchy_likelihood,
        (*uniform(-10, 15, 25, 308), 1e3, -1e5),
        lambda m, x: sum(m.log(1 + (x - d) ** 2) for d in DATA),
    ),
    Case(
        "student_pdf",
        "probability",
        student_pdf,
        (*WIDE, 100.0, 1e5),
        lambda m, t: m.gamma(2.25) / (m.sqrt(3.5 * m.pi) * m.gamma(1.75)) * (1 + t**2 / 3.5) ** (-2.25),
    ),
    Case(
        "beta_cdf",
        "probability",
        lambda x: sc.betainc(2.5, 4.0, x),
        (1e-6, 1e-3, 0.999, *uniform(0.01, 0.99, 15, 309)),
        lambda m, x: m.betainc(2.5, 4, 0, x, regularized=True),
        slope=lambda m, x: x**1.5 * (1 - x) ** 3 / m.beta(2.5, 4),
    ),
    Case(
        "gamma_cdf",
        "probability",
        lambda x: sc.gammainc(3.0, x),
        (1e-4, *uniform(0.05, 20, 20, 310)),
        lambda m, x: 1 - m.exp(-x) * (1 + x + x * x / 2),
        slope=lambda m, x: x * x * m.exp(-x) / 2,
    ),
    Case(
        "poisson_loglik",
        "probability",
        lambda lam: 17 * np.log(lam) - lam - math.lgamma(18),
        (17.0, 1e-3, 1e3, *uniform(0.5, 60, 20, 311)),
        lambda m, x: 17 * m.log(x) - x - m.loggamma(18),
        slope=lambda m, x: 17 / x - 1,
    ),
)
