"""Second derivatives: the diagonal along coordinates, everything else along pairs of vectors.

The mixed derivative ``u^T H w`` is a quarter of the second derivative at 0 of ``q(t) = f(x + t (u + w)) - f(x + t (u -
w))``: all that `u` and `w` do alone cancels, and what is left is a function of a number, which any rule for second
derivatives takes. With `central` it is the well-known formula of four points. At a bound, where there is no room for
both, ``f(x + t (u + w)) - f(x + t u) - f(x + t w)`` takes its place, from inside; it yields twice the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from ..adaptive_rule import Adaptive
from ..estimates import Estimate, Status
from ..evaluation.vector_machine import Machine
from ..rules.stencils import Stencil, backward, central, forward
from .jacobians import ENTRIES, along, in_pieces, jacobians, scaled, stretched, unit
from .lane_stencils import MOST, apply_to_pairs
from .line_evaluation import Directions, derive
from .problem import Question, Results
from .request import ADAPTIVE

#: Room, in units of the vectors, below which a mixed derivative is taken from one side of a bound.
_NEAR = 2.0**-4

#: Share of the largest bar below which a bar has no noise in it: that of steps 1e45 times as long.
_NOISELESS = 2.0**-300

#: Numbers in the vectors of the pairs that are computed at a time.
_NUMBERS = 1 << 16


def second(q: Question) -> Question:
    """Turn a problem into one of second derivatives."""
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


def _to_the_right(rule: Any) -> Any:
    """Turn a rule for second derivatives into one that evaluates in the direction of the vectors only."""
    return replace(rule, side="right") if isinstance(rule, Adaptive) else forward(rule.order, n=2)


def diagonals(q: Question, bars: bool) -> Any:
    """Unmixed second derivatives, shape (points, coordinates)."""
    if q.x.size == 0:
        return q.empty(q.x.shape, bars).whole
    results = jacobians(q, bars)
    return Estimate(*(a[:, 0] for a in results)) if bars else results[:, 0]


def hessians(q: Question, bars: bool) -> Any:
    """All second derivatives, shape (points, coordinates, coordinates), symmetric to the last bit."""
    count, d = q.x.shape
    results = q.empty((count, d, d), bars)
    if results.df.size == 0:
        return results.whole
    machine, rule = q.machine, q.rule
    if machine is not None and isinstance(rule, Stencil) and not bars and q.mode == "auto":
        if q.low is None and d * d <= MOST:
            _in_lanes(q, machine, rule, results)
            return results.whole
    _by_pairs(q, results, bars)
    return results.whole


def _in_lanes(q: Question, machine: Machine, rule: Stencil, results: Results) -> None:
    """All second derivatives by a stencil in machine code; points that it does not settle go the other way."""
    count, d = q.x.shape
    computed = results.df if results.df.dtype == np.float64 else np.empty(results.df.shape)
    wrong = []

    def work(piece: tuple[slice, ...]) -> None:
        wrong.append(apply_to_pairs(machine, q.x[piece], rule, q.form.kind, computed[piece]))

    in_pieces(work, count, 2 * count * d * d * len(rule.needed), q.workers, machine.is_traced)
    if any(wrong):
        bad = np.flatnonzero(~np.isfinite(computed).all(axis=(1, 2)) & ~np.isnan(q.x).any(axis=1))
        if bad.size:
            some = q.exactly.at(bad)
            rest = some.empty((bad.size, d, d), False)
            _by_pairs(some, rest, False)
            computed[bad] = rest.df
    if computed is not results.df:
        results.put(slice(None), computed)


def _by_pairs(q: Question, results: Results, bars: bool) -> None:
    """All second derivatives, the diagonal along coordinates, the others along pairs of vectors."""
    d = q.x.shape[1]
    rows, columns = np.triu_indices(d, 1)
    width = max(1, _NUMBERS // max(d, 1))
    for here, part in q.exactly.parts(ENTRIES // max(d, 1)):
        adaptive = q.mode == ADAPTIVE
        own = diagonals(part, bars or adaptive)
        units = _lengths(part, own.error if adaptive else None)
        results.put((here, range(d), range(d)), own)
        pairs = np.arange(len(part.x) * rows.size)
        for start in range(0, pairs.size, width):
            which, pair = np.divmod(pairs[start : start + width], rows.size)
            i, j, every = rows[pair], columns[pair], np.arange(pair.size)
            u, w = np.zeros((2, pair.size, d))
            u[every, i], w[every, j] = units[which, i], units[which, j]
            mixed = _mixed(part, which, u, w, u[every, i] * w[every, j], bars)
            results.put((here.start + which, i, j), mixed)
            results.put((here.start + which, j, i), mixed)
    _fall_back(q, results, lambda some, points: hessians(some, bars))


def products(q: Question, v: Any, bars: bool) -> Any:
    """Products of the hessian and one vector at every point, shape (points, coordinates)."""
    count, d = q.x.shape
    results = q.empty((count, d), bars)
    if results.df.size == 0:
        return results.whole
    moved = v.any(axis=1)
    if not moved.all():  # there is no length along no direction; solvers begin with the product and 0
        still = np.flatnonzero(~moved)
        with np.errstate(all="ignore"):
            there = np.isfinite(q.rows(q.x[still], False))
        zero, bar = (np.where(there, 0.0, other) for other in (np.nan, inf))
        status = np.where(there, Status.CONVERGED, Status.NONFINITE)
        results.put(moved, products(q.at(moved), v[moved], bars))
        results.put(still, Estimate(zero, bar, status, there, 1, zero, zero))
        return results.whole
    width = max(1, _NUMBERS // max(d, 1))
    for here, part in q.exactly.parts(ENTRIES // max(d, 1)):
        w, length = stretched(part.x, v[here])
        error = None
        if q.mode == ADAPTIVE:  # the second derivative along the vector gives the length to move
            error = np.concatenate(
                [diagonals(part, True).error, along(part._replace(given=None, relative=False), w, True).error], axis=1
            )
        units = _lengths(part, error, w)
        w = w * units[:, d:]
        for start in range(0, part.x.size, width):
            which, k = np.divmod(np.arange(start, min(start + width, part.x.size)), d)
            u = np.zeros((k.size, d))
            u[np.arange(k.size), k] = units[which, k]
            size = units[which, k] * units[which, d] * length[which]
            results.put((here.start + which, k), _mixed(part, which, u, w[which], size, bars))
    _fall_back(q, results, lambda some, points: products(some, v[points], bars))
    return results.whole


def _fall_back(q: Question, results: Results, again: Callable[[Question, Any], Any]) -> None:
    """Have the adaptive rule compute the entries whose stencil leaves the domain of `f`.

    It computes the whole point, because the second derivatives along the coordinates tell how far to move. At the
    lengths of the stencil ``exp(1e9 x)`` is infinite or 0 everywhere, and the result would be 0.
    """
    if q.mode != "auto":
        return
    lost = np.isnan(results.df)
    points = np.flatnonzero(lost.any(axis=tuple(range(1, lost.ndim))) & np.isfinite(q.x).all(axis=1))
    if points.size:
        better = again(q.at(points)._replace(rule=Adaptive(2), mode=ADAPTIVE), points)
        entry = np.nonzero(lost[points])
        computed = Estimate(*(a[entry] for a in better)) if isinstance(better, Estimate) else better[entry]
        results.put((points[entry[0]], *entry[1:]), computed)


def _lengths(q: Question, error: Any, w: Any = None) -> Any:
    """How far to move each coordinate, and the vectors `w` after them, when `t` is 1; `error` are their bars."""
    units = np.concatenate([unit(q.x), np.ones((len(q.x), 1))], axis=1)
    if error is not None:
        return _compared(units[:, : error.shape[1]], error)
    if q.mode == "absolute":
        units[:, :-1] = q.steps
        if w is not None:
            units[:, -1] = _least(q.steps, np.abs(w))
    return units


def _least(steps: Any, reach: Any) -> Any:
    """How far vectors of this `reach` go until one of their coordinates has moved by its step."""
    return np.min(np.divide(steps, reach, out=np.full(reach.shape, inf), where=reach > 0), axis=1)


def _compared(units: Any, error: Any) -> Any:
    """Lengths by which to move coordinates together, powers of two up to `units`.

    A bar is the noise of `f` over the square of the step at which the derivative was computed. The noise is that of one
    function, so the bars tell the steps against each other: 1e-10 beside 1e10 where the coordinates are. A bar of
    nearly 0, as of ``x y`` along an axis, has no noise in it.
    """
    with np.errstate(all="ignore"):
        step = 1.0 / np.sqrt(error)
        largest = np.max(error, axis=1, keepdims=True, initial=0.0, where=np.isfinite(error))
    good = np.isfinite(step) & (step > 0) & (error >= _NOISELESS * largest)
    share = np.where(good, step / units, 0.0)
    most = np.max(share, axis=1, keepdims=True, initial=0.0)
    share = np.where(good, share, most) / np.where(most > 0, most, 1.0)
    return np.ldexp(units, np.where(share > 0, np.maximum(np.frexp(share)[1], -1000), 0))


def _mixed(q: Question, which: Any, u: Any, w: Any, size: Any, bars: bool) -> Any:
    """Derive ``u^T H w / size`` at points ``x[which]``: an `Estimate`, or the derivative alone."""
    d = q.x.shape[1]
    given = None
    if q.mode == "absolute":
        given = np.ones(which.size)
    elif q.given is not None:  # the largest step of the adaptive rule, in units of the vectors
        given = _least(q.steps[which], np.abs(u) + np.abs(w))

    def difference(rows: Any, beside: bool) -> Any:
        values = q.rows(rows.reshape(-1, d), beside).reshape(len(rows), rows.shape[1] // d)
        return values[:, :1] - np.sum(values[:, 1:], axis=1, keepdims=True)

    results = q.empty((which.size,), bars)

    def put(some: Any, vectors: tuple[Any, ...], rule: Any, scale: Any) -> None:
        """Derive the difference of the first of the vectors and the others, `scale` times the result."""
        lines = Directions(q.x, np.stack(vectors, axis=1), which[some], q.low, q.high)
        steps, line = None if given is None else given[some], np.arange(len(vectors[0]))
        computed = derive(
            difference, lines, line, 1, rule, q.form.kind, q.mode, steps, *lines.reach(), bounds=bars,
            machine=q.machine, has_fallback=q.mode != "auto",
        )  # fmt: skip
        results.put(some, scaled(Estimate(*(a[:, 0] for a in computed)), scale) if bars else computed[:, 0] / scale)

    every = np.arange(which.size)
    near, inward = np.zeros(which.size, dtype=bool), [np.ones(which.size)] * 2
    if q.low is not None:
        reaches = [Directions(q.x, v[:, None], which, q.low, q.high).reach() for v in (u + w, u - w, u, w)]
        near = np.min([np.minimum(-behind, ahead) for behind, ahead in reaches[:2]], axis=0) < _NEAR
        inward = [np.where(ahead >= -behind, 1.0, -1.0) for behind, ahead in reaches[2:]]
    if (inside := every[~near]).size:
        a, b = u[inside], w[inside]
        # Rounding is judged by the size of the values: without `f` itself, a difference of 0 beside values of 1e8 would
        # be a flat function. Its value at the point changes no derivative.
        still = (np.zeros_like(a),) if q.mode == ADAPTIVE else ()
        put(inside, (a + b, a - b, *still), q.rule, 4 * size[inside])
    if (edge := every[near]).size:
        a, b = (v[edge] * sign[edge, None] for v, sign in ((u, inward[0]), (w, inward[1])))
        put(edge, (a + b, a, b), _to_the_right(q.rule), (2 * size * inward[0] * inward[1])[edge])
    return results.whole
