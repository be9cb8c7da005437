"""What a function refers to, and whether it is still there."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

#: Stands for what a name is bound to that is not bound.
ABSENT = object()


class Watch:
    """What was found when references were followed; whether all of it is still there is asked at every call."""

    __slots__ = ("_arrays", "_cells", "_functions", "_holders", "_latest", "_names")

    def __init__(self) -> None:
        self._functions: list[tuple[weakref.ref[FunctionType], CodeType, Any, Any]] = []
        self._names: list[tuple[Any, str, Any]] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._arrays: list[tuple[np.ndarray[Any, Any], bytes]] = []
        self._holders: list[tuple[Any, list[Any]]] = []
        self._latest: tuple[Callable[[], Any], int] = (lambda: None), id(None)

    def function(self, f: FunctionType) -> None:
        """Watch a function's own parts, and do not hold it."""
        self._functions.append((weakref.ref(f), f.__code__, f.__defaults__, f.__kwdefaults__))

    def name(self, names: Any, name: str, value: Any) -> None:
        """Watch what a name is bound to, `ABSENT` when it is not."""
        self._names.append((names, name, value))
        self._latest = (lambda: names.get(name, ABSENT)), id(value)

    def cell(self, cell: CellType, value: Any) -> None:
        """Watch a closure variable."""
        self._cells.append((cell, value))
        self._latest = (lambda: cell.cell_contents), id(value)

    def array(self, array: np.ndarray[Any, Any], content: bytes) -> None:
        """Watch the content of an array."""
        self._arrays.append((array, content))

    def holder(self, holder: list[Any] | dict[Any, Any]) -> None:
        """Watch which items a list or a dictionary holds."""
        self._holders.append((holder, _items(holder)))

    def latest(self) -> Callable[[], bool]:
        """Return what tells whether the name or variable looked at last is still bound to the same, and keeps it not.

        So at worst another thing at the same address is taken for it.
        """
        look, known = self._latest

        def still() -> bool:
            try:
                return id(look()) == known
            except ValueError:  # a closure variable was deleted
                return False

        return still

    def holds(self) -> bool:
        """Tell whether everything is still what it was."""
        for reference, code, defaults, keywords in self._functions:  # loops: `all` took a microsecond more
            f = reference()
            if f is None or f.__code__ is not code:
                return False
            if f.__defaults__ is not defaults or f.__kwdefaults__ is not keywords:
                return False
        for names, name, value in self._names:
            if names.get(name, ABSENT) is not value:
                return False
        try:
            for cell, value in self._cells:
                if cell.cell_contents is not value:
                    return False
        except ValueError:  # a closure variable was deleted
            return False
        for array, content in self._arrays:
            if array.tobytes() != content:
                return False
        for holder, items in self._holders:
            now = _items(holder)
            if len(now) != len(items) or not all(map(operator.is_, now, items)):
                return False
        return True


def _items(holder: list[Any] | dict[Any, Any]) -> list[Any]:
    return list(holder.values()) if isinstance(holder, dict) else list(holder)
