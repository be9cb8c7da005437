"""pandas: Series and DataFrames are aligned by their labels, and results have labels.

Axes are aligned from the last one, as in pandas' arithmetic: rows with rows, the index of a Series with the columns of
a DataFrame. For functions of a vector the last axis is the vector: a Series is one vector, a DataFrame one in each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .._typing import Array
from ..array_kinds import kinds
from .registry import ContainerArray, ContainerCall

#: An index of pandas: the labels of an axis.
Labels = Any


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call with the numbers inside; labels that differ are joined, and points that an array lacks are NaN."""
    import pandas as pd

    labels = _Labels(call, operands)
    series = [o for o in operands if isinstance(o, pd.Series)]
    name: Any = series[0].name if series and all(s.name == series[0].name for s in series) else None
    attrs = next(o.attrs for o in operands if kinds[type(o)] == "pandas")

    def labelled(result: Array) -> ContainerArray:
        axes = labels.of(result)
        if not axes:
            return result
        if len(axes) == 1:
            table = pd.Series(result, index=axes[0], name=name, copy=False)
        else:
            rows = reduce(_pairs, axes[:-1])
            table = pd.DataFrame(result.reshape(len(rows), len(axes[-1])), index=rows, columns=axes[-1], copy=False)
        table.attrs = dict(attrs)
        return table

    return [*map(labelled, call.results(*labels.numbers()))]


class _Labels:
    """Common labels of the arrays of a call: one index for each axis of the batch, and one for each vector."""

    def __init__(self, call: ContainerCall, operands: Sequence[ContainerArray]) -> None:
        self._call, self._operands, self._loops = call, operands, call.loops(operands)
        self._is_table = [kinds[type(o)] == "pandas" for o in operands]
        self._batch_ndim = max(self._loops)
        self._batch: list[Labels] = [None] * self._batch_ndim
        """Labels of each axis of the batch; None where no array has any."""
        self._joined: set[int] = set()
        """Axes whose labels differ between arrays."""
        self._coordinates: dict[int, Labels] = {}
        for o, n, core, name, is_table in self._each():
            if not is_table:
                continue
            for i, labels in enumerate(o.axes[:n], self._batch_ndim - n):
                if self._batch[i] is None:
                    self._batch[i] = labels
                elif not self._batch[i].equals(labels):
                    self._batch[i] = self._batch[i].join(labels, how="outer")
                    self._joined.add(i)
            if core:
                _check_coordinates(self._coordinates.setdefault(core, o.axes[-1]), o.axes[-1], name)
        self._check_unlabelled()

    def _each(self) -> Iterator[tuple[ContainerArray, int, int, str, bool]]:
        """Arrays with the number of their batch axes, their vectors, their names, and whether they have labels."""
        return zip(self._operands, self._loops, self._call.cores, self._call.names, self._is_table, strict=True)

    def numbers(self) -> list[ContainerArray]:
        """Numbers of all arrays; those with labels in the common order."""
        arrays = []
        for o, n, core, name, is_table in self._each():
            if is_table:
                axes = [*self._batch[self._batch_ndim - n :], *([self._coordinates[core]] if core else [])]
                o = _numbers(_relabelled(o, axes, name))
            arrays.append(o)
        return arrays

    def of(self, result: Array) -> list[Labels]:
        """Labels of the axes of a result."""
        import pandas as pd

        sizes = np.shape(result)
        self._call.require_known_axes(result, self._operands)
        axes = [pd.RangeIndex(size) for size in sizes]
        for i, labels in enumerate(self._batch[: len(sizes)]):
            axes[i] = axes[i] if labels is None else labels
        for i, axis in enumerate(self._call.layout.axes[: len(sizes) - self._batch_ndim], self._batch_ndim):
            if axis == "m":
                axes[i] = pd.RangeIndex(sizes[i], name="output")
            elif self._call.layout.along in self._coordinates:
                axes[i] = self._coordinates[self._call.layout.along]
        if [*map(len, axes)] != [*sizes]:
            raise ValueError(
                f"`{self._call.names[0]}` and the others must broadcast to the labels; got shape {sizes} for labels "
                f"of shape {tuple(map(len, axes))}. Give all of them labels, or pass arrays only."
            )
        return axes

    def _check_unlabelled(self) -> None:
        """Refuse an array without labels beside others whose labels were joined: its order has no meaning."""
        for o, n, _, name, is_table in self._each():
            first = self._batch_ndim - n
            if not is_table and any(o.shape[i - first] > 1 for i in self._joined if i >= first):
                raise ValueError(
                    f"`{name}` must have labels, because those of other arguments differ; got an array of shape "
                    f"{o.shape}. Make it a Series, or give all arguments one index."
                )


def _check_coordinates(labels: Labels, other: Labels, name: str) -> None:
    """Check that an array has one number for each coordinate of the vector."""
    if not labels.equals(other) and (len(labels) != len(other) or labels.symmetric_difference(other).size):
        raise ValueError(
            f"`{name}` must have the labels of the vector, {list(labels)!r:.80}; got {list(other)!r:.80}. Rename them, "
            "or pass an array."
        )


def _relabelled(o: ContainerArray, axes: list[Labels], name: str) -> ContainerArray:
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


def _numbers(o: ContainerArray) -> ContainerArray:
    """Numbers of a Series or DataFrame; missing ones are NaN."""
    import pandas as pd

    dtypes = [o.dtype] if isinstance(o, pd.Series) else list(o.dtypes)
    if not all(map(pd.api.types.is_numeric_dtype, dtypes)):
        return o.to_numpy()
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return o.to_numpy(dtype=np.result_type(np.bool_, *dtypes))  # of columns, some bool, pandas makes objects
    small = all(str(dtype) in ("Float32", "float32", "float[pyarrow]") for dtype in dtypes)
    return o.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)


def _pairs(rows: Labels, more: Labels) -> Labels:
    """All pairs of labels, the second one running faster."""
    import pandas as pd

    slow, fast = np.repeat(np.arange(len(rows)), len(more)), np.tile(np.arange(len(more)), len(rows))
    levels = [axis.take(place).get_level_values(k) for axis, place in ((rows, slow), (more, fast))
              for k in range(axis.nlevels)]  # fmt: skip
    return pd.MultiIndex.from_arrays(levels, names=[*rows.names, *more.names])
