"""polars: Series and DataFrames keep their names; nulls are NaN.

A Series is a column: beside a DataFrame it has one number for each row. For functions of a vector a Series is one
vector, a DataFrame has one in each row. Rows have no labels, and tables have two axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._typing import Array
from .registry import ContainerArray, ContainerCall


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call with the numbers inside; columns of DataFrames are aligned by name."""
    import polars as pl

    columns: dict[int, list[str]] = {}  # names along the last axis, for each vector, and for the batch as 0
    for o, core in zip(operands, call.cores, strict=True):
        if isinstance(o, pl.DataFrame):
            columns.setdefault(core, o.columns)
    arrays = []
    for o, core, name in zip(operands, call.cores, call.names, strict=True):
        if isinstance(o, pl.DataFrame):
            o = _aligned(o, columns[core], name).to_numpy()
        elif isinstance(o, pl.Series):
            o = o.to_numpy()[:, None] if columns and not call.has_vectors else o.to_numpy()
        arrays.append(o)
    names = {o.name for o in operands if isinstance(o, pl.Series)}
    series_name = names.pop() if len(names) == 1 and not columns else ""

    def table(result: Array) -> ContainerArray:
        call.require_known_axes(result, arrays)
        if np.ndim(result) == 0:
            return result
        if np.ndim(result) == 1:
            return pl.Series(series_name, result)
        if np.ndim(result) > 2:
            raise TypeError(
                f"`{call.names[0]}` must be an array where results have three axes, because tables of polars have two; "
                f"got a table, and results of shape {np.shape(result)}. Pass `x.to_numpy()`."
            )
        inner = call.layout.axes[: np.ndim(result) - max(call.loops(arrays))]
        if inner.endswith("m"):
            return pl.DataFrame(result, schema=[f"output_{i}" for i in range(result.shape[1])], orient="row")
        return pl.DataFrame(result, schema=columns.get(call.layout.along if inner else 0), orient="row")

    return [*map(table, call.results(*arrays))]


def _aligned(frame: ContainerArray, columns: list[str], name: str) -> ContainerArray:
    """Bring the columns of a DataFrame into the order of another."""
    if sorted(frame.columns) != sorted(columns):
        raise ValueError(
            f"`{name}` must have the columns of the others, {columns!r:.80}; got {frame.columns!r:.80}. Rename or "
            "select them."
        )
    return frame.select(columns)
