"""Machine code of row arithmetic: symbols that write one vector instruction for each operation of Python.

A function of rows that is run once on symbols writes its own machine code, as text of LLVM. An operation that occurs
twice is written once. A thousand operations compile in a tenth of a second, a twentieth of the time of Numba.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir

from .._typing import FloatArray
from .memory import EXPONENT

MANTISSA = (1 << 52) - 1

LANES = 8 if binding.get_host_cpu_features().get("avx512f") else 4
"""Points per instruction, as many as a register holds. Rows are padded to a multiple. Kernels for two registers of
points take three times as long to compile, and up to a quarter longer where they have more rows than there are
registers."""

#: One number for each point: an array for NumPy, a symbol for the code generator.
Row = Any
Rows = Sequence[Row]
#: ``where(condition, a, b)`` of NumPy or of the code generator.
Select = Callable[[Row, Row, Row], Row]

#: Types as LLVM writes them; those of pointers depend on its version.
_NUMBERS, _WORDS, _TRUTHS = (f"<{LANES} x {kind}>" for kind in ("double", "i64", "i1"))
_TO_WORDS = str(ir.IntType(64).as_pointer())
_TO_NUMBERS = str(ir.VectorType(ir.DoubleType(), LANES).as_pointer())
_ABSOLUTE = f"@llvm.fabs.v{LANES}f64"


class _Writer:
    """Text of one function. Its blocks are in the order in which they run, so that a value of one is known in later."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shift = ""
        """Bytes from the first points to those of the iteration."""
        self._values: dict[str, str] = {}

    def new(self, instruction: str) -> str:
        """Write an instruction, and return the name of its value."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {instruction}")
        return name

    def value(self, instruction: str) -> str:
        """Return the value of an instruction that depends on nothing but its text; it is written once."""
        name = self._values.get(instruction)
        if name is None:
            name = self._values[instruction] = self.new(instruction)
        return name

    def phi(self) -> tuple[str, int]:
        """Return the name of a value of a loop, and the line that `set_phi` completes."""
        return self.new("phi"), len(self.lines) - 1

    def set_phi(self, line: int, kind: str, *incoming: tuple[str, str]) -> None:
        """Set the values by the blocks from which they come."""
        pairs = ", ".join(f"[ {value}, %{block} ]" for value, block in incoming)
        self.lines[line] += f" {kind} {pairs}"

    def entry(self, k: int) -> str:
        """Return a word of the table."""
        pointer = self.value(f"getelementptr i64, {_TO_WORDS} %words, i64 {k}")
        return self.new(f"load i64, {_TO_WORDS} {pointer}")

    def address(self, k: int, level: str | None = None) -> str:
        """Return the pointer to the row of which the address, and the distance to the next level, are in the table."""
        address = self.entry(k)
        if level is not None:
            address = self.new(f"add i64 {address}, {self.new(f'mul i64 {level}, {self.entry(k + 1)}')}")
        return self.new(f"inttoptr i64 {self.new(f'add i64 {address}, {self.shift}')} to {_TO_NUMBERS}")

    def load(self, k: int, level: str | None = None) -> _Symbol:
        """Read a row."""
        return _Symbol(self, self.new(f"load {_NUMBERS}, {_TO_NUMBERS} {self.address(k, level)}, align 8"))

    def store(self, row: _Symbol | float, k: int, level: str | None = None) -> None:
        """Write a row; truth values as 0 or 1."""
        text = text_of(row)
        if _kind_of(row) == _TRUTHS:
            text = self.value(f"uitofp {_TRUTHS} {text} to {_NUMBERS}")
        self.lines.append(f"store {_NUMBERS} {text}, {_TO_NUMBERS} {self.address(k, level)}, align 8")


#: An operator's method: of a symbol and another, or a constant.
Operator = Callable[["_Symbol", "_Symbol | float"], "_Symbol"]


def _operator(instruction: str, result: str | None = None, swapped: bool = False) -> Operator:
    def operate(self: _Symbol, other: _Symbol | float) -> _Symbol:
        pair = (text_of(other), self.name) if swapped else (self.name, text_of(other))
        return self.derived(f"{instruction} {self.kind} {pair[0]}, {pair[1]}", result or self.kind)

    return operate


def _comparison(predicate: str) -> Operator:
    return _operator(f"fcmp {predicate}", _TRUTHS)


class _Symbol:
    """A vector of numbers or truth values; arithmetic with it writes instructions."""

    __slots__ = ("kind", "name", "writer")
    __hash__ = None  # type: ignore[assignment]

    __add__, __radd__ = _operator("fadd"), _operator("fadd", swapped=True)
    __sub__, __rsub__ = _operator("fsub"), _operator("fsub", swapped=True)
    __mul__, __rmul__ = _operator("fmul"), _operator("fmul", swapped=True)
    __truediv__, __rtruediv__ = _operator("fdiv"), _operator("fdiv", swapped=True)
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("olt", "ole", "ogt", "oge"))
    __eq__, __ne__ = _comparison("oeq"), _comparison("une")  # type: ignore[assignment]
    __and__, __or__ = _operator("and"), _operator("or")

    def __init__(self, writer: _Writer, name: str, kind: str = _NUMBERS) -> None:
        self.writer, self.name, self.kind = writer, name, kind

    def derived(self, instruction: str, kind: str) -> _Symbol:
        """Return the value of an instruction."""
        return _Symbol(self.writer, self.writer.value(instruction), kind)

    def words(self) -> _Symbol:
        """Return the bits of numbers."""
        return self.derived(f"bitcast {_NUMBERS} {self.name} to {_WORDS}", _WORDS)

    def numbers(self) -> _Symbol:
        """Return the numbers of bits."""
        return self.derived(f"bitcast {_WORDS} {self.name} to {_NUMBERS}", _NUMBERS)

    def word_operation(self, instruction: str, other: _Symbol | int, kind: str = _WORDS) -> _Symbol:
        """Apply an instruction of whole numbers to bits."""
        text = other.name if isinstance(other, _Symbol) else _vector(f"i64 {other}")
        return self.derived(f"{instruction} {_WORDS} {self.name}, {text}", kind)

    def __invert__(self) -> _Symbol:
        return self.derived(f"xor {_TRUTHS} {self.name}, {text_of(True)}", _TRUTHS)

    def __abs__(self) -> _Symbol:
        return self.derived(f"call {_NUMBERS} {_ABSOLUTE}({_NUMBERS} {self.name})", _NUMBERS)

    def __bool__(self) -> bool:
        raise TypeError("a kernel cannot branch on its values; use `select`")


def _vector(item: str) -> str:
    return f"<{', '.join([item] * LANES)}>"


@cache
def _number(bits: int) -> str:
    return _vector(f"double 0x{bits:016X}")


def text_of(row: _Symbol | float) -> str:
    """Return the text of a symbol or a constant as an operand."""
    if isinstance(row, _Symbol):
        return row.name
    if isinstance(row, bool):
        return _vector(f"i1 {int(row)}")
    return _number(struct.unpack("<Q", struct.pack("<d", row))[0])


def last_bit(row: Row) -> Row:
    """Return the value of the lowest set bit of numbers; 0 where they are not finite."""
    return _last_bit_symbol(row) if isinstance(row, _Symbol) else _last_bit(np.ascontiguousarray(row, np.float64))


def _last_bit(row: FloatArray) -> FloatArray:
    bits = row.view(np.int64)
    size, cut = np.abs(row), np.abs((bits & (bits - 1)).view(np.float64))
    return np.where(size < np.inf, np.where((bits & MANTISSA) == 0, size, size - cut), 0.0)


def _last_bit_symbol(row: _Symbol) -> _Symbol:
    bits = row.words()
    cut = bits.word_operation("and", bits.word_operation("sub", 1)).numbers()
    # compared as whole numbers, because subnormal doubles are slow
    is_power = bits.word_operation("and", MANTISSA).word_operation("icmp eq", 0, _TRUTHS)
    size = abs(row)
    return _select(size < np.inf, _select(is_power, size, size - abs(cut)), 0.0)


def power_below(row: Row) -> Row:
    """Return the power of two at or below numbers that are positive and normal."""
    if isinstance(row, _Symbol):
        return row.words().word_operation("and", EXPONENT).numbers()
    return (np.ascontiguousarray(row, np.float64).view(np.int64) & EXPONENT).view(np.float64)


def _kind_of(row: _Symbol | float) -> str:
    return row.kind if isinstance(row, _Symbol) else _TRUTHS if isinstance(row, bool) else _NUMBERS


def _select(condition: _Symbol, yes: _Symbol | float, no: _Symbol | float) -> _Symbol:
    kind = _kind_of(yes)
    operands = f"{_TRUTHS} {condition.name}, {kind} {text_of(yes)}, {kind} {text_of(no)}"
    return condition.derived(f"select {operands}", kind)


#: C function of a scan: the address of its table, how many levels, how many points.
prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)


#: From rows of points to the state; from state, points, levels and level to state and outputs; to the results.
Start = Callable[[Rows], Rows]
Body = Callable[[Select, Rows, Rows, Rows, Row], tuple[Rows, Rows]]
Finish = Callable[[Select, Rows, Rows], Rows]


class ScanCode(NamedTuple):
    """What is compiled of a scan: numbers of rows of points, of groups of levels and of outputs; its functions."""

    points: int
    groups: int
    outputs: int
    start: Start
    body: Body
    finish: Finish
    backwards: bool


_HEAD = """
declare {numbers} {absolute}({numbers})

define void @{name}(i64 %table, i64 %levels, i64 %count) {{
entry:
%words = inttoptr i64 %table to {to_words}
%last = sub i64 %count, {lanes}
br label %points
"""


def text_of_scan(name: str, code: ScanCode) -> str:
    """Write a function of the address of a table, numbers of levels and of points (`LANES` at least).

    It is the loop over points, and in it the loop over levels. The table holds addresses of rows of points, of groups
    with the distance from level to level, of outputs likewise, and of the results. The last points of one instruction
    may overlap those before.
    """
    w = _Writer()
    groups_at, outputs_at = code.points, code.points + 2 * code.groups
    results_at = outputs_at + 2 * code.outputs
    w.lines.append("points:")
    i, line_of_i = w.phi()
    where = w.new(f"select i1 {w.new(f'icmp slt i64 {i}, %last')}, i64 {i}, i64 %last")
    w.shift = w.new(f"mul i64 {where}, 8")
    rows = [w.load(k) for k in range(code.points)]
    begin = code.start(rows)
    w.lines += ["br label %over_levels", "over_levels:"]
    k, line_of_k = w.phi()
    phis = [(w.phi(), s) for s in begin]
    state = [_Symbol(w, value, _kind_of(s)) for (value, _), s in phis]
    level = w.new(f"sub i64 {w.new('sub i64 %levels, 1')}, {k}") if code.backwards else k
    number = w.new(f"insertelement {_NUMBERS} undef, double {w.new(f'sitofp i64 {level} to double')}, i32 0")
    spread = w.new(f"shufflevector {_NUMBERS} {number}, {_NUMBERS} undef, <{LANES} x i32> zeroinitializer")
    level_rows = [w.load(g, level) for g in range(groups_at, outputs_at, 2)]
    new_state, outputs = code.body(_select, state, rows, level_rows, _Symbol(w, spread))
    for o, row in zip(range(outputs_at, results_at, 2), outputs, strict=True):
        w.store(row, o, level)
    following = w.new(f"add i64 {k}, 1")
    w.set_phi(line_of_k, "i64", ("0", "points"), (following, "over_levels"))
    for ((_, line), first), symbol, row in zip(phis, state, new_state, strict=True):
        w.set_phi(line, symbol.kind, (text_of(first), "points"), (text_of(row), "over_levels"))
    w.lines += [f"br i1 {w.new(f'icmp slt i64 {following}, %levels')}, label %over_levels, label %done", "done:"]
    for c, row in enumerate(code.finish(_select, new_state, rows)):
        w.store(row, results_at + c)
    following = w.new(f"add i64 {i}, {LANES}")
    w.set_phi(line_of_i, "i64", ("0", "entry"), (following, "done"))
    w.lines += [f"br i1 {w.new(f'icmp slt i64 {following}, %count')}, label %points, label %after", "after:"]
    head = _HEAD.format(numbers=_NUMBERS, absolute=_ABSOLUTE, name=name, to_words=_TO_WORDS, lanes=LANES)
    return head + "\n".join([*w.lines, "ret void", "}", ""])
