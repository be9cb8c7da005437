"""Machine code of loops that pass addresses between kernels, from a subset of Python that is written as LLVM directly.

Such a function only has whole numbers, memory by address, loops, branches and calls. Numba takes up to a second for
each, because it infers types and rewrites what needs neither; this takes a twentieth of that.

Statements: assignments, ``if``, ``while``, ``for`` over `range` with a constant step, ``break``, ``continue``,
``return``. Values: words, truth values, float64, pointers. Functions of this kind that are called are inlined; calls of
Numba's intrinsics are written by these; operations on what depends on no value of the machine are Python's. Conditions
are comparisons, truth values and what ``and``, ``or`` and ``not`` make of these. Division is that of numbers that are
not negative.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache

from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target
from numba.core.typing.templates import Signature

from .._typing import Function
from .word_values import WORD, Value, WordValues


@cache
def _tree(function: Function) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


class _Function(WordValues):
    """One function while it is written: its statements, and where they lead to."""

    def __init__(self, builder: ir.IRBuilder, function: Function, arguments: tuple[Value, ...]) -> None:
        super().__init__(builder, function, lambda called, values: _Function(builder, called, values).result)
        tree = _tree(function)
        self._loops: list[tuple[ir.Block, ir.Block]] = []
        """Where `continue` and `break` lead to."""
        self._result: ir.Value | None = None
        self._end = builder.append_basic_block("end")
        for parameter, value in zip(tree.args.args, arguments, strict=True):
            self.assign(parameter.arg, value)
        self._run(tree.body)
        builder.branch(self._end)
        builder.position_at_end(self._end)
        self.result = None if self._result is None else builder.load(self._result)

    def _run(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            getattr(self, f"_run_{type(statement).__name__.lower()}")(statement)

    def _run_expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # a docstring
            self.value(statement.value)

    def _run_assign(self, statement: ast.Assign) -> None:
        value = self.value(statement.value)
        for target in statement.targets:
            self.store(target, value)

    def _run_augassign(self, statement: ast.AugAssign) -> None:
        old = self.value(statement.target)
        self.store(statement.target, self.operate(statement.op, old, self.value(statement.value)))

    def _run_if(self, statement: ast.If) -> None:
        with self.builder.if_else(self.value(statement.test)) as (then, otherwise):
            with then:
                self._run(statement.body)
            with otherwise:
                self._run(statement.orelse)

    def _run_while(self, statement: ast.While) -> None:
        self._loop(lambda: self.value(statement.test), statement.body, lambda: None)

    def _run_for(self, statement: ast.For) -> None:
        assert isinstance(statement.iter, ast.Call) and isinstance(statement.target, ast.Name)
        name, bounds = statement.target.id, list(map(self.value, statement.iter.args))
        first, last, step = (*bounds, 1)[:3] if len(bounds) > 1 else (0, *bounds, 1)
        first, last, counter = self.machine(first), self.machine(last), self.memory(WORD)
        self.builder.store(first, counter)

        def test() -> Value:
            value = self.builder.load(counter)
            self.assign(name, value)
            return self.builder.icmp_signed("<" if step > 0 else ">", value, last)

        def count() -> None:
            self.builder.store(self.builder.add(self.builder.load(counter), WORD(step)), counter)

        self._loop(test, statement.body, count)

    def _loop(self, test: Callable[[], Value], body: list[ast.stmt], following: Callable[[], None]) -> None:
        builder = self.builder
        head, inside, step, after = (builder.append_basic_block(name) for name in ("head", "body", "step", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        builder.cbranch(test(), inside, after)
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
            value = self.machine(self.value(statement.value))
            if self._result is None:
                self._result = self.memory(value.type)
            self.builder.store(value, self._result)
        self._leave(self._end)

    def _leave(self, block: ir.Block) -> None:
        self.builder.branch(block)
        self.builder.position_at_end(self.builder.append_basic_block("unreachable"))


def module_of(function: Function, signature: Signature, name: str) -> ir.Module:
    """Write a function of a signature of Numba's types as a module of LLVM."""
    context = cpu_target.target_context
    module = ir.Module(name)
    returned = ir.VoidType() if signature.return_type == types.void else WORD
    kind = ir.FunctionType(returned, [context.get_value_type(k) for k in signature.args])
    written = ir.Function(module, kind, name)
    builder = ir.IRBuilder(written.append_basic_block("entry"))
    start = builder.append_basic_block("start")  # the entry has the variables
    builder.position_at_end(start)
    result = _Function(builder, function, tuple(written.args)).result
    if returned == WORD:
        builder.ret(WORD(0) if result is None else result)
    else:
        builder.ret_void()
    builder.position_at_end(written.entry_basic_block)
    builder.branch(start)
    return module
