"""Tracing: a function run once on symbols becomes a straight-line program of values, compiled with points in lanes.

Imports `compilation` and `elementary`. There are no derivatives here: the numerical ones evaluate such programs, the
chain rule of `circuits` transforms them. Begin reading in `tracer`; `primitives` is the table of primitives.
"""

from .captured import Captured
from .graph import Graph, Node, active_nodes, copy_nodes, graft, graph_of, in_order
from .llvm_loops import Loops
from .nodes import Nodes, Traced, as_nodes, elementwise
from .primitives import PRIMITIVES, Primitive, apply, select
from .program import Program, expand_nodes
from .refusals import refusal
from .substitution import Substitution
from .tracer import Arrangement, ValueProgram, trace, trace_captured, trace_values
from .transposition import GAP, LANES, move

__all__ = [
    "Arrangement", "Captured", "GAP", "LANES", "PRIMITIVES", "Graph", "Loops", "Node", "Nodes", "Primitive", "Program",
    "Substitution", "Traced", "ValueProgram", "active_nodes", "apply", "as_nodes", "copy_nodes", "elementwise",
    "expand_nodes", "graft", "graph_of", "in_order", "move", "refusal", "select", "trace", "trace_captured",
    "trace_values",
]  # fmt: skip
