"""Masked arrays: what is masked is not looked at, and masked in the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._calls import Call
from ._operands import common_shape


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Do the call at the points that are not masked in any of the arrays; a vector is, if a coordinate of it is."""
    plain = [np.ma.getdata(o) for o in operands]
    masks = [
        np.ma.getmaskarray(o).any(axis=-1) if core and np.ndim(o) else np.ma.getmaskarray(o)
        for o, core in zip(operands, call.cores, strict=True)
    ]
    shape = common_shape(masks)
    hidden = np.any([np.broadcast_to(mask, shape) for mask in masks], axis=0)
    seen = ~hidden
    found = call(
        *(
            np.broadcast_to(o, (*shape, *o.shape[o.ndim - core :]) if o.ndim else shape)[seen]
            for o, core in zip(plain, call.cores, strict=True)
        )
    )

    def masked(values: Any) -> Any:
        whole = np.full((*shape, *values.shape[1:]), np.nan if values.dtype.kind in "fc" else 0, values.dtype)
        whole[seen] = values
        mask = hidden.reshape(shape + (1,) * (whole.ndim - len(shape)))
        return np.ma.MaskedArray(whole, np.broadcast_to(mask, whole.shape))[()]

    return [*map(masked, found)] if call.fields > 1 else masked(found)
