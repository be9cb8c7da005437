"""Functions that the literature on numerical differentiation keeps coming back to."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import uniform

UNIT = (0.0, 1.0, 0.5, *uniform(-1, 1, 15, 1401))


def squire_trapp(x: Any) -> Any:
    """Evaluate the example of the complex step."""
    return np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3)


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's valley along x with y = 1."""
    return (1.0 - x) ** 2 + 100.0 * (1.0 - x**2) ** 2


def wilkinson(x: Any) -> Any:
    """Product of (x - k), k = 1 to 12."""
    p = 1.0
    for k in range(1, 13):
        p = p * (x - k)
    return p


def more_wild(x: Any) -> Any:
    """Evaluate a residual squared of Osborne's first fit, as a function of one decay rate."""
    total = 0.0
    for t, y in ((0.0, 0.844), (100.0, 0.784), (200.0, 0.628), (300.0, 0.535)):
        total = total + (y - 0.5 - 1.5 * np.exp(-x * t) + np.exp(-0.02 * t)) ** 2
    return total


def _more_wild(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    total = m.mpf(0)
    for t, y in ((0, 0.844), (100, 0.784), (200, 0.628), (300, 0.535)):
        total += (m.mpf(y) - 0.5 - 1.5 * m.exp(-x * t) + m.exp(-m.mpf(0.02) * t)) ** 2
    return total


def lyness(x: float) -> float:
    """Evaluate the real part of a complex evaluation, as in Lyness and Moler."""
    return (
        cmath.exp(complex(x, 0.5)) / (cmath.sin(complex(x, 0.5)) ** 3 + cmath.cos(complex(x, 0.5)) ** 3)
    ).real


def _lyness(m: Any, x: Any) -> Any:
    """Do the same for mpmath."""
    z = m.mpc(x, 0.5)
    return (m.exp(z) / (m.sin(z) ** 3 + m.cos(z) ** 3)).real


CASES = (
    Case(
        "squire_trapp",
        "classics",
        squire_trapp,
        (1.5, math.pi / 4, *uniform(-0.6, 2.2, 20, 1402)),
        lambda m, x: m.exp(x) / (m.cos(x) ** 3 + m.sin(x) ** 3),
        source="Squire and Trapp 1998",
    ),
    Case(
        "lyness_moler",
        "classics",
        lyness,
        uniform(-2, 2, 16, 1403),
        _lyness,
        source="Lyness and Moler 1967",
    ),
    Case(
        "runge",
        "classics",
        lambda x: 1 / (1 + 25 * x**2),
        UNIT,
        lambda m, x: 1 / (1 + 25 * x**2),
        slope=lambda m, x: -50 * x / (1 + 25 * x**2) ** 2,
        source="Runge 1901",
    ),
    Case(
        "ridders",
        "classics",
        lambda x: np.exp(x) / (np.sin(x) - x**2),
        (1.0, *uniform(1.0, 4, 12, 1404)),
        lambda m, x: m.exp(x) / (m.sin(x) - x**2),
        source="Ridders 1982",
    ),
    Case(
        "numerical_recipes",
        "classics",
        lambda x: x * np.exp(-x * x / 2) * np.tan(0.3 * x),
        (0.0, *uniform(-4, 4, 16, 1405)),
        lambda m, x: x * m.exp(-x * x / 2) * m.tan(m.mpf(0.3) * x),
        source="Press et al., dfridr",
    ),
    Case(
        "numdifftools_exp_cos",
        "classics",
        lambda x: np.exp(np.cos(x)) + np.sin(x) ** 3,
        UNIT,
        lambda m, x: m.exp(m.cos(x)) + m.sin(x) ** 3,
        source="after the numdifftools manual",
    ),
    Case(
        "numdifftools_x3_x4",
        "classics",
        lambda x: x**3 + x**4,
        (0.0, 1.0, *UNIT),
        lambda m, x: x**3 + x**4,
        slope=lambda m, x: 3 * x**2 + 4 * x**3,
        source="numdifftools manual",
    ),
    Case(
        "rosenbrock",
        "classics",
        rosenbrock,
        (1.0, -1.2, 0.0, *uniform(-2, 2, 12, 1406)),
        lambda m, x: (1 - x) ** 2 + 100 * (1 - x**2) ** 2,
        source="Rosenbrock 1960",
    ),
    Case(
        "wilkinson_12",
        "classics",
        wilkinson,
        (1.0, 6.5, 12.0, *uniform(0, 13, 12, 1407)),
        lambda m, x: m.fprod(x - k for k in range(1, 13)),
        source="Wilkinson 1963",
    ),
    Case(
        "osborne_decay",
        "classics",
        more_wild,
        (0.01, 0.02, 0.0, *uniform(0, 0.2, 12, 1408)),
        _more_wild,
        source="after More and Wild 2011",
    ),
    Case(
        "sinc",
        "classics",
        lambda x: np.sinc(x),
        (0.0, 1.0, 0.5, *uniform(-10, 10, 15, 1409)),
        lambda m, x: m.sincpi(x),
    ),
    Case(
        "witch",
        "classics",
        lambda x: 8.0 / (x**2 + 4.0),
        (0.0, *uniform(-10, 10, 15, 1410)),
        lambda m, x: 8 / (x**2 + 4),
        slope=lambda m, x: -16 * x / (x**2 + 4) ** 2,
        source="Agnesi 1748",
    ),
    Case(
        "franke_slice",
        "classics",
        lambda x: 0.75 * np.exp(-((9 * x - 2) ** 2) / 4 - 1) + 0.5 * np.exp(-((9 * x - 7) ** 2) / 4),
        UNIT,
        lambda m, x: 0.75 * m.exp(-((9 * x - 2) ** 2) / 4 - 1) + m.exp(-((9 * x - 7) ** 2) / 4) / 2,
        source="Franke 1979",
    ),
    Case(
        "stiff_arctan",
        "classics",
        lambda x: math.atan(1e4 * (x - 0.2)),
        (0.2, 0.2001, 0.21, *uniform(0, 1, 10, 1411)),
        lambda m, x: m.atan(10**4 * (x - 0.2)),
    ),
)
