"""Right gradients of many kinds: functions written once for NumPy and JAX, at points of many kinds.

NumPy's function is what a check differentiates, JAX's automatic derivative is the analytic one. Maps that return their
argument have the identity as their jacobian.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

RANDOM = np.random.default_rng(2718)
SQUARE, OTHER, VECTOR = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(4, 4)), RANDOM.normal(size=4)
SYMMETRIC = SQUARE @ SQUARE.T + 4 * np.eye(4)
DATA, LABELS = RANDOM.normal(size=(20, 4)), (RANDOM.uniform(size=20) < 0.5).astype(float)
TIMES = np.linspace(0.2, 4.0, 20)

#: Kinds of points: a function of a generator and a shape.
POINTS: dict[str, Callable[[Any, tuple[int, int]], Any]] = {
    "normal": lambda r, s: r.normal(size=s),
    "small": lambda r, s: 1e-9 * r.normal(size=s),
    "large": lambda r, s: 1e6 * r.normal(size=s),
    "decades": lambda r, s: r.normal(size=s) * 10.0 ** r.integers(-6, 7, size=s),
    "whole": lambda r, s: r.integers(-4, 5, size=s).astype(float),
    "sparse": lambda r, s: r.normal(size=s) * (r.uniform(size=s) < 0.5),
    "positive": lambda r, s: np.exp(r.normal(size=s)),
    "positive decades": lambda r, s: 10.0 ** r.uniform(-6, 6, size=s),
    "offset": lambda r, s: 1e4 + r.normal(size=s),
    "thirty": lambda r, s: 30 * r.normal(size=s),
    "units": lambda r, s: np.eye(s[1])[r.integers(0, s[1], s[0])],
    "near zero": lambda r, s: 10.0 ** r.uniform(-5, -1, size=s),
    "rank one": lambda r, s: np.stack([np.outer(r.normal(size=s[1] // 3),
                                      r.normal(size=3)).ravel() for _ in range(s[0])]),
    "rank one, whole": lambda r, s: np.stack(
        [np.outer(r.integers(-2, 3, s[1] // 3), r.integers(-2, 3, 3)).ravel().astype(float) for _ in range(s[0])]
    ),
    "diagonal": lambda r, s: np.stack([np.eye(s[1] // 3, 3).ravel() * r.normal(size=s[1]) for _ in range(s[0])]),
}  # fmt: skip
REAL = ("normal", "small", "large", "decades", "whole", "sparse")
MODERATE = ("normal", "small", "whole", "sparse")
FULL = ("normal", "whole")
MATRICES = ("normal", "rank one", "rank one, whole", "diagonal", "sparse", "whole", "decades")


@dataclass(frozen=True, eq=False)
class Right:
    """A function, its right derivative, and where to check it."""

    name: str
    f: Callable[[Any], Any]
    df: Callable[[Any], Any]
    of: str
    x: Any

    @classmethod
    def at_points(cls, name: str, dim: int, of: str, kind: str, count: int, f: Any, df: Any) -> Right:
        random = np.random.default_rng(zlib.crc32(name.encode()))
        return cls(name, f, df, of, POINTS[kind](random, (count, dim)))


def matrix(np: Any, x: Any, columns: int = 3) -> Any:
    return np.reshape(x, (-1, columns))


def spd(np: Any, x: Any) -> Any:
    a = matrix(np, x)
    return a @ a.T + 2 * np.eye(3)


def euler(np: Any, step: Callable[[Any], Any], y: Any, count: int = 5, h: float = 0.05) -> Any:
    for _ in range(count):
        k = step(y)
        y = y + h * step(y + h / 2 * k)
    return y


def lorenz(np: Any, y: Any) -> Any:
    return np.stack([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])


def robertson(np: Any, y: Any) -> Any:
    fast, slow = 1e4 * y[1] * y[2], 0.04 * y[0]
    return np.stack([fast - slow, slow - fast - 3e7 * y[1] ** 2, 3e7 * y[1] ** 2])


def quaternion(np: Any, x: Any) -> Any:
    w, a, b, c = x / np.sqrt(x @ x)
    return np.stack([1 - 2 * (b * b + c * c), 2 * (a * b - w * c), 2 * (a * c + w * b), 2 * (b * c - w * a)])


def network(np: Any, x: Any) -> Any:
    hidden = np.tanh(DATA[:5] @ matrix(np, x[:12]) + x[12:15])
    return np.mean((hidden @ x[15:18] - DATA[:5, 0]) ** 2)


def black_scholes(np: Any, x: Any) -> Any:
    s, k, t, v = np.exp(x[0]), np.exp(x[1]), np.exp(x[2]), 0.2 * np.exp(0.3 * x[3])
    d = (np.log(s / k) + (0.05 + v * v / 2) * t) / (v * np.sqrt(t))
    return s / (1 + np.exp(-1.702 * d)) - k * np.exp(-0.05 * t) / (1 + np.exp(-1.702 * (d - v * np.sqrt(t))))


def lennard_jones(np: Any, x: Any) -> Any:
    square = np.sum((x[:3] - x[3:] + 1.5) ** 2)
    return square**-6 - square**-3


def newton_root(np: Any, x: Any) -> Any:
    y = 1 + x * x
    for _ in range(30):
        y = (y + (1 + x * x) / y) / 2
    return np.sum(y)


def gaussian_process(np: Any, x: Any) -> Any:
    apart = (TIMES[:6, None] - TIMES[:6]) ** 2
    k = np.exp(2 * x[1] - apart * np.exp(-2 * x[0])) + 0.1 * np.eye(6)
    return TIMES[:6] @ np.linalg.solve(k, TIMES[:6]) + np.linalg.slogdet(k)[1]


def polynomial(np: Any, x: Any) -> Any:
    total = 0.0 * x[0]
    for k in range(4):
        total = total * x[0] + x[k]
    return total


def svd(np: Any, x: Any) -> Any:
    u, s, vt = np.linalg.svd(matrix(np, x), full_matrices=False)
    return u * s @ vt


def qr(np: Any, x: Any) -> Any:
    q, r = np.linalg.qr(matrix(np, x))
    return q @ r


def eigen(np: Any, x: Any) -> Any:
    values, vectors = np.linalg.eigh(matrix(np, x) + matrix(np, x).T)
    return vectors * values @ vectors.T - matrix(np, x).T


def cholesky(np: Any, x: Any) -> Any:
    factor = np.linalg.cholesky(spd(np, x))
    return factor @ factor.T - spd(np, x) + matrix(np, x)


#: Maps that return their argument: length of the vector, map, kinds of points.
IDENTITIES: dict[str, tuple[int, Callable[[Any, Any], Any], tuple[str, ...]]] = {
    "svd": (12, svd, MATRICES), "qr": (12, qr, MATRICES), "wide svd": (6, svd, MATRICES),
    "square qr": (9, qr, MATRICES),
    "eigen": (9, eigen, ("normal", "rank one", "diagonal", "sparse", "whole")),
    "cholesky": (9, cholesky, ("normal", "rank one, whole", "diagonal", "sparse")),
    "inverse": (9, lambda np, x: np.linalg.inv(np.linalg.inv(matrix(np, x) + 4 * np.eye(3))) - 4 * np.eye(3),
                ("normal", "small", "whole", "sparse")),
    "solve": (4, lambda np, x: np.linalg.solve(SQUARE, SQUARE @ x), REAL),
    "inverse matrix": (4, lambda np, x: np.linalg.inv(SQUARE) @ (SQUARE @ x), REAL),
    "product of inverses": (4, lambda np, x: np.linalg.inv(SQUARE) @ SQUARE @ x, REAL),
    "fft": (8, lambda np, x: np.fft.ifft(np.fft.fft(x)).real, REAL),
    "logarithm": (5, lambda np, x: np.log(np.exp(x)), MODERATE),
    "square root": (5, lambda np, x: np.sqrt(x + 50) ** 2, MODERATE),
    "differences": (6, lambda np, x: np.concatenate([x[:1], np.diff(np.cumsum(x))]), REAL),
    "normalization": (5, lambda np, x: x / np.sqrt(x @ x) * np.sqrt(x @ x), ("normal", "small", "large", "decades")),
    "tangent": (5, lambda np, x: np.tan(np.arctan(x)), (*MODERATE, "thirty")),
    "offset and back": (5, lambda np, x: (x + 1e6) - 1e6, MODERATE),
    "thirds": (5, lambda np, x: x / 3 + x / 3 + x / 3, REAL),
}  # fmt: skip

#: Functions of a vector: length, what to differentiate, function, kinds of points.
FUNCTIONS: dict[str, tuple[int, str, Callable[[Any, Any], Any], tuple[str, ...]]] = {
    # matrices
    "determinant": (9, "gradient", lambda np, x: np.linalg.det(matrix(np, x)), ("normal", "whole", "offset")),
    "log determinant": (9, "gradient", lambda np, x: np.linalg.slogdet(spd(np, x))[1], REAL[:2] + REAL[4:]),
    "trace of the inverse": (9, "gradient", lambda np, x: np.trace(np.linalg.inv(spd(np, x))), MODERATE),
    "cholesky logarithms": (9, "gradient", lambda np, x: np.sum(np.log(np.diag(np.linalg.cholesky(spd(np, x))))),
                            MODERATE),
    "cholesky entries": (9, "jacobian", lambda np, x: np.linalg.cholesky(spd(np, x))[np.tril_indices(3)], FULL),
    "singular values": (12, "jacobian", lambda np, x: np.linalg.svd(matrix(np, x), compute_uv=False), ("normal",)),
    "nuclear norm": (12, "gradient", lambda np, x: np.sum(np.linalg.svd(matrix(np, x), compute_uv=False)), ("normal",)),
    "eigenvalues": (9, "jacobian", lambda np, x: np.linalg.eigvalsh(spd(np, x)), ("normal",)),
    "triangular factor": (9, "gradient", lambda np, x: np.sum(np.abs(np.diag(np.linalg.qr(matrix(np, x))[1]))),
                          ("normal",)),
    "solution": (13, "jacobian", lambda np, x: np.linalg.solve(matrix(np, x[:9]) + 5 * np.eye(3), x[9:12]) * x[12],
                 MODERATE),
    "quadratic form": (4, "gradient", lambda np, x: x @ SYMMETRIC @ x / 2 - VECTOR @ x, REAL),
    "matrix power": (9, "gradient", lambda np, x: np.trace(matrix(np, x) @ matrix(np, x) @ matrix(np, x)), REAL),
    "rayleigh quotient": (4, "gradient", lambda np, x: x @ SYMMETRIC @ x / (x @ x), ("normal", "large", "units")),
    # losses and layers
    "logistic": (4, "gradient", lambda np, x: np.sum(np.log(1 + np.exp(-DATA @ x)) + (1 - LABELS) * (DATA @ x)),
                 MODERATE),
    "least squares": (4, "gradient", lambda np, x: np.mean((DATA @ x - LABELS) ** 2), REAL),
    "ridge": (4, "gradient", lambda np, x: np.sum((DATA @ x - LABELS) ** 2) + 1e-6 * x @ x, REAL),
    "poisson": (4, "gradient", lambda np, x: np.sum(np.exp(DATA @ x) - LABELS * (DATA @ x)), MODERATE),
    "log sum exp": (6, "gradient", lambda np, x: np.log(np.sum(np.exp(x))), (*MODERATE, "thirty")),
    "softmax": (6, "jacobian", lambda np, x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
                ("normal", "thirty", "units")),
    "cross entropy": (6, "gradient", lambda np, x: -np.log(np.exp(x[0]) / np.sum(np.exp(x))), (*MODERATE, "thirty")),
    "network": (18, "gradient", network, MODERATE),
    "huber": (6, "gradient", lambda np, x: np.sum(np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5)),
              ("normal", "small", "large", "sparse", "decades")),
    "rectified": (6, "gradient", lambda np, x: np.sum(np.maximum(x, 0) ** 2), REAL),
    "sorted": (6, "gradient", lambda np, x: np.sum(np.sort(x) * np.arange(6.0)),
               ("normal", "small", "large", "decades")),
    "maximum": (6, "gradient", lambda np, x: np.max(x), ("normal", "small", "large", "decades")),
    "saturated": (6, "gradient", lambda np, x: np.sum(np.tanh(x)), (*MODERATE, "thirty", "large")),
    "sigmoids": (6, "gradient", lambda np, x: np.sum(1 / (1 + np.exp(-x))), (*MODERATE, "thirty")),
    "gelu": (6, "jacobian", lambda np, x: x / 2 * (1 + np.tanh(0.79788456 * (x + 0.044715 * x**3))),
             (*MODERATE, "thirty")),
    "convolution": (8, "gradient", lambda np, x: np.sum(np.convolve(x[:3], x[3:]) ** 2), REAL),
    "layer norm": (6, "jacobian", lambda np, x: (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5),
                   ("normal", "large", "offset", "sparse")),
    # statistics
    "variance": (6, "gradient", lambda np, x: np.var(x), (*REAL, "offset")),
    "skewness": (6, "gradient", lambda np, x: np.mean(((x - np.mean(x)) / np.std(x)) ** 3),
                 ("normal", "large", "offset")),
    "entropy": (5, "gradient", lambda np, x: -np.sum(x / np.sum(x) * np.log(x / np.sum(x))),
                ("positive", "positive decades")),
    "gaussian process": (2, "gradient", gaussian_process, ("normal", "small", "sparse")),
    "student": (2, "gradient", lambda np, x: np.sum(np.log(1 + ((TIMES - x[0]) / np.exp(x[1])) ** 2 / 4)) + 20 * x[1],
                MODERATE),
    "mixture": (4, "gradient",
                lambda np, x: -np.sum(np.log(np.exp(-(TIMES - x[0]) ** 2) + np.exp(x[3] - (TIMES - x[1]) ** 2 / 2))),
                MODERATE),
    "harmonic mean": (5, "gradient", lambda np, x: 1 / np.sum(1 / x), ("positive", "positive decades", "offset")),
    "geometric mean": (5, "gradient", lambda np, x: np.exp(np.mean(np.log(x))),
                       ("positive", "positive decades", "offset")),
    # physics, chemistry, engineering, finance
    "lennard-jones": (6, "gradient", lennard_jones, ("normal", "small", "units")),
    "coulomb": (6, "gradient", lambda np, x: 1 / np.sqrt(np.sum((x[:3] - x[3:]) ** 2)),
                ("normal", "small", "large", "decades")),
    "lorenz": (3, "jacobian", lorenz, REAL),
    "lorenz flow": (3, "jacobian", lambda np, x: euler(np, lambda y: lorenz(np, y), x, 5, 0.01), MODERATE),
    "robertson": (3, "jacobian", robertson, ("positive", "positive decades", "near zero", "units")),
    "pendulum flow": (2, "jacobian", lambda np, x: euler(np, lambda y: np.stack([y[1], -9.81 * np.sin(y[0])]), x),
                      MODERATE),
    "arrhenius": (3, "gradient", lambda np, x: x[0] * np.exp(-5000 * x[1] / (300 + x[2])), ("positive", "near zero")),
    "van der waals": (2, "gradient", lambda np, x: 8.314 * (300 + x[0]) / (x[1] + 1 - 0.04) - 0.36 / (x[1] + 1) ** 2,
                      ("positive", "near zero")),
    "quaternion": (4, "jacobian", quaternion, ("normal", "small", "large", "units")),
    "polar": (4, "jacobian", lambda np, x: np.stack([x[0] * np.cos(x[1]), x[0] * np.sin(x[1]), np.arctan2(x[2], x[3])]),
              ("normal", "small")),
    "spring": (4, "gradient", lambda np, x: np.sum(np.diff(x) ** 2) * 1e5 + np.sum(x**4), REAL),
    "black-scholes": (4, "gradient", black_scholes, MODERATE),
    "compound interest": (3, "gradient", lambda np, x: x[0] * (1 + x[1] / 12) ** (12 * x[2]),
                          ("positive", "near zero")),
    "planck": (2, "gradient", lambda np, x: x[0] ** 3 / (np.exp(x[0] / x[1]) - 1), ("positive",)),
    "capacitor": (3, "gradient", lambda np, x: 8.854e-12 * x[0] / x[1] * x[2], ("positive", "positive decades")),
    "rosenbrock": (5, "gradient", lambda np, x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), REAL),
    # cancellation, scales, iterations
    "cancelling": (3, "gradient",
                   lambda np, x: (1 - np.cos(x[0])) / x[0] ** 2 + (np.exp(x[1]) - 1) / x[1] + np.sin(x[2]) / x[2],
                   ("near zero", "positive", "normal")),
    "difference of squares": (3, "gradient", lambda np, x: (x[0] + 1e4) ** 2 - (x[1] + 1e4) ** 2 + x[2], MODERATE),
    "cancelled exponentials": (3, "gradient",
                               lambda np, x: np.exp(x[0]) * np.exp(-x[0]) + x[1] ** 2 - x[1] * x[1] + x[2],
                               MODERATE),
    "large constant": (4, "gradient", lambda np, x: 1e9 + np.sum(np.sin(x)), MODERATE),
    "tiny": (4, "gradient", lambda np, x: 1e-200 * np.sum(np.sin(x)), MODERATE),
    "huge": (4, "gradient", lambda np, x: 1e200 * np.sum(np.sin(x)), MODERATE),
    "scales of results": (3, "jacobian", lambda np, x: np.stack([1e20 * x[0], np.sin(x[1]), 1e-20 * x[2] * x[0]]),
                          MODERATE),
    "scales of arguments": (3, "gradient", lambda np, x: np.sin(1e6 * x[0]) + np.cos(1e-6 * x[1]) + x[2],
                            ("normal", "small", "sparse")),
    "square root of a root": (6, "gradient", newton_root, (*MODERATE, "large")),
    "fixed point": (3, "gradient", lambda np, x: np.sum(euler(np, lambda y: np.cos(y) / 2 + x - y, x, 6, 0.5)),
                    MODERATE),
    "oscillation": (4, "gradient", lambda np, x: np.sum(np.sin(50 * x)), (*MODERATE, "thirty")),
    "gaussian": (5, "gradient", lambda np, x: np.exp(-x @ x / 2), (*MODERATE, "thirty")),
    "norm": (5, "gradient", lambda np, x: np.sqrt(x @ x), ("normal", "small", "large", "decades", "units")),
    "product": (5, "gradient", lambda np, x: np.prod(x), REAL),
    "ratio": (6, "gradient", lambda np, x: (x[0] * x[1] + x[2]) / (1 + x[3] ** 2 + x[4] ** 2) + x[5] / 7, REAL),
    "polynomial": (4, "gradient", polynomial, REAL),
    "powers": (4, "gradient", lambda np, x: np.sum(np.abs(x) ** 1.5), ("normal", "large", "decades")),
    "hyperbola": (4, "gradient", lambda np, x: np.sum(1 / (1 + x * x)), (*REAL, "thirty")),
    # second derivatives
    "hessian of a form": (4, "hessian", lambda np, x: x @ SYMMETRIC @ x / 2, REAL),
    "hessian of waves": (4, "hessian", lambda np, x: np.sum(np.sin(x) * np.cos(np.sum(x))), MODERATE),
    "hessian of log sum exp": (4, "hessian", lambda np, x: np.log(np.sum(np.exp(x))), MODERATE),
    "hessian of rosenbrock": (4, "hessian", lambda np, x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
                              MODERATE),
    "hessian of a gaussian": (3, "hessian", lambda np, x: np.exp(-x @ x / 2), MODERATE),
    "hessian of a likelihood": (4, "hessian", lambda np, x: np.sum(np.log(1 + np.exp(-DATA @ x))), MODERATE),
}  # fmt: skip


#: Rows of a batch are repeated to a multiple of so many: JAX compiles once more for every number of rows.
ROWS = 64


def automatic(f: Callable[[Any, Any], Any], of: str) -> Callable[[Any], Any]:
    """Return JAX's derivative of `f`, of one vector or of a batch."""
    derivative = {"gradient": jax.grad, "jacobian": jax.jacfwd, "hessian": jax.hessian}[of](lambda x: f(jnp, x))
    together = jax.jit(jax.vmap(derivative))

    def values(x: Any) -> Any:
        rows = np.atleast_2d(x)
        filled = np.resize(rows, (-(-len(rows) // ROWS) * ROWS, rows.shape[1]))
        with jax.enable_x64(True):
            result = np.asarray(together(jnp.asarray(filled, jnp.float64)))
        return result[: len(rows)] if np.ndim(x) > 1 else result[0]

    return values


def right_gradients(count: int = 3) -> list[Right]:
    """Return all cases, each at `count` points that its name determines."""
    cases = []
    for name, (dim, f, kinds) in IDENTITIES.items():
        one, df = partial(_flat, f), partial(_identity, dim)
        cases += [Right.at_points(f"{name} and back, {kind}", dim, "jacobian", kind, count, one, df) for kind in kinds]
    for name, (dim, of, f, kinds) in FUNCTIONS.items():
        one, df = partial(f, np), automatic(f, of)
        cases += [Right.at_points(f"{name}, {kind}", dim, of, kind, count, one, df) for kind in kinds]
    return cases


def _flat(f: Callable[[Any, Any], Any], x: Any) -> Any:
    return np.ravel(f(np, x))


def _identity(dim: int, x: Any) -> Any:
    return np.broadcast_to(np.eye(dim), (*x.shape, dim))
