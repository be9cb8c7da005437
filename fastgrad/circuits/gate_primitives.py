"""Gates, fastgrad's and the caller's, as primitives of a circuit."""

from __future__ import annotations

import functools
from typing import Any

from .._typing import Function
from ..compilation.linking import Part
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import function_from, jit
from ..compilation.references import Reading
from ..gates import GATES, Gate, gate
from ..tracing import (
    PRIMITIVES,
    Graph,
    Node,
    Nodes,
    Primitive,
    Substitution,
    Traced,
    elementwise,
    graft,
    graph_of,
    refusal,
)
from .chain_rule import jacobian
from .derivatives import GatePrimitive, Partial, Rule, Term


@gate(
    partials=(
        lambda condition, x, y: 0.0,
        lambda condition, x, y: 1.0 if condition else 0.0,
        lambda condition, x, y: 0.0 if condition else 1.0,
    )
)
def where(condition: float, x: float, y: float) -> float:
    """Take `x` where the condition holds, else `y`; on numbers, arrays and the nodes of a circuit alike.

    In a circuit the branch that is not taken has no part in the derivative, not even where its slope is infinite.

    Parameters
    ----------
    condition, x, y : float, or array_like
        Where to take `x`, and the values to choose from; all three broadcast, float32 gives float32.

    Returns
    -------
    scalar, ndarray, or node of a circuit
        Of the shape that the three broadcast to.

    Raises
    ------
    TypeError, ValueError
        When arguments are no numbers, or do not broadcast.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> c = fg.circuit(lambda x: fg.where(x > 0, np.log(x), 2 * x))
    >>> [float(slope) for slope in c.partials(np.array([-1.0, 0.5]))[0]]
    [2.0, 2.0]
    """
    return x if condition else y


_OWN: dict[str, Gate] = {own.__name__: own for own in (*GATES, where)}


def own_gate(part: Part) -> Gate:
    """Return the gate of a formula; refuse those of the caller's, whose partials may capture data."""
    gate = _OWN.get(part.name)
    if gate is None or gate.formula.__code__ is not part.code:
        raise refusal(f"the gate `{part.name}`", "Use one of fastgrad's")
    return gate


def through_gate(gate: Gate, args: tuple[Any, ...]) -> Any:
    """Apply a gate to nodes and numbers."""
    if any(isinstance(a, Nodes) for a in args):
        return elementwise(gate, args)
    graph, name = graph_of(args), gate.__name__
    if _OWN.get(name) is gate and name in PRIMITIVES:
        return graph.apply(name, *args)
    if hasattr(gate, "__not_differentiable__"):  # a logic gate, made of other gates
        return gate.formula(*args)
    try:
        result = primitive_of(gate, len(args))
    except Uncompilable as err:
        remedy = "Write its formula and its partials with NumPy or math"
        raise refusal(f"the gate `{name}` cannot be compiled, for it {err}", remedy) from err
    return graph.apply(result, *args)


@functools.lru_cache(maxsize=1024)
def primitive_of(gate: Gate, count: int) -> Primitive:
    """Make a primitive of a gate for `count` arguments: formula and partials, traced where they can be."""
    name = gate.__name__
    parts = [_formula(part, count, f"partial {i} of {name}", None) for i, part in enumerate(gate.partials.formulas)]
    rest = (None,) * (count - gate.nin)  # arguments with defaults have no partials
    return _formula(gate.formula, count, name, lambda v, *x: (*(x[0].graph.apply(p, *x) for p in parts), *rest))


def _formula(f: Function, count: int, name: str, rule: Rule | None) -> Primitive:
    """Make a primitive of a formula of scalars.

    The compiler expands it to the formula's operations on nodes, which share nodes with the rest; a formula that
    branches is called, compiled by Numba.
    """
    reading = Reading(f)

    def evaluate(*x: float) -> object:
        return f(*map(float, x))

    def again(v: Node, *x: Node) -> tuple[Partial, ...]:
        """Differentiate the formula, for a second derivative."""
        graph = Graph(node=Traced)
        try:
            value = graph.node(Substitution()(f)(*map(graph.input, range(count))))
        except Exception as err:
            raise TypeError(
                f"{name} cannot be differentiated again: its formula branches, or calls what cannot be traced. "
                "Write it with `fg.where`."
            ) from err
        return tuple(graft(jacobian([value], count)[0], x))

    def called(*x: Term) -> Node:
        return graph_of(x).apply(primitive, *x)

    def expand(*x: Term) -> Term:
        try:
            value: Term = Substitution()(f)(*x)
            return value
        except Exception:  # a branch, most likely; the formula is called as it is
            return called(*x)

    names = ", ".join(f"x{i}" for i in range(count))
    source = f"def careful({names}):\n    try:\n        return 1.0 * formula({names}), 0\n"
    source += "    except Exception:\n        return np.nan, 1\n"
    kernel = jit(function_from(source, "careful", {"formula": jit(reading.linked)}))
    partials = rule or again
    primitive = GatePrimitive(name, evaluate, function=kernel, cost=10, key=reading.key, partials=partials)
    return GatePrimitive(name, expand=expand, partials=partials)
