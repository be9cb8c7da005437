"""Captured data as arguments: floats, complex numbers and arrays of numbers that a function refers to.

Numba makes what a function refers to constants. Here such a value is a `Slot`: a place in a tuple, which is the first
argument of the kernel; `slots` rewrites the references. The loop around a kernel makes the tuple before it begins, out
of words in memory: the values are registers inside, and nothing is loaded twice. So one compilation serves all values
of the same types.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba.core import cgutils, types
from numba.core.cpu import CPUContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from .._typing import Function
from .memory import Args, Intrinsic, address_of, words_at

#: A letter of NumPy's types for a number, letter and dimensions of an array, ``"tuple"`` and kinds of a tuple's items.
CapturedKind = str | tuple[Any, ...]
#: What is captured: a number, an array of numbers, or a tuple of those.
Captured = Any

#: Bytes of an array above which a function that captures it is called as it is: then NumPy's work on whole arrays is
#: what takes the time, and many points at once are a product of matrices.
ARRAY_LIMIT = 1 << 16

_LETTERS = {float: "d", np.float64: "d", np.float32: "f", complex: "D", np.complex128: "D", np.complex64: "F"}

#: By letter of a number: Numba's type, format of `struct`, and the text that makes it out of its words.
_NUMBERS: dict[str, tuple[types.Type, str, str]] = {
    "d": (types.float64, "d", "bits(words[{}])"),
    "f": (types.float32, "d", "np.float32(bits(words[{}]))"),
    "D": (types.complex128, "dd", "complex(bits(words[{}]), bits(words[{}]))"),
    "F": (types.complex64, "dd", "np.complex64(complex(bits(words[{}]), bits(words[{}])))"),
    "l": (types.int64, "q", "np.int64(words[{}])"),
    "?": (types.boolean, "q", "words[{}] != 0"),
}

#: Types of items of captured arrays. Not truths, nor whole numbers of fewer bits or without a sign: NumPy's arithmetic
#: of these differs from Numba's, which shows for some values only.
_ARRAYS = frozenset(np.dtype(t).char for t in (np.int64, np.float32, np.float64, np.complex64, np.complex128))

#: Bits of an array's flags: contiguous in C's order and aligned.
_PLAIN = 0x101

#: Words of an array's object that hold the address of its data and that of its lengths: `PyArrayObject_fields` in
#: NumPy's stable ABI, behind the head that all objects have.
_DATA = object.__basicsize__ // 8
_LENGTHS = _DATA + 2


class Slot:
    """A captured value: its place in the tuple."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __bool__(self) -> bool:
        """Raise, lest Numba take a branch for the value of a placeholder."""
        raise TypeError("a captured value has no truth yet")


def kind_of(value: object) -> CapturedKind | None:
    """Kind of a value that can be an argument, None for all others.

    Arguments of functions of vectors are of more kinds: whole numbers and booleans, arrays of all sizes and types.
    """
    kind = type(value)
    if kind in _LETTERS:
        return _LETTERS[kind]
    if type(value) is np.ndarray:
        dtype = value.dtype
        fits = dtype.char in _ARRAYS and dtype.isnative and value.nbytes <= ARRAY_LIMIT
        return (dtype.char, value.ndim) if fits else None
    if type(value) is tuple and value:
        kinds = [kind_of(v) for v in value]
        return None if None in kinds else ("tuple", *kinds)
    return None


def accepts(kind: CapturedKind, value: object) -> bool:
    """Tell whether a value is of a kind; those that come often by a shorter way than `kind_of`."""
    if kind == "d":
        return type(value) is float or type(value) is np.float64
    if type(value) is np.ndarray and len(kind) == 2:
        dtype = value.dtype
        return bool(dtype.char == kind[0] and dtype.isnative and value.ndim == kind[1] and value.nbytes <= ARRAY_LIMIT)
    return bool(kind_of(value) == kind)


def numba_type(kinds: Sequence[CapturedKind]) -> Any:
    """Numba's type of a tuple of kinds."""

    def one(kind: CapturedKind) -> types.Type:
        if isinstance(kind, str):
            return _NUMBERS[kind][0]
        return numba_type(kind[1:]) if kind[0] == "tuple" else array_type(kind)

    return types.BaseTuple.from_types(tuple(map(one, kinds)))


def array_type(kind: tuple[str, int]) -> types.Array:
    """Numba's type of an array that is not written to."""
    return types.Array(from_dtype(np.dtype(kind[0])), kind[1], "C", readonly=True)


# Words in memory ------------------------------------------------------------------------------------------------------


class Words:
    """Memory for the captured values of one call: numbers as they are, arrays by the address of the Python object."""

    __slots__ = ("_kinds", "_pack", "memory")

    def __init__(self, kinds: Sequence[CapturedKind]) -> None:
        self._kinds = None if all(k == "d" for k in kinds) else kinds
        form = _struct(tuple(kinds))
        self.memory = bytearray(max(form.size, 8))
        self._pack = form.pack_into

    def fill(self, values: Sequence[Captured]) -> list[object] | None:
        """Write values into the memory; return what has to be kept as long as they are used."""
        if self._kinds is None:
            self._pack(self.memory, 0, *values)
            return None
        flat: list[complex] = []
        kept: list[object] = [values]
        for kind, value in zip(self._kinds, values, strict=True):
            if kind == "d" or kind == "l":
                flat.append(value)
            else:
                _flatten(kind, value, flat, kept)
        self._pack(self.memory, 0, *flat)
        return kept

    @property
    def address(self) -> int:
        """Where the memory is."""
        return address_of(self.memory)


@lru_cache(maxsize=256)
def _struct(kinds: tuple[CapturedKind, ...]) -> struct.Struct:
    return struct.Struct("=" + "".join(map(_format, kinds)))


def _format(kind: CapturedKind) -> str:
    if isinstance(kind, str):
        return _NUMBERS[kind][1]
    return "".join(map(_format, kind[1:])) if kind[0] == "tuple" else "q"


def _flatten(kind: CapturedKind, value: Captured, flat: list[complex], kept: list[object]) -> None:
    if isinstance(value, np.ndarray):
        if value.flags.num & _PLAIN != _PLAIN:
            value = value.copy(order="C")
            kept.append(value)
        flat.append(id(value))
    elif isinstance(kind, str):
        flat += (value.real, value.imag) if kind in "DF" else (int(value) if kind == "?" else value,)
    else:
        for k, v in zip(kind[1:], value, strict=True):
            _flatten(k, v, flat, kept)


def unpack(kinds: Sequence[CapturedKind], first: int = 0) -> tuple[str, dict[str, object], int]:
    """Text that makes the tuple out of ``words`` from the word `first` on; the names in it, and the word behind it."""
    names: dict[str, object] = {"bits": bits_to_double}
    text, word = _unpack(("tuple", *kinds), first, names)
    return text, names, word


def _unpack(kind: CapturedKind, word: int, names: dict[str, object]) -> tuple[str, int]:
    if isinstance(kind, str):
        _, form, text = _NUMBERS[kind]
        return text.format(word, word + 1), word + len(form)
    if kind[0] == "tuple":
        items = []
        for k in kind[1:]:
            text, word = _unpack(k, word, names)
            items.append(text)
        return f"({', '.join(items)},)", word
    name = f"view_{kind[0].replace('?', 'b_')}{kind[1]}"
    names[name] = view(array_type(kind))
    names["words_at"] = words_at
    lengths = "".join(f"words_at(words_at(words[{word}])[{_LENGTHS}])[{k}], " for k in range(kind[1]))
    return f"{name}(words_at(words[{word}])[{_DATA}], ({lengths}))", word + 1


@cache
def view(array: types.Array) -> Function:
    """Make the function that turns an address and lengths into an array of a type; Numba's own makes writable ones."""

    @intrinsic
    def view(_typing: Context, address: types.Type, lengths: types.Type) -> Intrinsic:
        def code(context: CPUContext, builder: llvm.IRBuilder, _signature: Signature, args: Args) -> llvm.Value:
            from numba.np.arrayobj import make_array, populate_array  # 30 ms of start-up for all who have no arrays

            item = context.get_data_type(array.dtype)
            size = context.get_constant(types.intp, context.get_abi_sizeof(item))
            shape = cgutils.unpack_tuple(builder, args[1])
            strides: list[llvm.Value] = []
            step = size
            for length in reversed(shape):
                strides.insert(0, step)
                step = builder.mul(step, length)
            result = make_array(array)(context, builder)
            data = builder.inttoptr(args[0], item.as_pointer())
            populate_array(result, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
            return result._getvalue()

        return array(types.intp, lengths), code

    return view


@intrinsic
def bits_to_double(_typing: Context, word: types.Type) -> Intrinsic:
    """Take a word for the bits of a float64."""

    def code(_context: CPUContext, builder: llvm.IRBuilder, _signature: Signature, args: Args) -> llvm.Value:
        return builder.bitcast(args[0], llvm.DoubleType())

    return types.float64(types.intp), code
