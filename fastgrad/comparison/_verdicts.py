"""Verdicts on the corpus: whether methods are right, whether their error bounds hold, and how fast they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..corpus import Case, batched, measure
from ..evaluation.functions import function
from ..report.results import FACTORS, Verdict
from ._method import Counted, Method
from ._timing import Workload

#: Records of every kind of failure that a verdict keeps, the worst.
KEPT = 5

#: Functions that the methods are timed on.
TIMED_CASES = 6


def verdict(method: Method, cases: Sequence[Case], is_called: bool = False) -> Verdict:
    """Judge one method, without a clock; with `is_called` it calls the functions, and nothing is compiled."""

    def estimate(f: Callable[[Any], Any], x: Any) -> tuple[Any, ...]:
        assert method.estimate is not None
        if method.ours and (is_called or method.stencil is not None):  # compiling would take minutes
            f = Counted(batched(f))
        return tuple(method.estimate(f if method.ours else batched(f), (x,), 0))

    figures = measure(estimate, cases, factors=FACTORS)
    worst = {kind: records[:KEPT] for kind, records in figures.offenders.items()}
    return Verdict(method.name, method.label, replace(figures, offenders=worst))


def workloads(cases: Sequence[Case]) -> list[Workload]:
    """Return a few of the cases, to time methods on."""
    return [Workload(case.f, batched(case.f), (case.x,)) for case in timed_cases(cases)]


def timed_cases(cases: Sequence[Case], most: int = TIMED_CASES) -> tuple[Case, ...]:
    """Choose the first smooth function of every family that runs compiled, up to `most`."""
    chosen: dict[str, Case] = {}
    for case in cases:
        if len(chosen) == most:
            break
        if case.kind == "smooth" and case.family not in chosen and function(case.f, 1).engine == "compiled":
            chosen[case.family] = case
    return tuple(chosen.values())
