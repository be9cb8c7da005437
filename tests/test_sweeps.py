"""Lines through points: each distinct vector is evaluated once, coordinates of one colour move together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad._sweeps import Coordinates, Directions, Sweep


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


def test_colours_move_together() -> None:
    x = np.arange(12.0).reshape(2, 6)
    lines = Coordinates(x, colour=np.array([0, 1, 2, 0, 1, 2]))
    line = np.array([0, 0, 1, 3, 9, 9, 9])
    vectors, which = lines.vectors(line, np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]))
    assert len(vectors) == 2 + 1 + 3  # two of colour 0, one of colour 1, and three of colour 0 of the other point
    assert which[0] == which[3] != which[1]
    wanted = x[line // 6].copy()
    for row, at, position in zip(which, line, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0], strict=True):
        assert vectors[row, at % 6] == position
        wanted[list(line).index(at)] = vectors[row]
    assert np.array_equal(vectors[which[0]], [10.0, 1, 2, 40.0, 4, 5])


def test_coloured_jacobian_is_the_dense_one() -> None:
    def chain(v: Any) -> Any:
        wide = np.pad(v, [(0, 0), (1, 1)])
        return (3 - 2 * v) * v - wide[:, :-2] - 2 * wide[:, 2:] + 1

    x = np.random.default_rng(3).normal(size=(2, 9))
    dense = Sweep(lambda vectors, lenient: chain(vectors), Coordinates(x), 9, True)
    calls: list[int] = []

    def counted(vectors: Any, lenient: bool) -> Any:
        calls.append(len(vectors))
        return chain(vectors)

    sparse = Sweep(counted, Coordinates(x, colour=np.arange(9) % 3), 9, True)
    line, output = np.array([(b * 9 + k, o) for b in range(2) for k in range(9) for o in range(9) if abs(o - k) < 2]).T
    position = x.ravel()[line] + 0.125
    np.testing.assert_array_equal(sparse(line, position, output), dense(line, position, output))
    assert sum(calls) == 2 * 3


def test_room_along_directions() -> None:
    x, v = np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[1.0, -2.0], [0.0, 1.0]])
    low, high = np.zeros((2, 2)), np.ones((2, 2))
    lines = Directions(x, v[:, None], np.arange(2), low, high)
    behind, ahead = lines.room()
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
