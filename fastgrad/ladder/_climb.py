"""The ladder as a body for ufuncs, and the two ways in which it evaluates functions: by machine code, or by Python.

Compiling it takes ten seconds, once on a machine. Few points do not wait for that: Python runs the same text, slowly.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .._compiling.interpreted import empty, interpreted
from .._compiling.kernels import Native, at_hand, native
from .._compiling.memory import (
    BODY,
    address_of,
    address_of_words,
    array_at,
    call_body,
    pointer,
    words_at,
    words_on_stack,
)
from .._compiling.ufuncs import ADDRESS, ARGUMENTS, OWN, RESULTS, Ufunc
from ._extrapolation import GAINS, SERIES, kernel
from ._judgement import ASKED, POINT
from ._looks import PLANES
from ._rounds import OUTCOME, ROUNDS, close_block, emit, first_look, judge, open_block, take

#: Words of its own that the body needs: who evaluates, a word for the evaluator, the argument to differentiate in,
#: order of the derivative, side, both tolerances as bits, points at a time.
EVALUATOR, PASSED, WRT, ORDER, SIDE, RTOL, ATOL, AT_A_TIME = range(OWN, OWN + 8)

#: Results of the body, in this order.
FIELDS = ("df", "error", "left", "right", "status", "nfev", "size")

#: Points in one go of the body: its tables stay small whatever the batch.
_STRETCH = 4096

#: Points evaluated at a time, up to twenty positions each: for machine code what stays in the first-level cache, for
#: Python as many as it takes to spread the call.
_COMPILED, _CALLED = 256, 768

#: Arguments of the body after those of the function: largest step, lower and upper bound.
EXTRA = 3

#: Before the rule is compiled, batches of at most so many points are left to Python, until that has taken as many
#: seconds as one may take without being noticed.
_FEW, _PATIENCE = 256, 1.0

_BODY, _EVALUATOR = b"climb", b"evaluate"


@intrinsic
def _call_evaluator(_typing: Any, address: Any, points: Any, index: Any, count: Any, values: Any, context: Any) -> Any:
    """Call ``void (double *points, int64 *index, int64 count, double *values, int64 *context)`` by its address."""
    word = ir.IntType(64)

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(ir.VoidType(), [word] * 5)
        builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), code


@kernel
def _run(evaluator, context, x, lo, hi, step, n, side, rtol, atol, size, out):  # type: ignore[no-untyped-def]
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
        _call_evaluator(evaluator, at, of, m, f0.ctypes.data, context)  # type: ignore[call-arg]
        k = first_look(x, f0, start, m, lo, hi, step, who, points, index) if n == 1 and side == 0 else 0
        if k > 0:
            _call_evaluator(evaluator, at, of, PLANES * k, found, context)
        left = open_block(
            p, active, start, m, x, f0, lo, hi, step, n, side, rtol, atol, who, k, values, given, made, done, s, GAINS,
            out,
        )  # fmt: skip
        for _ in range(ROUNDS):
            if left == 0:
                break
            count = emit(p, active, left, start, lo, hi, step, side, points, index)
            if count > 0:
                _call_evaluator(evaluator, at, of, count, found, context)
            take(p, active, left, start, lo, hi, step, side, values)
            left = judge(p, active, left, n, side, rtol, atol, who, values, given, made, done, s, GAINS)
        close_block(p, start, start + m, out)


def _body(n, places, data):  # type: ignore[no-untyped-def]
    """Differentiate at `n` points: a body as `ufuncs` wants it."""
    nargs = data[ARGUMENTS] - EXTRA
    context = words_on_stack()  # type: ignore[call-arg,var-annotated]
    context[0], context[1], context[2], context[3] = data[PASSED], nargs, data[WRT], 0
    rtol = np.int64(data[RTOL]).view(np.float64)
    atol = np.int64(data[ATOL]).view(np.float64)
    stretch = max(_STRETCH, data[AT_A_TIME])
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
        _run(
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
def _shared() -> tuple[Native, Native]:
    """Compile the rule and the evaluation of compiled functions: one for all."""
    return (
        native(_BODY, lambda: (_body, BODY, "d")),
        native(_EVALUATOR, lambda: (_evaluate, types.void(*[types.intp] * 5), "d")),
    )


class _Python:
    """The rule run by Python itself."""

    def __init__(self) -> None:
        self.spent = 0.0
        """Seconds it has taken in this process."""

    @cached_property
    def run(self) -> Any:
        """The kernel `_run`; its evaluator is a Python function of addresses."""
        return interpreted(_run, {"_call_evaluator": lambda evaluator, *given: evaluator(*given)})

    def __call__(self, evaluate: Any, rule: Any, inputs: Iterable[Any], results: dict[str, Any]) -> None:
        """Differentiate; `inputs` are the points, largest steps and both bounds."""
        start, outside = time.perf_counter(), 0.0
        x, step, low, high = inputs

        def timed(*given: Any) -> None:  # what the function takes is not what compiling would save
            nonlocal outside
            began = time.perf_counter()
            evaluate(*given)
            outside += time.perf_counter() - began

        out = empty(x.size, OUTCOME)
        tolerances = np.float64(rule.rtol or 0.0), np.float64(rule.atol)
        with np.errstate(all="ignore"):
            self.run(timed, 0, x, low, high, step, rule.n, rule.sign, *tolerances, _CALLED, out)
        for name, values in results.items():
            values[:] = [getattr(o, name) for o in out]
        self.spent += time.perf_counter() - start - outside


_python = _Python()


def compiled_for(operands: Iterable[Any]) -> bool:
    """Tell whether these points are for machine code: whenever it is there, else when compiling it pays."""
    if _shared.cache_info().currsize or at_hand(_BODY) or _python.spent > _PATIENCE:
        return True
    return math.prod(np.broadcast_shapes(*map(np.shape, operands))) > _FEW


def _bits(number: float) -> int:
    return int(np.float64(number).view(np.int64))


def ladder_ufunc(values: Ufunc, nargs: int, wrt: int, rule: Any, name: str, nout: int) -> Ufunc:
    """Make the adaptive derivative of a compiled function: from its arguments, largest step and bounds to `FIELDS`."""
    body, evaluator = _shared()
    tolerances = _bits(rule.rtol or 0.0), _bits(rule.atol)
    own = (evaluator.address, values.data, wrt, rule.n, rule.sign, *tolerances, _COMPILED)
    return Ufunc(body, nargs + EXTRA, name, f"{rule} of {name}", nout, own, keep=values)


_CALLBACK = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 2)
_run_at = cache(ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p))


@contextmanager
def _hearing(callback: Any, failure: list[BaseException]) -> Iterator[None]:
    """Keep what is raised as a callback begins, before its own `try`: Ctrl-C, which ctypes would print and drop.

    Signals are heard by the main thread alone, so no other one touches the hook.
    """
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if lost.object is callback:
            failure.append(lost.exc_value or KeyboardInterrupt())
        else:
            before(lost)

    alone = threading.current_thread() is not threading.main_thread()
    try:
        if not alone:
            sys.unraisablehook = hook
        yield
    finally:
        if not alone:
            sys.unraisablehook = before


def climb(
    f: Callable[[Any, Any], Any], rule: Any, x: Any, step: Any, low: Any, high: Any, together: int | None = None
) -> dict[str, Any]:
    """Differentiate a Python function of positions and the indices of their points; return the `FIELDS`.

    It gets what `together` points ask for in one call; each of them takes 2 kB meanwhile.
    """
    failure: list[BaseException] = []
    first = 0

    def evaluate(points: int, index: int, count: int, values: int, _context: int) -> None:
        found = array_at(values, count, ctypes.c_double)
        found[...] = np.nan
        if failure:
            return
        try:
            # copies: the function may keep or change what it is given
            of = array_at(index, count, ctypes.c_int64) + first
            found[...] = f(array_at(points, count, ctypes.c_double).copy(), of)
        except BaseException as raised:  # carried over the machine code and raised below
            failure.append(raised)

    inputs = np.empty((1 + EXTRA, x.size))
    for row, values in zip(inputs, (x, step, low, high), strict=True):
        row[...] = values
    results = np.empty((len(FIELDS), x.size))
    fields = dict(zip(FIELDS, results, strict=True))
    if compiled_for([x]):
        callback = _CALLBACK(evaluate)
        address = ctypes.cast(callback, ctypes.c_void_p).value or 0
        at_a_time = together or _CALLED
        stretch = max(_STRETCH, at_a_time)
        with _hearing(evaluate, failure):
            for first in range(0, x.size, stretch):  # the body counts its points anew in every stretch
                _launch(address, 0, rule, at_a_time, inputs, results, first, min(stretch, x.size - first))
                if failure:
                    break
    else:
        _python(evaluate, rule, inputs, fields)
    if failure:
        raise failure[0]
    return fields


def climb_compiled(evaluator: int, passed: int, rule: Any, inputs: Any, nout: int = len(FIELDS)) -> Any:
    """Differentiate by an evaluator in machine code: the first `nout` of the `FIELDS` as rows.

    The rows of `inputs` are positions, whatever else the evaluator looks at, largest steps, lower and upper bounds;
    `passed` is the first word of its context.
    """
    results = np.empty((nout, inputs.shape[1]))
    if compiled_for(inputs[:1]):
        _launch(evaluator, passed, rule, _COMPILED, inputs, results, 0, inputs.shape[1])
        return results
    places = (ctypes.c_int64 * 16)(*map(address_of, inputs))
    context = (ctypes.c_int64 * 4)(passed, len(inputs) - EXTRA, 0, ctypes.addressof(places))
    call = _CALLBACK(evaluator)

    def evaluate(points: int, index: int, count: int, values: int, _context: int) -> None:
        call(points, index, count, values, ctypes.addressof(context))

    _python(evaluate, rule, (inputs[0], *inputs[-EXTRA:]), dict(zip(FIELDS[:nout], results, strict=True)))
    return results


def _launch(
    evaluator: int, passed: int, rule: Any, at_a_time: int, inputs: Any, results: Any, first: int, count: int
) -> None:
    """Run the body on `count` points from `first` on."""
    body, _ = _shared()
    tolerances = _bits(rule.rtol or 0.0), _bits(rule.atol)
    own = (evaluator, passed, 0, rule.n, rule.sign, *tolerances, at_a_time)
    data = (ctypes.c_int64 * (OWN + 8))(0, 0, 0, len(inputs), len(results), 0, 0, 0, *own)
    row = 8 * inputs.shape[1]
    starts = ((address_of(a) + 8 * first, len(a)) for a in (inputs, results))
    places = (ctypes.c_int64 * 16)(*[start + row * k for start, rows in starts for k in range(rows)])
    _run_at(body.address)(count, ctypes.addressof(places), ctypes.addressof(data))
