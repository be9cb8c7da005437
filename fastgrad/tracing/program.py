"""Programs: nodes in order as machine code, a straight-line loop over the points; and as text for NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compilation.kernels import Native, native
from ..compilation.memory import BODY, add_to
from ..compilation.pipeline import function_from
from ..compilation.ufuncs import OWN, RAISED
from .graph import Graph, Node, in_order
from .llvm_loops import Loops
from .primitives import Term

#: Size up to which multiples of a quarter are parts of the machine code.
_SMALL = 8


def _source(scratch: int) -> str:
    """Text of a body that reserves so many numbers of scratch memory.

    Numba frees an array after its last use by name, even if its address is in use: hence the line behind the loop.
    """
    reserve, address, keep = f"scratch = np.empty({scratch})", "scratch.ctypes.data", "scratch[0] = 0.0"
    return f"""
def body(n, arrays, data):
    {reserve if scratch else "pass"}
    raised = loop(n, arrays, {address if scratch else 0}, data[{OWN}])
    {keep if scratch else "pass"}
    if raised != 0:
        add_to(data, {RAISED}, raised)
    return 0
"""


class Program:
    """Nodes in order, for the compiler, and as text for the key of the machine code.

    The first `nin` inputs have a number for each point; the `captured` ones behind them are parameters. With `fixed`,
    constants are parts of the machine code; else those that are likely to be data are parameters, too.
    """

    def __init__(self, outputs: Sequence[Node], nin: int, fixed: bool = False, captured: int = 0) -> None:
        self.nin, self._fixed, self._captured = nin, fixed, captured
        self._lines: list[str] = []
        self._outputs = expand_nodes(outputs)
        self._nodes = [node for node in in_order(self._outputs) if node.name not in ("input", "constant")]
        self._words: dict[Node, str] = {}
        self._parameters: list[Node] = []
        for node in in_order(self._outputs):
            self._words[node] = self._word(node)

    def _word(self, node: Node) -> str:
        """Write the statement of a node and return its name."""
        if node.name == "input":
            return f"x{node.value}"
        if node.name == "constant":
            if not self._fixed and _varies(node):
                self._parameters.append(node)
                return f"c{len(self._parameters)}"
            return repr(node.value)
        word = f"t{len(self._lines)}"
        operands = " ".join(self._words[o] for o in node.operands)
        self._lines.append(f"{word} {node.name} {node.gate.key.hex()} {operands}")
        return word

    @property
    def parameters(self) -> list[float]:
        """Constants that are parameters of the machine code: programs that differ in nothing else share it."""
        return [float(node.value) for node in self._parameters]

    @property
    def key(self) -> bytes:
        """Key of the machine code: equal for programs that differ in parameters only."""
        kind = f"{self.nin} {self._captured}{' fixed' * self._fixed}"
        return "\n".join([kind, *self._lines, *(self._words[node] for node in self._outputs)]).encode()

    def body(self) -> Native:
        """Compile a body for ufuncs: a loop over points.

        The first of the ufunc's own words is the address of the parameters. Results must not overlap arguments or each
        other. Where a caller's formula raises, the value is NaN, and the point is counted.
        """
        parameters = {node: self._captured + k for k, node in enumerate(self._parameters)}
        loops = Loops(self._nodes, self._outputs, self.nin, parameters)

        def build() -> tuple[Any, Any, str]:
            return function_from(_source(loops.scratch), "body", {"add_to": add_to, "loop": loops.run}), BODY, "d"

        return native(b"circuit " + self.key, build)

    def at(self, point: Sequence[float]) -> list[Term]:
        """Values of the results at one point, computed by NumPy."""
        return evaluate(self._outputs, list(map(np.float64, point)))


def evaluate(outputs: Sequence[Node], inputs: Sequence[Term]) -> list[Term]:
    """Values of expanded nodes at numbers or arrays, computed by NumPy."""
    values: dict[Node, Term] = {}
    with np.errstate(all="ignore"):
        for node in in_order(outputs):
            if node.gate.evaluate is None:
                values[node] = inputs[node.value] if node.name == "input" else node.value
            else:
                values[node] = node.gate.evaluate(*[values[o] for o in node.operands])
    return [values[node] for node in outputs]


def _varies(node: Node) -> bool:
    """Tell whether a constant is likely to be data: no boolean, no power of two, no small multiple of a quarter.

    LLVM replaces a division by a power of two; formulas contain small multiples of a quarter.
    """
    value = node.value
    if node.is_condition or not math.isfinite(value) or abs(math.frexp(value)[0]) == 0.5:
        return False
    return bool(abs(value) > _SMALL or 4 * value != round(4 * value))


def expand_nodes(outputs: Sequence[Node], node: type[Node] | None = None) -> list[Node]:
    """Expand primitives into those that have no `expand`; nodes are of type `node`, by default that of `outputs`."""
    graph = Graph(node=node or (type(outputs[0]) if outputs else Node))
    copies: dict[Node, Node] = {}

    def apply(node: Node, operands: list[Node]) -> Node:
        if node.gate.expand is None:
            return graph.apply(node.gate, *operands)
        return lower(graph.node(node.gate.expand(*operands)))

    def lower(root: Node) -> Node:
        for node in in_order([root]):
            if node in copies:
                continue
            if node.name == "input":
                copies[node] = graph.input(node.value)
            elif node.name == "constant":
                copies[node] = graph.constant(node.value)
            else:
                lowest = apply(node, [copies[o] for o in node.operands])
                copies[node] = copies[lowest] = lowest
        return copies[root]

    return [graph.number(lower(output)) for output in outputs]
