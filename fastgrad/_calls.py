"""A call of a public function with its arrays taken out: what can be done again with other arrays, elsewhere.

This is how a container is dealt with: take the arrays out of it, do the same call with what was inside, put the results
back. What is inside may be another container; the call, being one of a public function, looks inside that in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ._kinds import PLAIN, REFUSED, kinds, refusal
from ._operands import argument, check_vector


class Place(NamedTuple):
    """Stands in a call where an array was."""

    nth: int


class _StandIn:
    """A function that is asked for nothing but how the results look; the caller's own is not to be called."""

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
    cores: tuple[bool, ...]
    """For each of them, whether its last axis is that of the vector; the other axes broadcast."""
    axes: str
    """Axes that results have after those of the batch: d, again e, of the coordinates; m of the outputs, if any."""
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
        return (self if self.telling else replace(self, f=_StandIn()))(*operands)

    def loops(self, operands: Sequence[Any]) -> list[int]:
        """How many axes of the batch each of the arrays has."""
        return [np.ndim(o) - core for o, core in zip(operands, self.cores, strict=True)]


def opened(
    function: Callable[..., Any],
    f: Any,
    points: dict[str, Any],
    named: dict[str, Any],
    axes: str,
    vectors: bool,
    fields: int,
    telling: bool,
) -> tuple[Call, list[Any]]:
    """Take the arrays out of a call: the call, and the arrays. Numbers stay in it."""
    operands: list[Any] = []
    names: list[str] = []
    cores: list[bool] = []

    def place(value: Any, name: str, core: bool = vectors) -> Any:
        kind = kinds[type(value)]
        if kind == REFUSED:
            raise refusal(value, name)
        if value is None or (kind is PLAIN and np.ndim(value) == 0):
            return value
        operands.append(argument(value, name) if kind is PLAIN else value)
        names.append(name)
        cores.append(core)
        return Place(len(operands) - 1)

    if vectors and hasattr(points["x"], "ndim"):  # a Dataset has none
        check_vector(points["x"])
    positional = tuple(place(value, name) for name, value in points.items())
    named = dict(named)
    along = "v" in points and axes == "m"  # a step along a vector is a number for each point
    for name in ("step", "rel_step"):
        if name in named:
            named[name] = place(named[name], name, vectors and not along)
    bounds: Any = named.get("bounds")
    if hasattr(bounds, "lb"):
        bounds = (bounds.lb, bounds.ub)
    if isinstance(bounds, (tuple, list)):
        named["bounds"] = tuple(place(limit, f"bounds[{i}]") for i, limit in enumerate(bounds))
    return Call(function, f, positional, named, tuple(names), tuple(cores), axes, fields, telling), operands


def _filled(value: Any, operands: Sequence[Any]) -> Any:
    """Put the arrays back."""
    if isinstance(value, Place):
        return operands[value.nth]
    if type(value) is tuple:
        return tuple(_filled(v, operands) for v in value)
    return value
