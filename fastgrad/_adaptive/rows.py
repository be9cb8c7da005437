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

OUTPUTS = {False: ("df", "bound", "scale", "verdict"), True: Judgement._fields[:-1]}
"""Rows of a judgement that are needed in a round, and in the last search."""

_spent: dict[tuple[Table, bool], float] = defaultdict(float)


@cache
def kernel_of(table: Table, searching: bool) -> Any:
    """Return the kernel as a function of ``where`` and rows.

    The rows are points, values there, and scales; in rounds the largest steps and the bounds, in the last search the
    rounding of the values and the quanta of the extrapolated levels; then the values.
    """

    def kernel(select: Any, rows: Any) -> tuple[Any, ...]:
        x, y, u, *rest = rows
        if not searching:
            largest, low, high, *values = rest
            made = judge(select, table, x, y, u, values)
            h = u * table.steps[0]
            fits = (abs(h) <= largest) & (x + h <= high) & (x + h >= low) & (abs(x) < 2.0**1000)
            if table.two_sided:
                fits = fits & (x - h >= low)
            made = made._replace(verdict=select(fits, made.verdict, float(OPEN)))
        else:
            count = table.extrapolated
            made = judge(select, table, x, y, u, rest[1 + count :], rest[0], rest[1 : 1 + count])
        return tuple(getattr(made, name) for name in OUTPUTS[searching])

    return kernel


def count_rows(table: Table, searching: bool) -> int:
    """How many rows the kernel takes."""
    return 3 + (1 + table.extrapolated if searching else 3) + len(table.steps) * (2 if table.two_sided else 1)


@cache
def compiled(table: Table, searching: bool) -> tuple[Native, Any]:
    """Compile the kernel: its code, and a function of addresses."""
    return row_kernel(_key(table, searching), count_rows(table, searching), kernel_of(table, searching))


def _key(table: Table, searching: bool) -> bytes:
    return repr((table, searching)).encode()


def _is_compiled(table: Table, searching: bool, count: int) -> bool:
    """Whether machine code is there, or worth compiling."""
    pays = count >= MANY or _spent[table, searching] > PATIENCE
    return pays or at_hand(key_of(_key(table, searching)))


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
    return _judged(table, False, [x[None], y[None], u[None], limits, values])


def judge_search(table: Table, x: Any, y: Any, u: Any, values: Any, rounding: Any, quantum: Any) -> Judgement:
    """Judge points by the values at some of the levels of the last search, shape (rows, points)."""
    return _judged(table, True, [x[None], y[None], u[None], rounding[None], quantum, values])


def _judged(table: Table, searching: bool, parts: list[Any]) -> Judgement:
    """Judge points by parts of the rows."""
    count = parts[0].shape[1]
    if not _is_compiled(table, searching, count):
        began = time.perf_counter()
        rows = [row for part in parts for row in part]
        with np.errstate(all="ignore"):
            made = kernel_of(table, searching)(np.where, rows)
        _spent[table, searching] += time.perf_counter() - began
        return _judgement(made, searching)
    padded = -(-count // LANES) * LANES
    stacked = np.empty((count_rows(table, searching), padded + LANES))  # no power of two from row to row
    stacked[:, count:] = 1.0
    np.concatenate(parts, out=stacked[:, :count])
    out = np.empty((len(OUTPUTS[searching]), padded + LANES))
    _, call = compiled(table, searching)
    call(stacked.ctypes.data, out.ctypes.data, stacked.shape[1], out.shape[1], count)
    return _judgement(out[:, :count], searching)


def _judgement(rows: Any, searching: bool) -> Judgement:
    """Give the rows their names; those that are not needed are None."""
    return Judgement(**dict.fromkeys(Judgement._fields) | dict(zip(OUTPUTS[searching], rows, strict=True)))
