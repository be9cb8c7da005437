"""The corpus: its functions and its truths are the same functions, and the measuring code counts right."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import bench_module

from fastgrad.corpus import CASES, FAMILIES, Case, batched, known, measure, sides, truth

ALL = {case.name: case for case in CASES}
REQUIRED = {
    "elementary", "neural", "special", "probability", "finance", "physics", "oscillating", "singular",
    "boundary", "scaled", "flat", "cancelling", "noisy", "kinks", "classics",
}  # fmt: skip


def close(got: Any, wanted: Any) -> bool:
    """Agree to a few units in the last place, NaN and infinities included."""
    return bool(np.allclose(got, wanted, rtol=1e-15, atol=1e-318, equal_nan=True))


def differing(case: Case, indices: list[int]) -> list[str]:
    """Columns of the stored truths that differ from fresh ones at some points."""
    fresh = bench_module("truths").row(case, indices)
    left, right = sides(case)
    stored = {"df": truth(case), "d2": truth(case, n=2), "scale": known(case, "scale")}
    wrong = [column for column, values in stored.items() if not close(fresh[column], values[indices])]
    for side, values in (("left", left), ("right", right)):
        new = [d if v is None else v for v, d in zip(fresh[side], fresh["df"], strict=True)]
        wrong += [side] * (not close(new, values[indices]))
    return wrong


def test_size_and_families() -> None:
    """There are enough functions, of every family, each with 10 to 60 points and a name of its own."""
    assert len(CASES) >= 120
    assert len(ALL) == len(CASES)
    assert set(FAMILIES) == REQUIRED
    for case in CASES:
        assert 10 <= len(case.points) <= 60, case.name
        assert all(isinstance(x, float) and math.isfinite(x) for x in case.points), case.name
    for family in FAMILIES:
        assert sum(case.family == family for case in CASES) >= 8, family


def test_values_agree() -> None:
    """The float64 function and the mpmath function are the same function."""
    mpmath = pytest.importorskip("mpmath")
    wrong = {}
    for case in CASES:
        got = batched(case.f)(case.x)
        with mpmath.workdps(60):
            wanted = np.array([float(mpmath.re(case.exact(mpmath, mpmath.mpf(x)))) for x in case.points])
        weight = np.maximum(np.abs(wanted), np.abs(case.x * np.nan_to_num(truth(case))))
        bad = ~(np.abs(got - wanted) <= case.agree * weight + 1e-300)
        if bad.any():
            wrong[case.name] = list(zip(case.x[bad], got[bad], wanted[bad], strict=True))
    assert not wrong


def test_closed_form_agrees() -> None:
    """The derivative in closed form is the stored derivative."""
    mpmath = pytest.importorskip("mpmath")
    closed_forms = {case: case.slope for case in CASES if case.slope is not None}
    assert len(closed_forms) > 70
    with mpmath.workdps(400):
        for case, slope in closed_forms.items():
            for x, df in zip(case.points, truth(case), strict=True):
                if math.isfinite(df):
                    closed = float(slope(mpmath, mpmath.mpf(x)))
                    assert math.isclose(closed, df, rel_tol=1e-15, abs_tol=1e-318), (case.name, x)


def test_truth_of_a_sample() -> None:
    """Two points of every case, drawn with a seed, give the stored truth again."""
    pytest.importorskip("mpmath")
    wrong = {}
    for case in CASES:
        rng = np.random.default_rng(len(case.name) + 31 * len(case.points))
        sample = sorted(rng.choice(len(case.points), size=2, replace=False).tolist())
        wrong[case.name] = differing(case, sample)
    assert not any(wrong.values()), wrong


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_truth_of_all_points(name: str) -> None:
    """All points give the stored truth again."""
    pytest.importorskip("mpmath")
    assert not differing(ALL[name], list(range(len(ALL[name].points))))


@pytest.mark.parametrize(
    ("name", "x", "df", "left", "right"),
    [
        ("abs", 0.0, math.nan, -1.0, 1.0),
        ("relu", 0.0, math.nan, 0.0, 1.0),
        ("floor", 1.0, math.nan, math.inf, 0.0),
        ("tax", 10_000.0, math.nan, 0.0, 0.2),
        ("x_abs_x", 0.0, 0.0, 0.0, 0.0),
        ("huber", 1.5, 1.5, 1.5, 1.5),
        ("x_to_1.5", 0.0, 0.0, math.nan, 0.0),
        ("sqrt_edge_linear", 0.0, 2.0, math.nan, 2.0),
        ("exp_minus_one_over_x2", 0.0, 0.0, 0.0, 0.0),
        ("x2_sin_one_over_x", 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_known_sides(name: str, x: float, df: float, left: float, right: float) -> None:
    """Kinks, steps, edges of the domain and joints have the sides that they should have."""
    case = ALL[name]
    i = case.points.index(x)
    found = (truth(case)[i], sides(case)[0][i], sides(case)[1][i])
    assert np.allclose(found, (df, left, right), rtol=1e-15, atol=1e-100, equal_nan=True), found


def test_second_derivatives() -> None:
    """Second derivatives against closed forms."""
    assert np.allclose(truth(ALL["sin"], n=2), -np.sin(ALL["sin"].x), rtol=1e-14, atol=1e-15)
    assert np.allclose(truth(ALL["exp"], n=2), np.exp(ALL["exp"].x), rtol=1e-14, atol=0)
    with pytest.raises(ValueError, match="`n` must be 1 or 2"):
        truth(CASES[0], n=3)


def test_nearly_every_point_is_attainable() -> None:
    """A corpus that no formula can do says nothing about a rule."""
    exists = np.concatenate([np.isfinite(truth(c)) for c in CASES])
    attainable = np.concatenate([known(c, "attainable") for c in CASES])
    steady = np.concatenate([known(c, "steady") for c in CASES])
    assert attainable[exists].mean() > 0.95
    assert np.all(steady <= attainable)
    assert np.all(attainable[~exists] == 0)


def oracle(case_truth: dict[int, Any], shift: float, bar: float) -> Callable[..., tuple[Any, ...]]:
    """A method that knows the truth and is off by `shift` tolerated errors with a bar of `bar` of them."""

    def method(f: Any, x: Any) -> tuple[Any, ...]:
        df, tolerated = case_truth[id(f)]
        return df + shift * tolerated, bar * tolerated + 0 * df, np.isfinite(df), np.full(x.shape, 7)

    return method


@pytest.mark.parametrize(
    ("shift", "bar", "missed", "covered", "wrong"),
    [
        (0.0, 0.0, 0.0, 1.0, 0.0),
        (0.5, 0.6, 0.0, 1.0, 0.0),
        (3.0, 0.1, 1.0, 0.0, 1.0),
        (3.0, 4.0, 1.0, 1.0, 0.0),
    ],
)
def test_measure_counts(shift: float, bar: float, missed: float, covered: float, wrong: float) -> None:
    """A method whose errors are known gets the figures that follow."""
    cases = [ALL[name] for name in ("cubic", "sigmoid", "float32_sigmoid", "abs")]
    table = {id(c.f): (truth(c), c.tolerance * known(c, "scale")) for c in cases}
    figures = measure(oracle(table, shift, bar), cases)
    assert (figures.missed, figures.covered) == (missed, covered)
    assert figures.wrong == wrong
    assert figures.nan == 0
    assert figures.median_nfev == 7
    assert figures.kinks == 1
    assert figures.silent_kinks == 0
    assert ("missed although attainable: " in str(figures)) == (missed > 0)


def test_measure_survives_a_method_that_raises() -> None:
    """A method that raises loses its points; the message is kept."""

    def method(f: Any, x: Any) -> tuple[Any, ...]:
        raise RuntimeError("no")

    figures = measure(method, [ALL["cubic"]])
    assert figures.raised == {"cubic": "RuntimeError: no"}
    assert figures.nan == 1
    assert figures.missed == 1


def test_batched_tells_the_kinds_of_functions_apart() -> None:
    """Functions that take one number only become functions of arrays, with NaN outside their domain."""
    log = batched(math.log)
    assert np.allclose(log(np.array([1.0, math.e, -1.0])), [0, 1, math.nan], equal_nan=True)
    assert batched(np.sin)(np.zeros((2, 3))).shape == (2, 3)
    power = batched(lambda x: math.log(x**0.5))
    assert np.isnan(power(np.array([-2.0]))).all()
