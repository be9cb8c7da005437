"""Kernels of a round: the positions around points, and the judging kernel with its verdict."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .codegen import Row, Select, power_below
from .extrapolation import Table
from .judge import judge
from .scan import Scan
from .verdict import OPEN, verdict


class RoundResult(NamedTuple):
    """Rows of a judgement that a round needs."""

    df: Row
    bound: Row
    scale: Row
    verdict: Row
    complete: Row
    """The coarsest step with values on all sides, as a number from coarse to fine; -1 if there is none."""


@cache
def judging(table: Table) -> Scan:
    """Kernel of points, values there, scales, largest steps, bounds and values around; a scan without levels."""

    def finish(select: Select, _state: Any, points: Any) -> tuple[Row, ...]:
        x, y, u, largest, low, high, *values = points
        judgement = judge(select, table, x, y, u, values)
        best = judgement.best
        h = u * table.steps[0]
        fits = (abs(h) <= largest) & (x + h <= high) & (x + h >= low) & (abs(x) < 2.0**1000)
        if table.two_sided:
            fits = fits & (x - h >= low)
        decision = verdict(select, table, x, y, values, judgement)
        complete = -1.0
        for level in reversed(range(len(table.steps))):
            complete = select(abs(judgement.series.main[level]) < math.inf, float(level), complete)
        return RoundResult(best.df, best.bound, best.scale, select(fits, decision, float(OPEN)), complete)

    return Scan(f"judging {table}", finish=finish)


@cache
def positions(table: Table, side: int) -> Scan:
    """Kernel of points: their scales, and the positions around them."""

    def finish(select: Select, _state: Any, points: Any) -> tuple[Row, ...]:
        (x,) = points
        size = abs(x)
        u = power_below(select(size > 1.0, size, 1.0)) * (-1.0 if side < 0 else 1.0)
        signs = (1.0, -1.0) if table.two_sided else (1.0,)
        return (u, *(x + u * (sign * step) for step in table.steps for sign in signs))

    return Scan(f"positions {side} {table}", finish=finish)


def count_values(table: Table) -> int:
    """Return the number of values around a point."""
    return len(table.steps) * (2 if table.two_sided else 1)


def judge_round(table: Table, x: Row, y: Row, u: Row, values: Any) -> RoundResult:
    """Judge points by the values of one round, shape (rows, points), without limits on the steps."""
    results, _ = judging(table)([x, y, u, np.inf, -np.inf, np.inf, *values], [], 1, len(RoundResult._fields))
    return RoundResult(*results)
