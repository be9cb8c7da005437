"""Values of loops over words, written as LLVM; see `word_loops` for the statements around them."""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target
from numba.core.types import ExternalFunction

from .._typing import Function
from .memory import Intrinsic

#: A value of the machine, or what Python computes: a number, a tuple, a letter, a function, a module.
Value = Any
Inline = Callable[[Function, tuple[Value, ...]], Value]
Operation = Callable[[Value, Value], Value]

WORD, _TRUTH, _DOUBLE = ir.IntType(64), ir.IntType(1), ir.DoubleType()

#: Numba's types of the values, for intrinsics.
_KINDS: dict[str, types.Type] = {str(WORD): types.intp, str(_TRUTH): types.boolean, str(_DOUBLE): types.float64}

#: Python's operation, and the names of LLVM's for whole numbers and for float64.
_OPERATIONS: dict[type, tuple[Operation, str, str]] = {
    ast.Add: (operator.add, "add", "fadd"), ast.Sub: (operator.sub, "sub", "fsub"),
    ast.Mult: (operator.mul, "mul", "fmul"), ast.FloorDiv: (operator.floordiv, "sdiv", ""),
    ast.Mod: (operator.mod, "srem", ""), ast.BitOr: (operator.or_, "or_", ""), ast.BitAnd: (operator.and_, "and_", ""),
}  # fmt: skip
_COMPARISONS: dict[type, str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


def is_machine(value: object) -> bool:
    """Tell whether a value is one of the machine."""
    return isinstance(value, ir.Value)


def _kind_of(value: Value) -> Any:
    """Return Numba's type of a value."""
    if isinstance(value, tuple):
        return types.UniTuple(types.intp, len(value))
    if isinstance(value, str):
        return types.literal(value)
    kind = value.type
    return types.CPointer(_KINDS.get(str(kind.pointee), types.uint8)) if kind.is_pointer else _KINDS[str(kind)]


class WordValues:
    """What expressions of one function stand for: values of the machine, or objects of Python.

    `inline` writes a function of Python that is called, and returns its result.
    """

    def __init__(self, builder: ir.IRBuilder, function: Function, inline: Inline) -> None:
        self.builder, self._function, self._inline = builder, function, inline
        self._globals = inspect.getclosurevars(function)
        self._variables: dict[str, ir.Value] = {}

    def memory(self, kind: ir.Type) -> ir.Value:
        """Reserve memory for a value of a type."""
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind)

    def assign(self, name: str, value: Value) -> None:
        """Set a variable, which keeps the type of its first value."""
        value = self.machine(value)
        if name not in self._variables:
            self._variables[name] = self.memory(value.type)
        self.builder.store(self._as(value, self._variables[name].type.pointee), self._variables[name])

    def store(self, target: ast.expr, value: Value) -> None:
        """Write a value to the target of an assignment."""
        if isinstance(target, ast.Tuple):
            for part, item in zip(target.elts, value, strict=True):
                self.store(part, item)
        elif isinstance(target, ast.Name):
            self.assign(target.id, value)
        else:
            assert isinstance(target, ast.Subscript)
            place = self._place(target)
            self.builder.store(self._as(self.machine(value), place.type.pointee), place)

    def _place(self, node: ast.Subscript) -> ir.Value:
        return self.builder.gep(self.value(node.value), [self.machine(self.value(node.slice))])

    def _as(self, value: ir.Value, kind: ir.Type) -> ir.Value:
        """Convert a value: a truth value to a word, a constant word to float64."""
        if value.type == kind:
            return value
        if kind == WORD and value.type == _TRUTH:
            return self.builder.zext(value, kind)
        if kind == _DOUBLE and value.type == WORD:
            return self.builder.sitofp(value, kind)
        raise TypeError(f"{self._function.__name__}: a value of type {value.type} where {kind} is needed")

    def machine(self, value: Value) -> ir.Value:
        """Return a value of the machine; numbers of Python become constants."""
        if is_machine(value):
            return value
        if isinstance(value, bool | np.bool_):
            return _TRUTH(int(value))
        return _DOUBLE(float(value)) if isinstance(value, float) else WORD(int(value))

    def value(self, node: ast.expr) -> Value:
        """Write an expression, and return its value."""
        return getattr(self, f"_value_{type(node).__name__.lower()}")(node)

    def _value_constant(self, node: ast.Constant) -> Value:
        return node.value

    def _value_name(self, node: ast.Name) -> Value:
        if node.id in self._variables:
            return self.builder.load(self._variables[node.id])
        for names in (self._globals.nonlocals, self._globals.globals):
            if node.id in names:
                return names[node.id]
        return getattr(builtins, node.id)

    def _value_tuple(self, node: ast.Tuple) -> Value:
        return tuple(map(self.value, node.elts))

    def _value_attribute(self, node: ast.Attribute) -> Value:
        return getattr(self.value(node.value), node.attr)

    def _value_subscript(self, node: ast.Subscript) -> Value:
        return self.builder.load(self._place(node))

    def _value_unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return self.builder.not_(value) if is_machine(value) else not value
        assert isinstance(node.op, ast.USub)
        return self.builder.neg(value) if is_machine(value) else -value

    def _value_binop(self, node: ast.BinOp) -> Value:
        return self.operate(node.op, self.value(node.left), self.value(node.right))

    def operate(self, operation: ast.operator, left: Value, right: Value) -> Value:
        """Apply an arithmetic operation."""
        by_python, of_words, of_numbers = _OPERATIONS[type(operation)]
        if not (is_machine(left) or is_machine(right)):
            return by_python(left, right)
        left, right = self._alike(left, right)
        return getattr(self.builder, of_numbers if left.type == _DOUBLE else of_words)(left, right)

    def _alike(self, left: Value, right: Value) -> tuple[ir.Value, ir.Value]:
        left, right = self.machine(left), self.machine(right)
        kind = _DOUBLE if _DOUBLE in (left.type, right.type) else WORD if WORD in (left.type, right.type) else None
        return (left, right) if kind is None else (self._as(left, kind), self._as(right, kind))

    def _value_compare(self, node: ast.Compare) -> Value:
        (operation,), (other,) = node.ops, node.comparators
        name = _COMPARISONS[type(operation)]
        left, right = self._alike(self.value(node.left), self.value(other))
        if left.type == _DOUBLE:
            compare = self.builder.fcmp_unordered if name == "!=" else self.builder.fcmp_ordered
        else:
            compare = self.builder.icmp_signed
        return compare(name, left, right)

    def _value_boolop(self, node: ast.BoolOp) -> Value:
        """Evaluate from left to right, and no further than needed."""
        first, *others = node.values
        if not others:
            return self.value(first)
        rest = ast.BoolOp(node.op, others)
        branches = (ast.Constant(True), rest) if isinstance(node.op, ast.Or) else (rest, ast.Constant(False))
        return self._value_ifexp(ast.IfExp(first, *branches))

    def _value_ifexp(self, node: ast.IfExp) -> Value:
        result = None
        with self.builder.if_else(self.value(node.test)) as branches:
            for branch, part in zip(branches, (node.body, node.orelse), strict=True):
                with branch:
                    value = self.machine(self.value(part))
                    result = result or self.memory(value.type)
                    self.builder.store(self._as(value, result.type.pointee), result)
        return self.builder.load(result)

    def _value_call(self, node: ast.Call) -> Value:
        arguments = tuple(map(self.value, node.args))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view":
            value = self.value(node.func.value)
            if is_machine(value):
                return self.builder.bitcast(value, _DOUBLE if arguments[0] is np.float64 else WORD)
        function = self.value(node.func)
        if isinstance(function, ExternalFunction):
            return self._call_external(function, arguments)
        if hasattr(function, "_defn"):
            return self._call_intrinsic(function._defn, arguments)
        if inspect.isfunction(function):
            return self._inline(function, arguments)
        if not any(map(is_machine, arguments)):
            return function(*arguments)
        if function is np.int64:
            return self._as(arguments[0], WORD)
        assert function in (min, max)
        left, right = self._alike(*arguments)
        return self.builder.select(self.builder.icmp_signed("<" if function is min else ">", left, right), left, right)

    def _call_intrinsic(self, definition: Callable[..., Intrinsic], arguments: tuple[Value, ...]) -> Value:
        values = [a if isinstance(a, str | tuple) else self.machine(a) for a in arguments]
        signature, code = definition(cpu_target.typing_context, *map(_kind_of, values))
        values = [self._as(v, WORD) if is_machine(v) and k == types.intp else v
                  for v, k in zip(values, signature.args, strict=True)]  # fmt: skip
        result = code(cpu_target.target_context, self.builder, signature, list(map(self._packed, values)))
        return None if signature.return_type == types.none else result

    def _packed(self, value: Value) -> ir.Value | None:
        """Return an argument of an intrinsic: a tuple is an array of words, a letter nothing."""
        if isinstance(value, str):
            return None
        if not isinstance(value, tuple):
            return value
        array = ir.Constant(ir.ArrayType(WORD, len(value)), ir.Undefined)
        for k, item in enumerate(value):
            array = self.builder.insert_value(array, self._as(self.machine(item), WORD), k)
        return array

    def _call_external(self, function: ExternalFunction, arguments: tuple[Value, ...]) -> ir.Value:
        context = cpu_target.target_context
        kinds = [context.get_value_type(kind) for kind in function.sig.args]
        returned = function.sig.return_type
        kind = ir.FunctionType(ir.VoidType() if returned == types.void else context.get_value_type(returned), kinds)
        module = self.builder.module
        symbol = module.globals.get(function.symbol) or ir.Function(module, kind, function.symbol)
        values = [ir.Constant(k, a) if isinstance(a, int) else a for k, a in zip(kinds, arguments, strict=True)]
        return self.builder.call(symbol, values)
