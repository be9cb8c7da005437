"""The first round in machine code: a ufunc of the arguments of `f`, largest steps and bounds.

It settles most points of most functions without Python. Points that need more are NaN, and left to the driver.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ..compilation.kernels import Native, native
from ..compilation.memory import (
    BODY,
    ROOM,
    add_to,
    call_body,
    numbers_on_stack,
    pointer,
    words_at,
    words_on_stack,
)
from ..compilation.ufuncs import ADDRESS, ARGUMENTS, COPY, NONFINITE, OWN, RESULTS, Ufunc
from .codegen import LANES
from .rows import RoundResult, count_values, judging, positions
from .schedule import first
from .verdict import DONE

#: Words of its own that the body needs: data of the ufunc of `f`, the argument to differentiate in, how many rows of
#: values, points in one go, addresses of the kernels that make positions and judge, that of what finishes points or 0.
VALUES, WRT, ROWS, STRETCH, POSITIONS, JUDGE, FINISH = range(OWN, OWN + 7)

EXTRA = 3
"""Arguments of the body after those of the function: largest step, lower and upper bound."""

RESULT_ROWS = 3
"""Derivative, bound, local slope scale."""

_JUDGED = len(RoundResult._fields)


@intrinsic
def _call_kernel(_typing: Any, address: Any, table: Any, count: Any) -> Any:
    """Call a scan without levels by its address."""
    word = ir.IntType(64)

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(ir.VoidType(), [word, word, word])
        address, table, count = args
        table = builder.ptrtoint(table, word)
        builder.call(builder.inttoptr(address, prototype.as_pointer()), [table, ir.Constant(word, 1), count])
        return context.get_dummy_value()

    return types.void(types.intp, types.CPointer(types.intp), types.intp), code


@intrinsic
def _call_finish(_typing: Any, address: Any, count: Any, places: Any, data: Any) -> Any:
    """Call what finishes points, by its address."""
    word = ir.IntType(64)

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(ir.VoidType(), [word, word.as_pointer(), word.as_pointer()])
        builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, *[types.CPointer(types.intp)] * 2), code


def _body(n, places, data):  # type: ignore[no-untyped-def]
    """Take the first round at `n` points: a body as `ufuncs` wants it.

    Everything that is done for every point is in other pieces of machine code, called by their addresses: this one only
    tells them where things are, which makes it quick to compile.
    """
    buffer, given, copied = numbers_on_stack(), words_on_stack(), words_on_stack()  # type: ignore[call-arg,var-annotated]
    move, judge = words_on_stack(), words_on_stack()
    nargs, rows, stretch = data[ARGUMENTS] - EXTRA, data[ROWS], data[STRETCH]
    f = words_at(data[VALUES])
    # rows: points, values there, scales, largest steps, bounds, values; then positions, and what has been judged
    row = 8 * stretch
    moved, judged = buffer + row * (6 + rows), buffer + row * (6 + 2 * rows)
    # scales and positions of points; what is judged
    move[0], move[1] = buffer, buffer + 2 * row
    for k in range(rows):
        move[2 + k] = moved + row * k
    for k in range(6 + rows):
        judge[k] = buffer + row * k
    for k in range(_JUDGED):
        judge[6 + rows + k] = judged + row * k
    open_points = start = 0
    copied[4] = 8
    while start < n:
        m = min(stretch, n - start)
        padded = (m + LANES - 1) // LANES * LANES
        for k in range(1 + EXTRA):
            argument = data[WRT] if k == 0 else nargs + k - 1
            copied[0], copied[1] = buffer + row * (0 if k == 0 else k + 2), 8
            copied[2], copied[3] = places[argument] + 8 * start, 8
            call_body(data[COPY], m, copied, data)
        _call_kernel(data[POSITIONS], move, padded)
        for i in range(nargs):
            given[i] = places[i] + 8 * start
        for k in range(1 + rows):
            given[data[WRT]] = buffer if k == 0 else moved + row * (k - 1)
            given[nargs] = buffer + row * (1 if k == 0 else 5 + k)
            call_body(f[ADDRESS], m, given, f)
        _call_kernel(data[JUDGE], judge, padded)
        df, verdict = pointer(judged, "d"), pointer(judged + 3 * row, "d")
        for i in range(m):
            if verdict[i] != DONE:
                df[i] = np.nan
                open_points += 1
        for k in range(data[RESULTS]):
            copied[0], copied[2] = places[nargs + EXTRA + k] + 8 * start, judged + row * k
            call_body(data[COPY], m, copied, data)
        start += m
    if open_points != 0:
        add_to(data, NONFINITE, 1)
        if data[FINISH] != 0:
            _call_finish(data[FINISH], n, places, data)
    return 0


@cache
def _shared() -> Native:
    """Compile the body: one for all functions and rules."""
    return native(b"first round", lambda: (_body, BODY, "d"))


def first_round(values: Ufunc, nargs: int, wrt: int, n: int, side: int, name: str, results: int, finish: int = 0
                ) -> Ufunc:  # fmt: skip
    """Make the first round of a compiled function a ufunc with the first of `RESULT_ROWS` results.

    `finish` is the address of a function of how many points, the places of arguments and results, and the ufunc's data.
    """
    table = first(n, side == 0)
    rows = count_values(table)
    move, judge = positions(table, side).code(1, 0, 0), judging(table).code(6 + rows, 0, 0)
    stretch = ROOM // (6 + 2 * rows + _JUDGED) // LANES * LANES
    own = (values.data, wrt, rows, stretch, move.address, judge.address, finish)
    keep = values, move, judge
    return Ufunc(_shared(), nargs + EXTRA, name, f"adaptive derivative of {name}", results, own, keep)
