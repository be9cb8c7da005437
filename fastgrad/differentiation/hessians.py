"""Second derivatives: the diagonal along coordinates, everything else along pairs of vectors.

The mixed derivative ``u^T H w`` is a quarter of the second derivative at 0 of ``q(t) = f(x + t (u + w)) - f(x + t (u -
w))``: all that `u` and `w` do alone cancels, and what is left is a function of a number, which any rule for second
derivatives takes. With `central` it is the well-known formula of four points. Near a bound
``f(x + t (u + w)) - f(x + t u) - f(x + t w)`` takes its place, from inside; it yields twice the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import cast

import numpy as np

from .._typing import Array, FloatArray, Index, Mask, Selection
from ..adaptive_rule import Adaptive
from ..estimates import Estimate, Status
from ..evaluation.protocol import VectorEvaluator
from ..rules.selection import Rule
from ..rules.stencils import Stencil, backward, central, forward
from .error_bounds import Points
from .jacobians import ENTRIES, along, in_lanes, jacobians, lane_machine, scaled, stretch, unit
from .lane_stencils import MOST, apply_to_pairs
from .line_evaluation import Directions, derive
from .problem import ADAPTIVE, Derived, Problem, Results, over_fields

#: Distance to a bound, in units of the vectors, below which a mixed derivative is taken from one side of a bound.
_NEAR = 2.0**-4

#: Share of the largest error bound below which a bound has no noise in it: that of steps 1e45 times as long.
_NOISELESS = 2.0**-300

#: Numbers in the vectors of the pairs that are computed at a time.
_NUMBERS = 1 << 16


def of_second_order(problem: Problem) -> Problem:
    """Turn a problem into one of second derivatives."""
    rule = problem.rule
    if isinstance(rule, Adaptive) and rule.n in (1, 2):
        return problem._replace(rule=Adaptive(2, rule.side, rule.rtol, rule.atol))
    if isinstance(rule, Stencil) and rule.n == 2:
        return problem
    if isinstance(rule, Stencil) and rule.n == 1:
        for make in (central, forward, backward):
            if rule == make(rule.order):
                return problem._replace(rule=make(rule.order, n=2))
    raise ValueError(
        f"`method` must have a rule for second derivatives; got {rule!r}. Use adaptive, central, forward or backward."
    )


def diagonals(problem: Problem, full_output: bool) -> Derived:
    """Unmixed second derivatives, shape (points, coordinates)."""
    if problem.x.size == 0:
        return problem.empty(problem.x.shape, full_output).whole
    return over_fields(lambda a: a[:, 0], jacobians(problem, full_output))


def hessians(problem: Problem, full_output: bool) -> Derived:
    """All second derivatives, shape (points, coordinates, coordinates), symmetric to the last bit."""
    count, d = problem.x.shape
    results = problem.empty((count, d, d), full_output)
    if results.df.size == 0:
        return results.whole
    machine = lane_machine(problem, full_output, 2 * d * d)
    if machine is None or problem.mode != "auto" or d * d > MOST:
        return _by_pairs(problem, results, full_output)
    return in_lanes(problem, machine, 2 * d * d, apply_to_pairs, results.df, lambda some: _by_pairs(
        _in_float64(some), some.empty((len(some.x), d, d), False), False
    ))  # fmt: skip


def _in_float64(problem: Problem) -> Problem:
    """Return the problem with intermediate results in float64."""
    return problem._replace(dtype=np.dtype(np.float64))


def _by_pairs(problem: Problem, results: Results, full_output: bool) -> Derived:
    """All second derivatives, the diagonal along coordinates, the others along pairs of vectors."""
    d = problem.x.shape[1]
    rows, columns = np.triu_indices(d, 1)
    width = max(1, _NUMBERS // max(d, 1))
    for block, part in _in_float64(problem).blocks(ENTRIES // max(d, 1)):
        adaptive = problem.mode == ADAPTIVE
        own = diagonals(part, full_output or adaptive)
        units = _lengths(part, own.error if adaptive and isinstance(own, Estimate) else None)
        results.put((block, range(d), range(d)), own)
        pairs = np.arange(len(part.x) * rows.size)
        for start in range(0, pairs.size, width):
            which, pair = np.divmod(pairs[start : start + width], rows.size)
            i, j, every = rows[pair], columns[pair], np.arange(pair.size)
            u, w = np.zeros((2, pair.size, d))
            u[every, i], w[every, j] = units[which, i], units[which, j]
            mixed = _mixed(part, which, u, w, u[every, i] * w[every, j], full_output)
            results.put((block.start + which, i, j), mixed)
            results.put((block.start + which, j, i), mixed)
    return _fall_back(problem, results, lambda some, points: hessians(some, full_output))


def products(problem: Problem, v: FloatArray, full_output: bool) -> Derived:
    """Products of the hessian and one vector at every point, shape (points, coordinates)."""
    count, d = problem.x.shape
    results = problem.empty((count, d), full_output)
    if results.df.size == 0:
        return results.whole
    moved: Mask = np.any(v, axis=1)
    if not moved.all():  # there is no length along no direction; solvers begin with the product and 0
        still = np.flatnonzero(~moved)
        with np.errstate(all="ignore"):
            there = np.isfinite(problem.evaluator.values(problem.x[still]))
        zero, unknown = (np.where(there, 0.0, other) for other in (np.nan, inf))
        status = np.where(there, Status.CONVERGED, Status.NONFINITE)
        results.put(moved, products(problem.at(moved), v[moved], full_output))
        results.put(still, Estimate(zero, unknown, status, there, 1, zero, zero))
        return results.whole
    width = max(1, _NUMBERS // max(d, 1))
    for block, part in _in_float64(problem).blocks(ENTRIES // max(d, 1)):
        w, length = stretch(part.x, v[block])
        error = None
        if problem.mode == ADAPTIVE:  # the second derivative along the vector gives the length to move
            both = diagonals(part, True), along(part._replace(step=None, is_relative=False), w, True)
            error = np.concatenate([cast("Estimate", e).error for e in both], axis=1)
        units = _lengths(part, error, w)
        w = w * units[:, d:]
        for start in range(0, part.x.size, width):
            which, k = np.divmod(np.arange(start, min(start + width, part.x.size)), d)
            u = np.zeros((k.size, d))
            u[np.arange(k.size), k] = units[which, k]
            size = units[which, k] * units[which, d] * length[which]
            results.put((block.start + which, k), _mixed(part, which, u, w[which], size, full_output))
    return _fall_back(problem, results, lambda some, points: products(some, v[points], full_output))


def _fall_back(problem: Problem, results: Results, again: Callable[[Problem, Index], Derived]) -> Derived:
    """Have the adaptive rule compute the entries whose stencil leaves the domain of `f`.

    It computes the whole point, because the second derivatives along the coordinates tell how far to move. At the
    lengths of the stencil ``exp(1e9 x)`` is infinite or 0 everywhere, and the result would be 0.
    """
    lost = np.isnan(results.df)
    points = np.flatnonzero(lost.any(axis=tuple(range(1, lost.ndim))) & np.isfinite(problem.x).all(axis=1))
    if points.size and problem.mode == "auto":
        better = again(problem.at(points).adaptive(2), points)
        entry = np.nonzero(lost[points])
        results.put((points[entry[0]], *entry[1:]), over_fields(lambda a: a[entry], better))
    return results.whole


def _lengths(problem: Problem, error: FloatArray | None, w: FloatArray | None = None) -> FloatArray:
    """How far to move each coordinate, and the vectors `w` after them, when `t` is 1; `error` their error bounds."""
    units = np.concatenate([unit(problem.x), np.ones((len(problem.x), 1))], axis=1)
    if error is not None:
        return _compared(units[:, : error.shape[1]], error)
    if problem.mode == "absolute" and (steps := problem.steps) is not None:
        units[:, :-1] = steps
        if w is not None:
            units[:, -1] = _least(steps, np.abs(w))
    return units


def _least(steps: FloatArray, reach: FloatArray) -> FloatArray:
    """How far vectors of this `reach` go until one of their coordinates has moved by its step."""
    shares = np.divide(steps, reach, out=np.full(reach.shape, inf), where=reach > 0)
    least: FloatArray = shares.min(axis=1)
    return least


def _compared(units: FloatArray, error: FloatArray) -> FloatArray:
    """Lengths by which to move coordinates together, powers of two up to `units`.

    The bound of a second derivative is the noise of `f` over the square of the step. All coordinates have the noise of
    one function, so the bounds tell their steps against each other: 1e-10 beside 1e10 where the coordinates are. A
    bound of nearly 0, as of ``x y`` along an axis, has no noise in it.
    """
    with np.errstate(all="ignore"):
        step = 1.0 / np.sqrt(error)
        largest = np.max(error, axis=1, keepdims=True, initial=0.0, where=np.isfinite(error))
    good = np.isfinite(step) & (step > 0) & (error >= _NOISELESS * largest)
    share = np.where(good, step / units, 0.0)
    most = np.max(share, axis=1, keepdims=True, initial=0.0)
    share = np.where(good, share, most) / np.where(most > 0, most, 1.0)
    return np.ldexp(units, np.where(share > 0, np.maximum(np.frexp(share)[1], -1000), 0))


class _Difference:
    """Values at the first of several vectors side by side less those at the others: an `Evaluator`."""

    outputs = 1

    def __init__(self, evaluator: VectorEvaluator, d: int) -> None:
        self._evaluator, self._d, self.kind, self.block_machine = evaluator, d, evaluator.kind, evaluator.block_machine

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at rows of vectors."""
        values = self._evaluator.values(x.reshape(-1, self._d), index, beside)
        values = values.reshape(len(x), x.shape[1] // self._d)
        others: Array = np.sum(values[:, 1:], axis=1, keepdims=True)
        return values[:, :1] - others


def _mixed(
    problem: Problem, which: Index, u: FloatArray, w: FloatArray, size: FloatArray, full_output: bool
) -> Derived:
    """Derive ``u^T H w / size`` at points ``x[which]``: an `Estimate`, or the derivative alone."""
    step = None
    if problem.mode == "absolute":
        step = np.ones(which.size)
    elif (steps := problem.steps) is not None:  # the largest step of the adaptive rule, in units of the vectors
        step = _least(steps[which], np.abs(u) + np.abs(w))

    results = problem.empty((which.size,), full_output)

    def derive_part(some: Index, vectors: tuple[FloatArray, ...], rule: Rule, scale: FloatArray) -> None:
        """Derive the difference of the first of the vectors and the others, `scale` times the result."""
        lines = Directions(problem.x, np.stack(vectors, axis=1), which[some], problem.low, problem.high)
        steps, line = None if step is None else step[some], np.arange(len(vectors[0]))
        points = Points(lines.start(line), problem.mode, steps, *lines.reach())
        difference = _Difference(problem.evaluator, problem.x.shape[1])
        computed = derive(difference, lines, line, rule, points, full_output, has_fallback=problem.mode != "auto")
        results.put(some, scaled(over_fields(lambda a: a[:, 0], computed), scale))

    every = np.arange(which.size)
    near, inward = np.zeros(which.size, dtype=bool), [np.ones(which.size)] * 2
    if problem.low is not None:
        ways = u + w, u - w, u, w
        lines = [Directions(problem.x, v[:, None], which, problem.low, problem.high) for v in ways]
        reaches = [cast("tuple[FloatArray, FloatArray]", line.reach()) for line in lines]
        near = np.min([np.minimum(-behind, ahead) for behind, ahead in reaches[:2]], axis=0) < _NEAR
        inward = [np.where(ahead >= -behind, 1.0, -1.0) for behind, ahead in reaches[2:]]
    if (inside := every[~near]).size:
        a, b = u[inside], w[inside]
        # Rounding is judged by the size of the values: without `f` itself, a difference of 0 beside values of 1e8 would
        # be a flat function. Its value at the point changes no derivative.
        still = (np.zeros_like(a),) if problem.mode == ADAPTIVE else ()
        derive_part(inside, (a + b, a - b, *still), problem.rule, 4 * size[inside])
    if (edge := every[near]).size:
        a, b = (v[edge] * sign[edge, None] for v, sign in ((u, inward[0]), (w, inward[1])))
        rule = problem.rule
        assert isinstance(rule, (Adaptive, Stencil))
        ahead = replace(rule, side="right") if isinstance(rule, Adaptive) else forward(rule.order, n=2)
        derive_part(edge, (a + b, a, b), ahead, (2 * size * inward[0] * inward[1])[edge])
    return results.whole
