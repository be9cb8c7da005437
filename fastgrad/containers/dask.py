"""Dask arrays: the call is done block by block, wherever and whenever Dask computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .calls import Call


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Lay the call out over blocks; vectors are brought into one block each, other chunks are kept."""
    import dask.array as da

    arrays = [da.asanyarray(o) for o in operands]
    if call.vectors:
        arrays = _vectors_in_one_block(call, arrays)
    loops = call.loops(arrays)
    most = max(loops)
    previewed = call.preview(
        [
            np.empty_like(a._meta, shape=(0,) * max(n, 1) + (a.shape[-1:] if core else ()))
            for a, n, core in zip(arrays, loops, call.cores, strict=True)
        ]
    )
    metas = list(previewed) if call.fields > 1 else [previewed]
    sizes = metas[0].shape[max(most, 1) :]
    # every axis has a number; that of the coordinates is an axis of the arrays, those of outputs and pairs are new
    batch = tuple(range(most))
    number: dict[Any, int] = {axis: most + i for i, axis in enumerate(("d", "m", "e", *call.cores))}
    number[call.along] = number["d"]
    axes = (*batch, *(number[axis] for axis in call.axes[: len(sizes)]))
    new = dict(zip(axes[most:], sizes, strict=True))
    placed = [
        part
        for a, n, core in zip(arrays, loops, call.cores, strict=True)
        for part in (a, (*batch[most - n :], *([number[core]] if core else [])))
    ]
    name = call.function.__name__
    # as an argument by name, so that Dask computes its own arrays among the further arguments of `f`
    named = {"call": call.with_one_worker(), "concatenate": True, "token": name}
    metas = [np.empty_like(meta, shape=(0,) * len(axes)) for meta in metas]
    if call.fields == 1:
        given = {axis: size for axis, size in new.items() if axis != number["d"]}
        return da.blockwise(work, axes, *placed, new_axes=given, meta=metas[0], **named)
    # a block of this one is a whole tuple, evaluated once for all its fields
    whole = da.blockwise(work, batch, *placed, meta=np.empty((0,) * most, object), **named)
    return [
        da.blockwise(Field(i), axes, whole, batch, new_axes=new, meta=meta, token=f"{name}-{i}")
        for i, meta in enumerate(metas)
    ]


def work(*blocks: Any, call: Call) -> Any:
    """Do the call with one block of each array, and refuse results of another type than was announced."""
    found = call(*blocks)
    first = found[0] if call.fields > 1 else found
    if np.iscomplexobj(first):
        raise TypeError(
            "`f` must return real numbers for Dask's arrays, whose type is announced before `f` is called; got complex "
            f"ones. Say it yourself: x.map_blocks(functools.partial(fg.{call.function.__name__}, f), dtype=complex)."
        )
    return found


class Field(NamedTuple):
    """One field of the tuple that a block is."""

    nth: int

    def __call__(self, block: Any) -> Any:
        """Take it out."""
        return block[self.nth]


def _vectors_in_one_block(call: Call, arrays: list[Any]) -> list[Any]:
    """Give all arrays of vectors their whole last axis in one block."""
    import dask.array as da

    lengths: dict[int, int] = {}
    for a, core in zip(arrays, call.cores, strict=True):
        lengths[core] = max(lengths.get(core, 1), a.shape[-1] if a.ndim else 1)
    made = []
    for a, core, name in zip(arrays, call.cores, call.names, strict=True):
        if core:
            length = lengths[core]
            if a.ndim and a.shape[-1] != length and (a.shape[-1] != 1 or name in ("x", "v")):
                raise ValueError(
                    f"`{name}` must have one number for each of {length} coordinates; got shape {a.shape}. Put the "
                    "vector on its last axis."
                )
            a = a.rechunk({-1: -1}) if a.ndim else a
            if a.ndim == 0 or a.shape[-1] != length:
                a = da.broadcast_to(a, (*a.shape[:-1], length))
        made.append(a)
    return made
