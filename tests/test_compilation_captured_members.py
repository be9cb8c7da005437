"""Attributes of objects and entries of dictionaries are captured data: compiled once, and read at every call."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import engine_of

import fastgrad as fg

pytestmark = pytest.mark.machine_code

X = np.linspace(-2.0, 2.0, 23)


class Model:
    """Parameters, as users keep them."""

    scale = 3.0

    def __init__(self, rate: float, order: int = 2) -> None:
        self.rate, self.order = rate, order
        self.weights = np.array([rate, 2.0])
        self.f = lambda x: self.rate * x**self.order + self.weights[1]

    @property
    def doubled(self) -> float:
        return 2 * self.rate


def of_dictionary(rate: float) -> tuple[Callable[[Any], Any], Any]:
    params: dict[str, Any] = {"rate": rate, "order": 2, "weights": np.array([1.0, 2.0]), "unused": [1, 2]}
    return lambda x: params["rate"] * x ** params["order"] + params["weights"][1], params


def of_nested(rate: float) -> tuple[Callable[[Any], Any], Any]:
    outer = types.SimpleNamespace(model=Model(rate), other=None)
    outer.model.outer = outer
    return lambda x: outer.model.rate * x**2 + outer.model.weights[1], outer.model


def of_object(rate: float) -> tuple[Callable[[Any], Any], Any]:
    model = Model(rate)
    return model.f, model


MAKERS = [of_object, of_nested, of_dictionary]


def put(holder: Any, name: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("make", MAKERS)
def test_members_are_read_at_every_call(make: Any, method: str) -> None:
    f, holder = make(1.5)
    np.testing.assert_allclose(fg.derivative(f, X, method=method), 3.0 * X, atol=1e-8)
    assert engine_of(f) == "compiled"
    put(holder, "rate", -4.0)
    np.testing.assert_allclose(fg.derivative(f, X, method=method), -8.0 * X, atol=1e-7)
    other, _ = make(0.5)
    np.testing.assert_allclose(fg.derivative(other, X, method=method), X, atol=1e-8)
    assert engine_of(other) == "compiled"
    put(holder, "rate", "text")  # nothing that machine code takes
    with pytest.raises(TypeError):
        fg.derivative(f, X, method=method)


def test_whole_numbers_are_seen_too() -> None:
    f, model = of_object(2.0)
    assert fg.derivative(f, 3.0) == pytest.approx(12.0)
    model.order = 3
    assert fg.derivative(f, 3.0) == pytest.approx(54.0)
    g, params = of_dictionary(2.0)
    assert fg.derivative(g, 3.0) == pytest.approx(12.0)
    params["order"] = 3
    assert fg.derivative(g, 3.0) == pytest.approx(54.0)


def test_what_only_a_class_has_is_called() -> None:
    model = Model(2.0)
    assert fg.derivative(lambda x: model.doubled * x, 3.0) == pytest.approx(4.0)
    assert fg.derivative(lambda x: model.scale * x, 3.0) == pytest.approx(3.0)
    params = {"get": 2.0, "items": 5.0}
    assert fg.derivative(lambda x: params.get("get", 1.0) * x, 3.0) == pytest.approx(2.0)
    assert fg.derivative(lambda x: len(params) * x, 3.0) == pytest.approx(2.0)
    for name in ("rate", "missing"):
        with pytest.raises(KeyError):
            fg.derivative(lambda x, name=name: params[name] * x, 3.0)


def test_gradient() -> None:
    model = Model(2.0)
    f = lambda v: model.rate * v[0] ** 2 + np.sum(model.weights * v)  # noqa: E731
    np.testing.assert_allclose(fg.gradient(f, [3.0, 1.0]), [14.0, 2.0])
    model.weights = np.array([1.0, 1.0])
    np.testing.assert_allclose(fg.gradient(f, [3.0, 1.0]), [13.0, 1.0])
    model.weights[0] = 5.0
    np.testing.assert_allclose(fg.gradient(f, [3.0, 1.0]), [17.0, 1.0])
