"""The kinds of arrays there are, told by the name of a type: no library is imported to look for its arrays.

Anything that NumPy may read by ``np.asarray`` without losing a thing is *plain*. A *container* holds plain arrays and
something besides, labels, a mask, a plan of computing; `containers` looks inside. A type that keeps arithmetic to
itself, as arrays with units do, is *refused*, for what NumPy would read of it are numbers without their meaning; so is
text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PLAIN = None

#: Containers, the outermost first: an xarray object may hold Dask's arrays, and those masked ones.
MASKED = "masked"
CONTAINERS = ("xarray", "pandas", "dask", MASKED)

REFUSED = "refused"

_TABLE = {
    ("xarray", "DataArray"): "xarray",
    ("xarray", "Dataset"): "xarray",
    ("xarray", "Variable"): "xarray",
    ("pandas", "Series"): "pandas",
    ("pandas", "DataFrame"): "pandas",
    ("dask", "Array"): "dask",
}

#: Libraries whose other types are plain although they take part in NumPy's arithmetic: indexes, columns.
_READABLE = ("pandas", "numpy")

_REMEDIES = {
    "dask": "Call it on each part: `x.map_partitions(functools.partial(fg.derivative, f))`.",
    "pint": "Pass its numbers, `x.magnitude`; the result has the unit of `f` over that of the argument.",
    "astropy": "Pass its numbers, `x.value`; the result has the unit of `f` over that of the argument.",
    "unyt": "Pass its numbers, `x.value`; the result has the unit of `f` over that of the argument.",
    "cupy": "Pass `x.get()`.",
    "sparse": "Pass `x.todense()`.",
}


class _Kinds(dict[type, str | None]):
    """Kind of each type; a type is looked at once, for a scalar call has no more than 50 nanoseconds for this."""

    def __missing__(self, kind: type) -> str | None:
        found = self[kind] = _kind(kind)
        return found


def _kind(kind: type) -> str | None:
    """Tell the kind of a type."""
    if issubclass(kind, (str, bytes)):
        return REFUSED
    if issubclass(kind, np.ma.MaskedArray):
        return MASKED
    if issubclass(kind, np.ndarray):
        return PLAIN if kind.__array_ufunc__ is np.ndarray.__array_ufunc__ else REFUSED
    for base in kind.__mro__:
        container = _TABLE.get((_library(base), base.__name__))
        if container is not None:
            return container
    if hasattr(kind, "__gate__") or _library(kind) in _READABLE:
        return PLAIN
    for entry in ("__array_ufunc__", "__array_function__"):
        if getattr(kind, entry, None) is not None:
            return REFUSED
    return PLAIN


def _library(kind: type) -> str:
    """Name of the package that a type comes from."""
    return kind.__module__.partition(".")[0]


kinds = _Kinds()


def unreadable(value: Any, name: str) -> TypeError:
    """Say why an array is not taken, and what to pass."""
    kind = type(value)
    if issubclass(kind, (str, bytes)):
        return TypeError(
            f"`{name}` must be an array of real numbers; got the text {value!r:.80}. Pass numbers; options go by "
            "keyword."
        )
    library = _library(kind)
    if kinds[kind] == MASKED:
        return TypeError(
            f"`{name}` must be an array without a mask here; got a masked one. Pass `x.compressed()` or `x.filled(0)`."
        )
    remedy = _REMEDIES.get(library, "Pass `numpy.asarray(x)`, if that is what you mean.")
    return TypeError(
        f"`{name}` must be an array that NumPy can read without losing something; got a {kind.__name__} of {library}, "
        f"which keeps arithmetic to itself. {remedy}"
    )
