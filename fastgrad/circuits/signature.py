"""The arguments of a function to be traced: numbers, or vectors and their lengths; and their names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._typing import Function


def sizes_of(f: Function, n: object) -> tuple[int | None, ...]:
    """Check `n` and return it for each argument."""
    if n is None:
        return (None,) * len(_required_names(f))
    if isinstance(n, (int, np.integer)) and not isinstance(n, bool):
        sizes: tuple[Any, ...] = (n,)
    elif isinstance(n, (tuple, list)):
        sizes = tuple(n)
    else:
        raise TypeError(f"`n` must be a length, or one for each argument; got {n!r:.80}. Pass, say, 3 or (3, None).")
    for size in sizes:
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1):
            raise ValueError(f"`n` must be at least 1, or None for a number; got {size!r}. Pass, say, 3.")
    return tuple(None if size is None else int(size) for size in sizes)


def widths(sizes: Sequence[int | None]) -> list[int]:
    """Return the number of inputs of each argument."""
    return [1 if size is None else size for size in sizes]


def _required_names(f: Function) -> list[str]:
    """Names of the arguments without defaults."""
    if isinstance(f, np.ufunc):
        return [f"x{i}" for i in range(f.nin)]
    if hasattr(f, "nin") and hasattr(f, "formula"):
        f = f.formula
    parameters = inspect.signature(f).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise TypeError("`n` must tell how many arguments `f(*args)` gets. Pass one None for each: n=(None, None).")
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in positional if p.default is p.empty]


def component_names(f: Function, sizes: Sequence[int | None]) -> list[str]:
    """Return the names of all inputs from the signature of `f`; those of vectors with an index."""
    try:
        names = _required_names(f)
    except (TypeError, ValueError):
        names = []
    if len(names) != len(sizes):
        names = [f"x{i}" for i in range(len(sizes))]
    return [
        name if size is None else f"{name}[{i}]"
        for name, size, width in zip(names, sizes, widths(sizes), strict=True)
        for i in range(width)
    ]


def components(at: tuple[object, ...], sizes: Sequence[int | None]) -> list[float]:
    """Check one point, and return its numbers one after the other."""
    if len(at) != len(sizes):
        raise TypeError(f"`at` must be {len(sizes)} arguments; got {len(at)}. Pass those of the function.")
    point: list[float] = []
    for value, size in zip(at, sizes, strict=True):
        array = np.asarray(value, np.float64)
        if array.shape != (() if size is None else (size,)):
            raise ValueError(f"`at` must be one point, numbers or vectors of length n; got shape {array.shape}.")
        point += array.ravel().tolist()
    return point
