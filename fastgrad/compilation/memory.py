"""What compiled code does with memory and with other code, by address: what Numba has no words for."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.cpu import CPUContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from .._typing import Array

#: Size of the buffer for gathered arguments and results, in numbers: it stays in the second-level cache. In one of the
#: size of the first-level cache a round would call `f` for 40 to 100 points at a time, and take 2 to 5 % longer.
BUFFER = 1 << 14

#: Points whose results are copied together where a function has captured arrays.
_CHUNK = 256

#: Bits of the exponent of a float64; all of them set mean infinity or NaN.
EXPONENT = 0x7FF << 52

#: Result kinds: NumPy's type number, C type, bytes.
KINDS: dict[str, tuple[int, types.Type, int]] = {
    "?": (0, types.uint8, 1),
    "d": (12, types.float64, 8),
    "f": (12, types.float64, 8),  # computed in float32 by `f`, which the choice of steps has to know
    "D": (15, types.complex128, 16),
}

#: Arguments of an intrinsic as values of LLVM; its signature, and what writes its instructions.
Args = Sequence[ir.Value]
Intrinsic = tuple[Signature, Callable[[CPUContext, ir.IRBuilder, Signature, Args], ir.Value]]

WORDS = types.CPointer(types.intp)
_WORD = ir.IntType(64)

#: C signature of a body: points, where each argument and each result begins, the ufunc's data.
BODY = types.intp(types.intp, WORDS, WORDS)


@intrinsic(prefer_literal=True)
def pointer(_typing: Context, address: types.Type, kind: Any) -> Intrinsic:
    """Turn an address into a pointer to items of a result kind."""
    pointer = types.CPointer(KINDS[kind.literal_value][1])

    def code(context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.intp, kind), code


@intrinsic
def words_at(_typing: Context, address: types.Type) -> Intrinsic:
    """Turn an address into a pointer to words."""

    def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        return builder.inttoptr(args[0], ir.IntType(64).as_pointer())

    return WORDS(types.intp), code


def _memory_on_stack(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    """Reserve memory when the function is entered; Numba's own helper would also fill it with zeros, at every call."""
    with builder.goto_entry_block():
        memory = builder.alloca(kind)
    memory.align = 64
    return memory


@intrinsic
def numbers_on_stack(_typing: Context) -> Intrinsic:
    """Address of `BUFFER` numbers on the stack."""

    def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, _args: Args) -> ir.Value:
        return builder.ptrtoint(_memory_on_stack(builder, ir.ArrayType(ir.DoubleType(), BUFFER)), ir.IntType(64))

    return types.intp(), code


@intrinsic
def words_on_stack(_typing: Context) -> Intrinsic:
    """Pointer to 64 words on the stack."""

    def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, _args: Args) -> ir.Value:
        return builder.bitcast(_memory_on_stack(builder, ir.ArrayType(ir.IntType(64), 64)), ir.IntType(64).as_pointer())

    return WORDS(), code


#: Reserve bytes, and release what was reserved, by the C library.
allocate = types.ExternalFunction("malloc", types.intp(types.intp))
release = types.ExternalFunction("free", types.void(types.intp))


@intrinsic
def call_body(
    _typing: Context, address: types.Type, count: types.Type, places: types.Type, data: types.Type
) -> Intrinsic:
    """Call the body at an address."""
    word = ir.IntType(64)

    def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        prototype = ir.FunctionType(word, [word, word.as_pointer(), word.as_pointer()])
        return builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])

    return types.intp(types.intp, types.intp, WORDS, WORDS), code


@intrinsic
def add_to(_typing: Context, words: types.Type, place: types.Type, amount: types.Type) -> Intrinsic:
    """Add to one of `words`, atomically: many threads may be inside one ufunc."""

    def code(context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "monotonic")
        return context.get_dummy_value()

    return types.void(WORDS, types.intp, types.intp), code


def _has_arrays(kind: types.Type) -> bool:
    return isinstance(kind, types.Array) or any(map(_has_arrays, getattr(kind, "types", ())))


# Eight parameters: Numba's context, and words and functions of the loop that calls it.
@intrinsic(prefer_literal=True)
def evaluate_all(
    typing: Context, f: Any, first: types.Tuple | types.UniTuple, n: types.Type, addresses: types.Type,
    nin: types.Literal[int], kind: types.Literal[str], watched: types.Literal[int],
) -> Intrinsic:  # fmt: skip
    """Call a compiled function at `n` points in contiguous memory, with `first` before their `nin` coordinates.

    Where it raises, the result is NaN, or False. Returns how many calls raised, and whether a result or the argument
    `watched` (-1: none) was not finite. Numba takes longer to compile such a loop from Python: it would type and lower
    the same statements anew for every function.
    """
    kinds = [types.float64] * nin.literal_value
    signature = typing.resolve_function_type(f, (*first, *kinds), {})
    has_arrays = _has_arrays(first)
    result, is_bool, is_complex = KINDS[kind.literal_value][1], kind.literal_value == "?", kind.literal_value == "D"

    def code(context: CPUContext, builder: ir.IRBuilder, returned: Signature, args: Args) -> ir.Value:
        _, first, n, addresses, *_ = args
        overload, first = f.dispatcher.overloads[signature.args], cgutils.unpack_tuple(builder, first)
        context.active_code_library.add_linking_library(overload.library)
        kinds_of_items = [context.get_value_type(types.CPointer(item)) for item in (*kinds, result)]
        addresses = [builder.load(cgutils.gep_inbounds(builder, addresses, k)) for k in range(len(kinds_of_items))]
        pointers = list(map(builder.inttoptr, addresses, kinds_of_items))
        missing = context.get_constant_generic(builder, result, 0 if is_bool else np.nan)
        raised, nonfinite = (cgutils.alloca_once_value(builder, _WORD(0)) for _ in range(2))
        rows = cgutils.alloca_once(builder, kinds_of_items[-1].pointee, _CHUNK)

        def evaluate(index: ir.Value, target: ir.Value) -> None:
            x = [builder.load(builder.gep(pointer, [index])) for pointer in pointers[:-1]]
            status, value = context.call_internal_no_propagate(builder, overload.fndesc, signature, [*first, *x])
            value = context.cast(builder, value, signature.return_type, result)
            # Without this an exception of `f` would vanish; the loop still vectorises when `f` cannot raise.
            value = builder.select(status.is_error, missing, value)
            builder.store(builder.add(builder.load(raised), builder.zext(status.is_error, _WORD)), raised)
            builder.store(value, target)
            parts = [] if is_bool else cgutils.unpack_tuple(builder, value, 2) if is_complex else [value]
            for part in parts if watched.literal_value < 0 else [*parts, x[watched.literal_value]]:
                # Infinity and NaN have all bits of the exponent set. Gathered by `or`, which vectorises beside
                # everything; a running maximum of the bits stops the vectorisation of a sigmoid.
                bits = builder.and_(builder.bitcast(part, _WORD), _WORD(EXPONENT))
                is_nonfinite = builder.zext(builder.icmp_unsigned("==", bits, _WORD(EXPONENT)), _WORD)
                builder.store(builder.or_(builder.load(nonfinite), is_nonfinite), nonfinite)

        if not has_arrays:
            with cgutils.for_range(builder, n) as point:
                evaluate(point.index, builder.gep(pointers[-1], [point.index]))
        else:
            # Captured arrays might lie where results are written, but not in memory of our own: what depends on no
            # point is then computed once for a chunk. LLVM took minutes to vectorise `tanh(exp(table[0]))`.
            with cgutils.for_range_slice(builder, _WORD(0), n, _WORD(_CHUNK), _WORD) as (start, _):
                left = builder.sub(n, start)
                count = builder.select(builder.icmp_signed("<", left, _WORD(_CHUNK)), left, _WORD(_CHUNK))
                with cgutils.for_range(builder, count) as point:
                    evaluate(builder.add(start, point.index), builder.gep(rows, [point.index]))
                target = builder.gep(pointers[-1], [start])
                cgutils.raw_memcpy(builder, target, rows, count, KINDS[kind.literal_value][2])
        counts = [builder.load(counter) for counter in (raised, nonfinite)]
        return context.make_tuple(builder, returned.return_type, counts)

    return types.UniTuple(types.intp, 2)(f, first, n, addresses, nin, kind, watched), code


def address_of(array: Any) -> int:
    """Address of an array's memory, by the fastest way there is: a quarter of a microsecond."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):  # read-only, or empty
        return int(array.__array_interface__["data"][0])


def array_at(address: int, count: int, kind: type[ctypes.c_int64 | ctypes.c_double]) -> Array:
    """Memory at an address as an array."""
    return np.ctypeslib.as_array((kind * count).from_address(address))
