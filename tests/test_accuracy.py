"""What `accuracy` measures: truths that are true, errors that are errors, counts that count."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import gates
from fastgrad.comparison import ahead
from fastgrad.comparison.catalogue import FUNCTIONS
from fastgrad.comparison.method import Method
from fastgrad.comparison.methods import standard_methods
from fastgrad.comparison.peers import NUMPY, SCIPY
from fastgrad.comparison.problems import Problem, gate_problems
from fastgrad.report.results import AccuracyReport, Row

mpmath = pytest.importorskip("mpmath")
X = np.linspace(-2.0, 2.0, 201)
ALL = gate_problems() + FUNCTIONS


def constant_method(value: Any, name: str = "planted") -> Method:
    """A method that always answers `value`."""
    values = np.broadcast_to(value, 201)
    return Method(name, name, lambda f, args, wrt: values[: np.size(args[wrt])])


def only(report: AccuracyReport) -> Row:
    assert len(report.rows) == 1
    assert not report.rows[0].failure
    return report.rows[0]


def test_enough_and_distinct() -> None:
    assert len(FUNCTIONS) >= 25
    assert len({p.name for p in ALL}) == len(ALL)
    gated = {p.f for p in gate_problems()}
    assert gated == {g for g in gates.GATES if not g.__name__.startswith("logical")}


@pytest.mark.parametrize("problem", FUNCTIONS, ids=lambda p: p.name)
def test_closed_forms_are_true(problem: Problem) -> None:
    """The closed form agrees with high-precision arithmetic to a few units in the last place of the slope."""
    from fastgrad.comparison.highprecision import true_derivative

    args = problem.points(25)
    values = np.asarray(problem.f(*args))
    df, scale = true_derivative(problem.f, args, problem.wrt, values)
    assert problem.exact is not None
    exact = np.broadcast_to(problem.exact(*args), df.shape)
    assert np.isfinite(df).all()
    assert np.max(np.abs(exact - df) / scale) < 1e-12


def test_points_are_the_same_every_time_and_in_the_domain() -> None:
    for problem in ALL:
        first, again = problem.points(50), problem.points(50)
        for a, b, (low, high) in zip(first, again, problem.domain, strict=True):
            assert np.array_equal(a, b)
            assert np.all((low <= np.asarray(a)) & (np.asarray(a) <= high)), problem.name


def test_methods_are_one_list() -> None:
    names = [m.name for m in standard_methods()]
    assert len(set(names)) == len(names)
    rules = {"forward(order=1)", "backward(order=1)", "central(order=2)", "central(order=4)", "central(order=6)"}
    assert rules | {NUMPY.name, SCIPY.name} <= set(names)


def test_a_planted_error_is_measured() -> None:
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, ((1.0, 1.0 + 1e-9),), lambda x: 2.0 + 0 * x),
                           constant_method(2.5), 100))  # fmt: skip
    assert row.max_error == row.median_error == row.p99_error == pytest.approx(0.25)
    assert row.max_absolute == row.median_absolute == pytest.approx(0.5)
    assert row.off == 1.0
    assert row.missing == 0


def test_nan_is_an_infinite_error() -> None:
    values = np.where(np.arange(201) % 4 == 0, np.nan, 2.0)
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,)),
                           constant_method(values), 201))  # fmt: skip
    assert row.missing == 51
    assert row.max_error == math.inf
    assert row.median_error == 0.0
    assert row.off == pytest.approx(51 / 201)


def test_worst_point() -> None:
    values = np.where(X == X[17], 3.0, 2.0)
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,)),
                           constant_method(values), 201))  # fmt: skip
    assert row.worst == X[17]


def test_a_slope_of_zero_is_judged_by_its_surroundings() -> None:
    """The derivative of x^2 at 0 is 0; an error of 1e-9 there is not infinite."""
    row = only(fg.accuracy(Problem("x^2", np.square, exact=lambda x: 2 * x, given=(np.zeros(10),)),
                           constant_method(1e-9), 10))  # fmt: skip
    assert 0 < row.max_error < 1e-5


@pytest.mark.parametrize(("rule", "count"), [("forward", 2), ("central", 2), (fg.central(4), 4), (fg.central(6), 6)])
def test_evaluations_are_counted(rule: Any, count: int) -> None:
    assert only(fg.accuracy(np.sin, rule, X)).evaluations == count


def test_every_method_on_a_function_of_two_arguments() -> None:
    report = fg.accuracy(lambda x, y: x * y * y, None, (X, X + 3.0), wrt=1)
    for row in report.rows:
        assert not row.failure
        assert row.max_error < 1e-6, row
        assert row.nanoseconds > 0
        assert row.truth.startswith("mpmath")


def test_gates_bring_their_truth() -> None:
    assert only(fg.accuracy(gates.sigmoid, "central", 1000)).truth == "closed form"


def by_branch(x: float) -> float:
    return math.log1p(x) if x > 0 else math.sin(x)


def test_a_function_of_one_number_at_a_time() -> None:
    report = fg.accuracy(by_branch, ["central", "numpy", "scipy"], X + 0.003)
    assert [row.truth for row in report.rows] == ["mpmath, 1000 bits"] * 3
    assert all(row.median_error < 1e-9 for row in report.rows)


def test_what_mpmath_cannot_evaluate() -> None:
    def table(x: Any) -> Any:
        return np.interp(x, [-5.0, 5.0], [0.0, 20.0])

    row = only(fg.accuracy(table, "central", X))
    assert "central(order=8)" in row.truth or "adaptive" in row.truth
    assert "interp" in row.truth
    assert row.max_error < 1e-8


def test_mpmath_is_not_believed_when_it_gets_other_values() -> None:
    kinds = (float, np.ndarray)

    def changeable(x: Any) -> Any:
        return x * x if isinstance(x, kinds) else 2 * x

    assert "mpmath gets" in only(fg.accuracy(changeable, "central", X + 0.01)).truth


def test_a_method_that_raises_loses_its_row() -> None:
    def refuse(f: Any, args: Any, wrt: int) -> Any:
        raise RuntimeError("not today")

    report = fg.accuracy(np.sin, [Method("broken", "broken", refuse), "central"], X)
    assert report.rows[0].failure == "RuntimeError: not today"
    assert report.rows[1].max_error < 1e-9
    assert report.summary()[0].failures == 1


def test_curves_have_their_least_near_the_chosen_step() -> None:
    report = fg.accuracy([p for p in FUNCTIONS if p.name == "Runge"], None, 1000, curves=["R*"])
    assert [c.label for c in report.curves] == ["fwd 1", "central 2", "central 4", "central 6"]
    for curve in report.curves:
        assert curve.errors[0] > 1e-4
        assert min(curve.errors) <= curve.chosen_error < 1e4 * min(curve.errors)


def test_summary_adds_up() -> None:
    report = fg.accuracy([gates.sin, gates.cos], ["central"], 1000)
    (line,) = report.summary()
    assert line.functions == 2
    assert line.max_error == max(row.max_error for row in report.rows)
    assert line.median_error == np.median([row.median_error for row in report.rows])


def test_unknown_method_and_missing_points() -> None:
    with pytest.raises(ValueError, match="`methods`.*'newton'"):
        fg.accuracy(np.sin, "newton", X)
    with pytest.raises(ValueError, match="`points`"):
        fg.accuracy(np.sin, "central")
    with pytest.raises(ValueError, match="at least 2"):
        fg.accuracy(gates.sin, "central", 1)
    with pytest.raises(TypeError, match="`functions`"):
        fg.accuracy(3.0, "central", X)


def test_compiling_ahead_needs_no_children_for_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "ProcessPoolExecutor", None)
    ahead.compile_ahead(["sin"])
    with pytest.raises(TypeError):
        monkeypatch.setattr(ahead, "cores", lambda: 2)
        ahead.compile_ahead([p.name for p in ALL])
