"""Functions of a vector: fastgrad beside a loop by hand, `approx_fprime`, JAX and numdifftools."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
import pytest
from scipy.optimize import approx_fprime

import fastgrad as fg


def rosenbrock(v: Any) -> Any:
    total = 0.0
    for i in range(v.size - 1):
        total += 100.0 * (v[i + 1] - v[i] * v[i]) ** 2 + (1.0 - v[i]) ** 2
    return total


def rosenbrock_slope(x: Any) -> Any:
    slope = np.zeros_like(x)
    gap = x[:, 1:] - x[:, :-1] ** 2
    slope[:, :-1] = -400 * x[:, :-1] * gap - 2 * (1 - x[:, :-1])
    slope[:, 1:] += 200 * gap
    return slope


def rosenbrock_bend(x: Any) -> Any:
    bend = np.zeros((*x.shape, x.shape[1]))
    i = np.arange(x.shape[1] - 1)
    bend[:, i, i] = 1200 * x[:, :-1] ** 2 - 400 * x[:, 1:] + 2
    bend[:, i + 1, i + 1] += 200
    bend[:, i, i + 1] = bend[:, i + 1, i] = -400 * x[:, :-1]
    return bend


def lorenz(v: Any) -> Any:
    return 10.0 * (v[1] - v[0]), v[0] * (28.0 - v[2]) - v[1], v[0] * v[1] - 8.0 / 3.0 * v[2]


def lorenz_slope(x: Any) -> Any:
    a, b, c = x.T
    one = np.ones_like(a)
    rows = [[-10 * one, 10 * one, 0 * one], [28 - c, -one, -a], [b, a, -8 / 3 * one]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=1)


def by_hand(f: Callable[..., Any]) -> Callable[..., Any]:
    """The central difference as people write it with Numba, over all threads."""
    compiled = numba.njit(f)

    @numba.njit(parallel=True)
    def slope(x: Any) -> Any:
        n, d = x.shape
        out = np.empty((n, d))
        for i in numba.prange(n):
            v = x[i].copy()
            for j in range(d):
                h = 6e-6 * max(abs(v[j]), 1.0)
                v[j] = x[i, j] + h
                above = compiled(v)
                v[j] = x[i, j] - h
                out[i, j] = (above - compiled(v)) / (2.0 * h)
                v[j] = x[i, j]
        return out

    return slope


def jax_of(transform: str, f: Callable[..., Any], x: Any) -> Callable[[], Any]:
    """An exact derivative over a batch, compiled by XLA."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    made = jax.jit(jax.vmap(getattr(jax, transform)(f)))
    return lambda: np.asarray(jax.block_until_ready(made(x)))


@pytest.mark.parametrize("library", ["central", "adaptive", "by hand", "scipy", "jax"])
def test_gradient_of_rosenbrock(library: str, points: Any, timed: Any) -> None:
    size = 100_000 if library != "scipy" else 1000
    x = np.stack(points(size, *[(-2, 2)] * 10), axis=-1)
    compiled = numba.njit(rosenbrock)
    calls = {
        "central": lambda: lambda: fg.gradient(rosenbrock, x, method="central"),
        "adaptive": lambda: lambda: fg.gradient(rosenbrock, x),
        "by hand": lambda: functools.partial(by_hand(rosenbrock), x),
        "scipy": lambda: lambda: np.array([approx_fprime(row, compiled) for row in x]),
        "jax": lambda: jax_of("grad", rosenbrock_of_jax, x),
    }
    timed("gradient of Rosenbrock, 10 variables", calls[library](), rosenbrock_slope(x), 5)


def rosenbrock_of_jax(v: Any) -> Any:
    return (100.0 * (v[1:] - v[:-1] ** 2) ** 2 + (1.0 - v[:-1]) ** 2).sum()


def reprojection(p: Any, xp: Any = np) -> Any:
    """Residual of bundle adjustment: a point rotated, moved, projected through a lens, less where it was seen."""
    w, t, f, k1, k2, point, seen = p[:3], p[3:6], p[6], p[7], p[8], p[9:12], p[12:14]
    angle = xp.sqrt(xp.sum(w * w))
    k = w / angle
    crossed = xp.stack((
        k[1] * point[2] - k[2] * point[1], k[2] * point[0] - k[0] * point[2], k[0] * point[1] - k[1] * point[0]
    ))  # fmt: skip
    moved = point * xp.cos(angle) + crossed * xp.sin(angle) + k * (xp.sum(k * point) * (1.0 - xp.cos(angle))) + t
    image = -moved[:2] / moved[2]
    r2 = xp.sum(image * image)
    return f * (1.0 + r2 * (k1 + k2 * r2)) * image - seen + p[14]


def reprojection_slope(x: Any) -> Any:
    return fg.circuit(reprojection, n=15).jacobian(x)


REPROJECTION = [
    *[(0.1, 0.4)] * 3, *[(-0.5, 0.5)] * 2, (-7.0, -5.0), (400.0, 600.0), *[(-0.05, 0.05)] * 2, *[(-1.0, 1.0)] * 3,
    *[(-50.0, 50.0)] * 3,
]  # fmt: skip


@pytest.mark.parametrize("library", ["central", "adaptive", "jax"])
def test_jacobian_of_bundle_adjustment(library: str, points: Any, timed: Any) -> None:
    size = 10_000 if library == "adaptive" else 100_000
    x = np.stack(points(size, *REPROJECTION), axis=-1)
    calls = {
        "central": lambda: lambda: fg.jacobian(reprojection, x, method="central"),
        "adaptive": lambda: lambda: fg.jacobian(reprojection, x),
        "jax": lambda: jax_of("jacfwd", reprojection_of_jax, x),
    }
    timed("jacobian of bundle adjustment, 2 x 15", calls[library](), reprojection_slope(x), 5)


def reprojection_of_jax(p: Any) -> Any:
    import jax

    return reprojection(p, jax.numpy)


def lorenz_of_jax(v: Any) -> Any:
    import jax

    return jax.numpy.stack(lorenz(v))


@pytest.mark.parametrize("library", ["central", "adaptive", "numdifftools", "jax"])
def test_jacobian_of_lorenz(library: str, points: Any, timed: Any) -> None:
    size = {"numdifftools": 100, "adaptive": 100_000}.get(library, 1_000_000)
    x = np.stack(points(size, (-20, 20), (-20, 20), (0, 40)), axis=-1)
    calls = {
        "central": lambda: lambda: fg.jacobian(lorenz, x, method="central"),
        "adaptive": lambda: lambda: fg.jacobian(lorenz, x),
        "numdifftools": lambda: numdifftools_of("Jacobian", lambda v: np.array(lorenz(v)), x),
        "jax": lambda: jax_of("jacfwd", lorenz_of_jax, x),
    }
    timed("jacobian of Lorenz, 3 to 3", calls[library](), lorenz_slope(x), 3)


@pytest.mark.parametrize("library", ["central", "adaptive", "numdifftools", "jax"])
def test_hessian_of_rosenbrock(library: str, points: Any, timed: Any) -> None:
    x = np.stack(points(20 if library == "numdifftools" else 10_000, *[(-2, 2)] * 5), axis=-1)
    calls = {
        "central": lambda: lambda: fg.hessian(rosenbrock, x, method="central"),
        "adaptive": lambda: lambda: fg.hessian(rosenbrock, x),
        "numdifftools": lambda: numdifftools_of("Hessian", rosenbrock, x),
        "jax": lambda: jax_of("hessian", rosenbrock_of_jax, x),
    }
    timed("hessian of Rosenbrock, 5 variables", calls[library](), rosenbrock_bend(x), 3)


def numdifftools_of(name: str, f: Callable[..., Any], x: Any) -> Callable[[], Any]:
    """What numdifftools gives, one point after the other."""
    made = getattr(pytest.importorskip("numdifftools"), name)(f)
    return lambda: np.array([made(row) for row in x])


@pytest.mark.parametrize("rule", ["central", "adaptive"])
def test_one_point(rule: str, timed: Any) -> None:
    x = np.array([[0.5, -1.0, 2.0]])
    call = partial(fg.gradient, rosenbrock, x, method=rule)
    timed("gradient at one point, 3 variables", call, rosenbrock_slope(x), 2000)
