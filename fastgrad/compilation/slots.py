"""References to captured values become items of a tuple: passes over Numba's representation of a function."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from types import FunctionType, ModuleType

from numba.core import ir
from numba.core.compiler import StateDict
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher

from .captured import Slot
from .dependencies import ITEM
from .operators import IRPass, Uncompilable

#: Name of the argument that holds the captured values.
NAME = "fastgrad_captured"


def taking(function: FunctionType) -> FunctionType:
    """Give a function the tuple as its first argument, for Numba to see."""
    signature = inspect.signature(function, follow_wrapped=False)
    first = inspect.Parameter(NAME, inspect.Parameter.POSITIONAL_ONLY)
    function.__signature__ = signature.replace(parameters=[first, *signature.parameters.values()])  # type: ignore[attr-defined]
    return function


@dataclass(frozen=True)
class ConstantSlot:
    """An entry of a dictionary that is part of the machine code."""

    value: bool | int | str


@register_pass(mutates_CFG=False, analysis_only=False)
class CapturedValues(IRPass):
    """Turn references to captured values into items of the first argument."""

    _name = "fastgrad_captured_values"

    def run_pass(self, state: StateDict) -> bool:
        """Rewrite the function in place; tell whether anything changed."""
        function = state.func_ir
        if list(function.arg_names)[:1] != [NAME]:
            return False
        first = function.blocks[min(function.blocks)]
        # Another name of the argument, because Numba drops unused arguments.
        captured = first.scope.redefine("$captured", loc=function.loc)
        argument = ir.Arg(NAME, 0, function.loc)
        function._definitions[captured.name] = [argument]
        first.body.insert(0, ir.Assign(argument, captured, function.loc))
        self._rewrite(function, captured, _references(function))
        return True

    def _rewrite(self, function: ir.FunctionIR, captured: ir.Var, referred: dict[str, object]) -> None:
        for statement in _assignments(function):
            slot = referred.get(statement.target.name)
            if isinstance(slot, (Slot, ConstantSlot)) and not isinstance(statement.value, ir.Var):
                if isinstance(slot, ConstantSlot):
                    statement.value = ir.Const(slot.value, statement.loc)
                else:
                    statement.value = ir.Expr.static_getitem(captured, slot.index, None, statement.loc)
                function._definitions[statement.target.name] = [statement.value]


@register_pass(mutates_CFG=False, analysis_only=False)
class CapturedInlined(CapturedValues):
    """Do so in functions that have been inlined, and hand the tuple on to helpers that take it."""

    _name = "fastgrad_captured_inlined"

    def _rewrite(self, function: ir.FunctionIR, captured: ir.Var, referred: dict[str, object]) -> None:
        super()._rewrite(function, captured, referred)
        helpers = {name for name, target in referred.items() if not isinstance(target, (Slot, ConstantSlot))}
        for block in function.blocks.values():
            for statement in block.body:
                used = [v.name for v in statement.list_vars() if v.name in helpers]
                assigned = isinstance(statement, ir.Assign)
                if not used or (assigned and statement.target.name in helpers):
                    continue
                call = statement.value if assigned else None
                if not isinstance(call, ir.Expr) or call.op != "call" or used != [call.func.name]:
                    raise Uncompilable("a helper that captures data is not called at once")
                statement.value = ir.Expr.call(
                    call.func, (captured, *call.args), call.kws, call.loc, vararg=call.vararg, varkwarg=call.varkwarg
                )
                function._definitions[statement.target.name] = [statement.value]


def _assignments(function: ir.FunctionIR) -> Iterable[ir.Assign]:
    for block in function.blocks.values():
        yield from block.find_insts(ir.Assign)


def _references(function: ir.FunctionIR) -> dict[str, object]:
    """Variables that hold a slot or a helper that takes the tuple, and which."""
    targets: dict[str, object] = {}
    changed = True
    while changed:  # a copy may stand before what it copies
        changed = False
        for statement in _assignments(function):
            name, value = statement.target.name, statement.value
            if name in targets or len(function._definitions[name]) != 1:
                continue
            if isinstance(value, (ir.Global, ir.FreeVar)):
                target = value.value
            elif isinstance(value, ir.Var):
                target = targets.get(value.name)
            elif isinstance(value, ir.Expr) and value.op == "getattr":
                target = getattr(targets.get(value.value.name), value.attr, None)
            elif isinstance(value, ir.Expr) and value.op in ("getitem", "static_getitem"):
                target = getattr(targets.get(value.value.name), f"{ITEM}{_index(function, value)}", None)
                target = ConstantSlot(target) if isinstance(target, bool | int | str) else target
            else:
                continue
            if isinstance(target, (Slot, ConstantSlot, ModuleType)) or _takes(target):
                targets[name], changed = target, True
    return {name: value for name, value in targets.items() if not isinstance(value, ModuleType)}


def _index(function: ir.FunctionIR, item: ir.Expr) -> object:
    """Index of an item, if it is written out."""
    if item.op == "static_getitem":
        return item.index
    definitions = function._definitions[item.index.name]
    return definitions[0].value if len(definitions) == 1 and isinstance(definitions[0], ir.Const) else None


def _takes(helper: object) -> bool:
    """Whether a compiled helper takes the tuple."""
    if not isinstance(helper, CPUDispatcher):
        return False
    signature = getattr(helper.py_func, "__signature__", None)
    return signature is not None and next(iter(signature.parameters), "") == NAME
