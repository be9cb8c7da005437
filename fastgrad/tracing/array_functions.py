"""Replacements of NumPy's functions of arrays that branch on values; other functions take nodes as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .._typing import Function
from .graph import Node
from .nodes import FUNCTIONS, as_nodes, elementwise, plain
from .primitives import Formula, Term, apply
from .refusals import refusal

Axis = int | tuple[int, ...] | None


def _reducing(ufunc: np.ufunc) -> Formula:
    """Return the function that reduces an array by `ufunc`, along all axes if none is named."""
    return lambda x, axis=None, dtype=None, **options: ufunc.reduce(x, axis=axis, **options)


def _where(condition: Term, x: Term, y: Term) -> Term:
    return elementwise(choose, (condition, x, y))


def choose(condition: Term, x: Term, y: Term) -> Term:
    """Take `x` where a condition holds, a node or a truth value, else `y`."""
    if not isinstance(condition, Node):
        return x if condition else y
    return condition.graph.apply("where", condition, x, y)


def _select(conditions: Sequence[Term], choices: Sequence[Term], default: Term = 0.0) -> Term:
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        default = _where(condition, choice, default)
    return default


def _piecewise(
    x: Term, conditions: Sequence[Term], functions: Sequence[Term], *args: object, **named: object
) -> Term:
    values = [f(x, *args, **named) if callable(f) else f for f in functions]
    *values, default = values if len(values) > len(conditions) else [*values, 0.0]
    return _select(conditions, values, default)


def _clip(
    x: Term, a_min: Term = None, a_max: Term = None, min: Term = None, max: Term = None
) -> Term:
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _interp(x: Term, xp: Term, fp: Term, left: Term = None, right: Term = None) -> Term:
    """Interpolate as NumPy does; at a knot the slope is that to its right."""
    knots = plain(xp)
    if any(isinstance(p, Node) for p in np.ravel(knots)):
        raise refusal("a table whose places depend on a value", "Let `xp` be constant")
    knots, values = np.asarray(knots, np.float64), list(fp)
    result = values[0] if left is None else left
    for k in range(len(knots) - 1):
        slope = (values[k + 1] - values[k]) / (knots[k + 1] - knots[k])
        result = _where(x >= knots[k], values[k] + slope * (x - knots[k]), result)
    result = _where(x == knots[-1], values[-1], result)
    return _where(x > knots[-1], values[-1] if right is None else right, result)


def _linspace(
    start: Term, stop: Term, num: int = 50, endpoint: bool = True, dtype: object = None, axis: int = 0
) -> Term:
    steps = num - 1 if endpoint else num
    result = [start + (stop - start) * (k / steps if steps else 0.0) for k in range(num)]
    if endpoint and num > 1:
        result[-1] = stop + np.zeros(np.shape(start))  # exactly, whatever the steps round to
    return np.stack(result, axis=axis)


def _average(x: Term, axis: Any = None, weights: Term = None, keepdims: bool = False) -> Term:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    if np.shape(weights) != np.shape(x):  # along the axis
        weights = np.reshape(weights, [-1 if k == axis % np.ndim(x) else 1 for k in range(np.ndim(x))])
    whole = np.sum(weights + np.zeros(np.shape(x)), axis=axis, keepdims=keepdims)
    return np.sum(x * weights, axis=axis, keepdims=keepdims) / whole


def _nanmean(x: Term, axis: Axis = None, dtype: object = None, keepdims: bool = False) -> Term:
    count = np.sum(x == x, axis=axis, keepdims=keepdims)
    return np.nansum(x, axis=axis, keepdims=keepdims) / count


def _norm(x: Term, ord: float | str | None = None, axis: Any = None, keepdims: bool = False) -> Term:
    if ord in (None, 2, "fro") and not (ord == 2 and axis is None and np.ndim(x) != 1):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    norms: dict[float | str | None, Formula] = {1: np.sum, math.inf: np.max, -math.inf: np.min}
    if ord not in norms or (axis is None and np.ndim(x) != 1) or np.ndim(axis):
        raise refusal(f"a norm of order {ord!r}", "Write it out")
    return norms[ord](abs(x), axis=axis, keepdims=keepdims)


def _mean(x: Term, axis: Axis = None, dtype: object = None, keepdims: bool = False) -> Term:
    total = np.sum(x, axis=axis, keepdims=keepdims)
    return total / (np.size(x) / np.size(total))


def _var(x: Term, axis: Axis = None, dtype: object = None, ddof: float = 0, keepdims: bool = False) -> Term:
    total = np.sum(np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)
    return total / (np.size(x) / np.size(total) - ddof)


def _cumulative(ufunc: np.ufunc) -> Formula:
    return lambda x, axis=None, dtype=None: ufunc.accumulate(np.ravel(x) if axis is None else x, axis=axis or 0)


FUNCTIONS.update(
    {
        np.where: _where,
        np.select: _select,
        np.piecewise: _piecewise,
        np.clip: _clip,
        np.interp: _interp,
        np.linspace: _linspace,
        np.average: _average,
        np.linalg.norm: _norm,
        np.sinc: lambda x: elementwise(partial(apply, "sinc"), [x]),
        np.round: lambda x, decimals=0: np.rint(x * 10.0**decimals) / 10.0**decimals,
        np.max: _reducing(np.maximum),
        np.min: _reducing(np.minimum),
        np.sum: _reducing(np.add),
        np.prod: _reducing(np.multiply),
        np.ptp: lambda x, axis=None, keepdims=False: (
            np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)
        ),
        np.mean: _mean,
        np.var: _var,
        np.std: lambda x, **named: np.sqrt(np.var(x, **named)),
        np.cumsum: _cumulative(np.add),
        np.cumprod: _cumulative(np.multiply),
        np.abs: lambda x: np.absolute(x),
        np.any: _reducing(np.logical_or),
        np.all: _reducing(np.logical_and),
        np.count_nonzero: lambda x, axis=None, keepdims=False: np.sum(x != 0, axis=axis, keepdims=keepdims),
        np.nansum: lambda x, axis=None, dtype=None, **named: np.sum(_where(x == x, x, 0.0), axis=axis, **named),
        np.nanmean: _nanmean,
        np.nanmax: _reducing(np.fmax),
        np.nanmin: _reducing(np.fmin),
    }
)
FUNCTIONS[np.amax], FUNCTIONS[np.amin] = FUNCTIONS[np.max], FUNCTIONS[np.min]


def of_lists(function: Function) -> Function:
    """Return a function of the table that takes lists of nodes, too, which NumPy does not dispatch on."""

    def over(*args: Term, **named: object) -> Term:
        return function(*[as_nodes(a) if isinstance(a, (list, tuple)) else a for a in args], **named)

    return over
