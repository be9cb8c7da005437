"""The judging kernel as machine code: rows that write vector instructions when Python computes with them.

Run once on such rows, `judge` writes itself, one instruction for each operation. A level set of six hundred operations
takes a tenth of a second to compile, a tenth of what Numba's front end would.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .._compiling.kernels import Native, native
from .._compiling.memory import EXPONENT

LANES = 8
"""Points per instruction; LLVM splits them over the registers there are. Rows are padded to a multiple."""

_WORD, _DOUBLE = ir.IntType(64), ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)


def _operator(instruction: str, swapped: bool = False) -> Any:
    def operate(self: _Symbol, other: Any) -> _Symbol:
        pair = [self.value, self._constant(other)]
        return _Symbol(self.builder, getattr(self.builder, instruction)(*(pair[::-1] if swapped else pair)))

    return operate


def _comparison(sign: str) -> Any:
    def compare(self: _Symbol, other: Any) -> _Symbol:
        write = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return _Symbol(self.builder, write(sign, self.value, self._constant(other)))

    return compare


class _Symbol:
    """A vector of numbers, or of truths, that is known when the machine code runs."""

    __slots__ = ("builder", "value")
    __hash__ = None  # type: ignore[assignment]

    __add__, __radd__ = _operator("fadd"), _operator("fadd", swapped=True)
    __sub__, __rsub__ = _operator("fsub"), _operator("fsub", swapped=True)
    __mul__, __rmul__ = _operator("fmul"), _operator("fmul", swapped=True)
    __truediv__, __rtruediv__ = _operator("fdiv"), _operator("fdiv", swapped=True)
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("<", "<=", ">", ">="))
    __eq__, __ne__ = _comparison("=="), _comparison("!=")
    __and__, __or__ = _operator("and_"), _operator("or_")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _constant(self, other: Any) -> Any:
        return other.value if isinstance(other, _Symbol) else ir.Constant(_VECTOR, [float(other)] * LANES)

    def __invert__(self) -> _Symbol:
        return _Symbol(self.builder, self.builder.not_(self.value))

    def __abs__(self) -> _Symbol:
        return masked(self, (1 << 63) - 1)

    def __bool__(self) -> bool:
        raise TypeError("a kernel cannot branch on its values; use `select`")


def masked(row: _Symbol, mask: int) -> _Symbol:
    """Return numbers with some of their bits only."""
    words = ir.VectorType(_WORD, LANES)
    bits = row.builder.and_(row.builder.bitcast(row.value, words), ir.Constant(words, [mask] * LANES))
    return _Symbol(row.builder, row.builder.bitcast(bits, _VECTOR))


def power_below(row: _Symbol) -> _Symbol:
    """Return the power of two at or below numbers that are positive."""
    return masked(row, EXPONENT)


def _select(condition: _Symbol, yes: Any, no: Any) -> _Symbol:
    a, b = condition._constant(yes), condition._constant(no)
    return _Symbol(condition.builder, condition.builder.select(condition.value, a, b))


#: C signature of a kernel: addresses of the inputs and of the outputs, numbers from row to row of each, points.
_SIGNATURE = types.void(*[types.intp] * 5)
_prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)


def key_of(key: bytes) -> bytes:
    """Return what machine code is kept by."""
    return b"rows " + key


def row_kernel(key: bytes, rows: int, kernel: Callable[..., tuple[Any, ...]]) -> tuple[Native, Any]:
    """Compile ``kernel(select, inputs) -> outputs``, a function of `rows` rows; return the code and what calls it."""

    def build() -> tuple[Any, Any, str]:
        @intrinsic
        def run(_typing: Any, source: Any, target: Any, stride: Any, out_stride: Any, count: Any) -> Any:
            def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
                _write_loop(builder, args, rows, kernel)
                return context.get_dummy_value()

            return types.void(*[types.intp] * 5), code

        def call(source, target, stride, out_stride, count):  # type: ignore[no-untyped-def]
            run(source, target, stride, out_stride, count)  # type: ignore[call-arg]

        return call, _SIGNATURE, "d"

    code = native(key_of(key), build)
    return code, _prototype(code.address)


def _write_loop(builder: Any, args: Any, rows: int, kernel: Callable[..., tuple[Any, ...]]) -> None:
    """Write the loop over points."""
    source, target, stride, out_stride, count = args
    zero, step = ir.Constant(_WORD, 0), ir.Constant(_WORD, LANES)
    before = builder.block
    loop, after = builder.append_basic_block("points"), builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, zero), loop, after)
    builder.position_at_end(loop)
    i = builder.phi(_WORD)
    i.add_incoming(zero, before)

    def place(base: Any, row: int, stride: Any) -> Any:
        numbers = builder.inttoptr(base, _DOUBLE.as_pointer())
        offset = builder.add(i, builder.mul(stride, ir.Constant(_WORD, row)))
        return builder.bitcast(builder.gep(numbers, [offset]), _VECTOR.as_pointer())

    inputs = [_Symbol(builder, builder.load(place(source, k, stride), align=8)) for k in range(rows)]
    for k, row in enumerate(kernel(_select, inputs)):
        builder.store(row.value, place(target, k, out_stride), align=8)
    following = builder.add(i, step)
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
