"""The policy for exceptions of a function of vectors: the same for every rule, way to run it and block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg
from fastgrad.differentiation import jacobians

pytestmark = pytest.mark.machine_code


def vectors(way: str, kind: type[Exception], low: float, high: float) -> Callable[[Any], Any]:
    """The sum of cubes of a vector, which raises where the first coordinate is between two numbers."""

    def f(v: Any) -> Any:
        if low < v[0] < high:
            raise kind
        return v[0] * v[0] * v[0] + v[1] * v[1] * v[1]

    def g(v: Any) -> Any:
        if np.any((low < v[..., 0]) & (v[..., 0] < high)):
            raise kind
        return v[..., 0] ** 3 + v[..., 1] ** 3

    return {"compiled": f, "arrays": Opaque(g), "pointwise": Opaque(f)}[way]


@pytest.mark.parametrize("rule", [fg.adaptive(), fg.central(), fg.forward(order=2)], ids=str)
@pytest.mark.parametrize("way", ["compiled", "arrays", "pointwise"])
@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_vectors(way: str, rule: Any, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first, a middle and the last of several blocks."""
    monkeypatch.setattr(jacobians, "ENTRIES", 1 << 7)
    monkeypatch.setattr(jacobians, "_ENTRIES_OF_STENCILS", 1 << 7)
    size = {"compiled": 20_000, "arrays": 200, "pointwise": 30}[way]
    for place in (1, size // 2, size - 1):
        x = np.full((size, 2), 5.0)
        x[place, 0] = 2.0
        for differentiate in (fg.gradient, fg.jacobian):
            with pytest.raises(kind):
                differentiate(vectors(way, kind, 1.9, 2.1), x, method=rule)
            beside = vectors(way, kind, 2.0, 3.0)
            if kind is RuntimeError:
                with pytest.raises(kind):
                    differentiate(beside, x, method=rule)
            else:
                df = differentiate(beside, x, method=rule)
                assert np.max(abs(df.reshape(x.shape) - 3 * x**2)) < 1e-3
