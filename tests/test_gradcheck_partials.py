"""Gates, and whatever else brings partials, check themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import gates
from fastgrad.gradcheck import check
from fastgrad.gradcheck._partials import sample

DIFFERENTIABLE = [g for g in gates.GATES if not hasattr(g, "__not_differentiable__")]


@pytest.mark.parametrize("gate", DIFFERENTIABLE, ids=lambda g: g.__name__)
def test_gates_check_themselves(gate: Any) -> None:
    found = check(gate)
    assert found, found
    counts = found.counts
    assert counts["UNDECIDED"] <= 0.08 * found.verdict.size, found
    assert (counts["KINK"] > 0) == (gate.__name__ in ("maximum", "minimum", "absolute", "relu")), found


def test_a_gate_that_is_wrong_is_found() -> None:
    @fg.gate(partials=(lambda x, y: y, lambda x, y: -x))
    def product(x: float, y: float) -> float:
        return x * y

    found = check(product)
    assert not found
    assert "wrong only with respect to y" in found.patterns, found
    assert repr(found).startswith("Check of the derivative, partials of product against product: ")
    assert not check(product, None, 3.0, 4.0)


def test_a_gate_that_is_wrong_at_ties_only_is_found() -> None:
    @fg.gate(partials=(lambda x, y: 2.0 if x == y else 1.0 if x > y else 0.0, lambda x, y: 1.0 if y > x else 0.0))
    def larger(x: float, y: float) -> float:
        return max(x, y)

    found = check(larger)
    assert not found
    assert any("only at kinks" in pattern for pattern in found.patterns), found


def test_whatever_brings_partials_checks_itself() -> None:
    class Circuit:
        def __call__(self, x: Any) -> Any:
            return np.sin(x) * x

        def partials(self, x: Any) -> Any:
            return np.cos(x) * x + np.sin(x)

    assert check(Circuit())


CIRCUITS = {
    "two vectors": (lambda u, v: u @ np.sin(v), (2, 2), "gradient"),
    "vector and number": (lambda u, s: s * np.outer(u, u), (2, None), "jacobian"),
    "several results": (lambda x, y: (x * y, np.maximum(x, y)), None, "jacobian"),
    "results of a vector": (lambda v: np.array([v[0] * v[1], v[0], 1.0]), 2, "jacobian"),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_of_every_shape_check_themselves(name: str) -> None:
    f, n, of = CIRCUITS[name]
    c = fg.circuit(f, n=n)
    found = check(c)
    assert found and found.of == of, found
    assert found.counts["UNDECIDED"] == 0 and (found.counts["KINK"] > 0) == (name == "several results"), found
    points = [np.ones((3, size) if size else 3) / 2 for size in (n if isinstance(n, tuple) else (n,) * c.nin)]
    assert check(c, None, *points).verdict.shape == (3, *found.verdict.shape[1:])


def test_a_length_may_be_numpys() -> None:
    assert check(fg.circuit(lambda v: v @ v, n=np.int64(3))) and fg.circuit(lambda v: v @ v, n=[3]).n == (3,)


def test_a_circuit_through_a_wrong_gate_is_found() -> None:
    @fg.gate(partials=lambda x: 3.0 * x)
    def square(x: float) -> float:
        return x * x

    found = check(fg.circuit(lambda u, s: (s * square(u[0]), u[1]), n=(2, None)))
    assert not found and "wrong only at row 0, column 0" in found.patterns, found
    with pytest.raises(ValueError, match="a circuit of several arguments or results"):
        check(fg.circuit(lambda u, s: s * u[0], n=(2, None)), of="gradient")


def test_points_lie_in_the_domain_at_its_edges_and_at_ties() -> None:
    x, y = sample(((0.0, 1.0), (-np.inf, np.inf)))
    assert x.shape == y.shape
    assert np.all((x >= 0) & (x <= 1))
    assert {0.0, 1.0, 0.5, 2.0**-40, 1 - 2.0**-40} <= set(x.tolist())
    assert y.min() < -100 < 100 < y.max()
    assert np.abs(y[y != 0]).min() < 1e-5
    assert np.count_nonzero(x == y) > 100
    again = sample(((0.0, 1.0), (-np.inf, np.inf)))
    assert np.array_equal(x, again[0])
    assert np.array_equal(y, again[1])
    assert np.all(sample(((-np.inf, -5.0),))[0] <= -5)
    assert np.all(sample(((2.0, np.inf),))[0] >= 2)
