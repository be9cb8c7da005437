"""Partial derivatives of gates with kinks and jumps: those of the branch that is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..tracing import apply, select


def _step(no: Any, yes: Any) -> Any:
    """0 where `no` holds, 1 where `yes` does, NaN where neither."""
    return select(no, 0.0, select(yes, 1.0, math.nan))


def _sign(x: Any) -> Any:
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))


def _ignoring_nan(better: Callable[[Any, Any], Any]) -> Callable[..., tuple[Any, ...]]:
    """Return the rule of `fmax` or `fmin`, which take a number rather than a NaN."""

    def partials(v: Any, x: Any, y: Any) -> tuple[Any, Any]:
        taken = better(x, y) | (y != y)
        return select(taken, 1.0, 0.0), select(taken, 0.0, 1.0)

    return partials


KINKED: dict[str, Callable[..., tuple[Any, ...]]] = {
    "maximum": lambda v, x, y: (_step(x < y, x >= y), _step(x >= y, x < y)),
    "minimum": lambda v, x, y: (_step(x > y, x <= y), _step(x <= y, x > y)),
    "fmax": _ignoring_nan(lambda x, y: x >= y),
    "fmin": _ignoring_nan(lambda x, y: x <= y),
    "absolute": lambda v, x: (_sign(x),),
    "relu": lambda v, x: (_step(x <= 0.0, x > 0.0),),
    "heaviside": lambda v, x, y: (None, select(x == 0.0, 1.0, 0.0)),
    "copysign": lambda v, x, y: (apply("copysign", 1.0, x) * apply("copysign", 1.0, y), None),
    "where": lambda v, c, x, y: (None, select(c, 1.0, 0.0), select(c, 0.0, 1.0)),
}
