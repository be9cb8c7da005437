"""Points with labels: xarray's and pandas' arguments meet by them, and the table shows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arguments.containers import over_containers
from .._arguments.kinds import MASKED, PLAIN, kinds, unreadable

#: For each axis of the points their labels, or None.
Labels = tuple[Any, ...]


def lined_up(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Labels]:
    """Broadcast arguments by their labels: bare arrays, and the labels of their axes."""
    args = tuple(_here(a, f"args[{i}]") for i, a in enumerate(args))
    if all(kinds[type(a)] is PLAIN for a in args):
        return args, ()
    points = {f"args[{i}]": a for i, a in enumerate(args)}
    found = over_containers(_broadcast, None, points, {}, fields=len(args))
    found = found if len(args) > 1 else (found,)
    return tuple(a if np.ndim(a) == 0 else np.array(b) for a, b in zip(args, found, strict=True)), labels_of(found[0])


def labels_of(points: Any) -> Labels:
    """Return the labels of each axis, None for those that only count; nothing for plain arrays."""
    kind = kinds[type(points)]
    if kind not in ("pandas", "xarray"):
        return ()
    axes = points.axes if kind == "pandas" else [points.coords.get(dim) for dim in points.dims]
    return tuple(None if a is None or np.array_equal(a, range(len(a))) else _words(np.asarray(a)) for a in axes)


def _words(labels: Any) -> Any:
    """Write dates as shortly as they can be told apart; others are written by themselves."""
    return np.datetime_as_string(labels, unit="auto") if labels.dtype.kind == "M" else labels


def _here(value: Any, name: str) -> Any:
    """Bring what Dask has only planned into memory; refuse masks, which a verdict could not be given of."""
    kind = kinds[type(value)]
    if kind == MASKED:
        raise unreadable(value, name)
    return value.compute() if kind in ("dask", "xarray") else value


def _broadcast(_f: Any, *arrays: Any) -> Any:
    found = np.broadcast_arrays(*arrays)
    return tuple(found) if len(found) > 1 else found[0]
