"""The true derivative of a problem at its points: in closed form, else by high precision, else by the adaptive rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..differentiation.derivatives import derivative
from ._problems import Floats, Problem, filled, head, size_of

#: Points at which errors are taken: more would move no quantile, and take longer than what is measured.
JUDGED = 100_000


class Truth(NamedTuple):
    """What is true at the first points of a problem."""

    #: The derivative; NaN where there is none.
    df: Floats
    #: The local slope that errors are relative to: see `DEFINITION` of the report.
    scale: Floats
    #: Where the derivative is from, in words.
    origin: str


def truth_of(problem: Problem, args: tuple[Any, ...], on_arrays: Callable[..., Any]) -> Truth:
    """Find the truth at as many of the points `args` as can be had in bearable time; `on_arrays` is the function."""
    if problem.exact is not None:
        few = head(args, JUDGED)
        df, values = (filled(g(*few), size_of(few)) for g in (problem.exact, on_arrays))
        return Truth(df, _scale(problem, df, values, problem.exact, few), "closed form")
    from ._highprecision import POINTS, true_derivative
    from ._translation import Untranslatable

    few = head(args, POINTS)
    values = filled(on_arrays(*few), size_of(few))
    try:
        return Truth(*true_derivative(problem.f, few, problem.wrt, values), "mpmath, 1000 bits")
    except Untranslatable as refusal:
        why = f" (mpmath: {refusal})"
    except ImportError:
        why = " (mpmath is not installed)"

    def best(*args: Any) -> Any:
        return derivative(problem.f, *args, wrt=problem.wrt)

    df = filled(best(*few), values.size)
    return Truth(df, _scale(problem, df, values, best, few), f"adaptive, itself inexact{why}")


def _scale(problem: Problem, df: Floats, values: Floats, exact: Callable[..., Any], args: tuple[Any, ...]) -> Floats:
    """Slope scale of derivatives `df` and values of the function, on arrays; `corpus` has it in high precision."""
    wrt = problem.wrt
    x = np.asarray(args[wrt], dtype=np.float64)
    apart = np.where(x == 0.0, 2.0**-10, x * 2.0**-10)
    below, above = (np.abs(exact(*args[:wrt], x + d, *args[wrt + 1 :])) for d in (-apart, apart))
    mean = np.nan_to_num(filled(below + above, df.size) / 2, nan=0.0, posinf=0.0)
    feigned = np.nan_to_num(1e-9 * np.abs(values) / np.maximum(np.abs(x), 1.0), nan=0.0, posinf=0.0)
    scale: Floats = np.maximum.reduce([np.abs(df), mean, feigned])
    return np.maximum(scale, 1e-300)
