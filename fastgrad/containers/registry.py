"""Arrays that hold arrays: those of xarray, pandas and Dask, and masked ones; each kind has a room of its own.

A public function that is given one hands its call over. The arrays are taken out, the outermost kind of container does
the same call with what is inside, and puts the results back into containers of its kind.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ..array_kinds import CONTAINERS, PLAIN, kinds
from ..estimates import Estimate
from . import dask as lazy
from . import masked
from . import pandas as frames
from . import xarray as labelled
from .calls import emptied

P = ParamSpec("P")
R = TypeVar("R")

_SPREAD = {"xarray": labelled.spread, "pandas": frames.spread, "dask": lazy.spread, "masked": masked.spread}


def contained(*values: Any) -> bool:
    """Tell whether one of the arrays, or of the bounds, is not a plain one."""
    for value in values:
        if kinds[type(value)] is not PLAIN:
            return True
        if type(value) in (tuple, list) and len(value) == 2 and contained(*value):
            return True
    return False


def over_containers(
    function: Callable[..., Any],
    f: Any,
    points: dict[str, Any],
    named: dict[str, Any],
    axes: str = "",
    vectors: bool | dict[str, int] = False,
    fields: int | None = None,
    telling: bool = False,
    along: int = 1,
) -> Any:
    """Do the call that was given containers; `axes`, `fields` and so on as in `Call` and `emptied`."""
    for name in ("out", "sparsity"):
        if named.pop(name, None) is not None:
            raise TypeError(f"`{name}` must be left out with containers; got it. Pass arrays, `numpy.asarray(x)`.")
    if isinstance(named.get("wrt"), tuple):
        return tuple(over_containers(function, f, points, {**named, "wrt": wrt}) for wrt in named["wrt"])
    estimate = bool(named.get("full_output"))
    count = len(Estimate._fields) if estimate else fields or 1
    call, operands = emptied(function, f, points, named, axes, vectors, count, telling, along)
    there = [kind for kind in CONTAINERS if any(kinds[type(o)] == kind for o in operands)]
    if not there:
        return call(*operands)
    if "pandas" in there and ("xarray" in there or "dask" in there):
        raise TypeError(
            f"`{call.names[0]}` and the others must be of one library, or NumPy's; got {' and '.join(there)}. "
            "Convert some: `x.to_xarray()`, `x.compute()`."
        )
    try:
        made = _SPREAD[there[0]](call, operands)
    except (AttributeError, LookupError) as err:
        if there[0] in ("xarray", "pandas"):
            err.add_note("`f` gets plain arrays, and the results have the labels: use places, v[0], and not names.")
        raise
    return Estimate(*made) if estimate else tuple(made) if count > 1 else made


def of_vectors(*vectors: str, axes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function of vectors take containers; `axes` as in `Call`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        arrays = frozenset({"step", "rel_step", "bounds", *vectors})

        @functools.wraps(function)
        def over(*args: P.args, **named: P.kwargs) -> R:
            odd = not arrays.isdisjoint(named) and contained(*(named[name] for name in arrays if name in named))
            for a in args[1:]:
                odd = odd or kinds[type(a)] is not PLAIN
            if not odd:
                return function(*args, **named)
            given = signature.bind(*args, **named)
            given.apply_defaults()
            rest = dict(given.arguments)
            f, points = rest.pop("f"), {name: rest.pop(name) for name in vectors}
            made: R = over_containers(over, f, points, rest, axes, vectors=True, telling="m" in axes)
            return made

        return over

    return decorate
