"""Rounds: their steps, and the kernels of positions and of judgement."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from .._typing import FloatArray, Index
from ..compilation.kernels import Native
from ..compilation.rows import Row, Rows, Select, power_below
from ..compilation.scan import Scan
from .extrapolation import LevelTable
from .judge import judge
from .schedule import finer, first
from .verdict import OPEN, verdict

NO_LIMITS = (math.inf, -math.inf, math.inf)
"""Extra rows of the first round where all positions are allowed."""


class RoundResult(NamedTuple):
    """Rows of a judgement that a round needs."""

    df: Row
    bound: Row
    scale: Row
    verdict: Row
    complete: Row
    """The coarsest step with values on all sides, as a number from coarse to fine; -1 if there is none."""
    is_flat: Row
    """Whether all values are equal to that at the point."""

    def at(self, index: Index) -> RoundResult:
        """Select some of the points."""
        return RoundResult(*(row[index] for row in self))


@dataclass(frozen=True, eq=False)
class Round:
    """Positions around points, and the judgement of the values there.

    Attributes
    ----------
    name : str
        Key of the kernels.
    side : int
        -1, 0 or 1 for left, both and right.
    steps : tuple of float
        Relative to units.
    units : tuple of int
        Which of the extra rows is the unit of each step; -1 for the scale of the point.
    extras : int
        Number of rows that the kernels take besides points and values.
    judge : callable
        ``judge(select, x, y, u, extras, values)``: rows of the results, of which the first four are those of
        `RoundResult`; `u` is the unit of the first step, negative for the left side.
    results : type
        Named tuple of the results.
    """

    name: str
    side: int
    steps: tuple[float, ...]
    units: tuple[int, ...]
    extras: int
    judge: Callable[[Select, Row, Row, Row, Rows, Rows], Rows]
    results: type[Any]

    @property
    def count(self) -> int:
        """Number of values around a point."""
        return len(self.steps) * (1 if self.side else 2)

    def widths(self, extras: Sequence[FloatArray]) -> FloatArray:
        """Return the steps of points, shape (steps, points), where the units are among the extra rows."""
        return np.array([h * extras[k] for h, k in zip(self.steps, self.units, strict=True)])

    @cached_property
    def positions(self) -> Scan:
        """Kernel of points and extra rows: units of the first step, and the positions."""

        def finish(select: Select, _state: Rows, points: Rows) -> Rows:
            x, *units = points
            signs = {-1: (-1.0,), 0: (1.0, -1.0), 1: (1.0,)}[self.side]
            if -1 in self.units:
                units.append(power_below(select(abs(x) > 1.0, abs(x), 1.0)))
            moved = [x + units[k] * (sign * h) for h, k in zip(self.steps, self.units, strict=True) for sign in signs]
            return (units[self.units[0]] * (-1.0 if self.side < 0 else 1.0), *moved)

        return Scan(f"positions {self.name}", finish=finish)

    @cached_property
    def judgement(self) -> Scan:
        """Kernel of points, values there, units, extra rows and values around."""

        def finish(select: Select, _state: Rows, points: Rows) -> Rows:
            x, y, u, *rest = points
            return self.judge(select, x, y, u, rest[: self.extras], rest[self.extras :])

        return Scan(f"judging {self.name}", finish=finish)

    def is_compiled(self, size: int) -> bool:
        """Whether machine code is there, or pays for so many points."""
        return self.judgement.function(self._rows, 0, 0, size) is not None

    @property
    def _rows(self) -> int:
        """Number of rows of the judgement: points, values there, units, extra rows and values around."""
        return 3 + self.extras + self.count

    @cached_property
    def kernels(self) -> tuple[Native, Native]:
        """Machine code of positions and judgement."""
        return self.positions.code(1 + self.extras, 0, 0), self.judgement.code(self._rows, 0, 0)

    def judged(self, x: Row, y: Row, unit: Row, extras: Rows, values: FloatArray) -> Any:
        """Judge points by values of shape (rows, points)."""
        u = -unit if self.side < 0 else unit
        rows, _ = self.judgement([x, y, u, *extras, *values], [], 1, len(self.results._fields))
        return self.results(*rows)


def _judge(select: Select, table: LevelTable, x: Row, y: Row, u: Row, values: Rows) -> RoundResult:
    judgement = judge(select, table, x, y, u, values)
    best = judgement.best
    decision = verdict(select, table, x, y, values, judgement)
    complete = -1.0
    for level in reversed(range(len(table.steps))):
        complete = select(abs(judgement.series.main[level]) < math.inf, float(level), complete)
    is_flat = values[0] == y
    for row in values[1:]:
        is_flat = is_flat & (row == y)
    return RoundResult(best.df, best.bound, best.scale, decision, complete, is_flat)


@cache
def first_round(n: int, side: int) -> Round:
    """Return the first round, whose extra rows are largest steps and bounds."""
    table = first(n, side == 0)

    def judge_limited(select: Select, x: Row, y: Row, u: Row, limits: Rows, values: Rows) -> RoundResult:
        largest, low, high = limits
        h = u * table.steps[0]
        fits = (abs(h) <= largest) & (x + h <= high) & (x + h >= low) & (abs(x) < 2.0**1000)
        if table.two_sided:
            fits = fits & (x - h >= low)
        j = _judge(select, table, x, y, u, values)
        return j._replace(verdict=select(fits, j.verdict, float(OPEN)))

    units = (-1,) * len(table.steps)
    return Round(f"first {n} {side}", side, table.steps, units, 3, judge_limited, RoundResult)


@cache
def finer_round(n: int, side: int) -> Round:
    """Return the round of finer and of wider steps, whose extra row is the coarsest step."""
    table = finer(n, side == 0)

    def judge_free(select: Select, x: Row, y: Row, u: Row, _: Rows, values: Rows) -> RoundResult:
        return _judge(select, table, x, y, u, values)

    return Round(f"finer {n} {side}", side, table.steps, (0,) * len(table.steps), 1, judge_free, RoundResult)
