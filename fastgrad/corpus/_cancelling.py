"""Cancellation inside the function: its values are good to far fewer digits than they show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import decades, near, uniform

SMALL = (1e-8, *decades(1e-8, 1e-1, 14, 1301, "+-"), *uniform(-3, 3, 8, 1302))
MILD = (*decades(1e-3, 1, 14, 1303, "+-"), *uniform(-3, 3, 8, 1304))


def expanded(x: Any) -> Any:
    """(x - 1)^6 multiplied out."""
    return x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1


def running_variance(x: Any) -> Any:
    """Variance of three numbers near 1000 by the mean of squares."""
    return (x * x + 1001.0**2 + 999.5**2) / 3 - ((x + 1001.0 + 999.5) / 3) ** 2


def _running_variance(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    return (x * x + 1001**2 + m.mpf(999.5) ** 2) / 3 - ((x + 1001 + m.mpf(999.5)) / 3) ** 2


def heron(a: float) -> float:
    """Area of a triangle with sides a, 1 and 1 by Heron's formula."""
    s = (a + 2.0) / 2.0
    return math.sqrt(s * (s - a) * (s - 1.0) * (s - 1.0))


CASES = (
    Case(
        "expm1_over_x",
        "cancelling",
        lambda x: (np.exp(x) - 1) / x,
        SMALL,
        lambda m, x: m.expm1(x) / x,
        tolerance=1e-4,
        agree=1e-7,
    ),
    Case(
        "one_minus_cos",
        "cancelling",
        lambda x: (1 - np.cos(x)) / x**2,
        (*MILD, 1e-4),
        lambda m, x: (1 - m.cos(x)) / x**2,
        tolerance=1e-4,
        agree=1e-7,
    ),
    Case(
        "root_difference",
        "cancelling",
        lambda x: math.sqrt(x + 1) - math.sqrt(x),
        (0.5, *decades(1, 1e8, 20, 1305)),
        lambda m, x: m.sqrt(x + 1) - m.sqrt(x),
        tolerance=1e-4,
        agree=1e-7,
    ),
    Case(
        "expanded_power",
        "cancelling",
        expanded,
        (*near(1.0, 1e-2, 1, 16, 1306, "+-"), 2.0, -1.0),
        lambda m, x: (x - 1) ** 6,
        slope=lambda m, x: 6 * (x - 1) ** 5,
        tolerance=1e-4,
        agree=1e-5,
    ),
    Case(
        "running_variance",
        "cancelling",
        running_variance,
        uniform(990, 1010, 16, 1307),
        _running_variance,
        agree=1e-11,
    ),
    Case(
        "log_of_ratio",
        "cancelling",
        lambda x: np.log((1 + x) / (1 - x)) / x,
        MILD[:14] + (0.5, -0.5, 0.9),
        lambda m, x: m.log((1 + x) / (1 - x)) / x,
        tolerance=1e-4,
        agree=1e-12,
    ),
    Case(
        "x_minus_sin",
        "cancelling",
        lambda x: (x - np.sin(x)) / x**3,
        (*MILD, 0.01),
        lambda m, x: (x - m.sin(x)) / x**3,
        tolerance=1e-3,
        agree=1e-8,
    ),
    Case(
        "quadratic_root",
        "cancelling",
        lambda b: (-b + np.sqrt(b * b - 4.0)) / 2.0,
        (2.5, *decades(4, 1e5, 18, 1308)),
        lambda m, b: (-b + m.sqrt(b * b - 4)) / 2,
        tolerance=1e-3,
        agree=1e-6,
    ),
    Case(
        "heron_needle",
        "cancelling",
        heron,
        (1.0, 1.9999, 1e-4, *uniform(0.1, 1.95, 12, 1309)),
        lambda m, a: m.sqrt((a + 2) / 2 * (1 - a / 2) * (a / 2) ** 2),
        agree=1e-10,
    ),
    Case(
        "sinh_by_exp",
        "cancelling",
        lambda x: (np.exp(x) - np.exp(-x)) / 2,
        SMALL,
        lambda m, x: m.sinh(x),
        slope=lambda m, x: m.cosh(x),
        agree=1e-7,
    ),
    Case(
        "log1p_naive",
        "cancelling",
        lambda x: np.log(1 + x),
        decades(1e-9, 1, 20, 1310),
        lambda m, x: m.log(1 + x),
        slope=lambda m, x: 1 / (1 + x),
        agree=1e-6,
    ),
    Case(
        "difference_of_tans",
        "cancelling",
        lambda x: np.tan(x + 1e-5) - np.tan(x),
        uniform(-1.2, 1.2, 16, 1311),
        lambda m, x: m.tan(x + m.mpf(1e-5)) - m.tan(x),
        tolerance=1e-3,
        agree=1e-10,
    ),
    Case(
        "sum_with_big",
        "cancelling",
        lambda x: ((x + 1e8) - 1e8) ** 2,
        uniform(0.5, 5, 14, 1312),
        lambda m, x: x * x,
        tolerance=1e-3,
        kind="noisy",
        agree=1e-7,
    ),
)
