"""pandas: Series and DataFrames meet by their labels, and results have labels.

Axes are lined up from the last one, as in pandas' arithmetic: rows with rows, the index of a Series with the columns of
a DataFrame. For functions of a vector the last axis is the vector: a Series is one vector, a DataFrame one in each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .calls import Call
from .kinds import kinds


def spread(call: Call, operands: Sequence[Any]) -> Any:
    """Do the call with the numbers inside; labels that differ are joined, and points that some array lacks are NaN."""
    import pandas as pd

    loops = call.loops(operands)
    most = max(loops)
    framed = [kinds[type(o)] == "pandas" for o in operands]
    batch: list[Any] = [None] * most
    coordinates: dict[int, Any] = {}
    for o, n, core, name, has in zip(operands, loops, call.cores, call.names, framed, strict=True):
        if not has:
            continue
        for i, labels in enumerate(o.axes[:n], most - n):
            batch[i] = labels if batch[i] is None else _joined(batch[i], labels)
        if core:
            known = coordinates.setdefault(core, o.axes[-1])
            coordinates[core] = _same_labels(known, o.axes[-1], name)
    values = [
        _numbers(_relabelled(o, [*batch[most - n :], *([coordinates[core]] if core else [])], name)) if has else o
        for o, n, core, name, has in zip(operands, loops, call.cores, call.names, framed, strict=True)
    ]
    _check_unlabelled(call, operands, loops, batch)
    series = [o for o in operands if isinstance(o, pd.Series)]
    title: Any = series[0].name if series and all(s.name == series[0].name for s in series) else None
    attrs = next(o.attrs for o, has in zip(operands, framed, strict=True) if has)

    def labelled(found: Any) -> Any:
        sizes = np.shape(found)
        axes = [pd.RangeIndex(size) if i >= most or batch[i] is None else batch[i] for i, size in enumerate(sizes)]
        for i, axis in enumerate(call.axes[: len(sizes) - most], most):
            if axis == "m":
                axes[i] = pd.RangeIndex(sizes[i], name="output")
            elif call.along in coordinates:
                axes[i] = coordinates[call.along]
        if [*map(len, axes)] != [*sizes]:
            raise ValueError(
                f"`{call.names[0]}` and the others must broadcast to the labels; got shape {sizes} for labels "
                f"of shape {tuple(map(len, axes))}. Give all of them labels, or pass arrays only."
            )
        made = found
        if len(axes) == 1:
            made = pd.Series(found, index=axes[0], name=title, copy=False)
        elif len(axes) > 1:
            rows = axes[0]
            for more in axes[1:-1]:
                rows = _pairs(rows, more)
            made = pd.DataFrame(found.reshape(len(rows), sizes[-1]), index=rows, columns=axes[-1], copy=False)
        if axes:
            made.attrs = dict(attrs)
        return made

    found = call(*values)
    return [*map(labelled, found)] if call.fields > 1 else labelled(found)


def _joined(one: Any, other: Any) -> Any:
    """All labels of two axes, as in pandas' arithmetic."""
    return one if one.equals(other) else one.join(other, how="outer")


def _same_labels(labels: Any, other: Any, name: str) -> Any:
    """Check that an array has one number for each coordinate of the vector."""
    if not labels.equals(other) and (len(labels) != len(other) or labels.symmetric_difference(other).size):
        raise ValueError(
            f"`{name}` must have the labels of the vector, {list(labels)!r:.80}; got {list(other)!r:.80}. Rename them, "
            "or pass an array."
        )
    return labels


def _relabelled(o: Any, axes: list[Any], name: str) -> Any:
    """Bring an array onto the joined labels."""
    try:
        for place, (own, wanted) in enumerate(zip(o.axes, axes, strict=True)):
            if not own.equals(wanted):
                o = o.reindex(wanted, axis=place)
    except ValueError as err:
        raise ValueError(
            f"`{name}` must have distinct labels where they differ from those of other arguments ({err}). "
            "Give all arguments one index."
        ) from None
    return o


def _numbers(o: Any) -> Any:
    """Numbers of a Series or DataFrame; missing ones are NaN."""
    import pandas as pd

    dtypes = [o.dtype] if isinstance(o, pd.Series) else list(o.dtypes)
    if not all(map(pd.api.types.is_numeric_dtype, dtypes)):
        return o.to_numpy()
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return o.to_numpy(dtype=np.result_type(np.bool_, *dtypes))  # of columns, some bool, pandas makes objects
    small = all(str(dtype) in ("Float32", "float32", "float[pyarrow]") for dtype in dtypes)
    return o.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)


def _check_unlabelled(call: Call, operands: Sequence[Any], loops: list[int], batch: list[Any]) -> None:
    """Refuse an array without labels beside arrays whose labels had to be joined: nobody knows what belongs to what."""
    most = len(batch)
    moved = [
        any(
            kinds[type(o)] == "pandas" and i >= most - n and not o.axes[i - most + n].equals(labels)
            for o, n in zip(operands, loops, strict=True)
        )
        for i, labels in enumerate(batch)
    ]
    for o, n, name in zip(operands, loops, call.names, strict=True):
        if kinds[type(o)] != "pandas" and any(moved[most - n + i] and o.shape[i] > 1 for i in range(n)):
            raise ValueError(
                f"`{name}` must have labels, because those of other arguments differ; got an array of shape {o.shape}. "
                "Make it a Series, or give all arguments one index."
            )


def _pairs(rows: Any, more: Any) -> Any:
    """All pairs of labels, the second one running faster."""
    import pandas as pd

    slow, fast = np.repeat(np.arange(len(rows)), len(more)), np.tile(np.arange(len(more)), len(rows))
    levels = [axis.take(place).get_level_values(k) for axis, place in ((rows, slow), (more, fast))
              for k in range(axis.nlevels)]  # fmt: skip
    return pd.MultiIndex.from_arrays(levels, names=[*rows.names, *more.names])
