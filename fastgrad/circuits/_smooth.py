"""Partial derivatives of arithmetic and smooth gates, written as nodes.

A rule gets the value of its gate and its operands, all nodes, and returns one partial for each operand: a node, a
number, or None where nothing depends on it. What the value already holds is not computed again: ``exp`` is its own
slope. What would cancel or overflow is avoided: the slopes of `sigmoid` and `tanh`, gates of their own, come from
``exp(-abs(x))`` and are right in both tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..tracing import apply, composed, select

_NAN = math.nan
_LN_2 = math.log(2.0)
_LN_10 = math.log(10.0)


def _power(v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if y.name == "constant":
        by_base = 0.0 if y.value == 0.0 else 1.0 if y.value == 1.0 else y * x ** (y.value - 1.0)
        return by_base, None
    by_base = select(y == 0.0, 0.0, y * x ** (y - 1.0))
    return by_base, select((x != 0.0) | (y < 0.0), v * apply("log", x), 0.0)


def _in_domain(inside: Any, slope: Any) -> Any:
    return select(inside, slope, _NAN)


def _arctan2(v: Any, y: Any, x: Any) -> tuple[Any, Any]:
    radius = apply("hypot", x, y)
    return x / radius / radius, -(y / radius / radius)


def _hump(x: Any) -> Any:
    """Slope of the logistic function, from ``exp(-abs(x))``, which never overflows."""
    small = apply("exp", -abs(x))
    upper = 1.0 / (1.0 + small)
    return small * upper * upper


def _tanh_slope(x: Any) -> Any:
    """Slope of `tanh`: near 0 its square is what is small, else the exponential is; either way within 3 ulp."""
    value, small = apply("tanh", x), apply("exp", -2.0 * abs(x))
    whole = 1.0 + small
    return select(abs(value) < 0.5, 1.0 - value * value, 4.0 * small / (whole * whole))


composed("sigmoid'", _hump, None)
composed("tanh'", _tanh_slope, None)

SMOOTH: dict[str, Callable[..., tuple[Any, ...]]] = {
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
    "log": lambda v, x: (_in_domain(x > 0.0, 1.0 / x),),
    "log2": lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_2 * x)),),
    "log10": lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_10 * x)),),
    "log1p": lambda v, x: (_in_domain(x > -1.0, 1.0 / (1.0 + x)),),
    "sqrt": lambda v, x: (0.5 / v,),
    "cbrt": lambda v, x: (1.0 / (3.0 * (v * v)),),
    "sin": lambda v, x: (apply("cos", x),),
    "cos": lambda v, x: (-apply("sin", x),),
    "tan": lambda v, x: (1.0 + v * v,),
    "arcsin": lambda v, x: (1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),),
    "arccos": lambda v, x: (-1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),),
    "arctan": lambda v, x: (1.0 / (1.0 + x * x),),
    "sinh": lambda v, x: (apply("cosh", x),),
    "cosh": lambda v, x: (apply("sinh", x),),
    "arcsinh": lambda v, x: (1.0 / apply("hypot", 1.0, x),),
    "arccosh": lambda v, x: (1.0 / (apply("sqrt", x - 1.0) * apply("sqrt", x + 1.0)),),
    "arctanh": lambda v, x: (_in_domain(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x))),),
    "hypot": lambda v, x, y: (select(v == 0.0, 0.0, x / v), select(v == 0.0, 0.0, y / v)),
    "arctan2": _arctan2,
    "logaddexp": lambda v, x, y: (apply("sigmoid", x - y), apply("sigmoid", y - x)),
    "logaddexp2": lambda v, x, y: (apply("sigmoid", _LN_2 * (x - y)), apply("sigmoid", _LN_2 * (y - x))),
    "sigmoid": lambda v, x: (apply("sigmoid'", x),),
    "sigmoid'": lambda v, x: (-(v * apply("tanh", 0.5 * x)),),
    "tanh": lambda v, x: (apply("tanh'", x),),
    "tanh'": lambda v, x: (-2.0 * (v * apply("tanh", x)),),
    "softplus": lambda v, x: (apply("sigmoid", x),),
    "erf": lambda v, x: (2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),),
    "erfc": lambda v, x: (-2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),),
    "ndtr": lambda v, x: (1.0 / math.sqrt(2.0 * math.pi) * apply("exp", -0.5 * (x * x)),),
}
