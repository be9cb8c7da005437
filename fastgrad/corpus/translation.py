"""Functions that were written for floats, copied for the numbers of mpmath or of another library.

Every reference to `math`, NumPy or `scipy.special` is replaced by the library's equal, helpers included.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

assert scipy.special  # imported, so that what `f` refers to is recognised

#: Packages whose functions are replaced by their names.
REPLACED = ("math", "cmath", "numpy", "scipy")


class Untranslatable(Exception):
    """The function uses something that the library has no equal for."""


class _Module:
    """A module as the copy sees it: every attribute replaced."""

    def __init__(self, module: ModuleType, replace: Callable[[str, Any], Any]) -> None:
        self._module, self._replace = module, replace

    def __getattr__(self, name: str) -> Any:
        return self._replace(name, getattr(self._module, name))


class Translator:
    """Copies a function and everything that it refers to, for the numbers of a `library`.

    ``equal(name)`` replaces a function of `math`, NumPy or `scipy.special`, `named` builtins, ``array(a)`` an array.
    Functions of the library itself stay.
    """

    def __init__(
        self, equal: Callable[[str], Callable[..., Any] | None], named: dict[str, Any], array: Callable[[Any], Any],
        library: str,
    ) -> None:  # fmt: skip
        self._equal, self._array, self._library = equal, array, library
        self._copies: dict[int, Any] = {}
        self._builtins = {**vars(builtins), **named}

    def copied(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Copy `f`, or raise `Untranslatable`."""
        copy = self._value(f)
        if not callable(copy) or (copy is f and not self._is_of_library(f)):
            raise Untranslatable(f"it is a {type(f).__name__} that cannot be read")
        return copy  # type: ignore[no-any-return]

    def _is_of_library(self, value: Any) -> bool:
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        return _package(module or type(value).__module__).removesuffix("lib") == self._library

    def _replacement(self, name: str, value: Any) -> Any:
        """Replace an attribute of `math`, NumPy or SciPy; numbers stay the floats that `f` uses."""
        if isinstance(value, ModuleType):
            return _Module(value, self._replacement)
        if value is None or isinstance(value, (int, float)):
            return value
        replacement = self._equal(name)
        if replacement is None:
            raise Untranslatable(f"it uses `{name}`")
        return replacement

    def _value(self, value: Any) -> Any:
        """Return what stands for `value` in the copy."""
        if self._is_of_library(value):
            return value
        if isinstance(value, ModuleType):
            is_replaced = _package(value.__name__) in REPLACED
            return _Module(value, self._replacement if is_replaced else lambda name, attribute: self._value(attribute))
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return self._array(value)
        package = _package(getattr(value, "__module__", ""))
        if isinstance(value, np.ufunc) or package in ("math", "numpy", "scipy"):
            return self._replacement(str(getattr(value, "__name__", getattr(value, "name", value))), value)
        formula = getattr(value, "__formula__", getattr(value, "py_func", value))
        if isinstance(formula, FunctionType):
            return self._function(formula)
        if isinstance(value, functools.partial):
            keywords = {key: self._value(v) for key, v in value.keywords.items()}
            return functools.partial(self._value(value.func), *map(self._value, value.args), **keywords)
        if inspect.ismethod(value):
            return functools.partial(self._value(value.__func__), value.__self__)
        return value

    def _function(self, f: FunctionType) -> Any:
        if id(f) not in self._copies:
            names: dict[str, Any] = {"__builtins__": self._builtins}
            cells = tuple(CellType() for _ in f.__closure__ or ()) or None
            copy = FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
            copy.__kwdefaults__ = f.__kwdefaults__
            self._copies[id(f)] = copy
            names.update({name: self._value(f.__globals__[name]) for name in _names(f.__code__) & f.__globals__.keys()})
            for cell, original in zip(cells or (), f.__closure__ or (), strict=True):
                cell.cell_contents = self._value(original.cell_contents)
        return self._copies[id(f)]


def _package(module: Any) -> str:
    return str(module or "").partition(".")[0]


def _names(code: CodeType) -> set[str]:
    """Return the names that a function may load, those of the functions inside it included."""
    inside = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inside)


#: Functions with other names in mpmath, or where a function of the same name is not quite the same.
_RENAMED = {
    "abs": "fabs", "absolute": "fabs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh",
    "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "lgamma": "loggamma", "gammaln": "loggamma",
    "psi": "digamma", "ndtr": "ncdf", "jv": "besselj", "iv": "besseli", "kv": "besselk", "yv": "bessely",
    "expi": "ei", "pow": "power", "float_power": "power", "eval_legendre": "legendre", "sinc": "sincpi",
}  # fmt: skip
_SAME = (
    "acos acosh asin asinh atan atan2 atanh ceil cos cosh digamma ellipe ellipk erf erfc exp expm1 fabs floor gamma "
    "hypot lambertw log log10 log1p power sign sin sinh sqrt tan tanh zeta beta erfi isfinite isnan isinf fsum"
).split()


def _table() -> dict[str, Any]:
    """Return what replaces the functions of `math`, NumPy and `scipy.special`, by their names."""
    import mpmath as m

    table: dict[str, Any] = {name: getattr(m, name) for name in _SAME}
    return table | {name: getattr(m, other) for name, other in _RENAMED.items()} | {
        "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y, "true_divide": lambda x, y: x / y, "negative": lambda x: -x,
        "positive": lambda x: x, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
        "cbrt": lambda x: m.sign(x) * m.cbrt(abs(x)), "exp2": lambda x: m.mpf(2) ** x, "log2": lambda x: m.log(x, 2),
        "maximum": max, "minimum": min, "fmax": max, "fmin": min, "clip": lambda x, lo, hi: min(max(x, lo), hi),
        "where": lambda yes, x, y: x if yes else y, "heaviside": lambda x, y: y if x == 0 else m.mpf(x > 0),
        "logaddexp": lambda x, y: m.log(m.exp(x) + m.exp(y)), "copysign": lambda x, y: abs(x) * (-1 if y < 0 else 1),
        "expit": lambda x: 1 / (1 + m.exp(-x)), "logit": lambda p: m.log(p / (1 - p)),
        "log_ndtr": lambda x: m.log(m.ncdf(x)), "xlogy": lambda x, y: x and x * m.log(y),
        "erfcx": lambda x: m.exp(x * x) * m.erfc(x), "j0": lambda x: m.besselj(0, x), "j1": lambda x: m.besselj(1, x),
        "i0": lambda x: m.besseli(0, x), "i1": lambda x: m.besseli(1, x), "real": lambda x: x, "float64": m.mpf,
        "asarray": lambda x, *_, **__: x, "asanyarray": lambda x, *_, **__: x, "atleast_1d": lambda x: x,
        "i0e": lambda x: m.besseli(0, x) * m.exp(-abs(x)),
        "dawsn": lambda x: m.sqrt(m.pi) / 2 * m.exp(-x * x) * m.erfi(x),
        "ndtri": lambda p: -m.sqrt(2) * m.erfinv(1 - 2 * p), "sici": lambda x: (m.si(x), m.ci(x)),
        "gammainc": lambda a, x: m.gammainc(a, 0, x, regularized=True),
        "betainc": lambda a, b, x: m.betainc(a, b, 0, x, regularized=True),
        "norm": SimpleNamespace(cdf=m.ncdf, pdf=m.npdf),
        "round": lambda x, digits=0: m.nint(x * 10**digits) / 10**digits,
        "zeros_like": lambda x, *_, **__: m.mpf(0), "ones_like": lambda x, *_, **__: m.mpf(1),
        "errstate": lambda **_: contextlib.nullcontext(),
    }  # fmt: skip


def for_mpmath(f: Callable[..., Any]) -> Callable[..., Any]:
    """Copy `f` for mpmath's numbers, or raise `Untranslatable`."""
    import mpmath

    return Translator(_table().get, {"float": mpmath.mpf}, lambda array: array.astype(object), "mpmath").copied(f)
