"""Derivatives where an intermediate value overflows, and the chain rule would multiply 0 by infinity.

There are two such cases. In ``1 / (1 + exp(-x))`` a partial of 0 multiplies one of infinity; but the *logarithmic*
derivative of an exponentially growing term is bounded: that of ``c + exp(u)`` is the share of ``exp(u)`` in the sum.
So the derivative of a quotient, a negative power or a logarithm goes straight to `u`, as ``-quotient * share``; and
that of a share is the product of both shares, which does not cancel.

In ``exp(-exp(x))`` the outer function *saturates*: `exp`, `tanh`, `erf` and others level off faster than any operand
grows. So where their slope has underflowed to 0, a slope behind them that is infinite by growth is ignored. One that is
infinite or NaN for another reason, at a pole or the edge of a domain, makes the product NaN: the derivative does not
exist there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..tracing import Node, apply, select
from .derivatives import Growth, Partial, Term, derivative_of

# Quotients, powers and logarithms of growing terms --------------------------------------------------------------------

_LOGARITHMS = {"log": 1.0, "log2": 1.0 / math.log(2.0), "log10": 1.0 / math.log(10.0)}


def shortcut(node: Node, copies: dict[Node, Node], active: set[Node]) -> tuple[Node, Node, Term] | None:
    """Return an operand of `node`, the node `u` behind it, and the slope of `node` in `u`; None for no shortcut.

    `copies` has the copies of all nodes in the graph that the slope belongs to; `active` nodes depend on an argument.
    """
    if node.name not in ("divide", "reciprocal", "power", "log1p", "share", *_LOGARITHMS):
        return None
    inner = node.operands[node.name == "divide"]
    growth = _logarithmic(inner, copies, active) if inner in active else None
    if growth is None:
        return None
    behind, slope = growth
    value, whole = copies[node], copies[inner]
    if node.name in ("divide", "reciprocal"):
        return inner, behind, -value * slope
    if node.name == "power":
        power = _constant(node.operands[1])
        return None if power is None or power >= 0 else (inner, behind, power * value * slope)
    if node.name == "share":
        rest = copies[node.operands[1]]
        return inner, behind, value * (rest * (1.0 / (whole + rest))) * slope
    if node.name == "log1p":
        return inner, behind, select(whole > -1.0, apply("share", whole, 1.0) * slope, math.nan)
    return inner, behind, select(whole > 0.0, _LOGARITHMS[node.name] * slope, math.nan)


def _logarithmic(node: Node, copies: dict[Node, Node], active: set[Node]) -> tuple[Node, Term] | None:
    """Return `u` and the slope of ``log(abs(node))`` in it, for what grows like ``exp(u)``."""
    name, operands = node.name, node.operands
    if (logarithmic := derivative_of(node.gate).logarithmic) is not None:
        return operands[0], logarithmic(copies[operands[0]])
    if name in ("negative", "square"):
        growth = _logarithmic(operands[0], copies, active)
        return growth and (growth[0], 2.0 * growth[1] if name == "square" else growth[1])
    if name not in ("add", "subtract", "multiply", "divide", "power"):
        return None
    exponent = _constant(operands[1]) if name == "power" else None
    passive: list[Node | None] = [None if o in active else copies[o] for o in operands]
    first, second = passive
    rest = first if second is None else second
    if rest is None or (second is None and name in ("divide", "power")):
        return None
    inner = operands[0] if second is not None else operands[1]
    growth = _logarithmic(inner, copies, active)
    if growth is None or name in ("multiply", "divide"):
        return growth
    u, slope = growth
    if name == "power":
        return None if exponent is None else (u, exponent * slope)
    part = copies[inner]
    if name == "subtract":
        part, rest = (-part, rest) if second is None else (part, -rest)
    return u, slope * apply("share", part, rest)


def _constant(node: Node) -> float | None:
    return node.value if node.name == "constant" else None


# Functions that saturate ---------------------------------------------------------------------------------------------

#: Signs: never positive, unknown, never negative, above a positive number.
_BELOW, _ANY, _ABOVE, _AWAY = -1, 0, 1, 2

#: Powers of numbers below 1e38 stay below the largest number.
_MODERATE = 8.0


def saturating(
    order: Sequence[Node], partials: dict[Node, tuple[Partial, ...]], active: set[Node]
) -> dict[Node, Node | None]:
    """Find the nodes that saturate with an operand that may overflow.

    `order` has every node after its operands; `active` nodes depend on an argument. The value for each is the
    condition, a node, that all slopes behind it which do not grow are finite; None if there are no others.
    """
    signs: dict[Node, int] = {}
    bounded: set[Node] = set()
    growing: set[Node] = set()
    saturated = []
    for node in order:
        signs[node] = _sign(node, [signs[o] for o in node.operands])
        behind = any(o in growing for o in node.operands)
        if behind and derivative_of(node.gate).saturates:
            saturated.append(node)
        if node not in active or _is_bounded(node, bounded, signs):
            bounded.add(node)
        elif behind or _grows(node):
            growing.add(node)
    if not saturated:
        return {}
    finite: dict[Node, Node | None] = {}
    for node in order:
        grows = _growth(node) is not Growth.UNKNOWN or _grows(node)
        slopes = () if grows else partials.get(node, ())
        moving = [p for o, p in zip(node.operands, slopes, strict=False) if o in active]
        conditions = [finite[o] for o in node.operands] + [abs(p) < math.inf for p in moving if isinstance(p, Node)]
        finite[node] = None
        for condition in conditions:
            if condition is not None:
                finite[node] = condition if finite[node] is None else finite[node] & condition
    return {node: finite[node] for node in saturated}


def _is_bounded(node: Node, bounded: set[Node], signs: dict[Node, int]) -> bool:
    """Tell whether a node is bounded."""
    if node.is_condition or _growth(node) is Growth.BOUNDED:
        return True
    if node.name in ("divide", "reciprocal"):  # 1 / (1 + exp(x))
        *above, below = node.operands
        return all(o in bounded for o in above) and signs[below] == _AWAY
    if node.name in ("exp", "exp2", "expm1") and signs[node.operands[0]] == _BELOW:  # exp(-x * x)
        return True
    return _growth(node) is not Growth.UNKNOWN and all(o in bounded for o in node.operands)


def _growth(node: Node) -> Growth:
    return derivative_of(node.gate).growth


def _grows(node: Node) -> bool:
    """Tell whether a primitive grows exponentially."""
    if node.name == "power":
        return not (node.operands[1].name == "constant" and node.operands[1].value <= _MODERATE)
    return _growth(node) is Growth.EXPONENTIAL


def _sign(node: Node, behind: Sequence[int]) -> int:
    """Sign of a node, as far as its formula tells."""
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
        (one, is_minus_one), (other, is_minus_other) = map(_strip_sign, operands)
        if name == "multiply" and one is other:  # -x * x
            return _ABOVE if is_minus_one == is_minus_other else _BELOW
        return min(max(behind[0] * behind[1], _BELOW), _ABOVE)
    return _ANY


def _strip_sign(node: Node) -> tuple[Node, bool]:
    """Strip a minus sign; return the operand, and whether there was one."""
    return (node.operands[0], True) if node.name == "negative" else (node, False)
