"""The ladder as a body for ufuncs: one piece of machine code for all functions, which calls whoever evaluates them.

Compiling it takes ten seconds, once on a machine.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .._compiling.kernels import Native, native
from .._compiling.memory import BODY, address_of, address_of_words, call_body, pointer, words_at, words_on_stack
from .._compiling.ufuncs import ADDRESS, ARGUMENTS, OWN, RESULTS, Ufunc
from ._extrapolation import SERIES
from ._looks import PLANES
from ._point import ASKED, POINT, kernel
from ._rounds import OUTCOME, ROUNDS, close_block, emit, first_look, judge, open_block, take

#: Words of its own that the body needs: who evaluates, a word for the evaluator, the argument to differentiate in,
#: order of the derivative, side, both tolerances as bits, points at a time.
EVALUATOR, PASSED, WRT, ORDER, SIDE, RTOL, ATOL, AT_A_TIME = range(OWN, OWN + 8)

#: Results of the body, in this order.
FIELDS = ("df", "error", "left", "right", "status", "nfev", "size")

#: Points in one go of the body: its tables stay small whatever the batch.
STRETCH = 4096

#: Points evaluated at a time, up to twenty positions each: for machine code what stays in the first-level cache, for
#: Python as many as it takes to spread the call.
COMPILED, CALLED = 256, 768

#: Arguments of the body after those of the function: largest step, lower and upper bound.
EXTRA = 3

#: What `native` knows the rule by.
RULE = b"climb"


@intrinsic
def call_evaluator(_typing: Any, address: Any, points: Any, index: Any, count: Any, values: Any, context: Any) -> Any:
    """Call ``void (double *points, int64 *index, int64 count, double *values, int64 *context)`` by its address."""
    word = ir.IntType(64)

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(ir.VoidType(), [word] * 5)
        builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), code


@kernel
def run(evaluator, context, x, lo, hi, step, n, side, rtol, atol, size, out):  # type: ignore[no-untyped-def]
    """Differentiate at all points, `size` of them at a time: ask, evaluate, judge, until none asks for more."""
    size = min(size, max(x.size, 1))
    room = max(2 * ASKED, PLANES) * size
    p, s, given, made = np.empty(size, POINT), np.empty(1, SERIES), np.empty((3, size)), np.empty((3, size))
    active, who, done = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    points, index, values, f0 = np.empty(room), np.empty(room, np.int64), np.empty(room), np.empty(size)
    at, of, found = points.ctypes.data, index.ctypes.data, values.ctypes.data
    for start in range(0, x.size, size):
        m = min(size, x.size - start)
        for i in range(m):
            points[i], index[i] = x[start + i], start + i
        call_evaluator(evaluator, at, of, m, f0.ctypes.data, context)  # type: ignore[call-arg]
        k = first_look(x, f0, start, m, lo, hi, step, who, points, index) if n == 1 and side == 0 else 0
        if k > 0:
            call_evaluator(evaluator, at, of, PLANES * k, found, context)
        left = open_block(
            p, active, start, m, x, f0, lo, hi, step, n, side, rtol, atol, who, k, values, given, made, done, s, out,
        )  # fmt: skip
        for _ in range(ROUNDS):
            if left == 0:
                break
            count = emit(p, active, left, start, lo, hi, step, side, points, index)
            if count > 0:
                call_evaluator(evaluator, at, of, count, found, context)
            take(p, active, left, start, lo, hi, step, side, values)
            left = judge(p, active, left, n, side, rtol, atol, who, values, given, made, done, s)
        close_block(p, start, start + m, out)


def _body(n, places, data):  # type: ignore[no-untyped-def]
    """Differentiate at `n` points: a body as `ufuncs` wants it."""
    nargs = data[ARGUMENTS] - EXTRA
    context = words_on_stack()  # type: ignore[call-arg,var-annotated]
    context[0], context[1], context[2], context[3] = data[PASSED], nargs, data[WRT], 0
    rtol = np.int64(data[RTOL]).view(np.float64)
    atol = np.int64(data[ATOL]).view(np.float64)
    stretch = max(STRETCH, data[AT_A_TIME])
    out = np.empty(min(n, stretch), OUTCOME)
    moved = words_on_stack()
    context[3] = address_of_words(moved)
    start = 0
    while start < n:
        m = min(stretch, n - start)
        for i in range(data[ARGUMENTS] + data[RESULTS]):
            moved[i] = places[i] + 8 * start
        x = numba.carray(pointer(moved[data[WRT]], "d"), (m,))
        step = numba.carray(pointer(moved[nargs], "d"), (m,))
        low = numba.carray(pointer(moved[nargs + 1], "d"), (m,))
        high = numba.carray(pointer(moved[nargs + 2], "d"), (m,))
        run(
            data[EVALUATOR], address_of_words(context), x, low, high, step, data[ORDER], data[SIDE], rtol, atol,
            data[AT_A_TIME], out,
        )  # fmt: skip
        for k in range(data[RESULTS]):
            column = pointer(moved[data[ARGUMENTS] + k], "d")
            for i in range(m):
                o = out[i]
                column[i] = (
                    o.df if k == 0 else o.error if k == 1 else o.left if k == 2 else o.right if k == 3
                    else np.float64(o.status) if k == 4 else np.float64(o.nfev) if k == 5 else o.size
                )  # fmt: skip
        start += m
    return 0


def _evaluate(points, index, count, values, context):  # type: ignore[no-untyped-def]
    """Evaluate a compiled function; `context`: its ufunc's data, how many arguments, which one moves, their places."""
    words = words_at(context)  # type: ignore[call-arg,var-annotated]
    data, nargs, wrt, places = words_at(words[0]), words[1], words[2], words_at(words[3])
    which = words_at(index)
    given = words_on_stack()
    rest = np.empty((nargs, count if nargs > 1 else 0))
    for i in range(nargs):
        given[i] = points
        if i != wrt:
            column = pointer(places[i], "d")
            for k in range(count):
                rest[i, k] = column[which[k]]
            given[i] = rest[i].ctypes.data
    given[nargs] = values
    call_body(data[ADDRESS], count, given, data)
    given[0] = rest.size  # Numba frees an array after its last use by name, whoever still has its address


@cache
def shared() -> tuple[Native, Native]:
    """Compile the rule and the evaluation of compiled functions: one for all."""
    return (
        native(RULE, lambda: (_body, BODY, "d")),
        native(b"evaluate", lambda: (_evaluate, types.void(*[types.intp] * 5), "d")),
    )


def _own(evaluator: int, passed: int, wrt: int, rule: Any, at_a_time: int) -> tuple[int, ...]:
    """Words of its own that the body needs: see `EVALUATOR` and those after it."""
    rtol, atol = (int(np.float64(t).view(np.int64)) for t in (rule.rtol or 0.0, rule.atol))
    return evaluator, passed, wrt, rule.n, rule.sign, rtol, atol, at_a_time


def ladder_ufunc(values: Ufunc, nargs: int, wrt: int, rule: Any, name: str, nout: int) -> Ufunc:
    """Make the adaptive derivative of a compiled function: from its arguments, largest step and bounds to `FIELDS`."""
    body, evaluator = shared()
    own = _own(evaluator.address, values.data, wrt, rule, COMPILED)
    return Ufunc(body, nargs + EXTRA, name, f"{rule} of {name}", nout, own, keep=values)


_run_at = cache(ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p))


def launch(
    evaluator: int, passed: int, rule: Any, at_a_time: int, inputs: Any, results: Any, first: int, count: int
) -> None:
    """Run the body on `count` points from `first` on."""
    body, _ = shared()
    own = _own(evaluator, passed, 0, rule, at_a_time)
    data = (ctypes.c_int64 * (OWN + len(own)))(*[0] * OWN, *own)
    data[ARGUMENTS], data[RESULTS] = len(inputs), len(results)
    row = 8 * inputs.shape[1]
    starts = ((address_of(a) + 8 * first, len(a)) for a in (inputs, results))
    places = (ctypes.c_int64 * 16)(*[start + row * k for start, rows in starts for k in range(rows)])
    _run_at(body.address)(count, ctypes.addressof(places), ctypes.addressof(data))
