"""What a circuit is made of: all gates, and what stands for NumPy's ufuncs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from . import _kinked, _smooth  # noqa: F401 (they fill `PRIMITIVES`)
from ._primitive import PRIMITIVES, Primitive, apply, select

__all__ = ["PRIMITIVES", "Primitive", "apply", "select", "through_ufunc"]

#: NumPy's ufuncs under other names than ours.
_ALIASES = {
    "true_divide": "divide", "float_power": "power", "fabs": "absolute", "mod": "remainder", "expit": "sigmoid",
}  # fmt: skip

#: What is one more operation away.
_WRITTEN_OUT: dict[str, Callable[..., Any]] = {
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
    "xlog1py": lambda x, y: select(x == 0.0, 0.0 * y, x * apply("log1p", y)),
    "entr": lambda x: select(x == 0.0, 0.0, -x * apply("log", x)),
    "rel_entr": lambda x, y: select(x == 0.0, 0.0 * y, x * apply("log", x / y)),
    "kl_div": lambda x, y: select(x == 0.0, y, x * apply("log", x / y) - x + y),
    "log_expit": lambda x: -apply("softplus", -x),
}


def through_ufunc(name: str, *operands: Any) -> Any:
    """Pass `operands` through the gate that stands for a ufunc, `NotImplemented` if there is none."""
    if name in _WRITTEN_OUT:
        return _WRITTEN_OUT[name](*operands)
    known = _ALIASES.get(name, name)
    return apply(known, *operands) if known in PRIMITIVES else NotImplemented
