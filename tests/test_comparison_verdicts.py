"""Verdicts on the corpus: the figures are those of the answers, the pace is that of the clock."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.comparison import _timing
from fastgrad.comparison._methods import INSTALLED, PEERS, SCIPY, Answer, Method, judged_methods, method_of
from fastgrad.comparison._timing import Workload, time_in_turns
from fastgrad.comparison.standard import timed_cases
from fastgrad.corpus import CASES, Case, judge, known, truth
from fastgrad.report import tables

ALL = {case.name: case for case in CASES}
DOZEN = [ALL[name] for name in ("cubic", "sin", "exp", "log", "sigmoid", "tanh", "erf", "normal_pdf", "planck",
                                "squire_trapp", "abs", "float32_sigmoid")]  # fmt: skip


def rows(case: Case) -> Any:
    """Answers that are right to the last digit: df, error, success, nfev, status."""
    return np.array([truth(case), 0 * case.x, np.ones(case.x.size), np.full(case.x.size, 15.0), 0 * case.x])


def test_every_figure_of_planted_answers() -> None:
    """A quarter of the points right, a quarter off and covered, a quarter off and silent, a quarter NaN."""
    case = ALL["exp"]
    count = case.x.size
    unit = case.tolerance * known(case, "scale")
    found, kind = rows(case), np.arange(count) % 4
    found[1] = 0.5 * unit
    for which, shift, bar in ((1, 4.0, 5.0), (2, 20.0, 1.0)):
        found[0, kind == which] += shift * unit[kind == which]
        found[1, kind == which] = bar * unit[kind == which]
    found[0, kind == 3] = np.nan
    figures = judge(found, [case])
    share = [np.mean(kind == which) for which in range(4)]
    assert figures.points == figures.attainable == count
    assert figures.missed == figures.missed_steady == pytest.approx(1 - share[0])
    assert figures.covered == pytest.approx((share[0] + share[1]) / (1 - share[3]))
    assert figures.wrong == pytest.approx(share[2])
    assert figures.nan == pytest.approx(share[3])
    off = np.abs(found[0] - truth(case))
    assert figures.median_error == pytest.approx(np.nanmedian(off / np.abs(truth(case))))
    assert figures.median_bar == pytest.approx(np.median(found[1][off > 0] / off[off > 0]))
    assert figures.median_nfev == 15
    assert len(figures.offenders["wrong beyond ten bars, success set"]) == np.sum(kind == 2)


def test_a_flag_of_no_success_is_no_wrong_answer() -> None:
    found = rows(ALL["exp"])
    found[0] *= 2
    assert judge(found, [ALL["exp"]]).wrong == 1
    found[2] = 0
    assert judge(found, [ALL["exp"]]).wrong == 0
    assert judge(found, [ALL["exp"]]).missed == 1


def test_no_bars_are_no_coverage() -> None:
    found = rows(ALL["exp"])
    found[1] = np.nan
    assert math.isnan(judge(found, [ALL["exp"]]).covered)
    found[1, 0] = 0
    assert judge(found, [ALL["exp"]]).covered == pytest.approx(1 / found.shape[1])


def workloads(cases: list[Case]) -> list[Workload]:
    return [Workload(case.f, case.f, (case.x,)) for case in cases]


class Clock:
    """A clock that methods set forward themselves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def method(self, name: str, nanoseconds: float, limit: int | None = None) -> Method:
        def run(f: Any, args: tuple[Any, ...], wrt: int) -> None:
            self.now += nanoseconds * 1e-9 * args[0].size

        return Method(name, name, run, lambda f, args, wrt: Answer(*rows(ALL["exp"])[:4]), ours=False, limit=limit)


def test_pace_is_time_per_point_and_speed_beside_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(_timing, "perf_counter", clock)
    methods = [clock.method(SCIPY.name, 800.0), clock.method("quick", 4.0), clock.method("slow", 1e6),
               clock.method("few", 8000.0, limit=200)]  # fmt: skip
    paces = time_in_turns(methods, workloads(DOZEN[:3]), 10_000)
    assert {name: pace.nanoseconds for name, pace in paces.items()} == pytest.approx(
        {SCIPY.name: 800.0, "quick": 4.0, "slow": 1e6, "few": 8000.0}
    )
    assert [round(paces[name].speedup, 6) for name in (SCIPY.name, "quick", "few")] == [1.0, 200.0, 0.1]
    assert {name: pace.points for name, pace in paces.items()} == {
        SCIPY.name: 10_000, "quick": 10_000, "slow": 1000, "few": 200
    }  # fmt: skip


def test_without_scipy_there_is_a_pace_and_no_speedup(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(_timing, "perf_counter", clock)
    pace = time_in_turns([clock.method("quick", 4.0)], workloads(DOZEN[:1]), 1000)["quick"]
    assert pace.nanoseconds == pytest.approx(4.0)
    assert math.isnan(pace.speedup)


def test_timed_functions_are_compiled_and_of_different_families() -> None:
    chosen = timed_cases(CASES, 3)
    assert len({case.family for case in chosen}) == 3
    assert all(case.kind == "smooth" for case in chosen)


def test_a_dozen_functions_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is judged by the public call, and beats what it stands beside; every figure is in the tables."""
    monkeypatch.setattr(_timing, "ENOUGH", 0.0)  # how long a method takes is no matter here
    report = fg.accuracy(DOZEN, points=1000)
    found = {verdict.method: verdict for verdict in report.verdicts}
    assert list(found) == [method.name for method in judged_methods()]
    assert {PEERS[word].name for word in INSTALLED if not PEERS[word].traced} < set(found)
    ours = found["adaptive()"].figures
    points = sum(len(case.points) for case in DOZEN)
    assert (ours.functions, ours.points) == (12, points)
    assert ours.missed == ours.nan == ours.wrong == 0
    assert ours.median_error < 1e-13
    assert 10 <= ours.median_nfev <= 20
    by_hand = [fg.derivative(case.f, case.x, full_output=True).nfev for case in DOZEN]
    assert ours.median_nfev == np.median(np.concatenate(by_hand))
    assert found["scipy.differentiate"].figures.missed > 0.02
    assert math.isnan(found["NumPy, step 1e-5"].figures.covered)
    for verdict in report.verdicts:
        assert not verdict.figures.raised
        assert verdict.pace.nanoseconds > 0
        assert 0 < verdict.pace.points <= 1000
    titles = [table.title for table in tables.tables(report)]
    assert titles[-2:] == [f"Development corpus: 12 functions, {points} points", "Development corpus: family by family"]
    worst = next(t for t in tables.tables(report) if t.title == "Development corpus: worst points")
    scipy = [cells for cells in worst.cells if cells[0] == "SciPy"]
    assert len(scipy) == tables.WORST
    record = found["scipy.differentiate"].figures.offenders["NaN although attainable"][0]
    assert (record.case, repr(record.x), "inf", "NaN") in [(c[1], c[2], c[3], c[4]) for c in scipy]
    assert "bar covers the error" in repr(report)
    stored = json.loads(report.to_json())["corpus"]
    assert stored[0]["figures"]["missed"] == 0
    assert stored[2]["figures"]["covered"] is None


def test_a_method_without_bars_of_its_own_is_left_out() -> None:
    assert fg.accuracy([ALL["exp"]], "complex", 100).verdicts == ()
    assert [v.method for v in fg.accuracy([ALL["exp"]], fg.central(4), 100).verdicts] == ["central(order=4)"]


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastgrad.comparison import _methods

    monkeypatch.setattr(_methods, "INSTALLED", ())
    with pytest.raises(ValueError, match=r'jacobi.*pip install "fastgrad\[bench\]"'):
        method_of("jacobi")
