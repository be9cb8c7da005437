"""Stencils unrolled into the program of a function: what does not depend on what moves is computed once.

Of inputs there are coordinates, then as many steps, powers of two all, then captured numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..rules.stencils import Stencil
from ..tracing import Graph, Node, ValueProgram, graft, in_order

#: What such a program may cost to compile, in operations of arithmetic: about a second.
_MOST = 1500

#: Nodes that may be copied on the way: about a third of a second.
_COPIES = 100_000


class _Long(Exception):
    """The program would take too long to compile."""


class _Values:
    """Values of a program with coordinates moved by multiples of their steps."""

    def __init__(self, program: ValueProgram) -> None:
        self._program, self._d, self.graph = program, program.d, Graph()
        self._x = [self.graph.input(k) for k in range(self._d)]
        self._h = [self.graph.input(self._d + k) for k in range(self._d)]
        self._captured = [self.graph.input(2 * self._d + k) for k in range(program.captured.count)]

    def __call__(self, moves: dict[int, float]) -> list[Node]:
        x: list[Any] = list(self._x)
        for k, offset in moves.items():
            x[k] = self._x[k] + offset * self._h[k]
        outputs = graft(self._program.outputs, [*x, *self._captured])
        if self.graph.cost > _MOST:
            raise _Long
        return outputs

    def combined(self, rule: Stencil, values: dict[Any, Any], steps: Sequence[int]) -> Any:
        """Combine values at offsets into the derivative."""
        total: Any = None
        for weight, a, b in rule.differences:
            term = float(weight) * (values[a] - values[b])
            total = term if total is None else total + term
        for k in steps:
            total = total * (1.0 / self._h[k])
        return total


def unrolled(make: Callable[[ValueProgram, Stencil], list[Node]], program: ValueProgram, rule: Stencil
             ) -> list[Node] | None:  # fmt: skip
    """Entries of a jacobian or hessian as nodes, None where there would be too many."""
    copies = len(in_order(program.outputs)) * len(rule.needed) * program.d ** (1 if make is jacobian_of else 2)
    if copies > _COPIES:
        return None
    try:
        return make(program, rule)
    except _Long:
        return None


def jacobian_of(program: ValueProgram, rule: Stencil) -> list[Node]:
    """All entries by a stencil along each coordinate."""
    values, m = _Values(program), len(program.outputs)
    columns = []
    for k in range(program.d):
        at = {offset: values({k: float(offset)} if offset else {}) for offset in rule.needed}
        columns.append([
            values.combined(rule, {o: outputs[j] for o, outputs in at.items()}, [k] * rule.n) for j in range(m)
        ])  # fmt: skip
    return [columns[k][j] for j in range(m) for k in range(program.d)]


def hessian_of(program: ValueProgram, rule: Stencil) -> list[Node]:
    """All second derivatives of one result: the mixed ones from ``f(x + t (u + w)) - f(x + t (u - w))``."""
    values, d = _Values(program), program.d
    base, entries = values({})[0], {}
    for i in range(d):
        own = {o: values({i: float(o)})[0] if o else base for o in rule.needed}
        entries[i, i] = values.combined(rule, own, [i, i])
        for j in range(i):
            pair: dict[Any, Any] = {}
            for o in rule.needed:
                s = float(o)
                pair[o] = values({i: s, j: s})[0] - values({i: s, j: -s})[0] if o else base - base
            entries[i, j] = entries[j, i] = values.combined(rule, pair, [i, j]) * 0.25
    return [entries[i, j] for i in range(d) for j in range(d)]
