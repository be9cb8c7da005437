"""Exact derivatives of circuits: fastgrad beside `jax.jit` of `jax.grad`, both at full precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad as fg


def formulas(m: Any, erf: Any) -> dict[str, Callable[..., Any]]:
    """The questions, written once for NumPy and once for jax."""

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + m.exp(-x))

    def black_scholes(spot: Any, strike: Any, years: Any, rate: Any, volatility: Any) -> Any:
        spread = volatility * m.sqrt(years)
        d = (m.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / spread
        below = [0.5 * (1 + erf(z / math.sqrt(2))) for z in (d, d - spread)]
        return spot * below[0] - strike * m.exp(-rate * years) * below[1]

    def network(w: Any, v: Any) -> Any:
        hidden = sigmoid(w[:16].reshape(8, 2) @ v + w[16:24])
        return sigmoid(w[24:32] @ hidden + w[32])

    def rosenbrock(v: Any) -> Any:
        return m.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)

    def robertson(y: Any) -> Any:
        a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return m.stack([-a + b, a - b - c, c])

    return {
        "sigmoid": sigmoid,
        "chain": lambda x: m.tanh(m.sin(x) * m.exp(-x * x)) + sigmoid(x),
        "black_scholes": black_scholes,
        "network": network,
        "gradient of rosenbrock, d = 10": rosenbrock,
        "jacobian of robertson": robertson,
        "hessian of rosenbrock, d = 5": rosenbrock,
    }


#: Points, where the arguments are drawn (the network's weights without a batch), `n`, rounds.
QUESTIONS: dict[str, tuple[int, tuple[tuple[float, float], ...], Any, int]] = {
    "sigmoid": (10**7, ((-3, 3),), None, 5),
    "chain": (10**7, ((-3, 3),), None, 5),
    "black_scholes": (10**7, ((80, 120), (80, 120), (0.5, 2), (0.01, 0.1), (0.1, 0.5)), None, 3),
    "network": (10**6, ((-1, 1), (-1, 1)), (33, 2), 5),
    "gradient of rosenbrock, d = 10": (10**5, ((-2, 2),), 10, 50),
    "jacobian of robertson": (10**6, ((0, 1),), 3, 10),
    "hessian of rosenbrock, d = 5": (10**4, ((-2, 2),), 5, 200),
}


def arguments(name: str, points: Any) -> list[np.ndarray]:
    size, intervals, n, _ = QUESTIONS[name]
    if n is None:
        return points(size, *intervals)
    widths = n if isinstance(n, tuple) else (n,)
    made = [np.stack(points(size, *[interval] * w), -1) for interval, w in zip(intervals, widths, strict=True)]
    return [made[0][0].copy(), made[1]] if name == "network" else made


@pytest.mark.parametrize("library", ["fastgrad", "jax"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_circuit(name: str, library: str, points: Any, timed: Any) -> None:
    jax = pytest.importorskip("jax")
    n, rounds = QUESTIONS[name][2:]
    args = arguments(name, points)
    c = fg.circuit(formulas(np, math.erf)[name], n=n)
    kind = name.split()[0]
    ours = {"jacobian": c.jacobian, "hessian": c.hessian}.get(kind, c.partials if n is None else c.gradient)
    with jax.enable_x64(True):
        grad = {"jacobian": jax.jacobian, "hessian": jax.hessian}.get(
            kind, lambda f: jax.grad(f, argnums=tuple(range(len(args))) if n is None else 0)
        )
        f = grad(formulas(jax.numpy, jax.scipy.special.erf)[name])
        theirs = jax.jit(jax.vmap(f, in_axes=(None, 0) if name == "network" else 0))
        there = [jax.numpy.asarray(a) for a in args]
        calls = {"fastgrad": lambda: ours(*args), "jax": lambda: jax.block_until_ready(theirs(*there))}
        exact = np.asarray(calls["jax" if library == "fastgrad" else "fastgrad"]())
        timed(f"{name}, {len(args[-1]):.0e} points", calls[library], exact, rounds)
