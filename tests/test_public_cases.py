"""Derivatives that others have published: figures, closed forms, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

pytestmark = pytest.mark.machine_code

RULES = ("adaptive", "central", "complex")


def sigmoid_neuron(v: Any) -> Any:
    return 1 / (1 + np.exp(-(v[..., 0] * v[..., 3] + v[..., 1] * v[..., 4] + v[..., 2])))


def circuit(v: Any) -> Any:
    return 2 * (v[..., 0] * v[..., 1] + np.maximum(v[..., 2], v[..., 3]))


def relu(z: Any) -> Any:
    return np.where(z > 0, z, 0.0)


def micrograd(v: Any) -> Any:
    a, b = v[..., 0], v[..., 1]
    c = 1 + 2 * (2 * (a + b) + 1) - a
    d = 4 * (3 * (a * b + b**3) + relu(a + b)) + relu(b - a)
    q = (c - d) ** 2
    return q / 2 + 10 / q


def normal(z: Any) -> Any:
    """Marsaglia's series for the normal distribution, good to 1e-15 within six deviations (2004)."""
    term = total = np.asarray(z)
    for i in range(3, 160, 2):
        term = term * z * z / i
        total = total + term
    return 0.5 + total * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def call(v: Any) -> Any:
    """Price of Hull's call by spot, rate, volatility and time, with a strike of 50."""
    spot, rate, volatility, time = v[..., 0], v[..., 1], v[..., 2], v[..., 3]
    width = volatility * np.sqrt(time)
    d1 = (np.log(spot / 50.0) + (rate + volatility * volatility / 2) * time) / width
    return spot * normal(d1) - 50.0 * np.exp(-rate * time) * normal(d1 - width)


# function, point, gradient, largest deviation: half a unit in the last figure printed, or a relative 1e-8
GRADIENTS: dict[str, tuple[Callable[..., Any], list[float], list[float], float]] = {
    # A. Karpathy, "Hacker's guide to Neural Networks", the single neuron
    "neuron": (sigmoid_neuron, [1.0, 2.0, -3.0, -1.0, 3.0], [-0.105, 0.315, 0.105, 0.105, 0.210], 5.1e-4),
    # Stanford CS231n, notes "optimization-2", the circuit with max and multiply
    "circuit": (circuit, [3.0, -4.0, 2.0, -1.0], [-8.0, 6.0, 2.0, 0.0], 1e-8),
    # A. Karpathy, micrograd, README: g.data, a.grad, b.grad
    "micrograd": (micrograd, [-4.0, 2.0], [138.8338, 645.5773], 6e-5),
    # J. Hull, "Options, Futures and Other Derivatives", examples on the Greeks; twelve figures from py_vollib
    "Hull's call": (
        call, [49.0, 0.05, 0.2, 0.3846], [0.521601633972, 8.9065740988, 12.1052427542, 4.30538996455], 1.3e-7,
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient(name: str, rule: str) -> None:
    f, x, published, within = GRADIENTS[name]
    assert np.max(np.abs(fg.gradient(f, x, method=rule) - published)) < within


def test_squire_and_trapp() -> None:
    # W. Squire, G. Trapp, SIAM Rev. 40 (1998) 110-112: the function of Lyness and Moler at 1.5
    found = fg.derivative(lambda x: np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3), 1.5)
    assert abs(found / 3.6220337007163259 - 1) < 1e-12


def test_logarithm_near_zero() -> None:
    # in the tests of numdifftools and of FiniteDifferences.jl: one step of a fixed size leads out of the domain
    assert abs(fg.derivative(np.log, 0.001) / 1000.0 - 1) < 1e-12


def test_bad_point_alone() -> None:
    # scipy.differentiate, test_flags: a point without values keeps to itself
    found = fg.derivative(lambda x: np.where(x > 3, np.nan, np.exp(x)), np.array([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(found, [math.e, math.e**2, math.nan], rtol=1e-12)


def test_weights_of_nine_points() -> None:
    # B. Fornberg, Math. Comp. 51 (1988), table 1
    published = [-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560]
    np.testing.assert_allclose(fg.weights(np.arange(-4.0, 5.0), n=2), published, rtol=1e-15)


def test_certified_standard_errors() -> None:
    # NIST Statistical Reference Datasets, nonlinear regression, Misra1a: parameters, residual deviation, errors
    x = np.array([77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0])
    b, deviation = np.array([2.3894212918e2, 5.5015643181e-4]), 1.0187876330e-1
    jacobian = fg.jacobian(lambda b: b[..., 0:1] * (1 - np.exp(-b[..., 1:2] * x)), b)
    inverse = np.linalg.inv(np.linalg.qr(jacobian * b, mode="r"))
    errors = deviation * np.sqrt(np.sum(inverse**2, axis=1)) * b
    np.testing.assert_allclose(errors, [2.7070075241, 7.2668688436e-6], rtol=1e-9)


def robertson(y: Any) -> Any:
    slow, fast, back = 0.04 * y[0], 3e7 * y[1] * y[1], 1e4 * y[1] * y[2]
    return back - slow, slow - back - fast, fast


def robertson_exact(y: Any) -> Any:
    row = np.array([-0.04, 1e4 * y[2], 1e4 * y[1]])
    last = np.array([0.0, 6e7 * y[1], 0.0])
    return np.array([row, -row - last, last])


def hires(y: Any) -> Any:
    meet = 280.0 * y[5] * y[7]
    return (
        -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007,
        1.71 * y[0] - 8.75 * y[1],
        -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4],
        8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
        -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
        -meet + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
        meet - 1.81 * y[6],
        -meet + 1.81 * y[6],
    )


def hires_exact(y: Any) -> Any:
    exact = np.zeros((8, 8))
    exact[0, :3] = -1.71, 0.43, 8.32
    exact[1, :2] = 1.71, -8.75
    exact[2, 2:5] = -10.03, 0.43, 0.035
    exact[3, 1:4] = 8.32, 1.71, -1.12
    exact[4, 4:7] = -1.745, 0.43, 0.43
    exact[5, 3:7] = 0.69, 1.71, -0.43, 0.69
    exact[6, 6], exact[7, 6] = -1.81, 1.81
    meet = 280.0 * np.array([y[7], y[5]])
    exact[6, [5, 7]] += meet
    exact[7, [5, 7]] -= meet
    exact[5, [5, 7]] -= meet
    return exact


def brusselator(y: Any) -> Any:
    react = y[0] * y[0] * y[1]
    return 1.0 + react - 4.0 * y[0], 3.0 * y[0] - react


def brusselator_exact(y: Any) -> Any:
    by = np.array([2 * y[0] * y[1], y[0] ** 2])
    return np.array([by - [4.0, 0.0], [3.0, 0.0] - by])


MASSES = np.arange(1.0, 8.0)


def pleiades(u: Any) -> Any:
    """Seven stars in a plane: positions, then velocities."""
    out = np.empty(28)
    out[:14] = u[14:]
    for i in range(7):
        out[14 + i] = out[21 + i] = 0.0
        for j in range(7):
            if i != j:
                dx, dy = u[j] - u[i], u[7 + j] - u[7 + i]
                pull = MASSES[j] / (dx * dx + dy * dy) ** 1.5
                out[14 + i] += pull * dx
                out[21 + i] += pull * dy
    return out


def pleiades_exact(u: Any) -> Any:
    exact = np.zeros((28, 28))
    exact[:14, 14:] = np.eye(14)
    for i in range(7):
        for j in set(range(7)) - {i}:
            d = np.array([u[j] - u[i], u[7 + j] - u[7 + i]])
            r = math.hypot(*d)
            block = MASSES[j] * (np.eye(2) / r**3 - 3 * np.outer(d, d) / r**5)
            for a in range(2):
                for b in range(2):
                    exact[14 + 7 * a + i, 7 * b + j] = block[a, b]
                    exact[14 + 7 * a + i, 7 * b + i] -= block[a, b]
    return exact


STARS = [3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4, 0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0]

# E. Hairer, G. Wanner, "Solving Ordinary Differential Equations" I and II; the Geneva and Bari test sets
SYSTEMS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[float]]] = {
    "Robertson, at the start": (robertson, robertson_exact, [1.0, 0.0, 0.0]),
    "Robertson, under way": (robertson, robertson_exact, [0.7, 9.2e-6, 0.3]),
    "HIRES": (hires, hires_exact, [1.0, 0, 0, 0, 0, 0, 0, 0.0057]),
    "HIRES, later": (hires, hires_exact, [0.1, 0.02, 0.006, 0.3, 0.2, 0.7, 0.0055, 0.00022]),
    "Brusselator": (brusselator, brusselator_exact, [1.5, 3.0]),
    "Pleiades": (pleiades, pleiades_exact, STARS),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_jacobians_of_test_equations(name: str) -> None:
    f, exact, y = SYSTEMS[name]
    truth = exact(np.array(y))
    off = np.abs(fg.jacobian(f, y) - truth)
    assert np.all(off <= 1e-9 * np.max(np.abs(truth), axis=1, keepdims=True))
