"""Functions that are known to write to nothing but what they return, or are told to."""

from __future__ import annotations

import builtins
import cmath
import math
import sys
from types import BuiltinFunctionType
from typing import Any

import numpy as np

from .belongings import HELD, OWN, TYPES, Method, Plain, Unproven

#: Functions of NumPy that return memory of their own, and how many positional arguments they take before `out`.
FRESH: dict[Any, int] = {getattr(np, name): most for name, most in {
    "all": 2, "allclose": 4, "amax": 2, "amin": 2, "any": 2, "arange": 4, "argmax": 2, "argmin": 2, "argsort": 2,
    "average": 3, "clip": 3, "convolve": 3, "copy": 1, "count_nonzero": 2, "cumprod": 3, "cumsum": 3, "digitize": 3,
    "dot": 2, "empty": 2, "empty_like": 2, "full": 3, "full_like": 3, "gradient": 2, "i0": 1, "inner": 2, "interp": 6,
    "isclose": 4, "iscomplexobj": 1, "isscalar": 1, "linspace": 3, "max": 2, "mean": 3, "median": 2, "min": 2,
    "nan_to_num": 1, "nanmax": 2, "nanmean": 3, "nanmin": 2, "nansum": 3, "ndim": 1, "ones": 2, "ones_like": 2,
    "outer": 2, "polyval": 2, "prod": 3, "ptp": 2, "result_type": 9, "searchsorted": 4, "select": 3, "shape": 1,
    "sinc": 1, "size": 2, "std": 3, "sum": 3, "take": 2, "tensordot": 3, "trapezoid": 4, "unwrap": 2, "vander": 3,
    "var": 3, "where": 3, "zeros": 2, "zeros_like": 2,
}.items()}  # fmt: skip

#: The same for functions of NumPy whose result may be a view of what they are given, or hold it.
VIEWS: dict[Any, int] = {getattr(np, name): most for name, most in {
    "around": 2, "array": 1, "asarray": 2, "ascontiguousarray": 2, "atleast_1d": 9, "atleast_2d": 9,
    "broadcast_arrays": 9, "broadcast_to": 2, "column_stack": 1, "concatenate": 2, "diff": 3, "expand_dims": 2,
    "flip": 2, "hstack": 1, "imag": 1, "moveaxis": 3, "ravel": 1, "real": 1, "repeat": 3, "reshape": 2, "roll": 3,
    "round": 2, "squeeze": 2, "stack": 2, "swapaxes": 3, "tile": 2, "transpose": 2, "vstack": 1,
}.items()}  # fmt: skip

#: Methods of arrays, and how many positional arguments they take before `out`: those that return memory of their own,
#: those that return views, and those that write into the array.
FRESH_METHODS = {
    "all": 1, "any": 1, "argmax": 1, "argmin": 1, "clip": 2, "copy": 1, "cumprod": 2, "cumsum": 2, "dot": 1,
    "flatten": 1, "item": 9, "max": 1, "mean": 2, "min": 1, "nonzero": 0, "prod": 2, "repeat": 2, "std": 2,
    "sum": 2, "take": 2, "tolist": 0, "var": 2,
}  # fmt: skip
VIEW_METHODS = {
    "astype": 3, "conj": 0, "conjugate": 0, "ravel": 1, "reshape": 9, "round": 1, "squeeze": 1, "swapaxes": 2,
    "transpose": 9,
}  # fmt: skip
_WRITING_METHODS = {"fill": 1, "sort": 2}

#: What may be said by name. `out` is looked at apart, `copy=False` would change an argument or return it.
KEYWORDS = {
    "axis", "axis1", "axis2", "ddof", "decimals", "default", "dtype", "endpoint", "equal_nan", "fill_value", "initial",
    "keepdims", "left", "n", "nan", "neginf", "num", "period", "posinf", "right", "rtol", "atol", "start", "stop",
    "where", "a_max", "a_min", "max", "min",
}  # fmt: skip

_SEVERAL = {np.atleast_1d, np.atleast_2d, np.broadcast_arrays}
_KINDS = {type(f) for f in (*FRESH, *VIEWS)}

#: Functions of Python whose result is a number, and those whose result holds what they are given.
_NUMBERS = {abs, bool, complex, divmod, float, int, len, pow, round}
_HOLDERS = {enumerate, list, max, min, range, reversed, slice, sum, tuple, zip}
_ERRORS = {v for v in vars(builtins).values() if isinstance(v, type) and issubclass(v, Exception)}


def is_ufunc(value: Any) -> bool:
    """Whether one of NumPy's own ufuncs or SciPy's; others may be any code."""
    if type(value) is not np.ufunc:
        return False
    homes = [np, sys.modules.get("scipy.special")]
    return any(getattr(home, value.__name__, None) is value for home in homes if home) and value.types != ["O->O"]


def called(value: Any) -> tuple[bool, int, Plain] | None:
    """Whether a function takes keywords, its most positional arguments, and what it returns; None if it is not known.

    A result said to be shared is so if an argument is.
    """
    if type(value) in (type, BuiltinFunctionType):
        if value in _NUMBERS:
            return False, 3, OWN
        if value in TYPES:
            return False, 1, Plain(True, True)
        if value in _HOLDERS:
            return False, 99, Plain(True, False)
        if value in _ERRORS:
            return False, 99, HELD
        if getattr(value, "__self__", None) in (math, cmath):
            return False, 99, OWN
    if type(value) in _KINDS:
        if value in FRESH:
            return True, FRESH[value], OWN
        if value in VIEWS:
            return True, VIEWS[value], Plain(True, value not in _SEVERAL)
    return None


def method(f: Method, given: int) -> Plain:
    """Return what a method of an array returns for so many positional arguments."""
    for names, result in ((FRESH_METHODS, OWN), (VIEW_METHODS, f.of)):
        if given <= names.get(f.name, -1):
            return result
    if given <= _WRITING_METHODS.get(f.name, -1) and not f.of.shared:
        return HELD
    raise Unproven(f"calls `.{f.name}`")
