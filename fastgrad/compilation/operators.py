"""Python's operators where Numba's differ: ``**`` that vectorises, whole numbers that neither overflow nor go by zero.

Numba lowers ``x ** 1.5`` to a call of libm, which stops SIMD, and takes ``5 // 0`` for 0. It offers no way to overload
an operator for one compilation only, so our compilations have one pass more, which turns those operators into calls.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from numba.core import ir, types
from numba.core.compiler import StateDict
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.extending import overload

from .._typing import Function
from ..elementary import power, sqrt


class Uncompilable(Exception):
    """The function cannot become machine code; it is then called as it is."""


_REAL = (types.Float, types.Integer, types.Boolean)


def _power(x: complex, y: complex) -> complex:
    """Stand for ``x ** y``; whole numbers and complex ones keep Numba's operator."""
    raise NotImplementedError


@overload(_power, strict=False)
def _power_overload(x: types.Type, y: types.Type) -> Function:
    if isinstance(x, _REAL) and isinstance(y, types.Float):
        return lambda x, y: power(x, y)
    return lambda x, y: x**y


def _root(x: complex) -> complex:
    """Stand for ``x ** 0.5``."""
    raise NotImplementedError


@overload(_root, strict=False)
def _root_overload(x: types.Type) -> Function:
    if not isinstance(x, _REAL):
        return lambda x: x**0.5
    # As C's `pow` has it and `sqrt` has not: +0 at -0, infinity at -infinity.
    return lambda x: sqrt(x + 0.0) if x >= 0.0 else abs(x) if x == -float("inf") else float("nan")


def _checked(division: Callable[[float, float], float]) -> Function:
    """Make what stands for a division: of whole numbers by zero it raises, as Python does."""

    def stub(x: complex, y: complex) -> complex:
        raise NotImplementedError

    def choose(x: types.Type, y: types.Type) -> Function:
        def checked(x: float, y: float) -> float:
            if y == 0:
                raise ZeroDivisionError
            return division(x, y)

        whole = all(isinstance(kind, (types.Integer, types.Boolean)) for kind in (x, y))
        return checked if whole else lambda x, y: division(x, y)

    overload(stub, jit_options={"error_model": "numpy"}, strict=False)(choose)
    return stub


_POWERS = {operator.pow, operator.ipow}
_FRACTIONS = {operator.truediv, operator.itruediv}
_quotient, _remainder, _fraction = map(_checked, (operator.floordiv, operator.mod, operator.truediv))
_DIVISIONS = {
    operator.floordiv: _quotient, operator.ifloordiv: _quotient, operator.mod: _remainder, operator.imod: _remainder,
}  # fmt: skip


def _stand_in(function: Function, right: object) -> Function | None:
    """Choose what is called instead of an operator, by its right operand if that is a constant; None to leave it."""
    number = right if isinstance(right, (int, float)) else None
    if function in _POWERS:
        return None if isinstance(number, int) else _root if number == 0.5 else _power
    if function in _DIVISIONS:
        return None if number else _DIVISIONS[function]
    # A fraction of what is not known to be zero stays as it is: they are everywhere, and an infinity tells of zero.
    return _fraction if function in _FRACTIONS and isinstance(number, int) and number == 0 else None


class IRPass(FunctionPass):
    """A pass over Numba's representation of a function, which wants this method written out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]


@register_pass(mutates_CFG=False, analysis_only=False)
class Operators(IRPass):
    """Turn operators into calls: of ``**`` where the exponent is not known to be whole, of what may divide by zero."""

    _name = "fastgrad_operators"

    def run_pass(self, state: StateDict) -> bool:
        """Rewrite the function in place; tell whether anything changed."""
        changed = False
        for block in state.func_ir.blocks.values():
            body = []
            for statement in block.body:
                value = getattr(statement, "value", None)
                if (
                    isinstance(statement, ir.Assign)
                    and isinstance(value, ir.Expr)
                    and value.op in ("binop", "inplace_binop")
                    and (called := _stand_in(value.fn, self._constant(state.func_ir, value.rhs)))
                ):
                    body.append(self._replace(state.func_ir, block, statement, called))
                    changed = True
                body.append(statement)
            block.body = body
        return changed

    @staticmethod
    def _constant(function: ir.FunctionIR, variable: ir.Var) -> object:
        """Value of a variable that is only ever one constant, else None; Numba multiplies out whole powers itself."""
        definitions = function._definitions[variable.name]
        known = len(definitions) == 1 and isinstance(definitions[0], (ir.Const, ir.Global, ir.FreeVar))
        return definitions[0].value if known else None

    @staticmethod
    def _replace(function: ir.FunctionIR, block: ir.Block, statement: Any, called: Function) -> ir.Assign:
        """Turn the statement into a call and return the one that loads what is called."""
        expression, where = statement.value, statement.loc
        target = block.scope.redefine("$operator", loc=where)
        loaded = ir.Global(called.__name__, called, where)
        function._definitions[target.name] = [loaded]
        arguments = (expression.lhs, expression.rhs)[: called.__code__.co_argcount]
        statement.value = ir.Expr.call(target, arguments, (), where)
        function._definitions[statement.target.name] = [statement.value]
        return ir.Assign(loaded, target, where)


_GROWING = {operator.mul, operator.imul, operator.pow, operator.ipow, operator.lshift, operator.ilshift}
_STEEP = {operator.pow, operator.ipow, operator.lshift, operator.ilshift}
_ADDING = {operator.add, operator.iadd, operator.sub, operator.isub}


@register_pass(mutates_CFG=False, analysis_only=True)
class NoOverflow(IRPass):
    """Refuse arithmetic of whole numbers that may pass 64 bits, where Python's numbers grow: factorials, Fibonacci.

    Compiled it would wrap around without a word. Sums and products with a constant (``2 * k + 1``) are let through,
    unless they build up in one variable.
    """

    _name = "fastgrad_no_overflow"

    def run_pass(self, state: StateDict) -> bool:
        """Look at every operator whose operands are whole numbers."""
        named = _names(state.func_ir)
        for block in state.func_ir.blocks.values():
            for statement in block.find_insts(ir.Assign):
                value = statement.value
                if not isinstance(value, ir.Expr) or value.op not in ("binop", "inplace_binop"):
                    continue
                kinds = [state.typemap[v.name] for v in (value.lhs, value.rhs)]
                if value.fn not in _GROWING | _ADDING or not all(isinstance(k, types.Integer) for k in kinds):
                    continue
                constant = any(isinstance(k, types.IntegerLiteral) for k in kinds)
                if value.fn in _STEEP:
                    constant = isinstance(kinds[1], types.IntegerLiteral) and abs(kinds[1].literal_value) < 4
                own = named.get(statement.target.name, statement.target.unversioned_name)
                builds_up = own in (value.lhs.unversioned_name, value.rhs.unversioned_name)
                if not constant or (builds_up and value.fn in _GROWING):
                    raise Uncompilable(f"whole numbers may overflow in line {statement.loc.line}")
        return False


def _names(function: ir.FunctionIR) -> dict[str, str]:
    """Names of the variables that temporaries are assigned to."""
    names = {}
    for block in function.blocks.values():
        for statement in block.find_insts(ir.Assign):
            if isinstance(statement.value, ir.Var):
                names[statement.value.name] = statement.target.unversioned_name
    return names
