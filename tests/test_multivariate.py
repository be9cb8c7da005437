"""Functions of a vector: laws, layouts, known jacobians."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg

RULES = ("adaptive", "central", "forward", "backward", "complex")
WITHIN = {"adaptive": 1e-12, "central": 1e-8, "forward": 1e-5, "backward": 1e-5, "complex": 1e-14}


def rosenbrock(v: Any) -> Any:
    return np.sum(100.0 * (v[..., 1:] - v[..., :-1] ** 2) ** 2 + (1.0 - v[..., :-1]) ** 2, axis=-1)


def rosenbrock_slope(v: Any) -> Any:
    slope = np.zeros_like(v)
    gap = v[..., 1:] - v[..., :-1] ** 2
    slope[..., :-1] = -400 * v[..., :-1] * gap - 2 * (1 - v[..., :-1])
    slope[..., 1:] += 200 * gap
    return slope


POINTS = np.random.default_rng(7).normal(size=(4, 3, 5))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("f", [rosenbrock, Opaque(rosenbrock)])
def test_gradient(rule: str, f: Any) -> None:
    truth = rosenbrock_slope(POINTS)
    found = fg.gradient(f, POINTS, method=rule)
    assert found.shape == truth.shape
    assert np.max(abs(found - truth)) < WITHIN[rule] * np.max(abs(truth))


def test_partial_pickles() -> None:
    jac = pickle.loads(pickle.dumps(functools.partial(fg.gradient, rosenbrock)))
    assert np.max(abs(jac(POINTS) - rosenbrock_slope(POINTS))) < 1e-9
