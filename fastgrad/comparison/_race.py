"""Timing methods on the same functions, in turns: what else the machine does at the time meets them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..corpus import Case, batched
from ..evaluation.functions import function
from ..report.results import Pace
from ._method import Method
from ._peers import SCIPY
from ._running import affordable, quietly, timed

#: Functions that the methods are timed on.
FEW = 6

#: Seconds that a run may take, else it gets fewer points; turns of each method, unless it has had `ENOUGH` seconds.
PATIENCE, TURNS, ENOUGH = 1.5, 5, 0.25


def timed_cases(cases: Sequence[Case], most: int = FEW) -> tuple[Case, ...]:
    """Choose the first smooth function of every family that runs compiled, up to `most`."""
    found: dict[str, Case] = {}
    for case in cases:
        if len(found) == most:
            break
        if case.kind == "smooth" and case.family not in found and function(case.f, 1).engine == "compiled":
            found[case.family] = case
    return tuple(found.values())


def race(methods: Sequence[Method], cases: Sequence[Case], count: int) -> dict[str, Pace]:
    """Time methods on `count` points of every case, or on as many as they do in bearable time."""
    times: dict[str, list[float]] = {method.name: [] for method in methods}
    points = dict.fromkeys(times, 0)
    with quietly():
        for case in cases:
            runs = {method.name: _run(method, case, count) for method in methods}
            best = dict.fromkeys(runs, np.inf)
            spent = dict.fromkeys(runs, 0.0)
            for _ in range(TURNS):
                for name, (run, size) in runs.items():
                    if spent[name] < ENOUGH:
                        seconds, _result = timed(run)
                        spent[name] += seconds
                        best[name] = min(best[name], seconds / size * 1e9)
                        points[name] = max(points[name], size)
            for name, nanoseconds in best.items():
                times[name].append(nanoseconds)
    reference = np.array(times.get(SCIPY.name, [np.nan] * len(cases)))
    return {
        name: Pace(float(np.median(taken)), points[name], float(np.median(reference / np.array(taken))))
        for name, taken in times.items()
        if taken
    }


def _run(method: Method, case: Case, count: int) -> tuple[Callable[[], Any], int]:
    """Warm a method up, and make a call of it on as many points as are affordable."""
    f = case.f if method.ours else batched(case.f)
    count = min(count, method.limit or count)
    few = min(count, 1000)
    small = np.resize(case.x, few)
    method.run(f, (small,), 0)
    seconds, _ = timed(lambda: method.run(f, (small,), 0))
    count = affordable(count, seconds / few, PATIENCE)
    x = np.resize(case.x, count)
    return lambda: method.run(f, (x,), 0), count
