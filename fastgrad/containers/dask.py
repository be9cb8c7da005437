"""Dask arrays: the call is done block by block, where and when Dask computes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from .._typing import Array
from .registry import ContainerArray, ContainerCall


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Lay the call out over blocks; a vector is brought into one block, other chunks are kept."""
    import dask.array as da

    arrays = [da.asanyarray(o) for o in operands]
    if call.has_vectors:
        arrays = _with_whole_vectors(call, arrays)
    loops, layout = call.loops(arrays), call.layout
    batch_ndim = max(loops)
    empties = [
        np.empty_like(a._meta, shape=(0,) * max(n, 1) + (a.shape[-1:] if core else ()))
        for a, n, core in zip(arrays, loops, call.cores, strict=True)
    ]
    metas = call.preview(empties)
    call.require_known_axes(metas[0], empties)
    sizes = metas[0].shape[max(batch_ndim, 1) :]
    # every axis has a number; that of the coordinates is an axis of the arrays, those of outputs and pairs are new
    batch = tuple(range(batch_ndim))
    number: dict[object, int] = {axis: batch_ndim + i for i, axis in enumerate(("d", "m", "e", *call.cores))}
    number[layout.along] = number["d"]
    axes = (*batch, *(number[axis] for axis in layout.axes[: len(sizes)]))
    new = dict(zip(axes[batch_ndim:], sizes, strict=True))
    blocks = [
        part
        for a, n, core in zip(arrays, loops, call.cores, strict=True)
        for part in (a, (*batch[batch_ndim - n :], *([number[core]] if core else [])))
    ]
    name = call.function.__name__
    # `call` goes by name, so that Dask computes its own arrays among the further arguments of `f`
    options = {"call": call.with_one_worker(), "ndim": len(axes), "concatenate": True, "token": name}
    metas = [np.empty_like(meta, shape=(0,) * len(axes)) for meta in metas]
    if layout.fields == 1:
        sizes_of_new = {axis: size for axis, size in new.items() if axis != number["d"]}
        return [da.blockwise(compute_block, axes, *blocks, new_axes=sizes_of_new, meta=metas[0], **options)]
    # a block of this one is a whole tuple, evaluated once for all its fields
    whole = da.blockwise(compute_block, batch, *blocks, meta=np.empty((0,) * batch_ndim, object), **options)
    return [
        da.blockwise(itemgetter(i), axes, whole, batch, new_axes=new, meta=meta, token=f"{name}-{i}")
        for i, meta in enumerate(metas)
    ]


def compute_block(*blocks: Array, call: ContainerCall, ndim: int) -> Array | tuple[Array, ...]:
    """Do the call with one block of each array; refuse results of another type or shape than was announced."""
    results = call.results(*blocks)
    remedy = f"Say it yourself: x.map_blocks(functools.partial(fg.{call.function.__name__}, f), dtype=complex)."
    if np.iscomplexobj(results[0]):
        raise TypeError(
            "`f` must return real numbers for Dask's arrays, whose type is announced before `f` is called; got complex "
            f"ones. {remedy}"
        )
    if np.ndim(results[0]) > ndim:
        call.require_known_axes(results[0], blocks)
        raise TypeError(
            "`f` must return one number per point for Dask's arrays, whose shape is announced before `f` is called; "
            f"got a result of shape {np.shape(results[0])}. Say it yourself with `map_blocks(..., new_axis=...)`."
        )
    return tuple(results) if call.layout.fields > 1 else results[0]


def _with_whole_vectors(call: ContainerCall, arrays: list[ContainerArray]) -> list[ContainerArray]:
    """Give all arrays of vectors their whole last axis in one block."""
    import dask.array as da

    dims: dict[int, int] = {}
    for a, core in zip(arrays, call.cores, strict=True):
        dims[core] = max(dims.get(core, 1), a.shape[-1] if a.ndim else 1)
    whole = []
    for a, core, name in zip(arrays, call.cores, call.names, strict=True):
        if core:
            dim = dims[core]
            if a.ndim and a.shape[-1] != dim and (a.shape[-1] != 1 or name in ("x", "v")):
                raise ValueError(
                    f"`{name}` must have one number for each of {dim} coordinates; got shape {a.shape}. Put the "
                    "vector on its last axis."
                )
            a = a.rechunk({-1: -1}) if a.ndim else a
            if a.ndim == 0 or a.shape[-1] != dim:
                a = da.broadcast_to(a, (*a.shape[:-1], dim))
        whole.append(a)
    return whole
