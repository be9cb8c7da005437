"""What a program is made of: primitives, each a text and the same in NumPy. No derivatives: `circuits` has those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import elementary


@dataclass(frozen=True, eq=False)
class Primitive:
    """A primitive of a program.

    Parameters
    ----------
    name : str
        What it is called in programs and pictures.
    text : str or None
        Python text over its operands' names; None if it is written out by `expand`.
    evaluate : callable or None
        The same in NumPy, for constants and pictures.
    expand : callable or None
        The primitive in terms of simpler ones, for the compiler.
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
    expand: Callable[..., Any] | None = None
    condition: bool = False
    symbol: str | None = None
    names: dict[str, Any] = field(default_factory=dict)
    key: bytes = b""


PRIMITIVES: dict[str, Primitive] = {}


def primitive(name: str, text: str | None, evaluate: Any, **more: Any) -> None:
    """Add a primitive that has a text."""
    PRIMITIVES[name] = Primitive(name, text, evaluate, **more)


def kernel(name: str, evaluate: Any, nin: int = 1) -> None:
    """Add a function of `elementary`."""
    text = f"{name}({', '.join(f'{{{i}}}' for i in range(nin))})"
    primitive(name, text, evaluate, names={name: getattr(elementary, name)})


def composed(name: str, expand: Any, evaluate: Any) -> None:
    """Add a primitive that the compiler gets in simpler ones."""
    primitive(name, None, evaluate, expand=expand)


def apply(name: str, *operands: Any) -> Any:
    """Pass `operands`, one of which is a node, through a primitive."""
    return next(o for o in operands if hasattr(o, "graph")).graph.apply(name, *operands)


def select(condition: Any, yes: Any, no: Any) -> Any:
    """Take `yes` where the condition holds, else `no`; nothing of the other branch gets through."""
    if isinstance(condition, (bool, float)):
        return yes if condition else no
    return apply("where", condition, yes, no)
