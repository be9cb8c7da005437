"""xarray: arrays are aligned by the names of dimensions; dimensions, coordinates, attributes and names are kept."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from .._typing import Array
from ..array_kinds import kinds
from .registry import ContainerArray, ContainerCall

#: Dimensions of the outputs of a jacobian, and of a vector that has no name for its own.
_OUTPUTS, _COORDINATES = "output", "coordinate"


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call with the arrays inside, aligned as in xarray's own arithmetic."""
    import xarray as xr

    layout = call.layout
    is_named = [kinds[type(o)] == "xarray" for o in operands]
    inner: list[list[Hashable]] = [[] for _ in operands]
    vectors: dict[int, ContainerArray] = {}  # for each of them the first array whose last dimension it is
    for i, (o, core) in enumerate(zip(operands, call.cores, strict=True)):
        if core and is_named[i]:
            inner[i] = [_vector_dimension(vectors.setdefault(core, o))]
    along: ContainerArray = vectors.get(layout.along)
    dims: dict[str, Hashable] = {"m": _unused(_OUTPUTS, operands)} if layout.axes else {}
    if call.has_vectors:
        _check_named(call, operands, is_named, along)
        dim = _unused(_COORDINATES, operands) if along is None else _vector_dimension(along)
        dims |= {"d": dim, "e": _unused(f"{dim}_2", operands)}
        operands = [
            o.expand_dims({own[0]: vectors[core].sizes[own[0]]}) if own and own[0] not in o.dims else o
            for o, own, core in zip(operands, inner, call.cores, strict=True)
        ]
    missing: list[str] = []

    def padded(*arrays: Array) -> Array | tuple[Array, ...]:
        """Do the call; results with fewer axes than the layout has get axes of length 1."""
        fields = call.results(*arrays)
        call.require_known_axes(fields[0], arrays)
        missing[:] = layout.axes[np.ndim(fields[0]) - max(call.loops(arrays)) :]
        fields = [field[(..., *(None,) * len(missing))] for field in fields]
        return tuple(fields) if layout.fields > 1 else fields[0]

    join = xr.get_options()["arithmetic_join"]
    results = xr.apply_ufunc(
        padded,
        *operands,
        input_core_dims=inner,
        output_core_dims=[[dims[axis] for axis in layout.axes]] * layout.fields,
        join=join,
        dataset_join=join,
        dataset_fill_value=np.nan,
        keep_attrs=True,
        dask="allowed",
    )

    def with_coordinates(result: ContainerArray) -> ContainerArray:
        result = result.isel({dims[axis]: 0 for axis in missing})
        if "e" in dims and dims["e"] in result.dims and dims["d"] in getattr(along, "coords", ()):
            result = result.assign_coords({dims["e"]: along.coords[dims["d"]].values})
        return result

    return [*map(with_coordinates, results)] if layout.fields > 1 else [with_coordinates(results)]


def _check_named(
    call: ContainerCall, operands: Sequence[ContainerArray], is_named: Sequence[bool], along: ContainerArray
) -> None:
    """Refuse points whose batch axes have no names beside an array whose axes have: nothing tells which is which."""
    at = call.names.index("x") if "x" in call.names else None
    if at is not None and not is_named[at] and (along is None or np.ndim(operands[at]) > 1):
        other = next(name for name, has in zip(call.names, is_named, strict=True) if has)
        raise TypeError(
            f"`x` must be a DataArray where `{other}` is one; got another array, whose axes have no names. Pass "
            f"`{other}.values`."
        )


def _vector_dimension(x: ContainerArray) -> Hashable:
    """Name of the dimension of the vector: the last one."""
    import xarray as xr

    if isinstance(x, xr.Dataset):
        raise TypeError(
            "`x` must be an array whose last dimension is the vector; got a Dataset. Pass "
            '`x.to_dataarray().transpose(..., "variable")` to have its variables as coordinates.'
        )
    dim: Hashable = x.dims[-1]
    return dim


def _unused(name: str, operands: Sequence[object]) -> str:
    """Append to a name until no array has a dimension or coordinate of that name."""
    while any(name in (*getattr(o, "dims", ()), *getattr(o, "coords", ())) for o in operands):
        name += "_"
    return name
