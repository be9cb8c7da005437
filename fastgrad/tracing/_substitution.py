"""What stands for `math`, NumPy, the user's helpers and objects while a function is traced."""

from __future__ import annotations

import builtins
import functools
import math
import sys
from abc import ABCMeta
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from ._array_functions import choose, of_lists
from ._graph import Node
from ._nodes import FUNCTIONS, Nodes, as_nodes
from ._primitives import through_ufunc
from ._refusal import refusal, running

_MATH_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "pow": "power",
}  # fmt: skip

#: Lists of more are taken for data.
_MANY = 100

#: Libraries whose functions take nodes as they are, or not at all.
LIBRARIES = ("numpy", "scipy", "fastgrad", "numba", "functools", "itertools", "operator")


def on_nodes(function: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is itself for numbers and `instead` for nodes."""

    @functools.wraps(function)
    def either(*args: Any, **named: Any) -> Any:
        return (instead if has_nodes(args) else function)(*args, **named)

    return either


def has_nodes(value: Any) -> bool:
    """Tell whether a value is a node, or a list of such."""
    if isinstance(value, (list, tuple)):
        return any(map(has_nodes, value))
    return isinstance(value, (Node, Nodes))


def _of_math(name: str) -> Callable[..., Any]:
    def instead(*args: Any) -> Any:
        made = through_ufunc(_MATH_NAMES.get(name, name), *[a[()] if isinstance(a, Nodes) else a for a in args])
        if made is NotImplemented:
            raise refusal(f"no gate stands for `math.{name}`", "Make it a gate with `fg.gate`")
        return made

    return instead


SUBSTITUTES: dict[Any, Any] = {
    function: on_nodes(function, _of_math(name)) for name, function in vars(math).items() if callable(function)
}
SUBSTITUTES[math.log] = on_nodes(math.log, lambda x, *base: np.log(x) / np.log(base[0]) if base else np.log(x))
SUBSTITUTES[math.hypot] = on_nodes(math.hypot, lambda *x: functools.reduce(np.hypot, x))
SUBSTITUTES[math.fsum] = on_nodes(math.fsum, lambda x: functools.reduce(lambda a, b: a + b, x))
SUBSTITUTES[math.prod] = on_nodes(math.prod, lambda x: functools.reduce(lambda a, b: a * b, x))
SUBSTITUTES[np.array] = on_nodes(np.array, lambda x, *_, **__: as_nodes(x))
SUBSTITUTES[np.asarray] = on_nodes(np.asarray, lambda x, *_, **__: x if isinstance(x, Nodes) else as_nodes(x))


def _extreme(name: str, better: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def instead(*args: Any, **named: Any) -> Any:
        if named:
            raise refusal(f"`{name}` with {', '.join(named)}", "Use np.where, np.maximum and np.minimum")
        items = args if len(args) > 1 else args[0]
        return functools.reduce(lambda a, b: choose(better(b, a), b, a), items)

    return instead


SUBSTITUTES[max] = on_nodes(max, _extreme("max", lambda b, a: b > a))
SUBSTITUTES[min] = on_nodes(min, _extreme("min", lambda b, a: b < a))

#: What functions find that no one has defined.
_BUILTINS = {**vars(builtins), "max": SUBSTITUTES[max], "min": SUBSTITUTES[min]}


class _Float64(np.float64):
    """NumPy's type, which leaves nodes as they are."""

    def __new__(cls, x: Any = 0.0) -> Any:
        return x if has_nodes(x) else np.float64(x)


SUBSTITUTES[np.float64] = _Float64
for _function in FUNCTIONS:
    SUBSTITUTES[_function] = on_nodes(_function, of_lists(_function))


def _of_objects(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes arrays to be filled with nodes."""

    @functools.wraps(make)
    def made(*args: Any, **named: Any) -> Any:
        array = np.asarray(make(*args, **named))
        return array.astype(object).view(Nodes) if array.dtype == np.float64 else array

    return made


for _make in (np.zeros, np.ones, np.full, np.eye, np.identity):
    SUBSTITUTES[_make] = _of_objects(_make)
SUBSTITUTES[np.empty] = _of_objects(np.zeros)
SUBSTITUTES[np.empty_like] = SUBSTITUTES[np.zeros_like] = lambda x, *_, **__: SUBSTITUTES[np.zeros](np.shape(x))


def _logsumexp(x: Any, axis: Any = None, b: Any = None, keepdims: Any = False) -> Any:
    shifted: Any = x if b is None else x + np.log(b)
    return np.logaddexp.reduce(shifted, axis=axis, keepdims=keepdims)


def _softmax(x: Any, axis: Any = None) -> Any:
    return np.exp(_log_softmax(x, axis))


def _log_softmax(x: Any, axis: Any = None) -> Any:
    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)


#: Of SciPy's functions that are no ufuncs, those people write layers with; by name, so that SciPy need not be loaded.
OF_SCIPY: dict[str, Callable[..., Any]] = {
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}


class _StandIn(ModuleType):
    """A module as the traced function sees it."""

    def __init__(self, module: ModuleType, substituted: Callable[[Any], Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"], self.__dict__["_substituted"] = module, substituted

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["_substituted"](getattr(self.__dict__["_module"], name))


def _is_users(kind: type) -> bool:
    """Whether a class is the user's own, and a subclass of it would have no effects of its own."""
    module = sys.modules.get(kind.__module__)
    top = kind.__module__.partition(".")[0]
    if top in LIBRARIES or top in sys.stdlib_module_names or "-packages" in (getattr(module, "__file__", "") or ""):
        return False
    quiet = not hasattr(kind.__init_subclass__, "__func__") and not hasattr(kind, "__del__")
    return type(kind) in (type, ABCMeta) and quiet


class Substitution:
    """What stands for values while a function is traced.

    Functions are copied, with `math` and the like in their globals, closures and defaults replaced by versions that
    take nodes; so are lists and dictionaries of functions, and objects of the user's classes with their methods.

    Parameters
    ----------
    kept : callable, optional
        Tells which values stay as they are although there is a formula behind them: gates.
    """

    def __init__(self, kept: Callable[[Any], bool] | None = None) -> None:
        self._kept = kept or (lambda value: False)
        self._memo: dict[Any, Any] = {}

    def __call__(self, value: Any) -> Any:
        """Return what stands for `value`."""
        if id(value) in self._memo:
            return self._memo[id(value)]
        if type(value) in (list, tuple, dict):
            return self._filled(value)
        try:
            if value in SUBSTITUTES:
                return SUBSTITUTES[value]
        except (TypeError, ValueError):  # not hashable
            pass
        if isinstance(value, ModuleType):
            # one for each module: people ask whether ``xp is np``
            self._memo[id(value)] = stand_in = _StandIn(value, self)
            return stand_in
        if getattr(value, "__module__", None) == "scipy.special._logsumexp" and value.__name__ in OF_SCIPY:
            return on_nodes(value, OF_SCIPY[value.__name__])
        if isinstance(value, Dispatcher):
            return self(value.py_func)
        if isinstance(value, functools.partial):
            inner = self(value.func)
            return value if inner is value.func else functools.partial(inner, *value.args, **value.keywords)
        if isinstance(value, MethodType):
            owner = value.__self__
            like = self._class_like(owner) if isinstance(owner, type) else self._object_like(owner)
            return MethodType(self(value.__func__), like)
        if isinstance(value, FunctionType) and (value.__module__ or "").partition(".")[0] not in LIBRARIES:
            return self._copied(value)
        formula = getattr(value, "__formula__", None)
        if formula is not None and not self._kept(value):
            return self(formula)
        return self._object_like(value)

    def _filled(self, values: Any) -> Any:
        """Replace what a list, a tuple or a dictionary holds; one that needs no replacement stays itself."""
        if len(values) > _MANY:
            return values
        self._memo[id(values)] = values  # it may hold itself
        items = values.values() if type(values) is dict else values
        made = [self(item) for item in items]
        if any(a is not b for a, b in zip(made, items, strict=True)):
            self._memo[id(values)] = (
                dict(zip(values, made, strict=True)) if type(values) is dict else type(values)(made)
            )
            self._memo[-id(values)] = values  # keeps it alive, so that its number stays its own
        return self._memo[id(values)]

    def _class_like(self, kind: type) -> Any:
        """Make a subclass whose methods take nodes."""
        if not _is_users(kind):
            return kind
        if kind not in self._memo:
            self._memo[kind] = type(kind)(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__})
            members = {name: member for base in reversed(kind.__mro__) if _is_users(base)
                       for name, member in vars(base).items()}  # fmt: skip
            for name, member in members.items():
                if isinstance(member, FunctionType):
                    setattr(self._memo[kind], name, self(member))
                elif isinstance(member, (staticmethod, classmethod)):
                    setattr(self._memo[kind], name, type(member)(self(member.__func__)))
                elif isinstance(member, property):
                    accessors = (self(f) for f in (member.fget, member.fset, member.fdel))
                    setattr(self._memo[kind], name, property(*accessors))
        return self._memo[kind]

    def _object_like(self, value: Any) -> Any:
        """Make an object of the same attributes whose methods take nodes; others than the user's stay themselves.

        What `f` does to it while it is traced is not seen by the user's own.
        """
        if isinstance(value, type) or not _is_users(type(value)):
            return value
        try:
            made = object.__new__(self._class_like(type(value)))
            attributes = vars(value)
        except TypeError:  # built on another type, or without a dictionary
            return value
        self._memo[id(value)], self._memo[-id(value)] = made, value
        vars(made).update(attributes)
        try:
            vars(made).update({name: self(item) for name, item in attributes.items()})
        except RecursionError:  # a long chain of objects: those at its end stay themselves
            pass
        return made

    def _copied(self, f: FunctionType) -> FunctionType:
        names: dict[str, Any] = {"__builtins__": _BUILTINS}
        closure = f.__closure__ and tuple(CellType() for _ in f.__closure__)
        copy = FunctionType(f.__code__, names, f.__name__, None, closure)
        self._memo[id(f)] = copy
        self._memo[-id(f)] = f  # keeps it alive, so that its number stays its own
        codes = getattr(running, "codes", None)
        for code in _codes(f.__code__):
            if codes is not None:
                codes.add(code)
        for name in {name for code in _codes(f.__code__) for name in code.co_names}:
            if name in f.__globals__:
                names[name] = self(f.__globals__[name])
        copy.__defaults__, copy.__kwdefaults__ = self(f.__defaults__), self(f.__kwdefaults__)
        for cell, own in zip(f.__closure__ or (), closure or (), strict=True):
            try:
                own.cell_contents = self(cell.cell_contents)
            except ValueError:  # not assigned yet
                pass
        return copy


def _codes(code: CodeType) -> list[CodeType]:
    """Return a function's code and that of the functions inside it."""
    return [code, *(inner for c in code.co_consts if isinstance(c, CodeType) for inner in _codes(c))]
