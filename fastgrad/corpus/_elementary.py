"""Elementary functions at ordinary and at less ordinary points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import decades, uniform

WIDE = (0.0, 1.0, -1.0, 0.5, *uniform(-10, 10, 20, 1), *decades(1e-8, 1e3, 20, 2, "+-"))
POSITIVE = (1.0, 2.0, 0.5, *uniform(0.1, 10, 20, 3), *decades(1e-8, 1e8, 20, 4))
COEFFICIENTS = (1.0, -0.5, 0.25, 3.0, -2.0, 0.125, 1.5, -1.0, 0.75, 2.0)


def polynomial(x: Any) -> Any:
    """Evaluate a cubic in plain Python."""
    return 2.0 * x**3 - 3.0 * x**2 + x - 5.0


def horner(x: Any) -> Any:
    """Evaluate a polynomial of degree 9, by Horner's rule in a loop."""
    total = 0.0
    for c in COEFFICIENTS:
        total = total * x + c
    return total


def _horner(m: Any, x: Any) -> Any:
    """Do the same for mpmath, by powers."""
    return sum(c * x**k for k, c in enumerate(reversed(COEFFICIENTS)))


def power_by_if(x: float) -> float:
    """Evaluate a branch on one number: cube above 1, continued smoothly below."""
    if x > 1.0:
        return x**3
    return 1.0 + 3.0 * (x - 1.0) + 3.0 * (x - 1.0) ** 2 + (x - 1.0) ** 3


CASES = (
    Case(
        "cubic",
        "elementary",
        polynomial,
        WIDE,
        lambda m, x: 2 * x**3 - 3 * x**2 + x - 5,
        slope=lambda m, x: 6 * x**2 - 6 * x + 1,
    ),
    Case("horner9", "elementary", horner, (0.0, *uniform(-3, 3, 30, 5)), _horner),
    Case(
        "exp",
        "elementary",
        math.exp,
        (0.0, 1.0, *uniform(-50, 50, 30, 6), *decades(1e-8, 1, 10, 7)),
        lambda m, x: m.exp(x),
        slope=lambda m, x: m.exp(x),
    ),
    Case("log", "elementary", np.log, POSITIVE, lambda m, x: m.log(x), slope=lambda m, x: 1 / x),
    Case(
        "log_math",
        "elementary",
        lambda x: math.log(x),
        POSITIVE,
        lambda m, x: m.log(x),
        slope=lambda m, x: 1 / x,
    ),
    Case(
        "sqrt", "elementary", np.sqrt, POSITIVE, lambda m, x: m.sqrt(x), slope=lambda m, x: 1 / m.sqrt(x) / 2
    ),
    Case(
        "sin",
        "elementary",
        np.sin,
        (*WIDE, math.pi, math.pi / 2),
        lambda m, x: m.sin(x),
        slope=lambda m, x: m.cos(x),
    ),
    Case(
        "cos",
        "elementary",
        np.cos,
        (*WIDE, math.pi, math.pi / 2),
        lambda m, x: m.cos(x),
        slope=lambda m, x: -m.sin(x),
    ),
    Case(
        "tan",
        "elementary",
        lambda x: np.sin(x) / np.cos(x),
        uniform(-1.5, 1.5, 30, 8),
        lambda m, x: m.tan(x),
        slope=lambda m, x: 1 + m.tan(x) ** 2,
    ),
    Case(
        "arctan",
        "elementary",
        np.arctan,
        (*WIDE, *decades(1e3, 1e8, 8, 9)),
        lambda m, x: m.atan(x),
        slope=lambda m, x: 1 / (1 + x * x),
    ),
    Case(
        "sinh",
        "elementary",
        np.sinh,
        (0.0, *uniform(-20, 20, 25, 10)),
        lambda m, x: m.sinh(x),
        slope=lambda m, x: m.cosh(x),
    ),
    Case(
        "asinh",
        "elementary",
        math.asinh,
        WIDE,
        lambda m, x: m.asinh(x),
        slope=lambda m, x: 1 / m.sqrt(1 + x * x),
    ),
    Case(
        "cbrt",
        "elementary",
        np.cbrt,
        decades(1e-9, 1e9, 30, 11, "+-"),
        lambda m, x: m.sign(x) * m.cbrt(abs(x)),
        slope=lambda m, x: m.cbrt(abs(x)) / (3 * abs(x)),
    ),
    Case(
        "x_to_x",
        "elementary",
        lambda x: x**x,
        (*uniform(0.05, 8, 25, 12), 1e-3, 1e-6),
        lambda m, x: x**x,
        slope=lambda m, x: x**x * (m.log(x) + 1),
    ),
    Case(
        "rational",
        "elementary",
        lambda x: (x * x - 2 * x + 3) / (x * x + x + 7),
        WIDE,
        lambda m, x: (x * x - 2 * x + 3) / (x * x + x + 7),
    ),
    Case(
        "composite",
        "elementary",
        lambda x: np.tanh(np.sin(x) * np.exp(-x * x)) + 1 / (1 + np.exp(-x)),
        uniform(-6, 6, 40, 13),
        lambda m, x: m.tanh(m.sin(x) * m.exp(-x * x)) + 1 / (1 + m.exp(-x)),
    ),
    Case(
        "branch_joined",
        "elementary",
        power_by_if,
        (1.0, 0.999, 1.001, *uniform(-2, 4, 20, 14)),
        lambda m, x: x**3,
        slope=lambda m, x: 3 * x**2,
    ),
    Case(
        "linear",
        "elementary",
        lambda x: 3.0 * x - 7.0,
        WIDE,
        lambda m, x: 3 * x - 7,
        slope=lambda m, x: m.mpf(3),
    ),
    Case(
        "constant",
        "elementary",
        lambda x: 0.0 * x + 42.0,
        WIDE,
        lambda m, x: m.mpf(42),
        slope=lambda m, x: m.mpf(0),
    ),
)
