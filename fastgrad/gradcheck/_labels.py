"""Points with labels: arguments of xarray and pandas are aligned by them, and the table shows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_kinds import MASKED, PLAIN, kinds, unreadable
from ..containers.calls import Layout
from ..containers.registry import over_containers

#: For each axis of the points their labels, or None.
Labels = tuple[Any, ...]


def align(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Labels]:
    """Broadcast arguments by their labels: bare arrays, and the labels of their axes."""
    args = tuple(_in_memory(a, f"args[{i}]") for i, a in enumerate(args))
    if all(kinds[type(a)] is PLAIN for a in args):
        return args, ()
    points = {f"args[{i}]": a for i, a in enumerate(args)}
    aligned = over_containers(_broadcast, None, points, {}, Layout(fields=len(args)))
    aligned = aligned if len(args) > 1 else (aligned,)
    return tuple(a if np.ndim(a) == 0 else np.array(b) for a, b in zip(args, aligned, strict=True)), labels_of(
        aligned[0]
    )


def labels_of(points: Any) -> Labels:
    """Return the labels of each axis, None for plain counts; empty for plain arrays."""
    kind = kinds[type(points)]
    if kind not in ("pandas", "xarray"):
        return ()
    axes = points.axes if kind == "pandas" else [points.coords.get(dim) for dim in points.dims]
    return tuple(None if a is None or np.array_equal(a, range(len(a))) else _texts(np.asarray(a)) for a in axes)


def _texts(labels: Any) -> Any:
    """Write dates as shortly as they can be told apart; others are written by themselves."""
    return np.datetime_as_string(labels, unit="auto") if labels.dtype.kind == "M" else labels


def _in_memory(value: Any, name: str) -> Any:
    """Compute arrays of Dask; refuse masked arrays."""
    kind = kinds[type(value)]
    if kind == MASKED:
        raise unreadable(value, name)
    return value.compute() if kind in ("dask", "xarray") else value


def _broadcast(_f: Any, *arrays: Any) -> Any:
    together = np.broadcast_arrays(*arrays)
    return tuple(together) if len(together) > 1 else together[0]
