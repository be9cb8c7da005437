"""Masked arrays: masked points are not evaluated, and are masked in the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod

import numpy as np

from .._typing import Array, Shape
from ..arguments import argument, common_shape
from .registry import ContainerArray, ContainerCall

#: Numbers of an array that are taken out at a time: enough for several threads, copies of 12 MiB.
_NUMBERS = 3 << 19


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call at the points that no array masks; a vector is masked where one of its coordinates is."""
    numbers = [argument(np.ma.getdata(o), name) for o, name in zip(operands, call.names, strict=True)]
    masks = [
        np.ma.getmaskarray(o).any(axis=-1) if core and np.ndim(o) else np.ma.getmaskarray(o)
        for o, core in zip(operands, call.cores, strict=True)
    ]
    shape = common_shape(masks)
    mask = np.broadcast_to(reduce(np.logical_or, masks), shape)
    arrays = [
        np.broadcast_to(a, (*shape, *(a.shape[-1:] if core else ())) if a.ndim else shape)
        for a, core in zip(map(np.asarray, numbers), call.cores, strict=True)
    ]
    results: list[Array] = []
    dim = max([a.shape[-1] for a, core in zip(arrays, call.cores, strict=True) if core and a.ndim], default=1)
    for part in _parts(shape, _NUMBERS // max(dim, 1)) if mask.size * dim > _NUMBERS else [(...,)]:
        valid = ~mask[part]
        for i, values in enumerate(call.results(*(a[part][valid] for a in arrays))):
            if i == len(results):
                empty = np.nan if values.dtype.kind in "fc" else 0
                results.append(np.full((*shape, *values.shape[1:]), empty, values.dtype))
            elif values.dtype != results[i].dtype:  # complex from here on
                results[i] = results[i].astype(np.result_type(results[i], values))
            results[i][part][valid] = values

    def masked(values: Array) -> Array:
        own = mask.reshape(shape + (1,) * (values.ndim - len(shape)))
        return np.ma.MaskedArray(values, np.broadcast_to(own, values.shape))[()]

    return [*map(masked, results)]


def _parts(shape: Shape, points: int) -> Iterator[tuple[slice, ...]]:
    """Cut an array of `shape` along its longest axis into parts of about so many points."""
    axis = max(range(len(shape)), key=shape.__getitem__)
    width = max(1, points * shape[axis] // prod(shape))
    for start in range(0, shape[axis], width):
        yield (slice(None),) * axis + (slice(start, min(start + width, shape[axis])),)
