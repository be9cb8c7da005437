"""The adaptive rule over a batch of points: rounds of evaluations, each judged together.

First round, the same for all points; finer rounds for those whose steps were too wide; the last search for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..estimates import Estimate, Status
from .codegen import LANES
from .decisions import CONVERGED, NONFINITE, Outcome, decide
from .extrapolation import Table
from .judge import DONE, FINER, NEARBY, OPEN, SMALL, WIDER, Judgement
from .noise import settle_noise, visible_noise
from .rows import judge_round
from .schedule import (
    BETWEEN,
    COARSEST,
    DEEPEST,
    FACTOR,
    FINEST,
    NEXT,
    ROUNDS,
    WIDEST,
    finer,
    first,
    power_below,
    scale_of,
    step,
)
from .search import Values, beside, join, padding

#: Values at points, ``f(points, index)``; ``points[..., k]`` belongs to the point ``index[k]`` of the batch.
Evaluate = Callable[[Any, Any], Any]

TOLERANCE = 1e-6
"""Without `rtol`: what share of the local slope scale the bound may be for a point to count as converged."""

EVALUATIONS = {
    two_sided: {n: 1 + (1 + two_sided) * len(first(n, two_sided).steps) for n in range(1, 9)}
    for two_sided in (False, True)
}
"""What the first round takes, by side and order."""

CHUNK = 1 << 14
"""Most positions that a called function is given at a time."""

BLOCK = 4096
"""Points that a round takes at a time: their values stay in cache. The last search, which needs 3 kB of each, takes a
quarter of them."""


class Batch:
    """Points under way, and the limits of their steps.

    Attributes
    ----------
    n, side : int
        Order of the derivative; -1, 0 or 1 for left, both and right.
    x, y : ndarray
        Points, and the values there.
    low, high, largest : ndarray
        Bounds, and largest steps.
    out : Outcome
        Results, filled as points are settled.
    nfev : ndarray of int
        Evaluations so far.
    together : int
        How many points a round takes at a time.
    """

    def __init__(
        self, evaluate: Evaluate, y: Any, n: int, side: int, x: Any, largest: Any, low: Any, high: Any, together: int
    ) -> None:
        self.y, self.together = y, together
        self.evaluate, self.n, self.side, self.x = evaluate, n, side, x
        self.low, self.high, self.largest = low, high, largest
        self.is_free = bool((low == -np.inf).all() and (high == np.inf).all() and (largest == np.inf).all())
        nan = np.full(x.shape, np.nan)
        self.out = Outcome(
            nan, np.full(x.shape, np.inf), np.zeros(x.shape), nan.copy(), nan.copy(), np.full(x.shape, NONFINITE)
        )
        self.nfev = np.ones(x.shape, np.int64)

    @property
    def two_sided(self) -> bool:
        """Whether both sides are evaluated."""
        return self.side == 0

    def room(self, index: Any) -> tuple[Any, Any]:
        """How far points may go: on all sides that are evaluated, and on the wider one."""
        x = self.x[index]
        above, below = self.high[index] - x, x - self.low[index]
        if self.side:
            near = far = above if self.side > 0 else below
        else:
            near, far = np.minimum(above, below), np.maximum(above, below)
        return np.minimum(near, self.largest[index]), np.minimum(far, self.largest[index])

    def values(self, index: Any, h: Any) -> Any:
        """Evaluate at steps, shape (levels, points): values of shape (levels, sides, points), NaN where none is."""
        x = self.x[index]
        signs = np.array([1.0, -1.0] if self.two_sided else [float(self.side)])
        points = x + signs[:, None] * h[:, None, :]
        # the last step is the finest
        if self.is_free and (points[-1] != x).all() and np.abs(points[0]).max() < np.inf:
            self.nfev[index] += points.shape[0] * points.shape[1]
            return np.asarray(self.evaluate(points, index), np.float64)
        allowed = (points != x) & (np.abs(points) < np.inf)
        if not self.is_free:
            allowed &= (points >= self.low[index]) & (points <= self.high[index])
            allowed &= (h <= self.largest[index])[:, None, :]
        self.nfev[index] += allowed.sum(axis=(0, 1))
        found = np.full(points.shape, np.nan)
        where = np.nonzero(allowed)
        if where[0].size:
            found[where] = self.evaluate(points[where], index[where[2]])
        return found

    def settle(self, index: Any, outcome: Outcome) -> None:
        """Write results."""
        for a, b in zip(self.out, outcome, strict=True):
            a[index] = b

    def settle_smooth(self, index: Any, j: Judgement, done: Any) -> None:
        """Write results of a round for those of the points that are done."""
        df, bound, scale = j.df[done], j.bound[done], j.scale[done]
        self.settle(index[done], Outcome(df, bound, scale, df, df, np.full(done.shape, CONVERGED)))


def signed(side: int, u: Any) -> Any:
    """Return scales with the sign of the side."""
    return -u if side < 0 else u


def judge_at(b: Batch, table: Table, index: Any, u: Any, values: Any) -> Any:
    """Judge points by the values of one level set."""
    return judge_round(table, b.x[index], b.y[index], signed(b.side, u), values.reshape(-1, index.size))


def differentiate(b: Batch) -> None:
    """Differentiate a batch: all rounds block by block, then the last search for what is left of all blocks."""
    usable = np.flatnonzero(np.isfinite(b.x) & np.isfinite(b.y))
    left = [rounds(b, some) for some in in_blocks(usable, b.together)]
    if left:
        last_search(b, np.concatenate(left))


def in_blocks(index: Any, size: int) -> list[Any]:
    """Split points into blocks of about equal size."""
    return np.array_split(index, -(-index.size // size)) if index.size else []


def rounds(b: Batch, every: Any) -> Any:
    """Take the first round and finer ones; return the points that they leave open."""
    table = first(b.n, b.two_sided)
    u = scale_of(b.x[every])
    near, far = b.room(every)
    # where the first steps do not fit, narrower ones do, unless these are much too narrow
    fits = near >= table.steps[0] * u
    narrow = power_below(np.maximum(near / table.steps[0], 2.0**-1000))
    unit = np.where(fits, u, narrow)
    going = (fits | (narrow >= u * 2.0**-10)) & (np.abs(b.x[every]) < 2.0**1000)
    some = every[going]
    if not some.size:
        return every
    unit = unit[going]
    h = np.array(table.steps)[:, None] * unit
    values = b.values(some, h)
    j = judge_at(b, table, some, unit, values)
    b.settle_smooth(some, j, np.flatnonzero((j.verdict == DONE) | (j.verdict == NEARBY) | (j.verdict == WIDER)))
    wide = np.flatnonzero(j.verdict == WIDER)
    if wide.size:
        wider_round(b, some[wide], unit[wide])
    more = np.flatnonzero((j.verdict == FINER) | (j.verdict == NEARBY))
    interval = j.df[more] - j.bound[more], j.df[more] + j.bound[more]
    left = finer_rounds(b, some[more], unit[more], values.take(more, axis=-1), j.verdict[more] == NEARBY, interval)
    return np.concatenate([every[~going], some[j.verdict == OPEN], left])


def wider_round(b: Batch, index: Any, unit: Any) -> None:
    """Take wider steps for points whose bounds are long because of rounding; keep the shorter bounds."""
    table = finer(b.n, b.two_sided)
    unit = step(WIDEST) * unit
    j = judge_at(b, table, index, unit, b.values(index, np.array(table.steps)[:, None] * unit))
    agrees = np.abs(j.df - b.out.df[index]) <= j.bound + b.out.error[index]
    is_limited = (j.verdict == DONE) | (j.verdict == WIDER)
    b.settle_smooth(index, j, np.flatnonzero(agrees & is_limited & (j.bound < b.out.error[index])))


def finer_rounds(b: Batch, index: Any, unit: Any, values: Any, safe: Any, interval: tuple[Any, Any]) -> Any:
    """Take finer steps for points whose steps were too wide; return those that are not settled after all.

    The steps begin four levels below the last, or where the first round has values on both sides. Near 0, where many
    functions have steps of the size of the point for their scale, they begin at an eighth of that. `interval` is what
    wider steps allow. A point where finer ones contradict them, as below the jumps of a value that is rounded inside
    `f`, is left to the last search. Points that are `safe` have a result, which finer steps may improve on.
    """
    low, high = interval
    open_points = []
    table = finer(b.n, b.two_sided)
    size = np.abs(b.x[index])
    beside_zero = (size > 0) & (size < SMALL)
    top = step(7 if b.n == 1 else 5) * unit
    # the first step with values on all sides
    there = np.isfinite(values).all(axis=1)
    steps = np.array(first(b.n, b.two_sided).steps)
    level = there.argmax(axis=0)
    edge = there.any(axis=0) & (level > 0) & (level < len(steps) - 1)
    top = np.where(edge, np.minimum(top, 0.5 * FACTOR * steps[level] * unit), top)
    top = np.where(beside_zero, np.minimum(top, FACTOR / 8 * power_below(np.where(size > 0, size, 1.0))), top)
    unit = top
    for _ in range(ROUNDS):
        if not index.size:
            break
        going = unit * table.steps[-1] >= np.abs(b.x[index]) * 2.0**-50
        h = np.array(table.steps)[:, None] * unit
        there = b.values(index, h)
        j = judge_at(b, table, index, unit, there)
        agrees = ~(j.df - j.bound > high) & ~(j.df + j.bound < low)
        done = going & agrees & ((j.verdict == DONE) | (j.verdict == NEARBY) | (j.verdict == WIDER))
        better = np.flatnonzero(done & (j.bound < b.out.error[index]))
        b.settle_smooth(index, j, better)
        flat = (there == b.y[index]).all(axis=(0, 1)) & (b.out.df[index] != 0)
        finer_still = ~done & ~safe & going & agrees & (j.verdict == FINER)
        b.out.df[index[~agrees]], b.out.error[index[~agrees]] = np.nan, np.inf
        open_points.append(index[~done & ~finer_still & (~safe | ~agrees | flat)])
        more = np.flatnonzero(finer_still)
        low, high = (a[more] for a in (np.fmax(low, j.df - j.bound), np.fmin(high, j.df + j.bound)))
        index, unit, safe = index[more], unit[more] * 2.0**-NEXT, safe[more]
    return np.concatenate([*open_points, index])


def last_search(b: Batch, index: Any) -> None:
    """Search all levels for the points left, near 0 also the steps of their own size."""
    _, far = b.room(index)
    widest = np.where(far < np.inf, power_below(np.maximum(far, 2.0**-1000)), 2.0**1000)
    u = np.minimum(scale_of(b.x[index]), widest)
    size = np.abs(b.x[index])
    beside_zero = (size > 0) & (size < SMALL)
    near = beside_zero & (size >= 2.0**-BETWEEN)
    zero = size == 0
    for some, last, deepest in (
        (~near & ~zero, FINEST, DEEPEST), (near, FINEST + BETWEEN, DEEPEST + BETWEEN), (zero, FINEST, 2 * DEEPEST),
    ):  # fmt: skip
        if some.any():
            search_from(b, index[some], u[some], last, deepest)
    tiny = np.flatnonzero(beside_zero & ~near)
    if tiny.size:
        search_from(b, index[tiny], np.minimum(0.5 * power_below(size[tiny]), widest[tiny]), FINEST, DEEPEST)


def search_from(b: Batch, index: Any, u: Any, last: int, deepest: int) -> None:
    """Search the levels from a step on: noise first, block by block, then what is left of all blocks."""
    left: dict[int, list[Any]] = {0: [], -COARSEST: []}
    for some in in_blocks(np.arange(index.size), b.together // 4):
        if b.n == 1 and b.two_sided:
            whole = _search(b, index[some], u[some], 0, last, -COARSEST)
            near = whole.finer(-COARSEST)
            noise, quantum = visible_noise(near)
            quiet, loud = noise == 0, np.flatnonzero(noise)
            if loud.size:
                rest = _settle_noise(b, index[some], whole, noise, quantum, loud)
                if rest.size:
                    left[-COARSEST].append((some[rest], whole.at(rest)))
        else:
            near, quiet = _search(b, index[some], u[some], 0, last), np.ones(some.shape, bool)
        if quiet.any():
            left[0].append((some[quiet], near if quiet.all() else near.at(np.flatnonzero(quiet))))
    for reserve, parts in left.items():
        if parts:
            rest, v = np.concatenate([part for part, _ in parts]), beside([values for _, values in parts])
            for some in in_blocks(np.arange(rest.size), b.together // 4):
                its = v if some.size == rest.size else v.at(some)
                _decide(b, index[rest[some]], u[rest[some]], its, reserve, (last, deepest))


def _settle_noise(b: Batch, index: Any, v: Values, noise: Any, quantum: Any, loud: Any) -> Any:
    """Settle the points with noise of a block, after evaluating their coarse levels; return those that are left."""
    reserve = -COARSEST
    v.values[:reserve][..., loud] = b.values(index[loud], v.h[:reserve].take(loud, axis=-1))
    df, bound, scale, settled = settle_noise(v, noise, quantum, reserve)
    _replace(b, index, Outcome(df, bound, scale, df, df, np.full(df.shape, CONVERGED)), settled)
    return loud[~settled[loud]]


def _decide(b: Batch, index: Any, u: Any, v: Values, reserve: int, levels: tuple[int, int]) -> None:
    """Decide on points, and look at further levels where these do not settle a point."""
    last, deepest = levels
    outcome, wanted = decide(v, reserve)
    coarser = wanted.coarser if reserve == 0 else np.zeros(index.shape, bool)
    for more_fine, more_coarse in ((False, True), (True, False), (True, True)):
        more = np.flatnonzero((wanted.finer == more_fine) & (coarser == more_coarse))
        if not more.size:
            continue
        parts = [_search(b, index[more], u[more], COARSEST, -1)] if more_coarse else []
        parts += [v.at(more)]
        parts += [_search(b, index[more], u[more], last + 1, deepest)] if more_fine else []
        for a, c in zip(outcome, decide(join(*parts), -COARSEST if more_coarse else reserve)[0], strict=True):
            a[more] = c
    _replace(b, index, outcome, np.ones(index.shape, bool))


def _replace(b: Batch, index: Any, outcome: Outcome, where: Any) -> None:
    """Replace earlier results by those of the search where their bounds are better."""
    old = b.out
    before = old.error[index] / np.maximum(old.scale[index], 2.0**-1074)
    now = outcome.error / np.maximum(outcome.scale, 2.0**-1074)
    better = ~(before < now) | np.isnan(old.df[index])
    better |= (outcome.error < old.error[index]) & (now < 1e-6)
    better &= where
    b.settle(index[better], Outcome(*(a[better] for a in outcome)))


def _search(b: Batch, index: Any, u: Any, first: int, last: int, reserve: int = 0) -> Values:
    """Evaluate at levels; `reserve` coarser ones have no values yet."""
    h = step(np.arange(first - reserve, last + 1))[:, None] * u
    # missing levels beyond the finest; no power of two from level to level
    values = np.empty((len(h) + padding(b.n), 1 + b.two_sided, index.size + LANES))[..., : index.size]
    values[:reserve], values[len(h) :] = np.nan, np.nan
    values[reserve : len(h)] = b.values(index, h[reserve:])
    return Values(b.n, b.x[index], b.y[index], signed(b.side, np.ones(index.size)), h, values)


def judged(outcome: Outcome, nfev: Any, rule: Any) -> Estimate:
    """Turn results into an estimate: judge the bounds by the tolerance."""
    df, error, scale, left, right, status = outcome
    if rule.rtol is None:
        allowed = np.maximum(rule.atol, TOLERANCE * scale)
    else:
        allowed = np.maximum(rule.atol, rule.rtol * np.abs(df))
    # a function that is exactly flat has no slope to compare with: its bound is rounding and nothing else
    wide = (status == CONVERGED) & ~(error <= allowed) & ~((scale == 0) & (rule.rtol is None))
    status = np.where(wide, Status.TOLERANCE_NOT_REACHED, status).astype(np.int8)
    return Estimate(df, error, status, status == CONVERGED, nfev.astype(np.int32), left, right)


def estimate(
    f: Evaluate,
    x: Any,
    rule: Any,
    step: Any = None,
    low: Any = None,
    high: Any = None,
    *,
    kind: str = "d",
    together: int = BLOCK,
    at: Evaluate | None = None,
    grids: bool = False,
) -> Estimate:
    """Differentiate a function of positions and the indices of the points they belong to.

    Parameters
    ----------
    f : callable
        ``f(points, index)``: the values at one-dimensional `points`, of which ``points[k]`` belongs to
        ``x[index[k]]``; NaN where there is none.
    x : ndarray of float64, shape (m,)
        The points.
    rule : Adaptive
        What is wanted.
    step, low, high : array_like, optional
        Largest step and bounds, for all points or each; `f` is never called outside the bounds.
    kind : str, default "d"
        NumPy's letter for what `f` returns; complex values (``"D"``) are differentiated in two parts.
    together : int, optional
        How many points a round takes at a time; the last search takes a quarter of them.
    at : callable, optional
        Evaluates at the points themselves, where exceptions are handled otherwise; `f` by default.
    grids : bool
        Whether `f` also takes points of shape ``(..., m)`` with ``m`` indices for the last axis.

    Returns
    -------
    Estimate
        Arrays of shape (m,).
    """
    if kind == "D":
        return _in_parts(f, x, rule, step, low, high, together, at, grids)
    largest, lowest, highest = [np.broadcast_to(np.asarray(other if a is None else a, np.float64), x.shape)
              for a, other in ((step, math.inf), (low, -math.inf), (high, math.inf))]  # fmt: skip

    def values(points: Any, index: Any) -> Any:
        if grids:
            return f(points, index)
        return _in_chunks(f, points.ravel(), np.tile(index, points.size // index.size)).reshape(points.shape)

    with np.errstate(all="ignore"):
        y = np.asarray((at or f)(x.copy(), np.arange(x.size)), np.float64)
        b = Batch(values, y, rule.n, rule.sign, x, largest, lowest, highest, together)
        differentiate(b)
        return judged(b.out, b.nfev, rule)


def _in_chunks(f: Evaluate, points: Any, index: Any) -> Any:
    """Evaluate a function that may be anything at so many points that its arrays stay in cache."""
    parts = [f(points[k : k + CHUNK], index[k : k + CHUNK]) for k in range(0, points.size, CHUNK)]
    return np.concatenate([np.broadcast_to(p, min(CHUNK, points.size)) if np.ndim(p) == 0 else p for p in parts])


def _in_parts(f: Evaluate, x: Any, rule: Any, step: Any, low: Any, high: Any, together: int, at: Any, grids: bool
              ) -> Estimate:  # fmt: skip
    """Differentiate complex values: real and imaginary parts apart."""

    def part_of(g: Any, part: Any) -> Any:
        return None if g is None else lambda points, index: part(g(points, index))

    re, im = (
        estimate(part_of(f, part), x, rule, step, low, high, together=together, at=part_of(at, part), grids=grids)
        for part in (np.real, np.imag)
    )
    status = np.minimum(re.status, im.status)
    return Estimate(
        re.df + 1j * im.df,
        np.hypot(re.error, im.error),
        status,
        status == Status.CONVERGED,
        re.nfev + im.nfev,
        re.left + 1j * im.left,
        re.right + 1j * im.right,
    )
