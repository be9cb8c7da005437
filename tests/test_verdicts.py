"""Verdicts: free of scale, monotone in the bar, and honest where there is nothing to compare with."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from conftest import Opaque
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import Estimate, Verdict
from fastgrad.checks import check
from fastgrad.checks._verdicts import judge

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
    first = judge(analytic, found, rounding)
    assert np.array_equal(first.verdict, judge(factor * analytic, there, factor * rounding).verdict)
    assert len(set(first.verdict.tolist())) == 4
    # a wider bar never convicts, and what agrees exactly is never wrong
    wider = judge(analytic, found._replace(error=2 * error), rounding).verdict
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
    assert found
    assert not found.decided
    assert "NOTHING COULD BE DECIDED" in repr(found)


def test_a_few_kinks_among_noise_decide_nothing() -> None:
    rng = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = check(Opaque(lambda x: rng.normal(size=np.shape(x))), np.zeros_like, np.linspace(0, 1, 1000))
    assert found and found.counts["UNDECIDED"] > 900, found
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
    assert judge(np.array([0.0, 0.0, 1e-300]), found, np.full(3, 1e-299)).verdict.tolist() == [0, 0, 2]


def test_digits_lost_to_underflow_are_no_mistake() -> None:
    found = check(lambda x, y: x * np.exp(-y), lambda x, y: -x * np.exp(-y), -0.00016408, 709.803, wrt=1)
    assert found, found
