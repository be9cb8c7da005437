"""Slopes where something on the way outgrows the numbers, and the chain rule would multiply 0 by infinity.

There are two such cases. In ``1 / (1 + exp(-x))`` a slope of 0 *follows* one of infinity; but the *logarithmic*
derivative of what grows like an exponential is bounded: that of ``c + exp(u)`` is the share that ``exp(u)`` has in it.
So the slope of a quotient, a negative power or a logarithm goes straight to `u`, as ``-quotient * share``; and that of
a share is the product of both shares, which does not cancel.

In ``exp(-exp(x))`` the outer gate *settles*: `exp`, `tanh`, `erf` and their like level off faster than anything behind
them can grow. So where their slope has underflowed to 0, a slope behind them that is infinite by growth counts for
nothing. One that is infinite or NaN for another reason, at a pole or the edge of a domain, is left to make the product
NaN: there the derivative does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..tracing import Node, apply, select

# Quotients, powers and logarithms of what grows --------------------------------------------------------------------

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


# Gates that settle ------------------------------------------------------------------------------------------------

_SETTLING = {"exp", "exp2", "expm1", "tanh", "sigmoid", "erf", "erfc", "ndtr", "softplus", "logaddexp", "sigmoid'",
             "tanh'"}  # fmt: skip

#: What is bounded whatever it is given, what grows as what it is given does, and what grows like an exponential of it.
_BOUNDED = {"constant", "sin", "cos", "tanh", "sigmoid", "erf", "erfc", "ndtr", "arctan", "arctan2", "sigmoid'",
            "tanh'", "sign", "heaviside"}  # fmt: skip
_LEVEL = {"add", "subtract", "multiply", "negative", "absolute", "square", "maximum", "minimum", "fmax", "fmin", "relu",
          "where", "softplus", "logaddexp", "hypot", "arcsinh"}  # fmt: skip
_EXPONENTIAL = {"exp", "exp2", "expm1", "sinh", "cosh"}

#: Signs: never positive, unknown, never negative, above a positive number.
_BELOW, _ANY, _ABOVE, _AWAY = -1, 0, 1, 2

#: Powers of numbers below 1e38 stay below the largest number.
_MODERATE = 8.0


def settling(order: Sequence[Node], partials: dict[Node, tuple[Any, ...]]) -> dict[Node, Any]:
    """Find the gates that settle with something behind them that outgrows the numbers.

    `order` has every node after its operands. Returned is for each of them the condition, a node, that all slopes
    behind it which do not grow are finite; or None, if there are no others.
    """
    signs: dict[Node, int] = {}
    bounded: set[Node] = set()
    growing: set[Node] = set()
    found = []
    for node in order:
        signs[node] = _sign(node, [signs[o] for o in node.operands])
        behind = any(o in growing for o in node.operands)
        if behind and node.name in _SETTLING:
            found.append(node)
        if _is_bounded(node, bounded, signs):
            bounded.add(node)
        elif behind or _grows(node):
            growing.add(node)
    if not found:
        return {}
    calm: dict[Node, Any] = {}
    for node in order:
        slopes = () if node.name in _BOUNDED | _LEVEL | _EXPONENTIAL or _grows(node) else partials.get(node, ())
        moving = [p for o, p in zip(node.operands, slopes, strict=False) if o.name != "constant"]
        conditions = [calm[o] for o in node.operands] + [abs(p) < math.inf for p in moving if isinstance(p, Node)]
        calm[node] = None
        for condition in conditions:
            if condition is not None:
                calm[node] = condition if calm[node] is None else calm[node] & condition
    return {node: calm[node] for node in found}


def _is_bounded(node: Node, bounded: set[Node], signs: dict[Node, int]) -> bool:
    """Whether a node is known to stay bounded."""
    if node.condition or node.name in _BOUNDED:
        return True
    if node.name in ("divide", "reciprocal"):  # 1 / (1 + exp(x))
        *above, below = node.operands
        return all(o in bounded for o in above) and signs[below] == _AWAY
    if node.name in ("exp", "exp2", "expm1") and signs[node.operands[0]] == _BELOW:  # exp(-x * x)
        return True
    return node.name in _LEVEL | _EXPONENTIAL and all(o in bounded for o in node.operands)


def _grows(node: Node) -> bool:
    """Whether a gate itself grows like an exponential."""
    if node.name == "power":
        return not (node.operands[1].name == "constant" and node.operands[1].value <= _MODERATE)
    return node.name in _EXPONENTIAL


def _sign(node: Node, behind: Sequence[int]) -> int:
    """Which sign a node is known to have."""
    name, operands = node.name, node.operands
    if name == "constant":
        return _AWAY if node.value > 0.0 else _BELOW if node.value < 0.0 else _ABOVE
    if name in ("exp", "exp2", "square", "absolute", "cosh"):
        return _AWAY if name == "cosh" else _ABOVE
    if name == "power" and operands[1].name == "constant":
        return _ABOVE if operands[1].value > 0.0 and operands[1].value % 2.0 == 0.0 else _ANY
    if name == "negative":
        return -min(behind[0], _ABOVE)
    if name == "add":
        return max(behind) if min(behind) > 0 else _BELOW if max(behind) < 0 else _ANY
    if name in ("multiply", "divide"):
        (one, turned_one), (other, turned_other) = map(_unsigned, operands)
        if name == "multiply" and one is other:  # -x * x
            return _ABOVE if turned_one == turned_other else _BELOW
        return min(max(behind[0] * behind[1], _BELOW), _ABOVE)
    return _ANY


def _unsigned(node: Node) -> tuple[Node, bool]:
    """Take a minus sign off."""
    return (node.operands[0], True) if node.name == "negative" else (node, False)
