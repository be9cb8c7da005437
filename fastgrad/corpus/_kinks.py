"""Kinks and steps: near the point, far from it, and at the point itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import decades, family, near, uniform

kinks = family("kinks", kind="kink")

AROUND_0 = (0.0, *decades(1e-12, 1e-1, 20, 401, "+-"), *uniform(-3, 3, 10, 402))


def relu(x: float) -> float:
    """Evaluate the rectifier with an if."""
    if x > 0:
        return x
    return 0.0


def huber(r: Any) -> Any:
    """Huber's loss with threshold 1.5: a jump of the second derivative."""
    a = np.abs(r)
    return np.where(a <= 1.5, 0.5 * a**2, 1.5 * (a - 0.75))


def spline(x: float) -> float:
    """Evaluate a cubic spline with knots 0, 1, 2; twice differentiable."""
    y = x**3 / 6.0
    if x > 0:
        y -= 2.0 * x**3 / 6.0
    if x > 1:
        y += 3.0 * (x - 1.0) ** 3 / 6.0
    if x > 2:
        y -= 4.0 * (x - 2.0) ** 3 / 6.0
    return y


def tax(income: float) -> float:
    """Evaluate a tax with brackets."""
    if income <= 10_000.0:
        return 0.0
    if income <= 40_000.0:
        return 0.2 * (income - 10_000.0)
    return 6_000.0 + 0.42 * (income - 40_000.0)


def _tax(m: Any, x: Any) -> Any:
    # without rounding 0.2 * 30_000 is not 6_000, and the brackets would not join
    return 0.2 * max(x - 10_000, m.mpf(0)) + (m.mpf(0.42) - 0.2) * max(x - 40_000, m.mpf(0))


def smooth_join(x: Any) -> Any:
    """Evaluate a sine left of 1, its Taylor cubic right of it: a jump of the fourth derivative only."""
    t = x - 1.0
    s, c = math.sin(1.0), math.cos(1.0)
    return np.where(x < 1, np.sin(x), s + t * (c + t * (-s / 2 - t * c / 6)))


CASES = (
    kinks("abs", abs, AROUND_0, lambda m, x: abs(x)),
    kinks("abs_far", lambda x: np.abs(x - 1000.0) + 0.5 * x, near(1000.0, 1e-9, 10, 20, 403, "+-")),
    kinks("abs_curved", lambda x: np.exp(x) * np.abs(np.sin(3.0 * x)), (*AROUND_0, 1.0471, 1.0472, 1.05)),
    kinks("relu", relu, AROUND_0),
    kinks("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x), AROUND_0),
    kinks("max_of_two", lambda x: np.maximum(np.sin(x), np.cos(x)),
          (*near(math.pi / 4, 1e-10, 1, 20, 404, "+-"), *uniform(-6, 6, 10, 405))),
    kinks("min_cubic", lambda x: np.minimum(x**3, 2.0 - x), (1.0, *near(1.0, 1e-9, 1, 20, 406, "+-"))),
    kinks("x_abs_x", lambda x: x * abs(x), AROUND_0, slope=lambda m, x: 2 * abs(x)),
    kinks("huber", huber, (1.5, *near(1.5, 1e-8, 1, 20, 407, "+-"), *uniform(-4, 4, 10, 408))),
    kinks("spline", spline,
          (0.0, 1.0, 2.0, *near(1.0, 1e-8, 1, 10, 409, "+-"), *near(2.0, 1e-8, 1, 10, 410, "+-"),
           *uniform(-1, 4, 10, 411))),
    kinks("tax", tax,
          (9_000.0, 10_000.0, 10_000.01, 9_999.999, 40_000.0, 39_999.5, 40_001.0, *uniform(0, 80_000, 15, 412)), _tax),
    kinks("triangle", lambda x: np.abs((x % 1.0) - 0.5),
          (0.5, 0.499, 0.501, 3.0, 2.9999999, 3.0000001, *uniform(-5, 5, 20, 413))),
    kinks("staircase", lambda x: np.sin(x) + np.floor(4.0 * x) / 10.0,
          (0.25, 0.5, 0.2500001, 0.2499999, 0.251, *uniform(-3, 3, 25, 414))),
    kinks("floor", math.floor, (0.0, 1.0, 2.0, 0.999999, 1.000001, *uniform(-5, 5, 15, 415))),
    kinks("sign_root", lambda x: np.sign(x) * np.sqrt(np.abs(x)), decades(1e-10, 1e2, 24, 416, "+-")),
    kinks("smooth_join", smooth_join, (1.0, *near(1.0, 1e-6, 1, 20, 417, "+-"))),
)  # fmt: skip
