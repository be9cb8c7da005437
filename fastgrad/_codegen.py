"""Circuits become machine code: straight-line text over the points, one statement for a node."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ._compile import Native, function_from, native
from ._graph import Graph, Node, in_order
from ._ufunc import BODY, RAISED, add_to, pointer

_DOUBLES = types.CPointer(types.float64)


@intrinsic
def select(_typing: Any, condition: Any, yes: Any, no: Any) -> Any:
    """Choose without a branch: both values are there already."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        bit = args[0] if args[0].type == ir.IntType(1) else builder.trunc(args[0], ir.IntType(1))
        return builder.select(bit, args[1], args[2])

    return types.float64(types.boolean, types.float64, types.float64), code


def _apart(module: Any, instruction: Any, bits: Sequence[bool]) -> None:
    """Say that places in memory do not overlap where one of their `bits` differs.

    In LLVM's terms every bit is a domain of two scopes: who is in one of them is no alias of the other. It takes a few
    words for each place, where naming all others would take as many as there are places.
    """
    mine, others = [], []
    for k, bit in enumerate(bits):
        domain = module.add_metadata([ir.MetaDataString(module, f"fastgrad {k}")])
        scopes = [module.add_metadata([ir.MetaDataString(module, f"fastgrad {k} {b}"), domain]) for b in (0, 1)]
        mine.append(scopes[bit])
        others.append(scopes[not bit])
    instruction.set_metadata("alias.scope", module.add_metadata(mine))
    instruction.set_metadata("noalias", module.add_metadata(others))


@intrinsic
def load(_typing: Any, place: Any, i: Any) -> Any:
    """Read an argument, which no result overlaps."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        loaded = builder.load(builder.gep(args[0], [args[1]]))
        _apart(builder.module, loaded, [False])
        return loaded

    return types.float64(_DOUBLES, types.intp), code


@intrinsic(prefer_literal=True)
def store(_typing: Any, place: Any, i: Any, value: Any, which: Any, count: Any) -> Any:
    """Write result `which` of `count`; told that results do not overlap, LLVM need not test every pair of them."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        stored = builder.store(args[2], builder.gep(args[0], [args[1]]))
        number, bits = which.literal_value, count.literal_value.bit_length()
        _apart(builder.module, stored, [True, *(bool(number >> k & 1) for k in range(bits))])
        return _context.get_dummy_value()

    return types.void(_DOUBLES, types.intp, types.float64, which, count), code


class Program:
    """Nodes written out as Python text, for the compiler and for NumPy.

    Parameters
    ----------
    outputs : sequence of Node
        What is to be computed; gates that have an `expand` are taken apart.
    nin : int
        Number of inputs.
    """

    def __init__(self, outputs: Sequence[Node], nin: int) -> None:
        self.nin, self.nout = nin, len(outputs)
        self.names: dict[str, Any] = {"select": select, "inf": np.inf, "nan": np.nan}
        self._foreign = hashlib.sha256()
        self._plain: dict[str, Any] = {"select": np.where}
        self._lines: list[str] = []
        self._used: set[int] = set()
        lowered = _lowered(outputs)
        self._words: dict[Node, str] = {}
        for node in in_order(lowered):
            self._words[node] = self._word(node)
        self.results = [self._words[node] for node in lowered]
        self.size = len(self._lines)

    def _word(self, node: Node) -> str:
        """Write the statement of a node and return its name."""
        if node.name == "input":
            self._used.add(node.value)
            return f"x{node.value}"
        if node.name == "constant":
            return repr(node.value) if node.value is True or node.value is False else f"({node.value!r})"
        gate = node.gate
        assert gate.text is not None
        self.names.update(gate.names)
        self._plain.update(dict.fromkeys(gate.names, gate.evaluate))
        word = f"t{len(self._lines)}"
        text = gate.text.format(*[self._words[o] for o in node.operands])
        if gate.key:  # a formula of the user's, which may raise
            self._foreign.update(gate.key)
            text = f"{text}; raised += f{word}"
        self._lines.append(f"{word}, f{word} = {text}" if gate.key else f"{word} = {text}")
        return word

    def body(self) -> Native:
        """Compile a body for ufuncs: a loop over points, with as many arguments and results as there are.

        Results must not overlap arguments or each other. No test for NaN; where a formula of the user's raises, its
        value is NaN, and the point is counted.
        """
        lines = [f"x{i} = load(a{i}, i)" for i in sorted(self._used)] + self._lines
        lines += [f"store(r{k}, i, {word}, {k}, {self.nout})" for k, word in enumerate(self.results)]
        indent = "\n        "
        source = f"""
def body(n, places, data):
    raised = 0
    {"; ".join(f"a{i} = pointer(places[{i}], 'd')" for i in sorted(self._used)) or "pass"}
    {"; ".join(f"r{k} = pointer(places[{self.nin + k}], 'd')" for k in range(self.nout))}
    for i in range(n):
        {indent.join(lines or ["pass"])}
    if raised != 0:
        add_to(data, {RAISED}, raised)
    return 0
"""
        names = {**self.names, "pointer": pointer, "add_to": add_to, "load": load, "store": store}

        def build() -> tuple[Any, Any, str]:
            return function_from(source, "body", names), BODY, "d"

        return native(b"circuit " + self._foreign.digest() + source.encode(), build)

    def at(self, point: Sequence[float]) -> list[Any]:
        """Values of the results at one point, computed by NumPy."""
        text = f"def values({', '.join(f'x{i}' for i in range(self.nin))}):\n    raised = 0\n    "
        text += "\n    ".join(self._lines)
        text += f"\n    return [{', '.join(self.results)}]\n"
        values = function_from(text, "values", {**self.names, **self._plain})
        with np.errstate(all="ignore"):
            return list(values(*map(np.float64, point)))


class Layout:
    """Where the results of a vector's circuit are: computed ones once each, arguments and constants as they are."""

    def __init__(self, outputs: Sequence[Node], nin: int) -> None:
        lowered = _lowered(outputs)
        fixed = list(dict.fromkeys(n for n in lowered if n.name == "constant"))
        self.computed = list(dict.fromkeys(n for n in lowered if n.name not in ("constant", "input")))
        self.constants = [node.value for node in fixed]
        place = {node: nin + k for k, node in enumerate(self.computed + fixed)}
        self.rows = [node.value if node.name == "input" else place[node] for node in lowered]


def _lowered(outputs: Sequence[Node]) -> list[Node]:
    """Take gates apart into those that have a text."""
    graph = Graph(node=type(outputs[0]) if outputs else Node)
    here: dict[Node, Node] = {}

    def apply(node: Node, operands: list[Node]) -> Node:
        if node.gate.expand is None:
            return graph.apply(node.gate, *operands)
        return lower(graph.node(node.gate.expand(*operands)))

    def lower(root: Node) -> Node:
        for node in in_order([root]):
            if node in here:
                continue
            if node.name == "input":
                here[node] = graph.input(node.value)
            elif node.name == "constant":
                here[node] = graph.constant(node.value)
            else:
                made = apply(node, [here[o] for o in node.operands])
                here[node] = here[made] = made
        return here[root]

    return [graph.number(lower(output)) for output in outputs]
