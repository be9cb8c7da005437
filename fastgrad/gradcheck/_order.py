"""Right values in the wrong order, of the wrong arguments, or of another call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison

#: Vectors up to this length are tried with every pair of coordinates exchanged.
PAIRS = 8

#: Axes up to this length are tried as transposed matrices.
LONGEST = 10_000


def keeps_first_call(c: Comparison) -> str | None:
    """Recognise what was right at the first call, with the points in another order, and is not any more."""
    if c.analytic.first is None or not c.is_explained_by(c.analytic.first):
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
    if alone is None or not c.is_explained_by(alone):
        return None
    return "right when called with one vector at a time: it takes no batch, or mixes the points up"


def transposed(c: Comparison) -> str | None:
    """Recognise a transposed square jacobian."""
    if c.problem.of != "jacobian" or c.values.shape[-1] != c.values.shape[-2]:
        return None
    turned = np.swapaxes(c.values, -1, -2)
    if c.is_explained_by(turned):
        return "transposed"
    return "transposed, sign flipped" if c.is_explained_by(-turned) else None


def reordered(c: Comparison) -> str | None:
    """Recognise entries in another order along one axis: swapped, reversed, shifted, transposed as a matrix."""
    for axis in sorted(range(len(c.axes)), key=lambda k: (c.axes[k] == "point", k)):
        what, size = c.axes[axis], c.values.shape[axis]
        marked = np.moveaxis(c.disagrees, axis, 0).reshape(size, -1).any(axis=1)
        for text, order in _orders(np.flatnonzero(marked), size, what):
            if c.is_explained_by(np.take(c.values, order, axis)):
                if what == "argument":
                    names = [c.names[c.problem.wrt[k]] for k in np.flatnonzero(marked)]
                    return f"the partials with respect to {' and '.join(names)} are swapped"
                return f"the {what}s {text}"
        if what != "argument" and size > 2:
            wrong = np.moveaxis(c.gross, axis, 0)
            for by, kept in ((1, slice(1, None)), (-1, slice(-1))):  # the entry at the end is lost
                good = np.moveaxis(c.like(np.roll(c.values, by, axis)) | ~c.decided, axis, 0)
                if good[kept].all() and wrong[kept].any():
                    return f"the {what}s are shifted by one"
    return None


def _orders(marked: Any, size: int, what: str) -> Iterator[tuple[str, Any]]:
    """Yield permutations of an axis, and how they read."""
    if marked.size < 2:
        return
    plain = np.arange(size)
    if marked.size == 2:
        order = plain.copy()
        order[marked] = marked[::-1]
        yield f"{marked[0]} and {marked[1]} are swapped", order
    if what == "argument":
        return
    yield "are in reverse order", plain[::-1]
    if what == "point" or size > LONGEST:
        return
    # a transposed block leaves its corners right
    first, last = int(marked[0]), int(marked[-1]) + 1
    blocks = [(first - k, last + k) for k in (0, 1) if first >= k and last + k <= size]
    for a, b in dict.fromkeys([(0, size), *blocks]):
        length, place = b - a, "" if (a, b) == (0, size) else f"{a} to {b - 1} "
        for r in (r for r in range(2, length // 2 + 1) if length % r == 0):
            block = plain[a:b].reshape(r, -1).T.ravel()
            yield f"{place}are transposed, as a matrix of {r} rows", np.concatenate([plain[:a], block, plain[b:]])
        if length % 2 == 0:
            block = np.roll(plain[a:b], length // 2)
            yield f"{place}are swapped, one half for the other", np.concatenate([plain[:a], block, plain[b:]])


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
    first = 0 if c.problem.of == "derivative" else 1  # the vector is not exchanged with other arguments
    for i in range(first, len(args)):
        for k in range(first, i):
            exchanged = list(args)
            exchanged[i], exchanged[k] = args[k], args[i]
            other = c.analytic.at(exchanged)
            if other is not None and c.is_explained_by(other):
                return f"right with {names[k]} and {names[i]} exchanged: swapped arguments"
    if c.problem.of == "derivative" or args[0].shape[-1] > PAIRS:
        return None
    for i in range(args[0].shape[-1]):
        for k in range(i):
            order = np.arange(args[0].shape[-1])
            order[[i, k]] = k, i
            other = c.analytic.at([args[0][..., order], *args[1:]])
            if other is not None and (c.is_explained_by(other) or c.is_explained_by(other[..., order])):
                return f"right with {names[0]}[{k}] and {names[0]}[{i}] exchanged: swapped arguments"
    return None
