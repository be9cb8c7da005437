"""Rows of a block of points: arithmetic on whole rows, and calls by address.

Every block has as many lanes as a row, with the last point repeated where there are fewer. So each operation is a few
vector instructions that LLVM need not find by itself, and a point gets the same bits alone and in a batch.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.cpu import CPUContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from .._typing import Function
from ..compilation.memory import EXPONENT, Args, Intrinsic
from ..tracing import GAP, LANES

#: Bytes from one row to the next.
WIDTH = 8 * (LANES + GAP)

_WORD, _DOUBLE, _BIT = ir.IntType(64), ir.DoubleType(), ir.IntType(1)
_SOME = 8  # lanes of one instruction, of which LLVM makes what the processor has


def _vectors(builder: ir.IRBuilder, address: ir.Value, item: ir.Type) -> list[ir.Value]:
    """Pointers to the parts of a row."""
    first = builder.inttoptr(address, ir.VectorType(item, _SOME).as_pointer())
    return [builder.gep(first, [ir.Constant(_WORD, k)]) for k in range(LANES // _SOME)]


def _same(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Make a vector of one number."""
    vector = builder.insert_element(
        ir.Constant(ir.VectorType(value.type, _SOME), ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(ir.IntType(32), _SOME), [0] * _SOME))


def _operation(emit: Function, item: ir.Type = _DOUBLE) -> Function:
    """Make the intrinsic ``(target, number, *rows)`` that writes a row; all but the number are addresses."""

    @intrinsic
    def operation(_typing: Context, target: types.Type, number: types.Type, rows: types.UniTuple) -> Intrinsic:
        def code(context: CPUContext, builder: ir.IRBuilder, signature: Signature, args: Args) -> ir.Value:
            number = _same(builder, args[1])
            rows = [_vectors(builder, row, item) for row in cgutils.unpack_tuple(builder, args[2])]
            for k, place in enumerate(_vectors(builder, args[0], item)):
                value = emit(builder, number, *[builder.load(row[k], align=8) for row in rows])
                builder.store(value, place, align=8)
            return context.get_dummy_value()

        return types.void(types.intp, types.float64, types.UniTuple(types.intp, len(rows))), code

    return operation


def _binade(builder: ir.IRBuilder, best: ir.Value, x: ir.Value) -> ir.Value:
    """Multiply the power of two below ``max(abs(x), 1)``."""
    words = ir.VectorType(_WORD, _SOME)
    bits = builder.and_(builder.bitcast(x, words), ir.Constant(words, [EXPONENT] * _SOME))
    one = ir.Constant(words, [1023 << 52] * _SOME)
    bits = builder.select(builder.icmp_signed(">", bits, one), bits, one)
    return builder.fmul(builder.bitcast(bits, x.type), best)


def _clip(builder: ir.IRBuilder, _number: ir.Value, x: ir.Value, low: ir.Value, high: ir.Value) -> ir.Value:
    x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
    return builder.select(builder.fcmp_ordered(">", x, high), high, x)


#: ``x + number h``.
shift = _operation(lambda b, number, x, h: b.fadd(x, b.fmul(number, h)))
#: ``x + t v``.
multiply_add = _operation(lambda b, _, x, t, v: b.fadd(x, b.fmul(t, v)))
#: Steps at coordinates: `number` times their binades.
binade = _operation(_binade)
#: The step in effect: what the spacing of numbers makes of a requested one.
spacing = _operation(lambda b, _, x, h: b.fsub(b.fadd(x, h), x))
subtract = _operation(lambda b, _, x, y: b.fsub(x, y))
divide = _operation(lambda b, _, x, y: b.fdiv(x, y))
scale = _operation(lambda b, number, x: b.fmul(number, x))
#: ``number (x - y)``, and the same added to `total`.
difference = _operation(lambda b, number, x, y: b.fmul(number, b.fsub(x, y)))
add_difference = _operation(lambda b, number, total, x, y: b.fadd(total, b.fmul(number, b.fsub(x, y))))
clip = _operation(_clip)
#: NaN where `x` is, else `y`.
keep_missing = _operation(lambda b, _, x, y: b.select(b.fcmp_unordered("uno", x, x), x, y))


def _any(emit: Function) -> Function:
    """Make the intrinsic that tells whether a condition holds anywhere in a row."""

    @intrinsic
    def holds_anywhere(_typing: Context, row: types.Type) -> Intrinsic:
        def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
            anywhere = None
            for place in _vectors(builder, args[0], _DOUBLE):
                one = emit(builder, builder.load(place, align=8))
                anywhere = one if anywhere is None else builder.or_(anywhere, one)
            bits = builder.bitcast(anywhere, ir.IntType(_SOME))
            return builder.zext(builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0)), _WORD)

        return types.intp(types.intp), code

    return holds_anywhere


def _is_nonfinite(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    words = ir.VectorType(_WORD, _SOME)
    every = ir.Constant(words, [EXPONENT] * _SOME)
    return builder.icmp_unsigned("==", builder.and_(builder.bitcast(x, words), every), every)


any_missing = _any(lambda b, x: b.fcmp_unordered("uno", x, x))
any_nonfinite = _any(_is_nonfinite)


@intrinsic
def call_at(_typing: Context, address: types.Type, words: Any) -> Intrinsic:
    """Call machine code that takes words and returns one, by its address."""

    def code(_context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Args) -> ir.Value:
        operands = cgutils.unpack_tuple(builder, args[1])
        prototype = ir.FunctionType(_WORD, [_WORD] * len(operands))
        return builder.call(builder.inttoptr(args[0], prototype.as_pointer()), operands)

    return types.intp(types.intp, types.UniTuple(types.intp, len(words))), code
