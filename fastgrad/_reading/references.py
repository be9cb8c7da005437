"""What a function refers to: read once, for a key by its content and for a copy that Numba can compile.

Numba freezes what a function refers to and knows no plain Python helper. So every function is read through, from its
code into its globals, closures, defaults, helpers and gates. Out of one reading come

- a *key*: equal for functions that must give equal machine code, in this process or another;
- a *linked copy*, whose helpers and gates are compiled in turn;
- the *watched* references: when one of them is bound anew or an array changes, the reading no longer holds.
"""

from __future__ import annotations

import builtins
import dis
import functools
import hashlib
import math
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.dufunc import DUFunc

from .._compiling.kernels import function_from, jit
from .._compiling.operators import Uncompilable
from ..elementary import REPLACEMENTS, SCIPY_SPECIAL
from .watching import ABSENT, Watch

#: Bytes of a captured array that are compared at every call; a function that holds more is called as it is.
_ARRAY_LIMIT = 4096

#: Modules whose classes are what their names say.
_CLASSES_FROM = ("builtins", "numpy")

_NUMPY_UFUNCS = {value for value in vars(np).values() if isinstance(value, np.ufunc)}


class Reading:
    """One function read through; see the module."""

    __slots__ = ("_hash", "_seen", "_start", "_watch", "holds", "key", "linked")

    def __init__(self, f: Callable[..., Any], watch: Watch | None = None) -> None:
        self._hash = hashlib.sha256()
        self._watch = watch or Watch()
        self.holds = self._watch.holds
        self._seen: dict[int, Any] = {}
        function = _as_function(f)
        self._start = None if function is f else function  # `f` itself is watched, not held
        self.linked = self._function(function)
        self.key = self._hash.digest()

    def _add(self, *parts: Any) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else repr(part).encode()
            self._hash.update(b"%d:" % len(data) + data)

    def _function(self, f: FunctionType) -> FunctionType:
        """Read `f` and return the copy whose references are linked."""
        if id(f) in self._seen:
            raise Uncompilable(f"`{f.__qualname__}` calls itself")
        self._seen[id(f)] = None
        code = f.__code__
        self._code(code)
        names, attributes = _names(code)
        linked: dict[str, Any] = {"__builtins__": builtins}
        for name in names:
            value = f.__globals__.get(name, ABSENT)
            self._watch.name(f.__globals__, name, value)
            if value is not ABSENT:
                self._add("global", name)
                linked[name] = self._value(value, attributes)
            elif not hasattr(builtins, name):
                raise Uncompilable(f"`{name}` is not defined")
        cells = []
        for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                raise Uncompilable(f"`{name}` is not defined yet") from None
            self._watch.cell(cell, value)
            self._add("closure", name)
            cells.append(CellType(self._value(value, attributes)))
        self._watch.function(f)
        keywords = f.__kwdefaults__ or {}
        for name, value in keywords.items():
            self._watch.name(keywords, name, value)
        self._add("defaults", len(f.__defaults__ or ()))
        defaults = tuple(self._value(v, attributes) for v in f.__defaults__ or ())
        copy = FunctionType(code, linked, f.__name__, defaults or None, tuple(cells))
        if f.__kwdefaults__:
            copy.__kwdefaults__ = {k: self._value(v, attributes) for k, v in f.__kwdefaults__.items()}
            self._add("keywords", sorted(f.__kwdefaults__))
        self._seen[id(f)] = copy
        return copy

    def _code(self, code: CodeType) -> None:
        """Add what the code does, not where it stands."""
        self._add(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self._add(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        self._add(code.co_exceptiontable)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant)
            else:
                self._add(type(constant).__name__, constant)

    def _value(self, value: Any, attributes: frozenset[str]) -> Any:
        """Add `value` to the key and return what stands for it in the linked copy."""
        kind = type(value)
        if value is None or kind in (bool, int, float, complex, str, bytes):
            self._add(kind.__name__, value)
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "fiubc":
            self._add("scalar", value.dtype.str, value.tobytes())
            return value
        if kind is tuple:
            self._add("tuple", len(value))
            return tuple(self._value(v, attributes) for v in value)
        if kind is np.ndarray and value.dtype.kind in "fiubc" and value.nbytes <= _ARRAY_LIMIT:
            content = value.tobytes()
            self._watch.array(value, content)
            self._add("array", value.dtype.str, value.shape, content)
            return value.copy()
        if isinstance(value, ModuleType):
            return self._module(value, attributes)
        if kernel := _elementary(value):
            self._add("elementary", kernel.py_func.__name__)
            return kernel
        if isinstance(value, np.ufunc) and value in _NUMPY_UFUNCS:
            self._add("ufunc", value.__name__)
            return value
        if isinstance(value, type) and not issubclass(value, BaseException) and value.__module__ not in _CLASSES_FROM:
            raise Uncompilable(f"refers to the class {value.__qualname__}")  # an enumeration is more than its name
        if isinstance(value, (BuiltinFunctionType, type)) or getattr(value, "__module__", "") == "numpy":
            self._add("builtin", getattr(value, "__module__", ""), getattr(value, "__qualname__", repr(kind)))
            return value
        return self._callable(value)

    def _callable(self, value: Any) -> Any:
        """Link a helper function: one the user wrote, compiled himself, or a gate."""
        function = getattr(value, "__formula__", None)
        if isinstance(value, Dispatcher):
            function = value.py_func
        elif isinstance(value, FunctionType):
            function = value
        if not isinstance(function, FunctionType):
            raise Uncompilable(f"refers to {value!r:.80}")
        if self._seen.get(id(function)) is not None:
            self._add("again", list(self._seen).index(id(function)))
            return self._seen[-id(function)]
        self._add("function")
        kernel = jit(self._function(function))
        self._seen[-id(function)] = kernel
        return kernel

    def _module(self, module: ModuleType, attributes: frozenset[str]) -> Any:
        """Link what is used of a module."""
        self._add("module", module.__name__)
        linked = ModuleType(module.__name__)
        for name in sorted(attributes):
            held = vars(module).get(name, ABSENT)
            value = getattr(module, name, ABSENT) if held is ABSENT and _is_known(module) else held
            if value is not ABSENT:
                self._add("attribute", name)
                self._watch.name(vars(module), name, held)
                if _is_known(value) and not isinstance(value, np.ufunc) and not _elementary(value):
                    self._add("known", getattr(value, "__qualname__", ""), type(value).__name__)
                    setattr(linked, name, value)
                else:
                    setattr(linked, name, self._value(value, attributes))
        return linked


def read(f: Callable[..., Any]) -> tuple[Reading | None, Callable[[], bool]]:
    """Read `f` if that can be done; and return what tells whether `f` need not be read again.

    What could not be read is to be read again when that which stood in the way, the last that was looked at, has
    changed: a patch of ``math.sin`` that was taken back.
    """
    watch = Watch()
    try:
        return Reading(f, watch), watch.holds
    except Uncompilable:
        return None, watch.latest()


def _is_known(value: Any) -> bool:
    """Whether a module, or what is defined in it, is one that Numba knows by itself: it is not read."""
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(home).partition(".")[0] in ("math", "cmath", "numpy")


def _elementary(value: Any) -> Any:
    """Return the vectorisable kernel that stands for a function of NumPy, math or scipy.special, if there is one."""
    if not callable(value) or isinstance(value, type) or os.environ.get("FASTGRAD_ELEMENTARY") == "0":
        return None
    if isinstance(value, np.ufunc) and value not in _NUMPY_UFUNCS:
        special = sys.modules.get("scipy.special")
        name = str(value.__name__)
        return SCIPY_SPECIAL.get(name) if getattr(special, name, None) is value else None
    try:
        return REPLACEMENTS.get(value)
    except TypeError:  # it cannot be hashed
        return None


@lru_cache(maxsize=4096)
def _names(code: CodeType) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of the globals that `code` and the functions inside it load, and of all attributes."""
    names: set[str] = set()
    attributes: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            attributes.add(instruction.argval)
        elif instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME"):
            raise Uncompilable(f"`{code.co_name}` uses {instruction.opname}")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = _names(constant)
            names.update(inner[0])
            attributes.update(inner[1])
    return tuple(sorted(names)), frozenset(attributes)


def _as_function(f: Any) -> Any:
    """Return the plain Python function behind `f`, or one that calls it."""
    formula = getattr(f, "__formula__", None)
    if isinstance(formula, FunctionType):
        return formula
    if isinstance(f, FunctionType):
        return f
    if isinstance(f, DUFunc):
        return f._dispatcher.py_func  # type: ignore[attr-defined]
    if isinstance(f, Dispatcher) and isinstance(f.py_func, FunctionType):
        return f.py_func
    if isinstance(f, functools.partial):
        keywords = "".join(f", {name}={name}" for name in f.keywords)
        names = {"func": f.func, "args": f.args, **f.keywords}
        return function_from(f"def bound(*x):\n    return func(*args, *x{keywords})\n", "bound", names)
    if isinstance(f, np.ufunc) or (isinstance(f, BuiltinFunctionType) and f.__self__ is math):

        def call(*x: Any) -> Any:
            return f(*x)

        return call
    raise Uncompilable(f"is a {type(f).__name__}, not a Python function")
