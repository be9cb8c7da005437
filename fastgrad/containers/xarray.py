"""xarray: arrays meet by the names of their dimensions; dimensions, coordinates, attributes and names are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..array_kinds import kinds
from .calls import Call

#: Dimensions of the outputs of a jacobian, and of a vector that has no name for its own.
_OUTPUTS, _COORDINATES = "output", "coordinate"


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Do the call with the arrays inside, lined up as in xarray's own arithmetic."""
    import xarray as xr

    named = [kinds[type(o)] == "xarray" for o in operands]
    inner: list[list[Any]] = [[] for _ in operands]
    dims: dict[str, Any] = {}
    vectors: dict[int, Any] = {}  # for each of them the first array whose last dimension it is
    for i, (o, core) in enumerate(zip(operands, call.cores, strict=True)):
        if core and named[i]:
            inner[i] = [_vector_dimension(vectors.setdefault(core, o))]
    along: Any = vectors.get(call.along)
    if call.vectors:
        _check_named(call, operands, named, along)
        dim = _unused(_COORDINATES, operands) if along is None else _vector_dimension(along)
        dims = {"d": dim, "e": _unused(f"{dim}_2", operands), "m": _unused(_OUTPUTS, operands)}
        operands = [
            o.expand_dims({own[0]: vectors[core].sizes[own[0]]}) if own and own[0] not in o.dims else o
            for o, own, core in zip(operands, inner, call.cores, strict=True)
        ]
    missing: list[str] = []

    def padded(*arrays: Any) -> Any:
        """Do the call, with axes of length 1 where results have fewer than they might."""
        found = call(*arrays)
        fields = found if call.fields > 1 else (found,)
        missing[:] = call.axes[np.ndim(fields[0]) - max(call.loops(arrays)) :]
        fields = [field[(..., *(None,) * len(missing))] for field in fields]
        return tuple(fields) if call.fields > 1 else fields[0]

    join = xr.get_options()["arithmetic_join"]
    made = xr.apply_ufunc(
        padded,
        *operands,
        input_core_dims=inner,
        output_core_dims=[[dims[axis] for axis in call.axes]] * call.fields,
        join=join,
        dataset_join=join,
        dataset_fill_value=np.nan,
        keep_attrs=True,
        dask="allowed",
    )

    def finished(one: Any) -> Any:
        one = one.isel({dims[axis]: 0 for axis in missing})
        if dims and dims["e"] in one.dims and dims["d"] in getattr(along, "coords", ()):
            one = one.assign_coords({dims["e"]: along.coords[dims["d"]].values})
        return one

    return [*map(finished, made)] if call.fields > 1 else finished(made)


def _check_named(call: Call, operands: Sequence[Any], named: Sequence[bool], along: Any) -> None:
    """Refuse points whose batch has no names beside an array whose axes have: who knows which is which."""
    at = call.names.index("x") if "x" in call.names else None
    if at is not None and not named[at] and (along is None or np.ndim(operands[at]) > 1):
        other = next(name for name, has in zip(call.names, named, strict=True) if has)
        raise TypeError(
            f"`x` must be a DataArray where `{other}` is one; got another array, whose axes have no names. Pass "
            f"`{other}.values`."
        )


def _vector_dimension(x: Any) -> Any:
    """Name of the dimension that is the vector: the last one."""
    import xarray as xr

    if isinstance(x, xr.Dataset):
        raise TypeError(
            "`x` must be an array whose last dimension is the vector; got a Dataset. Pass "
            '`x.to_dataarray().transpose(..., "variable")` to have its variables as coordinates.'
        )
    return x.dims[-1]


def _unused(name: str, operands: Sequence[Any]) -> str:
    """Change a name until none of the arrays has a dimension or a coordinate called so."""
    while any(name in (*getattr(o, "dims", ()), *getattr(o, "coords", ())) for o in operands):
        name += "_"
    return name
