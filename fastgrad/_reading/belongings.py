"""To whom values belong, for those who read functions: to one call alone, or to all calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from .watching import ABSENT, Watch

#: Items of a captured list or dictionary that are looked at.
_ITEMS = 1000

_ATTRIBUTES = {"dtype", "ndim", "shape", "size", "nbytes", "itemsize"}
_VIEW_ATTRIBUTES = {"T", "imag", "real"}

#: Types of numbers: as arguments they say how to store something.
TYPES = {t for t in np.sctypeDict.values() if issubclass(t, np.number | np.bool_)} | {bool, complex, float, int}


class Unproven(Exception):
    """Something was not understood, or writes to what is shared."""


class Known:
    """A value that is there already: what the function refers to, as it is now."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Plain(NamedTuple):
    """A value that is yet to come, made of numbers, arrays of numbers, and what holds such things."""

    shared: bool
    """Whether it may be, or hold, memory that other calls see."""
    numeric: bool
    """Whether it is certainly a number or an array, whose operators return memory of their own."""


class Row(NamedTuple):
    """A tuple whose items are followed one by one."""

    items: tuple[Any, ...]


class Bound(NamedTuple):
    """A method of a value that is there already."""

    function: Known
    owner: Known


class Method(NamedTuple):
    """A method of a value that is yet to come."""

    of: Plain
    name: str


#: A number or an array of its own, and something else that holds nothing shared.
OWN, HELD = Plain(False, True), Plain(False, False)


# Values ---------------------------------------------------------------------------------------------------------------


def plain(value: Any, watch: Watch) -> Plain:
    """See a value as one made of numbers and arrays of numbers; raise if it is not."""
    if isinstance(value, Plain):
        return value
    if isinstance(value, Row):
        return Plain(any_shared(plain(v, watch) for v in value.items), False)
    if not isinstance(value, Known):
        raise Unproven(f"uses {value}")
    v, kind = value.value, type(value.value)
    if kind in (bool, int, float, complex) or (isinstance(v, np.generic) and v.dtype.kind in "fiubc"):
        return OWN
    if kind is np.ndarray and v.dtype.kind in "fiubc":
        return Plain(True, True)
    if v is None or v is Ellipsis or (isinstance(v, np.dtype) and not v.hasobject) or (kind is type and v in TYPES):
        return HELD
    if kind is slice:
        return plain(Row((Known(v.start), Known(v.stop), Known(v.step))), watch)
    if kind in (tuple, list, dict):
        elements(value, watch)
        return Plain(kind is not tuple or any_shared(plain(Known(i), watch) for i in v), False)
    raise Unproven(f"uses {v!r:.80}")


def elements(value: Any, watch: Watch) -> Any:
    """Tell what the items of a value may be."""
    if isinstance(value, Known) and type(value.value) in (tuple, list, dict):
        holder = value.value
        items = list(holder.values()) if type(holder) is dict else list(holder)
        if len(items) > _ITEMS:
            raise Unproven("refers to too many things")
        if type(holder) is not tuple:
            watch.holder(holder)
        value = Row(tuple(map(Known, items)))
    if isinstance(value, Row):
        found: Any = None
        for item in value.items:
            found = item if found is None else join(found, item, watch)
        return HELD if found is None else found
    return plain(value, watch)


def join(a: Any, b: Any, watch: Watch) -> Any:
    """Return what stands for either of two values."""
    if a == b:
        return a
    if isinstance(a, Row) and isinstance(b, Row) and len(a.items) == len(b.items):
        return Row(tuple(join(x, y, watch) for x, y in zip(a.items, b.items, strict=True)))
    x, y = plain(a, watch), plain(b, watch)
    return Plain(x.shared or y.shared, x.numeric and y.numeric)


def any_shared(values: Iterable[Plain]) -> bool:
    """Tell whether one of them may be memory that other calls see; all are made first, which may raise."""
    return any([v.shared for v in values])


# Attributes -----------------------------------------------------------------------------------------------------------


def attribute(value: Any, name: str, watch: Watch) -> Any:
    """Look an attribute up without running any code of its owner."""
    if not isinstance(value, Known):
        found = plain(value, watch)
        if name in _ATTRIBUTES:
            return HELD if name in ("dtype", "shape") else OWN
        if name in _VIEW_ATTRIBUTES:
            return found
        return Method(found, name)
    owner = value.value
    if isinstance(owner, ModuleType):
        if name not in vars(owner):
            raise Unproven(f"asks {owner.__name__} for `{name}`")
        watch.name(vars(owner), name, vars(owner)[name])
        return Known(vars(owner)[name])
    if type(owner) in (np.ndarray, int, float, complex) or isinstance(owner, np.generic):
        return attribute(plain(value, watch), name, watch)
    kind = type(owner)
    if not _plainly_looked_up(kind):
        raise Unproven(f"asks {owner!r:.80} for `{name}`")
    held = attribute_of_class(kind, name, watch)
    if isinstance(held, property) or type(held).__name__ == "member_descriptor":
        raise Unproven(f"`{name}` of {kind.__name__} is computed or in a slot")
    inside = getattr(owner, "__dict__", {})
    if hasattr(type(held), "__set__") or type(inside) is not dict:
        raise Unproven(f"`{name}` of {kind.__name__} is computed")
    watch.name(inside, name, inside.get(name, ABSENT))
    if name in inside:
        return Known(inside[name])
    if isinstance(held, FunctionType):
        return Bound(Known(held), value)
    if isinstance(held, staticmethod):
        return Known(held.__func__)
    if held is ABSENT or hasattr(type(held), "__get__"):
        raise Unproven(f"asks {kind.__name__} for `{name}`")
    return Known(held)


def attribute_of_class(kind: type, name: str, watch: Watch) -> Any:
    """Look a name up in a class and its bases, the way Python does."""
    found: Any = ABSENT
    for base in kind.__mro__:
        value = vars(base).get(name, ABSENT)
        if base.__module__ != "builtins":
            watch.name(vars(base), name, value)
        found = value if found is ABSENT else found
    return found


def _plainly_looked_up(kind: type) -> bool:
    """Whether attributes are found in the object and its classes, and nowhere else."""
    ways = type(kind), inspect.getattr_static(kind, "__getattribute__")
    return ways == (type, inspect.getattr_static(object, "__getattribute__"))
