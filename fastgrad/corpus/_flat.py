"""Flat and saturated: the derivative is 0, or next to it, or was just before."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import decades, uniform

SATURATED = (30.0, -30.0, 20.0, 10.0, -5.0, *uniform(-25, 25, 15, 1201))


def bump(x: float) -> float:
    """Evaluate the smooth bump with compact support."""
    if abs(x) >= 1.0:
        return 0.0
    return math.exp(-1.0 / (1.0 - x * x))


def smoothstep(x: Any) -> Any:
    """Hermite's step between 0 and 1."""
    t = np.clip(x, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _smoothstep(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    t = min(max(x, m.mpf(0)), m.mpf(1))
    return t * t * (3 - 2 * t)


CASES = (
    Case(
        "tanh_saturated",
        "flat",
        np.tanh,
        SATURATED,
        lambda m, x: m.tanh(x),
        slope=lambda m, x: m.sech(x) ** 2,
    ),
    Case(
        "sigmoid_saturated",
        "flat",
        lambda x: 1 / (1 + np.exp(-x)),
        (-40.0, 40.0, -100.0, -600.0, *SATURATED),
        lambda m, x: 1 / (1 + m.exp(-x)),
    ),
    Case(
        "exp_minus_one_over_x2",
        "flat",
        lambda x: math.exp(-1 / x**2) if x else 0.0,
        (0.0, 0.01, 0.05, 0.1, -0.1, *uniform(0.1, 3, 15, 1202)),
        lambda m, x: m.exp(-1 / x**2) if x else m.mpf(0),
    ),
    Case(
        "bump",
        "flat",
        bump,
        (0.0, 1.0, -1.0, 0.999, 0.99, 1.001, 2.0, *uniform(-1.2, 1.2, 15, 1203)),
        lambda m, x: m.exp(-1 / (1 - x * x)) if abs(x) < 1 else m.mpf(0),
    ),
    Case(
        "relu_left",
        "flat",
        lambda x: np.maximum(x, 0.0),
        (*decades(1e-6, 1e3, 16, 1204, "-"), *uniform(-5, -0.1, 8, 1205)),
        lambda m, x: max(x, m.mpf(0)),
        kind="kink",
    ),
    Case(
        "clipped_wave",
        "flat",
        lambda x: np.clip(2.0 * np.sin(x), -1.0, 1.0),
        uniform(-7, 7, 30, 1206),
        lambda m, x: min(max(2 * m.sin(x), m.mpf(-1)), m.mpf(1)),
        kind="kink",
    ),
    Case(
        "hard_tanh",
        "flat",
        lambda x: np.clip(x, -1.0, 1.0),
        (1.0001, -1.0001, 0.9999, 5.0, *uniform(-3, 3, 15, 1207)),
        lambda m, x: min(max(x, m.mpf(-1)), m.mpf(1)),
        kind="kink",
    ),
    Case(
        "smoothstep",
        "flat",
        smoothstep,
        (0.0, 1.0, -0.5, 1.5, 0.5, 1e-6, 1 - 1e-6, *uniform(-1, 2, 12, 1208)),
        _smoothstep,
        kind="kink",
    ),
    Case(
        "gauss_tail",
        "flat",
        lambda x: np.exp(-x * x),
        (0.0, 6.0, 9.0, 15.0, 20.0, 26.0, *uniform(-8, 8, 12, 1209)),
        lambda m, x: m.exp(-x * x),
        slope=lambda m, x: -2 * x * m.exp(-x * x),
    ),
    Case(
        "erfc_steep",
        "flat",
        lambda x: 0.5 * math.erfc((0.5 - x) * 200.0),
        (0.5, 0.51, 0.49, 0.6, 0.0, 2.0, *uniform(0.45, 0.55, 15, 1210)),
        lambda m, x: m.erfc((0.5 - x) * 200) / 2,
    ),
    Case(
        "x_to_8",
        "flat",
        lambda x: (x - 1.0) ** 8,
        (1.0, 1.001, 0.99, 0.9, *uniform(-1, 3, 12, 1211)),
        lambda m, x: (x - 1) ** 8,
        slope=lambda m, x: 8 * (x - 1) ** 7,
    ),
    Case(
        "one_plus_tiny",
        "flat",
        lambda x: 1.0 + 1e-14 * x,
        uniform(-3, 3, 10, 1212),
        lambda m, x: 1 + m.mpf(1e-14) * x,
        tolerance=0.1,
    ),
    Case(
        "rounding_step",
        "flat",
        lambda x: np.round(x, 1),
        uniform(-3, 3, 16, 1213),
        lambda m, x: m.nint(10 * x) / 10,
        kind="kink",
    ),
    Case(
        "saturating_exp",
        "flat",
        lambda x: 1.0 - np.exp(-np.abs(x) * 5.0),
        (*decades(1e-9, 1, 12, 1214, "+-"), 3.0, 8.0, 50.0),
        lambda m, x: 1 - m.exp(-abs(x) * 5),
        kind="kink",
        agree=1e-8,
    ),
)
