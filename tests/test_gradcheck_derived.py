"""Derivatives that people derive by hand, right and with the mistakes that people make: all found, most named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from scipy import special

from fastgrad.gradcheck import check

RNG = np.random.default_rng(20)


def last(*columns: Any) -> Any:
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def rows(*rows: Any) -> Any:
    return np.stack([last(*row) for row in rows], axis=-2)


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# Learning ------------------------------------------------------------------------------------------------------------

LABEL = np.eye(5)[2]
LOGITS = 2 * RNG.normal(size=(30, 5))


def cross_entropy(z: Any) -> Any:
    return special.logsumexp(z, axis=-1) - z[..., 2]


def cross_entropy_gradient(z: Any) -> Any:
    return softmax(z) - LABEL


def softmax_jacobian(z: Any) -> Any:
    s = softmax(z)
    return s[..., :, None] * (np.eye(5) - s[..., None, :])


def on_the_diagonal(z: Any) -> Any:
    return softmax_jacobian(z) * np.eye(5)


WEIGHTS = RNG.normal(size=6)
ACTIVATIONS = 1 + 2 * RNG.normal(size=(25, 6))


def batch_norm(x: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.sum(WEIGHTS * centred, axis=-1) / np.sqrt(np.mean(centred**2, axis=-1) + 1e-5)


def batch_norm_gradient(x: Any, mean: bool = True, variance: bool = True, eps: float = 1e-5) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps)
    scaled = centred / s
    through = scaled * np.mean(WEIGHTS * scaled, axis=-1, keepdims=True)
    return (WEIGHTS - mean * WEIGHTS.mean() - variance * through) / s


def lstm(p: Any) -> Any:
    i, f, o, g, c = np.moveaxis(p, -1, 0)
    return special.expit(o) * np.tanh(special.expit(f) * c + special.expit(i) * np.tanh(g))


def lstm_gradient(p: Any, gate: bool = True, cell: bool = True) -> Any:
    i, f, o, g, c = np.moveaxis(p, -1, 0)
    si, sf, so = map(special.expit, (i, f, o))
    t = np.tanh(sf * c + si * np.tanh(g))
    back = so * (1 - t * t)
    return last(back * np.tanh(g) * si * (1 - si), back * c * sf * (1 - sf), so * (1 - so) * t if gate else t,
                back * si * (1 - np.tanh(g) ** 2), back * sf if cell else 0.0)  # fmt: skip


KEYS, VALUES = RNG.normal(size=(7, 4)), RNG.normal(size=7)


def attention(q: Any) -> Any:
    return softmax(q @ KEYS.T / 2) @ VALUES


def attention_gradient(q: Any, scale: float = 0.5, centred: bool = True) -> Any:
    p = softmax(q @ KEYS.T / 2)
    return scale * ((p * VALUES) @ KEYS - centred * (p @ VALUES)[..., None] * (p @ KEYS))


DESIGN = RNG.normal(size=(50, 4))
OUTCOME = (RNG.uniform(size=50) < 0.5).astype(float)


def logistic_loss(b: Any) -> Any:
    z = b @ DESIGN.T
    return np.sum(np.logaddexp(0, z) - OUTCOME * z, axis=-1)


def logistic_gradient(b: Any) -> Any:
    return (special.expit(b @ DESIGN.T) - OUTCOME) @ DESIGN


def logistic_hessian(b: Any) -> Any:
    z = b @ DESIGN.T
    return np.einsum("...n,ni,nj->...ij", special.expit(z) * special.expit(-z), DESIGN, DESIGN)


# Statistics ----------------------------------------------------------------------------------------------------------

SERIES = np.cumsum(RNG.normal(size=40)) + RNG.normal(size=40)


def kalman(t: Any, slopes: bool = False, mean: bool = True, inner: bool = True) -> Any:
    """Log-likelihood of a random walk seen through noise, in the logarithms of both variances; or its gradient."""
    q, r = np.exp(t[..., 0]), np.exp(t[..., 1])
    dq, dr = last(q if inner else 1.0, 0 * q), last(0 * r, r)
    m, p, total, dm, dp, dt = 0 * q, 1 + 0 * q, 0 * q, 0 * dq, 0 * dq, 0 * dq
    for y in SERIES:
        p, dp = p + q, dp + dq
        s, ds, v, dv = p + r, dp + dr, y - m, -dm * mean
        total = total - 0.5 * (np.log(2 * np.pi * s) + v * v / s)
        v, s, p_ = v[..., None], s[..., None], p[..., None]
        dt = dt - 0.5 * (ds / s + 2 * v * dv / s - v * v * ds / s**2)
        k, dk = p_ / s, dp / s - p_ * ds / s**2
        dm, dp = dm + dk * v + k * dv, (1 - k) * dp - dk * p_
        m, p = m + (k * v)[..., 0], ((1 - k) * p_)[..., 0]
    return dt if slopes else total


PLACES = np.sort(RNG.uniform(0, 5, 12))
SQUARES = (PLACES[:, None] - PLACES) ** 2
SEEN = np.sin(PLACES) + 0.1 * RNG.normal(size=12)


def covariance(t: Any) -> Any:
    return np.exp(2 * t[..., 1, None, None] - SQUARES / 2 * np.exp(-2 * t[..., 0, None, None]))


def gaussian_process(t: Any) -> Any:
    whole = covariance(t) + 0.01 * np.eye(12)
    fit = np.linalg.solve(whole, np.broadcast_to(SEEN[:, None], (*t.shape[:-1], 12, 1)))[..., 0]
    return -0.5 * (fit @ SEEN + np.linalg.slogdet(whole)[1])


def gaussian_process_gradient(t: Any, half: float = 0.5, trace: bool = True) -> Any:
    k = covariance(t)
    inverse = np.linalg.inv(k + 0.01 * np.eye(12))
    fit = inverse @ SEEN
    middle = fit[..., :, None] * fit[..., None, :] - trace * inverse
    return half * last(*(np.sum(middle * d, axis=(-2, -1))
                         for d in (k * SQUARES * np.exp(-2 * t[..., 0, None, None]), 2 * k)))  # fmt: skip


DRAWS = 3 * RNG.normal(size=50)


def student(x: Any, m: Any, s: Any) -> Any:
    return -np.log(s) - 2.5 * np.log1p(((x - m) / s) ** 2 / 4)


def student_by_mean(x: Any, m: Any, s: Any) -> Any:
    return 5 * (x - m) / (4 * s * s + (x - m) ** 2)


def student_by_scale(x: Any, m: Any, s: Any) -> Any:
    return -1 / s + 5 * (x - m) ** 2 / s / (4 * s * s + (x - m) ** 2)


RESIDUALS = np.linspace(-3, 3, 61)


def huber(x: Any) -> Any:
    return np.where(abs(x) < 1, x * x / 2, abs(x) - 0.5)


# Finance and physics -------------------------------------------------------------------------------------------------

OPTIONS = (RNG.uniform(60, 140, 60), 100.0, RNG.uniform(0.1, 2, 60), 0.03, RNG.uniform(0.1, 0.5, 60))


def ahead(S: Any, K: Any, T: Any, r: Any, v: Any) -> Any:
    return (np.log(S / K) + (r + v * v / 2) * T) / (v * np.sqrt(T))


def black_scholes(S: Any, K: Any, T: Any, r: Any, v: Any) -> Any:
    d = ahead(S, K, T, r, v)
    return S * special.ndtr(d) - K * np.exp(-r * T) * special.ndtr(d - v * np.sqrt(T))


def delta(*args: Any) -> Any:
    return special.ndtr(ahead(*args))


def vega(S: Any, K: Any, T: Any, r: Any, v: Any, root: bool = True) -> Any:
    d = ahead(S, K, T, r, v)
    return S * np.exp(-d * d / 2) / np.sqrt(2 * np.pi) * (np.sqrt(T) if root else 1.0)


def rho(S: Any, K: Any, T: Any, r: Any, v: Any) -> Any:
    return K * T * np.exp(-r * T) * special.ndtr(ahead(S, K, T, r, v) - v * np.sqrt(T))


def theta(S: Any, K: Any, T: Any, r: Any, v: Any, rate: bool = True) -> Any:
    return vega(S, K, T, r, v) * v / (2 * T) + rate * r / T * rho(S, K, T, r, v)


PEOPLE = RNG.uniform(0.1, 1, (20, 3))


def infected(y: Any) -> Any:
    s, i, _ = np.moveaxis(y, -1, 0)
    return last(-0.3 * s * i, 0.3 * s * i - 0.1 * i, 0.1 * i)


def infected_jacobian(y: Any, recovery: float = 0.1) -> Any:
    s, i, _ = np.moveaxis(y, -1, 0)
    return rows((-0.3 * i, -0.3 * s, 0.0), (0.3 * i, 0.3 * s - recovery, 0.0), (0.0 * s, 0.1, 0.0))


SWINGS = RNG.normal(size=(20, 2))


def pendulum(y: Any) -> Any:
    return last(y[..., 1], -9.81 * np.sin(y[..., 0]) - 0.2 * y[..., 1])


def pendulum_jacobian(y: Any, cos: Callable[[Any], Any] = np.cos, g: float = 9.81) -> Any:
    return rows((0 * y[..., 0], 1.0), (-g * cos(y[..., 0]), -0.2))


DEGREES = np.linspace(1, 90, 30)
BELL = np.linspace(-4, 4, 9)


def bell(x: Any) -> Any:
    return np.exp(-x * x / 3)


def bell_slope(x: Any) -> Any:
    return -2 * x / 3 * bell(x)


#: Function, derivative, arguments, of what, in which; then mistakes, and what is said of each.
DERIVED: dict[str, tuple[Any, Any, tuple[Any, ...], str, Any, dict[str, tuple[Any, str]]]] = {
    "cross-entropy": (cross_entropy, cross_entropy_gradient, (LOGITS,), "gradient", 0, {
        "sign": (lambda z: -cross_entropy_gradient(z), "sign flipped"),
        "no label": (softmax, "wrong only at coordinate 2"),
        "off by one": (lambda z: softmax(z) - np.eye(5)[3], "wrong only at coordinates 2, 3"),
        "axis": (lambda z: np.exp(z) / np.exp(z).sum(axis=0) - LABEL, "one vector at a time"),
        "mean": (lambda z: cross_entropy_gradient(z) / len(z), "1/30, one over the number of points"),
        "float32": (lambda z: (softmax(z.astype(np.float32)) - LABEL).astype(float), "float32 somewhere"),
        "slight": (lambda z: cross_entropy_gradient(z) * (1 + 1e-6), "off by 1.0e-06 of the value"),
    }),
    "softmax": (softmax, softmax_jacobian, (LOGITS,), "jacobian", 0, {
        "diagonal": (on_the_diagonal, "wrong only off the diagonal"),
        "sign": (lambda z: softmax_jacobian(z) * (2 * np.eye(5) - 1), "sign flipped where it is wrong"),
    }),
    "batch norm": (batch_norm, batch_norm_gradient, (ACTIVATIONS,), "gradient", 0, {
        "mean detached": (lambda x: batch_norm_gradient(x, mean=False), ""),
        "variance detached": (lambda x: batch_norm_gradient(x, variance=False), ""),
        "no epsilon": (lambda x: batch_norm_gradient(x, eps=0.0), "of the value"),
    }),
    "lstm": (lstm, lstm_gradient, (RNG.normal(size=(40, 5)),), "gradient", 0, {
        "gates swapped": (lambda p: lstm_gradient(p)[..., [1, 0, 2, 3, 4]], "coordinates 0 and 1 are swapped"),
        "no inner slope": (lambda p: lstm_gradient(p, gate=False), "wrong only at coordinate 2"),
        "cell detached": (lambda p: lstm_gradient(p, cell=False), "is 0 wherever"),
    }),
    "attention": (attention, attention_gradient, (RNG.normal(size=(30, 4)),), "gradient", 0, {
        "no scale": (lambda q: attention_gradient(q, 1.0), "off by the factor 2 "),
        "normaliser detached": (lambda q: attention_gradient(q, centred=False), ""),
    }),
    "logistic regression": (logistic_loss, logistic_gradient, (RNG.normal(size=(15, 4)),), "gradient", 0, {
        "mean": (lambda b: logistic_gradient(b) / 50, "factor 1/50 "),
        "no intercept": (lambda b: logistic_gradient(b) * [1, 1, 1, -0.0], "is 0 wherever"),
        "penalty": (lambda b: logistic_gradient(b) + 0.1 * b, ""),
    }),
    "its hessian": (logistic_loss, logistic_hessian, (RNG.normal(size=(15, 4)),), "hessian", 0, {
        "sign": (lambda b: -logistic_hessian(b), "sign flipped"),
        "upper half": (lambda b: np.triu(logistic_hessian(b)), "wrong only below the diagonal"),
        "no weights": (lambda b: np.broadcast_to(DESIGN.T @ DESIGN, (15, 4, 4)), ""),
    }),
    "kalman": (kalman, lambda t: kalman(t, slopes=True), (RNG.normal(size=(12, 2)),), "gradient", 0, {
        "twice": (lambda t: 2 * kalman(t, slopes=True), "off by the factor 2 (analytic"),
        "mean detached": (lambda t: kalman(t, slopes=True, mean=False), ""),
        "not of the logarithm": (lambda t: kalman(t, slopes=True, inner=False), "wrong only at coordinate 0"),
        "swapped": (lambda t: kalman(t, slopes=True)[..., ::-1], "coordinates 0 and 1 are swapped"),
    }),
    "gaussian process": (gaussian_process, gaussian_process_gradient, (RNG.normal(size=(10, 2)) / 2,), "gradient", 0, {
        "no trace": (lambda t: gaussian_process_gradient(t, trace=False), ""),
        "twice": (lambda t: gaussian_process_gradient(t, 1.0), "off by the factor 2 "),
    }),
    "student": (student, lambda *a: (-student_by_mean(*a), student_by_mean(*a), student_by_scale(*a)),
                (DRAWS, 0.5, 1.7), "derivative", (0, 1, 2), {
        "swapped": (lambda *a: (-student_by_mean(*a), student_by_scale(*a), student_by_mean(*a)), "m and s are swapp"),
    }),
    "its mean": (student, student_by_mean, (DRAWS, 0.5, 1.7), "derivative", 1, {
        "in x": (lambda *a: -student_by_mean(*a), "sign flipped"),
        "no scale": (lambda x, m, s: student_by_mean(x, m, s) * s, "off by the factor s "),
        "scaled twice": (lambda x, m, s: student_by_mean(x, m, s) / s, "off by the factor 1/s "),
    }),
    "its scale": (student, student_by_scale, (DRAWS, 0.5, 1.7), "derivative", 2, {
        "no normaliser": (lambda x, m, s: student_by_scale(x, m, s) + 1 / s, "0.5882353 too much"),
    }),
    "huber": (huber, lambda x: np.clip(x, -1, 1), (RESIDUALS,), "derivative", 0, {
        "not clipped": (lambda x: x, "wrong only for |x| > 1 "),
        "clipped late": (lambda x: np.where(abs(x) < 1.5, x, np.sign(x)), ""),
        "no sign": (lambda x: np.where(abs(x) < 1, x, 1.0), "wrong only for x < -1 "),
        "twice inside": (lambda x: np.where(abs(x) < 1, 2 * x, np.sign(x)), "wrong only for |x| < 1 "),
        "right inside": (lambda x: np.where((x > -0.72) & (x < 1.43), np.clip(x, -1, 1), 0.5),
                         ""),
    }),
    "black-scholes": (black_scholes, lambda *a: (delta(*a), theta(*a), rho(*a), vega(*a)), OPTIONS, "derivative",
                      (0, 2, 3, 4), {
        "swapped": (lambda *a: (delta(*a), theta(*a), vega(*a), rho(*a)), "r and v are swapped"),
        "theta's sign": (lambda *a: (delta(*a), -theta(*a), rho(*a), vega(*a)), "wrong only with respect to T"),
    }),
    "vega": (black_scholes, vega, OPTIONS, "derivative", 4, {
        "percent": (lambda *a: vega(*a) / 100, "factor 1/100, percent "),
        "basis points": (lambda *a: vega(*a) / 10_000, "factor 1/10000 "),
        "no root": (lambda *a: vega(*a, root=False), "the factor sqrt(T) is missing"),
    }),
    "theta": (black_scholes, theta, OPTIONS, "derivative", 2, {
        "a day": (lambda *a: theta(*a) / 365, "factor 1/365 "),
        "no term in r": (lambda *a: theta(*a, rate=False), ""),
    }),
    "epidemic": (infected, infected_jacobian, (PEOPLE,), "jacobian", 0, {
        "transposed": (lambda y: np.swapaxes(infected_jacobian(y), -1, -2), "transposed"),
        "rows": (lambda y: infected_jacobian(y)[..., [1, 0, 2], :], "rows 0 and 1 are swapped"),
        "columns": (lambda y: infected_jacobian(y)[..., [1, 0, 2]], "columns 0 and 1 are swapped"),
        "nobody recovers": (lambda y: infected_jacobian(y, 0.0), "wrong only at row 1, column 1"),
        "sign of a row": (lambda y: infected_jacobian(y) * np.array([[1], [-1], [1]]), "wrong only at row 1"),
    }),
    "pendulum": (pendulum, pendulum_jacobian, (SWINGS,), "jacobian", 0, {
        "degrees": (lambda y: pendulum_jacobian(y, lambda a: np.cos(np.radians(a))), "wrong only at row 1, column 0"),
        "small angles": (lambda y: pendulum_jacobian(y, np.ones_like), "is -9.81 wherever"),
        "g": (lambda y: pendulum_jacobian(y, g=9.8), "where it is wrong"),
    }),
    "degrees": (lambda x: np.sin(np.radians(x)), lambda x: np.pi / 180 * np.cos(np.radians(x)), (DEGREES,),
                "derivative", 0, {
        "of radians": (lambda x: np.cos(np.radians(x)), "degrees for radians"),
        "inside": (lambda x: np.pi / 180 * np.cos(x), ""),
    }),
    "bell": (bell, bell_slope, (BELL,), "derivative", 0, {
        "float32": (lambda x: bell_slope(x.astype(np.float32)).astype(float), "truncated on the way"),
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_by_hand(name: str) -> None:
    f, right, args, of, wrt, mistakes = DERIVED[name]
    found = check(Opaque(f) if of != "derivative" else f, right, *args, of=of, wrt=wrt)
    assert found and found.counts["AGREES"] == found.verdict.size, found
    for mistake, (wrong, said) in mistakes.items():
        found = check(Opaque(f) if of != "derivative" else f, wrong, *args, of=of, wrt=wrt)
        assert not found, mistake
        assert any(said in pattern for pattern in found.patterns) or not said, (mistake, found)


def test_a_single_point_at_zero_makes_no_threshold() -> None:
    """Rounding to float32 changes nothing at 0: that is no reason to speak of all other numbers."""
    found = check(bell, lambda x: bell_slope(x.astype(np.float32)).astype(float), BELL)
    assert len(found.patterns) == 1, found
    found = check(lambda x: x**3, lambda x: 6 * x**2, np.linspace(-2, 2, 21))
    assert found.patterns == ("off by the factor 2 (analytic / numerical)",)
