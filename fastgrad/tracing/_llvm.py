"""Nodes become LLVM's instructions, one for each: Numba would take seconds to find the types of a thousand."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from ..compilation.memory import WORDS
from ._graph import Node

_WORD, _DOUBLE, _BIT = ir.IntType(64), ir.DoubleType(), ir.IntType(1)

_INSTRUCTIONS = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv", "negative": "fneg",
                 "logical_and": "and_", "logical_or": "or_", "logical_not": "not_", "where": "select"}  # fmt: skip
_COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "=="}
_PYTHON = {"remainder": operator.mod, "absolute": abs}


#: Inputs and outputs of one loop. Where there are more than 250 places in memory LLVM takes any of them for any other,
#: and vectorises nothing; what lies in the room comes on top. Programs of few places are left whole however long they
#: are: cut at every hundred functions, gradients of 1,000 compile in 9 s instead of 18 and run 25 % longer ever after.
_PLACES = 100

#: What such a loop is given: how many points, the first of them, the addresses of all places, that of the room, that of
#: the parameters.
_PART = (types.intp, types.intp, WORDS, types.intp, types.intp)

#: Points that go through all loops before the next do.
_BLOCK = 64


class Loops:
    """Loops over points that compute `nodes`, each after its operands, and store `outputs`.

    A program of many inputs and outputs is cut into several loops. What one of them computes and another uses lies in a
    *room* in between.

    Attributes
    ----------
    run : intrinsic
        ``(n, places, room, parameters) -> raised``: `places` holds the addresses of all `nin` inputs, then those of the
        outputs, which overlap neither inputs nor each other; `room` is the address of the room, `parameters` that of
        numbers which are the same at all points: inputs from `nin` on, or some constants. Returned is at how many
        points a formula of the user's has raised.
    room : int
        Numbers in the room; 0 if none is needed.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Node], nin: int, parameters: Sequence[Node] = ()
    ) -> None:
        self._outputs, self._nin = outputs, nin
        self._parameters = {node: k for k, node in enumerate(parameters)}
        self._parts = _cut(nodes, outputs, nin)
        part_of = {node: k for k, part in enumerate(self._parts) for node in part}
        self._stored: list[list[tuple[int, Node]]] = [[] for _ in self._parts]
        for k, node in enumerate(outputs):
            self._stored[part_of.get(node, 0)].append((k, node))
        crossing = [o for node in nodes for o in node.operands if part_of.get(o, part_of[node]) != part_of[node]]
        self._slots = {node: k for k, node in enumerate(dict.fromkeys(crossing))}
        self.room = _BLOCK * len(self._slots)
        self.run = self._intrinsic()

    def _intrinsic(self) -> Any:
        @intrinsic
        def run(_typing: Any, n: Any, places: Any, room: Any, parameters: Any) -> Any:
            def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
                count, places, room, parameters = args
                zero = ir.Constant(_WORD, 0)
                if len(self._parts) == 1:
                    return self._loop(context, builder, 0, (count, zero, places, room, parameters))
                raised = cgutils.alloca_once_value(builder, zero)
                functions = [self._function(context, builder, k) for k in range(len(self._parts))]
                block = ir.Constant(_WORD, _BLOCK)
                with cgutils.for_range_slice(builder, zero, count, block, _WORD) as (start, _):
                    left = builder.sub(count, start)
                    some = builder.select(builder.icmp_signed("<", left, block), left, block)
                    for function in functions:
                        given = (some, start, places, room, parameters)
                        status, found = context.call_conv.call_function(builder, function, types.intp, _PART, given)
                        with cgutils.if_unlikely(builder, status.is_error):
                            context.call_conv.return_status_propagate(builder, status)
                        builder.store(builder.add(builder.load(raised), found), raised)
                return builder.load(raised)

            return types.intp(types.intp, WORDS, types.intp, types.intp), code

        return run

    def _function(self, context: Any, builder: Any, part: int) -> Any:
        """Make a function of its own of a part: what LLVM does to a function does not grow with the others."""
        convention = context.call_conv
        kind = convention.get_function_type(types.intp, _PART)
        function = ir.Function(builder.module, kind, f"{builder.function.name}.part{part}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        own = ir.IRBuilder(function.append_basic_block("entry"))
        raised = self._loop(context, own, part, convention.decode_arguments(own, _PART, function))
        convention.return_value(own, raised)
        return function

    def _loop(self, context: Any, builder: Any, part: int, args: Sequence[Any]) -> Any:
        """Emit the loop of a part over `count` points from `start` on."""
        count, start, places, room, parameters = args
        nodes, outputs = self._parts[part], self._stored[part]
        own = set(nodes)
        asked = [o for node in nodes for o in node.operands] + [node for _, node in outputs]
        inputs = sorted({o.value for o in asked if o.name == "input"})
        known = list(dict.fromkeys(o for o in asked if o in self._slots and o not in own))
        stored = [node for node in nodes if node in self._slots]

        def outside(place: int) -> Any:
            word = builder.load(builder.gep(places, [ir.Constant(_WORD, place)]))
            return builder.gep(builder.inttoptr(word, _DOUBLE.as_pointer()), [start])

        def inside(node: Node) -> Any:
            base = builder.inttoptr(room, _DOUBLE.as_pointer())
            return builder.gep(base, [ir.Constant(_WORD, _BLOCK * self._slots[node])])

        sources = {place: outside(place) for place in inputs if place < self._nin}
        sources.update({node: inside(node) for node in known})
        targets = [(outside(self._nin + k), node, k) for k, node in outputs]
        targets += [(inside(node), node, len(self._outputs) + self._slots[node]) for node in stored]
        bits = (len(self._outputs) + len(self._slots)).bit_length() + 1
        raised = cgutils.alloca_once_value(builder, ir.Constant(_WORD, 0))
        numbers = builder.inttoptr(parameters, _DOUBLE.as_pointer())
        same: dict[Any, int] = {place: place - self._nin for place in inputs if place >= self._nin}
        same.update({node: self._parameters[node] for node in asked if node in self._parameters})
        fixed = {key: builder.load(builder.gep(numbers, [ir.Constant(_WORD, k)])) for key, k in same.items()}
        with cgutils.for_range(builder, count) as loop:
            values: dict[Any, Any] = dict(fixed)
            for key, source in sources.items():
                value = builder.load(builder.gep(source, [loop.index]))
                _apart(builder.module, value, 0, 1)
                condition = isinstance(key, Node) and key.condition
                values[key] = builder.fcmp_unordered("!=", value, ir.Constant(_DOUBLE, 0.0)) if condition else value
            for node in nodes:
                values[node] = _emitted(context, builder, node, values, raised)
            for target, node, number in targets:
                value = _value(node, values)
                value = builder.uitofp(value, _DOUBLE) if value.type == _BIT else value
                place = builder.store(value, builder.gep(target, [loop.index]))
                _apart(builder.module, place, 2 * number + 1, bits)
        return builder.load(raised)


def _cut(nodes: Sequence[Node], outputs: Sequence[Node], nin: int) -> list[list[Node]]:
    """Cut a program into parts that touch few inputs and outputs each; inputs from `nin` on do not count."""
    stored = Counter(outputs)

    def inputs(some: Sequence[Node]) -> set[Any]:
        return {o for o in some if o.name == "input" and o.value < nin}

    touched: set[Any] = set()
    for node in (*nodes, *outputs):
        touched |= inputs((node, *node.operands))
    if len(touched) + len(outputs) <= 2 * _PLACES:
        return [list(nodes)]
    parts: list[list[Node]] = [[]]
    touched, count = set(), 0
    for node in nodes:
        touched |= inputs(node.operands)
        count += stored[node]
        if len(touched) + count > _PLACES and parts[-1]:
            parts.append([])
            touched, count = inputs(node.operands), stored[node]
        parts[-1].append(node)
    return parts


def _value(node: Node, values: dict[Any, Any]) -> Any:
    if node.name == "constant" and node not in values:
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
