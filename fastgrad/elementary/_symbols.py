"""Symbols whose operators write LLVM instructions.

A kernel is a Python function of symbols. Run once, it writes one instruction for each operation into the module that is
being compiled. Numba's front end took 0.15 s for the same instructions of `exp` and 0.4 s for `sin`; this takes 2 ms. A
kernel cannot branch: `select` takes one of two values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self, TypeVar, overload

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core.cpu import CPUContext

DOUBLE, WORD, BIT = ir.DoubleType(), ir.IntType(64), ir.IntType(1)

#: How many bits of a float64 hold its fraction; the exponent stands above them, the sign above that.
FRACTION_BITS = np.uint64(52)
SIGN = np.uint64(1 << 63)
ONE = np.uint64(1)

# Veltkamp's splitter: multiplying by it cuts a 53-bit number into two of 26 bits (Dekker 1971).
_SPLITTER = 134217729.0


class Place(NamedTuple):
    """Position where instructions are written."""

    context: CPUContext
    builder: ir.IRBuilder


S = TypeVar("S", bound="Symbol")
Pair = tuple["Number", "Number"]
#: What operators take beside a symbol.
Constant = float | np.uint64


def _operation(instruction: str, *, swapped: bool = False) -> Callable[[S, S | Constant], S]:
    """Make an operator that writes an instruction with two operands of one kind."""

    def operate(self: S, other: S | Constant) -> S:
        pair = [self.value, self.like(other).value]
        return type(self)(self.place, getattr(self.place.builder, instruction)(*(pair[::-1] if swapped else pair)))

    return operate


def _comparison(instruction: str, sign: str) -> Callable[[S, S | Constant], Condition]:
    """Make an operator that writes a comparison."""

    def compare(self: S, other: S | Constant) -> Condition:
        return Condition(self.place, getattr(self.place.builder, instruction)(sign, self.value, self.like(other).value))

    return compare


class Symbol:
    """A value of the machine code."""

    __slots__ = ("place", "value")
    __array_ufunc__ = None  # operators with NumPy's numbers are ours, too
    __hash__ = None  # type: ignore[assignment]
    kind: ir.Type

    def __init__(self, place: Place, value: ir.Value) -> None:
        self.place, self.value = place, value

    def like(self, other: Any) -> Self:
        """Return `other`, a constant perhaps, as a value of the same kind."""
        if type(other) is type(self):
            return other
        return type(self)(self.place, ir.Constant(self.kind, float(other) if self.kind is DOUBLE else int(other)))

    def __bool__(self) -> bool:
        raise TypeError("a kernel cannot branch on its values; use `select`")


class Number(Symbol):
    """A float64. Never `fastmath`; comparisons are false for NaN, but for ``!=``."""

    __slots__ = ()
    kind = DOUBLE

    __add__, __radd__ = _operation("fadd"), _operation("fadd", swapped=True)
    __sub__, __rsub__ = _operation("fsub"), _operation("fsub", swapped=True)
    __mul__, __rmul__ = _operation("fmul"), _operation("fmul", swapped=True)
    __truediv__, __rtruediv__ = _operation("fdiv"), _operation("fdiv", swapped=True)
    __lt__, __le__ = _comparison("fcmp_ordered", "<"), _comparison("fcmp_ordered", "<=")
    __gt__, __ge__ = _comparison("fcmp_ordered", ">"), _comparison("fcmp_ordered", ">=")
    __eq__, __ne__ = _comparison("fcmp_ordered", "=="), _comparison("fcmp_unordered", "!=")  # type: ignore[assignment]

    def __neg__(self) -> Number:
        return Number(self.place, self.place.builder.fneg(self.value))

    def __abs__(self) -> Number:
        return _intrinsic("llvm.fabs", self)


class Word(Symbol):
    """An unsigned integer of 64 bits; signed for `number`."""

    __slots__ = ()
    kind = WORD

    __add__, __radd__ = _operation("add"), _operation("add", swapped=True)
    __sub__, __rsub__ = _operation("sub"), _operation("sub", swapped=True)
    __mul__, __rmul__ = _operation("mul"), _operation("mul", swapped=True)
    __and__, __or__, __xor__ = _operation("and_"), _operation("or_"), _operation("xor")
    __lshift__, __rshift__ = _operation("shl"), _operation("lshr")
    __rrshift__ = _operation("lshr", swapped=True)
    __ge__ = _comparison("icmp_unsigned", ">=")
    __eq__, __ne__ = _comparison("icmp_unsigned", "=="), _comparison("icmp_unsigned", "!=")  # type: ignore[assignment]


class Condition(Symbol):
    """A condition."""

    __slots__ = ()
    kind = BIT

    __and__, __or__ = _operation("and_"), _operation("or_")

    def __invert__(self) -> Condition:
        return Condition(self.place, self.place.builder.not_(self.value))


@overload
def select(condition: Condition, yes: S, no: S | Constant) -> S: ...
@overload
def select(condition: Condition, yes: float, no: S) -> S: ...
@overload
def select(condition: Condition, yes: float, no: float) -> Number: ...
@overload
def select(condition: Condition, yes: Pair, no: Pair) -> Pair: ...
def select(condition: Condition, yes: Any, no: Any) -> Any:
    """Take one of two values, or one of two tuples of values."""
    if isinstance(yes, tuple):
        return tuple(select(condition, a, b) for a, b in zip(yes, no, strict=True))
    sample = next((v for v in (yes, no) if isinstance(v, Symbol)), Number(condition.place, None))
    yes, no = sample.like(yes), sample.like(no)
    return type(yes)(condition.place, condition.place.builder.select(condition.value, yes.value, no.value))


def bits(x: Number) -> Word:
    """Bits of a number."""
    return Word(x.place, x.place.builder.bitcast(x.value, WORD))


def from_bits(u: Word) -> Number:
    """Return the number with these bits."""
    return Number(u.place, u.place.builder.bitcast(u.value, DOUBLE))


def with_sign(size: Number, x: Number) -> Number:
    """Give `size`, which is not negative, the sign of `x`; that of a zero too."""
    return from_bits(bits(size) | (bits(x) & SIGN))


def number(u: Word) -> Number:
    """Return a whole number, with a sign, as a float64."""
    return Number(u.place, u.place.builder.sitofp(u.value, DOUBLE))


def table_entry(table: Sequence[int], name: str, index: Word) -> Word:
    """Look up a word in a table."""
    builder = index.place.builder
    if name not in builder.module.globals:
        kind = ir.ArrayType(WORD, len(table))
        table_variable = ir.GlobalVariable(builder.module, kind, name)
        table_variable.linkage, table_variable.global_constant = "internal", True
        table_variable.initializer = ir.Constant(kind, [int(word) for word in table])
    where = builder.gep(builder.module.globals[name], [ir.Constant(WORD, 0), index.value], inbounds=True)
    return Word(index.place, builder.load(where))


def square_root(x: Number) -> Number:
    """Square root, by the hardware's instruction."""
    return _intrinsic("llvm.sqrt", x)


def muladd(a: Number | float, b: Number | float, c: Number | float) -> Number:
    """Return ``a * b + c``, fused where the target does that fast (`llvm.fmuladd`), else rounded twice."""
    return _intrinsic("llvm.fmuladd", a, b, c)


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """Horner's scheme, constant term first."""
    *lower, last = coefficients
    value = x.like(last)
    for c in reversed(lower):
        value = muladd(value, x, c)
    return value


def fma(a: Number | float, b: Number | float, c: Number | float) -> Number:
    """Return ``a * b + c``, the product not rounded, for what must be exact.

    Rounded once in hardware, else exact whenever the result is a float64.
    """
    a, b, c = _numbers(a, b, c)
    if _has_fma(a.place.context):
        return _intrinsic("llvm.fma", a, b, c)

    def split(v: Number) -> tuple[Number, Number]:
        big = v * _SPLITTER
        head = big - (big - v)
        return head, v - head

    product = a * b
    (ah, al), (bh, bl) = split(a), split(b)
    tail = ((ah * bh - product) + ah * bl + al * bh) + al * bl
    total = product + c
    seen = total - product
    lost = (product - (total - seen)) + (c - seen)
    return Number(a.place, (total + (lost + tail)).value)


def _has_fma(context: CPUContext) -> bool:
    """Tell whether the target fuses in hardware; without it LLVM would call libm, some thirty times slower.

    The features that Numba compiles for decide, not those of the host: ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES``
    are respected. Where they cannot be read, the result is False: slower, but right.
    """
    features = str(getattr(context.codegen(), "_tm_features", "")).split(",")
    return "+fma" in features or llvm.get_process_triple().startswith(("aarch64", "arm64", "ppc64", "powerpc64"))


def _numbers(*values: Number | float) -> list[Number]:
    """Return values, some of them constants, as numbers."""
    sample = next(v for v in values if isinstance(v, Number))
    return [sample.like(v) for v in values]


def _intrinsic(name: str, *values: Number | float) -> Number:
    """Call an intrinsic of LLVM for float64."""
    numbers = _numbers(*values)
    kind = ir.FunctionType(DOUBLE, [DOUBLE] * len(numbers))
    builder = numbers[0].place.builder
    function = builder.module.declare_intrinsic(name, [DOUBLE], kind)
    return Number(numbers[0].place, builder.call(function, [n.value for n in numbers]))


def write_body(context: CPUContext, function: ir.Function, kernel: Callable[..., Number]) -> None:
    """Let a kernel write the body of an LLVM function."""
    builder = ir.IRBuilder(function.append_basic_block())
    place = Place(context, builder)
    builder.ret(Number(place, None).like(kernel(*[Number(place, a) for a in function.args])).value)
