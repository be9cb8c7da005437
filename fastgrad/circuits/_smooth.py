"""Arithmetic and smooth gates, each with its partial derivatives written as nodes.

A rule gets the value of its gate and its operands, all nodes, and returns one partial for each operand: a node, a
number, or None where nothing depends on it. What the value already holds is not computed again: ``exp`` is its own
slope. What would cancel or overflow is avoided: the slopes of `sigmoid` and `tanh`, gates of their own, come from
``exp(-abs(x))`` and are right in both tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import elementary
from ._primitive import PRIMITIVES, Primitive, apply, composed, kernel, primitive, select

_NAN = math.nan
_LN_2 = math.log(2.0)
_LN_10 = math.log(10.0)

# Arithmetic ------------------------------------------------------------------------------------------------------

primitive("input", None, None)
primitive("constant", None, None)
primitive("add", "{0} + {1}", np.add, lambda v, x, y: (1.0, 1.0), symbol="{} + {}")
primitive("subtract", "{0} - {1}", np.subtract, lambda v, x, y: (1.0, -1.0), symbol="{} - {}")
primitive("multiply", "{0} * {1}", np.multiply, lambda v, x, y: (y, x), symbol="{} * {}")
primitive("divide", "{0} / {1}", np.divide, lambda v, x, y: (1.0 / y, -(v * (1.0 / y))), symbol="{} / {}")
primitive("negative", "-{0}", np.negative, lambda v, x: (-1.0,), symbol="-{}")
composed("square", lambda x: x * x, np.square, lambda v, x: (2.0 * x,))
composed("reciprocal", lambda x: 1.0 / x, np.reciprocal, lambda v, x: (-(v * v),))
composed(  # of a part in the whole: all of it where the part is infinite
    "share",
    lambda x, y: select(abs(x) == math.inf, 1.0, x * (1.0 / (x + y))),
    lambda x, y: np.where(abs(x) == np.inf, 1.0, x / (x + y)),
    lambda v, x, y: (y / (x + y) / (x + y), -(v / (x + y))),
)
primitive("remainder", "{0} % {1}", np.remainder, lambda v, x, y: (1.0, -apply("floor", x / y)), symbol="{} % {}")
primitive("fmod", "fmod({0}, {1})", np.fmod, lambda v, x, y: (1.0, -apply("trunc", x / y)), names={"fmod": np.fmod})


def _is_whole(y: Any) -> bool:
    return bool(y.name == "constant" and abs(y.value) <= 8 and y.value == int(y.value))


def _power(x: Any, y: Any) -> Any:
    """Multiply whole powers out; leave the others to the kernel."""
    if not _is_whole(y):
        return apply("sqrt", x) if y.name == "constant" and y.value == 0.5 else apply("general_power", x, y)
    n, square, product = abs(int(y.value)), x, None
    while n:
        if n & 1:
            product = square if product is None else product * square
        n >>= 1
        square = square * square if n else square
    if product is None:
        return 1.0
    return product if y.value > 0 else 1.0 / product


def _power_partials(v: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if y.name == "constant":
        by_base = 0.0 if y.value == 0.0 else 1.0 if y.value == 1.0 else y * x ** (y.value - 1.0)
        return by_base, None
    by_base = select(y == 0.0, 0.0, y * x ** (y - 1.0))
    return by_base, select((x != 0.0) | (y < 0.0), v * apply("log", x), 0.0)


PRIMITIVES["power"] = Primitive("power", None, np.power, _power_partials, _power, symbol="{} ** {}")
primitive(
    "general_power", "power({0}, {1})", np.power, _power_partials, names={"power": elementary.power}, symbol="{} ** {}"
)

# Smooth ----------------------------------------------------------------------------------------------------------


def _in_domain(inside: Any, slope: Any) -> Any:
    return select(inside, slope, _NAN)


kernel("exp", np.exp, lambda v, x: (v,))
kernel("exp2", np.exp2, lambda v, x: (_LN_2 * v,))
kernel("expm1", np.expm1, lambda v, x: (apply("exp", x),))
kernel("log", np.log, lambda v, x: (_in_domain(x > 0.0, 1.0 / x),))
kernel("log2", np.log2, lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_2 * x)),))
kernel("log10", np.log10, lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_10 * x)),))
kernel("log1p", np.log1p, lambda v, x: (_in_domain(x > -1.0, 1.0 / (1.0 + x)),))
kernel("sqrt", np.sqrt, lambda v, x: (0.5 / v,))
kernel("cbrt", np.cbrt, lambda v, x: (1.0 / (3.0 * (v * v)),))
kernel("sin", np.sin, lambda v, x: (apply("cos", x),))
kernel("cos", np.cos, lambda v, x: (-apply("sin", x),))
kernel("tan", np.tan, lambda v, x: (1.0 + v * v,))
kernel("arcsin", np.arcsin, lambda v, x: (1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),))
kernel("arccos", np.arccos, lambda v, x: (-1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),))
kernel("arctan", np.arctan, lambda v, x: (1.0 / (1.0 + x * x),))
kernel("sinh", np.sinh, lambda v, x: (apply("cosh", x),))
kernel("cosh", np.cosh, lambda v, x: (apply("sinh", x),))
kernel("arcsinh", np.arcsinh, lambda v, x: (1.0 / apply("hypot", 1.0, x),))
kernel("arccosh", np.arccosh, lambda v, x: (1.0 / (apply("sqrt", x - 1.0) * apply("sqrt", x + 1.0)),))
kernel("arctanh", np.arctanh, lambda v, x: (_in_domain(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x))),))
kernel("hypot", np.hypot, lambda v, x, y: (select(v == 0.0, 0.0, x / v), select(v == 0.0, 0.0, y / v)), 2)


def _arctan2_partials(v: Any, y: Any, x: Any) -> tuple[Any, Any]:
    radius = apply("hypot", x, y)
    return x / radius / radius, -(y / radius / radius)


kernel("arctan2", np.arctan2, _arctan2_partials, 2)
kernel("logaddexp", np.logaddexp, lambda v, x, y: (apply("sigmoid", x - y), apply("sigmoid", y - x)), 2)
composed(
    "logaddexp2",
    lambda x, y: apply("logaddexp", _LN_2 * x, _LN_2 * y) / _LN_2,
    np.logaddexp2,
    lambda v, x, y: (apply("sigmoid", _LN_2 * (x - y)), apply("sigmoid", _LN_2 * (y - x))),
)


def _tail(x: Any) -> tuple[Any, Any]:
    """``e = exp(-abs(x))`` and ``1 / (1 + e)``: shared by the value and the slope, and never overflowing."""
    small = apply("exp", -abs(x))
    return small, 1.0 / (1.0 + small)


def _sigmoid(x: Any) -> Any:
    small, upper = _tail(x)
    return select(x >= 0.0, upper, small * upper)


def _hump(x: Any) -> Any:
    """Slope of the logistic function."""
    small, upper = _tail(x)
    return small * upper * upper


def _tanh_slope(x: Any) -> Any:
    """Slope of `tanh`: near 0 its square is what is small, else the exponential is; either way within 3 ulp."""
    value, small = apply("tanh", x), apply("exp", -2.0 * abs(x))
    whole = 1.0 + small
    return select(abs(value) < 0.5, 1.0 - value * value, 4.0 * small / (whole * whole))


def _expit(x: Any) -> Any:
    small = np.exp(-abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus(x: Any) -> Any:
    return select(x > 0.0, x, 0.0) + apply("log1p", apply("exp", -abs(x)))


composed("sigmoid", _sigmoid, _expit, lambda v, x: (apply("sigmoid'", x),))
composed("sigmoid'", _hump, None, lambda v, x: (-(v * apply("tanh", 0.5 * x)),))
kernel("tanh", np.tanh, lambda v, x: (apply("tanh'", x),))
composed("tanh'", _tanh_slope, None, lambda v, x: (-2.0 * (v * apply("tanh", x)),))
composed(
    "softplus", _softplus, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), lambda v, x: (apply("sigmoid", x),)
)


def _from_math(function: Callable[[float], float]) -> Callable[..., Any]:
    return np.vectorize(function, otypes=[np.float64])


kernel("erf", _from_math(math.erf), lambda v, x: (2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),))
kernel("erfc", _from_math(math.erfc), lambda v, x: (-2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),))
composed(
    "ndtr",
    lambda x: 0.5 * apply("erfc", -math.sqrt(0.5) * x),
    _from_math(lambda x: 0.5 * math.erfc(-math.sqrt(0.5) * x)),
    lambda v, x: (1.0 / math.sqrt(2.0 * math.pi) * apply("exp", -0.5 * (x * x)),),
)
