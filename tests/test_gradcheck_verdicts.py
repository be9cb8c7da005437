"""Verdicts: free of scale, monotone in the bar, and honest where there is nothing to compare with."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import Estimate, Verdict
from fastgrad.gradcheck import check
from fastgrad.gradcheck._verdicts import Tolerance, judge

X = np.linspace(-4.0, 5.0, 40)


@given(st.integers(-300, 300), st.randoms(use_true_random=False))
def test_judging_is_free_of_scale(k: int, random: Any) -> None:
    rng = np.random.default_rng(random.randrange(1 << 30))
    df, error = rng.normal(size=500), 10.0 ** rng.uniform(-16, 1, 500)
    analytic = df + error * 10.0 ** rng.uniform(-2, 2, 500) * rng.choice([-1, 1], 500)
    status = rng.choice([0, -1, -3, -5], 500).astype(np.int8)
    df[status == -3] = np.nan
    apart = np.where(status == -5, abs(rng.normal(size=500)), 0.0)
    rounding = error * rng.choice([0, 1, 100], 500)
    found = Estimate(df, error, status, status == 0, status, df - apart, df + apart)
    factor = 2.0**k
    there = Estimate(*(factor * a if i in (0, 1, 5, 6) else a for i, a in enumerate(found)))
    first = judge(analytic, found, Tolerance(rounding))
    assert np.array_equal(first.verdict, judge(factor * analytic, there, Tolerance(factor * rounding)).verdict)
    assert len(set(first.verdict.tolist())) == 4
    # a wider bar never convicts, and what agrees exactly is never wrong
    wider = judge(analytic, found._replace(error=2 * error), Tolerance(rounding)).verdict
    assert not np.any((wider == Verdict.DISAGREES) & (first.verdict != Verdict.DISAGREES))
    assert not np.any(judge(df, found).verdict == Verdict.DISAGREES)


@given(st.floats(-2, 2))
def test_at_a_kink_what_lies_between_the_sides_is_accepted(slope: float) -> None:
    found = check(np.abs, slope, 0.0)
    assert found.verdict == (Verdict.KINK if abs(slope) <= 1 else Verdict.DISAGREES), found


def test_where_there_is_no_derivative() -> None:
    with np.errstate(all="ignore"):
        found = check(np.log, lambda x: 1 / x, np.array([-1.0, 0.0, np.nan, np.inf, 2.0]))
    assert [Verdict(v).name for v in found.verdict] == ["UNDECIDED", "AGREES", "AGREES", "UNDECIDED", "AGREES"], found
    assert found


def test_a_bar_that_is_too_wide_tells_nothing() -> None:
    rng = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fg.PerformanceWarning)
        found = check(Opaque(lambda x: x + rng.normal(size=np.shape(x))), np.ones(5), np.linspace(0, 1, 5))
    assert not found
    assert not found.decided
    assert "NOTHING COULD BE DECIDED" in repr(found)


def test_a_few_kinks_among_noise_decide_nothing() -> None:
    rng = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = check(Opaque(lambda x: rng.normal(size=np.shape(x))), np.zeros_like, np.linspace(0, 1, 1000))
    assert not found and found.counts["UNDECIDED"] > 900 and not found.counts["DISAGREES"], found
    assert not found.decided, found
    kinks = check(Opaque(lambda x: np.abs(x)), np.sign, np.zeros(3))
    assert kinks.counts["KINK"] == 3 and kinks.decided, kinks


def test_a_slope_below_the_rounding_of_f_is_undecided() -> None:
    """The hyperbolic tangent is 1 to the last digit at 30: its slope might be 3e-26 or three times that."""
    found = check(np.tanh, lambda x: 1 / np.cosh(x) ** 2, np.array([0.5, 30.0]))
    assert found.verdict.tolist() == [Verdict.AGREES, Verdict.UNDECIDED]
    assert check(np.tanh, lambda x: np.zeros_like(x), np.array([30.0])).verdict.tolist() == [Verdict.AGREES]


def test_zero_is_told_at_a_maximum() -> None:
    """The estimate is 0, the value a rounding beside it: against the slopes around, that is the same."""
    at = np.pi / 2
    assert check(np.sin, np.cos, np.array([at, -at, 3 * at, 101 * at])).counts["AGREES"] == 4
    assert check(lambda x: np.sin(x) + 5, np.cos, at).verdict == Verdict.AGREES
    assert check(lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), 1e-20).verdict == Verdict.AGREES
    assert check(lambda x: x * x, lambda x: 2 * x, np.array([0.0, 1e-300, -1e-200])).counts["AGREES"] == 3
    x = np.array([[at, 1.0], [-at, 2.0], [0.3, 1.0]])
    gradient = lambda v: np.stack([np.cos(v[..., 0]) * v[..., 1], np.sin(v[..., 0])], -1)  # noqa: E731
    assert check(lambda v: np.sin(v[0]) * v[1], gradient, x, of="gradient").counts["AGREES"] == 6
    hessian = lambda v: np.array([[-np.sin(v[0]) * v[1], np.cos(v[0])], [np.cos(v[0]), 0]])  # noqa: E731
    assert check(lambda v: np.sin(v[0]) * v[1], hessian, np.array([[at, 1.0]]), of="hessian").counts["AGREES"] == 4


@given(st.integers(0, 300), st.integers(-300, 300))
def test_zero_is_told_on_every_scale(k: int, m: int) -> None:
    s, t = 2.0**k, 2.0**m
    f, df = lambda x: t * np.sin(x / s), lambda x: t / s * np.cos(x / s)
    assert check(f, df, s * np.pi / 2).verdict == Verdict.AGREES
    assert check(f, lambda x: df(x) + 1e-12 * t / s, s * np.pi / 2).verdict == Verdict.DISAGREES


def test_zero_is_not_told_where_nothing_moves() -> None:
    """A slope of 1e-18 is below the rounding of 5, also where that bends a little."""
    assert check(lambda x: 5.0 + 0.0 * x, 1e-18, 1.0).verdict == Verdict.UNDECIDED
    assert check(lambda x: 1 + 1e-8 * x * x, lambda x: 6e-8 * x, 1e-10).verdict == Verdict.UNDECIDED
    assert check(lambda x: np.where(x < 0.5, 0.0, x - 0.5), 1e-9, 0.0).verdict == Verdict.DISAGREES


def test_float32_in_float64_is_found_and_float32_in_float32_is_not() -> None:
    assert not check(np.sin, lambda x: np.cos(x.astype(np.float32)), X)
    assert check(np.sin, lambda x: np.cos(x).astype(np.float32), X.astype(np.float32))
    assert not check(np.sin, lambda x: np.cos(x) * np.float32(1.001), X.astype(np.float32))


def test_what_is_equal_agrees_whatever_its_rounding() -> None:
    found = Estimate(*(np.zeros(3) for _ in range(2)), *(np.zeros(3, np.int8), np.ones(3, bool)), *[np.zeros(3)] * 3)
    assert judge(np.array([0.0, 0.0, 1e-300]), found, Tolerance(np.full(3, 1e-299))).verdict.tolist() == [0, 0, 2]


def test_digits_lost_to_underflow_are_no_mistake() -> None:
    found = check(lambda x, y: x * np.exp(-y), lambda x, y: -x * np.exp(-y), -0.00016408, 709.803, wrt=1)
    assert found, found


# AGREES means that a mistake would have been noticed ------------------------------------------------------------------

SATURATED = {
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, np.linspace(0.0, 40.0, 81)),
    "one and a square": (lambda x: 1 + x**-2, lambda x: -2 * x**-3, np.geomspace(1.0, 1e9, 60)),
    "logistic": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, np.linspace(0, 60, 61)),
    "gaussian": (lambda x: 2 + np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), np.linspace(0.1, 9.0, 60)),
    "large constant": (lambda x: 1e12 + np.sin(x), np.cos, np.linspace(0.1, 3.0, 30)),
}


@pytest.mark.parametrize("name", SATURATED)
@pytest.mark.parametrize("factor", [-1.0, 3.0, 1 / 3, -3.0])
def test_a_wrong_sign_or_factor_never_agrees(name: str, factor: float) -> None:
    f, df, x = SATURATED[name]
    assert not check(f, df, x).counts["DISAGREES"]
    wrong = check(f, lambda x: factor * df(x), x)
    agrees = (wrong.verdict == Verdict.AGREES) & (df(x) != 0)
    assert not agrees.any(), wrong


@pytest.mark.parametrize("factor", [-15.0, 1.0, 3.0])
def test_a_bound_wider_than_the_slope_is_undecided(factor: float) -> None:
    for f, slope, x in ((np.tanh, 1.7e-17, 20.0), (lambda x: 1 + x**-2, -2e-21, 1e7)):
        result = check(f, factor * slope, x)
        assert result.verdict == Verdict.UNDECIDED and not result, result


# DISAGREES means beyond rounding --------------------------------------------------------------------------------------


def svd_round_trip(x: Any) -> Any:
    u, s, vt = np.linalg.svd(x.reshape(4, 3), full_matrices=False)
    return (u * s @ vt).ravel()


def qr_round_trip(x: Any) -> Any:
    q, r = np.linalg.qr(x.reshape(4, 3))
    return (q @ r).ravel()


def rank_one(seed: int, whole: bool) -> Any:
    random = np.random.default_rng(seed)
    draw = (lambda n: random.integers(-3, 4, n).astype(float)) if whole else random.standard_normal
    return np.outer(draw(4), draw(3)).ravel()


@pytest.mark.machine_code
@pytest.mark.parametrize("f", [svd_round_trip, qr_round_trip])
@pytest.mark.parametrize("whole", [False, True])
def test_rounding_inside_f_is_no_mistake(f: Any, whole: bool) -> None:
    """Rank-one matrices, with zeros: the values of these entries are rounding, with slopes of its own."""
    x = np.stack([rank_one(seed, whole) for seed in range(8)])
    result = check(f, lambda x: np.eye(12), x, of="jacobian")
    assert not result.counts["DISAGREES"] and result, result
    wrong = check(f, lambda x: np.eye(12) * (1 + 1e-6), x, of="jacobian")
    assert wrong.counts["DISAGREES"] > 40, wrong


def test_rounding_of_coefficients_is_no_mistake() -> None:
    """The inverse times the matrix is the identity up to rounding, at points of every size."""
    a = np.random.default_rng(1).normal(size=(4, 4))
    product = np.linalg.inv(a) @ a
    assert np.any(product[~np.eye(4, dtype=bool)] != 0)
    x = np.random.default_rng(2).normal(size=(6, 4)) * 10.0 ** np.arange(-9, 9, 3)[:, None]
    result = check(lambda x: product @ x, lambda x: np.eye(4), x, of="jacobian")
    assert result and not result.counts["DISAGREES"], result
    wrong = check(lambda x: product @ x, lambda x: np.eye(4) + 1e-11 * (1 - np.eye(4)), x, of="jacobian")
    assert wrong.counts["DISAGREES"] == 72, wrong


def test_outputs_of_very_different_size_are_judged_apart() -> None:
    f = lambda x: np.array([1e20 * x[0], np.sin(x[1])])  # noqa: E731
    x = np.array([[0.3, 0.7], [1.1, -0.4]])
    result = check(f, lambda x: np.array([[1e20, 0.0], [0.0, 2 * np.cos(x[1])]]), x, of="jacobian")
    assert result.verdict[:, 1, 1].tolist() == [Verdict.DISAGREES] * 2, result
    result = check(f, lambda x: np.array([[1e20, 0.0], [0.0, 0.0]]), x, of="jacobian")
    assert result.verdict[:, 1, 1].tolist() == [Verdict.DISAGREES] * 2, result


def test_a_flat_value_knows_the_rounding_of_what_was_computed() -> None:
    """The softmax is 1 to its last digit, and its logarithm 0: slopes of 1e-22 are below what it can show."""

    def surprise(x: Any) -> Any:
        return -np.log(np.exp(x[0]) / np.sum(np.exp(x)))

    def gradient(x: Any) -> Any:
        return np.exp(x) / np.sum(np.exp(x)) - np.eye(3)[0]

    x = np.array([[61.0, 12.0, -5.0], [40.0, 2.0, -1.0], [1.0, 0.0, 2.0]])
    assert not check(surprise, gradient, x, of="gradient").counts["DISAGREES"]


def test_cancellation_in_a_function_without_long_double_is_rounding() -> None:
    def slope(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        return np.sin(x) / x**2 - 2 * (1 - np.cos(x)) / x**3

    x = np.geomspace(3e-5, 1e-3, 20)
    assert not check(lambda x: (1 - np.cos(x)) / x**2, slope, x).counts["DISAGREES"]


@pytest.mark.parametrize("by", [1.0, 1.001, -1.0])
def test_cancellation_is_told_from_a_mistake_by_values_beside_the_points(by: float) -> None:
    """In double precision only: no digit is right at 1e-5, eight are at 0.1."""

    def slope(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        return np.sin(x) / x**2 - 2 * (1 - np.cos(x)) / x**3

    x = np.geomspace(1e-5, 0.3, 100)
    result = check(lambda x: 2 * (np.sin(x / 2) / x) ** 2, lambda x: by * slope(x), x)
    assert (result.counts["DISAGREES"] > 30) == (by != 1), result
    assert by != 1 or not result.counts["DISAGREES"], result


# A check that decides nothing is not passed ---------------------------------------------------------------------------


def test_a_check_that_decides_nothing_is_false() -> None:
    for f, df in ((lambda x: x * np.nan, lambda x: x), (lambda x: x * np.nan, lambda x: x * np.nan),
                  (np.tanh, lambda x: 0 * x + 1e-17)):  # fmt: skip
        result = check(f, df, np.array([20.0, 25.0]))
        assert not result and not result.decided and not result.counts["DISAGREES"], result
        assert "NOTHING COULD BE DECIDED" in repr(result) and "* check at points where `f` is finite" in repr(result)
        with pytest.raises(AssertionError, match="NOTHING COULD BE DECIDED"):
            result.raise_if_wrong()


@pytest.mark.parametrize("x", [[1.0, 2.0, 1e-9], [[1.0, 2.0, 0.1], [1.0, 1.0, -1.0]]])
def test_a_number_of_results_that_changes_raises(x: Any) -> None:
    with pytest.raises(ValueError, match="`f` must return as many"):
        check(lambda x: x[x > 0], lambda x: np.eye(3), np.array(x), of="jacobian")


# Kinks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_bilinear_sampling_at_whole_pixels_has_kinks_only(seed: int) -> None:
    image = np.random.default_rng(seed).normal(size=(6, 6))

    def parts(p: Any) -> Any:
        i, j = (np.clip(np.floor(p[..., k]).astype(int), 0, 4) for k in (0, 1))
        corners = image[i, j], image[i, j + 1], image[i + 1, j], image[i + 1, j + 1]
        return (p[..., 0] - i, p[..., 1] - j, *corners)

    def sample(p: Any) -> Any:
        a, b, ul, ur, ll, lr = parts(p)
        return (1 - a) * ((1 - b) * ul + b * ur) + a * ((1 - b) * ll + b * lr)

    def right_sides(p: Any) -> Any:
        a, b, ul, ur, ll, lr = parts(p)
        return np.stack([(1 - b) * (ll - ul) + b * (lr - ur), (1 - a) * (ur - ul) + a * (lr - ll)], -1)

    whole = np.stack(np.meshgrid(np.arange(1, 5.0), np.arange(1, 5.0)), -1).reshape(-1, 2)
    result = check(sample, right_sides, whole, of="gradient")
    assert result.counts["KINK"] == 32, result
    assert check(sample, right_sides, whole + 0.3, of="gradient").counts["AGREES"] == 32
