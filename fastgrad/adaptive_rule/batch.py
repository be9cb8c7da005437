"""A batch of points: evaluation at steps within their limits, and the results so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._typing import Array, FloatArray, Index, Mask
from ..compilation.rows import Row
from .decisions import CONVERGED, NONFINITE, Outcome
from .flatness import UNKNOWN
from .noise import SHARP
from .round_kernels import Round, RoundResult
from .round_kernels import first_round as first_round_of
from .rule import Adaptive

#: Values at points, ``f(points, index)``; ``points[..., k]`` belongs to the point ``index[k]`` of the batch.
Evaluate = Callable[[FloatArray, Index], Array]

#: Takes a round in machine code, ``take(round, index, extras)``: the results, or None where `f` raised.
TakeRound = Callable[[Round, Index, Sequence[FloatArray]], Sequence[FloatArray] | None]

LARGER = 16
"""Blocks of rounds in machine code are larger by this factor: its positions and values stay in the second-level cache,
and NumPy takes long to start for few points."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the points, and largest steps; arrays of shape (m,)."""

    low: FloatArray
    high: FloatArray
    largest: FloatArray


class Batch:
    """Points with the state of their differentiation.

    Attributes
    ----------
    n, side : int
        Order of the derivative; -1, 0 or 1 for left, both and right.
    x, y : ndarray
        Points, and the values there.
    out : Outcome
        Results, infinite bounds where there are none.
    nfev : ndarray of int
        Evaluations so far.
    lowest, highest : ndarray
        Derivatives that the rounds so far allow.
    is_beside_edge : ndarray of bool
        Whether a side has no room for the steps of the first round, or no values there; only for higher orders.
    is_straight : ndarray of bool
        Whether finer steps, and only these, show that a higher derivative is 0 within its bound.
    block_size : int
        Points of one block of a round.
    is_free : bool
        Whether there are no limits.
    first_round : RoundResult or None
        The first round, if machine code has taken it; only without limits.
    """

    # Two more than six parameters: those that only functions in machine code have.
    def __init__(
        self, evaluate: Evaluate, rule: Adaptive, x: FloatArray, y: FloatArray, limits: Limits, block_size: int,
        first_round: RoundResult | None = None, machine: TakeRound | None = None,
    ) -> None:  # fmt: skip
        self.evaluate, self.x, self.y, self._machine = evaluate, x, y, machine
        self.n: int = rule.n
        self.side: int = rule.sign
        self.limits, self.block_size = limits, block_size
        bounds = (limits.low == -np.inf), (limits.high == np.inf), (limits.largest == np.inf)
        self.is_free = all(bool(b.all()) for b in bounds)
        self.first_round = first_round if self.is_free else None
        nan = np.full(x.shape, np.nan)
        self.out = Outcome(
            nan, np.full(x.shape, np.inf), np.zeros(x.shape), nan.copy(), nan.copy(), np.full(x.shape, NONFINITE)
        )
        evaluated = 0 if self.first_round is None else first_round_of(self.n, self.side).count
        self.nfev = np.full(x.shape, 1 + evaluated, np.int64)
        self.is_beside_edge = np.zeros(x.shape, bool)
        self.is_straight = np.zeros(x.shape, bool)
        self.lowest, self.highest = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)

    @property
    def two_sided(self) -> bool:
        """Whether both sides are evaluated."""
        return self.side == 0

    @property
    def round_size(self) -> int:
        """Points of one block of a round, which machine code divides further."""
        return self.block_size * (LARGER if self._machine else 1)

    def largest_steps(self, index: Index) -> tuple[FloatArray, FloatArray]:
        """Largest steps: on all sides that are evaluated, and on the wider one."""
        x, limits = self.x[index], self.limits
        above, below = limits.high[index] - x, x - limits.low[index]
        if self.side:
            near = far = above if self.side > 0 else below
        else:
            near, far = np.minimum(above, below), np.maximum(above, below)
        return np.minimum(near, limits.largest[index]), np.minimum(far, limits.largest[index])

    def values(self, index: Index, h: FloatArray) -> FloatArray:
        """Evaluate at steps, shape (levels, points): values of shape (levels, sides, points), NaN beyond the limits."""
        x, limits = self.x[index], self.limits
        points = np.empty((len(h), 1 + self.two_sided, index.size))
        if self.side >= 0:
            np.add(x, h, out=points[:, 0])
        if self.side <= 0:
            np.subtract(x, h, out=points[:, -1])
        # the last step is the finest
        if self.is_free and (points[-1] != x).all() and np.abs(points[0]).max() < np.inf:
            self.nfev[index] += points.shape[0] * points.shape[1]
            return np.asarray(self.evaluate(points, index), np.float64)
        allowed = (points != x) & (np.abs(points) < np.inf)
        if not self.is_free:
            allowed &= (points >= limits.low[index]) & (points <= limits.high[index])
            allowed &= (h <= limits.largest[index])[:, None, :]
        self.nfev[index] += allowed.sum(axis=(0, 1))
        values = np.full(points.shape, np.nan)
        where = np.nonzero(allowed)
        if where[0].size:
            values[where] = self.evaluate(points[where], index[where[2]])
        return values

    def take(self, round_: Round, index: Index, *extras: FloatArray) -> Any:
        """Take a round with its extra rows, of which the first is the unit."""
        results = self.take_in_machine_code(round_, index, extras)
        if results is not None:
            return results
        values = self.values(index, round_.widths(extras).reshape(-1, index.size))
        return round_.judged(self.x[index], self.y[index], extras[0], extras, values.reshape(-1, index.size))

    def take_in_machine_code(self, round_: Round, index: Index, extras: Sequence[FloatArray]) -> Any:
        """Take a round in machine code, or return None: there is none, `f` raises, or a position is not allowed."""
        if self._machine is None or not self.is_free or not index.size or not round_.is_compiled(index.size):
            return None
        x = self.x[index]
        first, last = (round_.steps[k] * extras[round_.units[k]] for k in (0, -1))
        if not ((np.abs(x) + first < np.inf).all() and ((x + last != x) & (x - last != x)).all()):
            return None
        results = self._machine(round_, index, extras)
        if results is None:
            return None
        self.nfev[index] += round_.count
        return round_.results(*results)

    def note_straight(self, index: Index) -> None:
        """Note where the results that finer steps gave for points are 0 within their bounds."""
        if self.n > 1:
            self.is_straight[index] = np.abs(self.out.df[index]) <= self.out.error[index]

    def note_allowed(self, index: Index, j: RoundResult, where: Mask) -> None:
        """Note which derivatives a round allows at some of its points, where its bound tells their size."""
        some = indices(where & (j.bound < UNKNOWN * j.scale))
        at, df, bound = index[some], j.df[some], j.bound[some]
        self.lowest[at] = np.fmax(self.lowest[at], df - bound)
        self.highest[at] = np.fmin(self.highest[at], df + bound)

    def store(self, index: Index, outcome: Outcome) -> None:
        """Write results."""
        for a, b in zip(self.out, outcome, strict=True):
            a[index] = b

    def improve(self, index: Index, outcome: Outcome) -> None:
        """Replace earlier results where the new bounds are better, but no sharp one by one that contradicts it."""
        df, error, scale, status = (a.take(index) for a in (*self.out[:3], self.out.status))
        relative = outcome.error / np.maximum(outcome.scale, 2.0**-1074)
        better = ~(error / np.maximum(scale, 2.0**-1074) < relative) | np.isnan(df)
        better |= (outcome.error < error) & (relative < 1e-6)
        is_sharp = (error < SHARP * scale) & (status == CONVERGED)
        better &= ~(is_sharp & (np.abs(outcome.df - df) > outcome.error + error))
        # finer flat levels show nothing new
        better &= ~((df == 0) & (outcome.df == 0) & (error < np.inf))
        if not better.all():
            some = indices(better)
            index, outcome = index[some], Outcome(*(a[some] for a in outcome))
        self.store(index, outcome)

    def store_round(self, index: Index, j: RoundResult, done: Index) -> None:
        """Write results of a round at some of its points."""
        self.store(index[done], Outcome.smooth(j.df[done], j.bound[done], j.scale[done]))


def in_blocks(index: Index, size: int) -> list[Index]:
    """Split points into blocks of about equal size."""
    if 0 < index.size <= size:
        return [index]
    return np.array_split(index, -(-index.size // size)) if index.size else []


def indices(mask: Mask) -> Index:
    """Return where a mask of one dimension holds; `numpy.flatnonzero` takes three times as long for few points."""
    return mask.nonzero()[0]


def is_beside_zero(x: Row, limit: float) -> Row:
    """Whether points are near 0 but not at it."""
    size = np.abs(x)
    return (size > 0) & (size < limit)
