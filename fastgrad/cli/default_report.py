"""The default report: hundreds of functions in about two minutes, from an empty cache.

Machine code takes most of the time: 0.4 s for each rule and function. It is compiled for `central` and `adaptive` on
every function, for the other rules on `TIMED` alone; elsewhere these are run by calling the function with arrays, which
changes no error beyond rounding, and their rows have no time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from math import nan
from typing import Any

from ..comparison import Method, accuracy, judged_methods, precompile, standard_methods
from ..corpus import Case, batched
from ..report import AccuracyReport

#: Functions that get curves of error against step and along their domain.
REPRESENTATIVES = ("Black-Scholes delta", "Runge", "Squire-Trapp", "small network", "Lennard-Jones")

#: Functions on which every rule is compiled and timed.
TIMED = (*REPRESENTATIVES, "sigmoid", "tanh", "multiply", "exp", "sin", "power, first", "sum_square")

#: Rules that are compiled and timed on every function.
COMPILED = ("central(order=2)", "adaptive()")

#: Points at which a rule that is not timed is run: more would move no quantile of its errors.
COUNT = 100_000

#: Points of other libraries that take 0.1 to 2 ms for each: of the timed run, and of their error bars.
SLOW = {"numdifftools": (1000, 25), "jacobi": (25, 25), "statsmodels": (250, 25)}

Progress = Callable[[int, int, str], None]
Elementwise = Callable[..., Any]


class Called:
    """A function that is called with arrays: objects are not compiled."""

    def __init__(self, f: Elementwise) -> None:
        self._f = f

    def __call__(self, *args: Any) -> Any:
        """Evaluate the function."""
        return self._f(*args)


def compare(
    problems: Sequence[Any], count: int, curves: Sequence[str] = (), progress: Progress | None = None
) -> AccuracyReport:
    """Compare all methods on functions and on cases of the corpus, at `count` points of each function.

    `curves` are the names of the functions that get curves. The rows are in the order of `problems`.
    """
    cases = [problem for problem in problems if isinstance(problem, Case)]
    functions = [problem for problem in problems if not isinstance(problem, Case)]
    timed = [problem for problem in functions if problem.name in TIMED]
    others = [problem for problem in functions if problem.name not in TIMED]
    methods = [_limited(method) for method in standard_methods()]
    judged = [_limited(method) for method in judged_methods()]
    untimed = {method.name for method in methods if method.ours} - set(COMPILED)
    precompile([problem.name for problem in timed], curves, progress)
    parts = [
        accuracy(part, ways, count, curves=curves, progress=progress or (lambda done, total, name: None))
        for part, ways in (
            (timed, methods),
            (others, [_called(method) if method.name in untimed else method for method in methods]),
            (cases, [replace(method, estimate=_estimate(method, lambda f: Called(batched(f)))) for method in judged]),
        )
        if part
    ]
    names = {problem.name for problem in others}
    rows = [
        replace(row, nanoseconds=nan, timed=0) if row.method in untimed and row.function in names else row
        for part in parts for row in part.rows
    ]  # fmt: skip
    order = {problem.name: i for i, problem in enumerate(functions)}
    return AccuracyReport(
        tuple(sorted(rows, key=lambda row: order[row.function])), tuple(c for part in parts for c in part.curves),
        parts[0].about, parts[-1].verdicts, tuple(p for part in parts for p in part.profiles),
    )  # fmt: skip


def _limited(method: Method) -> Method:
    limit, barred = SLOW.get(method.name, (method.limit, method.barred))
    return replace(method, limit=limit, barred=barred)


def _called(method: Method) -> Method:
    """Run a rule by calling the function with arrays."""

    def run(f: Elementwise, args: tuple[Any, ...], wrt: int) -> Any:
        return method.run(_as_object(f), args, wrt)

    return replace(method, run=run, estimate=_estimate(method, Called), limit=COUNT)


@lru_cache(maxsize=4)
def _as_object(f: Elementwise) -> Called:
    """Keep the object of a function: the first call of each is also a trial."""
    return Called(f)


def _estimate(method: Method, wrap: Callable[[Elementwise], Elementwise]) -> Any:
    """Return the estimate of one of our rules through calls of the function; that of another library as it is."""
    estimate = method.estimate
    if estimate is None or not method.ours:
        return estimate
    return lambda f, args, wrt: estimate(wrap(f), args, wrt)
