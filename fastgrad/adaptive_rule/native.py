"""A round as a ufunc of the arguments of `f` and the extra rows of the round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.cpu import CPUContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from ..compilation.kernels import Native, native_loop
from ..compilation.memory import (
    BODY,
    BUFFER,
    add_to,
    call_body,
    numbers_on_stack,
    pointer,
    words_at,
    words_on_stack,
)
from ..compilation.rows import LANES
from ..compilation.ufuncs import ADDRESS, ARGUMENTS, COPY, NONFINITE, OWN, RESULTS, Ufunc
from .round_kernels import Round
from .verdict import DONE

#: Further words of the ufunc's data: data of the ufunc of `f`, the argument to differentiate in, number of rows of
#: values, of extra rows and of results of the judgement, points of a chunk, addresses of the kernels of positions and
#: judgement and of the finishing function, or 0.
VALUES, WRT, ROWS, EXTRAS, JUDGED, CHUNK, POSITIONS, JUDGE, FINISH = range(OWN, OWN + 9)


def _call(*kinds: types.Type) -> tuple[Signature, Callable[..., ir.Value]]:
    """Return signature and code of an intrinsic that calls machine code by its address."""

    def code(context: CPUContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        prototype = ir.FunctionType(ir.VoidType(), [context.get_value_type(kind) for kind in signature.args[1:]])
        builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(types.intp, *kinds), code


@intrinsic
def _call_kernel(_typing: Any, address: Any, table: Any, levels: Any, count: Any) -> Any:
    """Call a scan by its address."""
    return _call(types.CPointer(types.intp), types.intp, types.intp)


@intrinsic
def _call_finish(_typing: Any, address: Any, count: Any, places: Any, data: Any) -> Any:
    """Call what finishes points by its address."""
    return _call(types.intp, *[types.CPointer(types.intp)] * 2)


def _body(n, places, data):  # type: ignore[no-untyped-def]
    """Take a round at `n` points: the body of a ufunc.

    It only passes addresses to other machine code, which does the work at every point, and so compiles quickly.
    """
    buffer, args, copy = numbers_on_stack(), words_on_stack(), words_on_stack()  # type: ignore[call-arg,var-annotated]
    position_table, judge_table = words_on_stack(), words_on_stack()
    extras, rows, judged, chunk = data[EXTRAS], data[ROWS], data[JUDGED], data[CHUNK]
    nargs, fixed = data[ARGUMENTS] - extras, 3 + extras
    f = words_at(data[VALUES])
    # rows: points, values there, units, extra rows, values; then positions, and judgements
    row = 8 * chunk
    positions_at, judged_at = buffer + row * (fixed + rows), buffer + row * (fixed + 2 * rows)
    position_table[0], position_table[1 + extras] = buffer, buffer + 2 * row
    for k in range(extras):
        position_table[1 + k] = buffer + row * (3 + k)
    for k in range(rows):
        position_table[2 + extras + k] = positions_at + row * k
    for k in range(fixed + rows):
        judge_table[k] = buffer + row * k
    for k in range(judged):
        judge_table[fixed + rows + k] = judged_at + row * k
    open_points = start = 0
    copy[4] = 8
    while start < n:
        m = min(chunk, n - start)
        padded = (m + LANES - 1) // LANES * LANES
        for k in range(1 + extras):
            argument = data[WRT] if k == 0 else nargs + k - 1
            copy[0], copy[1] = buffer + row * (0 if k == 0 else k + 2), 8
            copy[2], copy[3] = places[argument] + 8 * start, 8
            call_body(data[COPY], m, copy, data)
        _call_kernel(data[POSITIONS], position_table, 1, padded)
        for i in range(nargs):
            args[i] = places[i] + 8 * start
        for k in range(1 + rows):
            args[data[WRT]] = buffer if k == 0 else positions_at + row * (k - 1)
            args[nargs] = buffer + row * (1 if k == 0 else fixed + k - 1)
            call_body(f[ADDRESS], m, args, f)
        _call_kernel(data[JUDGE], judge_table, 1, padded)
        df, verdict = pointer(judged_at, "d"), pointer(judged_at + 3 * row, "d")
        for i in range(m):
            if verdict[i] != DONE:
                open_points += 1
                if data[RESULTS] < 4:  # the verdict is not among the results
                    df[i] = np.nan
        for k in range(data[RESULTS]):
            copy[0], copy[2] = places[nargs + extras + k] + 8 * start, judged_at + row * k
            call_body(data[COPY], m, copy, data)
        start += m
    if open_points != 0:
        add_to(data, NONFINITE, 1)
        if data[FINISH] != 0:
            _call_finish(data[FINISH], n, places, data)
    return 0


@cache
def _shared() -> Native:
    """Compile the body, which all functions and rounds share."""
    return native_loop(b"round %d" % LANES, _body, BODY)


# Seven parameters: the last two choose the results, and what finishes them in Numba code.
def round_ufunc(values: Ufunc, nargs: int, wrt: int, round_: Round, name: str, results: int = 0, finish: int = 0
                ) -> Ufunc:  # fmt: skip
    """Return a round of a compiled function as a ufunc with the first `results` fields of its results, by default all.

    Without the verdict, the derivative of points that are not done is NaN.

    `finish` is the address of a function of the number of points, the addresses of arguments and results, and the data
    of the ufunc.
    """
    move, judge = round_.kernels
    judged = len(round_.results._fields)
    chunk = BUFFER // (3 + round_.extras + 2 * round_.count + judged) // LANES * LANES
    own = (values.data, wrt, round_.count, round_.extras, judged, chunk, move.address, judge.address, finish)
    title = f"adaptive derivative of {name}"
    return Ufunc(_shared(), nargs + round_.extras, name, title, results or judged, own, (values, move, judge))
