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

from ..gate import Gate
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
_LIBRARIES = ("numpy", "scipy", "fastgrad", "numba", "functools", "itertools", "operator")


def _on_nodes(function: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is itself for numbers and `instead` for nodes."""

    @functools.wraps(function)
    def either(*args: Any, **named: Any) -> Any:
        return (instead if _has_nodes(args) else function)(*args, **named)

    return either


def _has_nodes(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_nodes, value))
    return isinstance(value, (Node, Nodes))


def _of_math(name: str) -> Callable[..., Any]:
    def instead(*args: Any) -> Any:
        made = through_ufunc(_MATH_NAMES.get(name, name), *[a[()] if isinstance(a, Nodes) else a for a in args])
        if made is NotImplemented:
            raise refusal(f"no gate stands for `math.{name}`", "Make it a gate with `fg.gate`")
        return made

    return instead


_SUBSTITUTES: dict[Any, Any] = {
    function: _on_nodes(function, _of_math(name)) for name, function in vars(math).items() if callable(function)
}
_SUBSTITUTES[math.log] = _on_nodes(math.log, lambda x, *base: np.log(x) / np.log(base[0]) if base else np.log(x))
_SUBSTITUTES[math.hypot] = _on_nodes(math.hypot, lambda *x: functools.reduce(np.hypot, x))
_SUBSTITUTES[math.fsum] = _on_nodes(math.fsum, lambda x: functools.reduce(lambda a, b: a + b, x))
_SUBSTITUTES[math.prod] = _on_nodes(math.prod, lambda x: functools.reduce(lambda a, b: a * b, x))
_SUBSTITUTES[np.array] = _on_nodes(np.array, lambda x, *_, **__: as_nodes(x))
_SUBSTITUTES[np.asarray] = _on_nodes(np.asarray, lambda x, *_, **__: x if isinstance(x, Nodes) else as_nodes(x))


def _extreme(name: str, better: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def instead(*args: Any, **named: Any) -> Any:
        if named:
            raise refusal(f"`{name}` with {', '.join(named)}", "Use np.where, np.maximum and np.minimum")
        items = args if len(args) > 1 else args[0]
        return functools.reduce(lambda a, b: choose(better(b, a), b, a), items)

    return instead


_SUBSTITUTES[max] = _on_nodes(max, _extreme("max", lambda b, a: b > a))
_SUBSTITUTES[min] = _on_nodes(min, _extreme("min", lambda b, a: b < a))

#: What functions find that no one has defined.
_BUILTINS = {**vars(builtins), "max": _SUBSTITUTES[max], "min": _SUBSTITUTES[min]}


class _Float64(np.float64):
    """NumPy's type, which leaves nodes as they are."""

    def __new__(cls, x: Any = 0.0) -> Any:
        return x if _has_nodes(x) else np.float64(x)


_SUBSTITUTES[np.float64] = _Float64
for _function in FUNCTIONS:
    _SUBSTITUTES[_function] = _on_nodes(_function, of_lists(_function))


def _of_objects(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes arrays to be filled with nodes."""

    @functools.wraps(make)
    def made(*args: Any, **named: Any) -> Any:
        array = np.asarray(make(*args, **named))
        return array.astype(object).view(Nodes) if array.dtype == np.float64 else array

    return made


for _make in (np.zeros, np.ones, np.full, np.eye, np.identity):
    _SUBSTITUTES[_make] = _of_objects(_make)
_SUBSTITUTES[np.empty] = _of_objects(np.zeros)
_SUBSTITUTES[np.empty_like] = _SUBSTITUTES[np.zeros_like] = lambda x, *_, **__: _SUBSTITUTES[np.zeros](np.shape(x))


def _logsumexp(x: Any, axis: Any = None, b: Any = None, keepdims: Any = False) -> Any:
    shifted: Any = x if b is None else x + np.log(b)
    return np.logaddexp.reduce(shifted, axis=axis, keepdims=keepdims)


def _softmax(x: Any, axis: Any = None) -> Any:
    return np.exp(_log_softmax(x, axis))


def _log_softmax(x: Any, axis: Any = None) -> Any:
    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)


#: Of SciPy's functions that are no ufuncs, those people write layers with; by name, so that SciPy need not be loaded.
_OF_SCIPY: dict[str, Callable[..., Any]] = {
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}


class _StandIn(ModuleType):
    """A module as the traced function sees it."""

    def __init__(self, module: ModuleType, memo: dict[Any, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"], self.__dict__["_memo"] = module, memo

    def __getattr__(self, name: str) -> Any:
        return substituted(getattr(self.__dict__["_module"], name), self.__dict__["_memo"])


def substituted(value: Any, memo: dict[Any, Any] | None = None) -> Any:
    """Return what stands for `value` while a function is traced.

    Functions are copied, with `math` and the like in their globals, closures and defaults replaced by versions that
    take nodes; so are lists and dictionaries of functions, and objects of the user's classes with their methods.
    """
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    if type(value) in (list, tuple, dict):
        return _filled(value, memo)
    try:
        if value in _SUBSTITUTES:
            return _SUBSTITUTES[value]
    except (TypeError, ValueError):  # not hashable
        pass
    if isinstance(value, ModuleType):
        memo[id(value)] = stand_in = _StandIn(value, memo)  # one for each module: people ask whether ``xp is np``
        return stand_in
    if getattr(value, "__module__", None) == "scipy.special._logsumexp" and value.__name__ in _OF_SCIPY:
        return _on_nodes(value, _OF_SCIPY[value.__name__])
    if isinstance(value, Dispatcher):
        return substituted(value.py_func, memo)
    if isinstance(value, functools.partial):
        inner = substituted(value.func, memo)
        return value if inner is value.func else functools.partial(inner, *value.args, **value.keywords)
    if isinstance(value, MethodType):
        owner = value.__self__
        like = _class_like(owner, memo) if isinstance(owner, type) else _object_like(owner, memo)
        return MethodType(substituted(value.__func__, memo), like)
    if isinstance(value, FunctionType) and (value.__module__ or "").partition(".")[0] not in _LIBRARIES:
        return _copied(value, memo)
    formula = getattr(value, "__formula__", None)
    if formula is not None and not isinstance(value, Gate):
        return substituted(formula, memo)
    return _object_like(value, memo)


def _filled(values: Any, memo: dict[Any, Any]) -> Any:
    """Replace what a list, a tuple or a dictionary holds; one that needs no replacement stays itself."""
    if len(values) > _MANY:
        return values
    memo[id(values)] = values  # it may hold itself
    items = values.values() if type(values) is dict else values
    made = [substituted(item, memo) for item in items]
    if any(a is not b for a, b in zip(made, items, strict=True)):
        memo[id(values)] = dict(zip(values, made, strict=True)) if type(values) is dict else type(values)(made)
        memo[-id(values)] = values  # keeps it alive, so that its number stays its own
    return memo[id(values)]


def _is_users(kind: type) -> bool:
    """Whether a class is the user's own, and a subclass of it would have no effects of its own."""
    module = sys.modules.get(kind.__module__)
    top = kind.__module__.partition(".")[0]
    if top in _LIBRARIES or top in sys.stdlib_module_names or "-packages" in (getattr(module, "__file__", "") or ""):
        return False
    quiet = not hasattr(kind.__init_subclass__, "__func__") and not hasattr(kind, "__del__")
    return type(kind) in (type, ABCMeta) and quiet


def _class_like(kind: type, memo: dict[Any, Any]) -> Any:
    """Make a subclass whose methods take nodes."""
    if not _is_users(kind):
        return kind
    if kind not in memo:
        memo[kind] = type(kind)(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__})
        members = {name: member for base in reversed(kind.__mro__) if _is_users(base)
                   for name, member in vars(base).items()}  # fmt: skip
        for name, member in members.items():
            if isinstance(member, FunctionType):
                setattr(memo[kind], name, substituted(member, memo))
            elif isinstance(member, (staticmethod, classmethod)):
                setattr(memo[kind], name, type(member)(substituted(member.__func__, memo)))
            elif isinstance(member, property):
                accessors = (substituted(f, memo) for f in (member.fget, member.fset, member.fdel))
                setattr(memo[kind], name, property(*accessors))
    return memo[kind]


def _object_like(value: Any, memo: dict[Any, Any]) -> Any:
    """Make an object of the same attributes whose methods take nodes; others than the user's stay themselves.

    What `f` does to it while it is traced is not seen by the user's own.
    """
    if isinstance(value, type) or not _is_users(type(value)):
        return value
    try:
        made = object.__new__(_class_like(type(value), memo))
        attributes = vars(value)
    except TypeError:  # built on another type, or without a dictionary
        return value
    memo[id(value)], memo[-id(value)] = made, value
    vars(made).update(attributes)
    try:
        vars(made).update({name: substituted(item, memo) for name, item in attributes.items()})
    except RecursionError:  # a long chain of objects: those at its end stay themselves
        pass
    return made


def _copied(f: FunctionType, memo: dict[Any, Any]) -> FunctionType:
    names: dict[str, Any] = {"__builtins__": _BUILTINS}
    closure = f.__closure__ and tuple(CellType() for _ in f.__closure__)
    copy = FunctionType(f.__code__, names, f.__name__, None, closure)
    memo[id(f)] = copy
    memo[-id(f)] = f  # keeps it alive, so that its number stays its own
    codes = getattr(running, "codes", None)
    for code in _codes(f.__code__):
        if codes is not None:
            codes.add(code)
    for name in {name for code in _codes(f.__code__) for name in code.co_names}:
        if name in f.__globals__:
            names[name] = substituted(f.__globals__[name], memo)
    copy.__defaults__, copy.__kwdefaults__ = substituted(f.__defaults__, memo), substituted(f.__kwdefaults__, memo)
    for cell, own in zip(f.__closure__ or (), closure or (), strict=True):
        try:
            own.cell_contents = substituted(cell.cell_contents, memo)
        except ValueError:  # not assigned yet
            pass
    return copy


def _codes(code: CodeType) -> list[CodeType]:
    """Return a function's code and that of the functions inside it."""
    return [code, *(inner for c in code.co_consts if isinstance(c, CodeType) for inner in _codes(c))]
