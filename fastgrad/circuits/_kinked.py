"""Gates with kinks and jumps, and conditions: the partials are those of the branch that is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._primitive import PRIMITIVES, Primitive, apply, composed, primitive, select


def _step(no: Any, yes: Any) -> Any:
    """0 where `no` holds, 1 where `yes` does, NaN where neither."""
    return select(no, 0.0, select(yes, 1.0, math.nan))


def _sign(x: Any) -> Any:
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))


composed(
    "maximum",
    lambda x, y: select(x >= y, x, select(x < y, y, x + y)),
    np.maximum,
    lambda v, x, y: (_step(x < y, x >= y), _step(x >= y, x < y)),
)
composed(
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

    composed(name, lambda x, y: select(taken(x, y), x, y), evaluate, partials)


_ignoring_nan("fmax", np.fmax, lambda x, y: x >= y)
_ignoring_nan("fmin", np.fmin, lambda x, y: x <= y)
primitive("absolute", "abs({0})", np.absolute, lambda v, x: (_sign(x),), symbol="|{}|")
composed(
    "relu",
    lambda x: select((x > 0.0) | (x != x), x, 0.0),
    lambda x: np.where((x > 0) | (x != x), x, 0.0),
    lambda v, x: (_step(x <= 0.0, x > 0.0),),
)
composed("sign", _sign, np.sign, None)
composed(
    "heaviside",
    lambda x, y: select(x > 0.0, 1.0, select(x < 0.0, 0.0, select(x == 0.0, y, x))),
    np.heaviside,
    lambda v, x, y: (None, select(x == 0.0, 1.0, 0.0)),
)
primitive(
    "copysign",
    "copysign({0}, {1})",
    np.copysign,
    lambda v, x, y: (apply("copysign", 1.0, x) * apply("copysign", 1.0, y), None),
    names={"copysign": np.copysign},
)
for _name in ("floor", "ceil", "rint", "trunc"):
    primitive(_name, f"{_name}({{0}})", getattr(np, _name), names={_name: getattr(np, _name)})

# Conditions ------------------------------------------------------------------------------------------------------

for _name, _sign_of in {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}.items():  # fmt: skip
    primitive(_name, f"{{0}} {_sign_of} {{1}}", getattr(np, _name), condition=True, symbol=f"{{}} {_sign_of} {{}}")
primitive("logical_and", "{0} & {1}", np.logical_and, condition=True, symbol="{} and {}")
primitive("logical_or", "{0} | {1}", np.logical_or, condition=True, symbol="{} or {}")
primitive("logical_not", "{0} == False", np.logical_not, condition=True, symbol="not {}")
PRIMITIVES["logical_xor"] = Primitive(
    "logical_xor", None, np.logical_xor, None, lambda x, y: (x | y) & ~(x & y), condition=True
)
primitive(
    "where",
    "select({0}, {1}, {2})",
    lambda c, x, y: np.where(c, x, y),
    lambda v, c, x, y: (None, select(c, 1.0, 0.0), select(c, 0.0, 1.0)),
)
