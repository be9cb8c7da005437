"""Captured numbers as inputs of a program, and the copy of the caller's function that is run on nodes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from .._typing import Array, FloatArray, Function
from ..compilation.captured import Slot
from ..compilation.linking import Module, Part, Replaced
from ..compilation.recognition import names_in
from ..compilation.references import Reading
from .graph import Graph, Node
from .nodes import Nodes, elementwise
from .primitives import PRIMITIVES, Formula, apply
from .purity import BUILTINS, check_code, checked_function
from .refusals import refusal
from .substitution import LIBRARIES, ModuleProxy

A = TypeVar("A", bound=Array)

#: Captured numbers that become inputs.
_MOST = 4096

#: The numbers of a function that captures none.
_NOTHING = np.zeros(1)


class Captured:
    """The values that a function captures, and its further arguments, as inputs of a program.

    `values` are those that the function of `reading` captures, then the further arguments. Numbers of float64 become
    inputs of `graph` from `first` on, except the `zeros`, which are constants; all other values are constants. Gates
    are replaced by their formulas, or by what ``gate(part)`` returns.
    """

    def __init__(
        self,
        reading: Reading,
        values: Sequence[object],
        graph: Graph,
        first: int,
        gate: Callable[[Part], Formula | None] | None = None,
        zeros: Mapping[int, float] | None = None,
    ) -> None:
        self._part, self._gate, self._zeros = reading.part, gate or _formula, zeros or {}
        self._graph = graph
        self._first = first
        self._copies: dict[Part, Formula | None] = {}
        self._expected: list[object] = []  # of each value: None for a number, the shape of an array, or a constant
        self.count = 0
        self._inputs = [self._input(value) for value in values]
        if self.count > _MOST:
            raise refusal(f"more than {_MOST} captured numbers", "Pass fewer")

    @property
    def function(self) -> Function:
        """The copy of the function."""
        copy: Function = self._link(self._part)
        return copy

    def arguments(self, count: int) -> list[object]:
        """Return what stands for the last `count` of the values."""
        return self._inputs[len(self._inputs) - count :]

    def forget(self) -> None:
        """Drop references to the function and the graph."""
        self._copies.clear()
        self._inputs.clear()
        self._part = self._graph = None  # type: ignore[assignment]

    def numbers(self, values: Sequence[object]) -> FloatArray | None:
        """Return all numbers among values as they are now; None if one has another type or shape."""
        if not self._expected:
            return _NOTHING
        items = list(_items(values))
        if len(items) != len(self._expected):
            return None
        numbers = np.empty(max(self.count, 1))
        start = 0
        for item, expected in zip(items, self._expected, strict=True):
            if expected is None:
                if type(item) is not float and type(item) is not np.float64:
                    return None
                numbers[start] = item
                start += 1
            elif type(expected) is tuple:
                if type(item) is not np.ndarray or item.dtype != np.float64 or item.shape != expected:
                    return None
                numbers[start : start + item.size] = item.ravel()
                start += item.size
            elif not _is_same(item, expected):
                return None
        return numbers

    def _input(self, value: Any) -> object:
        """Make inputs or constants of a value."""
        kind = type(value)
        if kind is tuple:
            return tuple(map(self._input, value))
        if kind is float or kind is np.float64:
            self._expected.append(None)
            return self._next()
        if kind is np.ndarray and value.dtype == np.float64:
            self._expected.append(value.shape)
            nodes = np.empty(value.size, object)
            for i in range(value.size):
                nodes[i] = self._next()
            return _freeze(nodes.reshape(value.shape).view(Nodes))
        if isinstance(value, (np.ndarray, np.generic, int)) and np.asarray(value).dtype.kind in "fiub":
            self._expected.append(_freeze(value.copy()) if isinstance(value, np.ndarray) else value)
            return self._expected[-1]
        raise refusal(f"a value of type {kind.__name__} that it refers to", "Pass numbers and arrays")

    def _next(self) -> Node:
        """Return the node of the next captured number."""
        position, self.count = self.count, self.count + 1
        zero = self._zeros.get(position)
        return self._graph.input(self._first + position) if zero is None else self._graph.constant(zero)

    def _link(self, value: Any) -> Any:
        """Return what stands for a value that was read in the copy."""
        kind = type(value)
        if kind is Slot:
            return self._inputs[value.index]
        if kind is Part:
            if value not in self._copies:
                self._copies[value] = self._gate(value) if value.is_gate else None
                self._copies[value] = self._copies[value] or self._copy(value)
            return self._copies[value]
        if kind is Replaced:
            return checked_function(value.function)
        if kind is Module and value.is_module:
            return ModuleProxy(value.name, functools.partial(self._attribute, value))
        if kind is tuple:
            return tuple(map(self._link, value))
        if isinstance(value, ModuleType):  # of a library
            return ModuleProxy(value.__name__, lambda name: self._link(getattr(value, name)))
        if value is None or value is Ellipsis or kind in (bool, int, float, str):
            return value
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub":
            return _freeze(value.copy()) if type(value) is np.ndarray else value
        if callable(value):
            return checked_function(value)
        name = value.name if kind is Module else kind.__name__
        raise refusal(f"a {name} that it refers to", "Pass what it holds as arguments")

    def _attribute(self, module: Module, name: str) -> object:
        """Return what stands for an attribute of a module."""
        value = module.attributes[name]
        if isinstance(value, (Module, ModuleType)) and module.name == "numpy" and name != "linalg":
            raise refusal(f"`np.{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")
        return self._link(value)

    def _copy(self, part: Part) -> Function:
        """Copy a caller's function."""
        top = part.module.partition(".")[0]
        names = [name for name in names_in(part.code)[0] if name not in part.scope and name not in BUILTINS]
        if names or (top in (*LIBRARIES, *sys.stdlib_module_names) and not part.is_gate):
            name = names[0] if names else part.name
            raise refusal(f"`{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")
        check_code(part.code)
        return part.copy(self._link, BUILTINS)


def _formula(part: Part) -> Formula | None:
    """Return the primitive of a gate of fastgrad's; None for others."""
    if part.module.partition(".")[0] != "fastgrad" or part.name not in PRIMITIVES:
        return None
    return lambda *x: elementwise(functools.partial(apply, part.name), x)


def _freeze(array: A) -> A:
    """Make an array read-only."""
    array.flags.writeable = False
    return array


def _items(values: Sequence[object]) -> Iterator[object]:
    """Yield all values, those of tuples one after the other."""
    for value in values:
        if type(value) is tuple:
            yield from _items(value)
        else:
            yield value


def _is_same(value: Any, constant: Any) -> bool:
    """Whether a value is bit for bit a constant."""
    if type(value) is not type(constant):
        return False
    if not isinstance(value, (np.ndarray, np.generic)):
        return bool(value == constant)
    same = value.dtype == constant.dtype and value.shape == constant.shape and value.tobytes() == constant.tobytes()
    return bool(same)
