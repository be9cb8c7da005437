"""Tracing: a function run once on symbols becomes a straight-line program of values, compiled with points in lanes.

Imports `compilation` and `elementary`. There are no derivatives here: the numerical ones evaluate such programs, the
chain rule of `circuits` transforms them. Begin reading in `_trace`; `_primitives` is the table of primitives.
"""

from ._graph import Graph, Node, active_nodes, grafted, graph_of, in_order
from ._llvm import Loops
from ._nodes import Nodes, Traced, as_nodes, elementwise
from ._primitives import PRIMITIVES, Primitive, apply, call_text, select
from ._program import Layout, Program
from ._pure import Captured
from ._refusal import refusal
from ._substitution import Substitution
from ._tiles import GAP, LANES, move
from ._trace import trace
from ._values import ValueProgram, moved, trace_captured, trace_values

__all__ = [
    "Captured",
    "GAP",
    "LANES",
    "PRIMITIVES",
    "Graph",
    "Layout",
    "Loops",
    "Node",
    "Nodes",
    "Primitive",
    "Program",
    "Substitution",
    "Traced",
    "ValueProgram",
    "active_nodes",
    "apply",
    "as_nodes",
    "call_text",
    "elementwise",
    "grafted",
    "graph_of",
    "in_order",
    "move",
    "moved",
    "refusal",
    "select",
    "trace",
    "trace_captured",
    "trace_values",
]
