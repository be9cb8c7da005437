"""Checks of single functions whose verdicts are known: kinks, complex numbers, trees, entries without values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Opaque

from fastgrad import Verdict
from fastgrad.gradcheck import check

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning", "ignore::RuntimeWarning")

X = np.linspace(0.1, 3.0, 12)
A, D, U, K = Verdict.AGREES, Verdict.DISAGREES, Verdict.UNDECIDED, Verdict.KINK
TREE = {"w": np.array([[0.1, 0.2], [0.3, 0.4]]), "s": np.float64(1e-9)}


def tree(p: Any) -> Any:
    return np.sum(np.tanh(p["w"] @ np.array([1.0, -2.0]))) + np.exp(1e8 * p["s"])


def tree_gradient(p: Any) -> Any:
    slope = 1 / np.cosh(p["w"] @ np.array([1.0, -2.0])) ** 2
    return {"w": np.outer(slope, [1.0, -2.0]), "s": 1e8 * np.exp(1e8 * p["s"])}


def relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


def selu(x: Any) -> Any:
    return np.where(x > 0, 1.05 * x, 1.758 * np.expm1(np.minimum(x, 0)))


#: Function, analytic derivative, points, what is checked, and the verdicts of all entries in order, or of each.
KNOWN: dict[str, tuple[Any, Any, Any, str, Any]] = {
    **{f"relu at 0, {v}": (relu, v, 0.0, "derivative", e)
       for v, e in ((0.0, K), (1.0, K), (0.5, K), (-0.5, D), (2.0, D), (-1e-6, D), (np.nan, D))},
    "relu beside 0": (relu, lambda x: 1.0 * (x > 0), np.array([-1e-3, -1e-9, 1e-9, 1e-3]), "derivative", A),
    "relu beside 0, the other side": (relu, lambda x: 1.0 * (x < 0), np.array([-1e-3, -1e-9, 1e-9]), "derivative", D),
    "selu at 0": (selu, 1.05, 0.0, "derivative", K),
    "selu at 0, sign": (selu, -1.05, 0.0, "derivative", D),
    "bend of 1e-6": (lambda x: x + 1e-6 * relu(x), 1 + 5e-7, 0.0, "derivative", K),
    "bend of 1e-6, beyond": (lambda x: x + 1e-6 * relu(x), 1 - 1e-6, 0.0, "derivative", D),
    "x |x|": (lambda x: x * np.abs(x), lambda x: 2 * np.abs(x), np.array([0.0, 1e-12, -1e-9]), "derivative", A),
    "maximum at a tie": (np.max, lambda v: np.array([1.0, 0, 0]), np.array([2.0, 2, 1]), "gradient", (K, K, A)),
    "maximum at a tie, beyond": (np.max, lambda v: np.array([-1, 2.0, 0]), np.array([2.0, 2, 1]), "gradient",
                                 (D, D, A)),
    "maximum, another index": (np.max, lambda v: np.array([0.0, 1, 0]), np.array([3.0, 2, 1]), "gradient", (D, D, A)),
    "norm at 0": (lambda v: np.sqrt(v @ v), lambda v: 0 * v, np.zeros(3), "gradient", K),
    "complex kink": (lambda x: np.abs(x) * (1 + 2j), 0j, 0.0, "derivative", K),
    "complex kink, beside the line": (lambda x: np.abs(x) * (1 + 2j), 0.5 + 0j, 0.0, "derivative", D),
    "complex maximum": (lambda x: (1 + 2j) * np.cos(x), lambda x: -(1 + 2j) * np.sin(x), np.array([0.0, np.pi, 1.0]),
                        "derivative", A),
    "complex bump": (lambda x: (1 + 2j) * (x + (x - 1) * np.exp(-((1e6 * (x - 1)) ** 2))), 2 + 4j, 1.0, "derivative",
                     A),
    "conjugate": (lambda x: np.exp(1j * x), lambda x: -1j * np.exp(-1j * x), X, "derivative", D),
    "sign of a tiny imaginary part": (lambda x: np.sin(x) + 1e-9j * np.cos(x),
                                      lambda x: np.cos(x) + 1e-9j * np.sin(x), X, "derivative", D),
    "real part only": (lambda x: np.exp(1j * x), lambda x: -np.sin(x), X, "derivative", D),
    "constant": (lambda x: 5.0 + 0 * x, lambda x: 0 * x, X, "derivative", A),
    "constant, not 0": (lambda x: 5.0 + 0 * x, lambda x: 0 * x + 1e-3, X, "derivative", D),
    "straight through": (np.round, lambda x: 1.0 + 0 * x, np.array([0.3, 0.7, 5.2]), "derivative", D),
    "step": (lambda x: np.where(x > 0, 1.0, 0.0), 1.0, 0.0, "derivative", U),
    "some without values": (np.log, lambda x: 1 / x, np.array([-1.0, 0.5, np.nan, 2.0]), "derivative", (U, A, A, A)),
    "some without values, sign": (np.log, lambda x: -1 / x, np.array([-1.0, 0.5, np.nan]), "derivative", (U, D, A)),
    "a row without values": (lambda v: np.array([v[0] * v[1], np.nan]),
                             lambda v: np.array([[v[1], -v[0]], [np.nan] * 2]), np.array([1.0, 2.0]), "jacobian",
                             (A, D, A, A)),
    "missing term inside": (lambda x: x + (x - 1) * np.exp(-((1e6 * (x - 1)) ** 2)), 1.0, 1.0, "derivative", D),
    "tree": (tree, tree_gradient, TREE, "gradient", A),
    "tree, sign of a leaf": (tree, lambda p: {**tree_gradient(p), "s": -tree_gradient(p)["s"]}, TREE, "gradient",
                             (A, A, A, A, D)),
    "tree, transposed leaf": (tree, lambda p: {**tree_gradient(p), "w": tree_gradient(p)["w"].T}, TREE, "gradient",
                              (A, D, D, A, A)),
    "upper triangle of a hessian": (lambda v: np.sin(v[0]) * v[1],
                                    lambda v: np.array([[-np.sin(v[0]) * v[1], np.cos(v[0])], [0, 0]]),
                                    np.array([0.4, 1.3]), "hessian", (A, A, D, A)),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_verdicts(name: str) -> None:
    f, analytic, x, of, expected = KNOWN[name]
    result = check(Opaque(f) if of == "derivative" else f, analytic, x, of=of)
    assert np.all(result.verdict.ravel() == np.array(expected)), result
    assert bool(result) == (not result.counts["DISAGREES"] and result.decided)


def test_noise_of_the_analytic_value_hides_no_wrong_factor() -> None:
    for by in (-1.0, 3.0):
        forward = lambda x, by=by: by * (np.sin(x + 1e-8) - np.sin(x)) / 1e-8  # noqa: E731
        assert check(np.sin, forward, X).counts["DISAGREES"] == X.size
    random = np.random.default_rng(1)
    assert not check(np.sin, lambda x: np.cos(x) * random.choice([-1, 1], np.shape(x)), np.tile(X, 10))


def test_all_kinks_of_interpolated_values_are_recognised() -> None:
    """One kink in twenty had no estimate, though the estimates from both sides were good to fourteen digits."""
    left, middle, right = np.random.default_rng(4).normal(size=(3, 500))

    def interpolate(x: Any, left: Any, middle: Any, right: Any) -> Any:
        cell = np.floor(x)
        t = x - cell
        return np.where(cell >= 2, (1 - t) * middle + t * right, (1 - t) * left + t * middle)

    for of_side in (lambda x, left, middle, right: right - middle, lambda x, left, middle, right: middle - left):
        result = check(Opaque(interpolate), of_side, 2.0, left, middle, right)
        assert result.counts["KINK"] == 500, result
    beyond = lambda x, left, middle, right: 2 * right - middle - left  # noqa: E731
    result = check(Opaque(interpolate), beyond, 2.0, left, middle, right)
    assert not result.counts["AGREES"] and not result.counts["UNDECIDED"], result
