"""Judging methods on the development corpus: are they right, do their bars hold, and how fast are they."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..corpus import Case, batched
from ..corpus._measure import measure
from ..report.results import FACTORS, Pace, Verdict
from ._method import Counted, Method
from ._race import race, timed_cases

#: Records of every kind of failure that a verdict keeps, the worst.
KEPT = 5


def verdicts(
    methods: Sequence[Method],
    cases: Sequence[Case],
    count: int,
    progress: Callable[[str], None] = lambda name: None,
) -> tuple[Verdict, ...]:
    """Judge methods on cases of the corpus: what they answer there, and how fast.

    Parameters
    ----------
    methods : sequence of Method
        Those that give no `Answer` are left out.
    cases : sequence of Case
        Functions with points and truths.
    count : int
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
    paces = race(able, timed_cases(cases), count)
    return tuple(replace(verdict, pace=paces.get(verdict.method, Pace())) for verdict in found)


def verdict(method: Method, cases: Sequence[Case]) -> Verdict:
    """Judge one method, without a clock."""

    def asked(f: Callable[[Any], Any], x: Any) -> tuple[Any, ...]:
        assert method.estimate is not None
        if method.stencil is not None:  # to compile two hundred functions more takes minutes and changes no figure
            f = Counted(batched(f))
        return tuple(method.estimate(f if method.ours else batched(f), (x,), 0))

    figures = measure(asked, cases, factors=FACTORS)
    kept = {kind: records[:KEPT] for kind, records in figures.offenders.items()}
    return Verdict(method.name, method.label, replace(figures, offenders=kept))
