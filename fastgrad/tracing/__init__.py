"""Tracing: a function run once on symbols is a straight-line program of values, which becomes machine code.

Points go side by side through the lanes of the processor's vector registers. There are no derivatives here: the
numerical ones evaluate such programs, the chain rule of `circuits` transforms them.
"""

from ._graph import Graph, Node, grafted, graph_of, in_order
from ._llvm import Loops
from ._nodes import Nodes, Traced, as_nodes, elementwise
from ._primitive import Primitive, apply, composed, select
from ._primitives import PRIMITIVES
from ._program import Layout, Program
from ._refusal import refusal
from ._substitution import Substitution
from ._tiles import GAP, LANES, move
from ._trace import trace
from ._values import ValueProgram, moved, trace_values

__all__ = [
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
    "apply",
    "as_nodes",
    "composed",
    "elementwise",
    "grafted",
    "graph_of",
    "in_order",
    "move",
    "moved",
    "refusal",
    "select",
    "trace",
    "trace_values",
]
