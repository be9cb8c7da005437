"""xarray: arrays meet by the names of their dimensions; dimensions, coordinates, attributes and names are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._calls import Call
from ._kinds import kinds

#: Dimension of the outputs of a jacobian.
_OUTPUTS = "output"


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Do the call with the arrays inside, lined up as in xarray's own arithmetic."""
    import xarray as xr

    inner: list[list[Any]] = [[] for _ in operands]
    dims: dict[str, Any] = {}
    vectors: Any = None
    if call.vectors:
        named = [core and kinds[type(o)] == "xarray" for o, core in zip(operands, call.cores, strict=True)]
        vectors = next((o for o, has in zip(operands, named, strict=True) if has), None)
        dim = _vector_dimension(vectors)
        dims = {"d": dim, "e": _unused(f"{dim}_2", operands), "m": _unused(_OUTPUTS, operands)}
        operands = [
            o.expand_dims({dim: vectors.sizes[dim]}) if has and dim not in o.dims else o
            for o, has in zip(operands, named, strict=True)
        ]
        inner = [[dim] if has else [] for has in named]
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
        if dims and dims["e"] in one.dims and dims["d"] in getattr(vectors, "coords", ()):
            one = one.assign_coords({dims["e"]: vectors.coords[dims["d"]].values})
        return one

    return [*map(finished, made)] if call.fields > 1 else finished(made)


def _vector_dimension(x: Any) -> Any:
    """Name of the dimension that is the vector: the last one."""
    import xarray as xr

    if isinstance(x, xr.Dataset):
        raise TypeError(
            "`x` must be an array whose last dimension is the vector; got a Dataset. Pass "
            '`x.to_dataarray().transpose(..., "variable")` to have its variables as coordinates.'
        )
    if x is None:
        raise TypeError("`x` must be a DataArray where `step` is one; got another array. Pass `step.values`.")
    return x.dims[-1]


def _unused(name: str, operands: Sequence[Any]) -> str:
    """Change a name until none of the arrays has a dimension or a coordinate called so."""
    while any(name in (*getattr(o, "dims", ()), *getattr(o, "coords", ())) for o in operands):
        name += "_"
    return name
