"""The table of derivatives: for each primitive of `tracing` its partial derivatives, written as nodes, and its growth.

A rule gets the value of its primitive and the operands, all nodes, and returns one partial for each operand: a node, a
number, or None where the value does not depend on the operand. A rule uses the value instead of computing it again.
Formulas avoid cancellation and overflow: the slopes of `sigmoid` and `tanh`, primitives themselves, come from
``exp(-abs(x))`` and are right in both tails. At kinks and jumps the partials are those of the branch that is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from .. import gates
from ..gates import Gate
from ..tracing import Node, Primitive, apply, select

#: A value of a graph: numbers become constants.
Term = Node | float
#: Of a primitive in one operand; None where the value does not depend on it.
Partial = Term | None
#: ``(value, *operands) -> partials``.
Rule = Callable[..., tuple[Partial, ...]]

_LN_2, _LN_10, _ROOT_PI = math.log(2.0), math.log(10.0), math.sqrt(math.pi)


class Growth(Enum):
    """How a primitive grows with its operands, at most; `overflow` uses it."""

    UNKNOWN = 0
    BOUNDED = 1
    POWER = 2
    EXPONENTIAL = 3


@dataclass(frozen=True)
class Derivative:
    """The derivative of a primitive."""

    #: None where the slope is 0 wherever there is one.
    partials: Rule | None
    growth: Growth = Growth.UNKNOWN
    #: Whether the slope falls to 0 faster than any operand grows.
    saturates: bool = False
    #: Logarithmic derivative, ``operand -> slope``, of a function of exponential growth.
    logarithmic: Callable[[Node], Term] | None = None


def _of_gate(gate: Gate) -> Rule:
    """Take the partial derivatives of a gate, which nodes compute as numbers do; equal nodes are one."""
    return lambda v, *x: tuple(formula(*x) for formula in gate.partials.formulas)


def _power(v: Node, x: Node, y: Node) -> tuple[Partial, Partial]:
    if y.name == "constant":
        by_base = 0.0 if y.value == 0.0 else 1.0 if y.value == 1.0 else y * x ** (y.value - 1.0)
        return by_base, None
    by_base = select(y == 0.0, 0.0, y * x ** (y - 1.0))
    return by_base, select((x != 0.0) | (y < 0.0), v * apply("log", x), 0.0)


#: Coefficients of the slope of ``sin(u) / u`` in odd powers of `u`, the highest first: exact to rounding up to pi / 2.
_SINC_SLOPE = tuple((-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(11, 0, -1))


def _sinc(v: Node, x: Node) -> tuple[Partial]:
    """By the series near 0, where the closed form cancels and has no value, nor have its own derivatives."""
    angle = math.pi * x
    series: Term = 0.0
    for coefficient in _SINC_SLOPE:
        series = coefficient + series * (angle * angle)
    return (select(abs(x) < 0.5, math.pi * angle * series, (apply("cos", angle) - v) / x),)


def _ratio(x: Node, y: Node, inside: Term) -> Term:
    """Slope ``x / y`` inside of the domain of a logarithm that x is a factor of; outside 0 for ``x = 0``, else NaN."""
    ratio: Term = select(inside, x / y, select((x == 0.0) & (y == y), 0.0, math.nan))
    return ratio


def _inside(condition: Node, slope: Term) -> Term:
    """Return the slope inside of the domain, NaN outside."""
    inside: Term = select(condition, slope, math.nan)
    return inside


def _arctan2(v: Node, y: Node, x: Node) -> tuple[Partial, Partial]:
    radius = apply("hypot", x, y)
    return x / radius / radius, -(y / radius / radius)


def _root(x: Node) -> Term:
    """Return ``sqrt(1 - x**2)``."""
    root: Term = apply("sqrt", (1.0 - x) * (1.0 + x))
    return root


def _step(low: Node, high: Node) -> Term:
    """0 where `low` holds, 1 where `high` does, NaN where neither."""
    step: Term = select(low, 0.0, select(high, 1.0, math.nan))
    return step


def _choice(first: Node) -> tuple[Partial, Partial]:
    """Return the partials of what takes one of two operands."""
    return select(first, 1.0, 0.0), select(first, 0.0, 1.0)


_bounded = partial(Derivative, growth=Growth.BOUNDED)
_saturating = partial(_bounded, saturates=True)
_polynomial = partial(Derivative, growth=Growth.POWER)
_ramp = partial(_polynomial, saturates=True)

DERIVATIVES: dict[str, Derivative] = {
    "exp": Derivative(_of_gate(gates.exp), Growth.EXPONENTIAL, True, lambda u: 1.0),
    "exp2": Derivative(lambda v, x: (_LN_2 * v,), Growth.EXPONENTIAL, True, lambda u: _LN_2),
    "expm1": Derivative(lambda v, x: (apply("exp", x),), Growth.EXPONENTIAL, True),
    "sinh": Derivative(lambda v, x: (apply("cosh", x),), Growth.EXPONENTIAL, False, lambda u: 1.0 / apply("tanh", u)),
    "cosh": Derivative(lambda v, x: (apply("sinh", x),), Growth.EXPONENTIAL, False, lambda u: apply("tanh", u)),
    "sin": _bounded(_of_gate(gates.sin)),
    "cos": _bounded(_of_gate(gates.cos)),
    "arctan": _bounded(lambda v, x: (1.0 / (1.0 + x * x),)),
    "arctan2": _bounded(_arctan2),
    "sign": _bounded(None),
    "heaviside": _bounded(lambda v, x, y: (None, select(x == 0.0, 1.0, 0.0))),
    "sigmoid": _saturating(lambda v, x: (apply("sigmoid'", x),)),
    "sigmoid'": _saturating(lambda v, x: (-(v * apply("tanh", 0.5 * x)),)),
    "tanh": _saturating(lambda v, x: (apply("tanh'", x),)),
    "tanh'": _saturating(lambda v, x: (-2.0 * (v * apply("tanh", x)),)),
    "erf": _saturating(lambda v, x: (2.0 / _ROOT_PI * apply("exp", -(x * x)),)),
    "erfc": _saturating(lambda v, x: (-2.0 / _ROOT_PI * apply("exp", -(x * x)),)),
    "ndtr": _saturating(lambda v, x: (1.0 / math.sqrt(2.0 * math.pi) * apply("exp", -0.5 * (x * x)),)),
    "add": _polynomial(_of_gate(gates.add)),
    "subtract": _polynomial(_of_gate(gates.subtract)),
    "multiply": _polynomial(_of_gate(gates.multiply)),
    "negative": _polynomial(_of_gate(gates.negative)),
    "square": _polynomial(_of_gate(gates.square)),
    "hypot": _polynomial(lambda v, x, y: (select(v == 0.0, 0.0, x / v), select(v == 0.0, 0.0, y / v))),
    "arcsinh": _polynomial(lambda v, x: (1.0 / apply("hypot", 1.0, x),)),
    "maximum": _polynomial(lambda v, x, y: (_step(x < y, x >= y), _step(x >= y, x < y))),
    "minimum": _polynomial(lambda v, x, y: (_step(x > y, x <= y), _step(x <= y, x > y))),
    "fmax": _polynomial(lambda v, x, y: _choice((x >= y) | (y != y))),
    "fmin": _polynomial(lambda v, x, y: _choice((x <= y) | (y != y))),
    "absolute": _polynomial(lambda v, x: (apply("sign", x),)),
    "relu": _polynomial(lambda v, x: (_step(x <= 0.0, x > 0.0),)),
    "where": _polynomial(lambda v, condition, x, y: (None, *_choice(condition))),
    "softplus": _ramp(lambda v, x: (apply("sigmoid", x),)),
    "logaddexp": _ramp(lambda v, x, y: (apply("sigmoid", x - y), apply("sigmoid", y - x))),
    "divide": Derivative(lambda v, x, y: (1.0 / y, -(v * (1.0 / y)))),
    "reciprocal": Derivative(lambda v, x: (-(v * v),)),
    "share": Derivative(lambda v, x, y: (y / (x + y) / (x + y), -(v / (x + y)))),
    "remainder": Derivative(lambda v, x, y: (1.0, -apply("floor", x / y))),
    "fmod": Derivative(lambda v, x, y: (1.0, -apply("trunc", x / y))),
    "power": Derivative(_power),
    "general_power": Derivative(_power),
    "sinc": Derivative(_sinc),
    "xlogy": Derivative(lambda v, x, y: (apply("log", y), _ratio(x, y, y > 0.0))),
    "xlog1py": Derivative(lambda v, x, y: (apply("log1p", y), _ratio(x, 1.0 + y, y > -1.0))),
    "entr": Derivative(lambda v, x: (-apply("log", x) - 1.0,)),
    "rel_entr": Derivative(lambda v, x, y: (apply("log", x / y) + 1.0, -_ratio(x, y, x / y >= 0.0))),
    "kl_div": Derivative(lambda v, x, y: (apply("log", x / y), 1.0 - _ratio(x, y, x / y >= 0.0))),
    "log": Derivative(lambda v, x: (_inside(x > 0.0, 1.0 / x),)),
    "log2": Derivative(lambda v, x: (_inside(x > 0.0, 1.0 / (_LN_2 * x)),)),
    "log10": Derivative(lambda v, x: (_inside(x > 0.0, 1.0 / (_LN_10 * x)),)),
    "log1p": Derivative(lambda v, x: (_inside(x > -1.0, 1.0 / (1.0 + x)),)),
    "sqrt": Derivative(_of_gate(gates.sqrt)),
    "cbrt": Derivative(lambda v, x: (1.0 / (3.0 * (v * v)),)),
    "tan": Derivative(lambda v, x: (1.0 + v * v,)),
    "arcsin": Derivative(lambda v, x: (1.0 / _root(x),)),
    "arccos": Derivative(lambda v, x: (-1.0 / _root(x),)),
    "arccosh": Derivative(lambda v, x: (1.0 / (apply("sqrt", x - 1.0) * apply("sqrt", x + 1.0)),)),
    "arctanh": Derivative(lambda v, x: (_inside(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x))),)),
    "logaddexp2": Derivative(lambda v, x, y: (apply("sigmoid", _LN_2 * (x - y)), apply("sigmoid", _LN_2 * (y - x)))),
    "copysign": Derivative(lambda v, x, y: (apply("copysign", 1.0, x) * apply("copysign", 1.0, y), None)),
    **dict.fromkeys(("floor", "ceil", "rint", "trunc"), Derivative(None)),
}

_FLAT = Derivative(None)


@dataclass(frozen=True, eq=False)
class GatePrimitive(Primitive):
    """A primitive of a caller's gate, with its partials."""

    partials: Rule | None = None


def derivative_of(primitive: Primitive) -> Derivative:
    """Return the derivative of a primitive; inputs, constants and conditions have none."""
    if isinstance(primitive, GatePrimitive):
        return Derivative(primitive.partials)
    if primitive.is_condition or primitive.name in ("input", "constant"):
        return _FLAT
    if primitive.name not in DERIVATIVES:
        raise TypeError(
            f"`{primitive.name}` must have partial derivatives. Make it a gate with `fg.gate(partials=...)`."
        )
    return DERIVATIVES[primitive.name]
