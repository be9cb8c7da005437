"""Points hard by a pole or a branch point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import decades, near, uniform


def potential(r: Any) -> Any:
    """Evaluate the Lennard-Jones potential towards the core."""
    s = (1.0 / r) ** 6
    return 4.0 * (s * s - s)


CASES = (
    Case(
        "tan_pole",
        "singular",
        np.tan,
        (1.57, 1.5707, -1.57, 1.5707963, *near(math.pi / 2, 1e-8, 1, 20, 701, "-")),
        lambda m, x: m.tan(x),
        slope=lambda m, x: 1 + m.tan(x) ** 2,
    ),
    Case(
        "pole_at_pi",
        "singular",
        lambda x: 1 / (x - 3.141592653589793),
        near(math.pi, 1e-9, 10, 24, 702, "+-"),
        lambda m, x: 1 / (x - m.mpf(3.141592653589793)),
        slope=lambda m, x: -1 / (x - m.mpf(3.141592653589793)) ** 2,
    ),
    Case(
        "log_near_0",
        "singular",
        math.log,
        decades(1e-300, 1e-2, 24, 703),
        lambda m, x: m.log(x),
        slope=lambda m, x: 1 / x,
    ),
    Case(
        "sqrt_near_0",
        "singular",
        np.sqrt,
        decades(1e-30, 1e-2, 24, 704),
        lambda m, x: m.sqrt(x),
        slope=lambda m, x: 1 / (2 * m.sqrt(x)),
    ),
    Case(
        "double_pole",
        "singular",
        lambda x: 1 / (x * x - 1),
        near(1.0, 1e-7, 1, 20, 705, "+-"),
        lambda m, x: 1 / (x * x - 1),
        slope=lambda m, x: -2 * x / (x * x - 1) ** 2,
    ),
    Case(
        "log_abs",
        "singular",
        lambda x: np.log(np.abs(x - 5.0)),
        near(5.0, 1e-8, 10, 20, 706, "+-"),
        lambda m, x: m.log(abs(x - 5)),
        slope=lambda m, x: 1 / (x - 5),
    ),
    Case(
        "lennard_jones",
        "singular",
        potential,
        (1.0, 1.122462048309373, 0.05, *uniform(0.2, 4, 25, 707)),
        lambda m, r: 4 * (r**-12 - r**-6),
    ),
    Case(
        "narrow_peak",
        "singular",
        lambda x: 1 / (1 + 1e12 * (x - 0.3) ** 2),
        near(0.3, 1e-8, 1, 24, 708, "+-"),
        lambda m, x: 1 / (1 + m.mpf(1e12) * (x - 0.3) ** 2),
    ),
    Case(
        "cot",
        "singular",
        lambda x: 1 / np.tan(x),
        (*decades(1e-12, 1, 12, 709, "+-"), *near(math.pi, 1e-6, 1, 10, 710, "-")),
        lambda m, x: m.cot(x),
        slope=lambda m, x: -1 / m.sin(x) ** 2,
    ),
    Case(
        "log_log",
        "singular",
        lambda x: np.log(np.log(x)),
        near(1.0, 1e-9, 10, 20, 711),
        lambda m, x: m.log(m.log(x)),
    ),
    Case(
        "exp_one_over",
        "singular",
        lambda x: np.exp(1 / x),
        (*decades(2e-3, 10, 16, 712), *decades(2e-2, 10, 8, 713, "-")),
        lambda m, x: m.exp(1 / x),
        slope=lambda m, x: -m.exp(1 / x) / x**2,
    ),
)
