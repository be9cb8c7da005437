"""How accurate, how fast and how costly methods are, on functions whose true derivative is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import explains_keywords
from ..corpus import Case
from ..report import formats
from ..report.model import AccuracyReport
from ._catalogue import standard_functions
from ._methods import Elementwise, chosen_methods
from ._problems import Problem, problem_of, size_of
from ._timing import about
from .standard import Plan, Progress, compare

#: A function to compare methods on.
Functions = Elementwise | Problem | Case

#: Points of a function in a report by default.
REPORT_POINTS = 1_000_000


# Seven parameters: each part of a report has a keyword.
@explains_keywords
def accuracy(
    functions: Functions | Sequence[Functions] | None = None,
    methods: object = None,
    points: object = None,
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
        Gates bring their own derivative. The truth of any other function is computed with 1000 bits where mpmath can
        evaluate it, else by the adaptive rule, and the rows say so. Cases of `fastgrad.corpus` are judged together, at
        their own points. Left out: every gate that has a derivative, a catalogue of real functions, and the corpus.
    methods : rule, word, Method, or sequence of them, optional
        Words are those of `derivative`, and ``"numpy"``, ``"scipy"``, ``"numdifftools"``, ``"jacobi"``,
        ``"statsmodels"`` and ``"jax"`` for a naive difference and other libraries; jax gives the exact gradient of
        what it can trace. Left out: every rule and every library that is installed; on the corpus the adaptive rule,
        a central difference and the libraries that call a function instead of tracing it.
    points : int, array_like, or tuple of array_like, optional
        Number of points to draw, a million if left out; or the points themselves, one array for each argument, which
        broadcast together.
    domain : sequence of (low, high), optional
        For each argument the interval from which points are drawn, for functions that come without.
    wrt : int, default 0
        The argument to differentiate in.
    curves : str or iterable of str, optional
        Names of functions (wildcards allowed) that get curves of error against step and along the domain.
    progress : callable, optional
        Called as ``progress(done, total, name)``. By default a line on standard error, if that is a terminal.

    Returns
    -------
    AccuracyReport
        Its `repr` is a table. Errors are relative to the local slope, times are nanoseconds per point.

    Raises
    ------
    TypeError
        When a function cannot be called, or not with so many arguments; when a method is no rule; when points are not
        real numbers.
    ValueError
        When a function has no points, there is no function, a method is unknown or not installed, or `domain` or `wrt`
        fits no argument.

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
    count, columns = _count_and_columns(points)
    if functions is None:
        functions = standard_functions()
    several = functions if isinstance(functions, (list, tuple)) else (functions,)
    if not several:
        raise ValueError("`functions` must hold at least one function; got none. Leave it out to take them all.")
    several = [f if isinstance(f, Case) else problem_of(f, columns, domain, wrt) for f in several]
    facts = about(count if columns is None else None)
    if columns is not None:
        count = max((size_of(f.given) for f in several if isinstance(f, Problem)), default=count)
    plan = Plan(count, (curves,) if isinstance(curves, str) else tuple(curves), methods=chosen_methods(methods))
    with nullcontext(progress) if progress else formats.progress() as show:
        return replace(compare(several, plan, show), about=facts)


def _count_and_columns(points: Any) -> tuple[int, object]:
    """Return the number of points to draw, and the caller's own points, or None."""
    if points is None or isinstance(points, (tuple, list)) or np.ndim(points):
        return REPORT_POINTS, points
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)):
        raise TypeError(f"`points` must be a whole number or an array; got {points!r:.80}. Pass, say, 1000.")
    if points < 2:
        raise ValueError(f"`points` must be at least 2; got {points}. Pass, say, 1000.")
    return int(points), None
