"""A call of a public function with its arrays taken out: what can be done again with other arrays, elsewhere.

This is how a container is dealt with: take the arrays out of it, do the same call with what was inside, put the results
back. What is inside may be another container; the call, being one of a public function, looks inside that in turn.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..arguments import argument, check_vector, checked_bounds
from ..array_kinds import PLAIN, REFUSED, kinds, unreadable


class Place(NamedTuple):
    """Stands in a call where an array was."""

    nth: int


class _StandIn:
    """Stands for the caller's function, which is not to be called, where only arguments and types are looked at."""

    def __init__(self, f: Callable[..., Any]) -> None:
        try:
            self.__signature__ = inspect.signature(f)
        except (TypeError, ValueError):  # some builtins do not tell
            pass

    def __call__(self, *args: Any) -> float:
        return 0.0


@dataclass(frozen=True)
class Call:
    """A function and what it is called with, open where arrays stood; it travels as far as its parts do."""

    function: Callable[..., Any]
    f: Callable[..., Any]
    positional: tuple[Any, ...]
    named: dict[str, Any]
    names: tuple[str, ...]
    """What messages call the arrays that were taken out."""
    cores: tuple[int, ...]
    """For each of them, the number of the vector that its last axis is along, or 0; the other axes are the batch."""
    axes: str
    """Axes that results have after those of the batch: d, again e, of the coordinates; m of the outputs, if any."""
    along: int
    """The vector whose coordinates those are."""
    fields: int
    """How many arrays the call returns; more than one come as a tuple."""
    telling: bool
    """Whether `f` itself must be asked how results look: how many outputs, or of which type."""

    def __call__(self, *operands: Any) -> Any:
        """Do the call with these arrays."""
        positional = _filled(self.positional, operands)
        return self.function(self.f, *positional, **{k: _filled(v, operands) for k, v in self.named.items()})

    @property
    def vectors(self) -> bool:
        """Whether it is about vectors."""
        return any(self.cores)

    def with_one_worker(self) -> Call:
        """Do the call on the thread that asks, unless the caller wants more of them."""
        if self.named.get("workers", 1) is None:
            return replace(self, named={**self.named, "workers": 1})
        return self

    def preview(self, operands: Sequence[Any]) -> Any:
        """Do the call with arrays without points: results that tell type and axes.

        All arguments are checked on the way. `f` is called only if the number of its outputs is asked for: then at a
        vector of ones.
        """
        asked = self.telling or not callable(self.f)  # what cannot be called is refused by the call
        return (self if asked else replace(self, f=_StandIn(self.f)))(*operands)

    def loops(self, operands: Sequence[Any]) -> list[int]:
        """How many axes of the batch each of the arrays has."""
        return [np.ndim(o) - bool(core) for o, core in zip(operands, self.cores, strict=True)]


def emptied(
    function: Callable[..., Any],
    f: Any,
    points: dict[str, Any],
    named: dict[str, Any],
    axes: str,
    vectors: bool | dict[str, int],
    fields: int,
    telling: bool,
    along: int = 1,
) -> tuple[Call, list[Any]]:
    """Take the arrays out of a call: the call, and the arrays. Numbers stay in it.

    With ``vectors=True`` all arrays are along one vector, whose number is 1; of several vectors a dictionary tells the
    numbers by name.
    """
    shared = vectors is True
    operands: list[Any] = []
    names: list[str] = []
    cores: list[int] = []

    def place(value: Any, name: str, core: int = shared) -> Any:
        kind = kinds[type(value)]
        if kind == REFUSED:
            raise unreadable(value, name)
        if core and not shared and getattr(value, "ndim", 1) == 0:  # a number is no vector, and the call will say so
            kind, value = PLAIN, np.asarray(value)[()]
        if value is None or (kind is PLAIN and np.ndim(value) == 0):
            return value
        operands.append(argument(value, name) if kind is PLAIN else value)
        names.append(name)
        cores.append(core)
        return Place(len(operands) - 1)

    for name, value in points.items() if shared else ():
        if hasattr(value, "ndim"):  # a Dataset has none
            check_vector(value, name)
    known = vectors if isinstance(vectors, dict) else {}
    positional = tuple(place(value, name, known.get(name, shared)) for name, value in points.items())
    named = dict(named)
    moving = shared and not ("v" in points and axes == "m")  # a step along a vector is a number for each point
    for name in ("step", "rel_step"):
        if name in named:
            named[name] = place(named[name], name, moving)
    bounds: Any = named.get("bounds")
    if hasattr(bounds, "lb"):
        bounds = (bounds.lb, bounds.ub)
    if isinstance(bounds, (tuple, list)):
        named["bounds"] = tuple(place(limit, f"bounds[{i}]") for i, limit in enumerate(bounds))
    elif bounds is not None:
        checked_bounds(bounds)  # says that it is no pair; left where it is, the call would come back here for ever
    return Call(function, f, positional, named, tuple(names), tuple(cores), axes, along, fields, telling), operands


def _filled(value: Any, operands: Sequence[Any]) -> Any:
    """Put the arrays back."""
    if isinstance(value, Place):
        return operands[value.nth]
    if type(value) is tuple:
        return tuple(_filled(v, operands) for v in value)
    return value
