"""What wrong values look like where no repair explains them, and where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .._typing import FloatArray, Index, Mask
from ..estimates import Status
from ._analytic import Analytic
from ._comparison import ALIKE, LISTED, Comparison, coordinates, describe_factor, join, median
from ._problem import attempt
from ._verdicts import Verdict

#: What makes differences that are small against the value, and how small.
INEXACT = "`f` itself is inexact (a quadrature, a solver, a table) and this is the derivative of what it computes"
SMALL = 0.01

#: Longest vector of which every coordinate is moved; moves relative to the size of a coordinate, or to the least size.
LONGEST = 40
MOVE, LEAST = 2.0**-5, 2.0**-3

#: A value changes with a coordinate above the first share of its size, and does not below the second.
CHANGED, SAME = 1e-6, 1e-12

#: So many different numbers on either side make a threshold, or this share of all; fewer may lie there by chance.
SEVERAL = 3
SHARE = 0.2


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
    numerical = attempt(moved.estimate)
    if numerical is None:
        return None
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


def _coordinates(c: Comparison, marked: Mask) -> str:
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


def at_kinks(c: Comparison) -> str | None:
    """Recognise that only entries at kinks are wrong."""
    kink = c.numerical.status == Status.KINK
    if (c.judgement.verdict == Verdict.AGREES).any() and kink[c.disagrees].all():
        return f"wrong only at kinks ({np.count_nonzero(c.disagrees)} of {np.count_nonzero(kink)})"
    return None


def few_places(c: Comparison, most: int = LISTED) -> str | None:
    """Name arguments, coordinates, rows, columns or points, `most` of each, that alone are wrong; or ranges of them."""
    texts, labels = [], c.problem.entry_labels
    for axis, (what, indices) in enumerate(zip(c.axes, np.nonzero(np.atleast_1d(c.disagrees)), strict=False)):
        here, size = np.unique(indices), c.disagrees.shape[axis]
        if here.size == size or size == 1:
            continue
        if here.size <= most and here.size * min(most, 2) <= size:
            if what == "argument":
                texts.append(f"with respect to {', '.join(c.names[c.problem.wrt[k]] for k in here)}")
            else:
                own = labels[axis] if labels else None
                names = [str(k) if own is None else f"{k} ({own[k]})" for k in here]
                texts.append(f"{what}{'s' * (here.size > 1)} {', '.join(names)}")
        elif most > 1 and what not in ("argument", "point") and (ranges := _ranges(c, axis, here)):
            texts.append(f"{what}s {ranges}")
    return f"wrong only at {', '.join(texts)}".replace("at with", "with") if texts else None


def _ranges(c: Comparison, axis: int, here: Index) -> str | None:
    """Write indices as one or two ranges, if all beside them is right, not only where the derivative is 0."""
    beside = np.delete(np.moveaxis(c.right, axis, 0), here, axis=0)
    pieces = np.split(here, np.flatnonzero(np.diff(here) > 1) + 1)
    if len(pieces) > 2 or not beside.reshape(len(beside), -1).any(axis=1).all():
        return None
    return " and ".join(f"{p[0]} to {p[-1]}" if p.size > 1 else str(p[0]) for p in pieces)


def around_the_diagonal(c: Comparison) -> str | None:
    """Tell the diagonal of a square jacobian or hessian from what is beside it."""
    size = c.values.shape[-1:]
    if c.inner != 2 or c.values.shape[-2:-1] != size:
        return None
    row, column = np.indices(size * 2)
    wrong, certain = c.disagrees, c.decided & (c.right | c.disagrees)
    for place, inside in {
        "on the diagonal": row == column, "above the diagonal": row < column, "below the diagonal": row > column,
        "off the diagonal": row != column,
    }.items():  # fmt: skip
        if not wrong[..., ~inside].any() and (wrong | ~certain)[..., inside].all():
            return f"wrong only {place}"
    return None


def beyond_a_threshold(c: Comparison) -> str | None:
    """Find an argument, and a threshold or an interval that tells wrong from right."""
    for name, bad, good in _separated(c):
        if min(bad.size, good.size) < SEVERAL and min(bad.size, good.size) < SHARE * (bad.size + good.size):
            continue
        for sign, mark in ((1, ">"), (-1, "<")):
            right, wrong = float(sign * np.max(sign * good)), float(sign * np.min(sign * bad))
            if good.any() and sign * right < sign * wrong:  # what is right at 0 alone is so by chance
                threshold = f"{name} {mark} {_round(*sorted((right, wrong)))}"
                return f"wrong only for {threshold} (right up to {right:.6g}, wrong from {wrong:.6g})"
    return None


def _separated(c: Comparison) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Name each number that a place may be told by; give its values, sorted, where wrong and where right."""
    wrong, right = c.disagrees, c.right
    if not right.any():
        return
    for name, x in coordinates(c):
        x = np.broadcast_to(x, wrong.shape)
        if np.isnan(x[wrong]).any():
            continue
        yield name, np.unique(x[wrong]), np.unique(x[right])
        if (x[wrong] < 0).any():
            yield f"|{name}|", np.unique(np.abs(x[wrong])), np.unique(np.abs(x[right]))


def _round(low: float, high: float) -> str:
    """Find a number from `low` to `high` with few digits."""
    if low <= 0 <= high:
        return "0"
    for digits in range(1, 17):
        for value in (low, high, low + (high - low) / 2):
            rounded = float(f"{value:.{digits}g}")
            if low <= rounded <= high:
                return f"{rounded:g}" if digits < 7 else repr(rounded)
    return repr(high)
