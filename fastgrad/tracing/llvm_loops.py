"""Nodes become LLVM's instructions, one for each: Numba would take seconds to find the types of a thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.cpu import CPUContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from ..compilation.memory import WORDS
from .graph import Node

_WORD, _DOUBLE, _BIT = ir.IntType(64), ir.DoubleType(), ir.IntType(1)

#: Inputs and outputs of one loop. Beyond some 250 arrays LLVM assumes that they overlap, and vectorises nothing; arrays
#: in scratch memory count as well. Long programs of few arrays are not cut: cut at every hundred
#: functions, gradients of 1,000 compile in 9 s instead of 18 and run 25 % longer.
_ARRAYS = 100

#: Arguments of such a loop: count of points, the first point, the addresses of all arrays, of scratch memory, of
#: parameters.
_PART = (types.intp, types.intp, WORDS, types.intp, types.intp)

#: Points that go through all loops before the next do.
_BLOCK = 64

#: Numbers at a point by their nodes, those of inputs by their positions.
NodeValues = dict[int | Node, ir.Value]


class Loops:
    """Loops over points that compute `nodes`, each after its operands, and store `outputs`.

    A program of many inputs and outputs is cut into several loops, which share values through `scratch` numbers of
    memory. The intrinsic ``run(n, arrays, scratch, parameters)`` returns the count of points where a caller's formula
    raised. `arrays` holds the addresses of all `nin` inputs, then those of the outputs, which overlap neither inputs
    nor each other; `parameters` is the address of numbers that are the same at all points: inputs from `nin` on, or
    some constants.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Node], nin: int, parameters: Mapping[Node, int] | None = None
    ) -> None:
        self._outputs, self._nin, self._parameters = outputs, nin, parameters or {}
        self._parts = _cut(nodes, outputs, nin)
        part_of = {node: k for k, part in enumerate(self._parts) for node in part}
        self._stored: list[list[tuple[int, Node]]] = [[] for _ in self._parts]
        for k, node in enumerate(outputs):
            self._stored[part_of.get(node, 0)].append((k, node))
        crossing = [o for node in nodes for o in node.operands if part_of.get(o, part_of[node]) != part_of[node]]
        self._slots = {node: k for k, node in enumerate(dict.fromkeys(crossing))}
        self.scratch = _BLOCK * len(self._slots)
        self.run = self._intrinsic()

    def _intrinsic(self) -> Any:
        @intrinsic
        def run(_typing: Any, n: Any, arrays: Any, scratch: Any, parameters: Any) -> Any:
            def code(
                context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]
            ) -> ir.Value:
                count, arrays, scratch, parameters = args
                zero = ir.Constant(_WORD, 0)
                if len(self._parts) == 1:
                    return self._loop(context, builder, 0, (count, zero, arrays, scratch, parameters))
                raised = cgutils.alloca_once_value(builder, zero)
                functions = [self._function(context, builder, k) for k in range(len(self._parts))]
                block = ir.Constant(_WORD, _BLOCK)
                with cgutils.for_range_slice(builder, zero, count, block, _WORD) as (start, _):
                    left = builder.sub(count, start)
                    some = builder.select(builder.icmp_signed("<", left, block), left, block)
                    for function in functions:
                        arguments = (some, start, arrays, scratch, parameters)
                        convention = context.call_conv
                        status, more = convention.call_function(builder, function, types.intp, _PART, arguments)
                        with cgutils.if_unlikely(builder, status.is_error):
                            convention.return_status_propagate(builder, status)
                        builder.store(builder.add(builder.load(raised), more), raised)
                return builder.load(raised)

            return types.intp(types.intp, WORDS, types.intp, types.intp), code

        return run

    def _function(self, context: CPUContext, builder: ir.IRBuilder, part: int) -> ir.Function:
        """Make a function of a part: LLVM's work on a function does not grow with the others."""
        convention = context.call_conv
        kind = convention.get_function_type(types.intp, _PART)
        function = ir.Function(builder.module, kind, f"{builder.function.name}.part{part}")
        function.linkage = "internal"
        function.attributes.add("noinline")
        computed = ir.IRBuilder(function.append_basic_block("entry"))
        raised = self._loop(context, computed, part, convention.decode_arguments(computed, _PART, function))
        convention.return_value(computed, raised)
        return function

    def _loop(self, context: CPUContext, builder: ir.IRBuilder, part: int, args: Sequence[ir.Value]) -> ir.Value:
        """Emit the loop of a part over `count` points from `start` on."""
        count, start, arrays, scratch, parameters = args
        nodes, outputs = self._parts[part], self._stored[part]
        computed = set(nodes)
        used = [o for node in nodes for o in node.operands] + [node for _, node in outputs]
        inputs = sorted({o.value for o in used if o.name == "input"})
        received = list(dict.fromkeys(o for o in used if o in self._slots and o not in computed))
        stored = [node for node in nodes if node in self._slots]

        def array_at(array: int) -> ir.Value:
            word = builder.load(builder.gep(arrays, [ir.Constant(_WORD, array)]))
            return builder.gep(builder.inttoptr(word, _DOUBLE.as_pointer()), [start])

        def scratch_at(node: Node) -> ir.Value:
            base = builder.inttoptr(scratch, _DOUBLE.as_pointer())
            return builder.gep(base, [ir.Constant(_WORD, _BLOCK * self._slots[node])])

        sources = {array: array_at(array) for array in inputs if array < self._nin}
        sources.update({node: scratch_at(node) for node in received})
        targets = [(array_at(self._nin + k), node, k) for k, node in outputs]
        targets += [(scratch_at(node), node, len(self._outputs) + self._slots[node]) for node in stored]
        bits = (len(self._outputs) + len(self._slots)).bit_length() + 1
        raised = cgutils.alloca_once_value(builder, ir.Constant(_WORD, 0))
        numbers = builder.inttoptr(parameters, _DOUBLE.as_pointer())
        same: dict[int | Node, int] = {array: array - self._nin for array in inputs if array >= self._nin}
        same.update({node: self._parameters[node] for node in used if node in self._parameters})
        fixed = {key: builder.load(builder.gep(numbers, [ir.Constant(_WORD, k)])) for key, k in same.items()}
        with cgutils.for_range(builder, count) as loop:
            values: NodeValues = dict(fixed)
            for key, source in sources.items():
                value = builder.load(builder.gep(source, [loop.index]))
                _mark_disjoint(builder.module, value, 0, 1)
                condition = isinstance(key, Node) and key.is_condition
                values[key] = builder.fcmp_unordered("!=", value, ir.Constant(_DOUBLE, 0.0)) if condition else value
            for node in nodes:
                values[node] = _emit(context, builder, node, values, raised)
            for target, node, number in targets:
                value = _value(node, values)
                value = builder.uitofp(value, _DOUBLE) if value.type == _BIT else value
                array = builder.store(value, builder.gep(target, [loop.index]))
                _mark_disjoint(builder.module, array, 2 * number + 1, bits)
        return builder.load(raised)


def _cut(nodes: Sequence[Node], outputs: Sequence[Node], nin: int) -> list[list[Node]]:
    """Cut a program into parts that touch few inputs and outputs each; inputs from `nin` on do not count."""
    stored = Counter(outputs)

    def inputs(some: Sequence[Node]) -> set[Node]:
        return {o for o in some if o.name == "input" and o.value < nin}

    touched: set[Node] = set()
    for node in (*nodes, *outputs):
        touched |= inputs((node, *node.operands))
    if len(touched) + len(outputs) <= 2 * _ARRAYS:
        return [list(nodes)]
    parts: list[list[Node]] = [[]]
    touched, count = set(), 0
    for node in nodes:
        touched |= inputs(node.operands)
        count += stored[node]
        if len(touched) + count > _ARRAYS and parts[-1]:
            parts.append([])
            touched, count = inputs(node.operands), stored[node]
        parts[-1].append(node)
    return parts


def _value(node: Node, values: NodeValues) -> ir.Value:
    if node.name == "constant" and node not in values:
        return ir.Constant(_BIT, int(node.value)) if node.is_condition else ir.Constant(_DOUBLE, node.value)
    return values[node.value if node.name == "input" else node]


def _emit(context: CPUContext, builder: ir.IRBuilder, node: Node, values: NodeValues, raised: ir.Value) -> ir.Value:
    """Emit what computes a node."""
    operands = [_value(o, values) for o in node.operands]
    if node.gate.instruction:
        instruction, *sign = node.gate.instruction.split()
        return getattr(builder, instruction)(*sign, *operands)
    kind = context.typing_context.resolve_value_type(node.gate.function)
    signature = kind.get_call_type(context.typing_context, (types.float64,) * len(operands), {})
    implementation = context.get_function(kind, signature)
    context.add_linking_libs(getattr(implementation, "libs", ()))
    result = implementation(builder, operands)
    if not node.gate.key:
        return context.cast(builder, result, signature.return_type, types.float64)
    value, flag = cgutils.unpack_tuple(builder, result, 2)  # a caller's formula, which may raise
    kinds = signature.return_type.types
    flag = context.cast(builder, flag, kinds[1], types.intp)
    builder.store(builder.add(builder.load(raised), flag), raised)
    return context.cast(builder, value, kinds[0], types.float64)


def _mark_disjoint(module: ir.Module, instruction: ir.Instruction, number: int, bits: int) -> None:
    """Tell LLVM that arrays do not overlap, so that it need not test every pair of them at run time.

    Every bit of an array's number is an alias domain of two scopes; an access in one scope is no alias of an access
    that excludes this scope. That takes a few words for each array, not one for each other array. All reads share a
    number, and may overlap.
    """
    scopes_in, scopes_out = [], []
    for k in range(bits):
        domain = module.add_metadata([ir.MetaDataString(module, f"fastgrad {k}")])
        scopes = [module.add_metadata([ir.MetaDataString(module, f"fastgrad {k} {b}"), domain]) for b in (0, 1)]
        bit = number >> k & 1
        scopes_in.append(scopes[bit])
        scopes_out.append(scopes[1 - bit])
    instruction.set_metadata("alias.scope", module.add_metadata(scopes_in))
    instruction.set_metadata("noalias", module.add_metadata(scopes_out))
