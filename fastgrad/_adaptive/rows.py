"""The judging kernel on arrays: by NumPy, or by machine code once that pays. Both give the same bits."""

from __future__ import annotations

import time
from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np

from .._compiling.kernels import Native, at_hand
from .codegen import LANES, key_of, power_below, row_kernel
from .extrapolation import Table
from .judge import OPEN, Judgement, judge

MANY = 4096
"""Points from which a kernel is compiled at once: NumPy would take as long."""
PATIENCE = 0.5
"""Seconds that NumPy may have spent on a kernel before it is compiled, as long as that takes."""

OUTPUTS = ("df", "bound", "scale", "verdict")
"""Rows of a judgement that are needed in a round."""

_spent: dict[Table, float] = defaultdict(float)


@cache
def kernel_of(table: Table) -> Any:
    """Return the kernel as a function of ``where`` and rows.

    The rows are points, values there, scales, largest steps and bounds; then the values.
    """

    def kernel(select: Any, rows: Any) -> tuple[Any, ...]:
        x, y, u, largest, low, high, *values = rows
        made = judge(select, table, x, y, u, values)
        h = u * table.steps[0]
        fits = (abs(h) <= largest) & (x + h <= high) & (x + h >= low) & (abs(x) < 2.0**1000)
        if table.two_sided:
            fits = fits & (x - h >= low)
        return made.df, made.bound, made.scale, select(fits, made.verdict, float(OPEN))

    return kernel


def count_rows(table: Table) -> int:
    """How many rows the kernel takes."""
    return 6 + len(table.steps) * (2 if table.two_sided else 1)


@cache
def compiled(table: Table) -> tuple[Native, Any]:
    """Compile the kernel: its code, and a function of addresses."""
    return row_kernel(_key(table), count_rows(table), kernel_of(table))


def _key(table: Table) -> bytes:
    return repr((table)).encode()


def _is_compiled(table: Table, count: int) -> bool:
    """Whether machine code is there, or worth compiling."""
    pays = count >= MANY or _spent[table] > PATIENCE
    return pays or at_hand(key_of(_key(table)))


@cache
def positions(table: Table, side: int) -> tuple[Native, Any]:
    """Compile what makes scales and positions of points: a function of addresses."""

    def kernel(select: Any, rows: Any) -> tuple[Any, ...]:
        size = abs(rows[0])
        u = power_below(select(size > 1.0, size, 1.0)) * (-1.0 if side < 0 else 1.0)
        signs = (1.0, -1.0) if table.two_sided else (1.0,)
        return (u, *(rows[0] + u * (sign * step) for step in table.steps for sign in signs))

    return row_kernel(repr(("positions", table, side)).encode(), 1, kernel)


def judge_round(table: Table, x: Any, y: Any, u: Any, values: Any) -> Judgement:
    """Judge points by the values of one round, shape (rows, points), whatever their limits."""
    limits = np.repeat([[np.inf], [-np.inf], [np.inf]], x.size, axis=1)
    return _judged(table, [x[None], y[None], u[None], limits, values])


def _judged(table: Table, parts: list[Any]) -> Judgement:
    """Judge points by parts of the rows."""
    count = parts[0].shape[1]
    if not _is_compiled(table, count):
        began = time.perf_counter()
        rows = [row for part in parts for row in part]
        with np.errstate(all="ignore"):
            made = kernel_of(table)(np.where, rows)
        _spent[table] += time.perf_counter() - began
        return _judgement(made)
    padded = -(-count // LANES) * LANES
    stacked = np.empty((count_rows(table), padded + LANES))  # no power of two from row to row
    stacked[:, count:] = 1.0
    np.concatenate(parts, out=stacked[:, :count])
    out = np.empty((len(OUTPUTS), padded + LANES))
    _, call = compiled(table)
    call(stacked.ctypes.data, out.ctypes.data, stacked.shape[1], out.shape[1], count)
    return _judgement(out[:, :count])


def _judgement(rows: Any) -> Judgement:
    """Give the rows their names; those that are not needed are None."""
    return Judgement(**dict.fromkeys(Judgement._fields) | dict(zip(OUTPUTS, rows, strict=True)))
