"""A function of a vector as a program of values, with captured numbers as inputs that are read anew for every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ._graph import Graph, Node, cost_of, grafted, in_order
from ._nodes import as_nodes
from ._program import Program, lowered
from ._pure import Captured, Pure, argument
from ._refusal import refusal, running
from ._trace import Record, results_of

#: What a program of values may cost to compile, and how many nodes it may have before gates are taken apart: more take
#: longer than the function itself as Numba compiles it.
LIMIT = 2000

#: Captured numbers that become inputs.
_CAPTURED = 4096


class ValueProgram:
    """A function of a vector as a straight-line program.

    Attributes
    ----------
    d : int
        Length of the vector.
    outputs : list of Node
        What it computes: inputs below `d` are coordinates, the others captured numbers.
    captured : Captured
        Where captured numbers are.
    """

    def __init__(self, d: int, outputs: Sequence[Node], captured: Captured) -> None:
        self.d, self.outputs, self.captured = d, lowered(outputs, Node), captured

    def at(self, x: Any, numbers: Any) -> Any:
        """Values at vectors, shape (k, d) -> (k, m), computed by NumPy; `numbers` are the captured ones."""
        inputs, values = [*x.T, *numbers], dict[int, Any]()
        with np.errstate(all="ignore"):
            for node in in_order(self.outputs):
                if node.gate.evaluate is None:
                    values[node.number] = inputs[node.value] if node.name == "input" else node.value
                else:
                    values[node.number] = node.gate.evaluate(*[values[o.number] for o in node.operands])
        return np.stack([np.broadcast_to(values[o.number], len(x)) for o in self.outputs], axis=1).astype(np.float64)

    @cached_property
    def compact(self) -> Program:
        """The program for the compiler: coordinates, the address of captured numbers, then results."""
        return Program(self.outputs, self.d, fixed=True)


def trace_values(
    f: Callable[..., Any], d: int, args: tuple[Any, ...], *, fills: bool = False, batched: bool = False
) -> ValueProgram:
    """Run `f` once on symbols, for its values alone.

    Captured numbers are inputs of the program if `f` allows it, else constants.

    Parameters
    ----------
    f : callable
        Takes a vector and `args`.
    d : int
        Length of the vector.
    args : tuple
        Further arguments.
    fills : bool, default False
        Whether `f` takes one more argument, an array to fill.
    batched : bool, default False
        Whether `f` takes batches only: shape (k, d).

    Raises
    ------
    TypeError
        Where `f` is no function of its arguments and captured numbers alone, or takes its way by their values.
    """
    outer = getattr(running, "refused", None), getattr(running, "codes", None)
    running.refused, running.codes = [], set()
    try:
        graph = Record(node=Pure, limit=LIMIT)
        captured = Captured(graph, d)
        try:
            called = captured.function(f)
            nodes = as_nodes([graph.input(i) for i in range(d)])
            given = [argument(captured, a, i) for i, a in enumerate(args)]
            if captured.count > _CAPTURED:
                raise refusal(f"more than {_CAPTURED} captured numbers", "Pass fewer")
            if fills:
                out = as_nodes([np.nan] * d)
                returned = called(nodes, *given, out)
                result = out if returned is None or returned is out else returned
            else:
                result = called(nodes[None] if batched else nodes, *given)
            outputs, _ = results_of(graph, result)
        except TypeError:
            raise
        except Exception as err:
            raise TypeError(f"`f` cannot be traced: {err}") from err
        if running.refused:
            raise TypeError(f"`f` cannot be traced: {running.refused[0]}")
    finally:
        running.refused, running.codes = outer
    captured.forget()
    program = ValueProgram(d, outputs, captured)
    if cost_of(in_order(program.outputs)) > LIMIT:
        raise TypeError("`f` cannot be traced: its program would take too long to compile")
    return program


def moved(
    outputs: Sequence[Node], graph: Graph, coordinates: Sequence[Node], first: int, captured: int
) -> list[Node]:
    """Copy a program into `graph`, with other nodes for coordinates; captured numbers are inputs from `first` on."""
    return grafted(outputs, [*coordinates, *(graph.input(first + i) for i in range(captured))])
