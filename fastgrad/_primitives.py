"""What a circuit is made of: primitive gates, each with its partial derivatives written as nodes.

A rule gets the value of its gate and its operands, all nodes, and returns one partial for each operand: a node, a
number, or None where nothing depends on it. What the value already holds is not computed again: ``exp`` is its own
slope. What would cancel or overflow is avoided: the slopes of `sigmoid` and `tanh`, gates of their own, come from
``exp(-abs(x))`` and are right in both tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import elementary

_NAN = math.nan
_LN_2 = math.log(2.0)
_LN_10 = math.log(10.0)


@dataclass(frozen=True, eq=False)
class Primitive:
    """A gate of a circuit.

    Parameters
    ----------
    name : str
        What it is called in programs and pictures.
    text : str or None
        Python text over its operands' names; None if it is written out by `expand`.
    evaluate : callable or None
        The same in NumPy, for constants and pictures.
    partials : callable or None
        Rule ``(value, *operands) -> partials``; None for what has no slope.
    expand : callable or None
        The gate in terms of simpler ones, for the compiler.
    condition : bool
        Whether its values are true and false.
    symbol : str or None
        How people write it, with one brace for each operand.
    names : dict
        What the names in `text` stand for.
    key : bytes
        Tells apart the functions behind equal names.
    """

    name: str
    text: str | None = None
    evaluate: Callable[..., Any] | None = None
    partials: Callable[..., tuple[Any, ...]] | None = None
    expand: Callable[..., Any] | None = None
    condition: bool = False
    symbol: str | None = None
    names: dict[str, Any] = field(default_factory=dict)
    key: bytes = b""


PRIMITIVES: dict[str, Primitive] = {}


def _primitive(name: str, text: str | None, evaluate: Any, partials: Any = None, **more: Any) -> None:
    PRIMITIVES[name] = Primitive(name, text, evaluate, partials, **more)


def _kernel(name: str, evaluate: Any, partials: Any, nin: int = 1) -> None:
    """Add a function of `elementary`."""
    text = f"{name}({', '.join(f'{{{i}}}' for i in range(nin))})"
    _primitive(name, text, evaluate, partials, names={name: getattr(elementary, name)})


def _composed(name: str, expand: Any, evaluate: Any, partials: Any) -> None:
    """Add a gate that the compiler gets in simpler ones."""
    _primitive(name, None, evaluate, partials, expand=expand)


def apply(name: str, *operands: Any) -> Any:
    """Pass `operands`, one of which is a node, through a gate."""
    return next(o for o in operands if hasattr(o, "graph")).graph.apply(PRIMITIVES[name], *operands)


def select(condition: Any, yes: Any, no: Any) -> Any:
    """Take `yes` where the condition holds, else `no`; nothing of the other branch gets through."""
    if isinstance(condition, (bool, float)):
        return yes if condition else no
    return apply("where", condition, yes, no)


# Arithmetic ------------------------------------------------------------------------------------------------------

_primitive("input", None, None)
_primitive("constant", None, None)
_primitive("add", "{0} + {1}", np.add, lambda v, x, y: (1.0, 1.0), symbol="{} + {}")
_primitive("subtract", "{0} - {1}", np.subtract, lambda v, x, y: (1.0, -1.0), symbol="{} - {}")
_primitive("multiply", "{0} * {1}", np.multiply, lambda v, x, y: (y, x), symbol="{} * {}")
_primitive("divide", "{0} / {1}", np.divide, lambda v, x, y: (1.0 / y, -(v * (1.0 / y))), symbol="{} / {}")
_primitive("negative", "-{0}", np.negative, lambda v, x: (-1.0,), symbol="-{}")
_composed("square", lambda x: x * x, np.square, lambda v, x: (2.0 * x,))
_composed("reciprocal", lambda x: 1.0 / x, np.reciprocal, lambda v, x: (-(v * v),))
_primitive("remainder", "{0} % {1}", np.remainder, lambda v, x, y: (1.0, -apply("floor", x / y)), symbol="{} % {}")
_primitive("fmod", "fmod({0}, {1})", np.fmod, lambda v, x, y: (1.0, -apply("trunc", x / y)), names={"fmod": np.fmod})


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
_primitive(
    "general_power", "power({0}, {1})", np.power, _power_partials, names={"power": elementary.power}, symbol="{} ** {}"
)

# Smooth ----------------------------------------------------------------------------------------------------------


def _in_domain(inside: Any, slope: Any) -> Any:
    return select(inside, slope, _NAN)


_kernel("exp", np.exp, lambda v, x: (v,))
_kernel("exp2", np.exp2, lambda v, x: (_LN_2 * v,))
_kernel("expm1", np.expm1, lambda v, x: (apply("exp", x),))
_kernel("log", np.log, lambda v, x: (_in_domain(x > 0.0, 1.0 / x),))
_kernel("log2", np.log2, lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_2 * x)),))
_kernel("log10", np.log10, lambda v, x: (_in_domain(x > 0.0, 1.0 / (_LN_10 * x)),))
_kernel("log1p", np.log1p, lambda v, x: (_in_domain(x > -1.0, 1.0 / (1.0 + x)),))
_kernel("sqrt", np.sqrt, lambda v, x: (0.5 / v,))
_kernel("cbrt", np.cbrt, lambda v, x: (1.0 / (3.0 * (v * v)),))
_kernel("sin", np.sin, lambda v, x: (apply("cos", x),))
_kernel("cos", np.cos, lambda v, x: (-apply("sin", x),))
_kernel("tan", np.tan, lambda v, x: (1.0 + v * v,))
_kernel("arcsin", np.arcsin, lambda v, x: (1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),))
_kernel("arccos", np.arccos, lambda v, x: (-1.0 / apply("sqrt", (1.0 - x) * (1.0 + x)),))
_kernel("arctan", np.arctan, lambda v, x: (1.0 / (1.0 + x * x),))
_kernel("sinh", np.sinh, lambda v, x: (apply("cosh", x),))
_kernel("cosh", np.cosh, lambda v, x: (apply("sinh", x),))
_kernel("arcsinh", np.arcsinh, lambda v, x: (1.0 / apply("hypot", 1.0, x),))
_kernel("arccosh", np.arccosh, lambda v, x: (1.0 / (apply("sqrt", x - 1.0) * apply("sqrt", x + 1.0)),))
_kernel("arctanh", np.arctanh, lambda v, x: (_in_domain(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x))),))
_kernel("hypot", np.hypot, lambda v, x, y: (select(v == 0.0, 0.0, x / v), select(v == 0.0, 0.0, y / v)), 2)


def _arctan2_partials(v: Any, y: Any, x: Any) -> tuple[Any, Any]:
    radius = apply("hypot", x, y)
    return x / radius / radius, -(y / radius / radius)


_kernel("arctan2", np.arctan2, _arctan2_partials, 2)
_kernel("logaddexp", np.logaddexp, lambda v, x, y: (apply("sigmoid", x - y), apply("sigmoid", y - x)), 2)
_composed(
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


def _expit(x: Any) -> Any:
    small = np.exp(-abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus(x: Any) -> Any:
    return select(x > 0.0, x, 0.0) + apply("log1p", apply("exp", -abs(x)))


_composed("sigmoid", _sigmoid, _expit, lambda v, x: (apply("sigmoid'", x),))
_composed("sigmoid'", _hump, None, lambda v, x: (-(v * apply("tanh", 0.5 * x)),))
_kernel("tanh", np.tanh, lambda v, x: (apply("tanh'", x),))
_composed("tanh'", lambda x: 4.0 * _hump(2.0 * x), None, lambda v, x: (-2.0 * (v * apply("tanh", x)),))
_composed(
    "softplus", _softplus, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), lambda v, x: (apply("sigmoid", x),)
)


def _from_math(function: Callable[[float], float]) -> Callable[..., Any]:
    return np.vectorize(function, otypes=[np.float64])


_kernel("erf", _from_math(math.erf), lambda v, x: (2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),))
_kernel("erfc", _from_math(math.erfc), lambda v, x: (-2.0 / math.sqrt(math.pi) * apply("exp", -(x * x)),))
_composed(
    "ndtr",
    lambda x: 0.5 * apply("erfc", -math.sqrt(0.5) * x),
    _from_math(lambda x: 0.5 * math.erfc(-math.sqrt(0.5) * x)),
    lambda v, x: (1.0 / math.sqrt(2.0 * math.pi) * apply("exp", -0.5 * (x * x)),),
)

# Kinked: the partials of the branch that is taken ----------------------------------------------------------------


def _step(no: Any, yes: Any) -> Any:
    """0 where `no` holds, 1 where `yes` does, NaN where neither."""
    return select(no, 0.0, select(yes, 1.0, _NAN))


def _sign(x: Any) -> Any:
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))


_composed(
    "maximum",
    lambda x, y: select(x >= y, x, select(x < y, y, x + y)),
    np.maximum,
    lambda v, x, y: (_step(x < y, x >= y), _step(x >= y, x < y)),
)
_composed(
    "minimum",
    lambda x, y: select(x <= y, x, select(x > y, y, x + y)),
    np.minimum,
    lambda v, x, y: (_step(x > y, x <= y), _step(x <= y, x > y)),
)


def _ignoring_nan(name: str, evaluate: Any, better: Callable[[Any, Any], Any]) -> None:
    """Add `fmax` or `fmin`, which take a number rather than a NaN."""

    def taken(x: Any, y: Any) -> Any:
        return better(x, y) | (y != y)

    def partials(v: Any, x: Any, y: Any) -> tuple[Any, Any]:
        return select(taken(x, y), 1.0, 0.0), select(taken(x, y), 0.0, 1.0)

    _composed(name, lambda x, y: select(taken(x, y), x, y), evaluate, partials)


_ignoring_nan("fmax", np.fmax, lambda x, y: x >= y)
_ignoring_nan("fmin", np.fmin, lambda x, y: x <= y)
_primitive("absolute", "abs({0})", np.absolute, lambda v, x: (_sign(x),), symbol="|{}|")
_composed(
    "relu",
    lambda x: select((x > 0.0) | (x != x), x, 0.0),
    lambda x: np.where((x > 0) | (x != x), x, 0.0),
    lambda v, x: (_step(x <= 0.0, x > 0.0),),
)
_composed("sign", _sign, np.sign, None)
_composed(
    "heaviside",
    lambda x, y: select(x > 0.0, 1.0, select(x < 0.0, 0.0, select(x == 0.0, y, x))),
    np.heaviside,
    lambda v, x, y: (None, select(x == 0.0, 1.0, 0.0)),
)
_primitive(
    "copysign",
    "copysign({0}, {1})",
    np.copysign,
    lambda v, x, y: (apply("copysign", 1.0, x) * apply("copysign", 1.0, y), None),
    names={"copysign": np.copysign},
)
for _name in ("floor", "ceil", "rint", "trunc"):
    _primitive(_name, f"{_name}({{0}})", getattr(np, _name), names={_name: getattr(np, _name)})

# Conditions ------------------------------------------------------------------------------------------------------

for _name, _sign_of in {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}.items():  # fmt: skip
    _primitive(_name, f"{{0}} {_sign_of} {{1}}", getattr(np, _name), condition=True, symbol=f"{{}} {_sign_of} {{}}")
_primitive("logical_and", "{0} & {1}", np.logical_and, condition=True, symbol="{} and {}")
_primitive("logical_or", "{0} | {1}", np.logical_or, condition=True, symbol="{} or {}")
_primitive("logical_not", "{0} == False", np.logical_not, condition=True, symbol="not {}")
PRIMITIVES["logical_xor"] = Primitive(
    "logical_xor", None, np.logical_xor, None, lambda x, y: (x | y) & ~(x & y), condition=True
)
_primitive(
    "where",
    "select({0}, {1}, {2})",
    lambda c, x, y: np.where(c, x, y),
    lambda v, c, x, y: (None, select(c, 1.0, 0.0), select(c, 0.0, 1.0)),
)

#: NumPy's ufuncs under other names than ours.
_ALIASES = {
    "true_divide": "divide", "float_power": "power", "fabs": "absolute", "mod": "remainder", "expit": "sigmoid",
}  # fmt: skip

#: What is one more operation away.
WRITTEN_OUT: dict[str, Callable[..., Any]] = {
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "deg2rad": lambda x: x * (math.pi / 180.0),
    "radians": lambda x: x * (math.pi / 180.0),
    "rad2deg": lambda x: x * (180.0 / math.pi),
    "degrees": lambda x: x * (180.0 / math.pi),
    "floor_divide": lambda x, y: apply("floor", x / y),
    "isnan": lambda x: x != x,
    "isinf": lambda x: abs(x) == math.inf,
    "isfinite": lambda x: abs(x) < math.inf,
    "signbit": lambda x: apply("copysign", 1.0, x) < 0.0,
    "bitwise_and": lambda x, y: apply("logical_and", x, y),
    "bitwise_or": lambda x, y: apply("logical_or", x, y),
    "bitwise_xor": lambda x, y: apply("logical_xor", x, y),
    "invert": lambda x: apply("logical_not", x),
    "clip": lambda x, low, high: apply("minimum", apply("maximum", x, low), high),
    "logit": lambda x: apply("log", x / (1.0 - x)),
    "xlogy": lambda x, y: select(x == 0.0, 0.0 * y, x * apply("log", y)),
}


def through_ufunc(name: str, *operands: Any) -> Any:
    """Pass `operands` through the gate that stands for a ufunc, `NotImplemented` if there is none."""
    if name in WRITTEN_OUT:
        return WRITTEN_OUT[name](*operands)
    known = _ALIASES.get(name, name)
    return apply(known, *operands) if known in PRIMITIVES else NotImplemented
