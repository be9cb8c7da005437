"""What a function may use if it is to depend on its arguments and captured numbers alone.

A branch on a value is refused by `Traced`. This module refuses everything else that a run on symbols does not see:
handlers of exceptions, state that outlives a call, random numbers, clocks, types and texts of values, and functions of
NumPy that treat arrays of objects in another way than numbers. Only what is listed is allowed. So a program that agrees
with the function at a few points is the function.
"""

from __future__ import annotations

import builtins
import dis
import functools
from types import BuiltinFunctionType, CodeType
from typing import Any, NoReturn

import numpy as np

from .._typing import Function
from .nodes import FUNCTIONS
from .refusals import refusal, refuse_rounding
from .substitution import SUBSTITUTES, has_nodes

#: Instructions that reach beyond the variables of a function, or branch on exceptions or types.
_INSTRUCTIONS = {
    "STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME", "STORE_ATTR", "DELETE_ATTR", "DELETE_DEREF", "LOAD_BUILD_CLASS",
    "PUSH_EXC_INFO", "SETUP_FINALLY", "SETUP_WITH", "MATCH_CLASS", "MATCH_MAPPING", "MATCH_SEQUENCE", "MATCH_KEYS",
    "SEND", "YIELD_FROM", "GET_AWAITABLE",
}  # fmt: skip

#: Attributes that depend on the storage of numbers, or convert to Python's numbers, which raise where NumPy's overflow.
_REPRESENTATION = {
    "dtype", "itemsize", "nbytes", "strides", "flags", "ctypes", "data", "base", "view", "tobytes", "tofile", "dump",
    "dumps", "setflags", "byteswap", "newbyteorder", "getfield", "setfield", "resize", "is_integer", "hex",
    "as_integer_ratio", "tolist", "item", "tostring", "device", "to_device",
}  # fmt: skip

BUILTINS = {
    name: SUBSTITUTES.get(getattr(builtins, name), getattr(builtins, name))
    for name in (
        "abs", "len", "range", "sum", "min", "max", "enumerate", "zip", "map", "list", "tuple", "float", "int", "bool",
        "reversed", "pow", "round", "any", "all", "slice", "dict",
    )
}  # fmt: skip
BUILTINS.update({k: v for k, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException)})

#: Functions whose substitutes round differently: `fsum` rounds once, its substitute at every step.
_ROUNDING = {"fsum", "round", "around"}

#: NumPy's functions of arrays that treat nodes as they treat numbers: those that are replaced, and those that work on
#: arrays of objects.
_NUMPY_FUNCTIONS = {function.__name__ for function in FUNCTIONS} - _ROUNDING | set(
    """
    append arange argwhere array array_split asarray ascontiguousarray atleast_1d atleast_2d atleast_3d broadcast_arrays
    broadcast_to column_stack concatenate convolve copy correlate cross delete diag diagflat diagonal diff dot dstack
    ediff1d einsum empty empty_like expand_dims eye flip fliplr flipud full hsplit hstack identity indices inner insert
    ix_ kron meshgrid moveaxis ndim ones outer polyval ravel repeat reshape roll rot90 shape size split squeeze stack
    swapaxes take tensordot tile trace transpose trapezoid tri tril tril_indices triu triu_indices vdot vsplit vstack
    zeros zeros_like
    """.split()
)
_UFUNCS_REFUSED = {"floor_divide", "divmod", "frexp", "ldexp", "modf", "spacing", "nextafter"}

#: Functions of other libraries that treat nodes as they treat numbers.
_MODULES = ("_operator", "_functools")


def refuse_function(value: object) -> NoReturn:
    """Refuse a function that is not listed."""
    name = getattr(value, "__qualname__", getattr(value, "__name__", repr(value)))
    raise refusal(f"`{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")


def checked_function(value: Function) -> Function:
    """Return the substitute for a function of NumPy, `math` or another library; refuse it unless it is listed."""
    top, name = (getattr(value, "__module__", None) or "").partition(".")[0], getattr(value, "__name__", "")
    if isinstance(value, np.ufunc):
        return refuse_function(value) if name in _UFUNCS_REFUSED else value
    if isinstance(value, type) and (value is np.float64 or BUILTINS.get(name) is value):
        return SUBSTITUTES.get(value, value)
    substitute: Function | None = None
    try:
        substitute = SUBSTITUTES.get(value) if name not in _ROUNDING else None
    except TypeError:  # it cannot be hashed
        pass
    if substitute is not None and (top != "numpy" or name in _NUMPY_FUNCTIONS):
        return _without_types(substitute)
    if top == "numpy" and name in _NUMPY_FUNCTIONS and getattr(np, name, None) is value:
        return _without_types(value)
    if isinstance(value, BuiltinFunctionType) and (value.__module__ in _MODULES or BUILTINS.get(name) is value):
        return value
    return refuse_function(value)


def _without_types(function: Function) -> Function:
    """Return the function, refusing to round nodes to another type than float64."""

    @functools.wraps(function)
    def strict(*args: object, **named: Any) -> Any:
        if has_nodes(args):
            refuse_rounding(named.get("dtype"))
            if any(isinstance(a, str) for a in args[1:]):
                raise refusal("a type given as text", "Leave values float64")
        return function(*args, **named)

    return strict


@functools.lru_cache(maxsize=256)
def check_code(code: CodeType, enclosed: frozenset[str] = frozenset()) -> None:
    """Refuse code that reaches beyond the variables of its function."""
    for instruction in dis.get_instructions(code):
        operation, name = instruction.opname, instruction.argval
        if operation in _INSTRUCTIONS:
            raise refusal(f"`{code.co_name}` uses {operation}", "Leave that out of `f`")
        if operation in ("LOAD_ATTR", "LOAD_METHOD") and (name in _REPRESENTATION or name.startswith("__")):
            raise refusal(f"`.{name}`", "Leave that out of `f`")
        elif operation == "STORE_DEREF" and name in code.co_freevars and name not in enclosed:
            raise refusal(f"a change of `{name}`", "Return it instead")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            check_code(constant, enclosed | frozenset(code.co_cellvars))
