"""Graphs of nodes: one node for each value, with Python's operators."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .primitives import PRIMITIVES, Primitive, Term

_INPUT, _CONSTANT = PRIMITIVES["input"], PRIMITIVES["constant"]

#: Types of numbers that nodes may be combined with.
NUMBERS = (float, int, np.floating, np.integer, np.bool_)
Number = float | np.floating | np.integer | np.bool_

#: What nodes compute: a primitive, then its operands or a value.
NodeKey = tuple[object, ...]


def _operator(name: str, *, is_reflected: bool = False) -> Callable[[Node, object], Node]:
    """Make one of Python's binary operators, which applies the primitive of a name."""
    if is_reflected:
        return lambda self, other: self._with(name, other, self)
    return lambda self, other: self._with(name, self, other)


class Node:
    """A value of a program: a primitive, `gate`, of operands. `value` is a constant's value, or an input's position."""

    __slots__ = ("gate", "graph", "number", "operands", "value")

    def __init__(self, graph: Graph, gate: Primitive, operands: tuple[Node, ...], value: Any, number: int) -> None:
        self.graph, self.gate, self.operands, self.value, self.number = graph, gate, operands, value, number

    @property
    def name(self) -> str:
        """Name of the primitive."""
        return self.gate.name

    @property
    def is_condition(self) -> bool:
        """Whether the value is true or false."""
        return self.gate.is_condition or self.value.__class__ is bool

    def _with(self, name: str, *operands: Term) -> Node:
        if any(not isinstance(o, (Node, *NUMBERS)) for o in operands):
            return NotImplemented  # type: ignore[no-any-return]
        return self.graph.apply(name, *operands)

    __add__, __radd__ = _operator("add"), _operator("add", is_reflected=True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", is_reflected=True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", is_reflected=True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", is_reflected=True)
    __mod__, __rmod__ = _operator("remainder"), _operator("remainder", is_reflected=True)
    __pow__, __rpow__ = _operator("power"), _operator("power", is_reflected=True)
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")  # type: ignore[assignment]
    __and__ = __rand__ = _operator("logical_and")
    __or__ = __ror__ = _operator("logical_or")
    __xor__ = __rxor__ = _operator("logical_xor")

    def __floordiv__(self, other: object) -> Node:
        return self._with("floor", self / other)

    def __rfloordiv__(self, other: object) -> Node:
        return self._with("floor", other / self)

    def __neg__(self) -> Node:
        return self._with("negative", self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return self._with("absolute", self)

    def __invert__(self) -> Node:
        return self._with("logical_not", self)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<node {self.number}: {self.name}>"


class Graph:
    """Nodes by what they compute: equal operations on equal operands are one node.

    Constants are folded. With `simplify`, expressions are simplified where no bit of any result changes: ``x * 1``,
    ``x - 0``, ``-(-x)``, ``x + (-y)``; but not ``x * 0`` or ``x + 0``, which differ at infinities, NaN and -0.
    """

    def __init__(self, simplify: bool = True, node: type[Node] = Node) -> None:
        self._nodes: dict[NodeKey, Node] = {}
        self._simplify, self._node = simplify, node

    def _make(self, key: NodeKey, gate: Primitive, operands: tuple[Node, ...], value: float | None = None) -> Node:
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = self._node(self, gate, operands, value, len(self._nodes))
        return node

    @property
    def cost(self) -> int:
        """Cost of the nodes to the compiler, in operations of arithmetic."""
        return cost_of(self._nodes.values())

    def input(self, position: int) -> Node:
        """Return the argument at a position."""
        return self._make((_INPUT, position), _INPUT, (), position)

    def constant(self, value: Number) -> Node:
        """Return the node of a number, or of a truth value."""
        if isinstance(value, (bool, np.bool_)):
            return self._make((_CONSTANT, bool(value)), _CONSTANT, (), bool(value))
        number = float(value)
        return self._make((_CONSTANT, struct.pack("d", number)), _CONSTANT, (), number)

    def node(self, value: Node | Number) -> Node:
        """Return `value` if it is a node, else its constant."""
        return value if isinstance(value, Node) else self.constant(value)

    def number(self, node: Node) -> Node:
        """Return a node as a number: 1 for what is true, 0 for what is false."""
        return self.apply("where", node, 1.0, 0.0) if node.is_condition else node

    def apply(self, gate: Primitive | str, *operands: Node | Number) -> Node:
        """Apply a primitive, or the primitive of a name, to operands."""
        gate = PRIMITIVES[gate] if isinstance(gate, str) else gate
        nodes = tuple(map(self.node, operands))
        if gate.name in ("equal", "not_equal") and nodes[0].is_condition and nodes[1] is self.constant(0.0):
            return nodes[0] if gate.name == "not_equal" else self.apply("logical_not", nodes[0])
        if gate.name == "where":
            nodes = (self._truth(nodes[0]), self.number(nodes[1]), self.number(nodes[2]))
        elif gate.name.startswith("logical_"):
            nodes = tuple(map(self._truth, nodes))
        else:
            nodes = tuple(map(self.number, nodes))
        if gate.evaluate is not None and not gate.key and all(n.gate is _CONSTANT for n in nodes):
            with np.errstate(all="ignore"):
                return self.constant(np.asarray(gate.evaluate(*[n.value for n in nodes])).item())
        if self._simplify:
            simpler = self._simpler(gate.name, nodes)
            if simpler is not None:
                return simpler
        order = nodes
        if gate.commutes and nodes[0].number > nodes[1].number:
            order = nodes[::-1]
        return self._make((gate, *[id(n) for n in order]), gate, nodes)

    def _truth(self, node: Node) -> Node:
        """Return a node as a condition: true where it is not 0."""
        return node if node.is_condition else self.apply("not_equal", node, 0.0)

    def _simpler(self, name: str, nodes: tuple[Node, ...]) -> Node | None:
        """Return a simpler node of the same bits, if there is one."""
        x, y = nodes[0], nodes[-1]
        if name == "where":
            if x.gate is _CONSTANT:
                return nodes[1] if x.value else nodes[2]
            return nodes[1] if nodes[1] is nodes[2] else None
        if name in ("negative", "logical_not") and x.name == name:
            return x.operands[0]
        if name in ("logical_and", "logical_or"):
            for one, other in ((x, y), (y, x)):
                if one.gate is _CONSTANT:
                    return other if one.value == (name == "logical_and") else one
                if one.name == "logical_not" and one.operands[0] is other:
                    return self.constant(name == "logical_or")
            return x if x is y else None
        if name == "absolute":
            return self.apply("absolute", x.operands[0]) if x.name == "negative" else None
        if name == "multiply":
            for one, other in ((x, y), (y, x)):
                if one.gate is _CONSTANT and one.value in (1.0, -1.0):
                    return other if one.value == 1.0 else self.apply("negative", other)
                if one.name == "negative":
                    return self.apply("negative", self.apply("multiply", one.operands[0], other))
                inner = other.operands[0] if other.name == "multiply" else None
                if one.gate is _CONSTANT and abs(one.value) >= 1.0 and inner is not None and inner.gate is _CONSTANT:
                    if inner.value in (2.0, 4.0, 8.0) and abs(one.value) < 1e300:  # both ways round once, to the same
                        return self.apply("multiply", one.value * inner.value, other.operands[1])
            return None
        if name == "divide" and y.gate is _CONSTANT and y.value:
            mantissa, exponent = math.frexp(y.value)
            if abs(mantissa) == 0.5 and abs(exponent) < 1000:  # the reciprocal is exact
                return self.apply("multiply", x, 1.0 / y.value)
        if name == "divide" and x.name == "negative":
            return self.apply("negative", self.apply("divide", x.operands[0], y))
        if name == "add":
            for one, other in ((x, y), (y, x)):
                if one.name == "negative":
                    return self.apply("subtract", other, one.operands[0])
                if one.gate is _CONSTANT and one.value == 0.0 and math.copysign(1.0, one.value) < 0.0:
                    return other
        if name == "subtract":
            if y.name == "negative":
                return self.apply("add", x, y.operands[0])
            if y.gate is _CONSTANT and y.value == 0.0 and math.copysign(1.0, y.value) > 0.0:
                return x
        return None


def cost_of(nodes: Iterable[Node]) -> int:
    """Cost of nodes to the compiler, in operations of arithmetic."""
    return sum(node.gate.cost for node in nodes)


def graph_of(operands: Iterable[object]) -> Graph:
    """Return the graph that the first node among `operands` belongs to."""
    return next(o for o in operands if isinstance(o, Node)).graph


def in_order(outputs: Iterable[Node]) -> list[Node]:
    """All nodes that `outputs` depend on, each after its operands; found without recursion."""
    done: dict[int, Node] = {}
    stack = [(node, False) for node in reversed(list(outputs))]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done[id(node)] = node
            continue
        stack.append((node, True))
        stack += [(operand, False) for operand in reversed(node.operands) if id(operand) not in done]
    return list(done.values())


def active_nodes(order: Iterable[Node], nin: int) -> set[Node]:
    """Nodes that depend on one of the first `nin` inputs; `order` has every node after its operands."""
    active: set[Node] = set()
    for node in order:
        if (node.name == "input" and node.value < nin) or not active.isdisjoint(node.operands):
            active.add(node)
    return active


def copy_nodes(order: Iterable[Node], graph: Graph, inputs: Sequence[Node] | None = None) -> dict[Node, Node]:
    """Copy nodes, each after its operands, into `graph`; `inputs` replace those of the copies."""
    copies: dict[Node, Node] = {}
    for node in order:
        if node.name == "input":
            copies[node] = graph.input(node.value) if inputs is None else inputs[node.value]
        elif node.name == "constant":
            copies[node] = graph.constant(node.value)
        else:
            copies[node] = graph.apply(node.gate, *[copies[o] for o in node.operands])
    return copies


def graft(nodes: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    """Copy nodes, and all that they depend on, into the graph of `inputs`, which replace the inputs of the copies."""
    copies = copy_nodes(in_order(nodes), inputs[0].graph, inputs)
    return [copies[node] for node in nodes]
