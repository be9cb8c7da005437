"""Second derivatives: the diagonal along coordinates, everything else along pairs of vectors.

The mixed derivative ``u^T H w`` is a quarter of the second derivative at 0 of ``q(t) = f(x + t (u + w)) - f(x + t (u -
w))``: all that `u` and `w` do alone cancels, and what is left is a function of a number, which any rule for second
derivatives takes. With `central` it is the well-known formula of four points.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ._engines import LADDER
from ._jacobians import ENTRIES, along, jacobians, scaled, stretch, unit
from ._questions import Question
from ._sweeps import Directions, derive
from .estimates import Estimate
from .ladder import Adaptive
from .stencils import Stencil, backward, central, forward

#: Numbers in the vectors of the pairs that are found at a time.
_NUMBERS = 1 << 16


def second(q: Question) -> Question:
    """Turn the question into one for second derivatives."""
    if q.x.size and q.form.outputs != 1:
        raise ValueError(
            f"`f` must return one number for second derivatives; got {q.form.outputs}. Take its outputs one by one."
        )
    rule = q.rule
    if isinstance(rule, Adaptive) and rule.n in (1, 2):
        return q._replace(rule=Adaptive(2, rule.side, rule.rtol, rule.atol))
    if isinstance(rule, Stencil) and rule.n == 2:
        return q
    if isinstance(rule, Stencil) and rule.n == 1:
        for make in (central, forward, backward):
            if rule == make(rule.order):
                return q._replace(rule=make(rule.order, n=2))
    raise ValueError(
        f"`method` must have a rule for second derivatives; got {rule!r}. Use adaptive, central, forward or backward."
    )


def diagonals(q: Question, bars: bool) -> Any:
    """Unmixed second derivatives, shape (points, coordinates)."""
    if q.x.size == 0:
        made = q.empty(q.x.shape, bars)
        return Estimate(*made) if bars else made[0]
    made = jacobians(q, bars)
    return Estimate(*(a[:, 0] for a in made)) if bars else made[:, 0]


def hessians(q: Question, bars: bool) -> Any:
    """All second derivatives, shape (points, coordinates, coordinates), symmetric to the last bit."""
    count, d = q.x.shape
    made = q.empty((count, d, d), bars)
    if made[0].size == 0:
        return Estimate(*made) if bars else made[0]
    rows, columns = np.triu_indices(d, 1)
    width = max(1, _NUMBERS // max(d, 1))
    for here, part in q.parts(ENTRIES // max(d, 1)):
        climbs = q.mode == LADDER
        own = diagonals(part, bars or climbs)
        units = _lengths(part, own.error if climbs else None)
        for target, values in zip(made, own if bars or climbs else [own], strict=False):
            target[here, range(d), range(d)] = values
        pairs = np.arange(len(part.x) * rows.size)
        for start in range(0, pairs.size, width):
            which, pair = np.divmod(pairs[start : start + width], rows.size)
            i, j, every = rows[pair], columns[pair], np.arange(pair.size)
            u, w = np.zeros((2, pair.size, d))
            u[every, i], w[every, j] = units[which, i], units[which, j]
            for target, values in zip(made, _mixed(part, which, u, w, u[every, i] * w[every, j], bars), strict=True):
                target[here.start + which, i, j] = target[here.start + which, j, i] = values
    return Estimate(*made) if bars else made[0]


def products(q: Question, v: Any, bars: bool) -> Any:
    """Products of the hessian and one vector at every point, shape (points, coordinates)."""
    count, d = q.x.shape
    made = q.empty((count, d), bars)
    if made[0].size == 0:
        return Estimate(*made) if bars else made[0]
    width = max(1, _NUMBERS // max(d, 1))
    for here, part in q.parts(ENTRIES // max(d, 1)):
        length = stretch(part.x, v[here])
        w = v[here] * length[:, None]
        error = None
        if q.mode == LADDER:  # how far to go along the vector is seen from the second derivative along it
            error = np.concatenate(
                [diagonals(part, True).error, along(part._replace(given=None), w, True).error], axis=1
            )
        units = _lengths(part, error)
        w = w * units[:, d:]
        for start in range(0, part.x.size, width):
            which, k = np.divmod(np.arange(start, min(start + width, part.x.size)), d)
            u = np.zeros((k.size, d))
            u[np.arange(k.size), k] = units[which, k]
            size = units[which, k] * units[which, d] * length[which]
            for target, values in zip(made, _mixed(part, which, u, w[which], size, bars), strict=True):
                target[here.start + which, k] = values
    return Estimate(*made) if bars else made[0]


def _lengths(q: Question, error: Any) -> Any:
    """How far to move each coordinate, and a vector after them, when `t` is 1; `error` are their bars."""
    units = np.concatenate([unit(q.x), np.ones((len(q.x), 1))], axis=1)
    if error is not None:
        return _compared(units[:, : error.shape[1]], error)
    if q.mode == "absolute":
        units[:, :-1] = q.given
    return units


def _compared(units: Any, error: Any) -> Any:
    """Lengths by which to move coordinates together, powers of two up to `units`.

    A bar is the noise of `f` over the square of the step at which the derivative was found. The noise is that of one
    function, so the bars tell the steps against each other: 1e-10 beside 1e10 where the coordinates are.
    """
    with np.errstate(all="ignore"):
        step = 1.0 / np.sqrt(error)
    good = np.isfinite(step) & (step > 0)
    share = np.where(good, step / units, 0.0)
    most = np.max(share, axis=1, keepdims=True, initial=0.0)
    share = np.where(good, share, most) / np.where(most > 0, most, 1.0)
    return np.ldexp(units, np.where(share > 0, np.maximum(np.frexp(share)[1], -1000), 0))


def _mixed(q: Question, which: Any, u: Any, w: Any, size: Any, bars: bool) -> Any:
    """Derive ``u^T H w / size`` at points ``x[which]``: the fields of an estimate, or the derivative alone."""
    d = q.x.shape[1]
    given = None
    if q.mode == "absolute":
        given = np.ones(which.size)
    elif q.given is not None:  # the largest step of the adaptive rule, in units of the vectors
        reach = np.abs(u) + np.abs(w)
        given = np.min(np.divide(q.given[which], reach, out=np.full(u.shape, inf), where=reach > 0), axis=1)

    def difference(pairs: Any, lenient: bool) -> Any:
        values = q.rows(pairs.reshape(-1, d), lenient).reshape(-1, 2)
        return values[:, :1] - values[:, 1:]

    x, low, high = (None if a is None else np.concatenate([a, a], axis=1) for a in (q.x, q.low, q.high))
    lines = Directions(x, np.concatenate([u + w, u - w], axis=1), which, low, high)
    every = np.arange(which.size)
    found = derive(difference, lines, every, 1, q.rule, q.form.kind, q.mode, given, *lines.room(), bars=bars)
    if bars:
        return scaled(Estimate(*(a[:, 0] for a in found)), 4 * size)
    return [found[:, 0] / (4 * size)]
