"""Activations and losses of networks; densities, distribution functions and likelihoods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy
from scipy import special as sc

from ._case import decades, family, uniform

neural = family("neural")
probability = family("probability")

ACTIVATIONS = (0.0, 1.0, -1.0, *uniform(-6, 6, 25, 101), *decades(1e-6, 1e-1, 8, 102, "+-"))
DEVIATIONS = (0.0, 1.0, *uniform(-5, 5, 25, 301))
SAMPLE = (1.2, 0.7, 2.9, 4.1, 0.3, 1.8, 2.2, 3.3)


def stable_sigmoid(x: float) -> float:
    """Evaluate the logistic function that never overflows, for one number."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


def cross_entropy(x: Any) -> Any:
    """Softmax cross-entropy over five logits, as a function of the first."""
    others = (0.3, -1.2, 2.0, 0.7)
    top = np.maximum(x, 2.0)
    total = np.exp(x - top)
    for o in others:
        total = total + np.exp(o - top)
    return top + np.log(total) - x


def layernorm(x: Any) -> Any:
    """First output of a layer normalisation of four numbers."""
    a, b, c = 0.5, -1.0, 2.0
    mean = (x + a + b + c) / 4.0
    var = ((x - mean) ** 2 + (a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 4.0
    return (x - mean) / np.sqrt(var + 1e-5)


def two_layers(x: Any) -> Any:
    """Evaluate a small network with fixed weights."""
    hidden = [np.tanh(w * x + b) for w, b in ((0.7, 0.1), (-1.3, 0.4), (2.1, -0.9), (0.2, 1.5))]
    out = 0.3 * hidden[0] - 1.1 * hidden[1] + 0.6 * hidden[2] + 0.9 * hidden[3]
    return (out - 0.25) ** 2


def mixture(x: Any) -> Any:
    """Log density of a narrow and a wide normal."""
    narrow = 0.2 * np.exp(-0.5 * ((x - 1.0) / 0.01) ** 2) / 0.01
    wide = 0.8 * np.exp(-0.5 * (x / 2.0) ** 2) / 2.0
    return np.log(narrow + wide)


def cauchy_likelihood(x: Any) -> Any:
    """Negative log likelihood of the location of a Cauchy distribution."""
    total = 0.0
    for d in SAMPLE:
        total = total + np.log1p((x - d) ** 2)
    return total


def student_pdf(t: Any) -> Any:
    """Density of Student's t with 3.5 degrees of freedom."""
    nu = 3.5
    c = math.gamma((nu + 1) / 2) / (math.sqrt(nu * math.pi) * math.gamma(nu / 2))
    return c * (1 + t**2 / nu) ** (-(nu + 1) / 2)


CASES = (
    neural("sigmoid", lambda x: 1.0 / (1.0 + np.exp(-x)), (*ACTIVATIONS, *uniform(-30, 15, 10, 103)),
           slope=lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2),
    neural("stable_sigmoid", stable_sigmoid, (*ACTIVATIONS, -30.0, 10.0)),
    neural("tanh", np.tanh, ACTIVATIONS, slope=lambda m, x: 1 - m.tanh(x) ** 2),
    neural("softplus", lambda x: np.log1p(np.exp(x)), (*ACTIVATIONS, -30.0, 30.0, 100.0),
           slope=lambda m, x: 1 / (1 + m.exp(-x))),
    neural("softplus_logaddexp", lambda x: np.logaddexp(0.0, x), (*ACTIVATIONS, -20.0, 50.0)),
    neural("silu", lambda x: x / (1.0 + np.exp(-x)), (*ACTIVATIONS, -20.0, 20.0)),
    neural("gelu", lambda x: 0.5 * x * (1.0 + sc.erf(x / np.sqrt(2.0))), ACTIVATIONS, agree=1e-9),
    neural("gelu_tanh", lambda x: 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))), ACTIVATIONS,
           agree=1e-8),
    neural("mish", lambda x: x * np.tanh(np.log1p(np.exp(x))), (*ACTIVATIONS, -20.0, 15.0)),
    neural("cross_entropy", cross_entropy, ACTIVATIONS),
    neural("bce_logit", lambda x: np.maximum(x, 0) - x * 0.3 + np.log1p(np.exp(-np.abs(x))), ACTIVATIONS),
    neural("layernorm", layernorm, ACTIVATIONS),
    neural("two_layers", two_layers, ACTIVATIONS),
    neural("softsign", lambda x: x / (1.0 + abs(x)), (*ACTIVATIONS, *decades(10, 1e6, 6, 104, "+-")),
           slope=lambda m, x: 1 / (1 + abs(x)) ** 2, kind="kink"),
    neural("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))), ACTIVATIONS, kind="kink"),
    probability("normal_pdf", lambda x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), (*DEVIATIONS, 10.0, 20.0)),
    probability("normal_cdf", lambda x: scipy.stats.norm.cdf(x), (*DEVIATIONS, -10.0),
                slope=lambda m, x: m.npdf(x)),
    probability("log_normal_cdf", sc.log_ndtr, (*DEVIATIONS, -10.0, -40.0, 6.0)),
    probability("normal_quantile", sc.ndtri,
                (0.5, 1e-10, 1e-5, 1e-3, 0.01, 0.99, 0.99999, *uniform(0.02, 0.98, 15, 302))),
    probability("logit", lambda p: np.log(p / (1 - p)),
                (0.5, 1e-9, 1e-4, 0.999, 1 - 1e-6, *uniform(0.01, 0.99, 15, 303)),
                slope=lambda m, x: 1 / (x * (1 - x))),
    probability("entropy", lambda p: -p * np.log(p) - (1 - p) * np.log1p(-p),
                (0.5, 1e-9, 1e-4, 0.999, 1 - 1e-6, *uniform(0.01, 0.99, 15, 304)),
                slope=lambda m, x: m.log((1 - x) / x)),
    probability("narrow_mixture", mixture,
                (1.0, 0.97, 1.03, 1.05, 0.9, *uniform(0.95, 1.05, 12, 305), *uniform(-4, 4, 10, 306))),
    probability("gamma_likelihood", lambda k: sum((k - 1.0) * math.log(d) - d - math.lgamma(k) for d in SAMPLE),
                (*uniform(0.05, 20, 25, 307), 1e-4, 300.0)),
    probability("cauchy_likelihood", cauchy_likelihood, (*uniform(-10, 15, 25, 308), 1e3, -1e5)),
    probability("student_pdf", student_pdf, (*DEVIATIONS, 100.0, 1e5)),
    probability("beta_cdf", lambda x: sc.betainc(2.5, 4.0, x), (1e-6, 1e-3, 0.999, *uniform(0.01, 0.99, 15, 309)),
                slope=lambda m, x: x**1.5 * (1 - x) ** 3 / m.beta(2.5, 4)),
    probability("gamma_cdf", lambda x: sc.gammainc(3.0, x), (1e-4, *uniform(0.05, 20, 20, 310)),
                slope=lambda m, x: x * x * m.exp(-x) / 2),
    probability("poisson_loglik", lambda lam: 17 * np.log(lam) - lam - math.lgamma(18),
                (17.0, 1e-3, 1e3, *uniform(0.5, 60, 20, 311)), slope=lambda m, x: 17 / x - 1),
)  # fmt: skip
