"""What a function that was read is made of, and the copy of it that Numba can compile."""

from __future__ import annotations

import builtins
from types import CellType, FunctionType, ModuleType
from typing import Any

from .captured import Slot
from .dependencies import References
from .pipeline import jit
from .slots import taking


class Part:
    """A function that was read: what the copy that Numba can compile is made of."""

    __slots__ = ("captures", "cells", "code", "defaults", "kernel", "keywords", "name", "references", "scope")

    def __init__(self, f: FunctionType, references: References) -> None:
        self.code, self.name, self.references = f.__code__, f.__name__, references
        self.scope: dict[str, Any] = {}
        self.cells: list[Any] = []
        self.defaults: tuple[Any, ...] = ()
        self.keywords: dict[str, Any] = {}
        self.captures = False
        """Whether it, or a helper of it, refers to captured values."""
        self.kernel: Any = None

    def linked(self) -> FunctionType:
        """Make the copy."""
        scope = {"__builtins__": builtins, **{name: linked(value) for name, value in self.scope.items()}}
        cells = tuple(CellType(linked(value)) for value in self.cells)
        # Captured defaults are given in every call.
        defaults = tuple(0.0 if isinstance(v, Slot) else linked(v) for v in self.defaults)
        copy = FunctionType(self.code, scope, self.name, defaults or None, cells)
        if self.keywords:
            copy.__kwdefaults__ = {name: linked(value) for name, value in self.keywords.items()}
        return taking(copy) if self.captures else copy


class Module:
    """What is used of a module."""

    __slots__ = ("attributes", "name")

    def __init__(self, name: str) -> None:
        self.name, self.attributes = name, dict[str, Any]()


def linked(value: Any) -> Any:
    """Return what stands for a value in the linked copy."""
    if isinstance(value, Part):
        if value.kernel is None:
            value.kernel = jit(value.linked())
        return value.kernel
    if isinstance(value, Module):
        module = ModuleType(value.name)
        for name, held in value.attributes.items():
            setattr(module, name, linked(held))
        return module
    return tuple(map(linked, value)) if type(value) is tuple else value


def captures(value: Any) -> bool:
    """Whether what stands for a value takes captured values."""
    if isinstance(value, Module):
        return any(map(captures, value.attributes.values()))
    if type(value) is tuple:
        return any(map(captures, value))
    return isinstance(value, Slot) or (isinstance(value, Part) and value.captures)
