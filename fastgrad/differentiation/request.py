"""What is computed at the points of an elementwise function, and the types of arguments and results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..adaptive_rule import Adaptive
from ..evaluation.called import argument_kinds
from ..rules.complexstep import ComplexStep
from ..rules.stencils import Stencil

#: Mode of the adaptive rule: the arguments are followed by the largest step and the two bounds.
ADAPTIVE = "adaptive"

_DOUBLE = np.dtype(np.float64)


class Request(NamedTuple):
    """What is computed, besides the points."""

    rule: Stencil | Adaptive | ComplexStep
    wrt: int
    mode: str
    """``"auto"``, ``"absolute"`` or ``"relative"`` for a stencil's step, or `ADAPTIVE`."""
    kind: Any = _DOUBLE
    workers: int = 1
    explicit: bool = False
    """Whether the caller gave the number of workers."""

    def arguments(self, operands: list[Any]) -> int:
        """How many of the operands are arguments of `f`."""
        return len(operands) - {"auto": 0, ADAPTIVE: 3}.get(self.mode, 1)

    def kinds(self, operands: list[Any]) -> list[Any]:
        """Types in which the operands are handed out."""
        nargs = self.arguments(operands)
        return argument_kinds(operands[:nargs], self.wrt) + [_DOUBLE] * (len(operands) - nargs)


def refuse_real(out: Any, result: str) -> None:
    """Raise when complex results are to go into a real array."""
    if result == "D" and out.dtype.kind != "c":
        raise TypeError(f"`out` must be complex because `f` returns complex numbers; got {out.dtype}. Leave it out.")


def with_complex(kind: Any, result: str) -> Any:
    """Type of the result array: the complex partner of `kind` when `f` returns complex numbers."""
    return np.result_type(kind, np.complex64) if result == "D" else kind
