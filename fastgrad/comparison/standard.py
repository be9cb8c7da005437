"""Methods compared on functions: all are judged first, then timed.

First all workers judge: they compile, compute truths, and take errors, without a clock. Then one at a time measures
speed, with the machine to itself and the machine code of the first phase.

The default report has hundreds of functions and takes about two minutes on two cores, from an empty cache. Machine
code takes half of the time, 0.5 s for each rule and function. The default report compiles `central` and `adaptive` for
every function, the other rules for `TIMED` alone. Elsewhere these call the function with arrays, which changes no error
beyond rounding, and their rows have no time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np

from .._parallel import cores
from .._typing import Array, FloatArray
from .._workers import Task, Workers
from ..corpus import Case, batched, measure
from ..differentiation.derivatives import derivative
from ..evaluation.functions import function
from ..evaluation.trials import compile_at_first_call
from ..report import AccuracyReport
from ..report.results import FACTORS, CorpusVerdict, Curve, Pace, Profile, Row
from ._catalogue import logistic, standard_functions
from ._methods import NUMPY, Counted, Elementwise, Method, judged_methods, method_of, standard_methods
from ._problems import Problem
from ._timing import Workload, about, time_in_turns
from ._trial import Fields, Trial

#: Records of every kind of failure that a verdict keeps, the worst.
KEPT = 5

#: Functions that the methods are timed on.
TIMED_CASES = 6

#: Functions that get curves of error against step and along their domain.
REPRESENTATIVES = ("Black-Scholes delta", "Runge", "Squire-Trapp", "small network", "Lennard-Jones")

#: Functions on which every rule is compiled and timed, when there are `MANY`.
TIMED = ("Runge", "small network", "Lennard-Jones", "sigmoid")

#: Rules that are compiled and timed on every function.
COMPILED = ("central(order=2)", "adaptive()")

#: Points of other libraries that take 0.1 to 2 ms for each, and of their error bars.
SLOW = {"numdifftools": (1000, 10), "jacobi": (25, 10), "statsmodels": (250, 25)}

#: Starting processes costs two seconds: `FEWEST` functions are worth it. From `MANY` on, compiling everything takes
#: too long.
FEWEST, MANY = 12, 100

#: Points that are worth compiling the adaptive kernels for.
COMPILING = 1000

#: A function in the default report: its type and its name.
ProblemKey = tuple[str, str]
F = TypeVar("F", Problem, Case)
Progress = Callable[[int, int, str], None]
Judged = tuple[list[Row], list[Curve], list[Profile]]


@dataclass(frozen=True)
class Plan:
    """How functions are compared."""

    #: Points of each function.
    count: int
    #: Names of the functions that get curves; wildcards are allowed.
    curves: tuple[str, ...] = ()
    #: Names of the functions on which all rules are compiled and timed; wildcards are allowed.
    timed: tuple[str, ...] = ("*",)
    #: The caller's; left out, every method.
    methods: tuple[Method, ...] | None = None
    #: Whether functions are sent to other processes by their names, and slow methods get few points.
    is_default: bool = False

    def chosen(self) -> tuple[Method, ...]:
        """Return the methods for functions."""
        return self.methods or self._limited(standard_methods())

    def judged(self) -> tuple[Method, ...]:
        """Return the methods for the corpus: those that have error bounds or estimate point by point."""
        return tuple(m for m in self.methods or self._limited(judged_methods()) if m.estimate)

    def is_compiled(self, method: Method, name: str) -> bool:
        """Tell whether a method has machine code for a function; other libraries do as they do."""
        return not method.ours or method.name in COMPILED or _matches(name, self.timed)

    def _limited(self, methods: tuple[Method, ...]) -> tuple[Method, ...]:
        limits = SLOW if self.is_default else {}
        pairs = ((m, limits.get(m.name, (m.limit, m.barred))) for m in methods)
        return tuple(replace(m, limit=limit, barred=barred) for m, (limit, barred) in pairs)


def timed_cases(cases: Sequence[Case], most: int = TIMED_CASES) -> tuple[Case, ...]:
    """Choose the first smooth function of every family that runs compiled, up to `most`."""
    chosen: dict[str, Case] = {}
    for case in cases:
        if len(chosen) == most:
            break
        if case.kind == "smooth" and case.family not in chosen and function(case.f, 1).engine == "compiled":
            chosen[case.family] = case
    return tuple(chosen.values())


#: Trials of this process between the two phases, by numbers that are never used again.
_trials: dict[int, Trial] = {}
_numbers = itertools.count()


def compare_standard(
    functions: Sequence[Problem | Case], count: int, curves: Sequence[str] = (), progress: Progress | None = None
) -> AccuracyReport:
    """Compare all methods on functions of `standard_functions`, at `count` points of each.

    `curves` are the names of the functions that get curves. The rows are in the order of `functions`.
    """
    plan = Plan(count, tuple(curves), TIMED if len(functions) >= MANY else ("*",), is_default=True)
    several = cores() if len(functions) >= FEWEST else 1
    with suppress(OSError, BrokenExecutor):  # where processes cannot be started, this one does everything
        if several > 1:
            with Workers(several, compile_at_first_call) as workers:
                return replace(compare(functions, plan, progress, workers), about=about(count))
    return replace(compare(functions, plan, progress), about=about(count))


def first_rows() -> list[Row]:
    """Judge three methods on one function, within a second."""
    trial = Trial(Problem("sigmoid", logistic, ((-10.0, 10.0),), lambda x: logistic(x) * logistic(-x)), 200)
    return [trial.judge(method, is_called=method.ours) for method in (*map(method_of, ("adaptive", "central")), NUMPY)]


def compare(
    functions: Sequence[Problem | Case], plan: Plan, progress: Progress | None = None, workers: Workers | None = None
) -> AccuracyReport:
    """Judge on all workers, then time on one after the other; without workers, in this process."""
    workers = workers or Workers(0)
    problems = [f for f in functions if isinstance(f, Problem)]
    numbers = list(itertools.islice(_numbers, len(problems)))
    cases = [_sent(f, plan) for f in functions if isinstance(f, Case)]
    methods = range(len(plan.judged()) if cases else 0)
    tasks: list[tuple[str, Task[Any]]] = [("adaptive kernels", _compile_adaptive)] if plan.is_default else []
    # the slowest first; ours last, since they need the adaptive kernels
    tasks += [(f"corpus: {plan.judged()[i].name}", partial(_judge_corpus, plan, cases, i)) for i in reversed(methods)]
    tasks += [("corpus: compiling", partial(_compile_corpus, plan, cases))] if methods else []
    first = len(tasks)
    tasks += [(p.name, partial(_judge, plan, _sent(p, plan), n)) for p, n in zip(problems, numbers, strict=True)]
    total = len(tasks) + len(problems) + bool(methods)
    results: list[Any] = [None] * len(tasks)
    places = [0] * len(tasks)

    def show(done: int, what: str, label: str) -> None:
        if progress:
            progress(done, total, f"{what}: {label}" if label else "")

    try:
        for number, worker, result in workers.spread(
            [task for _, task in tasks], lambda done, number: show(done, "errors", tasks[number][0])
        ):
            results[number], places[number] = result, worker
        times: list[dict[str, Fields]] = []
        for i, problem in enumerate(problems):
            show(len(tasks) + i, "speed", problem.name)
            times.append(workers.run(places[first + i], partial(_time, plan, numbers[i])))
        paces: dict[str, Pace] = {}
        if methods:
            show(total - 1, "speed", "corpus")
            paces = workers.run(places[first - 1], partial(_time_corpus, plan, cases))
        show(total, "", "")
    finally:
        for number in numbers:
            _trials.pop(number, None)
    parts: list[Judged] = results[first:]
    verdicts: list[CorpusVerdict] = results[first - 1 - len(methods) : first - 1][::-1] if methods else []
    return AccuracyReport(
        tuple(replace(row, **own.get(row.method, {})) for (rows, _, _), own in zip(parts, times, strict=True)
              for row in rows),
        tuple(curve for _, curves, _ in parts for curve in curves),
        {},
        tuple(replace(verdict, pace=paces.get(verdict.method, Pace())) for verdict in verdicts),
        tuple(profile for _, _, profiles in parts for profile in profiles),
    )  # fmt: skip


def _sent(f: F, plan: Plan) -> F | ProblemKey:
    """Return what a task gets: a key in the default report, since lambdas cannot be sent to another process."""
    return (type(f).__name__, f.name) if plan.is_default else f


def _received(f: F | ProblemKey) -> F:
    """Return the function of what a task gets."""
    return _catalogue()[f] if isinstance(f, tuple) else f


@cache
def _catalogue() -> dict[ProblemKey, Any]:
    return {(type(f).__name__, f.name): f for f in standard_functions()}


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# Tasks.


def _compile_adaptive() -> None:
    """Compile the kernels of the adaptive rule; other processes load them from disk."""
    derivative(np.sin, np.linspace(0.0, 1.0, COMPILING))


def _judge(plan: Plan, sent: Problem | ProblemKey, number: int) -> Judged:
    """Judge all methods on a function, and keep the trial for `_time`."""
    problem = _received(sent)
    trial = _trials[number] = Trial(problem, plan.count)
    methods = plan.chosen()
    rows = [trial.judge(method, is_called=not plan.is_compiled(method, problem.name)) for method in methods]
    shown = methods if _matches(problem.name, plan.curves) else ()
    curves = [curve for method in shown if (curve := trial.curve(method))]
    profiles = [profile for method in shown if (profile := trial.profile(method))]
    trial.release()
    return rows, curves, profiles


def _time(plan: Plan, number: int) -> dict[str, Fields]:
    """Time the methods that have machine code, and other libraries."""
    trial = _trials.pop(number)
    return trial.times(method for method in plan.chosen() if plan.is_compiled(method, trial.problem.name))


def _judge_corpus(plan: Plan, cases: list[Case | ProblemKey], which: int) -> CorpusVerdict:
    """Judge one method; in the default report it calls the functions, which saves compiling two hundred."""
    method = plan.judged()[which]

    def estimate(f: Elementwise, x: FloatArray) -> tuple[Array, ...]:
        assert method.estimate is not None
        if method.ours and (plan.is_default or method.stencil is not None):  # compiling would take minutes
            f = Counted(batched(f))
        return tuple(method.estimate(f if method.ours else batched(f), (x,), 0))

    figures = measure(estimate, list(map(_received, cases)), factors=FACTORS)
    worst = {kind: records[:KEPT] for kind, records in figures.offenders.items()}
    return CorpusVerdict(method.name, method.label, replace(figures, offenders=worst))


def _compile_corpus(plan: Plan, cases: list[Case | ProblemKey]) -> None:
    """Compile what `_time_corpus` times."""
    for case in timed_cases(list(map(_received, cases))):
        for method in plan.judged():
            if method.ours:
                method.run(case.f, (np.resize(case.x, COMPILING),), 0)


def _time_corpus(plan: Plan, cases: list[Case | ProblemKey]) -> dict[str, Pace]:
    """Time the methods on a few functions of the corpus."""
    few = timed_cases(list(map(_received, cases)))
    return time_in_turns(plan.judged(), [Workload(case.f, batched(case.f), (case.x,)) for case in few], plan.count)
