"""Kinds of the values that callers pass as arrays, told by their types; no library is imported for this.

- *Plain*: ``np.asarray`` reads it and loses no information.
- A *container* holds arrays and something besides: labels, a mask, a schedule, a device, names of parameters. The
  module of `containers` that has the name of its kind takes it apart.
- *Refused*: it defines arithmetic of its own, as arrays with units do, and NumPy would read numbers without their
  meaning. Text is refused, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import NamedTuple

import numpy as np

PLAIN = None
REFUSED = "refused"
MASKED, LIBRARY, TREE = "masked", "libraries", "trees"


class Container(NamedTuple):
    """What the adapter of a kind of container does not tell."""

    types: tuple[str, ...] = ()
    """Names of its types; kinds without any are told by what a type can do."""
    has_labels: bool = False
    """Whether results have labels, chunks or names that the arrays which `f` gets lack."""
    stands_alone: bool = False
    """Whether rows have an order or labels of their own: no other kind with labels may stand beside it."""


#: Every kind of container, the outermost first: xarray may hold arrays of Dask, and those masked ones. The library has
#: the name of the kind.
CONTAINERS: dict[str, Container] = {
    TREE: Container(),
    "xarray": Container(("DataArray", "Dataset", "Variable"), has_labels=True),
    "pandas": Container(("Series", "DataFrame"), has_labels=True, stands_alone=True),
    "polars": Container(("Series", "DataFrame"), has_labels=True, stands_alone=True),
    "dask": Container(("Array",), has_labels=True),
    MASKED: Container(),
    LIBRARY: Container(),
}

#: Types of the kind `LIBRARY` that do not say so by ``__array_namespace__``, as JAX's arrays do.
_LIBRARY_TYPES = {("torch", "Tensor"), ("cupy", "ndarray")}

#: Libraries whose other types are plain although they take part in NumPy's arithmetic: indexes, columns.
_READABLE = ("pandas", "numpy")

_REMEDIES = {
    "dask": "Call it on each part: `x.map_partitions(functools.partial(fg.derivative, f))`.",
    "pint": "Pass its numbers, `x.magnitude`; the result has the unit of `f` over that of the argument.",
    "astropy": "Pass its numbers, `x.value`; the result has the unit of `f` over that of the argument.",
    "unyt": "Pass its numbers, `x.value`; the result has the unit of `f` over that of the argument.",
    "sparse": "Pass `x.todense()`.",
}


class _Kinds(dict[type, str | None]):
    """Kind of each type; found once, because a call on one point has 50 nanoseconds for this."""

    def __missing__(self, cls: type) -> str | None:
        kind = self[cls] = _kind(cls)
        return kind


def _kind(cls: type) -> str | None:
    """Tell the kind of a type."""
    if issubclass(cls, (str, bytes)):
        return REFUSED
    if issubclass(cls, np.ma.MaskedArray):
        return MASKED
    if issubclass(cls, np.ndarray):
        return PLAIN if cls.__array_ufunc__ is np.ndarray.__array_ufunc__ else REFUSED
    for base in cls.__mro__:
        library = _library(base)
        if base.__name__ in CONTAINERS.get(library, Container()).types:
            return library
        if (library, base.__name__) in _LIBRARY_TYPES:
            return LIBRARY
    if hasattr(cls, "__gate__") or _library(cls) in _READABLE:
        return PLAIN
    for entry in ("__array_ufunc__", "__array_function__"):
        if getattr(cls, entry, None) is not None:
            return REFUSED
    if hasattr(cls, "__array_namespace__"):
        return LIBRARY
    if hasattr(cls, "__array__") or hasattr(cls, "__float__"):
        return PLAIN
    return TREE if issubclass(cls, Mapping) or is_dataclass(cls) else PLAIN


def _library(cls: type) -> str:
    """Name of the package that a type comes from."""
    return cls.__module__.partition(".")[0]


kinds = _Kinds()


def kind_of(value: object) -> str | None:
    """Tell the kind of a value where trees of parameters are taken: a list or a tuple that holds arrays is one."""
    kind = kinds[type(value)]
    return TREE if kind is PLAIN and isinstance(value, (list, tuple)) and _holds_arrays(value) else kind


def _holds_arrays(values: Iterable[object]) -> bool:
    """Tell whether a list or tuple has named fields, or holds arrays with axes or other trees."""
    if hasattr(values, "_fields"):
        return True
    if {float, int, np.float64}.issuperset(map(type, values)):
        return False
    return any(
        _holds_arrays(v) if isinstance(v, (list, tuple)) else getattr(v, "ndim", 0) > 0 or kinds[type(v)] == TREE
        for v in values
    )


def unreadable(value: object, name: str) -> TypeError:
    """Say why an array is not taken, and what to pass."""
    cls = type(value)
    if issubclass(cls, (str, bytes)):
        return TypeError(
            f"`{name}` must be an array of real numbers; got the text {value!r:.80}. Pass numbers; options go by "
            "keyword."
        )
    library = _library(cls)
    if kinds[cls] == MASKED:
        return TypeError(
            f"`{name}` must be an array without a mask here; got a masked one. Pass `x.compressed()` or `x.filled(0)`."
        )
    remedy = _REMEDIES.get(library, "Pass `numpy.asarray(x)`, if that is what you mean.")
    return TypeError(
        f"`{name}` must be an array that NumPy can read without losing something; got a {cls.__name__} of {library}, "
        f"which has arithmetic of its own. {remedy}"
    )
