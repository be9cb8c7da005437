"""The chain rule: partial derivatives of a circuit as nodes, accumulated backwards or forwards.

An adjoint (or tangent) is a value and a *guard*: the condition under which it counts. A primitive that takes one of
two branches adds its condition to the guard; the value is replaced by 0 where the guard is false only when it is added
to others. So the slope of a branch not taken, which may be infinite or NaN, has no effect: ``where(x > 0, log(x), 0)``
has slope 0 at -1, where multiplying by 0 would give NaN.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import NamedTuple

from ..tracing import Graph, Node, active_nodes, copy_nodes, in_order, select
from .derivatives import Partial, Term, derivative_of
from .overflow import saturating, shortcut

#: The operands that the slope of each node is passed to, each with the partial.
Edges = dict[Node, list[tuple[Node, Partial]]]
#: Whether something counts.
NodeCondition = Node | bool


class _Slope(NamedTuple):
    """An adjoint or a tangent; without a guard it always counts."""

    value: Term
    guard: NodeCondition | None = None

    def counted(self) -> Term:
        """Return the value where it counts, 0 elsewhere."""
        value: Term = self.value if self.guard is None else select(self.guard, self.value, 0.0)
        return value


def jacobian(outputs: Sequence[Node], nin: int) -> list[list[Node]]:
    """Partial derivatives of `outputs` in the `nin` inputs of their graph, as nodes of a new one.

    Reverse accumulation takes one sweep for an output, forward accumulation one for an input; the smaller number
    decides (Griewank and Walther 2008). Inputs from `nin` on are captured numbers, in which nothing is differentiated.
    """
    order = in_order(outputs)
    graph = Graph(node=type(order[0]))
    active = active_nodes(order, nin)
    copies, partials = local_partials(order, graph, active)
    edges, saturated = _edges(order, copies, partials, active), saturating(order, partials, active)
    rows: list[list[_Slope | None]]
    if len(outputs) <= nin:
        rows = [_reverse(order, edges, saturated, output, nin) for output in outputs]
    else:
        columns = [_forward(order, edges, saturated, position) for position in range(nin)]
        rows = [[column.get(output) for column in columns] for output in outputs]
    return [[graph.constant(0.0) if s is None else graph.node(s.counted()) for s in row] for row in rows]


def local_partials(
    order: Sequence[Node], graph: Graph, active: Container[Node] | None = None
) -> tuple[dict[Node, Node], dict[Node, tuple[Partial, ...]]]:
    """Copy nodes into `graph`; return the copies, and the partials of each `active` node in its operands."""
    copies = copy_nodes(order, graph)
    partials: dict[Node, tuple[Partial, ...]] = {}
    for node in order:
        if node.operands:
            rule = derivative_of(node.gate).partials if active is None or node in active else None
            operands = [copies[o] for o in node.operands]
            partials[node] = tuple(rule(copies[node], *operands)) if rule else (None,) * len(operands)
    return copies, partials


def _edges(
    order: Sequence[Node], copies: dict[Node, Node], partials: dict[Node, tuple[Partial, ...]], active: set[Node]
) -> Edges:
    """Return the edges of all nodes."""
    edges: Edges = {}
    for node in order:
        edges[node] = [(o, p) for o, p in zip(node.operands, partials.get(node, ()), strict=False) if o in active]
        if node in active and (bypass := shortcut(node, copies, active)) is not None:
            avoided, behind, slope = bypass
            last, steps = _path(node, avoided, behind, edges)
            if last.name == "sinh":  # its logarithm has a pole where it is 0
                slope = select(abs(copies[behind]) < 1.0, math.prod(steps), slope)
            edges[node] = [(o, p) for o, p in edges[node] if o is not avoided] + [(behind, slope)]
    return edges


def _path(node: Node, operand: Node, end: Node, edges: Edges) -> tuple[Node, list[Term]]:
    """Follow the only path from `node` through an operand to `end`: the node before `end`, and the partials."""
    steps: list[Term] = []
    while True:
        steps += [p for o, p in edges[node] if o is operand and p is not None]
        if operand is end:
            return node, steps
        node, operand = operand, edges[operand][0][0]


def _reverse(
    order: Sequence[Node], edges: Edges, saturated: dict[Node, Node | None], output: Node, nin: int
) -> list[_Slope | None]:
    """Slopes of one output in all inputs."""
    adjoints: dict[Node, list[_Slope]] = {output: [_Slope(1.0)]}
    row: list[_Slope | None] = [None] * nin
    for node in reversed(order):
        if node not in adjoints:
            continue
        slope = _sum(adjoints.pop(node))
        if node.name == "input" and node.value < nin:
            row[node.value] = slope
        for operand, partial in edges[node]:
            if (contribution := _times(slope, partial)) is not None:
                if node in saturated:
                    # an adjoint of 0 is no slope that has underflowed, and one that is infinite or NaN stays so
                    passes = (contribution.value != 0.0) | (partial != 0.0)
                    counts = _or_not(passes, saturated[node])
                    guard = counts if contribution.guard is None else contribution.guard & counts
                    contribution = contribution._replace(guard=guard)
                adjoints.setdefault(operand, []).append(contribution)
    return row


def _forward(
    order: Sequence[Node], edges: Edges, saturated: dict[Node, Node | None], position: int
) -> dict[Node, _Slope]:
    """Slopes of all nodes in one input."""
    slopes: dict[Node, _Slope] = {}
    for node in order:
        if node.name == "input":
            if node.value == position:
                slopes[node] = _Slope(1.0)
            continue
        terms = []
        for operand, partial in edges[node]:
            if operand in slopes and (term := _times(slopes[operand], partial)) is not None:
                if node in saturated:
                    counts = _or_not(partial != 0.0, saturated[node])
                    term = term._replace(value=select(counts, term.value, 0.0))
                terms.append(term)
        if terms:
            slopes[node] = _sum(terms)
    return slopes


def _or_not(condition: NodeCondition, finite: Node | None) -> NodeCondition:
    return condition if finite is None else condition | ~finite


def _sum(slopes: list[_Slope]) -> _Slope:
    """Add slopes: under a common guard as they are, else each cut to where it counts."""
    total = slopes[0]
    for slope in slopes[1:]:
        if total.guard is slope.guard:
            total = _Slope(total.value + slope.value, total.guard)
        elif _is_not(total.guard, slope.guard) or _is_not(slope.guard, total.guard):  # the two branches of one choice
            total = _Slope(select(total.guard, total.value, slope.value))
        else:
            both = None if total.guard is None or slope.guard is None else total.guard | slope.guard
            total = _Slope(total.counted() + slope.counted(), both)
    return total


def _is_not(guard: NodeCondition | None, other: NodeCondition | None) -> bool:
    return isinstance(guard, Node) and guard.name == "logical_not" and guard.operands[0] is other


def _times(slope: _Slope, partial: Partial) -> _Slope | None:
    """Multiply by a local partial; the 0 of a branch not taken becomes a guard."""
    if partial is None or _is(partial, 0.0):
        return None
    if isinstance(partial, Node) and partial.name == "where":
        condition, yes, no = partial.operands
        if _is(yes, 0.0) or _is(no, 0.0):
            condition, branch = (condition, yes) if _is(no, 0.0) else (~condition, no)
            guard = condition if slope.guard is None else slope.guard & condition
            return _Slope(_product(slope.value, branch), guard)
    return _Slope(_product(slope.value, partial), slope.guard)


def _product(value: Term, partial: Term) -> Term:
    """Multiply, but choose where the partial is a choice between signs."""
    if isinstance(partial, Node) and partial.name == "where":
        condition, yes, no = partial.operands
        if any(_is(leaf, 1.0) or _is(leaf, -1.0) or _is_nan(leaf) for leaf in (yes, no)):
            choice: Term = select(condition, _product(value, yes), _product(value, no))
            return choice
    if _is(partial, 1.0):
        return value
    if _is(partial, -1.0):
        return -value
    return math.nan if _is_nan(partial) else value * partial


def _value(node: Term) -> float | None:
    """Value of a constant, else None."""
    return node if isinstance(node, float) else node.value if node.name == "constant" else None


def _is(node: Term, number: float) -> bool:
    return bool(_value(node) == number)


def _is_nan(node: Term) -> bool:
    number = _value(node)
    return number is not None and math.isnan(number)
