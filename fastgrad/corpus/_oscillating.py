"""Fast and accelerating oscillations, and slow ones at large arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ._case import Case
from ._points import decades, uniform

WIDE = (0.0, 1.0, *uniform(-3, 3, 20, 1001))


def weierstrass(x: Any) -> Any:
    """Eight terms of Weierstrass's function: smooth, but hardly."""
    total = 0.0
    for k in range(8):
        total = total + 0.5**k * np.cos(3.0**k * x)
    return total


CASES = (
    Case(
        "sin_30x",
        "oscillating",
        lambda x: np.sin(30.0 * x),
        WIDE,
        lambda m, x: m.sin(30 * x),
        slope=lambda m, x: 30 * m.cos(30 * x),
    ),
    Case(
        "sin_198x",
        "oscillating",
        lambda x: np.sin(198.0 * x),
        WIDE,
        lambda m, x: m.sin(198 * x),
        slope=lambda m, x: 198 * m.cos(198 * x),
    ),
    Case(
        "sin_1000x",
        "oscillating",
        lambda x: math.sin(1000.0 * x),
        WIDE,
        lambda m, x: m.sin(1000 * x),
        slope=lambda m, x: 1000 * m.cos(1000 * x),
    ),
    Case(
        "cos_2pi_k",
        "oscillating",
        lambda x: np.cos(64 * np.pi * x),
        (0.125, 1.0, *uniform(-2, 2, 20, 1002)),
        lambda m, x: m.cos(64 * m.mpf(math.pi) * x),
    ),
    Case(
        "exp_sin_50x",
        "oscillating",
        lambda x: np.exp(np.sin(50.0 * x)),
        WIDE,
        lambda m, x: m.exp(m.sin(50 * x)),
    ),
    Case(
        "modulated",
        "oscillating",
        lambda x: (1 + 0.01 * np.sin(700.0 * x)) * np.exp(-x),
        WIDE,
        lambda m, x: (1 + 0.01 * m.sin(700 * x)) * m.exp(-x),
    ),
    Case(
        "small_ripple",
        "oscillating",
        lambda x: x + 1e-4 * np.sin(500.0 * x),
        WIDE,
        lambda m, x: x + 1e-4 * m.sin(500 * x),
        slope=lambda m, x: 1 + m.mpf(1e-4) * 500 * m.cos(500 * x),
    ),
    Case(
        "sin_one_over_x",
        "oscillating",
        lambda x: np.sin(1 / x),
        (*decades(1e-4, 1, 24, 1003, "+-"), *uniform(0.01, 2, 10, 1004)),
        lambda m, x: m.sin(1 / x),
        slope=lambda m, x: -m.cos(1 / x) / x**2,
    ),
    Case(
        "x2_sin_one_over_x",
        "oscillating",
        lambda x: x * x * math.sin(1 / x) if x else 0.0,
        (0.0, *decades(1e-4, 1, 20, 1005, "+-")),
        lambda m, x: x * x * m.sin(1 / x) if x else m.mpf(0),
    ),
    Case(
        "chirp",
        "oscillating",
        lambda x: np.sin(x**2),
        (0.0, *uniform(0, 30, 20, 1006), 300.0),
        lambda m, x: m.sin(x * x),
        slope=lambda m, x: 2 * x * m.cos(x * x),
    ),
    Case(
        "sin_of_exp",
        "oscillating",
        lambda x: np.sin(np.exp(x)),
        (*uniform(-3, 7, 25, 1007), 8.5),
        lambda m, x: m.sin(m.exp(x)),
        slope=lambda m, x: m.exp(x) * m.cos(m.exp(x)),
    ),
    Case(
        "sin_large",
        "oscillating",
        np.sin,
        (*decades(1e3, 1e9, 20, 1008, "+-"), 1e6, 1e8),
        lambda m, x: m.sin(x),
        slope=lambda m, x: m.cos(x),
    ),
    Case(
        "weierstrass_8",
        "oscillating",
        weierstrass,
        (0.0, *uniform(-2, 2, 15, 1009)),
        lambda m, x: sum(m.mpf(0.5) ** k * m.cos(m.mpf(3) ** k * x) for k in range(8)),
    ),
    Case(
        "chebyshev_60",
        "oscillating",
        lambda x: np.cos(60 * np.arccos(x)),
        (0.0, 0.99999, *uniform(-0.99, 0.99, 20, 1010)),
        lambda m, x: m.cos(60 * m.acos(x)),
    ),
    Case(
        "j0_fast",
        "oscillating",
        lambda x: sc.j0(200.0 * x),
        uniform(0.01, 3, 20, 1011),
        lambda m, x: m.besselj(0, 200 * x),
        slope=lambda m, x: -200 * m.besselj(1, 200 * x),
    ),
)
