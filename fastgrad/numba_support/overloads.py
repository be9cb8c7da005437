"""`derivative` and `gradient` inside functions that Numba compiles.

Importing this module registers them with Numba and compiles nothing. A stencil becomes part of the caller's machine
code, by the operations of the evaluators, to the same bits. Where it leaves the domain of `f` the result is NaN, or the
exception of `f`, since no other rule takes over. The adaptive rule is called by its address, which ends with the
process: Numba then does not store the caller in its cache.

Numba has to know `f`: a function compiled by ``numba.njit``, a gate, or a function of NumPy or math. Points are numbers
for `derivative` and one-dimensional arrays for `gradient`; `method` is written out, or a rule.

    @numba.njit
    def newton(x):
        for _ in range(20):
            x -= f(x) / fg.derivative(f, x, method="central")
        return x
"""

from __future__ import annotations

import ctypes
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.cpu import CPUContext
from numba.core.errors import TypingError
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, overload

from .._typing import FloatArray, Function, Index
from ..adaptive_rule import Adaptive, estimate, first_round, round_ufunc
from ..compilation.caches import clearable
from ..compilation.memory import Args, Intrinsic, array_at
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import function_from, jit, return_kind, return_type
from ..compilation.references import Reading
from ..compilation.ufuncs import ADDRESS, Ufunc, body
from ..differentiation.derivatives import derivative
from ..differentiation.first_derivatives import gradient
from ..evaluation.compiled import of_fixed_arity
from ..rules.stencil_codegen import compiled_point, step_lines
from ..rules.stencils import Stencil
from .types import SCALARS, Given, checked_step, constant, function_of, narrow, refuse, rule_of, step_of


@intrinsic(prefer_literal=True)
def _call(_typing: Context, data: Any, operands: Any) -> Intrinsic:
    """Call the body of a ufunc of one result at one point; `data` is the address of its data in this process.

    A dynamic address tells Numba that the caller is not to be stored in a cache.
    """
    address, count = data.literal_value, len(operands)

    def code(context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        word = ir.IntType(64)
        words = word.as_pointer()
        own = builder.bitcast(context.add_dynamic_addr(builder, address, info="fastgrad"), words)
        numbers = cgutils.alloca_once(builder, ir.DoubleType(), count + 1)
        addresses = cgutils.alloca_once(builder, word, count + 1)
        for i in range(count + 1):
            number = cgutils.gep_inbounds(builder, numbers, i)
            if i < count:
                builder.store(builder.extract_value(args[1], i), number)
            builder.store(builder.ptrtoint(number, word), cgutils.gep_inbounds(builder, addresses, i))
        body = builder.load(cgutils.gep_inbounds(builder, own, ADDRESS))
        prototype = ir.FunctionType(word, [word, words, words]).as_pointer()
        builder.call(builder.inttoptr(body, prototype), [ir.Constant(word, 1), addresses, own])
        return builder.load(cgutils.gep_inbounds(builder, numbers, count))

    return types.float64(data, operands), code


_kernels: dict[tuple[bytes, int], Function] = clearable({})


def _kernel(f: Function, nargs: int) -> tuple[Function, bytes | None]:
    """Scalar kernel of `f` as the evaluators use it, and the key of its content; `f` itself if it cannot be read."""
    try:
        reading = Reading(f)
    except Uncompilable:
        return f, None
    if (reading.key, nargs) not in _kernels:
        _kernels[reading.key, nargs] = jit(of_fixed_arity(reading, nargs))
    return _kernels[reading.key, nargs], reading.key


@overload(derivative, {"forceinline": True, "error_model": "numpy"}, strict=False, prefer_literal=True)
def _derivative(
    f: types.Type, *args: types.Type, wrt: Given = 0, method: Given = "adaptive", step: Given = None,
    rel_step: Given = None, bounds: Given = None, full_output: Given = False, out: Given = None, workers: Given = None,
) -> Function:  # fmt: skip
    """Write `derivative` at one point; Numba demands the parameters of the function itself."""
    refuse({"bounds": (bounds, None), "full_output": (full_output, False), "out": (out, None)}, "derivative")
    target, rule, nargs = function_of(f, "derivative"), rule_of(method, "derivative"), len(args)
    if not isinstance(rule, (Stencil, Adaptive)):
        raise TypingError(
            f"`method` must be a stencil or adaptive inside compiled code; got {rule}. Call it from Python."
        )
    if not args or not all(isinstance(a, SCALARS) for a in args):
        raise TypingError(
            f"the arguments of `derivative` must be numbers inside compiled code; got {', '.join(map(str, args))}. "
            "Loop over the points."
        )
    index = constant(wrt, "wrt")
    if not isinstance(index, int) or not -nargs <= index < nargs:
        raise TypingError(f"`wrt` must be from {-nargs} to {nargs - 1} for {nargs} arguments; got {index}.")
    index %= nargs
    mode, name = step_of(step, rel_step)
    names = [f"x{i}" for i in range(nargs)]
    numbers = ", ".join(f"np.float64({n})" for n in names)
    lines = [] if mode == "auto" else checked_step(name)
    kernel, key = _kernel(target, nargs)
    namespace: dict[str, object] = {}
    if isinstance(rule, Stencil):
        namespace["point"] = compiled_point(kernel, return_kind(kernel, nargs), rule, nargs, index, mode)[0]
        lines += [
            f"df = point({numbers}{'' if mode == 'auto' else ', size'})",
            f"if not np.isfinite(np.float64(x{index})):\n        df *= np.nan",
        ]
    else:
        if key is None:
            raise TypingError(
                "`f` must refer to nothing but numbers, small arrays and functions for the adaptive rule inside "
                'compiled code. Use method="central".'
            )
        widest = {"auto": "np.inf", "absolute": "size", "relative": f"size * max(abs(x{index}), 1.0)"}[mode]
        namespace |= {"call": _call, "kernel": kernel, "DATA": _adaptive(kernel, key, nargs, index, rule)}
        lines += [
            f"df = call(DATA, ({numbers}, {widest}, -np.inf, np.inf)) if np.isfinite(np.float64(x{index})) else np.nan",
            f"if np.isnan(df):\n        kernel({numbers})",  # raises if it was for an exception at the point itself
        ]
    text = "\n    ".join(lines)
    keywords = "wrt=0, method=None, step=None, rel_step=None, bounds=None, full_output=False, out=None, workers=None"
    source = f"def impl(f, {', '.join(names)}, {keywords}):\n    {text}\n    return {narrow(args)}(df)\n"
    impl: Function = function_from(source, "impl", namespace)
    return impl


_rounds: dict[Hashable, tuple[Ufunc, object]] = {}
"""Adaptive derivatives whose addresses are in the machine code of callers: they live as long as the process."""

#: What finishes points in Python: how many, where arguments and results begin, the data of the first round.
_FINISH = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p)


def _adaptive(kernel: Function, key: bytes, nargs: int, wrt: int, rule: Adaptive) -> int:
    """Address of the data of an adaptive derivative."""
    if (key, nargs, wrt, rule) not in _rounds:
        code = body(key + repr(("values", nargs)).encode(), lambda: (kernel, return_kind(kernel, nargs)), nargs)
        if code.result == "D":
            raise TypingError('`f` must return real numbers for the adaptive rule. Use method="central".')
        values = Ufunc(code, nargs, "f", "f")

        def finish(count: int, addresses: Sequence[int], _data: int) -> None:
            columns = [array_at(addresses[i], count, ctypes.c_double) for i in range(nargs + 4)]
            df = columns[nargs + 3]
            left = np.flatnonzero(np.isnan(df))
            x, *limits = (columns[i][left].copy() for i in (wrt, nargs, nargs + 1, nargs + 2))

            def f(points: FloatArray, index: Index) -> FloatArray:
                rest = [columns[i][left][index] for i in range(nargs)]
                rest[wrt] = points
                value: FloatArray = values.call(*rest)
                return value

            df[left] = estimate(f, x, rule, *limits, grids=True).df

        callback = _FINISH(finish)
        address = ctypes.cast(callback, ctypes.c_void_p).value or 0
        first = round_ufunc(values, nargs, wrt, first_round(rule.n, rule.sign), "f", 1, address)
        _rounds[key, nargs, wrt, rule] = first, callback
    return _rounds[key, nargs, wrt, rule][0].data


@overload(gradient, strict=False, prefer_literal=True)
def _gradient(
    f: types.Type, x: types.Type, args: Any = (), method: Given = "adaptive", step: Given = None,
    rel_step: Given = None, bounds: Given = None, full_output: Given = False, workers: Given = None,
) -> Function:  # fmt: skip
    """Write `gradient` at one point, by a stencil; Numba demands the parameters of the function itself."""
    refuse({"bounds": (bounds, None), "full_output": (full_output, False)}, "gradient")
    target, rule = function_of(f, "gradient"), rule_of(method, "gradient")
    if not isinstance(rule, Stencil):
        raise TypingError(
            f"`method` must be a stencil where `gradient` is called inside compiled code; got {rule}. "
            'Use method="central", or a rule such as fg.central(order=4).'
        )
    if not isinstance(x, types.Array) or x.ndim != 1 or not isinstance(x.dtype, SCALARS):
        raise TypingError(
            f"`x` must be a one-dimensional array of real numbers inside compiled code; got {x}. Loop over the points."
        )
    return _gradient_by(rule, target, x, args, *step_of(step, rel_step))


def _gradient_by(rule: Stencil, f: Function, x: types.Array, args: Any, mode: str, step: str) -> Function:
    """Write the loop over coordinates, by the operations of `differentiation.lane_loops`."""
    try:
        kernel = jit(Reading(f).linked)
    except Uncompilable:
        kernel = f
    several = isinstance(args, (tuple, types.BaseTuple))
    kinds = (tuple(args) if several else (args,)) if args else ()
    rest = [f"args[{i}]" if several else "args" for i in range(len(kinds))]
    call = f"number(kernel({', '.join(['moved', *rest])})) * 1.0"
    returned = return_type(kernel, (types.float64[::1], *map(types.unliteral, kinds)))
    letter = "f" if getattr(returned, "dtype", returned) == types.float32 else "d"
    lines = [] if mode == "auto" else checked_step(step)
    lines += ["moved = np.empty(x.size)", "moved[:] = x", "out = np.empty(x.size)"]
    lines += ["if np.isnan(moved).any():", "    out[:] = np.nan", "    return OUT"]
    lines += [f"v{i} = {call}" for i, o in enumerate(rule.positions) if not o]
    lines += ["for k in range(x.size):", "    at = moved[k]"]
    lines += [f"    h = step_at(at, {0.0 if mode == 'auto' else 'size'})"]
    for i, o in enumerate(rule.positions):
        if o:
            lines += [f"    moved[k] = at + {o!r} * h", f"    v{i} = {call}"]
    terms = " + ".join(f"{w!r} * (v{a} - v{b})" for w, a, b in rule.terms)
    lines += ["    moved[k] = at", f"    total = {terms}", *["    total = total / h"] * rule.n, "    out[k] = total"]
    text = "\n    ".join([*lines, "return OUT"]).replace("OUT", f"out{narrow([x.dtype]) and '.astype(np.float32)'}")
    keywords = "args=(), method=None, step=None, rel_step=None, bounds=None, full_output=False, workers=None"
    source = f"def impl(f, x, {keywords}):\n    {text}\n"
    own_step = "\n    ".join(["def step_at(x, step):", *step_lines(rule, letter, mode)[0], "return h"])
    step_at = jit(function_from(f"{own_step}\n", "step_at", {}))
    impl: Function = function_from(source, "impl", {"kernel": kernel, "number": _number, "step_at": step_at})
    return impl


def _number(value):  # type: ignore[no-untyped-def]
    """Take a number, or an array of one, for a number."""


@overload(_number)
def _of_number(value):  # type: ignore[no-untyped-def]
    if isinstance(value, types.Array) and value.ndim == 0:
        return lambda value: value[()]
    if isinstance(value, types.Array) and value.ndim == 1:

        def first(value):  # type: ignore[no-untyped-def]
            if value.size != 1:
                raise ValueError("`f` must return one number for a gradient. Use `jacobian` for several, from Python.")
            return value[0]

        return first
    if isinstance(value, (types.Float, types.Integer, types.Boolean)):
        return lambda value: value
    raise TypingError(f"`f` must return one real number for a gradient inside compiled code; it returns {value}.")
