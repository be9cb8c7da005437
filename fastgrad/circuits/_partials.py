"""The table of partial derivatives: a row for each primitive of `tracing`, written as nodes.

A row gets the value of its primitive and the operands, all nodes, and returns one partial for each operand: a node, a
number, or None where the value does not depend on the operand. A row uses the value instead of computing it again:
``exp`` is its own slope. Formulas avoid cancellation and overflow: the slopes of `sigmoid` and `tanh`, primitives
themselves, come from ``exp(-abs(x))`` and are right in both tails. At kinks and jumps the partials are those of the
branch that is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..tracing import Primitive, apply, select

Rule = Callable[..., tuple[Any, ...]]

_LN_2, _LN_10, _ROOT_PI = math.log(2.0), math.log(10.0), math.sqrt(math.pi)


def _power(v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if y.name == "constant":
        by_base = 0.0 if y.value == 0.0 else 1.0 if y.value == 1.0 else y * x ** (y.value - 1.0)
        return by_base, None
    by_base = select(y == 0.0, 0.0, y * x ** (y - 1.0))
    return by_base, select((x != 0.0) | (y < 0.0), v * apply("log", x), 0.0)


def _inside(condition: Any, slope: Any) -> Any:
    """Return the slope inside of the domain, NaN outside."""
    return select(condition, slope, math.nan)


def _arctan2(v: Any, y: Any, x: Any) -> tuple[Any, Any]:
    radius = apply("hypot", x, y)
    return x / radius / radius, -(y / radius / radius)


def _root(x: Any) -> Any:
    """Return ``sqrt(1 - x**2)``."""
    return apply("sqrt", (1.0 - x) * (1.0 + x))


def _step(low: Any, high: Any) -> Any:
    """0 where `low` holds, 1 where `high` does, NaN where neither."""
    return select(low, 0.0, select(high, 1.0, math.nan))


def _choice(first: Any) -> tuple[Any, Any]:
    """Return the partials of what takes one of two operands."""
    return select(first, 1.0, 0.0), select(first, 0.0, 1.0)


_PARTIALS: dict[str, Rule] = {
    "add": lambda v, x, y: (1.0, 1.0),
    "subtract": lambda v, x, y: (1.0, -1.0),
    "multiply": lambda v, x, y: (y, x),
    "divide": lambda v, x, y: (1.0 / y, -(v * (1.0 / y))),
    "negative": lambda v, x: (-1.0,),
    "square": lambda v, x: (2.0 * x,),
    "reciprocal": lambda v, x: (-(v * v),),
    "share": lambda v, x, y: (y / (x + y) / (x + y), -(v / (x + y))),
    "remainder": lambda v, x, y: (1.0, -apply("floor", x / y)),
    "fmod": lambda v, x, y: (1.0, -apply("trunc", x / y)),
    "power": _power,
    "general_power": _power,
    "exp": lambda v, x: (v,),
    "exp2": lambda v, x: (_LN_2 * v,),
    "expm1": lambda v, x: (apply("exp", x),),
    "log": lambda v, x: (_inside(x > 0.0, 1.0 / x),),
    "log2": lambda v, x: (_inside(x > 0.0, 1.0 / (_LN_2 * x)),),
    "log10": lambda v, x: (_inside(x > 0.0, 1.0 / (_LN_10 * x)),),
    "log1p": lambda v, x: (_inside(x > -1.0, 1.0 / (1.0 + x)),),
    "sqrt": lambda v, x: (0.5 / v,),
    "cbrt": lambda v, x: (1.0 / (3.0 * (v * v)),),
    "sin": lambda v, x: (apply("cos", x),),
    "cos": lambda v, x: (-apply("sin", x),),
    "tan": lambda v, x: (1.0 + v * v,),
    "arcsin": lambda v, x: (1.0 / _root(x),),
    "arccos": lambda v, x: (-1.0 / _root(x),),
    "arctan": lambda v, x: (1.0 / (1.0 + x * x),),
    "sinh": lambda v, x: (apply("cosh", x),),
    "cosh": lambda v, x: (apply("sinh", x),),
    "arcsinh": lambda v, x: (1.0 / apply("hypot", 1.0, x),),
    "arccosh": lambda v, x: (1.0 / (apply("sqrt", x - 1.0) * apply("sqrt", x + 1.0)),),
    "arctanh": lambda v, x: (_inside(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x))),),
    "hypot": lambda v, x, y: (select(v == 0.0, 0.0, x / v), select(v == 0.0, 0.0, y / v)),
    "arctan2": _arctan2,
    "logaddexp": lambda v, x, y: (apply("sigmoid", x - y), apply("sigmoid", y - x)),
    "logaddexp2": lambda v, x, y: (apply("sigmoid", _LN_2 * (x - y)), apply("sigmoid", _LN_2 * (y - x))),
    "sigmoid": lambda v, x: (apply("sigmoid'", x),),
    "sigmoid'": lambda v, x: (-(v * apply("tanh", 0.5 * x)),),
    "tanh": lambda v, x: (apply("tanh'", x),),
    "tanh'": lambda v, x: (-2.0 * (v * apply("tanh", x)),),
    "softplus": lambda v, x: (apply("sigmoid", x),),
    "erf": lambda v, x: (2.0 / _ROOT_PI * apply("exp", -(x * x)),),
    "erfc": lambda v, x: (-2.0 / _ROOT_PI * apply("exp", -(x * x)),),
    "ndtr": lambda v, x: (1.0 / math.sqrt(2.0 * math.pi) * apply("exp", -0.5 * (x * x)),),
    # Kinks and jumps
    "maximum": lambda v, x, y: (_step(x < y, x >= y), _step(x >= y, x < y)),
    "minimum": lambda v, x, y: (_step(x > y, x <= y), _step(x <= y, x > y)),
    "fmax": lambda v, x, y: _choice((x >= y) | (y != y)),
    "fmin": lambda v, x, y: _choice((x <= y) | (y != y)),
    "absolute": lambda v, x: (select(x > 0.0, 1.0, select(x < 0.0, -1.0, x)),),
    "relu": lambda v, x: (_step(x <= 0.0, x > 0.0),),
    "heaviside": lambda v, x, y: (None, select(x == 0.0, 1.0, 0.0)),
    "copysign": lambda v, x, y: (apply("copysign", 1.0, x) * apply("copysign", 1.0, y), None),
    "where": lambda v, condition, x, y: (None, *_choice(condition)),
}

#: Primitives with a slope of 0 wherever they have one; conditions are such, too.
_FLAT = {"sign", "floor", "ceil", "rint", "trunc"}


@dataclass(frozen=True, eq=False)
class GatePrimitive(Primitive):
    """A primitive of a caller's gate, with its partials.

    Parameters
    ----------
    partials : callable
        Rule ``(value, *operands) -> partials``.
    """

    partials: Rule | None = None


def rule_of(gate: Primitive) -> Rule | None:
    """Return the rule ``(value, *operands) -> partials`` of a primitive; None where its slope is 0."""
    if isinstance(gate, GatePrimitive):
        return gate.partials
    if gate.name in _FLAT or gate.is_condition:
        return None
    if gate.name not in _PARTIALS:
        raise TypeError(f"`{gate.name}` must have partial derivatives. Make it a gate with `fg.gate(partials=...)`.")
    return _PARTIALS[gate.name]
