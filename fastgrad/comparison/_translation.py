"""A function that somebody wrote for floats, copied for another library's numbers.

Every reference to `math`, NumPy or `scipy.special` is replaced by the library's equal, helpers included.
"""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np
import scipy.special

assert scipy.special  # what `f` may refer to must be there to be recognised

Equal = Callable[[str], Callable[..., Any] | None]


class Untranslatable(Exception):
    """The function uses something that the library has no equal for."""


class _Stand:
    """A module as the copy sees it: functions replaced, numbers kept as the floats that `f` uses."""

    def __init__(self, module: ModuleType, equal: Equal) -> None:
        self._module, self._equal = module, equal

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if isinstance(value, ModuleType):
            return _Stand(value, self._equal)
        if isinstance(value, (int, float)) or value is None:
            return value
        return _stand_in(name, self._equal)


def _stand_in(name: str, equal: Equal) -> Callable[..., Any]:
    found = equal(name)
    if found is None:
        raise Untranslatable(f"it uses `{name}`")
    return found


class Translator:
    """Copies a function and everything it refers to.

    Parameters
    ----------
    equal : callable
        Gives what stands in for a function of `math`, NumPy or `scipy.special`, by its name; None for none.
    named : dict
        What stands in for builtins.
    array : callable
        Makes an array of the caller's into one of the library's.
    library : str
        The package whose own functions are left as they are.
    """

    def __init__(self, equal: Equal, named: dict[str, Any], array: Callable[[Any], Any], library: str) -> None:
        self._equal, self._array, self._library = equal, array, library
        self._copies: dict[int, Any] = {}
        self._builtins = {**vars(builtins), **named}

    def copied(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Copy `f`.

        Raises
        ------
        Untranslatable
            When it uses something that has no equal in the library.
        """
        copy = self.value(f)
        if not callable(copy) or (copy is f and not self._theirs(f)):
            raise Untranslatable(f"it is a {type(f).__name__} that cannot be read")
        return copy  # type: ignore[no-any-return]

    def _theirs(self, value: Any) -> bool:
        """Tell what belongs to the library."""
        place = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        return str(place or type(value).__module__).partition(".")[0].removesuffix("lib") == self._library

    def value(self, value: Any) -> Any:
        """Return what stands for `value` in the copy."""
        package = str(getattr(value, "__module__", "") or "").partition(".")[0]
        if self._theirs(value):
            return value
        formula = getattr(value, "__formula__", getattr(value, "py_func", value))
        if isinstance(value, ModuleType):
            known = value.__name__.partition(".")[0] in ("math", "cmath", "numpy", "scipy")
            return _Stand(value, self._equal) if known else _Own(value, self)
        if isinstance(value, np.ufunc) or value is np.float64 or package in ("math", "numpy", "scipy"):
            if isinstance(value, np.generic):
                return value.item()
            if isinstance(value, np.ndarray):
                return self._array(value)
            return _stand_in(str(getattr(value, "__name__", value)), self._equal)
        if isinstance(formula, FunctionType):
            return self._function(formula)
        if isinstance(value, functools.partial):
            keywords = {k: self.value(v) for k, v in value.keywords.items()}
            return functools.partial(self.value(value.func), *map(self.value, value.args), **keywords)
        if inspect.ismethod(value):
            return functools.partial(self.value(value.__func__), value.__self__)
        return self._array(value) if isinstance(value, np.ndarray) else value

    def _function(self, f: FunctionType) -> Any:
        if id(f) not in self._copies:
            names: dict[str, Any] = {"__builtins__": self._builtins}
            copy = FunctionType(f.__code__, names, f.__name__, f.__defaults__, None if not f.__closure__ else tuple(
                CellType() for _ in f.__closure__))  # fmt: skip
            copy.__kwdefaults__ = f.__kwdefaults__
            self._copies[id(f)] = copy
            for name in _loaded(f.__code__):
                if name in f.__globals__:
                    names[name] = self.value(f.__globals__[name])
            for cell, original in zip(copy.__closure__ or (), f.__closure__ or (), strict=True):
                cell.cell_contents = self.value(original.cell_contents)
        return self._copies[id(f)]


class _Own:
    """One of the caller's own modules as the copy sees it."""

    def __init__(self, module: ModuleType, translator: Translator) -> None:
        self._module, self._translator = module, translator

    def __getattr__(self, name: str) -> Any:
        return self._translator.value(getattr(self._module, name))


def _loaded(code: Any) -> set[str]:
    """Names that a function may load, those of the functions inside it included."""
    inside = (_loaded(c) for c in code.co_consts if hasattr(c, "co_names"))
    return set(code.co_names).union(*inside)
