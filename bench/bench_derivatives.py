"""Derivatives of gates: fastgrad beside NumPy as everybody writes it, and `scipy.differentiate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import differentiate

import fastgrad as fg
from fastgrad import gates

#: The gates, their formula in NumPy, and where their arguments are drawn.
GATES: dict[str, tuple[Callable[..., Any], tuple[tuple[float, float], ...]]] = {
    "square": (lambda x: x * x, ((-4, 4),)),
    "multiply": (lambda x, y: x * y, ((-4, 4), (-4, 4))),
    "sum_square": (lambda x, y: (x + y) ** 2, ((-4, 4), (-4, 4))),
    "divide": (lambda x, y: x / y, ((-4, 4), (1, 4))),
    "power": (np.power, ((0.5, 4), (-3, 3))),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), ((-8, 8),)),
    "softplus": (lambda x: np.logaddexp(0.0, x), ((-8, 8),)),
    "tanh": (np.tanh, ((-4, 4),)),
    "sin": (np.sin, ((-8, 8),)),
    "maximum": (np.maximum, ((-4, 4), (5, 9))),
}

LARGE = ("square", "sum_square", "sigmoid")
QUESTIONS = [
    (rule, gate, size)
    for rule in ("forward", "backward", "central")
    for size in (10**3, 10**6, 10**7)
    for gate in (LARGE if size > 10**6 else GATES)
]
SIDE = {"forward": 1, "backward": -1, "central": 0}


def naive(rule: str, f: Callable[..., Any], x: Any, *rest: Any) -> Any:
    """Difference on whole arrays, with the step of the textbook."""
    if rule == "central":
        h = 1e-5
        return (f(x + h, *rest) - f(x - h, *rest)) / (2 * h)
    h = 1e-8 * SIDE[rule]
    return (f(x + h, *rest) - f(x, *rest)) / h


@pytest.mark.parametrize("library", ["fastgrad", "numpy", "scipy"])
@pytest.mark.parametrize(("rule", "name", "size"), QUESTIONS)
def test_derivative(rule: str, name: str, size: int, library: str, points: Any, timed: Any) -> None:
    if library == "scipy" and size > 10**6:
        pytest.skip("minutes and gigabytes")
    f, intervals = GATES[name]
    gate = getattr(gates, name)
    at = points(size, *intervals)
    calls = {
        "fastgrad": lambda: fg.derivative(gate, *at, method=rule),
        "numpy": lambda: naive(rule, f, *at),
        "scipy": lambda: differentiate.derivative(f, at[0], args=tuple(at[1:]), step_direction=SIDE[rule]).df,
    }
    rounds = {10**3: 200, 10**6: 20, 10**7: 5}[size] if library != "scipy" else 3
    timed(f"{rule} of {name}, {size:.0e} points", calls[library], gate.partials[0](*at), rounds)
