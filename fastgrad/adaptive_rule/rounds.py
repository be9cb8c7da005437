"""Rounds: the first, the same for all points; wider steps; finer steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .._typing import Array, FloatArray, Index, Mask
from ..compilation.rows import Row
from .batch import Batch, in_blocks, indices, is_beside_zero
from .round_kernels import NO_LIMITS, RoundResult, finer_round, first_round
from .schedule import FACTOR, NEXT, RESOLVED, ROUNDS, WIDEST, first, power_below, scale_of, step
from .verdict import DONE, FINER, LONG, NEARBY, OPEN, SMALL, WIDER


def _is_done(j: RoundResult) -> Row:
    """Whether points have a result."""
    return (j.verdict == DONE) | (j.verdict == NEARBY) | (j.verdict == WIDER)


def take_rounds(b: Batch, index: Index) -> Index:
    """Take the first round and further ones; return the points that they leave open."""
    firsts = [_first_round(b, block) for block in in_blocks(index, b.round_size)]
    open_points, wide, more = (_concatenated(parts) for parts in zip(*firsts, strict=True))
    for block in in_blocks(np.arange(wide[0].size), b.round_size):
        _wider_round(b, *(a[block] for a in wide))
    left = open_points
    for block in in_blocks(np.arange(more[0].size), b.round_size):
        index, top, has_result = (a[block] for a in more)
        left.append(take_finer_rounds(b, index, top, has_result))
        b.note_straight(index[~has_result])
    return np.concatenate(left)


def _concatenated(parts: Iterable[Sequence[Array]]) -> list[Array]:
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _first_round(
    b: Batch, block: Index
) -> tuple[tuple[Index], tuple[Index, FloatArray], tuple[Index, FloatArray, Mask]]:
    """Take the first round.

    Returns
    -------
    open_points, wide, more : tuple of arrays
        Points that are open; points and units for wider steps; points for finer steps as in `take_finer_rounds`.
    """
    table = first(b.n, b.two_sided)
    u = scale_of(b.x[block])
    use = np.abs(b.x[block]) < 2.0**1000
    fits = np.ones(block.shape, bool)
    if not b.is_free:
        # where the first steps do not fit, narrower ones do, unless these are much too narrow
        near, _ = b.largest_steps(block)
        fits = near >= table.steps[0] * u
        narrow = power_below(np.maximum(near / table.steps[0], 2.0**-1000))
        use &= fits | (narrow >= u * 2.0**-10)
        u = np.where(fits, u, narrow)
    some = indices(use)
    index, unit = block[some], u[some]
    if b.first_round is not None:
        j = b.first_round.at(index)
    elif index.size:
        values = b.values(index, np.array(table.steps)[:, None] * unit).reshape(-1, index.size)
        j = first_round(b.n, b.side).judged(b.x[index], b.y[index], unit, NO_LIMITS, values)
    else:
        j = RoundResult(*[np.zeros(0)] * len(RoundResult._fields))
    b.store_round(index, j, indices(_is_done(j)))
    if b.n > 1 and b.two_sided:
        b.is_beside_edge[block] = ~fits
        b.is_beside_edge[index] |= (j.verdict != DONE) & (j.complete != 0)
    wide = indices(j.verdict == WIDER)
    more = indices((j.verdict == FINER) | (j.verdict == NEARBY))
    top = _first_finer_step(b, index[more], unit[more], j.complete[more].astype(np.intp))
    b.note_allowed(index, j, (j.verdict != DONE) & (j.verdict != WIDER))
    return (
        (np.concatenate([block[~use], index[indices(j.verdict == OPEN)]]),),
        (index[wide], unit[wide]),
        (index[more], top, j.verdict[more] == NEARBY),
    )


def _wider_round(b: Batch, index: Index, unit: FloatArray) -> None:
    """Take wider steps for points whose bounds are long because of rounding; keep the shorter bounds."""
    if not index.size:
        return
    unit = step(WIDEST) * unit
    j = b.take(finer_round(b.n, b.side), index, unit)
    agrees = np.abs(j.df - b.out.df[index]) <= j.bound + b.out.error[index]
    is_limited = (j.verdict == DONE) | (j.verdict == WIDER)
    b.store_round(index, j, indices(agrees & is_limited & (j.bound < b.out.error[index])))


def _first_finer_step(b: Batch, index: Index, unit: FloatArray, complete: Index) -> Row:
    """Return the coarsest step of the first finer round; `complete` as in `RoundResult`.

    It is four levels below the last step, or half the coarsest one with values on all sides. Near 0, where many
    functions vary over the size of the point, it is at most an eighth of that size.
    """
    top = step(7 if b.n == 1 else 5) * unit
    steps = np.array(first(b.n, b.two_sided).steps)
    is_edge = (complete > 0) & (complete < len(steps) - 1)
    top = np.where(is_edge, np.minimum(top, 0.5 * FACTOR * steps[complete] * unit), top)
    size = np.abs(b.x[index])
    beside_zero = is_beside_zero(size, SMALL)
    top[beside_zero] = np.minimum(top[beside_zero], FACTOR / 8 * power_below(size[beside_zero]))
    return top


def take_finer_rounds(b: Batch, index: Index, unit: FloatArray, has_result: Mask | bool = False) -> Index:
    """Take finer steps for points whose steps were too wide; return those that remain open.

    Where finer steps contradict wider ones, as below the jumps of a value that is rounded inside `f`, the last search
    decides. Finer steps may improve the result of a point that has one.
    """
    open_points = []
    has_result = np.broadcast_to(has_result, index.shape)
    finer = finer_round(b.n, b.side)
    for _ in range(ROUNDS):
        if not index.size:
            break
        is_resolved = unit * finer.steps[-1] >= np.abs(b.x[index]) * RESOLVED
        j = b.take(finer, index, unit)
        agrees = ~(j.df - j.bound > b.highest[index]) & ~(j.df + j.bound < b.lowest[index])
        done = is_resolved & agrees & _is_done(j)
        b.store_round(index, j, indices(done & (j.bound < b.out.error[index])))
        wider = indices(done & ((j.verdict == WIDER) | (j.bound > LONG * j.scale)))
        _wider_round(b, index[wider], unit[wider])
        goes_on = ~done & ~has_result & is_resolved & agrees & (j.verdict == FINER)
        if not agrees.all():
            b.out.df[index[~agrees]], b.out.error[index[~agrees]] = np.nan, np.inf
        flat = (j.is_flat != 0) & (b.out.df[index] != 0)
        open_points.append(index[~done & ~goes_on & (~has_result | ~agrees | flat)])
        more = indices(goes_on)
        b.note_allowed(index, j, ~done)
        index, unit, has_result = index[more], unit[more] * 2.0**-NEXT, has_result[more]
    return np.concatenate([*open_points, index])
