"""Lines through points: each distinct vector is evaluated once, in big blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.differentiation.line_evaluation import Coordinates, Directions, LineValues


class Recorder:
    """A function nobody can compile that keeps the vectors it was called with."""

    def __init__(self, f: Any) -> None:
        self.f = f
        self.seen: list[np.ndarray] = []

    def __call__(self, v: Any) -> Any:
        self.seen.append(np.atleast_2d(np.array(v)))
        return self.f(v)


@pytest.mark.parametrize("rule", ["adaptive", "central", "forward", "backward", fg.central(order=4)])
def test_no_vector_twice(rule: Any) -> None:
    f = Recorder(lambda v: np.stack([v[..., 0] * v[..., 1], np.exp(v[..., 2]), abs(v[..., 0])], axis=-1))
    x = np.random.default_rng(1).normal(size=(5, 3))
    x[0, 0] = 0.0  # a kink, where one output asks for more than the others
    fg.jacobian(f, x[:1])
    f.seen.clear()
    fg.jacobian(f, x, method=rule)
    seen = np.concatenate(f.seen)
    assert len(np.unique(seen, axis=0)) == len(seen)


def test_big_blocks() -> None:
    f = Recorder(lambda v: np.sin(v[..., 0]) * v[..., 1])
    fg.gradient(f, np.ones((1, 2)))
    f.seen.clear()
    fg.gradient(f, np.random.default_rng(2).normal(size=(1000, 2)), method="central")
    assert max(map(len, f.seen)) > 700
    assert sum(map(len, f.seen)) == 4000


class Scaled:
    """An evaluator of a function with two results."""

    outputs = 2

    def values(self, x: Any, index: Any = None, beside: bool = False) -> Any:
        return x * [1.0, 10.0]


@pytest.mark.parametrize("has_memory", [False, True])
def test_positions_in_any_order_and_repeated(has_memory: bool) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    values = LineValues(Scaled(), Coordinates(x), has_memory)
    for _ in range(2):
        found = values(np.array([3, 0, 3, 1, 3]), np.array([5.0, 1.0, 4.0, 2.5, 5.0]))
        np.testing.assert_array_equal(found, [[3, 50], [1, 20], [3, 40], [1, 25], [3, 50]])
    found = values(np.array([2, 2]), np.array([9.0, 3.0]), np.array([0, 1]))
    np.testing.assert_array_equal(found, [9, 40])


def test_reach_along_directions() -> None:
    x, v = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, -2.0], [0.0, 1.0]])
    low, high = np.zeros((2, 2)), np.ones((2, 2))
    lines = Directions(x, v[:, None], np.arange(2), low, high)
    behind, ahead = lines.reach()
    np.testing.assert_array_equal(behind, [0.0, -0.5])
    np.testing.assert_array_equal(ahead, [0.5, 0.5])


def test_points_that_are_none_are_not_evaluated() -> None:
    f = Recorder(lambda v: np.sum(v, axis=-1))
    fg.gradient(f, np.ones((1, 2)))
    f.seen.clear()
    found = fg.gradient(f, [[np.nan, 1.0], [2.0, 1.0]])
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], 1.0, rtol=1e-13)
    assert not np.isnan(np.concatenate(f.seen)).any()
