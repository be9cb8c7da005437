"""Python's operators where Numba's differ: ``**`` that vectorises, whole numbers that do not overflow.

Numba lowers ``x ** 1.5`` to a call of libm, which stops SIMD, and offers no way to overload an operator for one
compilation only. So our compilations have one pass more, which turns those operators into calls.
"""

from __future__ import annotations

import operator
from typing import Any

from numba.core import compiler, ir, types
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.typed_passes import NopythonTypeInference
from numba.core.untyped_passes import GenericRewrites
from numba.extending import overload

from ..elementary import power, sqrt


class Uncompilable(Exception):
    """The function cannot become machine code; it is then called as it is."""


_REAL = (types.Float, types.Integer, types.Boolean)


def _power(x: Any, y: Any) -> Any:
    """Stand for ``x ** y``; whole numbers and complex ones keep Numba's operator."""
    raise NotImplementedError


@overload(_power, strict=False)
def _power_overload(x: Any, y: Any) -> Any:
    if isinstance(x, _REAL) and isinstance(y, types.Float):
        return lambda x, y: power(x, y)
    return lambda x, y: x**y


def _root(x: Any) -> Any:
    """Stand for ``x ** 0.5``."""
    raise NotImplementedError


@overload(_root, strict=False)
def _root_overload(x: Any) -> Any:
    if not isinstance(x, _REAL):
        return lambda x: x**0.5
    # As C's `pow` has it and `sqrt` has not: +0 at -0, infinity at -infinity.
    return lambda x: sqrt(x + 0.0) if x >= 0.0 else abs(x) if x == -float("inf") else float("nan")


@register_pass(mutates_CFG=False, analysis_only=False)
class _Powers(FunctionPass):
    """Turn every ``**`` with an exponent not known to be whole into a call."""

    _name = "fastgrad_powers"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
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
                    and value.fn in (operator.pow, operator.ipow)
                    and not isinstance(exponent := self._constant(state.func_ir, value.rhs), int)
                ):
                    body.append(self._replace(state.func_ir, block, statement, exponent == 0.5))
                    changed = True
                body.append(statement)
            block.body = body
        return changed

    @staticmethod
    def _constant(function: Any, variable: Any) -> Any:
        """Value of a variable that is only ever one constant, else None; Numba multiplies out whole powers itself."""
        definitions = function._definitions[variable.name]
        known = len(definitions) == 1 and isinstance(definitions[0], (ir.Const, ir.Global, ir.FreeVar))
        return definitions[0].value if known else None

    @staticmethod
    def _replace(function: Any, block: Any, statement: Any, root: bool) -> Any:
        """Turn the statement into a call and return the one that loads what is called."""
        expression, where = statement.value, statement.loc
        target = block.scope.redefine("$power", loc=where)
        loaded = ir.Global("_root" if root else "_power", _root if root else _power, where)
        function._definitions[target.name] = [loaded]
        arguments = (expression.lhs,) if root else (expression.lhs, expression.rhs)
        statement.value = ir.Expr.call(target, arguments, (), where)
        function._definitions[statement.target.name] = [statement.value]
        return ir.Assign(loaded, target, where)


_GROWING = {operator.mul, operator.imul, operator.pow, operator.ipow, operator.lshift, operator.ilshift}
_STEEP = {operator.pow, operator.ipow, operator.lshift, operator.ilshift}
_ADDING = {operator.add, operator.iadd, operator.sub, operator.isub}


@register_pass(mutates_CFG=False, analysis_only=True)
class _NoOverflow(FunctionPass):
    """Refuse arithmetic of whole numbers that may pass 64 bits, where Python's numbers grow: factorials, Fibonacci.

    Compiled it would wrap around without a word. Sums and products with a constant (``2 * k + 1``) are let through,
    unless they build up in one variable.
    """

    _name = "fastgrad_no_overflow"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
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


def _names(function: Any) -> dict[str, str]:
    """Names of the variables that temporaries are assigned to."""
    names = {}
    for block in function.blocks.values():
        for statement in block.find_insts(ir.Assign):
            if isinstance(statement.value, ir.Var):
                names[statement.value.name] = statement.target.unversioned_name
    return names


class Pipeline(compiler.CompilerBase):
    """Numba's pipeline with that pass."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes, in order."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_Powers, GenericRewrites)
        passes.add_pass_after(_NoOverflow, NopythonTypeInference)
        passes.finalize()
        return [passes]
