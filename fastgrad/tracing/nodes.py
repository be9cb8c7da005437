"""Nodes that the caller's function computes with: they take Python's operators and NumPy's functions, or refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from .._typing import Array, Function
from .graph import Node
from .primitives import Formula, Term, through_ufunc
from .refusals import is_strict, refusal, refuse, refuse_rounding, running, unless_strict

K = TypeVar("K")

#: What is not the same for nodes and for numbers: a quotient may round up to a whole number.
_FLOOR_DIVISION = "a division without remainder", "Use np.floor of a quotient"


class _Dispatched:
    """What NumPy's functions are applied to by this module."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Term, **options: Any) -> Term:
        return _apply_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Function, types: Iterable[type], args: Iterable[Term], kwargs: Mapping[str, Term]
    ) -> Term:
        return _array_function(function, args, kwargs)


class Traced(_Dispatched, Node):
    """A node that the caller's function computes with: it takes Python's operators and NumPy's functions."""

    __slots__ = ()
    __array_priority__ = 1000.0
    shape: tuple[int, ...] = ()
    ndim, size = 0, 1
    dtype = np.dtype(np.float64)

    def __gate__(self, gate: Function, args: tuple[Term, ...]) -> Term:
        """Apply a gate of fastgrad's or of the caller's."""
        record: Any = self.graph  # a `Record`
        return record.through_gate(gate, args)

    __bool__ = refuse("a branch on a value", "Use `fg.where(condition, a, b)`, or np.maximum and np.minimum")
    __float__ = __complex__ = refuse(
        "a call into code that wants a number",
        "Leave out `float`, use NumPy or math, fill what np.zeros makes, or make it a gate with `fg.gate`",
    )
    __int__ = __round__ = __trunc__ = __floor__ = __ceil__ = refuse(
        "a value made a whole number", "Use np.floor, np.rint or np.trunc"
    )
    __index__ = refuse("a loop or an index that depends on a value", "Loops must have a fixed length")
    __iter__ = refuse("a number taken apart like an array", "Pass `n=` for a function of a vector")
    __hash__ = unless_strict("a value as a key", "Leave out dictionaries and sets of values", object.__hash__)
    __repr__ = unless_strict("a value written as text", "Leave that out of `f`", Node.__repr__)
    __floordiv__ = unless_strict(*_FLOOR_DIVISION, Node.__floordiv__)
    __rfloordiv__ = unless_strict(*_FLOOR_DIVISION, Node.__rfloordiv__)

    def _with(self, name: str, *operands: Term) -> Node:
        if any(isinstance(o, complex) for o in operands):
            raise refusal("a complex number", "Trace the real and the imaginary part")
        return super()._with(name, *operands)

    def __divmod__(self, other: object) -> tuple[Node, Node]:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> tuple[Node, Node]:
        return other // self, other % self

    def copy(self, *_: object, **__: object) -> Traced:
        """Return the node itself, like all methods that would only change an array's form or type."""
        return self

    conjugate = conj = item = copy

    def astype(self, dtype: DTypeLike, *_: object, **__: object) -> Traced:
        """Return the node itself; refuse types that round."""
        refuse_rounding(dtype)
        return self

    def __getattr__(self, name: str) -> Callable[[], Term]:
        ufunc = getattr(np, name, None)
        if isinstance(ufunc, np.ufunc):  # how NumPy applies ufuncs to arrays of objects
            return lambda: ufunc(self)
        if name.startswith("_") or not hasattr(np.ndarray, name):
            if not name.startswith("_") and is_strict():
                raise refusal(f"`.{name}` of a number", "Leave that out of `f`")
            raise AttributeError(f"a node has no attribute {name!r}")
        raise refusal(f"`.{name}` of a number", "Pass `n=` for a function of a vector")

    def __format__(self, form: str) -> str:
        if form:
            raise refusal("a value written as text", "Leave that out of `f`")
        return repr(self)

    def __getitem__(self, key: object) -> Traced:
        if key in (Ellipsis, ()):
            return self
        raise refusal("a number indexed like an array", "Pass `n=` for a function of a vector")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if dtype is not None and np.dtype(dtype).kind != "O":
            float(self)
        array = np.empty((), object)
        array[()] = self
        return array


def _checked_index(key: K) -> K:
    """Return an index that does not depend on values."""
    for k in key if isinstance(key, tuple) else (key,):
        if isinstance(k, Node) or getattr(getattr(k, "dtype", None), "kind", "") == "O":
            raise refusal("an index that depends on a value", "Use np.where, and np.sum over all of it")
    return key


def _method(function: Function) -> Function:
    """Make the method that applies a function of NumPy to an array."""
    return lambda array, *args, **options: function(array, *args, **options)


class Nodes(_Dispatched, np.ndarray):
    """An array of nodes: everything that arrays of objects do, and NumPy's functions element by element."""

    def __gate__(self, gate: Function, args: tuple[Term, ...]) -> Term:
        """Apply a gate, element by element."""
        return elementwise(gate, args)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_checked_index(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_checked_index(key), value)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Return a copy, because nodes are float64."""
        refuse_rounding(dtype)
        return self.copy() if np.dtype(dtype).kind in "fO" else super().astype(dtype)

    mean, var, std = (_method(function) for function in (np.mean, np.var, np.std))


def as_nodes(values: object) -> Nodes:
    """Make an array of nodes and numbers that NumPy's functions take element by element."""
    return np.array(values, dtype=object).view(Nodes)


def plain(value: object, inside: bool = False) -> Any:
    """Return a plain array of objects; lists of arrays and of lists remain lists."""
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    if isinstance(value, Node):
        return as_nodes(value).view(np.ndarray)
    if isinstance(value, (list, tuple)):
        if inside and any(isinstance(v, Node) for v in value):
            return as_nodes(value).view(np.ndarray)
        result = [plain(v, inside=True) for v in value]
        return type(value)(result) if type(value) in (list, tuple) else result
    return value


def wrap_nodes(value: Term) -> Term:
    """Return an array of objects as `Nodes`, a single one as itself."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value.view(Nodes) if value.ndim else value[()]
    if type(value) in (list, tuple):
        return type(value)(map(wrap_nodes, value))
    return value


def elementwise(one: Formula, inputs: Sequence[Term]) -> Term:
    """Apply a function of nodes and numbers to arrays of them."""
    arrays = np.broadcast_arrays(*[np.asarray(plain(i), dtype=object) for i in inputs])
    result = np.empty(arrays[0].shape, object)
    for index in np.ndindex(result.shape):
        result[index] = one(*[a[index] for a in arrays])
    return result.view(Nodes) if result.ndim else result[()]


def _apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Term, ...], options: dict[str, Any]) -> Term:
    """Apply a ufunc to nodes."""
    name = ufunc.__name__
    out = options.pop("out", None)
    if method == "__call__" and ufunc.signature is None:

        def one(*operands: Term) -> Term:
            if any(isinstance(o, complex) for o in operands):
                raise refusal("a complex number", "Trace the real and the imaginary part")
            if not any(isinstance(o, Node) for o in operands):
                return ufunc(*[float(o) for o in operands])
            if name == "floor_divide" and is_strict():
                raise refusal(*_FLOOR_DIVISION)
            result = through_ufunc(name, *operands)
            if result is NotImplemented:
                raise refusal(
                    f"no gate stands for `{name}`", "Write it with functions that have one, or make it with `fg.gate`"
                )
            return result

        x, y = inputs[0], inputs[-1]
        if name in ("divmod", "modf"):
            return (np.floor_divide(x, y), np.remainder(x, y)) if name == "divmod" else (x - np.trunc(x), np.trunc(x))
        if set(ufunc.types[0]) <= set("O->"):  # of np.vectorize or np.frompyfunc: Python, which takes nodes
            return wrap_nodes(ufunc(*map(plain, inputs)))
        result = elementwise(one, inputs)
    elif ufunc.nin == 2 and ufunc.signature is None and method in ("reduce", "accumulate", "outer"):
        result = _reduce(ufunc, method, inputs, options)
    elif name in ("matmul", "vecdot"):
        a, b = map(plain, inputs)
        result = wrap_nodes(np.matmul(a, b) if name == "matmul" else np.sum(a * b, axis=-1))
    else:
        raise refusal(f"no gate stands for `np.{name}` ({method})", "Write it with sums and products")
    if out is not None:
        out[0][...] = result
        return out[0]
    return result


def _reduce(ufunc: np.ufunc, method: str, inputs: tuple[Term, ...], options: dict[str, Any]) -> Term:
    """Reduce arrays of nodes: sums, products, extremes."""
    options.pop("dtype", None)
    arguments = {k: v for k, v in options.items() if v is not np._NoValue and v is not None or k == "axis"}
    # an identity, None too, allows NumPy to reduce along several axes
    step = np.frompyfunc(lambda a, b: ufunc(a, b), 2, 1, identity=ufunc.identity)
    if method == "outer":
        return wrap_nodes(step.outer(*map(plain, inputs)))
    array = plain(inputs[0])
    if method == "accumulate":
        return wrap_nodes(step.accumulate(array, **arguments))
    where = arguments.pop("where", True)
    if where is not True:
        if ufunc.identity is None:
            raise refusal(f"`np.{ufunc.__name__}.reduce` with `where`", "Use np.where")
        array = plain(np.where(where, inputs[0], float(ufunc.identity)))
    return wrap_nodes(step.reduce(array, **arguments))


#: Replacements of NumPy's functions of arrays that branch on values; `array_functions` fills it.
FUNCTIONS: dict[Function, Formula] = {}


def _contains_nodes(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_contains_nodes, value))
    return isinstance(value, Node) or (isinstance(value, Nodes) and any(isinstance(v, Node) for v in value.flat))


def _floats(value: Term) -> Term:
    return np.asarray(plain(value), np.float64) if isinstance(value, (Nodes, list, tuple)) else value


def _array_function(function: Function, args: Iterable[Term], kwargs: Mapping[str, Term]) -> Term:
    """Apply a function of arrays to nodes: a replacement where it branches on values, else NumPy's for objects."""
    replacement = FUNCTIONS.get(function)
    if replacement is not None:
        arguments = {k: v for k, v in kwargs.items() if (v is not None and v is not np._NoValue) or k == "axis"}
        out = arguments.pop("out", None)
        try:
            result = replacement(*args, **arguments)
        except TypeError as err:
            if "unexpected keyword argument" not in str(err):
                raise
            options = ", ".join(k for k, v in arguments.items() if v is not None)
            raise refusal(f"`np.{function.__name__}` with {options}", "Write it with sums and products") from err
        if out is None:
            return result
        out[...] = result
        return out
    if not any(map(_contains_nodes, (*args, *kwargs.values()))):  # numbers in an array of objects
        return wrap_nodes(function(*map(_floats, args), **{k: _floats(v) for k, v in kwargs.items()}))
    if function.__module__ == "numpy.linalg":
        remedy = "Write it with sums and products; a constant matrix may be inverted outside of `f`"
        raise refusal(f"no gate stands for `np.linalg.{function.__name__}`", remedy)
    outer, running.inside = getattr(running, "inside", None), function.__name__
    try:
        return wrap_nodes(function(*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()}))
    except (TypeError, AttributeError) as err:
        running.inside = outer
        if "cannot be traced" in str(err):
            raise
        raise refusal(f"`np.{function.__name__}` wants numbers", "Write it with sums and products") from err
    finally:
        running.inside = outer
