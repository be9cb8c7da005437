"""Substitutes for `math`, NumPy, the caller's helpers and objects while a function is traced."""

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

from .._typing import Array, Function
from .array_functions import Axis, choose, of_lists
from .graph import Node
from .nodes import FUNCTIONS, Nodes, as_nodes
from .primitives import Formula, Term, through_ufunc
from .refusals import refusal, running

#: Lists of more are taken for data.
_MANY = 100

#: Libraries whose functions take nodes as they are, or not at all.
LIBRARIES = ("numpy", "scipy", "fastgrad", "numba", "functools", "itertools", "operator")


def on_nodes(function: Function, replacement: Formula) -> Formula:
    """Return a function that calls `replacement` for nodes and `function` for numbers."""

    @functools.wraps(function)
    def dispatch(*args: Term, **named: object) -> Term:
        return (replacement if has_nodes(args) else function)(*args, **named)

    return dispatch


def has_nodes(value: object) -> bool:
    """Tell whether a value is a node, or a list of such."""
    if isinstance(value, (list, tuple)):
        return any(map(has_nodes, value))
    return isinstance(value, (Node, Nodes))


def _of_math(name: str) -> Formula:
    def replacement(*args: Term) -> Term:
        result = through_ufunc(name, *[a[()] if isinstance(a, Nodes) else a for a in args])
        if result is NotImplemented:
            raise refusal(f"no gate stands for `math.{name}`", "Make it a gate with `fg.gate`")
        return result

    return replacement


SUBSTITUTES: dict[object, Formula] = {
    function: on_nodes(function, _of_math(name)) for name, function in vars(math).items() if callable(function)
}
SUBSTITUTES[math.log] = on_nodes(math.log, lambda x, *base: np.log(x) / np.log(base[0]) if base else np.log(x))
SUBSTITUTES[math.hypot] = on_nodes(math.hypot, lambda *x: functools.reduce(np.hypot, x))
SUBSTITUTES[math.fsum] = on_nodes(math.fsum, lambda x: functools.reduce(lambda a, b: a + b, x))
SUBSTITUTES[math.prod] = on_nodes(math.prod, lambda x: functools.reduce(lambda a, b: a * b, x))
SUBSTITUTES[np.array] = on_nodes(np.array, lambda x, *_, **__: as_nodes(x))
SUBSTITUTES[np.asarray] = on_nodes(np.asarray, lambda x, *_, **__: x if isinstance(x, Nodes) else as_nodes(x))


def _extreme(name: str, better: Callable[[Term, Term], Term]) -> Formula:
    def replacement(*args: Term, **named: object) -> Term:
        if named:
            raise refusal(f"`{name}` with {', '.join(named)}", "Use np.where, np.maximum and np.minimum")
        items = args if len(args) > 1 else args[0]
        return functools.reduce(lambda a, b: choose(better(b, a), b, a), items)

    return replacement


SUBSTITUTES[max] = on_nodes(max, _extreme("max", lambda b, a: b > a))
SUBSTITUTES[min] = on_nodes(min, _extreme("min", lambda b, a: b < a))

#: Builtins of traced functions.
_BUILTINS = {**vars(builtins), "max": SUBSTITUTES[max], "min": SUBSTITUTES[min]}


class _Float64(np.float64):
    """NumPy's type, which leaves nodes as they are."""

    def __new__(cls, x: Term = 0.0) -> Term:
        return x if has_nodes(x) else np.float64(x)


SUBSTITUTES[np.float64] = _Float64
for _function in FUNCTIONS:
    SUBSTITUTES[_function] = on_nodes(_function, of_lists(_function))


def _object_array(make: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function that makes arrays to be filled with nodes."""

    @functools.wraps(make)
    def result(*args: object, **named: object) -> Array:
        array = np.asarray(make(*args, **named))
        return array.astype(object).view(Nodes) if array.dtype == np.float64 else array

    return result


for _make in (np.zeros, np.ones, np.full, np.eye, np.identity):
    SUBSTITUTES[_make] = _object_array(_make)
SUBSTITUTES[np.empty] = _object_array(np.zeros)
SUBSTITUTES[np.empty_like] = SUBSTITUTES[np.zeros_like] = lambda x, *_, **__: SUBSTITUTES[np.zeros](np.shape(x))


def _logsumexp(x: Term, axis: Axis = None, b: Term = None, keepdims: Any = False) -> Term:
    shifted: Term = x if b is None else x + np.log(b)
    return np.logaddexp.reduce(shifted, axis=axis, keepdims=keepdims)


def _log_softmax(x: Term, axis: Axis = None) -> Term:
    return x - np.logaddexp.reduce(x, axis=axis, keepdims=True)


#: Functions of SciPy that are no ufuncs; by name, so that SciPy need not be loaded.
OF_SCIPY: dict[str, Formula] = {
    "logsumexp": _logsumexp,
    "softmax": lambda x, axis=None: np.exp(_log_softmax(x, axis)),
    "log_softmax": _log_softmax,
}


class ModuleProxy(ModuleType):
    """A substitute for the module of a name; `get` returns the substitute for an attribute."""

    def __init__(self, name: str, get: Callable[[str], object]) -> None:
        super().__init__(name)
        self.__dict__["_get"] = get

    def __getattr__(self, name: str) -> object:
        return self.__dict__["_get"](name)


def _is_users(kind: type) -> bool:
    """Tell whether a class is the caller's, and making a subclass of it has no side effects."""
    module = sys.modules.get(kind.__module__)
    top = kind.__module__.partition(".")[0]
    if top in LIBRARIES or top in sys.stdlib_module_names or "-packages" in (getattr(module, "__file__", "") or ""):
        return False
    has_no_hooks = not hasattr(kind.__init_subclass__, "__func__") and not hasattr(kind, "__del__")
    return type(kind) in (type, ABCMeta) and has_no_hooks


class Substitution:
    """Substitutes for values while a function is traced.

    Functions are copied, with `math` and the like in their globals, closures and defaults replaced by versions that
    take nodes; so are lists and dictionaries of functions, and objects of the caller's classes with their methods.
    Gates are not substituted: nodes know how to apply them.
    """

    def __init__(self) -> None:
        self._memo: dict[int | type, Any] = {}

    def __call__(self, value: Any) -> Any:
        """Return the substitute for `value`."""
        if id(value) in self._memo:
            return self._memo[id(value)]
        if type(value) in (list, tuple, dict):
            return self._copy_container(value)
        try:
            if value in SUBSTITUTES:
                return SUBSTITUTES[value]
        except (TypeError, ValueError):  # not hashable
            pass
        if isinstance(value, ModuleType):
            # one for each module: callers compare ``xp is np``
            self._memo[id(value)] = proxy = ModuleProxy(value.__name__, lambda name: self(getattr(value, name)))
            return proxy
        if getattr(value, "__module__", None) == "scipy.special._logsumexp" and value.__name__ in OF_SCIPY:
            return on_nodes(value, OF_SCIPY[value.__name__])
        if isinstance(value, Dispatcher):
            return self(value.py_func)
        if isinstance(value, functools.partial):
            inner = self(value.func)
            return value if inner is value.func else functools.partial(inner, *value.args, **value.keywords)
        if isinstance(value, MethodType):
            instance = value.__self__
            receiver = self._subclass_of(instance) if isinstance(instance, type) else self._copy_of(instance)
            return MethodType(self(value.__func__), receiver)
        if isinstance(value, FunctionType) and (value.__module__ or "").partition(".")[0] not in LIBRARIES:
            return self._copy_function(value)
        formula = getattr(value, "__formula__", None)
        if formula is not None and not hasattr(value, "__is_gate__"):
            return self(formula)
        return self._copy_of(value)

    def _copy_container(self, values: list[object] | tuple[object, ...] | dict[object, object]) -> object:
        """Substitute for the items of a list, a tuple or a dictionary; return it unchanged if no item changes."""
        if len(values) > _MANY:
            return values
        self._memo[id(values)] = values  # it may hold itself
        items = values.values() if type(values) is dict else values
        result = [self(item) for item in items]
        if any(a is not b for a, b in zip(result, items, strict=True)):
            self._memo[id(values)] = (
                dict(zip(values, result, strict=True)) if type(values) is dict else type(values)(result)
            )
            self._memo[-id(values)] = values  # keeps it alive, so that its id stays unique
        return self._memo[id(values)]

    def _subclass_of(self, kind: type) -> type:
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
        subclass: type = self._memo[kind]
        return subclass

    def _copy_of(self, value: object) -> object:
        """Copy an object of a caller's class, with methods that take nodes; others are returned unchanged.

        What `f` does to the copy while it is traced does not change the caller's object.
        """
        if isinstance(value, type) or not _is_users(type(value)):
            return value
        try:
            result: object = object.__new__(self._subclass_of(type(value)))
            attributes = vars(value)
        except TypeError:  # built on another type, or without a dictionary
            return value
        self._memo[id(value)], self._memo[-id(value)] = result, value
        vars(result).update(attributes)
        try:
            vars(result).update({name: self(item) for name, item in attributes.items()})
        except RecursionError:  # a long chain of objects: those at its end are not copied
            pass
        return result

    def _copy_function(self, f: FunctionType) -> FunctionType:
        codes = _codes(f.__code__)
        if (traced := getattr(running, "codes", None)) is not None:
            traced.update(codes)
        names = {name for code in codes for name in code.co_names}
        scope: dict[str, object] = {"__builtins__": _BUILTINS}
        closure = f.__closure__ and tuple(CellType() for _ in f.__closure__)
        copy = FunctionType(f.__code__, scope, f.__name__, None, closure)
        self._memo[id(f)], self._memo[-id(f)] = copy, f  # `f` may refer to itself; kept alive, its id stays unique
        scope.update({name: self(f.__globals__[name]) for name in names if name in f.__globals__})
        copy.__defaults__ = f.__defaults__ and tuple(map(self, f.__defaults__))
        copy.__kwdefaults__ = f.__kwdefaults__ and {name: self(value) for name, value in f.__kwdefaults__.items()}
        for original, cell in zip(f.__closure__ or (), closure or (), strict=True):
            try:
                value = original.cell_contents
            except ValueError:  # not assigned yet
                continue
            cell.cell_contents = self(value)
        return copy


def _codes(code: CodeType) -> list[CodeType]:
    """Return a function's code and that of the functions inside it."""
    return [code, *(inner for c in code.co_consts if isinstance(c, CodeType) for inner in _codes(c))]
