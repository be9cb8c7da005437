"""Circuits become machine code: a straight-line loop over the points."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compilation.kernels import Native, function_from, native
from ..compilation.memory import BODY, add_to
from ..compilation.ufuncs import OWN, RAISED
from ._graph import Graph, Node, in_order
from ._llvm import Loops

#: Size up to which multiples of a quarter are parts of the machine code.
_SMALL = 8

_BODY = f"""
def body(n, places, data):
    raised = loop(n, places, 0, data[{OWN}])
    if raised != 0:
        add_to(data, {RAISED}, raised)
    return 0
"""

# Numba frees an array after its last use by name, whoever still has its address: so there is one at the end.
_BODY_WITH_ROOM = f"""
def body(n, places, data):
    room = np.empty(size)
    raised = loop(n, places, room.ctypes.data, data[{OWN}])
    if raised != 0:
        add_to(data, {RAISED}, raised)
    room[0] = 0.0
    return 0
"""


class Program:
    """Nodes in order, for the compiler; and as Python text, for NumPy and as the name that machine code is kept by.

    Parameters
    ----------
    outputs : sequence of Node
        What is to be computed; gates that have an `expand` are taken apart.
    nin : int
        Number of inputs, one for each point.
    fixed : bool, default False
        Whether inputs from `nin` on, the same for all points, are the parameters; else these are constants.
    """

    def __init__(self, outputs: Sequence[Node], nin: int, fixed: bool = False) -> None:
        self.nin, self._fixed = nin, fixed
        self._foreign = hashlib.sha256()
        self._plain: dict[str, Any] = {"select": np.where, "inf": np.inf, "nan": np.nan}
        self._lines: list[str] = []
        self._outputs = lowered(outputs)
        self._nodes = [node for node in in_order(self._outputs) if node.name not in ("input", "constant")]
        self._words: dict[Node, str] = {}
        self._parameters: list[Node] = []
        for node in in_order(self._outputs):
            self._words[node] = self._word(node)
        self.results = [self._words[node] for node in self._outputs]

    def _word(self, node: Node) -> str:
        """Write the statement of a node and return its name."""
        if node.name == "input":
            return f"x{node.value}"
        if node.name == "constant":
            if not self._fixed and _varies(node):
                self._parameters.append(node)
                self._plain[f"c{len(self._parameters)}"] = node.value
                return f"c{len(self._parameters)}"
            return repr(node.value) if node.value is True or node.value is False else f"({node.value!r})"
        gate = node.gate
        assert gate.text is not None
        self._plain.update(dict.fromkeys(gate.names, gate.evaluate))
        word = f"t{len(self._lines)}"
        text = gate.text.format(*[self._words[o] for o in node.operands])
        if gate.key:  # a formula of the user's, which may raise
            self._foreign.update(gate.key)
        self._lines.append(f"{word}, _ = {text}" if gate.key else f"{word} = {text}")
        return word

    @property
    def parameters(self) -> list[float]:
        """Constants that the machine code is given: programs that differ in nothing else share it."""
        return [float(node.value) for node in self._parameters]

    @property
    def key(self) -> bytes:
        """What the program is: equal for programs that compute the same, but for their parameters."""
        text = "\n".join([_BODY, f"{self.nin}{' fixed' * self._fixed}", *self._lines, *self.results])
        return self._foreign.digest() + text.encode()

    def body(self) -> Native:
        """Compile a body for ufuncs: a loop over points, with as many arguments and results as there are.

        The first of the ufunc's own words is the address of the parameters. Results must not overlap arguments or each
        other. No test for NaN; where a formula of the user's raises, its value is NaN, and the point is counted.
        """
        loops = Loops(self._nodes, self._outputs, self.nin, self._parameters)
        names = {"add_to": add_to, "loop": loops.run, "size": loops.room}

        def build() -> tuple[Any, Any, str]:
            return function_from(_BODY_WITH_ROOM if loops.room else _BODY, "body", names), BODY, "d"

        return native(b"circuit " + self.key, build, unloads=True)

    def at(self, point: Sequence[float]) -> list[Any]:
        """Values of the results at one point, computed by NumPy."""
        text = f"def values({', '.join(f'x{i}' for i in range(self.nin))}):\n    "
        text += "\n    ".join(self._lines or ["pass"])
        text += f"\n    return [{', '.join(self.results)}]\n"
        values = function_from(text, "values", self._plain)
        with np.errstate(all="ignore"):
            return list(values(*map(np.float64, point)))


def _varies(node: Node) -> bool:
    """Whether a constant is likely to be data: not a truth, nor one of the numbers that formulas are made of.

    Those are powers of two, by which LLVM divides in its own way, and small multiples of a quarter.
    """
    value = node.value
    if node.condition or not math.isfinite(value) or abs(math.frexp(value)[0]) == 0.5:
        return False
    return bool(abs(value) > _SMALL or 4 * value != round(4 * value))


class Layout:
    """Where the results of a vector's circuit are: computed ones once each, arguments and constants as they are."""

    def __init__(self, outputs: Sequence[Node], nin: int) -> None:
        lines = lowered(outputs)
        fixed = list(dict.fromkeys(n for n in lines if n.name == "constant"))
        self.computed = list(dict.fromkeys(n for n in lines if n.name not in ("constant", "input")))
        self.constants = [node.value for node in fixed]
        place = {node: nin + k for k, node in enumerate(self.computed + fixed)}
        self.rows = [node.value if node.name == "input" else place[node] for node in lines]


def lowered(outputs: Sequence[Node], node: type[Node] | None = None) -> list[Node]:
    """Take gates apart into those that have a text, as nodes of the same type if no other is given."""
    graph = Graph(node=node or (type(outputs[0]) if outputs else Node))
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
