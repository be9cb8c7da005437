"""Badly scaled: tiny and huge arguments, large offsets, tiny and huge values."""

from __future__ import annotations

import math

import numpy as np

from ._case import Case
from ._points import decades, near, uniform

CASES = (
    Case(
        "square_any_scale",
        "scaled",
        lambda x: x * x,
        (0.0, *decades(1e-30, 1e12, 30, 1101, "+-")),
        lambda m, x: x * x,
        slope=lambda m, x: 2 * x,
    ),
    Case(
        "cube_plus_any_scale",
        "scaled",
        lambda x: x**3 + x,
        (0.0, *decades(1e-30, 1e12, 30, 1102, "+-")),
        lambda m, x: x**3 + x,
        slope=lambda m, x: 3 * x * x + 1,
    ),
    Case(
        "log_any_scale",
        "scaled",
        np.log,
        decades(1e-30, 1e12, 30, 1103),
        lambda m, x: m.log(x),
        slope=lambda m, x: 1 / x,
    ),
    Case("sqrt_any_scale", "scaled", math.sqrt, decades(1e-30, 1e12, 30, 1104), lambda m, x: m.sqrt(x)),
    Case(
        "offset_in_x",
        "scaled",
        lambda x: (x - 1e10) ** 2 + 3 * (x - 1e10),
        near(1e10, 1e-2, 1e4, 20, 1105, "+-"),
        lambda m, x: (x - 10**10) ** 2 + 3 * (x - 10**10),
    ),
    Case(
        "offset_in_f",
        "scaled",
        lambda x: 1e10 + np.sin(x),
        uniform(-4, 4, 20, 1106),
        lambda m, x: 10**10 + m.sin(x),
        tolerance=1e-3,
        slope=lambda m, x: m.cos(x),
    ),
    Case(
        "offset_1e6",
        "scaled",
        lambda x: 1e6 + np.exp(x),
        uniform(-3, 3, 20, 1107),
        lambda m, x: 10**6 + m.exp(x),
    ),
    Case(
        "values_1e-40",
        "scaled",
        lambda x: 1e-40 * np.sin(x),
        uniform(-4, 4, 15, 1108),
        lambda m, x: m.mpf(1e-40) * m.sin(x),
    ),
    Case(
        "values_1e40",
        "scaled",
        lambda x: 1e40 * np.cos(x),
        uniform(-4, 4, 15, 1109),
        lambda m, x: m.mpf(1e40) * m.cos(x),
    ),
    Case(
        "planted_1e-8",
        "scaled",
        lambda x: 1e-8 * x**2,
        (*uniform(-5, 5, 15, 1110), *decades(1e-6, 1e6, 8, 1111)),
        lambda m, x: m.mpf(1e-8) * x**2,
        slope=lambda m, x: 2 * m.mpf(1e-8) * x,
    ),
    Case(
        "argument_1e9",
        "scaled",
        lambda x: np.tanh(1e9 * x),
        (0.0, *decades(1e-14, 1e-8, 16, 1112, "+-")),
        lambda m, x: m.tanh(10**9 * x),
    ),
    Case(
        "argument_1e-9",
        "scaled",
        lambda x: np.exp(-1e-9 * x),
        (0.0, *decades(1e3, 1e10, 16, 1113)),
        lambda m, x: m.exp(-m.mpf(1e-9) * x),
    ),
    Case(
        "exp_of_large",
        "scaled",
        math.exp,
        (*uniform(-90, 90, 15, 1114), -300.0, 300.0, 700.0),
        lambda m, x: m.exp(x),
    ),
    Case(
        "two_scales",
        "scaled",
        lambda x: np.exp(-x / 1e-3) + np.exp(-x / 1e3),
        (0.0, *decades(1e-6, 1e4, 24, 1115)),
        lambda m, x: m.exp(-x / m.mpf(1e-3)) + m.exp(-x / 1000),
    ),
    Case(
        "power_20",
        "scaled",
        lambda x: x**20,
        decades(1e-2, 1e4, 20, 1116, "+-"),
        lambda m, x: x**20,
        slope=lambda m, x: 20 * x**19,
    ),
    Case(
        "inverse_square",
        "scaled",
        lambda x: 1.0 / x**2,
        decades(1e-15, 1e15, 24, 1117, "+-"),
        lambda m, x: 1 / x**2,
    ),
    Case(
        "time_in_seconds",
        "scaled",
        lambda t: 20.0 + 5.0 * np.sin(2 * np.pi * t / 86400.0),
        (*uniform(1.6e9, 1.7e9, 20, 1118), 0.0),
        lambda m, t: 20 + 5 * m.sin(2 * m.mpf(math.pi) * t / 86400),
    ),
    Case(
        "log10_of_huge",
        "scaled",
        lambda x: np.log10(x) ** 2,
        decades(1e2, 1e12, 16, 1119),
        lambda m, x: m.log10(x) ** 2,
    ),
)
