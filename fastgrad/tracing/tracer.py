"""A function run once on nodes: its operations on them are the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph import NUMBERS, Graph, Node
from .nodes import Traced, as_nodes, plain
from .primitives import Primitive
from .refusals import refusal, running
from .substitution import Substitution

#: Nodes of one program. A thousand compile in one to ten seconds.
LIMIT = 10_000


class Record(Graph):
    """The graph of a caller's function, one node for each operation, not simplified."""

    def __init__(
        self, through_gate: Callable[..., Any] | None = None, node: type[Node] = Traced, limit: int = LIMIT
    ) -> None:
        super().__init__(simplify=False, node=node)
        self.through_gate, self._limit = through_gate, limit

    def _make(self, key: Any, gate: Primitive, operands: tuple[Node, ...], value: Any = None) -> Node:
        if len(self._nodes) >= self._limit and gate.name != "input":
            raise refusal(f"more than {self._limit} nodes", "Shorten its loops: a circuit unrolls them")
        return super()._make(key, gate, operands, value)


def trace(
    f: Callable[..., Any],
    sizes: Sequence[int | None],
    kept: Callable[[Any], bool] | None = None,
    through_gate: Callable[..., Any] | None = None,
) -> tuple[list[Node], Any]:
    """Run `f` once on nodes; return the nodes of its results and their arrangement.

    `sizes` has for each argument the length of a vector, or None for a number. The arrangement is None for one number,
    ``"tuple"`` for a tuple or list of numbers, else the shape of an array. Values that `kept` accepts are gates:
    `through_gate` applies them to nodes.
    """
    graph = Record(through_gate)
    arguments = inputs_of(graph, sizes)
    outer, running.codes = getattr(running, "codes", None), set()
    try:
        result = Substitution(kept)(f)(*arguments)
    except ValueError as err:  # NumPy's way to say that a node is not a number; the cause names the line
        raise err.__cause__ if isinstance(err.__cause__, TypeError) else err  # noqa: B904
    finally:
        running.codes = outer
    return results_of(graph, result)


def inputs_of(graph: Graph, sizes: Sequence[int | None]) -> list[Any]:
    """Make the inputs of a graph: a node for each number, an array of nodes for each vector."""
    arguments: list[Any] = []
    count = 0
    for size in sizes:
        width = 1 if size is None else size
        inputs = [graph.input(count + i) for i in range(width)]
        arguments.append(inputs[0] if size is None else as_nodes(inputs))
        count += width
    return arguments


def results_of(graph: Graph, result: Any) -> tuple[list[Node], Any]:
    """Return the nodes of a traced function's results, and their arrangement."""
    arrangement: Any = None
    if isinstance(result, (tuple, list)):
        result, arrangement = as_nodes(result), "tuple"
        arrangement = "tuple" if result.ndim == 1 else result.shape
    elif isinstance(result, np.ndarray) and result.ndim:
        arrangement = result.shape
    values = np.asarray(plain(result), dtype=object).ravel().tolist()
    for value in values:
        if not isinstance(value, (Node, *NUMBERS)):
            kind = type(value).__name__
            raise TypeError(f"`f` must return numbers; got {kind}. Return a number, a tuple or an array.")
    return [graph.node(value) for value in values], arrangement
