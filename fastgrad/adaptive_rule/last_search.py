"""The last search over a batch: values at all levels, then decisions, then further levels."""

from __future__ import annotations

import numpy as np

from .._parallel import CostEstimate, inner_workers, over_pieces
from .._typing import FloatArray, Index
from ..compilation.rows import LANES
from .batch import Batch, is_beside_zero
from .decisions import NONFINITE, Outcome, decide
from .schedule import BETWEEN, COARSEST, DEEPEST, FINEST, power_below, scale_of, step
from .search import LevelValues, concatenate_levels, padding
from .verdict import SMALL

SHARE = 2
"""Blocks of the last search, which needs 3 kB for each point, are smaller than those of rounds by this factor."""

SECONDS = 1e-5
"""What the search of a point takes, about: a few points that measure it would be a block of their own."""


def search(b: Batch, index: Index) -> None:
    """Search all levels for points, near 0 also the steps of their own size."""
    _, far = b.largest_steps(index)
    widest = np.where(far < np.inf, power_below(np.maximum(far, 2.0**-1000)), 2.0**1000)
    u = np.minimum(scale_of(b.x[index]), widest)
    size = np.abs(b.x[index])
    beside_zero, zero = is_beside_zero(size, SMALL), size == 0
    near = beside_zero & (size >= 2.0**-BETWEEN)
    for mask, finest, deepest in (
        (~near & ~zero, FINEST, DEEPEST), (near, FINEST + BETWEEN, DEEPEST + BETWEEN), (zero, FINEST, 2 * DEEPEST),
    ):  # fmt: skip
        if mask.any():
            _search_from(b, index[mask], u[mask], finest, deepest)
    tiny = np.flatnonzero(beside_zero & ~near)
    if tiny.size:
        _search_from(b, index[tiny], np.minimum(0.5 * power_below(size[tiny]), widest[tiny]), FINEST, DEEPEST)


def _search_from(b: Batch, index: Index, u: FloatArray, finest: int, deepest: int) -> None:
    """Search the levels from the step `u` on, block by block, over the threads that may share machine code."""

    def work(piece: tuple[slice, ...]) -> None:
        block, unit = index[piece], u[piece]
        with np.errstate(all="ignore"):  # threads have settings of their own
            _decide(b, block, unit, _values(b, block, unit, 0, finest), (finest, deepest))

    size = b.block_size // SHARE
    over_pieces(work, index.shape, inner_workers(), most=size, least=size, pace=CostEstimate(SECONDS))


def _values(b: Batch, index: Index, u: FloatArray, first: int, last: int) -> LevelValues:
    h = step(np.arange(first, last + 1))[:, None] * u
    # NaN beyond the finest levels; rows apart by no power of two, which would share lines of the cache
    values = np.empty((len(h) + padding(b.n), 1 + b.two_sided, index.size + LANES))[..., : index.size]
    values[len(h) :] = np.nan
    values[: len(h)] = b.values(index, h)
    return LevelValues(b.n, b.x[index], b.y[index], np.full(index.size, -1.0 if b.side < 0 else 1.0), h, values)


def _decide(b: Batch, index: Index, u: FloatArray, v: LevelValues, levels: tuple[int, int]) -> None:
    """Decide on points, and once more with further levels where these may improve the result."""
    finest, deepest = levels
    outcome, further = decide(v, 0)
    for more_fine, more_coarse in ((False, True), (True, False), (True, True)):
        more = np.flatnonzero((further.finer == more_fine) & (further.coarser == more_coarse))
        if not more.size:
            continue
        parts = [_values(b, index[more], u[more], COARSEST, -1)] if more_coarse else []
        parts += [v.at(more)]
        parts += [_values(b, index[more], u[more], finest + 1, deepest)] if more_fine else []
        again, _ = decide(concatenate_levels(*parts), -COARSEST if more_coarse else 0)
        for a, c in zip(outcome, again, strict=True):
            a[more] = c
    b.improve(index, outcome)
    _store_unbounded(b, index, v)


def _store_unbounded(b: Batch, index: Index, v: LevelValues) -> None:
    """Store NaN where the secants of the finest level overflow, as those of 1/x at 1e-300.

    To steps of the scale such a value is an outlier that makes any bound short beside the secants.
    """
    values, h = v.values[v.levels - 1], v.h[-1]
    with np.errstate(all="ignore"):
        is_steep = (np.isfinite(values) & np.isinf((values - v.y) / h)).all(axis=0)
    some = index[is_steep]
    nan, zero = np.full(some.size, np.nan), np.zeros(some.size)
    b.store(some, Outcome(nan, np.full(some.size, np.inf), zero, nan, nan, np.full(some.size, NONFINITE)))
