"""Machine code of loops that pass addresses between kernels, from a subset of Python that is written as LLVM directly.

Such a function only has whole numbers, memory by address, loops, branches and calls. Numba takes up to a second for
each, because it infers types and rewrites what needs neither; this takes a twentieth of that.

Statements: assignments, ``if``, ``while``, ``for`` over `range` with a constant step, ``break``, ``continue``,
``return``. Values: words, truth values, float64, pointers. Functions of this kind that are called are inlined; calls of
Numba's intrinsics are written by these; whatever depends on no value of the machine is computed by Python. Division is
that of numbers that are not negative.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target
from numba.core.types import ExternalFunction

_WORD, _TRUTH, _DOUBLE = ir.IntType(64), ir.IntType(1), ir.DoubleType()

#: Numba's types of the values, for intrinsics.
_KINDS = {str(_WORD): types.intp, str(_TRUTH): types.boolean, str(_DOUBLE): types.float64}

#: Python's operation, and the names of LLVM's for whole numbers and for float64.
_OPERATIONS: dict[type, tuple[Any, str, str]] = {
    ast.Add: (operator.add, "add", "fadd"), ast.Sub: (operator.sub, "sub", "fsub"),
    ast.Mult: (operator.mul, "mul", "fmul"), ast.FloorDiv: (operator.floordiv, "sdiv", ""),
    ast.Mod: (operator.mod, "srem", ""), ast.BitOr: (operator.or_, "or_", ""), ast.BitAnd: (operator.and_, "and_", ""),
}  # fmt: skip
_COMPARISONS: dict[type, tuple[Any, str]] = {
    ast.Lt: (operator.lt, "<"), ast.LtE: (operator.le, "<="), ast.Gt: (operator.gt, ">"), ast.GtE: (operator.ge, ">="),
    ast.Eq: (operator.eq, "=="), ast.NotEq: (operator.ne, "!="),
}  # fmt: skip


@cache
def _tree(function: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _is_machine(value: Any) -> bool:
    return isinstance(value, ir.Value)


def _kind_of(value: Any) -> Any:
    """Return Numba's type of a value."""
    if isinstance(value, tuple):
        return types.UniTuple(types.intp, len(value))
    if isinstance(value, str):
        return types.literal(value)
    kind = value.type
    return types.CPointer(_KINDS.get(str(kind.pointee), types.uint8)) if kind.is_pointer else _KINDS[str(kind)]


class _Function:
    """One function while it is written: the variables, and where `return` leads to."""

    def __init__(self, builder: ir.IRBuilder, function: Any, arguments: tuple[Any, ...]) -> None:
        self.builder, self._function, tree = builder, function, _tree(function)
        self._globals = inspect.getclosurevars(function)
        self._variables: dict[str, Any] = {}
        self._constants: dict[str, Any] = {}
        """Parameters that are no values of the machine, as letters of kinds."""
        self._loops: list[tuple[Any, Any]] = []
        """Where `continue` and `break` lead to."""
        self._result: Any = None
        self._end = builder.append_basic_block("end")
        for parameter, value in zip(tree.args.args, arguments, strict=True):
            if isinstance(value, str | tuple):
                self._constants[parameter.arg] = value
            else:
                self._assign(parameter.arg, value)
        self._run(tree.body)
        builder.branch(self._end)
        builder.position_at_end(self._end)
        self.result = None if self._result is None else builder.load(self._result)

    # statements

    def _run(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            getattr(self, f"_run_{type(statement).__name__.lower()}")(statement)

    def _run_expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # a docstring
            self._value(statement.value)

    def _run_pass(self, _statement: ast.Pass) -> None:
        pass

    def _run_assign(self, statement: ast.Assign) -> None:
        value = self._value(statement.value)
        for target in statement.targets:
            self._store(target, value)

    def _run_augassign(self, statement: ast.AugAssign) -> None:
        old = self._value(_as_value(statement.target))
        self._store(statement.target, self._operate(statement.op, old, self._value(statement.value)))

    def _run_if(self, statement: ast.If) -> None:
        test = self._truth(self._value(statement.test))
        if not _is_machine(test):
            self._run(statement.body if test else statement.orelse)
            return
        with self.builder.if_else(test) as (then, otherwise):
            with then:
                self._run(statement.body)
            with otherwise:
                self._run(statement.orelse)

    def _run_while(self, statement: ast.While) -> None:
        self._loop(lambda: self._value(statement.test), statement.body, lambda: None)

    def _run_for(self, statement: ast.For) -> None:
        assert isinstance(statement.iter, ast.Call) and isinstance(statement.target, ast.Name)
        name, bounds = statement.target.id, list(map(self._value, statement.iter.args))
        first, last, step = (*bounds, 1)[:3] if len(bounds) > 1 else (0, *bounds, 1)
        first, last, counter = self._machine(first), self._machine(last), self._memory(_WORD)
        self.builder.store(first, counter)

        def test() -> Any:
            value = self.builder.load(counter)
            self._assign(name, value)
            return self.builder.icmp_signed("<" if step > 0 else ">", value, last)

        def count() -> None:
            self.builder.store(self.builder.add(self.builder.load(counter), _WORD(step)), counter)

        self._loop(test, statement.body, count)

    def _loop(self, test: Callable[[], Any], body: list[ast.stmt], following: Callable[[], None]) -> None:
        builder = self.builder
        head, inside, step, after = (builder.append_basic_block(name) for name in ("head", "body", "step", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        builder.cbranch(self._machine(self._truth(test())), inside, after)
        builder.position_at_end(inside)
        self._loops.append((step, after))
        self._run(body)
        self._loops.pop()
        builder.branch(step)
        builder.position_at_end(step)
        following()
        builder.branch(head)
        builder.position_at_end(after)

    def _run_break(self, _statement: ast.Break) -> None:
        self._leave(self._loops[-1][1])

    def _run_continue(self, _statement: ast.Continue) -> None:
        self._leave(self._loops[-1][0])

    def _run_return(self, statement: ast.Return) -> None:
        if statement.value is not None:
            value = self._machine(self._value(statement.value))
            if self._result is None:
                self._result = self._memory(value.type)
            self.builder.store(value, self._result)
        self._leave(self._end)

    def _leave(self, block: Any) -> None:
        self.builder.branch(block)
        self.builder.position_at_end(self.builder.append_basic_block("unreachable"))

    # memory

    def _memory(self, kind: Any) -> Any:
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind)

    def _assign(self, name: str, value: Any) -> None:
        value = self._machine(value)
        if name not in self._variables:
            self._variables[name] = self._memory(value.type)
        self.builder.store(self._as(value, self._variables[name].type.pointee), self._variables[name])

    def _store(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Tuple):
            for part, item in zip(target.elts, value, strict=True):
                self._store(part, item)
        elif isinstance(target, ast.Name):
            self._assign(target.id, value)
        else:
            assert isinstance(target, ast.Subscript)
            place = self._place(target)
            self.builder.store(self._as(self._machine(value), place.type.pointee), place)

    def _place(self, node: ast.Subscript) -> Any:
        return self.builder.gep(self._value(node.value), [self._machine(self._value(node.slice))])

    def _as(self, value: Any, kind: Any) -> Any:
        """Convert a value: a truth value to a word, a constant word to float64."""
        if value.type == kind:
            return value
        if kind == _WORD and value.type == _TRUTH:
            return self.builder.zext(value, kind)
        if kind == _DOUBLE and value.type == _WORD:
            return self.builder.sitofp(value, kind)
        raise TypeError(f"{self._function.__name__}: a value of type {value.type} where {kind} is needed")

    # values

    def _machine(self, value: Any) -> Any:
        """Return a value of the machine; numbers of Python become constants."""
        if _is_machine(value):
            return value
        if isinstance(value, bool | np.bool_):
            return _TRUTH(int(value))
        return _DOUBLE(float(value)) if isinstance(value, float) else _WORD(int(value))

    def _truth(self, value: Any) -> Any:
        if not _is_machine(value) or value.type == _TRUTH:
            return value
        return self.builder.icmp_signed("!=", value, _WORD(0))

    def _value(self, node: ast.expr) -> Any:
        return getattr(self, f"_value_{type(node).__name__.lower()}")(node)

    def _value_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _value_name(self, node: ast.Name) -> Any:
        if node.id in self._variables:
            return self.builder.load(self._variables[node.id])
        for names in (self._constants, self._globals.nonlocals, self._globals.globals):
            if node.id in names:
                return names[node.id]
        return getattr(builtins, node.id)

    def _value_tuple(self, node: ast.Tuple) -> Any:
        return tuple(map(self._value, node.elts))

    def _value_attribute(self, node: ast.Attribute) -> Any:
        return getattr(self._value(node.value), node.attr)

    def _value_subscript(self, node: ast.Subscript) -> Any:
        return self.builder.load(self._place(node))

    def _value_unaryop(self, node: ast.UnaryOp) -> Any:
        value = self._value(node.operand)
        if isinstance(node.op, ast.Not):
            value = self._truth(value)
            return self.builder.not_(value) if _is_machine(value) else not value
        assert isinstance(node.op, ast.USub)
        return self.builder.neg(value) if _is_machine(value) else -value

    def _value_binop(self, node: ast.BinOp) -> Any:
        return self._operate(node.op, self._value(node.left), self._value(node.right))

    def _operate(self, operation: ast.operator, left: Any, right: Any) -> Any:
        by_python, of_words, of_numbers = _OPERATIONS[type(operation)]
        if not (_is_machine(left) or _is_machine(right)):
            return by_python(left, right)
        left, right = self._alike(left, right)
        return getattr(self.builder, of_numbers if left.type == _DOUBLE else of_words)(left, right)

    def _alike(self, left: Any, right: Any) -> tuple[Any, Any]:
        left, right = self._machine(left), self._machine(right)
        kind = _DOUBLE if _DOUBLE in (left.type, right.type) else _WORD if _WORD in (left.type, right.type) else None
        return (left, right) if kind is None else (self._as(left, kind), self._as(right, kind))

    def _value_compare(self, node: ast.Compare) -> Any:
        (operation,), (other,) = node.ops, node.comparators
        by_python, name = _COMPARISONS[type(operation)]
        left, right = self._value(node.left), self._value(other)
        if not (_is_machine(left) or _is_machine(right)):
            return by_python(left, right)
        left, right = self._alike(left, right)
        if left.type == _DOUBLE:
            compare = self.builder.fcmp_unordered if name == "!=" else self.builder.fcmp_ordered
        else:
            compare = self.builder.icmp_signed
        return compare(name, left, right)

    def _value_boolop(self, node: ast.BoolOp) -> Any:
        """Evaluate from left to right, and no further than needed."""
        is_and = isinstance(node.op, ast.And)
        value = self._truth(self._value(node.values[0]))
        for k, following in enumerate(node.values[1:]):
            if not _is_machine(value):
                if bool(value) != is_and:
                    return value
                value = self._truth(self._value(following))
                continue
            result = self._memory(_TRUTH)
            self.builder.store(value, result)
            with self.builder.if_then(value if is_and else self.builder.not_(value)):
                rest = ast.BoolOp(node.op, node.values[k + 1 :]) if k + 2 < len(node.values) else following
                self.builder.store(self._machine(self._truth(self._value(rest))), result)
            return self.builder.load(result)
        return value

    def _value_ifexp(self, node: ast.IfExp) -> Any:
        test = self._truth(self._value(node.test))
        if not _is_machine(test):
            return self._value(node.body if test else node.orelse)
        result = None
        with self.builder.if_else(test) as branches:
            for branch, part in zip(branches, (node.body, node.orelse), strict=True):
                with branch:
                    value = self._machine(self._value(part))
                    result = result or self._memory(value.type)
                    self.builder.store(self._as(value, result.type.pointee), result)
        return self.builder.load(result)

    def _value_call(self, node: ast.Call) -> Any:
        arguments = tuple(map(self._value, node.args))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view":
            value = self._value(node.func.value)
            if _is_machine(value):
                return self.builder.bitcast(value, _DOUBLE if arguments[0] is np.float64 else _WORD)
        function = self._value(node.func)
        if isinstance(function, ExternalFunction):
            return self._call_external(function, arguments)
        if hasattr(function, "_defn"):
            return self._call_intrinsic(function._defn, arguments)
        if inspect.isfunction(function):
            return _Function(self.builder, function, arguments).result
        if not any(map(_is_machine, arguments)):
            return function(*arguments)
        if function is np.int64:
            return self._as(arguments[0], _WORD)
        assert function in (min, max)
        left, right = self._alike(*arguments)
        return self.builder.select(self.builder.icmp_signed("<" if function is min else ">", left, right), left, right)

    def _call_intrinsic(self, definition: Any, arguments: tuple[Any, ...]) -> Any:
        values = [a if isinstance(a, str | tuple) else self._machine(a) for a in arguments]
        signature, code = definition(cpu_target.typing_context, *map(_kind_of, values))
        values = [self._as(v, _WORD) if _is_machine(v) and k == types.intp else v
                  for v, k in zip(values, signature.args, strict=True)]  # fmt: skip
        result = code(cpu_target.target_context, self.builder, signature, list(map(self._packed, values)))
        return None if signature.return_type == types.none else result

    def _packed(self, value: Any) -> Any:
        """Return an argument of an intrinsic: a tuple is an array of words, a letter nothing."""
        if isinstance(value, str):
            return None
        if not isinstance(value, tuple):
            return value
        array = ir.Constant(ir.ArrayType(_WORD, len(value)), ir.Undefined)
        for k, item in enumerate(value):
            array = self.builder.insert_value(array, self._as(self._machine(item), _WORD), k)
        return array

    def _call_external(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        context = cpu_target.target_context
        kinds = [context.get_value_type(kind) for kind in function.sig.args]
        returned = function.sig.return_type
        kind = ir.FunctionType(ir.VoidType() if returned == types.void else context.get_value_type(returned), kinds)
        module = self.builder.module
        symbol = module.globals.get(function.symbol) or ir.Function(module, kind, function.symbol)
        values = [ir.Constant(k, a) if isinstance(a, int) else a for k, a in zip(kinds, arguments, strict=True)]
        return self.builder.call(symbol, values)


def _as_value(target: ast.expr) -> ast.expr:
    """Return the target of an assignment as what is read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(target.value, target.slice, ast.Load())


def module_of(function: Any, signature: Any, name: str) -> ir.Module:
    """Write a function of a signature of Numba's types as a module of LLVM."""
    context = cpu_target.target_context
    module = ir.Module(name)
    returned = ir.VoidType() if signature.return_type == types.void else _WORD
    kind = ir.FunctionType(returned, [context.get_value_type(k) for k in signature.args])
    written = ir.Function(module, kind, name)
    builder = ir.IRBuilder(written.append_basic_block("entry"))
    start = builder.append_basic_block("start")  # the entry has the variables
    builder.position_at_end(start)
    result = _Function(builder, function, tuple(written.args)).result
    if returned == _WORD:
        builder.ret(_WORD(0) if result is None else result)
    else:
        builder.ret_void()
    builder.position_at_end(written.entry_basic_block)
    builder.branch(start)
    return module
