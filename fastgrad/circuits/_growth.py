"""Slopes through what outgrows the numbers: ``1 / (1 + exp(-x))`` where ``exp(-x)`` is infinite.

There the chain rule would multiply a slope of 0 by one of infinity. The *logarithmic* derivative of what grows like an
exponential is bounded, though: that of ``c + exp(u)`` is the share that ``exp(u)`` has in it. So the slope of a
quotient, a negative power or a logarithm goes straight to `u`, as ``-quotient * share``; and that of a share is the
product of both shares, which does not cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._graph import Node
from ._primitives import apply, select

#: What grows, and its logarithmic slope in its operand.
_GROWING: dict[str, Callable[[Any], Any]] = {
    "exp": lambda u: 1.0,
    "exp2": lambda u: math.log(2.0),
    "cosh": lambda u: apply("tanh", u),
    "sinh": lambda u: 1.0 / apply("tanh", u),
}

_LOGARITHMS = {"log": 1.0, "log2": 1.0 / math.log(2.0), "log10": 1.0 / math.log(10.0)}


def past(node: Node, here: dict[Node, Node]) -> tuple[Node, Node, Any] | None:
    """Return an operand of `node`, what lies behind it, and the slope of `node` in that; None if none is needed.

    `here` has the copies of all nodes in the graph that the slope belongs to.
    """
    if node.name not in ("divide", "reciprocal", "power", "log1p", "share", *_LOGARITHMS):
        return None
    inner = node.operands[node.name == "divide"]
    found = _logarithmic(inner, here)
    if found is None:
        return None
    behind, slope = found
    value, whole = here[node], here[inner]
    if node.name in ("divide", "reciprocal"):
        return inner, behind, -value * slope
    if node.name == "power":
        power = _constant(node.operands[1])
        return None if power is None or power >= 0 else (inner, behind, power * value * slope)
    if node.name == "share":
        rest = here[node.operands[1]]
        return inner, behind, value * (rest * (1.0 / (whole + rest))) * slope
    if node.name == "log1p":
        return inner, behind, select(whole > -1.0, apply("share", whole, 1.0) * slope, math.nan)
    return inner, behind, select(whole > 0.0, _LOGARITHMS[node.name] * slope, math.nan)


def _logarithmic(node: Node, here: dict[Node, Node]) -> tuple[Node, Any] | None:
    """Return `u` and the slope of ``log(abs(node))`` in it, for what grows like ``exp(u)``."""
    name, operands = node.name, node.operands
    if name in _GROWING:
        return operands[0], _GROWING[name](here[operands[0]])
    if name in ("negative", "square"):
        found = _logarithmic(operands[0], here)
        return found and (found[0], 2.0 * found[1] if name == "square" else found[1])
    if name not in ("add", "subtract", "multiply", "divide", "power"):
        return None
    first, second = map(_constant, operands)
    if second is None and (first is None or name in ("divide", "power")):
        return None
    inner = operands[0] if second is not None else operands[1]
    found = _logarithmic(inner, here)
    if found is None or name in ("multiply", "divide"):
        return found
    u, slope = found
    if name == "power":
        return u, second * slope
    part, rest = here[inner], first if second is None else second
    if name == "subtract":
        part, rest = (-part, rest) if second is None else (part, -rest)
    return u, slope * apply("share", part, rest)


def _constant(node: Node) -> Any:
    return node.value if node.name == "constant" else None
