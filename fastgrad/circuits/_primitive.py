"""What a gate of a circuit is: a text, the same in NumPy, and a rule for its partial derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import elementary


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


def primitive(name: str, text: str | None, evaluate: Any, partials: Any = None, **more: Any) -> None:
    """Add a gate that has a text."""
    PRIMITIVES[name] = Primitive(name, text, evaluate, partials, **more)


def kernel(name: str, evaluate: Any, partials: Any, nin: int = 1) -> None:
    """Add a function of `elementary`."""
    text = f"{name}({', '.join(f'{{{i}}}' for i in range(nin))})"
    primitive(name, text, evaluate, partials, names={name: getattr(elementary, name)})


def composed(name: str, expand: Any, evaluate: Any, partials: Any) -> None:
    """Add a gate that the compiler gets in simpler ones."""
    primitive(name, None, evaluate, partials, expand=expand)


def apply(name: str, *operands: Any) -> Any:
    """Pass `operands`, one of which is a node, through a gate."""
    return next(o for o in operands if hasattr(o, "graph")).graph.apply(name, *operands)


def select(condition: Any, yes: Any, no: Any) -> Any:
    """Take `yes` where the condition holds, else `no`; nothing of the other branch gets through."""
    if isinstance(condition, (bool, float)):
        return yes if condition else no
    return apply("where", condition, yes, no)
