"""Programs of many inputs and outputs are cut into several loops, which compute what one would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.circuits.chain_rule import jacobian
from fastgrad.circuits.gate_primitives import through_gate
from fastgrad.tracing import Program, llvm_loops, trace

pytestmark = pytest.mark.machine_code


@fg.gate(partials=lambda x: 2.0 * x if x > 0.5 else 1.0)
def branching(x: float) -> float:
    if x < -100.0:
        raise ValueError("too far left")
    return x * x if x > 0.5 else x - 0.25


def vectors(dim: int) -> np.ndarray:
    signs = np.where(np.arange(70) % 3 == 0, -1.0, 1.0)
    return np.random.default_rng(5).uniform(0.5, 1.5, (70, dim)) * signs[:, None]


def one_result(v: Any) -> Any:
    whole = np.sum(v * v)
    turned = np.where(v[0] > 0, v[::-1] * whole, 3 * v)
    return np.sum(np.maximum(turned * v, v)) + branching(v[7]) * v[-1] + whole / v[20]


def several_results(v: Any) -> Any:
    return v * branching(v[7]) + branching(v[15])


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Into how many loops programs are cut, at a tenth of the usual number of arrays."""
    cut, counts = llvm_loops._cut, list[int]()

    def counted(*program: Any) -> Any:
        parts = cut(*program)
        counts.append(len(parts))
        return parts

    monkeypatch.setattr(llvm_loops, "_ARRAYS", llvm_loops._ARRAYS // 10)
    monkeypatch.setattr(llvm_loops, "_cut", counted)
    return counts


def test_values_and_conditions_get_from_one_loop_to_the_next(counts: list[int]) -> None:
    """The gradient beside its nodes, evaluated one after the other."""
    dim = 21
    x = vectors(dim)
    outputs, _ = trace(one_result, [dim], through_gate)
    partials = Program(jacobian(outputs, dim)[0], dim)
    found = fg.circuit(one_result, n=dim).gradient(x)
    assert counts[0] > 2
    for point, row in zip(x[::69], found[::69], strict=True):
        assert row == pytest.approx(np.array(partials.at(point), float), rel=1e-13)


def test_exceptions_of_every_loop_are_raised(counts: list[int]) -> None:
    x = vectors(23)
    several = fg.circuit(several_results, n=23)
    bend = np.vectorize(branching.formula)
    assert several(x) == pytest.approx(x * bend(x[:, 7:8]) + bend(x[:, 15:16]), rel=1e-14)
    assert counts[0] > 2
    x[66, 15] = -200.0
    with pytest.raises(ValueError, match="too far left"):
        several(x)
