"""Nodes become LLVM's instructions, one for each: Numba would take seconds to find the types of a thousand."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from ._graph import Node
from ._ufunc import WORDS

_WORD, _DOUBLE, _BIT = ir.IntType(64), ir.DoubleType(), ir.IntType(1)

_INSTRUCTIONS = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv", "negative": "fneg",
                 "logical_and": "and_", "logical_or": "or_", "logical_not": "not_", "where": "select"}  # fmt: skip
_COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "=="}
_PYTHON = {"remainder": operator.mod, "absolute": abs}


def loop_over(nodes: Sequence[Node], outputs: Sequence[Node], nin: int) -> Any:
    """Make an intrinsic ``(n, places) -> raised``: a loop over points that computes `nodes`, each after its operands.

    `places` holds the addresses of all `nin` inputs, then those of the `outputs`, which overlap neither inputs nor each
    other. Returned is at how many points a formula of the user's has raised.
    """
    used = sorted({o.value for node in [*nodes, *outputs] for o in (node, *node.operands) if o.name == "input"})
    bits = len(outputs).bit_length() + 1

    @intrinsic
    def run(_typing: Any, n: Any, places: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            addresses = {}
            for place in [*used, *range(nin, nin + len(outputs))]:
                word = builder.load(builder.gep(args[1], [ir.Constant(_WORD, place)]))
                addresses[place] = builder.inttoptr(word, _DOUBLE.as_pointer())
            raised = cgutils.alloca_once_value(builder, ir.Constant(_WORD, 0))
            with cgutils.for_range(builder, args[0]) as loop:
                values: dict[Any, Any] = {}
                for place in used:
                    values[place] = builder.load(builder.gep(addresses[place], [loop.index]))
                    _apart(builder.module, values[place], 0, 1)
                for node in nodes:
                    values[node] = _emitted(context, builder, node, values, raised)
                for k, node in enumerate(outputs):
                    stored = builder.store(_value(node, values), builder.gep(addresses[nin + k], [loop.index]))
                    _apart(builder.module, stored, 2 * k + 1, bits)
            return builder.load(raised)

        return types.intp(types.intp, WORDS), code

    return run


def _value(node: Node, values: dict[Any, Any]) -> Any:
    if node.name == "constant":
        return ir.Constant(_BIT, int(node.value)) if node.condition else ir.Constant(_DOUBLE, node.value)
    return values[node.value if node.name == "input" else node]


def _emitted(context: Any, builder: Any, node: Node, values: dict[Any, Any], raised: Any) -> Any:
    """Emit what computes a node."""
    name, operands = node.name, [_value(o, values) for o in node.operands]
    if name in _INSTRUCTIONS:
        return getattr(builder, _INSTRUCTIONS[name])(*operands)
    if name in _COMPARISONS:
        return builder.fcmp_ordered(_COMPARISONS[name], *operands)
    if name == "not_equal":
        return builder.fcmp_unordered("!=", *operands)
    function = _PYTHON.get(name) or next(iter(node.gate.names.values()))
    kind = context.typing_context.resolve_value_type(function)
    signature = kind.get_call_type(context.typing_context, (types.float64,) * len(operands), {})
    implementation = context.get_function(kind, signature)
    context.add_linking_libs(getattr(implementation, "libs", ()))
    result = implementation(builder, operands)
    if not node.gate.key:
        return context.cast(builder, result, signature.return_type, types.float64)
    value, flag = cgutils.unpack_tuple(builder, result, 2)  # a formula of the user's, which may raise
    kinds = signature.return_type.types
    flag = context.cast(builder, flag, kinds[1], types.intp)
    builder.store(builder.add(builder.load(raised), flag), raised)
    return context.cast(builder, value, kinds[0], types.float64)


def _apart(module: Any, instruction: Any, number: int, bits: int) -> None:
    """Say that places in memory do not overlap, so that LLVM need not test every pair of them at run time.

    In LLVM's terms every bit of a place's number is a domain of two scopes, and what is in one of them is no alias of
    what excludes it. That takes a few words for each place; to exclude all others by name would take as many as there
    are. All that is read has one bit, and may overlap.
    """
    mine, others = [], []
    for k in range(bits):
        domain = module.add_metadata([ir.MetaDataString(module, f"fastgrad {k}")])
        scopes = [module.add_metadata([ir.MetaDataString(module, f"fastgrad {k} {b}"), domain]) for b in (0, 1)]
        bit = number >> k & 1
        mine.append(scopes[bit])
        others.append(scopes[1 - bit])
    instruction.set_metadata("alias.scope", module.add_metadata(mine))
    instruction.set_metadata("noalias", module.add_metadata(others))
