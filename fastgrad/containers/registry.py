"""Which module deals with which container: a public function that is given one passes its call on to here.

The arrays are taken out of the call. The adapter of the outermost kind of container among them does the call with the
arrays inside, and puts the results into containers of its kind.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from ..array_kinds import CONTAINERS, PLAIN, kind_of, kinds
from ..estimates import Estimate
from .calls import Call, Layout, extract_arrays

P = ParamSpec("P")
R = TypeVar("R")

#: Kinds that stand beside plain and masked arrays only, because their rows have an order or labels of their own.
_TABLES = {"pandas", "polars"}
_WITH_AXES = {*_TABLES, "xarray", "dask"}

_NUMBERS = Layout()


def has_containers(*values: Any, bounds: Any = None) -> bool:
    """Tell whether one of the values, or of the two bounds, is not a plain array."""
    return any(kinds[type(value)] is not PLAIN for value in values) or (
        bounds is not None
        and (has_containers(*bounds) if type(bounds) in (tuple, list) else kinds[type(bounds)] is not PLAIN)
    )


def over_containers(
    function: Callable[..., Any], f: Any, points: dict[str, Any], named: dict[str, Any], layout: Layout = _NUMBERS
) -> Any:
    """Call ``function(f, *points, **named)`` where `points`, steps or bounds are containers.

    `points` are arrays by the names that messages call them.
    """
    for name in ("out", "sparsity"):
        if named.pop(name, None) is not None:
            raise TypeError(f"`{name}` must be left out with containers; got it. Pass arrays, `numpy.asarray(x)`.")
    if isinstance(named.get("wrt"), tuple):
        return tuple(over_containers(function, f, points, {**named, "wrt": wrt}, layout) for wrt in named["wrt"])
    is_estimate = bool(named.get("full_output"))
    if is_estimate:
        layout = replace(layout, fields=len(Estimate._fields))
    call, operands = extract_arrays(function, f, points, named, layout)
    kinds_inside = {kind_of(o) if layout.takes_trees else kinds[type(o)] for o in operands}
    present = [kind for kind in CONTAINERS if kind in kinds_inside]
    if not present:
        return call(*operands)
    if _TABLES & kinds_inside and len(_WITH_AXES & kinds_inside) > 1:
        raise TypeError(
            f"`{call.names[0]}` and the others must be of one library, or NumPy's; got {' and '.join(present)}. "
            "Convert some: `x.to_numpy()`, `x.to_xarray()`, `x.compute()`."
        )
    adapter: Callable[[Call, Sequence[Any]], list[Any]] = import_module(f".{present[0]}", __package__).apply
    try:
        results = adapter(call, operands)
    except (AttributeError, LookupError) as err:
        if present[0] in _WITH_AXES:
            err.add_note("`f` gets plain arrays, and the results have the labels: use places, v[0], and not names.")
        raise
    return Estimate(*results) if is_estimate else tuple(results) if layout.fields > 1 else results[0]


def of_vectors(*vectors: str, axes: str, trees: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function of vectors take containers; `axes` as in `Layout`."""
    layout = Layout(axes, vectors=True, probes_outputs="m" in axes, converts=True, takes_trees=trees)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        arrays = ("step", "rel_step", *vectors)

        @functools.wraps(function)
        def over(*args: P.args, **named: P.kwargs) -> R:
            values = [*args[1:], *(named[name] for name in arrays if name in named)]
            has_trees = trees and any(type(v) is not float and kind_of(v) is not PLAIN for v in values)
            if not has_trees and not has_containers(*values, bounds=named.get("bounds")):
                return function(*args, **named)
            bound = signature.bind(*args, **named)
            bound.apply_defaults()
            rest = dict(bound.arguments)
            f, points = rest.pop("f"), {name: rest.pop(name) for name in vectors}
            result: R = over_containers(over, f, points, rest, layout)
            return result

        return over

    return decorate
