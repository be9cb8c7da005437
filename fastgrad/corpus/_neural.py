"""Activations, losses and other pieces of networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ._case import Case
from ._points import decades, uniform

USUAL = (0.0, 1.0, -1.0, *uniform(-6, 6, 25, 101), *decades(1e-6, 1e-1, 8, 102, "+-"))


def sigmoid(x: Any) -> Any:
    """Evaluate the logistic function as everybody writes it."""
    return 1.0 / (1.0 + np.exp(-x))


def stable_sigmoid(x: float) -> float:
    """Evaluate the logistic function that never overflows, for one number."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


def gelu_tanh(x: Any) -> Any:
    """Evaluate the approximate Gaussian error linear unit."""
    return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def mish(x: Any) -> Any:
    """Self-regularised activation."""
    return x * np.tanh(np.log1p(np.exp(x)))


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


def _layernorm(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    a, b, c = 0.5, -1.0, 2.0
    mean = (x + a + b + c) / 4
    var = ((x - mean) ** 2 + (a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 4
    return (x - mean) / m.sqrt(var + 1e-5)


def two_layers(x: Any) -> Any:
    """Evaluate a small network with fixed weights."""
    hidden = [np.tanh(w * x + b) for w, b in ((0.7, 0.1), (-1.3, 0.4), (2.1, -0.9), (0.2, 1.5))]
    out = 0.3 * hidden[0] - 1.1 * hidden[1] + 0.6 * hidden[2] + 0.9 * hidden[3]
    return (out - 0.25) ** 2


def _two_layers(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    h = [m.tanh(w * x + b) for w, b in ((0.7, 0.1), (-1.3, 0.4), (2.1, -0.9), (0.2, 1.5))]
    return (0.3 * h[0] - 1.1 * h[1] + 0.6 * h[2] + 0.9 * h[3] - 0.25) ** 2


def bce(x: Any) -> Any:
    """Binary cross-entropy of a logit with target 0.3."""
    return np.maximum(x, 0) - x * 0.3 + np.log1p(np.exp(-np.abs(x)))


CASES = (
    Case(
        "sigmoid",
        "neural",
        sigmoid,
        (*USUAL, *uniform(-30, 15, 10, 103)),
        lambda m, x: 1 / (1 + m.exp(-x)),
        slope=lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2,
    ),
    Case("stable_sigmoid", "neural", stable_sigmoid, (*USUAL, -30.0, 10.0), lambda m, x: 1 / (1 + m.exp(-x))),
    Case("tanh", "neural", np.tanh, USUAL, lambda m, x: m.tanh(x), slope=lambda m, x: 1 - m.tanh(x) ** 2),
    Case(
        "softplus",
        "neural",
        lambda x: np.log1p(np.exp(x)),
        (*USUAL, -30.0, 30.0, 100.0),
        lambda m, x: m.log(1 + m.exp(x)),
        slope=lambda m, x: 1 / (1 + m.exp(-x)),
    ),
    Case(
        "softplus_logaddexp",
        "neural",
        lambda x: np.logaddexp(0.0, x),
        (*USUAL, -20.0, 50.0),
        lambda m, x: m.log(1 + m.exp(x)),
    ),
    Case(
        "silu",
        "neural",
        lambda x: x / (1.0 + np.exp(-x)),
        (*USUAL, -20.0, 20.0),
        lambda m, x: x / (1 + m.exp(-x)),
    ),
    Case(
        "gelu",
        "neural",
        lambda x: 0.5 * x * (1.0 + sc.erf(x / np.sqrt(2.0))),
        USUAL,
        lambda m, x: x * (1 + m.erf(x / m.sqrt(2))) / 2,
        agree=1e-9,
    ),
    Case(
        "gelu_tanh",
        "neural",
        gelu_tanh,
        USUAL,
        lambda m, x: x * (1 + m.tanh(0.7978845608028654 * (x + 0.044715 * x**3))) / 2,
        agree=1e-8,
    ),
    Case("mish", "neural", mish, (*USUAL, -20.0, 15.0), lambda m, x: x * m.tanh(m.log(1 + m.exp(x)))),
    Case(
        "cross_entropy",
        "neural",
        cross_entropy,
        USUAL,
        lambda m, x: m.log(m.exp(x) + sum(m.exp(o) for o in (0.3, -1.2, 2.0, 0.7))) - x,
    ),
    Case("bce_logit", "neural", bce, USUAL, lambda m, x: m.log(1 + m.exp(x)) - 0.3 * x),
    Case("layernorm", "neural", layernorm, USUAL, _layernorm),
    Case("two_layers", "neural", two_layers, USUAL, _two_layers),
    Case(
        "softsign",
        "neural",
        lambda x: x / (1.0 + abs(x)),
        (*USUAL, *decades(10, 1e6, 6, 104, "+-")),
        lambda m, x: x / (1 + abs(x)),
        slope=lambda m, x: 1 / (1 + abs(x)) ** 2,
        kind="kink",
    ),
    Case(
        "elu",
        "neural",
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
        USUAL,
        lambda m, x: x if x > 0 else m.expm1(x),
        kind="kink",
    ),
)
