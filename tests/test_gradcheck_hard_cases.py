"""Right derivatives of coarse functions, at every size, with narrow features: they pass, a wrong factor never does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import Opaque
from scipy import integrate, interpolate, optimize, special

from fastgrad import Verdict, adaptive, jacobian
from fastgrad.gradcheck import check

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning", "ignore::RuntimeWarning")

X = np.linspace(0.1, 3.0, 12)
RANDOM, OTHER = np.random.default_rng(99), np.random.default_rng(7)

#: Entries below this share of the largest may be rounding.
CLEAR = 1e-9


class Right(NamedTuple):
    """A function, its right derivative, points, and the least share of entries that have to agree."""

    f: Callable[..., Any]
    df: Callable[..., Any]
    x: Any
    of: str = "derivative"
    least: float = 1.0


def clear(result: Any) -> Any:
    size = np.where(np.isfinite(result.analytic), np.abs(result.analytic), 0.0)
    return size > CLEAR * size.max()


def sigmoid(x: Any) -> Any:
    return special.expit(x)


def spread(v: Any) -> Any:
    return np.sqrt(np.mean(v * v) + 1e-8)


# Coarse functions, and those with a solver inside ---------------------------------------------------------------------


def kepler(m: Any) -> Any:
    e = m
    for _ in range(8):
        e = e - (e - 0.3 * np.sin(e) - m) / (1 - 0.3 * np.cos(e))
    return e


def bisection(c: Any) -> float:
    low, high = -10.0, 10.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if middle**3 + middle < float(c) else (low, middle)
    return low


def root(a: Any) -> float:
    """Root of e**y + y - a. The default tolerance of 2e-12 has slopes that a check finds: it is to be tight."""
    return float(optimize.brentq(lambda y: np.exp(y) + y - float(a), -5, 5, xtol=1e-15, rtol=1e-15))


def round_trip(v: Any) -> Any:
    """Matrices and back, of one vector or of a batch."""
    u, s, vt = np.linalg.svd(v.reshape(*v.shape[:-1], 4, 3), full_matrices=False)
    return (u * s[..., None, :] @ vt).reshape(v.shape)


#: Rows of sizes 1e-7 to 1e6: the smallest entries of the round trip are rounded as the largest ones.
DECADES = np.array([
    6.26943518e-02, 8.67870932e-01, 2.56906678e-06, -4.83067054e05, -9.28370650e-07, 3.71806139e-03, 5.85968767e-03,
    -1.32669248e-07, 6.94654094e05, -8.34875239e-05, 1.39856478e05, -1.20974115e-06,
])  # fmt: skip

SPLINE = interpolate.CubicSpline(np.arange(6.0), np.sin(np.arange(6.0)))

COARSE = {
    "float32 inside": Right(lambda x: np.sin(x.astype(np.float32)).astype(float), np.cos, X),
    "float16 inside": Right(lambda x: np.sin(x.astype(np.float16)).astype(float), np.cos, X, least=0),
    "six decimals": Right(lambda x: np.round(np.sin(x), 6), np.cos, X),
    "printed and read": Right(lambda x: float(f"{np.exp(float(x)):.8g}"), np.exp, X),
    "table of 1e-9": Right(lambda x: np.sin(np.round(x * 1e9) / 1e9), np.cos, X),
    "Newton's method": Right(kepler, lambda m: 1 / (1 - 0.3 * np.cos(kepler(m))), X),
    "bisection to 1e-6": Right(bisection, np.vectorize(lambda c: 1 / (3 * bisection(c) ** 2 + 1)), X, least=0.7),
    "root by brentq": Right(root, np.vectorize(lambda a: 1 / (np.exp(root(a)) + 1)), OTHER.uniform(0.3, 3, 60)),
    "decades by SVD": Right(round_trip, lambda v: np.eye(12), DECADES * OTHER.uniform(0.5, 2, (6, 12)), "jacobian",
                            0.3),
    "quadrature": Right(lambda b: integrate.quad(lambda t: np.exp(-t * t), 0, float(b))[0], lambda b: np.exp(-b * b),
                        X),
    "cubic spline at knots": Right(SPLINE, SPLINE.derivative(), np.arange(1.0, 5.0)),
    "sum in float32": Right(lambda v: float(np.sum((v * v).astype(np.float32))), lambda v: 2 * v,
                            RANDOM.normal(size=(3, 20)), "gradient"),
}  # fmt: skip

# Points and values of every size --------------------------------------------------------------------------------------

NEAR = np.array([1.0, 2.0, 3.0])
SIZES = {
    **{f"log at {s:g}": Right(np.log, lambda x: 1 / x, NEAR * s) for s in (1e7, 1e-9, 1e300, 1e-300)},
    **{f"reciprocal at {s:g}": Right(lambda x: 1 / x, lambda x: -1 / x / x, NEAR * s) for s in (1e7, 1e-9, 1e150)},
    "sine at 1e7": Right(np.sin, np.cos, NEAR * 1e7),
    "sine at 1e15": Right(np.sin, np.cos, NEAR * 1e15, least=0),
    "softplus": Right(lambda x: np.log1p(np.exp(x)), sigmoid, np.array([-700.0, -30.0, 0.0, 30.0, 700.0])),
    "erfc": Right(special.erfc, lambda x: -2 / np.sqrt(np.pi) * np.exp(-x * x), np.array([5.0, 10.0, 25.0])),
    "erf": Right(special.erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x), np.array([0.5, 3.0, 5.9, 6.5]), least=0.5),
    "gammaln": Right(special.gammaln, special.digamma, np.array([1e-9, 1e-3, 1.4616321449683623, 50.0, 1e7])),
    "arcsin beside its edge": Right(np.arcsin, lambda x: 1 / np.sqrt((1 - x) * (1 + x)), 1 - np.array([1e-12, 1e-6])),
    "cosh": Right(np.cosh, np.sinh, np.array([700.0, -700.0, 0.0, 709.9, 710.3])),
    "high frequency": Right(lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), X),
    "at a maximum": Right(np.cos, lambda x: -np.sin(x), np.array([1e-9, 1e-7, 1e-5])),
    "tiny slope of large values": Right(lambda x: 1e7 + 1e-9 * x, lambda x: 1e-9 + 0 * x, X, least=0),
    **{f"sine of {k} periods": Right(lambda x, k=k: np.sin(2 * np.pi * k * x),
                                     lambda x, k=k: 2 * np.pi * k * np.cos(2 * np.pi * k * x), np.arange(3.0))
       for k in (16, 1024, 2**20)},
    "parameters of mixed size": Right(
        lambda v: (v[0] * 1e9 - 1) ** 2 + np.sin(v[1] * 1e-7) + v[2],
        lambda v: np.array([2e9 * (v[0] * 1e9 - 1), 1e-7 * np.cos(v[1] * 1e-7), 1]),
        np.array([[1.5e-9, 1e7, 1.0], [2e-9, -3e7, 0.0]]), "gradient"),
    "slopes 1e10 and 1e-6": Right(lambda v: 1e10 * v[0] + 1e-6 * v[1], lambda v: np.array([1e10, 1e-6]),
                                  np.array([[0.3, 1.0], [1.0, -0.7]]), "gradient", 0.5),
    "norm of tiny vectors": Right(lambda v: v / spread(v),
                                  lambda v: np.eye(3) / spread(v) - np.outer(v, v) / 3 / spread(v) ** 3,
                                  1e-5 * RANDOM.normal(size=(4, 3)), "jacobian", 0.3),
    "hessian at 1e-9": Right(lambda v: np.exp(v[0]) * v[1] ** 3, lambda v: np.exp(v[0]) * np.array(
        [[v[1] ** 3, 3 * v[1] ** 2], [3 * v[1] ** 2, 6 * v[1]]]), np.array([[1e-9, 1.0], [2.0, 1e-9]]), "hessian", 0.5),
}  # fmt: skip

# Features narrower than the steps of the rule -------------------------------------------------------------------------


def bump(x: Any, width: float) -> Any:
    s = (x - 1) / width
    return x + width * s * np.exp(-s * s)


def bump_slope(x: Any, width: float) -> Any:
    s = (x - 1) / width
    return 1 + (1 - 2 * s * s) * np.exp(-s * s)


def branch(x: Any, width: float) -> Any:
    return np.where(np.abs(x - 1) < width, 3 * (x - 1), np.sin(x - 1))


def branch_slope(x: Any, width: float) -> Any:
    return np.where(np.abs(x - 1) < width, 3.0, np.cos(x - 1))


NARROW = {
    f"{name} of width {width:g}": Right(lambda x, f=f, w=width: f(x, w), lambda x, df=df, w=width: df(x, w),
                                        1 + width * np.array([0.0, 0.3, 1.2, 1e3 / width**0.5]))
    for name, f, df in (("bump", bump, bump_slope), ("branch", branch, branch_slope)) for width in (1e-2, 1e-4, 1e-6)
}  # fmt: skip

# Layers and likelihoods -----------------------------------------------------------------------------------------------

DATA, COUNTS = RANDOM.normal(size=(8, 2)), RANDOM.integers(0, 5, 8)


def rotation_jacobian(v: Any) -> Any:
    return np.array([[np.cos(3.0), -np.sin(3.0)], [np.sin(3.0), np.cos(3.0)]])


def negative_binomial(v: Any) -> Any:
    rate, shape = np.exp(DATA @ v[:2]), np.exp(v[2])
    return np.sum(COUNTS * np.log(rate) - (COUNTS + shape) * np.log(shape + rate))


def negative_binomial_gradient(v: Any) -> Any:
    rate, shape = np.exp(DATA @ v[:2]), np.exp(v[2])
    weight = COUNTS - (COUNTS + shape) * rate / (shape + rate)
    by_shape = -np.log(shape + rate) - (COUNTS + shape) / (shape + rate)
    return np.append(DATA.T @ weight, shape * np.sum(by_shape))


def cox(v: Any) -> Any:
    return np.sum(DATA @ v) - np.sum(np.log(np.cumsum(np.exp(DATA @ v))))


def cox_gradient(v: Any) -> Any:
    risk = np.exp(DATA @ v)
    return DATA.sum(axis=0) - np.sum(np.cumsum(risk[:, None] * DATA, axis=0) / np.cumsum(risk)[:, None], axis=0)


def triplet(v: Any) -> Any:
    return np.maximum(0, np.sum((v[:2] - v[2:4]) ** 2) - np.sum((v[:2] - v[4:]) ** 2) + 1)


def triplet_gradient(v: Any) -> Any:
    a, p, n = v[:2], v[2:4], v[4:]
    return 2 * (triplet(v) > 0) * np.concatenate([n - p, p - a, a - n])


def cosine(v: Any) -> Any:
    return v[:3] @ v[3:] / np.sqrt((v[:3] @ v[:3]) * (v[3:] @ v[3:]))


def cosine_gradient(v: Any) -> Any:
    a, b = v[:3], v[3:]
    na, nb = np.sqrt(a @ a), np.sqrt(b @ b)
    return np.concatenate([b / na / nb - cosine(v) * a / na**2, a / na / nb - cosine(v) * b / nb**2])


LAYERS = {
    "rotary": Right(lambda v: rotation_jacobian(v) @ v, rotation_jacobian, RANDOM.normal(size=(3, 2)), "jacobian"),
    "gated": Right(lambda v: v[:2] * sigmoid(v[:2]) * v[2:],
                   lambda v: np.hstack([np.diag((sigmoid(v[:2]) * (1 + v[:2] * sigmoid(-v[:2]))) * v[2:]),
                                        np.diag(v[:2] * sigmoid(v[:2]))]), RANDOM.normal(size=(3, 4)), "jacobian"),
    "negative binomial": Right(negative_binomial, negative_binomial_gradient, RANDOM.normal(size=(4, 3)), "gradient"),
    "Cox": Right(cox, cox_gradient, RANDOM.normal(size=(4, 2)), "gradient"),
    "Cox, far out": Right(cox, cox_gradient, 30 * RANDOM.normal(size=(4, 2)), "gradient"),
    "triplet": Right(triplet, triplet_gradient, RANDOM.normal(size=(8, 6)), "gradient"),
    "cosine of tiny vectors": Right(cosine, cosine_gradient, 1e-9 * RANDOM.normal(size=(4, 6)), "gradient"),
    "transfer function": Right(lambda w: 1 / (1 + 0.1j * w - 0.2 * w * w),
                               lambda w: -(0.1j - 0.4 * w) / (1 + 0.1j * w - 0.2 * w * w) ** 2, X),
    "constant rows as lists": Right(lambda v: np.array([v[0] * v[1], v[1]]), lambda v: [[v[1], v[0]], [0, 1]],
                                    RANDOM.normal(size=(3, 2)), "jacobian"),
}  # fmt: skip

RIGHT = COARSE | SIZES | NARROW | LAYERS


@functools.cache
def right(name: str) -> Any:
    """Return the check of a right derivative, beside which wrong ones are looked at."""
    f, df, x, of, _ = RIGHT[name]
    return check(Opaque(f), df, x, of=of)


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass_and_agree(name: str) -> None:
    result = right(name)
    assert not result.counts["DISAGREES"], result
    assert result.counts["AGREES"] >= RIGHT[name].least * result.verdict.size, result


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("factor", [-1.0, 3.0, 1 / 3])
def test_a_wrong_sign_or_factor_disagrees_where_the_right_value_agrees(name: str, factor: float) -> None:
    f, df, x, of, _ = RIGHT[name]
    wrong = check(Opaque(f), lambda x: factor * np.asarray(df(x)), x, of=of)
    assert not np.any(clear(wrong) & (wrong.verdict == Verdict.AGREES)), wrong
    agrees = clear(right(name)) & (right(name).verdict == Verdict.AGREES)
    assert np.all(wrong.verdict[agrees] == Verdict.DISAGREES), wrong


STAIRS = [lambda x: np.floor(x**9) // 1.25, lambda x: np.ceil(x + x**4), lambda x: np.round(np.sin(x), 3)]
NO_STAIRS = [np.sin, lambda x: 1e9 + np.sin(x), lambda x: np.sin(np.float32(x)).astype(float)]


@pytest.mark.parametrize("f", STAIRS)
def test_the_derivative_0_of_a_staircase_is_not_wrong(f: Any) -> None:
    result = check(f, lambda x: 0 * x, np.array([-2.3, -1.1, 0.13, 0.52, 0.9, 1.41, 1.77, 2.6, 3.05]))
    assert not result.counts["DISAGREES"], result


@pytest.mark.parametrize("f", NO_STAIRS)
def test_a_derivative_0_is_wrong_where_there_are_no_stairs_but_those_of_rounding(f: Any) -> None:
    result = check(f, lambda x: 0 * x, OTHER.uniform(0.1, 1.5, 60))
    assert result.counts["DISAGREES"] == 60, result


@pytest.mark.parametrize("share", [1e-9, 1e-6])
def test_small_mistakes_are_found(share: float) -> None:
    for f, df in ((np.sin, np.cos), (np.log, lambda x: 1 / x), (lambda x: np.exp(3 * x), lambda x: 3 * np.exp(3 * x))):
        result = check(f, lambda x, df=df: df(x) * (1 + share), X[:5])
        assert result.counts["DISAGREES"] == 5, result


def test_a_mistake_in_the_eleventh_digit_is_found() -> None:
    """Accepting what solvers leave at their default tolerances would hide it."""
    assert not check(np.sin, lambda x: np.cos(x) * (1 + 1e-11), np.linspace(0.1, 1, 20))


@pytest.mark.parametrize("side", ["left", "both", "right"])
def test_rounding_that_is_equal_at_the_finest_levels_is_not_flat(side: str) -> None:
    """One entry of a round trip by SVD had from the right the slope 0 with success, instead of 1."""
    f, df, x, *_ = RIGHT["decades by SVD"]
    found = jacobian(Opaque(f), x, method=adaptive(side=side), full_output=True)  # type: ignore[arg-type]
    off = np.abs(found.df - [df(v) for v in x])
    assert not np.any(found.success & (off > 10 * found.error)) and np.mean(off <= found.error) >= 0.8


def test_a_wrong_0_among_waves_is_no_rounding() -> None:
    """The mean slope of waves that the nodes did not resolve was not that of the secant, and 0 agreed."""
    for f, df, x in (
        (lambda x: np.tan(2.7269 * x), lambda x: 2.7269 / np.cos(2.7269 * x) ** 2, np.linspace(0.1, 8, 20)),
        (lambda x: np.exp(2 * np.sin(2.9 * x)), lambda x: 5.8 * np.cos(2.9 * x) * np.exp(2 * np.sin(2.9 * x)),
         np.linspace(-1e4, 1e4, 20)),
        (lambda x: np.tanh(np.exp(np.sin(19000 * x))),
         lambda x: 19000 * np.cos(19000 * x) * np.exp(np.sin(19000 * x)) / np.cosh(np.exp(np.sin(19000 * x))) ** 2,
         np.linspace(-4, 4, 20)),
    ):  # fmt: skip
        right = df(x)
        agreeing = 0
        for k in range(x.size):
            wrong = right.copy()
            wrong[k] = 0
            agreeing += check(f, wrong, x).verdict[k] == Verdict.AGREES
        assert agreeing == 0, (agreeing, right)
