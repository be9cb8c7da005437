"""Which functions may be traced for their values: those of their arguments and of captured numbers alone.

A branch on a value refuses by itself, because a node is neither true nor false. What is here refuses the rest of what a
run on symbols would not see: handlers of exceptions, state that outlives a call, random numbers, clocks, types and
texts of values, and functions of NumPy that treat arrays of objects in another way than numbers. Nothing is allowed but
what is listed. So a program that agrees with the function at a few points is the function.
"""

from __future__ import annotations

import builtins
import dis
import functools
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numba.core.dispatcher import Dispatcher

from ._graph import Node
from ._nodes import Nodes, Traced, elementwise
from ._primitives import PRIMITIVES
from ._refusal import refusal, running
from ._substitution import LIBRARIES, OF_SCIPY, SUBSTITUTES, has_nodes, on_nodes

#: Instructions by which code reaches beyond its own variables, or takes its way by what is raised or by types.
_INSTRUCTIONS = {
    "STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME", "STORE_ATTR", "DELETE_ATTR", "DELETE_DEREF", "LOAD_BUILD_CLASS",
    "PUSH_EXC_INFO", "SETUP_FINALLY", "SETUP_WITH", "MATCH_CLASS", "MATCH_MAPPING", "MATCH_SEQUENCE", "MATCH_KEYS",
    "SEND", "YIELD_FROM", "GET_AWAITABLE",
}  # fmt: skip

#: Attributes that tell how numbers are stored, or make Python's numbers of them, which raise where NumPy's overflow.
_REPRESENTATION = {
    "dtype", "itemsize", "nbytes", "strides", "flags", "ctypes", "data", "base", "view", "tobytes", "tofile", "dump",
    "dumps", "setflags", "byteswap", "newbyteorder", "getfield", "setfield", "resize", "is_integer", "hex",
    "as_integer_ratio", "tolist", "item", "tostring", "device", "to_device",
}  # fmt: skip

_BUILTINS = {
    name: SUBSTITUTES.get(getattr(builtins, name), getattr(builtins, name))
    for name in (
        "abs", "len", "range", "sum", "min", "max", "enumerate", "zip", "map", "list", "tuple", "float", "int", "bool",
        "reversed", "pow", "round", "any", "all", "slice", "dict",
    )
}  # fmt: skip
_BUILTINS.update({k: v for k, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException)})

#: NumPy's functions of arrays that treat nodes as they treat numbers, besides ufuncs.
_NUMPY = set(
    """
    append arange argwhere array asarray ascontiguousarray atleast_1d atleast_2d atleast_3d average broadcast_arrays
    broadcast_to column_stack concatenate convolve copy correlate cross cumprod cumsum delete diag diagflat diagonal
    diff dot dstack ediff1d einsum empty empty_like expand_dims eye flip fliplr flipud full hsplit hstack identity
    indices inner insert interp ix_ kron linspace max amax mean meshgrid min amin moveaxis ndim ones outer polyval prod
    ptp ravel repeat reshape roll rot90 select shape sinc size split array_split vsplit squeeze stack std sum swapaxes
    take tensordot tile trace transpose trapezoid tri tril triu tril_indices triu_indices var vdot vstack where zeros
    zeros_like clip any all count_nonzero abs piecewise nansum nanmean nanmax nanmin isnan isinf isfinite
    """.split()
)
_NO_UFUNCS = {"floor_divide", "divmod", "frexp", "ldexp", "modf", "spacing", "nextafter"}
_CONSTANTS = {"pi", "e", "inf", "nan", "newaxis", "euler_gamma"}

#: Functions of other libraries that treat nodes as they treat numbers.
_MODULES = ("_operator", "_functools")

#: Nothing of the table of substitutes but these is refused: `fsum` rounds once, its stand-in at every step.
_ROUNDING = {"fsum", "round", "around"}


class Pure(Traced):
    """A node that tells nothing of itself: no text, no key of a dictionary; while `f` runs on it."""

    __slots__ = ()

    def __hash__(self) -> int:
        if getattr(running, "refused", None) is not None:
            raise refusal("a value as a key", "Leave out dictionaries and sets of values")
        return object.__hash__(self)

    def __repr__(self) -> str:
        if getattr(running, "refused", None) is not None:
            raise refusal("a value written as text", "Leave that out of `f`")
        return super().__repr__()

    def __floordiv__(self, other: Any) -> Any:
        raise refusal("a division without remainder", "Use np.floor of a quotient")

    __rfloordiv__ = __floordiv__

    def __divmod__(self, other: Any) -> Any:
        return self // other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Stay a node, unless numbers would be rounded."""
        return _float64(dtype) and self


def _float64(dtype: Any) -> bool:
    """Refuse any type but float64."""
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise refusal(f"values as {np.dtype(dtype)}", "Leave them float64")
    return True


#: What stands where there are no captured numbers.
_NOTHING = np.zeros(1)


class Place(NamedTuple):
    """Where a captured number or array is found from a function: the way is the same for all closures of its code."""

    holder: Any
    """The place of what holds it; None for the function itself."""
    part: str
    key: Any = None

    def read(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Return what is there."""
        if self.part == "given":
            return args[self.key]
        holder = f if self.holder is None else self.holder.read(f, args)
        if self.part == "item":
            return holder[self.key]
        if self.part == "attribute":
            return vars(holder)[self.key]
        if self.part == "__closure__":
            return holder.__closure__[self.key].cell_contents
        found = getattr(holder, self.part)
        return found if self.key is None else found[self.key]


class Captured:
    """Stands in for what a function refers to, and remembers where its numbers are.

    Parameters
    ----------
    graph : Graph
        Where nodes are made.
    first : int
        Number of the first input that a captured number becomes.
    """

    def __init__(self, graph: Any, first: int) -> None:
        self._graph, self._first, self._memo = graph, first, dict[Any, Any]()
        self.places: list[tuple[Place, tuple[int, ...] | None]] = []
        self.count = 0
        self.constants: list[tuple[Place, Any]] = []

    def forget(self) -> None:
        """Let go of all but the places: of the function itself above all."""
        self._memo.clear()
        self._graph = None

    def values(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Return all captured numbers as they are now; None if one has changed its kind."""
        if not self.places and not self.constants:
            return _NOTHING
        try:
            values = [place.read(f, args) for place, _ in self.places]
            constants = [(place.read(f, args), known) for place, known in self.constants]
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            return None
        for now, known in constants:
            if type(now) is not type(known) or now.dtype != known.dtype or now.shape != known.shape:
                return None
            if now.tobytes() != known.tobytes():
                return None
        found = np.empty(max(self.count, 1))
        start = 0
        for value, (_, shape) in zip(values, self.places, strict=True):
            if shape is None:
                if type(value) is not float and type(value) is not np.float64:
                    return None
                found[start] = value
                start += 1
            else:
                if type(value) is not np.ndarray or value.dtype != np.float64 or value.shape != shape:
                    return None
                found[start : start + value.size] = value.ravel()
                start += value.size
        return found

    def datum(self, value: Any, place: Place) -> Any:
        """Stand in for a number, or an array of them: inputs of the program."""
        if not isinstance(value, np.ndarray):
            self.places.append((place, None))
            self.count += 1
            return self._graph.input(self._first + self.count - 1)
        nodes = np.empty(value.size, object)
        for i in range(value.size):
            nodes[i] = self._graph.input(self._first + self.count + i)
        self.places.append((place, value.shape))
        self.count += value.size
        made = nodes.reshape(value.shape).view(Nodes)
        made.flags.writeable = False
        return made

    def _constant(self, value: Any, place: Place) -> Any:
        """Keep numbers of other types as they are, which the program then contains."""
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        self.constants.append((place, value))
        return value

    def value(self, value: Any, place: Place) -> Any:
        """Stand in for a value."""
        kind = type(value)
        if kind is float or kind is np.float64:
            return self.datum(value, place)
        if value is None or value is Ellipsis or kind in (bool, int, str):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "fiub":
            return self._constant(value, place)
        if kind is np.ndarray and value.dtype.kind in "fiub":
            if value.dtype == np.float64:
                return self.datum(value, place)
            return self._constant(value.copy(), place)
        if kind is tuple:
            return tuple(self.value(item, Place(place, "item", i)) for i, item in enumerate(value))
        if isinstance(value, ModuleType):
            return _Module(value, self, place)
        if not callable(value):
            raise refusal(f"a {kind.__name__} that it refers to", "Pass what it holds as arguments")
        return self.function(value, place)

    def function(self, value: Any, place: Place | None = None) -> Any:
        """Stand in for something that is called."""
        if isinstance(value, Dispatcher):
            return self.function(value.py_func, Place(place, "py_func"))
        if isinstance(value, functools.partial):
            args = [self.value(a, Place(place, "args", i)) for i, a in enumerate(value.args)]
            named = {k: self.value(a, Place(place, "keywords", k)) for k, a in value.keywords.items()}
            return functools.partial(self.function(value.func, Place(place, "func")), *args, **named)
        if isinstance(value, np.ufunc):
            return value if value.__name__ not in _NO_UFUNCS else _refuse(value)
        if id(value) in self._memo:
            return self._memo[id(value)][1]
        formula = getattr(value, "__formula__", None)
        if isinstance(formula, FunctionType):
            if formula.__module__.partition(".")[0] == "fastgrad" and formula.__name__ in PRIMITIVES:
                return on_nodes(value, lambda *x: elementwise(_primitive(formula.__name__), x))
            return self.function(formula, Place(place, "__formula__"))
        module = getattr(value, "__module__", None) or ""
        top, name = module.partition(".")[0], getattr(value, "__name__", "")
        if module == "scipy.special._logsumexp" and name in OF_SCIPY:
            return on_nodes(value, OF_SCIPY[name])
        if isinstance(value, FunctionType) and top not in LIBRARIES and top not in sys.stdlib_module_names:
            return self._copied(value, place)
        if isinstance(value, type) and (value is np.float64 or _BUILTINS.get(name) is value):
            return SUBSTITUTES.get(value, value)
        known: Any = None
        try:
            known = SUBSTITUTES.get(value) if name not in _ROUNDING else None
        except TypeError:  # it cannot be hashed
            pass
        if known is not None and (top != "numpy" or name in _NUMPY):
            return _checked(known)
        if top == "numpy" and name in _NUMPY and getattr(np, name, None) is value:
            return _checked(value)
        if isinstance(value, BuiltinFunctionType) and (module in _MODULES or _BUILTINS.get(name) is value):
            return value
        return _refuse(value)

    def _copied(self, f: FunctionType, own: Place | None) -> FunctionType:
        """Copy a function of the user's, with stand-ins for all that it refers to."""
        names: dict[str, Any] = {"__builtins__": _BUILTINS}
        closure = f.__closure__ and tuple(CellType() for _ in f.__closure__)
        copy = FunctionType(f.__code__, names, f.__name__, None, closure)
        self._memo[id(f)] = f, copy
        for name in read_names(f.__code__):
            if name in f.__globals__:
                names[name] = self.value(f.__globals__[name], Place(own, "__globals__", name))
            elif name not in _BUILTINS:
                raise refusal(f"`{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")
        copy.__defaults__ = f.__defaults__ and tuple(
            self.value(v, Place(own, "__defaults__", i)) for i, v in enumerate(f.__defaults__)
        )
        copy.__kwdefaults__ = f.__kwdefaults__ and {
            name: self.value(v, Place(own, "__kwdefaults__", name)) for name, v in f.__kwdefaults__.items()
        }
        for i, (cell, mine) in enumerate(zip(f.__closure__ or (), closure or (), strict=True)):
            mine.cell_contents = self.value(cell.cell_contents, Place(own, "__closure__", i))
        return copy


class _Module(ModuleType):
    """A module as the traced function sees it."""

    def __init__(self, module: ModuleType, captured: Captured, place: Place) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, _captured=captured, _place=place)

    def __getattr__(self, name: str) -> Any:
        module, captured = self.__dict__["_module"], self.__dict__["_captured"]
        value = getattr(module, name)
        if module.__name__ in ("numpy", "math", "cmath") and isinstance(value, float):
            return value
        if isinstance(value, ModuleType) and module is np and name != "linalg":
            raise refusal(f"`np.{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")
        if module is np.linalg:
            return on_nodes(value, SUBSTITUTES[value]) if name == "norm" else _refuse(value)
        return captured.value(value, Place(self.__dict__["_place"], "attribute", name))


def _refuse(value: Any) -> Any:
    name = getattr(value, "__qualname__", getattr(value, "__name__", repr(value)))
    raise refusal(f"`{name}`, which is not known to depend on its arguments alone", "Leave it out of `f`")


def _primitive(name: str) -> Callable[..., Any]:
    def one(*operands: Any) -> Any:
        nodes = [o for o in operands if isinstance(o, Node)]
        return nodes[0].graph.apply(name, *operands)

    return one


def _checked(function: Any) -> Callable[..., Any]:
    """Return the function, refusing to round nodes to another type than float64."""

    @functools.wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        if has_nodes(args):
            _float64(named.get("dtype"))
            if any(isinstance(a, str) for a in args[1:]):
                raise refusal("a type given as text", "Leave values float64")
        return function(*args, **named)

    return checked


@functools.lru_cache(maxsize=256)
def read_names(code: CodeType, enclosed: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Names of the globals that `code` and the functions inside it load; refuses code that reaches further."""
    names: set[str] = set()
    for instruction in dis.get_instructions(code):
        operation, name = instruction.opname, instruction.argval
        if operation in _INSTRUCTIONS:
            raise refusal(f"`{code.co_name}` uses {operation}", "Leave that out of `f`")
        if operation in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(name)
        elif operation in ("LOAD_ATTR", "LOAD_METHOD") and (name in _REPRESENTATION or name.startswith("__")):
            raise refusal(f"`.{name}`", "Leave that out of `f`")
        elif operation == "STORE_DEREF" and name in code.co_freevars and name not in enclosed:
            raise refusal(f"a change of `{name}`", "Return it instead")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(read_names(constant, enclosed | frozenset(code.co_cellvars)))
    return tuple(sorted(names))


def argument(captured: Captured, value: Any, i: int) -> Any:
    """Stand in for a further argument of `f`."""
    whole = isinstance(value, (int, np.integer, np.bool_)) and -(1 << 63) <= value < 1 << 63
    if whole or type(value) in (float, np.float64) or isinstance(value, (np.float32, np.ndarray)):
        return captured.value(value, Place(None, "given", i))
    raise refusal(f"an argument of type {type(value).__name__}", "Pass numbers and arrays")

