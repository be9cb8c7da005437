"""How accurate, how fast and how costly methods are, on functions whose true derivative is known."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any

import numpy as np

from ._blocks import cores
from ._measuring import Bench
from .methods import chosen_methods
from .problems import Problem, gate_problems, problem_of
from .results import Curve, Results, Row

#: Points of a report when nobody says how many.
COUNT = 1_000_000

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, repr=False)
class AccuracyReport(Results):
    """What `accuracy` found: rows, curves, and where and with what it ran."""

    def to_json(self) -> str:
        """Write the report for machines."""
        from .report import json_text

        return json_text(self)

    def to_markdown(self) -> str:
        """Write the report as a page."""
        from .report import markdown

        return markdown(self)

    def __repr__(self) -> str:
        """Print the report as a table."""
        from .report import plain_text

        return plain_text(self)


def accuracy(
    functions: Any = None,
    methods: Any = None,
    points: Any = None,
    *,
    domain: Sequence[tuple[float, float]] = (),
    wrt: int = 0,
    curves: Iterable[str] = (),
    progress: Progress | None = None,
) -> AccuracyReport:
    """Compare methods on functions, against the true derivative.

    Parameters
    ----------
    functions : callable, Problem, or sequence of them, optional
        Gates bring their own derivative; the truth of any other function comes from arithmetic of 1000 bits where
        mpmath can evaluate it, else from the best rule there is, and the rows say so. Left out: every gate that has
        a derivative and the functions of `fastgrad.catalogue`.
    methods : rule, word, Method, or sequence of them, optional
        Words are those of `derivative`, and ``"numpy"`` and ``"scipy"`` for a naive difference and
        `scipy.differentiate.derivative`. Left out: all of them, with central differences of order 4 and 6.
    points : int, array_like, or tuple of array_like, optional
        How many points to draw, a million if left out; or the points themselves, one array for each argument.
    domain : sequence of (low, high), optional
        For each argument the interval from which points are drawn, for functions that come without.
    wrt : int, default 0
        Which argument to differentiate in.
    curves : iterable of str, optional
        Names of the functions (wildcards allowed) to take curves of error against step of.
    progress : callable, optional
        Called as ``progress(done, total, name)``.

    Returns
    -------
    AccuracyReport
        A value: ``rows``, ``summary()``, ``to_json()``, ``to_markdown()``; its `repr` is a table.

    Raises
    ------
    TypeError, ValueError
        When a function has no points, or a method is unknown.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> report = fg.accuracy(np.sin, ["central", fg.central(6)], np.linspace(-3, 3, 1000))
    >>> [row.max_error < 1e-9 for row in report.rows]
    [True, True]
    """
    count, given = (COUNT, points) if points is None or np.ndim(_first(points)) else (_count(points), None)
    if functions is None:
        from .catalogue import FUNCTIONS  # scipy.special need not be loaded with the package

        problems: tuple[Problem, ...] = gate_problems() + FUNCTIONS
    else:
        several = functions if isinstance(functions, (list, tuple)) else (functions,)
        problems = tuple(problem_of(f, given, domain, wrt) for f in several)
    chosen = chosen_methods(methods)
    wanted = tuple(curves)
    rows: list[Row] = []
    drawn: list[Curve] = []
    for done, problem in enumerate(problems):
        if progress:
            progress(done, len(problems), problem.name)
        bench = Bench(problem, len(np.ravel(given)) if given is not None and not problem.domain else count)
        rows += [bench.row(method) for method in chosen]
        if any(fnmatchcase(problem.name, pattern) for pattern in wanted):
            drawn += [curve for method in chosen if (curve := bench.curve(method))]
    if progress:
        progress(len(problems), len(problems), "")
    return AccuracyReport(tuple(rows), tuple(drawn), _about(count if given is None else None))


def _first(points: Any) -> Any:
    return points[0] if isinstance(points, (tuple, list)) and points else points


def _count(points: Any) -> int:
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)):
        raise TypeError(f"`points` must be a whole number or an array; got {points!r:.80}. Pass, say, 1000.")
    if points < 2:
        raise ValueError(f"`points` must be at least 2; got {points}. Pass, say, 1000.")
    return int(points)


def _about(count: int | None) -> dict[str, str]:
    """Where and with what the report was made."""
    libraries = ("fastgrad", "numpy", "scipy", "numba")
    return {
        "points": f"{count:,}" if count else "given",
        "cores": str(cores()),
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: version(name) for name in libraries}
