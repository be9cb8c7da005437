"""The figures that fastgrad has set itself: each a group, with whatever the goal is measured against beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import differentiate, special

import fastgrad as fg

H = 1e-5


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_slope(x: Any) -> Any:
    return sigmoid(x) * sigmoid(-x)


def chain(x: Any) -> Any:
    return np.tanh(np.sin(x) * np.exp(-x * x)) + 1.0 / (1.0 + np.exp(-x))


def chain_slope(x: Any) -> Any:
    inner = np.sin(x) * np.exp(-x * x)
    return (np.cos(x) - 2.0 * x * np.sin(x)) * np.exp(-x * x) / np.cosh(inner) ** 2 + sigmoid_slope(x)


def product(x: Any, y: Any) -> Any:
    return x * y


def squared_sum(x: Any, y: Any) -> Any:
    return (x + y) ** 2


def naive(f: Callable[..., Any], x: Any, *rest: Any) -> Any:
    return (f(x + H, *rest) - f(x - H, *rest)) / (2 * H)


def by_jax(name: str) -> Callable[[Any], Any]:
    """Compile the exact gradient in float64, and wait for it."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def sigmoid_jax(x: Any) -> Any:
        return 1.0 / (1.0 + jnp.exp(-x))

    def chain_jax(x: Any) -> Any:
        return jnp.tanh(jnp.sin(x) * jnp.exp(-x * x)) + 1.0 / (1.0 + jnp.exp(-x))

    gradient = jax.jit(jax.vmap(jax.grad({"sigmoid": sigmoid_jax, "chain": chain_jax}[name])))
    return lambda x: gradient(x).block_until_ready()


def on_jax(x: Any) -> Any:
    """Put the points where jax has them, before the clock runs."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.numpy.asarray(x)


SMOOTH = {"sigmoid": (sigmoid, sigmoid_slope), "chain": (chain, chain_slope)}
PAIRS = {"product": (product, lambda x, y: y), "squared sum": (squared_sum, lambda x, y: 2 * (x + y))}


@pytest.mark.parametrize("library", ["fastgrad", "fastgrad, one worker", "numpy", "jax"])
@pytest.mark.parametrize("size", [10**6, 10**7])
@pytest.mark.parametrize("name", SMOOTH)
def test_central_beside_numpy_and_an_exact_gradient(
    name: str, size: int, library: str, points: Any, timed: Any
) -> None:
    f, slope = SMOOTH[name]
    (x,) = points(size, (-8, 8))
    if library == "jax":
        gradient, there = by_jax(name), on_jax(x)
        call: Callable[[], Any] = partial(gradient, there)
    else:
        call = {
            "fastgrad": lambda: fg.derivative(f, x, method="central"),
            "fastgrad, one worker": lambda: fg.derivative(f, x, method="central", workers=1),
            "numpy": lambda: naive(f, x),
        }[library]
    timed(f"goal: central of {name}, {size:.0e} points", call, slope(x), 7)


@pytest.mark.parametrize("library", ["fastgrad", "numpy", "copy"])
@pytest.mark.parametrize("name", PAIRS)
def test_central_beside_a_copy(name: str, library: str, points: Any, timed: Any) -> None:
    """Two arrays read and one written: no faster than the memory, and hardly slower."""
    f, slope = PAIRS[name]
    x, y = points(10**7, (-4, 4), (-4, 4))
    exact = slope(x, y)
    calls = {
        "fastgrad": lambda: fg.derivative(f, x, y, method="central"),
        "numpy": lambda: naive(f, x, y),
        "copy": lambda: (x.copy(), y.copy()) and exact,
    }
    timed(f"goal: central of {name}, 1e+07 points", calls[library], exact, 7)


class Opaque:
    """A function that nobody can compile."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f

    def __call__(self, *args: Any) -> Any:
        return self.f(*args)


CALLED = {
    "sigmoid": (sigmoid, sigmoid_slope),
    "chain": (chain, chain_slope),
    "expit": (special.expit, sigmoid_slope),
    "Bessel function": (special.j0, lambda x: -special.j1(x)),
    "product": (lambda x: x * x, lambda x: 2 * x),
}


@pytest.mark.parametrize("library", ["fastgrad", "fastgrad, one worker", "numpy"])
@pytest.mark.parametrize("name", CALLED)
def test_called_functions_beside_numpy(name: str, library: str, points: Any, timed: Any) -> None:
    """A function that cannot be compiled, beside the difference of whole arrays."""
    f, slope = Opaque(CALLED[name][0]), CALLED[name][1]
    (x,) = points(10**7, (-8, 8))
    calls = {
        "fastgrad": lambda: fg.derivative(f, x, method="central"),
        "fastgrad, one worker": lambda: fg.derivative(f, x, method="central", workers=1),
        "numpy": lambda: naive(f, x),
    }
    timed(f"goal: central of {name}, called, 1e+07 points", calls[library], slope(x), 5)


@pytest.mark.parametrize("library", ["central", "adaptive", "scipy"])
@pytest.mark.parametrize("size", [1, 10**6])
def test_beside_scipy(size: int, library: str, points: Any, timed: Any) -> None:
    (x,) = points(size, (-8, 8))
    at = x if size > 1 else float(x[0])
    calls = {
        "central": lambda: fg.derivative(sigmoid, at, method="central"),
        "adaptive": lambda: fg.derivative(sigmoid, at),
        "scipy": lambda: differentiate.derivative(sigmoid, at).df,
    }
    timed(f"goal: beside scipy.differentiate, sigmoid, {size:.0e} points", calls[library], sigmoid_slope(at), 5)


@pytest.mark.parametrize("size", [10**3, 10**6, 10**7, pytest.param(10**8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("where", ["memory", "file"])
def test_time_per_point_stays_level(where: str, size: int, points: Any, timed: Any, tmp_path: Path) -> None:
    """From a thousand points to a hundred million, in memory and mapped from a file."""
    (x,) = points(size, (-8, 8))
    if where == "file":
        mapped = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", shape=x.shape)
        mapped[:] = x
        x = mapped
    out = np.empty(x.shape)
    call = partial(fg.derivative, sigmoid, x, method="central", out=out)
    timed(f"goal: level, central of sigmoid, from {where}", call, sigmoid_slope(x), 3)
