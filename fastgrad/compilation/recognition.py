"""Properties of code and values: names, digests, whether Numba knows a value, the kernel that stands for it."""

from __future__ import annotations

import builtins
import dis
import hashlib
import os
import sys
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType, SimpleNamespace

import numpy as np
from numba.core.dispatcher import Dispatcher

from ..elementary import REPLACEMENTS, SCIPY_SPECIAL, Kernel
from .dependencies import ITEM
from .operators import Uncompilable
from .pipeline import function_from

NUMPY_UFUNCS = {value for value in vars(np).values() if isinstance(value, np.ufunc)}


def python_function(value: object) -> FunctionType | None:
    """Return the Python function behind one that Numba has compiled, a gate or a circuit; None if there is none."""
    if isinstance(value, FunctionType):
        return value
    function = value.py_func if isinstance(value, Dispatcher) else getattr(value, "__formula__", None)
    return function if isinstance(function, FunctionType) else None


@lru_cache(maxsize=256)
def bound(count: int, names: tuple[str, ...]) -> FunctionType:
    """Write a function that calls another with so many arguments before its own, and others by name."""
    more = "".join(f"a{i}, " for i in range(count))
    named = "".join(f", {name}=k_{name}" for name in names)
    return function_from(f"def bound(*x):\n    return func({more}*x{named})\n", "bound", {})


def is_known(value: object) -> bool:
    """Whether a module, or what is defined in it, is one that Numba knows by itself: it is not read."""
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(home).partition(".")[0] in ("math", "cmath", "numpy")


def elementary(value: object) -> Kernel | None:
    """Return the vectorisable kernel that stands for a function of NumPy, math or scipy.special, if there is one."""
    if not callable(value) or isinstance(value, type):
        return None
    if isinstance(value, np.ufunc) and value not in NUMPY_UFUNCS:
        special = sys.modules.get("scipy.special")
        name = str(value.__name__)
        kernel = SCIPY_SPECIAL.get(name) if getattr(special, name, None) is value else None
    else:
        try:
            kernel = REPLACEMENTS.get(value)
        except TypeError:  # it cannot be hashed
            return None
    return None if os.environ.get("FASTGRAD_ELEMENTARY") == "0" else kernel


@lru_cache(maxsize=256)
def code_key(code: CodeType) -> bytes:
    """Digest of what the code does, wherever it stands."""
    parts: list[object] = [code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    parts += [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_exceptiontable]
    for constant in code.co_consts:
        parts += [code_key(constant)] if isinstance(constant, CodeType) else [type(constant).__name__, constant]
    return hashlib.sha256(repr(parts).encode()).digest()


@lru_cache(maxsize=256)
def names_in(code: CodeType) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of the globals that `code` and the functions inside it load, and of all attributes and entries."""
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
        if isinstance(constant, str):
            attributes.add(ITEM + constant)
        if isinstance(constant, CodeType):
            inner = names_in(constant)
            names.update(inner[0])
            attributes.update(inner[1])
    return tuple(sorted(names)), frozenset(attributes)


def holds_attributes(value: object) -> bool:
    """Whether the attributes of an object are what its `__dict__` holds; functions, gates and arrays are no objects."""
    others = (FunctionType, Dispatcher, BuiltinFunctionType, np.ndarray, np.generic, np.ufunc, type, ModuleType)
    if isinstance(value, others) or is_known(value) or hasattr(value, "__formula__"):
        return False
    kind = type(value)
    generic = kind is SimpleNamespace or kind.__getattribute__ is object.__getattribute__
    if not generic or hasattr(kind, "__getattr__"):
        return False
    return type(getattr(value, "__dict__", None)) is dict


def is_builtin(name: str, value: object) -> bool:
    """Whether a value is Python's own, and not one that was added to the builtins."""
    if value is not vars(builtins).get(name):
        return False
    own = isinstance(value, (BuiltinFunctionType, type)) and value.__module__ == "builtins"
    return own or value is Ellipsis or value is NotImplemented
