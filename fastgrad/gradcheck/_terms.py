"""Mistakes that add: a constant, a term in an argument, a sum over the wrong axis; and differences that are slight."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison, coordinates
from ._factors import describe_factor

#: What makes differences that are small against the value, and how small.
INEXACT = "`f` itself is inexact (a quadrature, a solver, a table) and this is the derivative of what it computes"
SMALL = 0.01

#: Sums count as equal by accident below this share of their terms: gradients of what does not move sum to 0.
_CANCELS = 1e-3


def offset(c: Comparison) -> str | None:
    """Recognise one number that is added."""
    here = c.gross
    if here.sum() < 3 or np.iscomplexobj(c.values) or not c.values[here].any():
        return None
    shift = float(np.median((c.values - c.df)[here]))
    if not shift or not math.isfinite(shift) or not c.mends(c.values - shift):
        return None
    everywhere = "" if c.explains(c.values - shift) else ", where it is wrong"
    return f"{abs(shift):.7g} too {'much' if shift > 0 else 'little'}{everywhere}"


def constant(c: Comparison) -> str | None:
    """Recognise one analytic value wherever it is wrong, as 0 where something is detached."""
    values = c.values[c.gross]
    if values.size < 2 or (values != values.flat[0]).any():
        return None
    if values.flat[0] and np.ptp(c.df[c.gross]) == 0:
        return None
    return f"the analytic value is {values.flat[0] + 0.0:.7g} wherever it is wrong"


def linear(c: Comparison) -> str | None:
    """Recognise a multiple of an argument that is missing, as the derivative of a square, or of its own coordinate."""
    if c.gross.sum() < 3 or np.iscomplexobj(c.values):
        return None
    off = c.df - c.values
    for name, x in coordinates(c):
        x = np.broadcast_to(x, c.values.shape)
        here = c.gross & (x != 0)
        if not here.any() or np.ptp(x[here]) == 0:
            continue
        slope = float(np.median((off / np.where(x == 0, 1.0, x))[here]))
        if slope and math.isfinite(slope) and c.mends(c.values + slope * x):
            size = describe_factor(abs(slope), c) or f"{abs(slope):.7g}"
            return f"the term {'-' if slope < 0 else ''}{size} * {name} is missing" if size != "1" else None
    return None


def same_at_all_points(c: Comparison) -> str | None:
    """Recognise differences that do not depend on the point: a constant term, or data at the wrong index."""
    axes = tuple(range(c.problem.stacked, c.problem.stacked + len(c.problem.batch)))
    if not c.inner or not axes or np.iscomplexobj(c.values) or math.prod(c.problem.batch) < 3:
        return None
    off = np.where(c.decided, c.values - c.df, np.nan)
    middle = np.nanmedian(off, axis=axes, keepdims=True)
    if not c.explains(c.values - np.broadcast_to(middle, c.values.shape)):
        return None
    return "off by the same amounts at all points: a term that does not depend on the point, or data at the wrong index"


def same_at_all_coordinates(c: Comparison) -> str | None:
    """Recognise one difference for all coordinates of a point: a sum or a mean that is missing."""
    if c.inner != 1 or np.iscomplexobj(c.values) or c.gross.sum(axis=-1).max() < 3:
        return None
    off = np.where(c.gross, c.values - c.df, np.nan)
    middle = np.nanmedian(off, axis=-1, keepdims=True)
    if not c.mends(c.values - np.broadcast_to(middle, c.values.shape)):
        return None
    return "off by one amount at each point, the same for its coordinates: a sum or a mean over them"


def same_sum(c: Comparison) -> str | None:
    """Recognise a right sum in wrong parts: summed over the wrong axis, or added at the wrong index."""
    if not c.inner or np.iscomplexobj(c.values) or not c.decided.all():
        return None
    axes = tuple(range(c.values.ndim - c.inner, c.values.ndim))
    gross = c.gross.any(axis=axes)
    sums, wrong = c.df.sum(axis=axes)[gross], c.values.sum(axis=axes)[gross]
    terms = np.abs(c.df).sum(axis=axes)[gross]
    clear = np.abs(sums) > _CANCELS * terms
    if clear.sum() < 2 or not (np.abs(wrong - sums) <= ALIKE * terms).all():
        return None
    return "the sum over the coordinates is right, its parts are not: a sum over the wrong axis, or an index"


def slight(c: Comparison) -> str | None:
    """Recognise differences that are small against the values: a rounded constant, an epsilon, an inexact `f`."""
    off = (c.judgement.off / np.abs(c.df))[c.wrong]
    if not np.quantile(off, 0.75) < SMALL:
        return None
    text = f"off by {np.median(off):.1e} of the value"
    return f"{text}: an epsilon, a rounded constant, or {INEXACT}" if 2 * off.size > c.decided.sum() else text


def single_precision(c: Comparison) -> str | None:
    """Recognise seven right digits and errors of either sign: float32 somewhere."""
    values = c.values[c.wrong]
    if values.size > 1 and (values.astype(np.complex64 if np.iscomplexobj(values) else np.float32) == values).all():
        return "the analytic values are float32 numbers: truncated on the way"
    off = c.judgement.off[c.wrong] / np.abs(c.df[c.wrong])
    if values.size > 2 and 2.0**-28 < np.median(off) < 2.0**-21 and _has_both_signs(c):
        digits = f"{-math.log10(np.median(off)):.0f}"
        return f"right to some {digits} digits: float32 somewhere in the analytic function, or {INEXACT}"
    return None


def _has_both_signs(c: Comparison) -> bool:
    """Whether the errors have either sign, as rounding has and a factor has not."""
    off: Any = ((c.values - c.df) / c.df)[c.wrong].real
    return bool(0.2 < np.mean(off > 0) < 0.8)
