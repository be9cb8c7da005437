"""The partial derivatives of every gate of a circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..tracing import Primitive
from ._kinked import KINKED
from ._smooth import SMOOTH

Rule = Callable[..., tuple[Any, ...]]

_PARTIALS: dict[str, Rule] = {**SMOOTH, **KINKED}


@dataclass(frozen=True, eq=False)
class GatePrimitive(Primitive):
    """A primitive of a user's gate, which brings its partials along.

    Parameters
    ----------
    partials : callable
        Rule ``(value, *operands) -> partials``.
    """

    partials: Rule | None = None


def partials_of(gate: Primitive) -> Rule | None:
    """Return the rule ``(value, *operands) -> partials`` of a gate; None for what has no slope."""
    return gate.partials if isinstance(gate, GatePrimitive) else _PARTIALS.get(gate.name)
