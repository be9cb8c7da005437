"""Judging methods on the development corpus: are they right, do their bars hold, how long do they take."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from .._engines.functions import function
from .._report.results import FACTORS, Pace, Verdict
from ..corpus import Case, batched
from ..corpus._measure import measure
from ._method import Counted, Method
from ._peers import SCIPY

#: Functions that the methods are timed on.
RACES = 6

#: Points of a timed run, fewer for a method that takes longer than `PATIENCE` seconds; turns that each gets, unless it
#: has had `ENOUGH` seconds before.
LAPS, PATIENCE, TURNS, ENOUGH = 1_000_000, 1.5, 5, 0.25

#: Records of every kind of failure that a verdict keeps, the worst.
KEPT = 5


def verdicts(
    methods: Sequence[Method],
    cases: Sequence[Case],
    laps: int = LAPS,
    progress: Callable[[str], None] = lambda name: None,
) -> tuple[Verdict, ...]:
    """Judge methods that say how far they are to be trusted on cases of the corpus.

    Parameters
    ----------
    methods : sequence of Method
        Those without error bars and those that cannot be asked for an `Answer` are left out.
    cases : sequence of Case
        Functions with points and truths.
    laps : int
        Points of a timed run.
    progress : callable
        Called with the name of the method before it is run.
    """
    able = [method for method in methods if method.estimate is not None]
    found = []
    for method in able:
        progress(method.name)
        found.append(verdict(method, cases))
    progress("timing")
    paces = race(able, timed_cases(cases), laps)
    return tuple(replace(verdict, pace=paces.get(verdict.method, Pace())) for verdict in found)


def verdict(method: Method, cases: Sequence[Case]) -> Verdict:
    """Judge one method, without a clock."""

    def asked(f: Callable[[Any], Any], x: Any) -> tuple[Any, ...]:
        assert method.estimate is not None
        if method.stencil is not None:  # to compile 180 functions more takes minutes and changes no figure
            f = Counted(batched(f))
        return tuple(method.estimate(f if method.ours else batched(f), (x,), 0))

    figures = measure(asked, cases, factors=FACTORS)
    kept = {kind: records[:KEPT] for kind, records in figures.offenders.items()}
    return Verdict(method.name, method.label, replace(figures, offenders=kept))


def timed_cases(cases: Sequence[Case], count: int = RACES) -> tuple[Case, ...]:
    """Choose the first smooth function of every family that runs compiled, up to `count`."""
    found: dict[str, Case] = {}
    for case in cases:
        if len(found) == count:
            break
        if case.kind == "smooth" and case.family not in found and function(case.f, 1).engine == "compiled":
            found[case.family] = case
    return tuple(found.values())


def race(methods: Sequence[Method], cases: Sequence[Case], laps: int) -> dict[str, Pace]:
    """Time methods on the same functions, taking turns, so that whatever else the machine does meets them all."""
    times: dict[str, list[float]] = {method.name: [] for method in methods}
    points = dict.fromkeys(times, 0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases:
            runs = {m.name: _run(m, case, laps) for m in methods}
            best = dict.fromkeys(runs, np.inf)
            spent = dict.fromkeys(runs, 0.0)
            for _ in range(TURNS):
                for name, (run, count) in runs.items():
                    if spent[name] < ENOUGH:
                        start = perf_counter()
                        run()
                        taken = perf_counter() - start
                        spent[name] += taken
                        best[name] = min(best[name], taken / count * 1e9)
                        points[name] = max(points[name], count)
            for name, nanoseconds in best.items():
                times[name].append(nanoseconds)
    reference = np.array(times.get(SCIPY.name, [np.nan] * len(cases)))
    return {
        name: Pace(float(np.median(taken)), points[name], float(np.median(reference / np.array(taken))))
        for name, taken in times.items()
        if taken
    }


def _run(method: Method, case: Case, laps: int) -> tuple[Callable[[], Any], int]:
    """Make a call on as many points as the method takes in bearable time; it has been warmed up."""
    f = case.f if method.ours else batched(case.f)
    count = min(laps, method.limit or laps)
    few = min(count, 1000)
    small = np.resize(case.x, few)
    method.run(f, (small,), 0)
    start = perf_counter()
    method.run(f, (small,), 0)
    seconds = (perf_counter() - start) / few
    while count > 1000 and seconds * count > PATIENCE:
        count //= 10
    x = np.resize(case.x, count)
    return lambda: method.run(f, (x,), 0), count
