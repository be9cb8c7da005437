"""The default report: hundreds of functions in two minutes on two cores, from an empty cache.

Two phases. First all cores judge: they compile, compute truths, and take errors, without a clock. Then one process at a
time measures speed, with the machine to itself and the machine code of the first phase.

Machine code takes most of the time, 0.4 s for each rule and function. It is compiled for `central` and `adaptive` on
every function, for the other rules on `TIMED` alone. Elsewhere these call the function with arrays, which changes no
error beyond rounding, and their rows have no time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from .._parallel import cores
from ..differentiation.derivatives import derivative
from ..report import AccuracyReport
from ..report.results import Curve, Pace, Profile, Row, Verdict
from . import _verdicts
from ._about import about
from ._catalogue import FUNCTIONS, logistic
from ._method import Method
from ._methods import judged_methods, method_of, standard_methods
from ._peers import NUMPY
from ._problems import Problem, gate_problems
from ._timing import race
from ._trial import Trial
from ._workers import Task, Workers

#: Functions that get curves of error against step and along their domain.
REPRESENTATIVES = ("Black-Scholes delta", "Runge", "Squire-Trapp", "small network", "Lennard-Jones")

#: Functions on which every rule is compiled and timed, when there are `MANY`.
TIMED = (*REPRESENTATIVES, "sigmoid", "multiply")

#: Rules that are compiled and timed on every function.
COMPILED = ("central(order=2)", "adaptive()")

#: Points of other libraries that take 0.1 to 2 ms for each, and of their error bars.
SLOW = {"numdifftools": (1000, 25), "jacobi": (25, 25), "statsmodels": (250, 25)}

#: Starting processes costs two seconds: `FEWEST` functions are worth it. From `MANY` on, compiling everything takes
#: too long.
FEWEST, MANY = 12, 100

#: Points that are worth compiling the adaptive kernels for.
COMPILING = 1000

Progress = Callable[[int, int, str], None]
Judged = tuple[list[Row], list[Curve], list[Profile]]

#: Trials of this process between the two phases.
_trials: dict[str, Trial] = {}


def compare_standard(
    problems: Sequence[Any], count: int, curves: Sequence[str] = (), progress: Progress | None = None
) -> AccuracyReport:
    """Compare all methods on functions of `standard_functions`, at `count` points of each.

    `curves` are the names of the functions that get curves. The rows are in the order of `problems`.
    """
    several = cores() if len(problems) >= FEWEST else 1
    with suppress(OSError, BrokenExecutor):  # where processes cannot be started, this one does everything
        if several > 1:
            with Workers(several) as workers:
                return _compare(workers, problems, count, curves, progress)
    with Workers(0) as workers:
        return _compare(workers, problems, count, curves, progress)


def first_rows() -> list[Row]:
    """Judge three methods on one function, within a second."""
    trial = Trial(Problem("sigmoid", logistic, ((-10.0, 10.0),), lambda x: logistic(x) * logistic(-x)), 200)
    return [trial.judge(method, is_called=method.ours) for method in (*map(method_of, ("adaptive", "central")), NUMPY)]


def _compare(
    workers: Workers, problems: Sequence[Any], count: int, curves: Sequence[str], progress: Progress | None
) -> AccuracyReport:
    """Judge on all workers, then time on one after the other."""
    names = [problem.name for problem in problems if isinstance(problem, Problem)]
    cases = tuple(problem.name for problem in problems if not isinstance(problem, Problem))
    timed = TIMED if len(problems) >= MANY else names
    judged = [method.name for method in judged_methods()] if cases else []
    tasks: dict[str, Task] = {
        "adaptive kernels": _compile_adaptive,
        # the slowest first; ours last, since they need the adaptive kernels
        **{f"corpus: {method}": partial(_judge_corpus, method, cases) for method in reversed(judged)},
        **({"corpus: compiling": partial(_compile_corpus, cases)} if cases else {}),
        **{name: partial(_judge, name, count, name in curves, name in timed) for name in names},
    }
    labels = list(tasks)
    total = len(labels) + len(names) + bool(cases)
    results: dict[str, Any] = {}
    places: dict[str, int] = {}
    for done, (number, worker, result) in enumerate(workers.spread(list(tasks.values()))):
        results[labels[number]], places[labels[number]] = result, worker
        if progress:
            progress(done, total, f"errors: {labels[number]}")
    times: dict[str, dict[str, Any]] = {}
    for done, name in enumerate(names, len(labels)):
        if progress:
            progress(done, total, f"speed: {name}")
        times[name] = workers.run(places[name], partial(_time, name, name in timed))
    paces: dict[str, Pace] = {}
    if cases:
        if progress:
            progress(total - 1, total, "speed: corpus")
        paces = workers.run(places["corpus: compiling"], partial(_time_corpus, cases, count))
    parts: list[Judged] = [results[name] for name in names]
    return AccuracyReport(
        tuple(replace(row, **times[row.function].get(row.method, {})) for rows, _, _ in parts for row in rows),
        tuple(curve for _, curves, _ in parts for curve in curves),
        about(count),
        tuple(replace(results[f"corpus: {name}"], pace=paces.get(name, Pace())) for name in judged),
        tuple(profile for _, _, profiles in parts for profile in profiles),
    )


# Tasks: they name what they need, since functions of the catalogue cannot be sent to another process.


def _compile_adaptive() -> None:
    """Compile the kernels of the adaptive rule; other processes load them from disk."""
    derivative(np.sin, np.linspace(0.0, 1.0, COMPILING))


def _judge(name: str, count: int, has_curves: bool, is_timed: bool) -> Judged:
    """Judge all methods on a function, and keep the trial for `_time`."""
    trial = _trials[name] = Trial(_problems()[name], count)
    rows = [trial.judge(method, is_called=not _is_compiled(method, is_timed)) for method in _methods()]
    curves = [curve for method in _methods() if has_curves and (curve := trial.curve(method))]
    profiles = [profile for method in _methods() if has_curves and (profile := trial.profile(method))]
    trial.errors.clear()
    return rows, curves, profiles


def _time(name: str, is_timed: bool) -> dict[str, dict[str, Any]]:
    """Time the methods that machine code was compiled for, and other libraries."""
    return _trials.pop(name).times(method for method in _methods() if _is_compiled(method, is_timed))


def _judge_corpus(name: str, cases: tuple[str, ...]) -> Verdict:
    """Judge one method on the corpus; calling the functions saves compiling two hundred, and changes no figure."""
    (method,) = (_limited(method) for method in judged_methods() if method.name == name)
    return _verdicts.verdict(method, _verdicts.cases_of(cases), is_called=True)


def _compile_corpus(cases: tuple[str, ...]) -> None:
    """Compile what `_time_corpus` times."""
    for work in _verdicts.workloads(_verdicts.cases_of(cases)):
        for method in judged_methods():
            if method.ours:
                method.run(work.f, (np.resize(work.x, COMPILING),), 0)


def _time_corpus(cases: tuple[str, ...], count: int) -> dict[str, Pace]:
    """Time the methods on a few functions of the corpus."""
    return race([_limited(m) for m in judged_methods()], _verdicts.workloads(_verdicts.cases_of(cases)), count)


@cache
def _problems() -> dict[str, Problem]:
    return {problem.name: problem for problem in (*gate_problems(), *FUNCTIONS)}


@cache
def _methods() -> tuple[Method, ...]:
    return tuple(map(_limited, standard_methods()))


def _limited(method: Method) -> Method:
    limit, barred = SLOW.get(method.name, (method.limit, method.barred))
    return replace(method, limit=limit, barred=barred)


def _is_compiled(method: Method, is_timed: bool) -> bool:
    """Return whether a method has machine code for a function; other libraries do as they do."""
    return is_timed or not method.ours or method.name in COMPILED
