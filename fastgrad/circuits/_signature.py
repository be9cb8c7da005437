"""What arguments a function to be traced takes: numbers, or vectors of which length."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np


def sizes_of(f: Callable[..., Any], n: Any) -> tuple[int | None, ...]:
    """Check `n` and return it for each argument."""
    if n is None:
        return (None,) * len(_required(f))
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


def _required(f: Callable[..., Any]) -> list[str]:
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


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Names of the arguments, as far as `f` tells them."""
    try:
        names = _required(f)
    except (TypeError, ValueError):
        names = []
    return names if len(names) == count else [f"x{i}" for i in range(count)]
