"""What `accuracy` measures: truths that are true, errors that are errors, counts that count."""

from __future__ import annotations

import importlib.metadata
import io
import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import special

import fastgrad as fg
from fastgrad import _workers, gates
from fastgrad.comparison import _timing, standard
from fastgrad.comparison._catalogue import FUNCTIONS
from fastgrad.comparison._methods import INSTALLED, NUMPY, SCIPY, Answer, Method, standard_methods
from fastgrad.comparison._problems import Problem, formula_of, gate_problems
from fastgrad.corpus import CASES
from fastgrad.report.model import AccuracyReport
from fastgrad.report.results import FACTORS, Row

mpmath = pytest.importorskip("mpmath")
X = np.linspace(-2.0, 2.0, 201)
ALL = gate_problems() + FUNCTIONS


@pytest.fixture(autouse=True)
def short_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a method once: how long it takes is no matter here."""
    monkeypatch.setattr(_timing, "ENOUGH", 0.0)


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
    from fastgrad.comparison._problems import true_derivative

    args = problem.points(25)
    values = np.asarray(problem.f(*args))
    df, scale = true_derivative(problem.f, args, problem.wrt, values)
    assert problem.exact is not None
    exact = np.broadcast_to(problem.exact(*args), df.shape)
    assert np.isfinite(df).all()
    assert np.max(np.abs(exact - df) / scale) < 1e-12


def test_the_truth_of_a_gate_is_its_partial_derivative() -> None:
    """The truth is the plain formula, on arrays or number by number; gates run the same formula as machine code."""
    for problem in gate_problems():
        args = problem.points(200)
        assert problem.exact is not None
        compiled = problem.f.partials[problem.wrt](*args)
        assert np.allclose(problem.exact(*args), compiled, rtol=1e-15, atol=0), problem.name


def test_formula_of_one_of_several_lambdas_in_a_line() -> None:
    f, g = lambda x: x + 1, lambda x: (lambda y: 2 * y)(x)  # noqa: E731
    assert (formula_of(f), formula_of(g)) == ("x + 1", "(lambda y: 2 * y)(x)")
    assert all(formula_of(p.f) for p in FUNCTIONS if p.name not in {
        "Black-Scholes delta", "Black-Scholes vega", "Black-Scholes theta", "Black-Scholes rho",
        "log, 1e-8 ... 1e8", "erf", "log-gamma", "Bessel J0"})  # fmt: skip


def test_formulas_are_read_from_the_source() -> None:
    def hill(x: float) -> float:
        """Saturate."""
        return x**2 / (1 + x**2)

    def loop(x: float) -> float:
        for _ in range(3):
            x = x * x
        return x

    assert formula_of(hill) == "x ** 2 / (1 + x ** 2)"
    assert formula_of(gates.soft_xor) == "x + y - 2.0 * x * y"
    assert formula_of(lambda x: x + 1) == "x + 1"
    assert formula_of(loop) == formula_of(np.sin) == formula_of(math.sin) == ""


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
    assert row.missing_at == ((X[0],), (X[4],), (X[8],))
    assert len(row.worst) == 3 and all(math.isnan(point.df) and point.truth == 2.0 for point in row.worst)
    assert row.max_error == math.inf
    assert row.median_error == 0.0
    assert row.off == pytest.approx(51 / 201)


def test_worst_point() -> None:
    values = np.where(X == X[17], 3.0, 2.0)
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,)),
                           constant_method(values), 201))  # fmt: skip
    (point,) = row.worst
    assert (point.args, point.df, point.truth) == ((X[17],), 3.0, 2.0)
    assert point.error == row.max_error == pytest.approx(0.5)


def test_points_that_are_told_have_all_their_arguments() -> None:
    """Pasted into calls they give what was told."""

    def f(x: Any, y: Any) -> Any:
        return np.sqrt(x) * y

    y = np.linspace(1.0, 2.0, 201)
    (row,) = fg.accuracy(f, "scipy", (X + 2.001, y)).rows  # SciPy has nothing to say near the edge of the domain
    assert row.missing > 3 and row.missing_at == tuple(zip((X + 2.001)[:3], y[:3], strict=True))
    for point in fg.accuracy(f, "central", (X + 4.0, y)).rows[0].worst:
        assert point.df == fg.derivative(f, *point.args, method="central")
        assert point.truth == pytest.approx(point.args[1] / 2 / math.sqrt(point.args[0]), rel=1e-14)
        assert point.bar == pytest.approx(fg.derivative(f, *point.args, method="central", full_output=True).error)


def test_ulps_are_distances_between_neighbours() -> None:
    """2 + 3 spacings is off by three ulps; the slope scale of 2x is 2."""
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,)),
                           constant_method(2.0 + 3 * np.spacing(2.0)), 201))  # fmt: skip
    assert row.median_ulp == row.p99_ulp == row.max_ulp == 3.0
    assert row.digits == pytest.approx(-math.log10(3 * np.spacing(2.0) / 2))


def test_bars_are_counted_at_their_multiples() -> None:
    """Errors of 1 and 3 bars, half of the points each."""
    errors = np.where(np.arange(201) % 2 == 0, 1e-3, 3e-3)

    def estimate(f: Any, args: Any, wrt: int) -> Answer:
        count = np.size(args[wrt])
        return Answer(2.0 + errors[:count], np.full(count, 1e-3), np.ones(count, bool), np.full(count, 7.0))

    method = Method("m", "m", lambda f, args, wrt: 2.0 + errors[: np.size(args[wrt])], estimate, ours=False)
    row = only(fg.accuracy(Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,)), method, 201))
    assert row.evaluations == 7.0
    shares = dict(zip(FACTORS, row.calibration, strict=True))
    assert shares[FACTORS[0]] == 0.0
    assert shares[FACTORS[-1]] == 1.0
    assert row.covered == pytest.approx(101 / 201, abs=0.01)


def test_errors_along_the_domain() -> None:
    """A planted error shows in its part of the domain, and there alone."""
    values = np.where(X > 1.85, 2.5, 2.0)
    problem = Problem("2x", lambda x: 2 * x, exact=lambda x: 2.0 + 0 * x, given=(X,))
    (profile,) = fg.accuracy(problem, constant_method(values), 201, curves=["2x"]).profiles
    assert (profile.edges[0], profile.edges[-1]) == (-2.0, 2.0)
    worst = np.array(profile.worst)
    assert set(np.flatnonzero(worst > 0)) == {len(worst) - 2, len(worst) - 1}
    assert worst[-1] == pytest.approx(0.25)


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
    assert {row.label for row in report.rows} >= {"fwd 1", "complex", "adaptive", "SciPy"}
    assert len(report.rows) == 7 + len(INSTALLED)
    for row in report.rows:
        assert not row.failure
        assert row.off < 0.1, row  # where the slope is all but 0, forward differences are
        assert row.median_error < 1e-6, row
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


def test_a_method_named_twice_is_measured_once() -> None:
    assert [row.method for row in fg.accuracy(np.sin, ["central", "numpy", fg.central()], X).rows] == [
        "central(order=2)", NUMPY.name]  # fmt: skip


def test_curves_of_one_name() -> None:
    report = fg.accuracy([np.sin, np.cos], "central", X, curves="c*s")
    assert {curve.function for curve in report.curves} == {profile.function for profile in report.profiles} == {"cos"}


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


@pytest.mark.parametrize(
    ("word", "library", "most"),
    [("numdifftools", "numdifftools", 1e-10), ("jacobi", "jacobi", 1e-6), ("statsmodels", "statsmodels", 1e-8),
     ("jax", "jax", 1e-14), ("complex", "numpy", 1e-14)],
)  # fmt: skip
def test_other_libraries(word: str, library: str, most: float) -> None:
    pytest.importorskip(library)

    def f(x: Any) -> Any:
        return np.exp(-x * x) * math.pi + np.tanh(x)

    assert only(fg.accuracy(f, word, X + 0.003)).median_error < most


def test_jax_traces_what_was_written_for_numpy() -> None:
    """Helpers, closures, constants and scipy.special; what it cannot trace is told, and loses its row alone."""
    pytest.importorskip("jax")
    rates = np.array([0.5, 2.0])

    def helper(x: Any) -> Any:
        return special.expit(rates[1] * x)

    (row,) = fg.accuracy(lambda x, y: helper(x) * np.hypot(x, y) + math.e, "jax", (X + 0.003, X + 5.0), wrt=1).rows
    assert not row.failure
    assert row.median_ulp < 4
    branching, unknown = fg.accuracy([by_branch, special.j0], "jax", X + 3.0).rows
    assert branching.failure.endswith("it branches on values")
    assert "`j0`" in unknown.failure


def test_unknown_method_and_missing_points() -> None:
    with pytest.raises(ValueError, match="`methods`.*'newton'"):
        fg.accuracy(np.sin, "newton", X)
    with pytest.raises(ValueError, match="`points`"):
        fg.accuracy(np.sin, "central")
    with pytest.raises(ValueError, match="at least 2"):
        fg.accuracy(gates.sin, "central", 1)
    with pytest.raises(TypeError, match="`methods` must be a rule; .* Call it"):
        fg.accuracy(np.sin, [fg.central], X)
    with pytest.raises(TypeError, match="`functions`"):
        fg.accuracy(3.0, "central", X)
    with pytest.raises(ValueError, match="`functions` must hold at least one"):
        fg.accuracy([], "central", X)
    for points in ([], (), np.ones((0, 2))):
        with pytest.raises(ValueError, match="`points` must hold some points"):
            fg.accuracy(np.sin, "central", points)
    with pytest.raises(ValueError, match="must broadcast together"):
        fg.accuracy(np.hypot, "central", (X, X[:3]))
    with pytest.raises(TypeError, match="must take 1 argument"):
        fg.accuracy(lambda x, y: x * y, "central", X)
    with pytest.raises(ValueError, match="`wrt` must be from -1 to 0"):
        fg.accuracy(np.sin, "central", X, wrt=1)
    for domain in ((0, 1), [(1, 0)], [(0, np.inf)], [(0, 1, 2)]):
        with pytest.raises(ValueError, match="`domain` must hold a finite pair"):
            fg.accuracy(np.sin, "central", 100, domain=domain)


def test_facts_name_the_version_of_a_tree_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """There the metadata are missing that an installation writes."""

    def lost(name: str) -> Any:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", lost)
    monkeypatch.setattr(importlib.metadata, "distribution", lost)
    assert _timing.about(3)["fastgrad"] == fg.__version__


def test_points_of_any_shape() -> None:
    """Lists, tables, and numbers for arguments that are held."""
    assert only(fg.accuracy(np.sin, "central", [1.0, 2.0, 3.0])).points == 3
    assert only(fg.accuracy(np.sin, "central", np.ones((4, 5)))).points == 20
    assert only(fg.accuracy(lambda x, y: x * y, "central", (np.ones((4, 1)), np.arange(5.0)))).points == 20
    row = only(fg.accuracy(lambda x, y: x * y, "central", (np.ones(5), 2.0), wrt=-1))
    assert row.points == 5
    assert row.max_error < 1e-9


PAIR = [gate for gate in gate_problems() if gate.name in ("sin", "square")]


@pytest.fixture(scope="module")
def alone() -> AccuracyReport:
    """The report that one process makes of two functions."""
    return standard.compare_standard(PAIR, 100, ["sin"])


def test_a_few_functions_need_no_processes(monkeypatch: pytest.MonkeyPatch, alone: AccuracyReport) -> None:
    """Where processes cannot be started, the report is made without, and is the same but for the times."""
    started = []

    def refuse(*_: Any, **__: Any) -> Any:
        started.append(1)
        raise OSError("no process for you")

    monkeypatch.setattr(_workers, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(standard, "cores", lambda: 2)
    standard.compare_standard(PAIR[:1], 100)
    assert not started
    monkeypatch.setattr(standard, "FEWEST", 2)
    again = standard.compare_standard(PAIR, 100)
    assert started
    for row, other in zip(alone.rows, again.rows, strict=True):
        assert repr(replace(row, nanoseconds=0.0, timed=0)) == repr(replace(other, nanoseconds=0.0, timed=0))


def test_processes_judge_as_one_does(monkeypatch: pytest.MonkeyPatch, alone: AccuracyReport) -> None:
    """Rows, curves and profiles come in the order of the functions, with a time for every method that has an error."""
    monkeypatch.setattr(standard, "FEWEST", 2)
    monkeypatch.setattr(standard, "cores", lambda: 2)
    apart = standard.compare_standard(PAIR, 100, ["sin"])
    assert [(row.function, row.method) for row in alone.rows] == [(row.function, row.method) for row in apart.rows]
    assert repr(alone.curves) == repr(apart.curves) and repr(alone.profiles) == repr(apart.profiles)
    for row, other in zip(alone.rows, apart.rows, strict=True):
        assert (row.median_error, row.failure) == (other.median_error, other.failure) or row.failure
        assert bool(row.nanoseconds > 0) is bool(other.nanoseconds > 0) is not bool(row.failure)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line on a terminal; none where the caller passes `progress`."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    fg.accuracy(np.sin, "central", X)
    assert "0 of 2, " in screen.getvalue() and " s  errors: sin" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
    told: list[tuple[int, int, str]] = []
    screen.truncate(0)
    fg.accuracy([np.sin, np.cos], "central", X, progress=lambda *how: told.append(how))
    labels = ("errors: sin", "errors: cos", "speed: sin", "speed: cos", "")
    assert told == [(done, 4, label) for done, label in enumerate(labels)]
    assert screen.getvalue() == ""


def test_the_default_report_compiles_little_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that are not timed have the errors that they have when they are compiled; the rows keep their order."""
    from fastgrad.comparison.standard import COMPILED, TIMED, compare_standard

    monkeypatch.setattr(standard, "MANY", 0)
    by_name = {problem.name: problem for problem in gate_problems()}
    problems = [by_name["square"], by_name["sigmoid"], *CASES[:3]]
    assert "sigmoid" in TIMED and "square" not in TIMED
    report = compare_standard(problems, 300)
    assert list(dict.fromkeys(row.function for row in report.rows)) == ["square", "sigmoid"]
    rules = [row for row in report.rows if row.method in (*COMPILED, "forward(order=1)", "central(order=4)")]
    whole = fg.accuracy(problems[:2], ["forward", "central", fg.central(4), "adaptive"], 300)
    assert [row.function for row in rules] == [row.function for row in whole.rows]
    for row, other in zip(rules, whole.rows, strict=True):
        assert (row.method, row.points, row.evaluations) == (other.method, other.points, other.evaluations)
        assert row.median_error == pytest.approx(other.median_error, rel=1e-3, abs=1e-15)
        assert (row.nanoseconds > 0) == (row.function == "sigmoid" or row.method in COMPILED)
    adaptive = {verdict.method: verdict for verdict in report.verdicts}["adaptive()"]
    assert adaptive.figures.missed == 0 and adaptive.pace.nanoseconds > 0
