"""A function run once on nodes: its operations on them are the program, of which captured numbers may be inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

import numpy as np

from .._typing import FloatArray, Function, Shape
from ..compilation.linking import Part
from ..compilation.references import Reading
from .captured import Captured
from .graph import NUMBERS, Graph, Node, NodeKey, active_nodes, cost_of, in_order
from .nodes import Nodes, Traced, as_nodes, plain
from .primitives import Formula, Primitive, Term
from .program import Program, evaluate, expand_nodes
from .refusals import refusal, running
from .substitution import Substitution

#: Nodes of one program. A thousand compile in one to ten seconds.
LIMIT = 10_000

#: Largest cost of a program of values, and most nodes before expansion: beyond, Numba compiles the function faster.
VALUES_LIMIT = 2000

#: ``through_gate(gate, args)``: a gate applied to nodes and numbers.
ThroughGate = Callable[..., Term]

#: Of the results: None for one number, ``"tuple"`` for a tuple or list of numbers, else the shape of an array.
Arrangement = Shape | Literal["tuple"] | None


class TracedGraph(Graph):
    """The graph of a caller's function, one node for each operation, not simplified."""

    def __init__(self, through_gate: ThroughGate | None = None, limit: int = LIMIT) -> None:
        super().__init__(simplify=False, node=Traced)
        self.through_gate, self._limit = through_gate, limit

    def _make(self, key: NodeKey, gate: Primitive, operands: tuple[Node, ...], value: float | None = None) -> Node:
        if len(self._nodes) >= self._limit and gate.name != "input":
            raise refusal(f"more than {self._limit} nodes", "Shorten its loops: a circuit unrolls them")
        return super()._make(key, gate, operands, value)


def trace(
    f: Function, sizes: Sequence[int | None], through_gate: ThroughGate
) -> tuple[list[Node], Arrangement]:
    """Run `f` once on nodes; return the nodes of its results and their arrangement.

    `sizes` has for each argument the length of a vector, or None for a number. The arrangement is None for one number,
    ``"tuple"`` for a tuple or list of numbers, else the shape of an array. `through_gate` applies gates to nodes.
    """
    graph = TracedGraph(through_gate)
    arguments = inputs_of(graph, sizes)
    outer, running.codes = getattr(running, "codes", None), set()
    try:
        result = Substitution()(f)(*arguments)
    except ValueError as err:  # NumPy's way to say that a node is not a number; the cause names the line
        raise err.__cause__ if isinstance(err.__cause__, TypeError) else err  # noqa: B904
    finally:
        running.codes = outer
    return results_of(graph, result)


def inputs_of(graph: Graph, sizes: Sequence[int | None]) -> list[Node | Nodes]:
    """Make the inputs of a graph: a node for each number, an array of nodes for each vector."""
    arguments: list[Node | Nodes] = []
    count = 0
    for size in sizes:
        width = 1 if size is None else size
        inputs = [graph.input(count + i) for i in range(width)]
        arguments.append(inputs[0] if size is None else as_nodes(inputs))
        count += width
    return arguments


def results_of(graph: Graph, result: object) -> tuple[list[Node], Arrangement]:
    """Return the nodes of a traced function's results, and their arrangement."""
    arrangement: Arrangement = None
    if isinstance(result, (tuple, list)):
        result = as_nodes(result)
        arrangement = "tuple" if result.ndim == 1 else result.shape
    elif isinstance(result, np.ndarray) and result.ndim:
        arrangement = result.shape
    values = np.asarray(plain(result), dtype=object).ravel().tolist()
    for value in values:
        if not isinstance(value, (Node, *NUMBERS)):
            kind = type(value).__name__
            raise TypeError(f"`f` must return numbers; got {kind}. Return a number, a tuple or an array.")
    return [graph.node(value) for value in values], arrangement


class ValueProgram:
    """A function of a vector of length `d` as a straight-line program.

    Inputs of `outputs` below `d` are coordinates, the others the numbers that `captured` finds among values.
    """

    def __init__(self, d: int, outputs: Sequence[Node], captured: Captured) -> None:
        self.d, self.outputs, self.captured = d, expand_nodes(outputs, Node), captured

    def at(self, x: FloatArray, numbers: FloatArray) -> FloatArray:
        """Evaluate at vectors, shape (k, d) -> (k, m), by NumPy; `numbers` are the captured ones."""
        values = evaluate(self.outputs, [*x.T, *numbers])
        return np.stack([np.broadcast_to(value, len(x)) for value in values], axis=1).astype(np.float64)

    @cached_property
    def compact(self) -> Program:
        """The program for the compiler: coordinates, the address of captured numbers, then results."""
        return Program(self.outputs, self.d, fixed=True)


def trace_values(
    reading: Reading, data: Sequence[object], d: int, args: tuple[object, ...], *, fills: bool = False,
    batched: bool = False,
) -> ValueProgram:  # fmt: skip
    """Run a function that was read once on symbols, for its values alone; it captures `data`.

    It takes a vector of length `d` and `args`; with `fills` an array to fill besides; if it is `batched`, batches of
    shape (k, d) only. Captured numbers are inputs of the program. Raises TypeError where it is no function of its
    arguments and captured numbers alone, or branches on their values.
    """
    graph = TracedGraph(limit=VALUES_LIMIT)
    with _strict():
        captured = Captured(reading, [*data, *args], graph, d)
        function, more = captured.function, captured.arguments(len(args))
        nodes = as_nodes([graph.input(i) for i in range(d)])
        if fills:
            out = as_nodes([np.nan] * d)
            returned = function(nodes, *more, out)
            result = out if returned is None or returned is out else returned
        else:
            result = function(nodes[None] if batched else nodes, *more)
        outputs, _ = results_of(graph, result)
    captured.forget()
    program = ValueProgram(d, outputs, captured)
    if cost_of(in_order(program.outputs)) > VALUES_LIMIT:
        raise TypeError("`f` cannot be traced: its program would take too long to compile")
    return program


def trace_captured(
    reading: Reading,
    data: Sequence[object],
    sizes: Sequence[int | None],
    gate: Callable[[Part], Formula | None],
    through_gate: ThroughGate,
    zeros: Mapping[int, float],
) -> tuple[list[Node], Arrangement, Captured]:
    """Trace as `trace` does, with captured numbers, those of `data`, as inputs behind those of the arguments.

    ``gate(part)`` returns the gate of a formula. Numbers in `zeros` are constants, because a coefficient of 0 takes a
    term out of the derivative. Raises TypeError where the function is none of its arguments and captured numbers alone,
    or the program depends on their values.
    """
    graph = TracedGraph(through_gate)
    first = sum(1 if size is None else size for size in sizes)
    with _strict():
        captured = Captured(reading, data, graph, first, gate, zeros)
        outputs, arrangement = results_of(graph, captured.function(*inputs_of(graph, sizes)))
    order = in_order(outputs)
    active = active_nodes(order, first)
    for node in order:
        if node.name == "power" and node.operands[1].name != "constant" and node.operands[1] not in active:
            raise TypeError("`f` cannot be traced: whole exponents are multiplied out, so they are constants")
    captured.forget()
    return outputs, arrangement, captured


@contextmanager
def _strict() -> Iterator[None]:
    """Refuse what a run on symbols does not see; every exception of the function becomes a TypeError."""
    outer = getattr(running, "refused", None), getattr(running, "codes", None)
    running.refused, running.codes = [], set()
    try:
        try:
            yield
        except TypeError:
            raise
        except Exception as err:
            raise TypeError(f"`f` cannot be traced: {err}") from err
        if running.refused:
            raise TypeError(f"`f` cannot be traced: {running.refused[0]}")
    finally:
        running.refused, running.codes = outer
