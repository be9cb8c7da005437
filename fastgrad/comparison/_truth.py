"""The true derivative of a problem: in closed form, else by mpmath, else by the adaptive rule.

A copy of the function for mpmath is believed only where its values are those of the original.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from .._signals import reraise_if_signal
from ..corpus import BITS, Case, differentiate, evaluate, slope_scale
from ..corpus.translation import Untranslatable, for_mpmath
from ..differentiation.derivatives import derivative
from ._methods import Args, Elementwise
from ._problems import Floats, Problem, broadcast, head, size_of

#: Points at which errors are taken: more would move no quantile, and take longer than the timed run.
JUDGED = 100_000

#: Points at which mpmath computes the truth, and how long it may take.
POINTS, SECONDS = 1000, 10.0

#: How well values of mpmath must agree with the original, relative to ``|f| + |x f'|``: loose, since `f` may cancel.
AGREEMENT = 1e-6


#: The derivative, NaN where there is none; the local slope that errors are relative to; the source in words.
Truth = tuple[Floats, Floats, str]


def truth_of(problem: Problem, args: Args, on_arrays: Elementwise) -> Truth:
    """Return the truth at as many of the points `args` as take bearable time; `on_arrays` is the function."""
    if problem.exact is not None:
        few = head(args, JUDGED)
        df, values = (broadcast(g(*few), size_of(few)) for g in (problem.exact, on_arrays))
        return df, _scale(problem, df, values, problem.exact, few), "closed form"
    few = head(args, POINTS)
    values = broadcast(on_arrays(*few), size_of(few))
    try:
        return *true_derivative(problem.f, few, problem.wrt, values), "mpmath, 1000 bits"
    except Untranslatable as refusal:
        reason = f" (mpmath: {refusal})"
    except ImportError:
        reason = " (mpmath is not installed)"

    def adaptive(*args: Any) -> Any:
        return derivative(problem.f, *args, wrt=problem.wrt)

    df = broadcast(adaptive(*few), values.size)
    return df, _scale(problem, df, values, adaptive, few), f"adaptive, itself inexact{reason}"


def _scale(problem: Problem, df: Floats, values: Floats, slope: Elementwise, args: Args) -> Floats:
    """Return the slope scale at derivatives `df` and values of the function; `corpus` has it in high precision."""
    wrt = problem.wrt
    x = np.asarray(args[wrt], dtype=np.float64)
    apart = np.where(x == 0.0, 2.0**-10, x * 2.0**-10)
    below, above = (np.abs(slope(*args[:wrt], x + d, *args[wrt + 1 :])) for d in (-apart, apart))
    mean = np.nan_to_num(broadcast(below + above, df.size) / 2, nan=0.0, posinf=0.0)
    rounding = np.nan_to_num(1e-9 * np.abs(values) / np.maximum(np.abs(x), 1.0), nan=0.0, posinf=0.0)
    scale: Floats = np.maximum.reduce([np.abs(df), mean, rounding])
    return np.maximum(scale, 1e-300)


def true_derivative(f: Elementwise, args: Args, wrt: int, values: Floats) -> tuple[Floats, Floats]:
    """Return derivative and slope scale by mpmath, at as many first points as `POINTS` and `SECONDS` allow.

    Raises `Untranslatable` when mpmath cannot evaluate `f`, or gets other values than `values`, those in float64.
    """
    import mpmath as m

    copy = for_mpmath(f)
    rows = zip(*(a[:POINTS].tolist() for a in np.broadcast_arrays(*args)), strict=True)
    results = []
    start = perf_counter()
    for row, value in zip(rows, values.tolist(), strict=False):
        with m.workprec(BITS):
            results.append(_at_point(copy, row, wrt, value))
        if len(results) % 100 == 0 and perf_counter() - start > SECONDS:
            break
    df, scale = np.array(results).T
    if not np.isfinite(df).any():
        raise Untranslatable("it has no derivative at any of the points")
    return df, scale


def _at_point(copy: Callable[..., Any], row: tuple[float, ...], wrt: int, value: float) -> tuple[float, float]:
    """Return derivative and slope scale at one point, after a comparison of the value with that in float64."""
    import mpmath as m

    def exact(m: Any, x: Any) -> Any:
        return copy(*(x if i == wrt else m.mpf(number) for i, number in enumerate(row)))

    case, x = Case("", "", copy, (), exact), row[wrt]
    try:
        y = evaluate(case, m, m.mpf(x))
        if y is None:
            return math.nan, math.nan
        slope = differentiate(case, m, m.mpf(x))[0]
        true_value, df = float(y), math.nan if slope is None else float(slope)
        scale = slope_scale(case, m, x, value, df)
    except Untranslatable:
        raise
    except Exception as problem:  # whatever a function written for floats does with other numbers
        reraise_if_signal(problem)
        raise Untranslatable(f"mpmath's numbers raise {type(problem).__name__}: {problem}") from problem
    size = abs(value) + abs(x * df if math.isfinite(df) else 0.0)
    if math.isfinite(value) and not abs(true_value - value) <= AGREEMENT * size + 1e-300:
        raise Untranslatable(f"at {x:.6g} mpmath gets {true_value:.10g}, float64 gets {value:.10g}")
    return df, scale
