"""Machine code of row arithmetic: symbols that write one vector instruction for each operation of Python.

A function of rows that is run once on symbols writes its own machine code. Six hundred operations compile in a tenth of
a second, a tenth of the time of Numba's front end.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from ..compilation.kernels import Native, native_from_ir
from ..compilation.memory import EXPONENT

MANTISSA = (1 << 52) - 1

LANES = 8
"""Points per instruction; LLVM splits them over the registers there are. Rows are padded to a multiple."""

#: One number for each point: an array for NumPy, a symbol for the code generator.
Row = Any
#: ``where(condition, a, b)`` of NumPy or of the code generator.
Select = Callable[[Row, Row, Row], Row]

_WORD, _DOUBLE = ir.IntType(64), ir.DoubleType()
_VECTOR, _WORDS, _TRUTHS = (ir.VectorType(kind, LANES) for kind in (_DOUBLE, _WORD, ir.IntType(1)))


def _operator(instruction: str, swapped: bool = False) -> Any:
    def operate(self: _Symbol, other: Any) -> _Symbol:
        pair = [self.value, _value(other)]
        return _Symbol(self.builder, getattr(self.builder, instruction)(*(pair[::-1] if swapped else pair)))

    return operate


def _comparison(sign: str) -> Any:
    def compare(self: _Symbol, other: Any) -> _Symbol:
        write = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return _Symbol(self.builder, write(sign, self.value, _value(other)))

    return compare


class _Symbol:
    """A vector of numbers or truth values; arithmetic with it writes instructions."""

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

    def __invert__(self) -> _Symbol:
        return _Symbol(self.builder, self.builder.not_(self.value))

    def __abs__(self) -> _Symbol:
        return masked(self, (1 << 63) - 1)

    def __bool__(self) -> bool:
        raise TypeError("a kernel cannot branch on its values; use `select`")


def _value(row: Any) -> Any:
    """Return the LLVM value of a symbol or a constant."""
    if isinstance(row, _Symbol):
        return row.value
    if isinstance(row, bool):
        return ir.Constant(_TRUTHS, [row] * LANES)
    return _constant(float(row))


@cache
def _constant(number: float) -> Any:
    """Return a vector of one number, whose text is formatted once."""
    constant = ir.Constant(_VECTOR, [number] * LANES)
    text = constant.get_reference()
    constant.get_reference = lambda: text
    return constant


def masked(row: _Symbol, mask: int) -> _Symbol:
    """Return numbers with the bits outside the mask cleared."""
    bits = row.builder.and_(row.builder.bitcast(row.value, _WORDS), ir.Constant(_WORDS, [mask] * LANES))
    return _Symbol(row.builder, row.builder.bitcast(bits, _VECTOR))


def last_bit(row: Row) -> Row:
    """Return the value of the lowest set bit of numbers; 0 where they are not finite."""
    return _last_bit_symbol(row) if isinstance(row, _Symbol) else _last_bit(np.ascontiguousarray(row, np.float64))


def _last_bit(row: Any) -> Any:
    bits = row.view(np.int64)
    size, cut = np.abs(row), np.abs((bits & (bits - 1)).view(np.float64))
    return np.where(size < np.inf, np.where((bits & MANTISSA) == 0, size, size - cut), 0.0)


def _last_bit_symbol(row: _Symbol) -> _Symbol:
    builder = row.builder
    bits = builder.bitcast(row.value, _WORDS)
    less = builder.and_(bits, builder.sub(bits, ir.Constant(_WORDS, [1] * LANES)))
    size, cut = abs(row), abs(_Symbol(builder, builder.bitcast(less, _VECTOR)))
    # compared as whole numbers, because subnormal doubles are slow
    mantissa = builder.and_(bits, ir.Constant(_WORDS, [MANTISSA] * LANES))
    is_power = _Symbol(builder, builder.icmp_unsigned("==", mantissa, ir.Constant(_WORDS, [0] * LANES)))
    return _select(size < np.inf, _select(is_power, size, size - cut), 0.0)


def power_below(row: Row) -> Row:
    """Return the power of two at or below numbers that are positive and normal."""
    if isinstance(row, _Symbol):
        return masked(row, EXPONENT)
    return (np.ascontiguousarray(row, np.float64).view(np.int64) & EXPONENT).view(np.float64)


def _select(condition: _Symbol, yes: Any, no: Any) -> _Symbol:
    a, b = _value(yes), _value(no)
    return _Symbol(condition.builder, condition.builder.select(condition.value, a, b))


def key_of(key: bytes) -> bytes:
    """Return the key of a scan in the cache of machine code."""
    return b"rows " + key


#: C function of a scan: the address of its table, how many levels, how many points.
prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)


class ScanCode(NamedTuple):
    """What is compiled of a scan: numbers of rows of points, of groups of levels and of outputs; its functions."""

    points: int
    groups: int
    outputs: int
    start: Callable[..., tuple[Any, ...]]
    body: Callable[..., tuple[tuple[Any, ...], tuple[Any, ...]]]
    finish: Callable[..., tuple[Any, ...]]
    backwards: bool


def scan_kernel(key: bytes, code: ScanCode) -> Native:
    """Compile a scan: a function of the address of its table, numbers of levels and of points (8 at least)."""
    return native_from_ir(key_of(key), 3, lambda builder, args: _write_scan(builder, args, code))


def _broadcast(builder: Any, number: Any) -> _Symbol:
    """Return a vector of one number in all lanes."""
    lanes = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    indices = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return _Symbol(builder, builder.shuffle_vector(lanes, lanes, indices))


def _write_scan(builder: Any, args: Any, code: ScanCode) -> None:
    """Write the loop over points, and in it the loop over levels.

    The table holds addresses of rows of points, of groups with the distance from level to level, of outputs likewise,
    and of the results. The last eight points form one block, which may overlap the block before.
    """
    table, levels, count = args
    one, zero = ir.Constant(_WORD, 1), ir.Constant(_WORD, 0)
    words = builder.inttoptr(table, _WORD.as_pointer())
    results = code.points + 2 * code.groups + 2 * code.outputs

    def entry(k: int) -> Any:
        return builder.load(builder.gep(words, [ir.Constant(_WORD, k)]))

    def row_at(address: Any, level: Any = None, distance: Any = None) -> Any:
        if level is not None:
            address = builder.add(address, builder.mul(level, distance))
        return builder.inttoptr(builder.add(address, shift), _VECTOR.as_pointer())

    last = builder.sub(count, ir.Constant(_WORD, LANES))
    before = builder.block
    points, over, after = (builder.append_basic_block(name) for name in ("points", "levels", "after"))
    builder.branch(points)
    builder.position_at_end(points)
    i = builder.phi(_WORD)
    i.add_incoming(zero, before)
    where = builder.select(builder.icmp_signed("<", i, last), i, last)
    shift = builder.mul(where, ir.Constant(_WORD, 8))
    rows = [_Symbol(builder, builder.load(row_at(entry(k)), align=8)) for k in range(code.points)]
    begin = [_value(s) for s in code.start(rows)]
    outside = builder.block
    builder.branch(over)
    builder.position_at_end(over)
    k = builder.phi(_WORD)
    k.add_incoming(zero, outside)
    state = [builder.phi(s.type) for s in begin]
    for phi, s in zip(state, begin, strict=True):
        phi.add_incoming(s, outside)
    level = builder.sub(builder.sub(levels, one), k) if code.backwards else k
    level_row = _broadcast(builder, builder.sitofp(level, _DOUBLE))
    level_rows = [
        _Symbol(builder, builder.load(row_at(entry(g), level, entry(g + 1)), align=8))
        for g in range(code.points, code.points + 2 * code.groups, 2)
    ]
    new_state, outputs = code.body(_select, [_Symbol(builder, s) for s in state], rows, level_rows, level_row)
    for o, row in zip(range(code.points + 2 * code.groups, results, 2), outputs, strict=True):
        builder.store(_value(row), row_at(entry(o), level, entry(o + 1)), align=8)
    following = builder.add(k, one)
    for phi, row in zip(state, new_state, strict=True):
        phi.add_incoming(_value(row), builder.block)
    k.add_incoming(following, builder.block)
    done = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("<", following, levels), over, done)
    builder.position_at_end(done)
    for c, row in enumerate(code.finish(_select, new_state, rows)):
        value = _value(row)
        value = builder.uitofp(value, _VECTOR) if value.type == _TRUTHS else value
        builder.store(value, row_at(entry(results + c)), align=8)
    next_points = builder.add(i, ir.Constant(_WORD, LANES))
    i.add_incoming(next_points, builder.block)
    builder.cbranch(builder.icmp_signed("<", next_points, count), points, after)
    builder.position_at_end(after)
