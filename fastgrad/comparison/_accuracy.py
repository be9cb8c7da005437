"""How accurate, how fast and how costly methods are, on functions whose true derivative is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ..report import terminal
from ..report.model import AccuracyReport
from ..report.results import Curve, Profile, Row, Verdict
from ._about import about
from ._method import Method
from ._methods import chosen_methods, judged_methods, standard_methods
from ._problems import Problem, gate_problems, problem_of
from ._trial import Trial

#: Points of a report when nobody says how many.
COUNT = 1_000_000

Progress = Callable[[int, int, str], None]


def accuracy(
    functions: Any = None,
    methods: Any = None,
    points: Any = None,
    *,
    domain: Sequence[tuple[float, float]] = (),
    wrt: int = 0,
    curves: str | Iterable[str] = (),
    progress: Progress | None = None,
) -> AccuracyReport:
    """Compare methods on functions, against the true derivative.

    Parameters
    ----------
    functions : callable, Problem, Case, or sequence of them, optional
        Gates bring their own derivative; the truth of any other function comes from arithmetic of 1000 bits where
        mpmath can evaluate it, else from the adaptive rule, and the rows say so. Cases of `fastgrad.corpus` are judged
        together, at their own points. Left out: every gate that has a derivative, a catalogue of real functions, and
        the whole corpus. A `fastgrad.comparison.Problem` is a function with its points and its derivative.
    methods : rule, word, Method, or sequence of them, optional
        Words are those of `derivative`, and ``"numpy"``, ``"scipy"``, ``"numdifftools"``, ``"jacobi"``,
        ``"statsmodels"`` and ``"jax"`` for a naive difference and other libraries; jax gives the exact gradient of
        what it can trace. Left out: every rule and every library that is installed; on the corpus the adaptive rule,
        a central difference and the libraries that call a function instead of tracing it.
    points : int, array_like, or tuple of array_like, optional
        How many points to draw, a million if left out; or the points themselves, one array for each argument, which
        broadcast together.
    domain : sequence of (low, high), optional
        For each argument the interval from which points are drawn, for functions that come without.
    wrt : int, default 0
        Which argument to differentiate in.
    curves : str or iterable of str, optional
        Names of the functions (wildcards allowed) to take curves of error against step, and along the domain, of;
        they are in the page.
    progress : callable, optional
        Called as ``progress(done, total, name)``. Left out: a bar on standard error, if that is a terminal and rich is
        installed.

    Returns
    -------
    AccuracyReport
        A value: ``rows``, ``summary()``, ``curves``, ``profiles``, ``verdicts`` on the corpus, ``to_json()``,
        ``to_markdown()``, ``to_html()``, ``to_dataframe()``; its `repr` is a table. Errors are relative to the local
        slope, times are nanoseconds per point.

    Raises
    ------
    TypeError
        When a function cannot be called, or not with so many arguments; when a method is no rule; when points are not
        real numbers.
    ValueError
        When a function has no points or none is given, a method is unknown or not installed, or `domain` or `wrt` fits
        no argument.

    Notes
    -----
    One function of yours takes some seconds. With everything left out the comparison takes some minutes, more the first
    time, when six hundred functions are compiled; ``fastgrad report`` compiles them on all cores.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> report = fg.accuracy(np.sin, ["central", fg.central(6)], np.linspace(-3, 3, 1000))
    >>> [row.max_error < 1e-9 for row in report.rows]
    [True, True]
    """
    count, given = (_count(points), None) if _is_number(points) else (COUNT, points)
    if functions is None:
        from ..corpus import CASES  # neither need be loaded with the package
        from ._catalogue import FUNCTIONS

        several: Sequence[Any] = (*gate_problems(), *FUNCTIONS, *CASES)
    else:
        several = functions if isinstance(functions, (list, tuple)) else (functions,)
        if not several:
            raise ValueError("`functions` must hold at least one function; got none. Leave it out to take them all.")
    cases = [f for f in several if _is_case(f)]
    problems = [problem_of(f, given, domain, wrt) for f in several if not _is_case(f)]
    facts = about(count if given is None else None)
    if given is not None:
        count = max((problem.size for problem in problems), default=count)
    chosen = chosen_methods(methods)
    with nullcontext(progress) if progress else terminal.progress() as tell:
        wanted = (curves,) if isinstance(curves, str) else tuple(curves)
        return _compared(problems, cases, chosen, count, wanted, facts, tell or _silent)


def _silent(done: int, total: int, name: str) -> None:
    """Tell nobody how far it is."""


def _compared(
    problems: Sequence[Problem],
    cases: Sequence[Any],
    chosen: tuple[Method, ...] | None,
    count: int,
    wanted: Sequence[str],
    facts: dict[str, str],
    progress: Progress,
) -> AccuracyReport:
    """Measure every method on every function, then judge those of the corpus."""
    rows: list[Row] = []
    curves: list[Curve] = []
    profiles: list[Profile] = []
    judged: tuple[Verdict, ...] = ()
    methods = chosen or standard_methods()
    total = len(problems) + bool(cases)
    for done, problem in enumerate(problems):
        progress(done, total, problem.name)
        trial = Trial(problem, count)
        rows += [trial.row(method) for method in methods]
        if any(fnmatchcase(problem.name, pattern) for pattern in wanted):
            curves += [curve for method in methods if (curve := trial.curve(method))]
            profiles += [profile for method in methods if (profile := trial.profile(method))]
    if cases:
        from ._verdicts import verdicts

        def tell(name: str) -> None:
            progress(len(problems), total, f"corpus: {name}")

        judged = verdicts(chosen or judged_methods(), cases, min(count, COUNT), tell)
    progress(total, total, "")
    return AccuracyReport(tuple(rows), tuple(curves), facts, judged, tuple(profiles))


def _is_case(f: Any) -> bool:
    """Tell a case of the corpus, without loading the corpus for those who never did."""
    corpus = sys.modules.get("fastgrad.corpus")
    return corpus is not None and isinstance(f, corpus.Case)


def _is_number(points: Any) -> bool:
    """Tell a number of points from the points themselves."""
    return points is not None and not isinstance(points, (tuple, list)) and np.ndim(points) == 0


def _count(points: Any) -> int:
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)):
        raise TypeError(f"`points` must be a whole number or an array; got {points!r:.80}. Pass, say, 1000.")
    if points < 2:
        raise ValueError(f"`points` must be at least 2; got {points}. Pass, say, 1000.")
    return int(points)
