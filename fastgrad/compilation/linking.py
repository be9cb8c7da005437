"""What a function that was read is made of, and copies of it: the one that Numba can compile, and others."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import NamedTuple

from numba.core.registry import CPUDispatcher

from ..elementary import Kernel
from .captured import Slot
from .dependencies import References
from .pipeline import jit
from .slots import taking


class Part:
    """A function that was read: what copies of it are made of."""

    __slots__ = (
        "captures", "cells", "code", "defaults", "is_gate", "kernel", "keywords", "module", "name", "references",
        "scope",
    )  # fmt: skip

    def __init__(self, f: FunctionType, references: References) -> None:
        self.code, self.name, self.module, self.references = f.__code__, f.__name__, f.__module__ or "", references
        self.scope: dict[str, object] = {}
        self.cells: list[object] = []
        self.defaults: tuple[object, ...] = ()
        self.keywords: dict[str, object] = {}
        self.captures = False
        """Whether it, or a helper of it, refers to captured values."""
        self.is_gate = False
        """Whether it is the formula of a gate."""
        self.kernel: CPUDispatcher | None = None

    def copy(self, link: Callable[[object], object], builtin_names: ModuleType | dict[str, object]) -> FunctionType:
        """Make a copy that refers to what `link` returns for each value."""
        scope = {"__builtins__": builtin_names, **{name: link(value) for name, value in self.scope.items()}}
        cells = tuple(CellType(link(value)) for value in self.cells)
        copy = FunctionType(self.code, scope, self.name, tuple(map(link, self.defaults)) or None, cells)
        copy.__kwdefaults__ = {name: link(value) for name, value in self.keywords.items()} or None
        return copy

    def kernel_copy(self) -> FunctionType:
        """Make the copy that Numba can compile."""
        copy = self.copy(link, builtins)
        if copy.__defaults__:  # captured defaults are given in every call
            copy.__defaults__ = tuple(0.0 if isinstance(value, Slot) else value for value in copy.__defaults__)
        return taking(copy) if self.captures else copy


class Module:
    """What is used of a module, or of an object or a dictionary."""

    __slots__ = ("attributes", "is_module", "name")

    def __init__(self, name: str, is_module: bool = False) -> None:
        self.name, self.is_module, self.attributes = name, is_module, dict[str, object]()


class Replaced(NamedTuple):
    """A function of NumPy, math or scipy.special, and the kernel that machine code calls instead."""

    function: object
    kernel: Kernel


def link(value: object) -> object:
    """Return what stands for a value in the copy that Numba can compile."""
    if isinstance(value, Part):
        if value.kernel is None:
            value.kernel = jit(value.kernel_copy())
        return value.kernel
    if isinstance(value, Replaced):
        return value.kernel
    if isinstance(value, Module):
        module = ModuleType(value.name)
        for name, attribute in value.attributes.items():
            setattr(module, name, link(attribute))
        return module
    return tuple(map(link, value)) if type(value) is tuple else value


def captures(value: object) -> bool:
    """Whether what stands for a value takes captured values."""
    if isinstance(value, Module):
        return any(map(captures, value.attributes.values()))
    if type(value) is tuple:
        return any(map(captures, value))
    return isinstance(value, Slot) or (isinstance(value, Part) and value.captures)
