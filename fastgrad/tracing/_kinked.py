"""Primitives with kinks and jumps, and conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._primitive import PRIMITIVES, Primitive, composed, primitive, select

composed("maximum", lambda x, y: select(x >= y, x, select(x < y, y, x + y)), np.maximum)
composed("minimum", lambda x, y: select(x <= y, x, select(x > y, y, x + y)), np.minimum)


def _ignoring_nan(name: str, evaluate: Any, better: Callable[[Any, Any], Any]) -> None:
    """Add `fmax` or `fmin`, which take a number rather than a NaN."""
    composed(name, lambda x, y: select(better(x, y) | (y != y), x, y), evaluate)


_ignoring_nan("fmax", np.fmax, lambda x, y: x >= y)
_ignoring_nan("fmin", np.fmin, lambda x, y: x <= y)
primitive("absolute", "abs({0})", np.absolute, symbol="|{}|")
composed("relu", lambda x: select((x > 0.0) | (x != x), x, 0.0), lambda x: np.where((x > 0) | (x != x), x, 0.0))
composed("sign", lambda x: select(x > 0.0, 1.0, select(x < 0.0, -1.0, x)), np.sign)
composed(
    "heaviside",
    lambda x, y: select(x > 0.0, 1.0, select(x < 0.0, 0.0, select(x == 0.0, y, x))),
    np.heaviside,
)
primitive("copysign", "copysign({0}, {1})", np.copysign, names={"copysign": np.copysign})
for _name in ("floor", "ceil", "rint", "trunc"):
    primitive(_name, f"{_name}({{0}})", getattr(np, _name), names={_name: getattr(np, _name)})

# Conditions ------------------------------------------------------------------------------------------------------

for _name, _sign in {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}.items():  # fmt: skip
    primitive(_name, f"{{0}} {_sign} {{1}}", getattr(np, _name), condition=True, symbol=f"{{}} {_sign} {{}}")
primitive("logical_and", "{0} & {1}", np.logical_and, condition=True, symbol="{} and {}")
primitive("logical_or", "{0} | {1}", np.logical_or, condition=True, symbol="{} or {}")
primitive("logical_not", "{0} == False", np.logical_not, condition=True, symbol="not {}")
PRIMITIVES["logical_xor"] = Primitive(
    "logical_xor", None, np.logical_xor, lambda x, y: (x | y) & ~(x & y), condition=True
)
primitive("where", "select({0}, {1}, {2})", lambda c, x, y: np.where(c, x, y))
