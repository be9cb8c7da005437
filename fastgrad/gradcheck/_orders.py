"""Right values at the wrong places, and calls that mix points up or keep earlier results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison

#: Vectors up to this length are tried with every pair of coordinates exchanged.
PAIRS = 8

#: Axes up to this length are tried with blocks transposed, reversed, shifted, and swapped.
LONGEST = 10_000

#: A transposed block leaves its corners right: so far a block may reach beyond what is wrong.
BEYOND = 2


def keeps_first_call(c: Comparison) -> str | None:
    """Recognise what was right at the first call, with the points in another order, and is not any more."""
    if c.analytic.first is None or not c.explains(c.analytic.first):
        return None
    return "right at a first call, wrong at a second with the points in another order: it remembers the first"


def mixes_points(c: Comparison) -> str | None:
    """Recognise values that another order of the points changes."""
    first, values = c.analytic.first, c.values
    if first is None or (np.abs(first - values) <= ALIKE * np.abs(values))[np.isfinite(values)].all():
        return None
    return "the values change with the order of the points: it mixes points up, or remembers earlier calls"


def one_by_one(c: Comparison) -> str | None:
    """Recognise a function of one vector that makes something of a batch, but not what was meant."""
    if not c.problem.batch or c.problem.of == "derivative" or not callable(c.analytic.source):
        return None
    alone = c.analytic.one_by_one()
    if alone is None or not c.explains(alone):
        return None
    return "right when called with one vector at a time: it takes no batch, or mixes the points up"


def transposed(c: Comparison) -> str | None:
    """Recognise a transposed square jacobian."""
    if c.problem.of != "jacobian" or c.values.shape[-1] != c.values.shape[-2]:
        return None
    turned = np.swapaxes(c.values, -1, -2)
    if c.explains(turned):
        return "transposed"
    return "transposed, sign flipped" if c.explains(-turned) else None


def reordered(c: Comparison) -> str | None:
    """Recognise entries in another order along one axis: swapped, transposed, reversed, shifted."""
    for what, axis in _axes(c):
        size = c.values.shape[axis]
        marked = np.moveaxis(c.disagrees, axis, 0).reshape(size, -1).any(axis=1)
        for text, order in _orders(np.flatnonzero(marked), size, what != "the points" and size <= LONGEST):
            if c.explains(np.take(c.values, order, axis)):
                if what == "the partials with respect to":
                    pair = [c.names[c.problem.wrt[k]] for k in np.flatnonzero(order != np.arange(size))]
                    return f"{what} {' and '.join(pair)} are swapped"
                return f"{what} {text}"
    return None


def _axes(c: Comparison) -> list[tuple[str, int]]:
    first = int(c.problem.stacked)
    points = [("the points", k) for k in range(first, first + len(c.problem.batch))]
    inner = {"derivative": [], "gradient": ["the coordinates"]}.get(c.problem.of, ["the rows", "the columns"])
    behind = [(what, k - len(inner)) for k, what in enumerate(inner)]
    return [("the partials with respect to", 0)] * first + behind + points


def _orders(marked: Any, size: int, has_blocks: bool) -> Iterator[tuple[str, Any]]:
    """Yield permutations that move what is marked, and how they read; of points no blocks are exchanged."""
    if marked.size < 2:
        return
    plain = np.arange(size)
    if marked.size == 2:
        order = plain.copy()
        order[marked] = marked[::-1]
        yield f"{marked[0]} and {marked[1]} are swapped", order
    if not has_blocks:
        yield "are in reverse order", plain[::-1]
        return
    low, high = int(marked[0]), int(marked[-1]) + 1
    for a in range(max(0, low - BEYOND), low + 1):
        for b in range(high, min(size, high + BEYOND) + 1):
            block, length = plain[a:b], b - a
            place = "" if length == size else f"{a} to {b - 1} "
            for rows in range(2, length // 2 + 1):
                if length % rows == 0:
                    yield (
                        f"{place}are transposed, as a matrix of {rows} rows",
                        _with(plain, a, block.reshape(rows, -1).T.ravel()),
                    )
            yield f"{place}are in reverse order", _with(plain, a, block[::-1])
            for by in (1, -1):
                yield f"{place}are shifted by one", _with(plain, a, np.roll(block, by))
            if length % 2 == 0:
                yield f"{place}are swapped, one half for the other", _with(plain, a, np.roll(block, length // 2))


def _with(plain: Any, start: int, block: Any) -> Any:
    order = plain.copy()
    order[start : start + len(block)] = block
    return order


def shifted(c: Comparison) -> str | None:
    """Recognise entries that are shifted by one, the last one lost."""
    for what, axis in _axes(c):
        if c.values.shape[axis] < 3 or what.startswith("the partials"):
            continue
        for by in (1, -1):
            good = np.moveaxis(c.like(np.roll(c.values, by, axis)) | ~c.decided, axis, 0)
            if good[1:].all() or good[:-1].all():
                return f"{what} are shifted by one"
    return None


def elsewhere(c: Comparison) -> str | None:
    """Recognise the right values of each point at other coordinates, in an order that may change with the point."""
    if not c.inner or np.iscomplexobj(c.values) or not np.isfinite(c.values).all() or not np.isfinite(c.df).all():
        return None
    shape = (*c.problem.batch, -1)
    values, df = (np.sort(a.reshape(shape), axis=-1) for a in (c.values, c.df))
    allowed = np.max(c.judgement.allowed.reshape(shape), axis=-1, keepdims=True)
    if not (np.abs(values - df) <= ALIKE * np.abs(df) + allowed).all():
        return None
    return "the right values at other coordinates: an index"


def swapped_args(c: Comparison) -> str | None:
    """Recognise an analytic function that is right when two of its arguments, or coordinates, are exchanged."""
    if not callable(c.analytic.source):
        return None
    args, names = c.problem.args, c.names
    first = 0 if c.problem.of == "derivative" else 1  # the vector is no argument to exchange with others
    for i in range(first, len(args)):
        for k in range(first, i):
            exchanged = list(args)
            exchanged[i], exchanged[k] = args[k], args[i]
            other = c.analytic.at(exchanged)
            if other is not None and c.explains(other):
                return f"right with {names[k]} and {names[i]} exchanged: swapped arguments"
    if c.problem.of == "derivative" or args[0].shape[-1] > PAIRS:
        return None
    for i in range(args[0].shape[-1]):
        for k in range(i):
            order = np.arange(args[0].shape[-1])
            order[[i, k]] = k, i
            other = c.analytic.at([args[0][..., order], *args[1:]])
            if other is not None and (c.explains(other) or c.explains(other[..., order])):
                return f"right with {names[0]}[{k}] and {names[0]}[{i}] exchanged: swapped arguments"
    return None
