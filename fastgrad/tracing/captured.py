"""Captured numbers: what a function refers to, as inputs of its program, and the paths from the function to them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numba.core.dispatcher import Dispatcher

from .graph import Graph, Node
from .nodes import Nodes, elementwise
from .primitives import PRIMITIVES, apply
from .purity import BUILTINS, checked_function, read_names
from .refusals import refusal
from .substitution import LIBRARIES, OF_SCIPY, ModuleProxy, copy_function, on_nodes

#: The numbers of a function that captures none.
_NOTHING = np.zeros(1)


class Path(NamedTuple):
    """The path from a function to a captured number or array: the same for all closures of its code."""

    holder: Any
    """The path to the holder; None for the function itself."""
    part: str
    key: Any = None

    def read(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Return the value at the end of the path."""
        if self.part == "argument":
            return args[self.key]
        holder = f if self.holder is None else self.holder.read(f, args)
        if self.part == "item":
            return holder[self.key]
        if self.part == "attribute":
            return vars(holder)[self.key]
        if self.part == "__closure__":
            return holder.__closure__[self.key].cell_contents
        value = getattr(holder, self.part)
        return value if self.key is None else value[self.key]


class Captured:
    """Substitutes for what a function refers to, and the paths to its numbers.

    Captured numbers become inputs of `graph` from `first` on, except the `zeros`, which are constants. Values that
    `kept` accepts, gates, are not substituted.
    """

    def __init__(
        self,
        graph: Any,
        first: int,
        kept: Callable[[Any], bool] | None = None,
        zeros: Mapping[int, float] | None = None,
    ) -> None:
        self._graph, self._first, self._memo = graph, first, dict[Any, Any]()
        self._kept, self._zeros = kept or (lambda value: False), zeros or {}
        self.paths: list[tuple[Path, tuple[int, ...] | None]] = []
        self.count = 0
        self.constants: list[tuple[Path, Any]] = []

    def forget(self) -> None:
        """Drop references to the function and the graph; the paths remain."""
        self._memo.clear()
        self._graph = None

    def values(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Return all captured numbers as they are now; None if one has another type or shape."""
        if not self.paths and not self.constants:
            return _NOTHING
        try:
            values = [path.read(f, args) for path, _ in self.paths]
            constants = [(path.read(f, args), content) for path, content in self.constants]
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            return None
        for value, content in constants:
            if type(value) is not type(content) or value.dtype != content.dtype or value.shape != content.shape:
                return None
            if value.tobytes() != content.tobytes():
                return None
        numbers = np.empty(max(self.count, 1))
        start = 0
        for value, (_, shape) in zip(values, self.paths, strict=True):
            if shape is None:
                if type(value) is not float and type(value) is not np.float64:
                    return None
                numbers[start] = value
                start += 1
            else:
                if type(value) is not np.ndarray or value.dtype != np.float64 or value.shape != shape:
                    return None
                numbers[start : start + value.size] = value.ravel()
                start += value.size
        return numbers

    def datum(self, value: Any, path: Path) -> Any:
        """Substitute inputs of the program for a number, or an array of numbers."""
        if not isinstance(value, np.ndarray):
            self.paths.append((path, None))
            return self._next()
        nodes = np.empty(value.size, object)
        for i in range(value.size):
            nodes[i] = self._next()
        self.paths.append((path, value.shape))
        array = nodes.reshape(value.shape).view(Nodes)
        array.flags.writeable = False
        return array

    def _next(self) -> Node:
        """Return the node of the next captured number."""
        position, self.count = self.count, self.count + 1
        zero = self._zeros.get(position)
        graph: Graph = self._graph
        return graph.input(self._first + position) if zero is None else graph.constant(zero)

    def _constant(self, value: Any, path: Path) -> Any:
        """Keep numbers of other types as constants of the program."""
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        self.constants.append((path, value))
        return value

    def value(self, value: Any, path: Path) -> Any:
        """Substitute for a value."""
        kind = type(value)
        if kind is float or kind is np.float64:
            return self.datum(value, path)
        if value is None or value is Ellipsis or kind in (bool, int, str):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "fiub":
            return self._constant(value, path)
        if kind is np.ndarray and value.dtype.kind in "fiub":
            if value.dtype == np.float64:
                return self.datum(value, path)
            return self._constant(value.copy(), path)
        if kind is tuple:
            return tuple(self.value(item, Path(path, "item", i)) for i, item in enumerate(value))
        if isinstance(value, ModuleType):
            return ModuleProxy(value, functools.partial(self._attribute, value, path))
        if not callable(value):
            raise refusal(f"a {kind.__name__} that it refers to", "Pass what it holds as arguments")
        return self.function(value, path)

    def _attribute(self, module: ModuleType, path: Path, name: str) -> Any:
        """Substitute for an attribute of a module."""
        value = getattr(module, name)
        if module.__name__ in ("numpy", "math", "cmath") and isinstance(value, float):
            return value
        if isinstance(value, ModuleType) and module is np and name != "linalg":
            raise refusal(f"`np.{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")
        return self.value(value, Path(path, "attribute", name))

    def function(self, value: Any, path: Path | None = None) -> Any:
        """Substitute for a callable."""
        if self._kept(value):
            return value
        if isinstance(value, Dispatcher):
            return self.function(value.py_func, Path(path, "py_func"))
        if isinstance(value, functools.partial):
            args = [self.value(a, Path(path, "args", i)) for i, a in enumerate(value.args)]
            named = {k: self.value(a, Path(path, "keywords", k)) for k, a in value.keywords.items()}
            return functools.partial(self.function(value.func, Path(path, "func")), *args, **named)
        if id(value) in self._memo:
            return self._memo[id(value)][1]
        formula = getattr(value, "__formula__", None)
        if isinstance(formula, FunctionType):
            if formula.__module__.partition(".")[0] == "fastgrad" and formula.__name__ in PRIMITIVES:
                return on_nodes(value, lambda *x: elementwise(functools.partial(apply, formula.__name__), x))
            return self.function(formula, Path(path, "__formula__"))
        module = getattr(value, "__module__", None) or ""
        top, name = module.partition(".")[0], getattr(value, "__name__", "")
        if module == "scipy.special._logsumexp" and name in OF_SCIPY:
            return on_nodes(value, OF_SCIPY[name])
        if isinstance(value, FunctionType) and top not in LIBRARIES and top not in sys.stdlib_module_names:
            return self._copy_function(value, path)
        return checked_function(value)

    def _copy_function(self, f: FunctionType, origin: Path | None) -> FunctionType:
        """Copy a caller's function, with substitutes for all that it refers to."""
        names = read_names(f.__code__)
        for name in names:
            if name not in f.__globals__ and name not in BUILTINS:
                raise refusal(f"`{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")

        def substitute(value: Any, part: str, key: Any) -> Any:
            return self.value(value, Path(origin, part, key))

        def remember(copy: FunctionType) -> None:
            self._memo[id(f)] = f, copy

        return copy_function(f, names, BUILTINS, substitute, remember)


def argument(captured: Captured, value: Any, i: int) -> Any:
    """Substitute for a further argument of `f`."""
    whole = isinstance(value, (int, np.integer, np.bool_)) and -(1 << 63) <= value < 1 << 63
    if whole or type(value) in (float, np.float64) or isinstance(value, (np.float32, np.ndarray)):
        return captured.value(value, Path(None, "argument", i))
    raise refusal(f"an argument of type {type(value).__name__}", "Pass numbers and arrays")
