"""What wrong values look like where no repair explains them: one value, few right digits, a part without effect."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ._analytic import Analytic
from ._comparison import ALIKE, Comparison, join, median
from ._problem import attempt
from ._repairs import describe_factor

#: What makes differences that are small against the value, and how small.
INEXACT = "`f` itself is inexact (a quadrature, a solver, a table) and this is the derivative of what it computes"
SMALL = 0.01

#: Longest vector of which every coordinate is moved; moves relative to the size of a coordinate, or to the least size.
LONGEST = 40
MOVE, LEAST = 2.0**-5, 2.0**-3

#: A value changes with a coordinate above the first share of its size, and does not below the second.
CHANGED, SAME = 1e-6, 1e-12


def constant(c: Comparison) -> str | None:
    """Recognise one analytic value wherever it is wrong, as 0 where something is detached."""
    values = c.values[c.gross]
    if values.size < 2 or (values != values.flat[0]).any() or (values.flat[0] and np.ptp(c.df[c.gross]) == 0):
        return None
    return f"the analytic value is {values.flat[0] + 0.0:.7g} wherever it is wrong"


def elsewhere(c: Comparison) -> str | None:
    """Recognise the right values of each point at other coordinates, in an order that may change with the point."""
    if not c.inner or np.iscomplexobj(c.values) or not np.isfinite([c.values, c.df]).all():
        return None
    shape = (*c.problem.batch, -1)
    values, df = (np.sort(a.reshape(shape), axis=-1) for a in (c.values, c.df))
    allowed = np.max(c.judgement.allowed.reshape(shape), axis=-1, keepdims=True)
    is_same = (np.abs(values - df) <= ALIKE * np.abs(df) + allowed).all()
    return "the right values at other coordinates: an index" if is_same else None


def mixes_points(c: Comparison) -> str | None:
    """Recognise values that another order of the points changes."""
    first, values = c.analytic.first, c.values
    if first is None or (np.abs(first - values) <= ALIKE * np.abs(values))[np.isfinite(values)].all():
        return None
    return "the values change with the order of the points: it mixes points up, or remembers earlier calls"


def factor_in_part(c: Comparison) -> str | None:
    """Recognise a sign or a known factor at some of the coordinates, where others are wrong in another way."""
    if np.iscomplexobj(c.values) or c.inner != 1 or math.prod(c.problem.batch) < 3:
        return None
    here = c.gross & (c.values != 0)
    named: dict[str, list[int]] = {}
    for k in np.flatnonzero(here.sum(axis=c.problem.point_axes) >= 3):
        ratios = (c.values / c.df)[..., k][here[..., k]]
        value = median(ratios)
        if value is not None and (np.abs(ratios / value - 1) < ALIKE).all():
            name = "-1" if abs(value + 1) < ALIKE else describe_factor(value, c)
            if name is not None:
                named.setdefault(name, []).append(int(k))
    if not named:
        return None
    name, where = max(named.items(), key=lambda item: len(item[1]))
    return f"off by the factor {name} at coordinate{'s' * (len(where) > 1)} {join(where)}, and in other ways at others"


def dependence(c: Comparison) -> str | None:
    """Recognise an analytic function that does not change with a coordinate as the derivative does, or the other way.

    Every coordinate of the point with the most mistakes is moved in turn.
    """
    dim = np.shape(c.problem.args[0])[-1] if c.problem.of != "derivative" else 0
    if not 0 < dim <= LONGEST or not callable(c.analytic.source):
        return None
    shape = c.values.shape[len(c.problem.batch) :]
    k = int(np.argmax(c.gross.reshape(-1, math.prod(shape)).sum(axis=1)))
    x = c.problem.vectors.reshape(-1, dim)[k]
    points = x + np.diag(MOVE * np.maximum(np.abs(x), LEAST))
    moved = replace(c.problem, args=(points.astype(c.problem.args[0].dtype), *c.problem.args[1:]), labels=())
    numerical = moved.estimate()
    analytic = attempt(lambda: Analytic(c.analytic.source, moved, numerical.df.shape).values)
    if analytic is None:
        return None
    wrong, value, df, error = (a.reshape(-1, *shape)[k] for a in (c.gross, c.values, c.df, c.numerical.error))
    size = np.maximum(np.abs(value), np.abs(df))
    by_analytic, by_f = np.abs(analytic - value), np.abs(numerical.df - df)
    bound = numerical.error + error
    lost = wrong & (by_f > CHANGED * size + 20 * bound) & (by_analytic <= SAME * size)
    extra = wrong & (by_analytic > CHANGED * size) & (by_f <= SAME * size + bound) & (bound < SAME * size)
    texts = [f"does not change with {_coordinates(c, lost)}, the derivative does"] if lost.any() else []
    texts += [f"changes with {_coordinates(c, extra)}, the derivative does not"] if extra.any() else []
    return f"the analytic value {'; it '.join(texts)}: a part is detached, or an index is off" if texts else None


def _coordinates(c: Comparison, marked: Any) -> str:
    """List the coordinates with which any entry changes."""
    return join([f"{c.names[0]}[{k}]" for k in np.flatnonzero(marked.reshape(len(marked), -1).any(axis=1))])


def slight(c: Comparison) -> str | None:
    """Recognise differences that are small against the values: a rounded constant, an epsilon, an inexact `f`."""
    off = (c.judgement.off / np.abs(c.df))[c.wrong]
    if not np.quantile(off, 0.75) < SMALL:
        return None
    text = f"off by {np.median(off):.1e} of the value"
    return f"{text}: an epsilon, a rounded constant, or {INEXACT}" if 2 * off.size > c.decided.sum() else text


def single_precision(c: Comparison) -> str | None:
    """Recognise seven right digits and errors of either sign: float32 somewhere."""
    values, df = c.values[c.wrong], c.df[c.wrong]
    if values.size > 1 and (values.astype(np.complex64 if np.iscomplexobj(values) else np.float32) == values).all():
        return "the analytic values are float32 numbers: truncated on the way"
    off = np.median(np.abs((values - df) / df))
    has_both_signs = 0.2 < np.mean(((values - df) / df).real > 0) < 0.8
    if values.size > 2 and 2.0**-28 < off < 2.0**-21 and has_both_signs:
        return f"right to some {-math.log10(off):.0f} digits: float32 somewhere in the analytic function, or {INEXACT}"
    return None
