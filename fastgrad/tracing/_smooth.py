"""Arithmetic and smooth primitives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import elementary
from ._primitive import PRIMITIVES, Primitive, apply, composed, kernel, primitive, select

_LN_2 = math.log(2.0)

# Arithmetic ------------------------------------------------------------------------------------------------------

primitive("input", None, None)
primitive("constant", None, None)
primitive("add", "{0} + {1}", np.add, symbol="{} + {}")
primitive("subtract", "{0} - {1}", np.subtract, symbol="{} - {}")
primitive("multiply", "{0} * {1}", np.multiply, symbol="{} * {}")
primitive("divide", "{0} / {1}", np.divide, symbol="{} / {}")
primitive("negative", "-{0}", np.negative, symbol="-{}")
composed("square", lambda x: x * x, np.square)
composed("reciprocal", lambda x: 1.0 / x, np.reciprocal)
composed(  # of a part in the whole: all of it where the part is infinite
    "share",
    lambda x, y: select(abs(x) == math.inf, 1.0, x * (1.0 / (x + y))),
    lambda x, y: np.where(abs(x) == np.inf, 1.0, x / (x + y)),
)
primitive("remainder", "{0} % {1}", np.remainder, symbol="{} % {}")
primitive("fmod", "fmod({0}, {1})", np.fmod, names={"fmod": np.fmod})


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


PRIMITIVES["power"] = Primitive("power", None, np.power, _power, symbol="{} ** {}")
primitive("general_power", "power({0}, {1})", np.power, names={"power": elementary.power}, symbol="{} ** {}")

# Smooth ----------------------------------------------------------------------------------------------------------

for _name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "tanh",
):  # fmt: skip
    kernel(_name, getattr(np, _name))
for _name in ("hypot", "arctan2", "logaddexp"):
    kernel(_name, getattr(np, _name), 2)


def _from_math(function: Callable[[float], float]) -> Callable[..., Any]:
    return np.vectorize(function, otypes=[np.float64])


kernel("erf", _from_math(math.erf))
kernel("erfc", _from_math(math.erfc))
composed("logaddexp2", lambda x, y: apply("logaddexp", _LN_2 * x, _LN_2 * y) / _LN_2, np.logaddexp2)


def _sigmoid(x: Any) -> Any:
    small = apply("exp", -abs(x))
    upper = 1.0 / (1.0 + small)
    return select(x >= 0.0, upper, small * upper)


def _expit(x: Any) -> Any:
    small = np.exp(-abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus(x: Any) -> Any:
    return select(x > 0.0, x, 0.0) + apply("log1p", apply("exp", -abs(x)))


composed("sigmoid", _sigmoid, _expit)
composed("softplus", _softplus, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))))
composed(
    "ndtr",
    lambda x: 0.5 * apply("erfc", -math.sqrt(0.5) * x),
    _from_math(lambda x: 0.5 * math.erfc(-math.sqrt(0.5) * x)),
)
