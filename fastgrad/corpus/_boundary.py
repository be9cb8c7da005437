"""Points at, or hard by, the edge of the domain."""

from __future__ import annotations

import math

import numpy as np

from ._case import Case
from ._points import decades, near, uniform

INSIDE = (0.0, 0.5, -0.5, *uniform(-0.99, 0.99, 10, 601))
TO_1 = (*near(1.0, 1e-12, 1e-1, 12, 602, "-"), *near(-1.0, 1e-12, 1e-1, 8, 603))
FROM_0 = (*decades(1e-12, 1e-1, 16, 604), *uniform(0.1, 3, 8, 605))

CASES = (
    Case(
        "half_circle",
        "boundary",
        lambda x: np.sqrt(1 - x**2),
        (1 - 1e-9, -1 + 1e-6, *INSIDE, *TO_1),
        lambda m, x: m.sqrt(1 - x * x),
        slope=lambda m, x: -x / m.sqrt(1 - x * x),
    ),
    Case(
        "x_log_x",
        "boundary",
        lambda x: x * np.log(x),
        FROM_0,
        lambda m, x: x * m.log(x),
        slope=lambda m, x: m.log(x) + 1,
    ),
    Case(
        "arcsin",
        "boundary",
        np.arcsin,
        (*INSIDE, *TO_1),
        lambda m, x: m.asin(x),
        slope=lambda m, x: 1 / m.sqrt(1 - x * x),
    ),
    Case(
        "acos_math",
        "boundary",
        math.acos,
        (*INSIDE, *TO_1),
        lambda m, x: m.acos(x),
        slope=lambda m, x: -1 / m.sqrt(1 - x * x),
    ),
    Case("x_to_1.5", "boundary", lambda x: x**1.5, (0.0, *FROM_0), lambda m, x: x**1.5),
    Case("x_to_2.5_numpy", "boundary", lambda x: np.power(x, 2.5), (0.0, *FROM_0), lambda m, x: x**2.5),
    Case(
        "log1p",
        "boundary",
        np.log1p,
        near(-1.0, 1e-12, 1, 24, 606),
        lambda m, x: m.log(1 + x),
        slope=lambda m, x: 1 / (1 + x),
    ),
    Case("acosh", "boundary", np.arccosh, near(1.0, 1e-12, 10, 24, 607), lambda m, x: m.acosh(x)),
    Case(
        "atanh_math",
        "boundary",
        math.atanh,
        (*INSIDE, *TO_1),
        lambda m, x: m.atanh(x),
        slope=lambda m, x: 1 / (1 - x * x),
    ),
    Case(
        "sqrt_edge_linear",
        "boundary",
        lambda x: np.sqrt(x) * x + 2 * x,
        (0.0, *FROM_0),
        lambda m, x: m.sqrt(x) * x + 2 * x,
        slope=lambda m, x: 1.5 * m.sqrt(x) + 2,
    ),
    Case(
        "exp_of_root",
        "boundary",
        lambda x: np.exp(-np.sqrt(x - 2.0)),
        near(2.0, 1e-10, 5, 20, 608),
        lambda m, x: m.exp(-m.sqrt(x - 2)),
    ),
    Case(
        "one_sided_at_edge",
        "boundary",
        lambda x: np.cos(x) + (1 - x) ** 2.5,
        (1.0, *near(1.0, 1e-9, 2, 16, 609, "-")),
        lambda m, x: m.cos(x) + (1 - x) ** 2.5,
    ),
)
