"""Calls that other processes repeat: functions, gates, rules and circuits in every role, without a library of tests."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from scipy import special

import fastgrad as fg
from fastgrad import gates

X = np.linspace(-2, 2, 1001)
V = X[:1000].reshape(250, 4)


def wave(x: Any) -> Any:
    return np.sin(3 * x) * x


def called(x: Any) -> Any:
    return special.j0(3 * x)


def energy(v: Any) -> Any:
    return np.sum(np.sin(v)) * v[0]


def pair(v: Any) -> Any:
    return v[0] * v[1], v[2] * math.sin(v[3])


@fg.gate(partials=lambda x: 2.0 * math.cos(2.0 * x))
def twice(x: float) -> float:
    return math.sin(2.0 * x)


chain = fg.circuit(wave)
surface = fg.circuit(energy, n=4)

RULES = [fg.central(4), fg.forward(), fg.backward(2), fg.adaptive(n=2), fg.complex_step(), fg.Stencil([-1, 0, 3])]

#: What is called, with what: functions, gates, rules, circuits and partials of ours, in every role they can have.
TASKS: dict[str, tuple[Any, ...]] = {
    "derivative": (fg.derivative, wave, X),
    "called": (fg.derivative, called, X),
    "gate": (fg.derivative, gates.sigmoid, X),
    "own gate": (fg.derivative, twice, X),
    "gate itself": (gates.softplus, X),
    "own gate itself": (twice, X),
    "circuit": (chain, X),
    "circuit's partials": (chain.partials, X),
    "circuit's gradient": (surface.gradient, V),
    "circuit differentiated": (fg.derivative, chain, X),
    "gradient": (functools.partial(fg.gradient, energy), V),
    "jacobian": (functools.partial(fg.jacobian, pair, method="central"), V),
    "hessian": (functools.partial(fg.hessian, method=fg.central(n=2)), energy, V),
    "threads": (functools.partial(fg.derivative, method="central", workers=2), wave, np.linspace(-2, 2, 2**20 + 1)),
    **{repr(rule): (functools.partial(fg.derivative, method=rule), wave, X) for rule in RULES},
}


def run(name: str) -> Any:
    f, *args = TASKS[name]
    return f(*args)


def run_this(task: tuple[Any, ...]) -> Any:
    return task[0](*task[1:])


def same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return all(map(same, one, other))
    return bool(np.array_equal(one, other))
