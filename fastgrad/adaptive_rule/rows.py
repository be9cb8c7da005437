"""What a round does with the points of a level set: positions, and the judging kernel."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .codegen import power_below
from .extrapolation import Table
from .judge import OPEN, Judgement, judge
from .scan import Scan

JUDGED = ("df", "bound", "scale", "verdict")
"""Rows of a judgement that a round needs."""


@cache
def judging(table: Table) -> Scan:
    """Kernel of points, values there, scales, largest steps, bounds and values around; a scan without levels."""

    def finish(select: Any, _state: Any, points: Any) -> tuple[Any, ...]:
        x, y, u, largest, low, high, *values = points
        made = judge(select, table, x, y, u, values)
        h = u * table.steps[0]
        fits = (abs(h) <= largest) & (x + h <= high) & (x + h >= low) & (abs(x) < 2.0**1000)
        if table.two_sided:
            fits = fits & (x - h >= low)
        return made.df, made.bound, made.scale, select(fits, made.verdict, float(OPEN))

    return Scan(f"judging {table}", finish=finish)


@cache
def positions(table: Table, side: int) -> Scan:
    """Kernel of points: their scales, and the positions around them."""

    def finish(select: Any, _state: Any, points: Any) -> tuple[Any, ...]:
        (x,) = points
        size = abs(x)
        u = power_below(select(size > 1.0, size, 1.0)) * (-1.0 if side < 0 else 1.0)
        signs = (1.0, -1.0) if table.two_sided else (1.0,)
        return (u, *(x + u * (sign * step) for step in table.steps for sign in signs))

    return Scan(f"positions {side} {table}", finish=finish)


def count_values(table: Table) -> int:
    """How many values there are around a point."""
    return len(table.steps) * (2 if table.two_sided else 1)


def judge_round(table: Table, x: Any, y: Any, u: Any, values: Any) -> Judgement:
    """Judge points by the values of one round, shape (rows, points), whatever their limits."""
    made, _ = judging(table)([x, y, u, np.inf, -np.inf, np.inf, *values], [], 1, len(JUDGED))
    return Judgement(**dict.fromkeys(Judgement._fields) | dict(zip(JUDGED, made, strict=True)))
