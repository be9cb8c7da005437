"""Which coordinates a gradient changes with: what is detached, and what is read at the wrong index."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ._comparison import Comparison

#: Longest vector for which every coordinate is moved.
COORDINATES = 40

#: Moves relative to the size of a coordinate, or to this size.
MOVE, LEAST = 2.0**-5, 2.0**-3

#: Changes are seen above this share of a value, and absent below that one.
SEEN, ABSENT = 1e-6, 1e-12

#: So many coordinates are listed.
_LISTED = 3


def changes(c: Comparison) -> str | None:
    """Recognise an analytic function that does not change with a coordinate as the derivative does, or the other way.

    Every coordinate of one point is moved in turn.
    """
    dim = np.shape(c.problem.args[0])[-1] if c.problem.of != "derivative" else 0
    if not 0 < dim <= COORDINATES or not callable(c.analytic.source):
        return None
    shape = c.values.shape[len(c.problem.batch) :]
    k = int(np.argmax(c.gross.reshape(-1, *shape).sum(axis=tuple(range(1, len(shape) + 1)))))
    x = np.asarray(c.problem.args[0], np.float64).reshape(-1, dim)[k]
    points = x + np.diag(MOVE * np.maximum(np.abs(x), LEAST))
    moved = replace(c.problem, args=(points.astype(c.problem.args[0].dtype), *c.problem.args[1:]), labels=())
    numerical = moved.estimate()
    analytic = c.analytic.elsewhere(moved, numerical.df.shape)
    if analytic is None:
        return None
    wrong, value, df = (a.reshape(-1, *shape)[k] for a in (c.gross, c.values, c.df))
    error = c.numerical.error.reshape(-1, *shape)[k]
    size = np.maximum(np.abs(value), np.abs(df))
    by_analytic, by_f = np.abs(analytic - value), np.abs(numerical.df - df)
    bound = numerical.error + error
    lost = wrong & (by_f > SEEN * size + 20 * bound) & (by_analytic <= ABSENT * size)
    extra = wrong & (by_analytic > SEEN * size) & (by_f <= ABSENT * size + bound) & (bound < ABSENT * size)
    texts = [f"does not change with {_listed(c, lost)}, the derivative does"] if lost.any() else []
    texts += [f"changes with {_listed(c, extra)}, the derivative does not"] if extra.any() else []
    return f"the analytic value {'; it '.join(texts)}: a part is detached, or an index is off" if texts else None


def _listed(c: Comparison, marked: Any) -> str:
    """List the coordinates with which most entries change."""
    counts = marked.reshape(len(marked), -1).sum(axis=1)
    most = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    names = [f"{c.names[0]}[{k}]" for k in sorted(most[:_LISTED])]
    return ", ".join(names) + (", ..." if most.size > _LISTED else "")
