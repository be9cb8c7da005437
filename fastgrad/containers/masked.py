"""Masked arrays: what is masked is not looked at, and masked in the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from ..arguments import argument, common_shape
from .calls import Call

#: Numbers of an array that are taken out at a time: enough for several threads, copies of 12 MiB.
_NUMBERS = 3 << 19


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Do the call at the points that are not masked in any of the arrays; a vector is, if a coordinate of it is."""
    numbers = [argument(np.ma.getdata(o), name) for o, name in zip(operands, call.names, strict=True)]
    masks = [
        np.ma.getmaskarray(o).any(axis=-1) if core and np.ndim(o) else np.ma.getmaskarray(o)
        for o, core in zip(operands, call.cores, strict=True)
    ]
    shape = common_shape(masks)
    hidden = np.broadcast_to(reduce(np.logical_or, masks), shape)
    whole = [
        np.broadcast_to(a, (*shape, *(a.shape[-1:] if core else ())) if a.ndim else shape)
        for a, core in zip(map(np.asarray, numbers), call.cores, strict=True)
    ]
    results: list[Any] = []
    width = max([a.shape[-1] for a, core in zip(whole, call.cores, strict=True) if core and a.ndim], default=1)
    for place in _pieces(shape, _NUMBERS // max(width, 1)) if hidden.size * width > _NUMBERS else [(...,)]:
        seen = ~hidden[place]
        found = call(*(a[place][seen] for a in whole))
        for i, values in enumerate(found if call.fields > 1 else (found,)):
            if i == len(results):
                empty = np.nan if values.dtype.kind in "fc" else 0
                results.append(np.full((*shape, *values.shape[1:]), empty, values.dtype))
            elif values.dtype != results[i].dtype:  # complex from here on
                results[i] = results[i].astype(np.result_type(results[i], values))
            results[i][place][seen] = values

    def masked(values: Any) -> Any:
        mask = hidden.reshape(shape + (1,) * (values.ndim - len(shape)))
        return np.ma.MaskedArray(values, np.broadcast_to(mask, values.shape))[()]

    return [*map(masked, results)] if call.fields > 1 else masked(results[0])


def _pieces(shape: tuple[int, ...], points: int) -> Iterator[tuple[slice, ...]]:
    """Cut an array of `shape` along its longest axis into pieces of about so many points."""
    axis = max(range(len(shape)), key=shape.__getitem__)
    width = max(1, points * shape[axis] // prod(shape))
    for start in range(0, shape[axis], width):
        yield (slice(None),) * axis + (slice(start, min(start + width, shape[axis])),)
