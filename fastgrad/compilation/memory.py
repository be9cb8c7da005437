"""What compiled code does with memory and with other code, by address: what Numba has no words for."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

#: Size of the buffer for gathered arguments and results, in numbers: it stays in the first-level cache.
BUFFER = 4096

#: Bits of the exponent of a float64; all of them set mean infinity or NaN.
EXPONENT = 0x7FF << 52

#: Result kinds: NumPy's type number, C type, bytes.
KINDS: dict[str, tuple[int, Any, int]] = {
    "?": (0, types.uint8, 1),
    "d": (12, types.float64, 8),
    "f": (12, types.float64, 8),  # computed in float32 by `f`, which the choice of steps has to know
    "D": (15, types.complex128, 16),
}

WORDS = types.CPointer(types.intp)

#: C signature of a body: points, where each argument and each result begins, the ufunc's data.
BODY = types.intp(types.intp, WORDS, WORDS)


@intrinsic(prefer_literal=True)
def pointer(_typing: Any, address: Any, kind: Any) -> Any:
    """Turn an address into a pointer to items of a result kind."""
    pointer = types.CPointer(KINDS[kind.literal_value][1])

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.intp, kind), code


@intrinsic
def words_at(_typing: Any, address: Any) -> Any:
    """Turn an address into a pointer to words."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(64).as_pointer())

    return WORDS(types.intp), code


def _memory_on_stack(builder: Any, kind: Any) -> Any:
    """Reserve memory when the function is entered; Numba's own helper would also fill it with zeros, at every call."""
    with builder.goto_entry_block():
        memory = builder.alloca(kind)
    memory.align = 64
    return memory


@intrinsic
def numbers_on_stack(_typing: Any) -> Any:
    """Address of `BUFFER` numbers on the stack."""

    def code(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        return builder.ptrtoint(_memory_on_stack(builder, ir.ArrayType(ir.DoubleType(), BUFFER)), ir.IntType(64))

    return types.intp(), code


@intrinsic
def words_on_stack(_typing: Any) -> Any:
    """Pointer to 64 words on the stack."""

    def code(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        return builder.bitcast(_memory_on_stack(builder, ir.ArrayType(ir.IntType(64), 64)), ir.IntType(64).as_pointer())

    return WORDS(), code


@intrinsic
def call_body(_typing: Any, address: Any, count: Any, places: Any, data: Any) -> Any:
    """Call the body at an address."""
    word = ir.IntType(64)

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(word, [word, word.as_pointer(), word.as_pointer()])
        return builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])

    return types.intp(types.intp, types.intp, WORDS, WORDS), code


@intrinsic
def add_to(_typing: Any, words: Any, place: Any, amount: Any) -> Any:
    """Add to one of `words`, atomically: many threads may be inside one ufunc."""

    def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "monotonic")
        return context.get_dummy_value()

    return types.void(WORDS, types.intp, types.intp), code


@intrinsic
def attempt(typing: Any, f: Any, args: Any) -> Any:
    """Call a compiled function with a tuple of arguments: its value, and whether it raised.

    What ``try`` and ``except`` around the call would tell, without the half of the time to compile a body that Numba
    needs for these two (0.14 of 0.27 seconds for a central difference).
    """
    signature = typing.resolve_function_type(f, args.types, {})

    def code(context: Any, builder: Any, returned: Any, values: Any) -> Any:
        overload = f.dispatcher.overloads[signature.args]
        context.active_code_library.add_linking_library(overload.library)
        parts = [builder.extract_value(values[1], i) for i in range(len(signature.args))]
        status, value = context.call_internal_no_propagate(builder, overload.fndesc, signature, parts)
        return context.make_tuple(builder, returned.return_type, [value, status.is_error])

    return types.Tuple((signature.return_type, types.boolean))(f, args), code


def address_of(array: Any) -> int:
    """Address of an array's memory, by the fastest way there is: a quarter of a microsecond."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):  # read-only, or empty
        return int(array.__array_interface__["data"][0])


def array_at(address: int, count: int, kind: Any) -> Any:
    """Memory at an address as an array."""
    return np.ctypeslib.as_array((kind * count).from_address(address))
