"""The last search over a batch: values at all levels, noise first, then decisions, then further levels."""

from __future__ import annotations

import numpy as np

from .batch import Batch, FloatArray, Index, in_blocks, is_beside_zero
from .codegen import LANES
from .decisions import Outcome, decide
from .noise_limited import Noise, resolve_noise, visible_noise
from .schedule import BETWEEN, COARSEST, DEEPEST, FINEST, power_below, scale_of, step
from .search import Values, concatenate_levels, concatenate_points, padding
from .verdict import SMALL

Part = tuple[Index, Values]
"""Places in an array of points, and the values there."""

SHARE = 4
"""Blocks of the last search, which needs 3 kB for each point, are smaller than those of rounds by this factor."""


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
    """Search the levels from the step `u` on: noise first, block by block, then what is left of all blocks."""
    left: dict[int, list[Part]] = {0: [], -COARSEST: []}
    blocks = in_blocks(np.arange(index.size), b.block_size // SHARE)
    for block in blocks:
        if b.n == 1 and b.two_sided:
            v = _values(b, index[block], u[block], 0, finest, -COARSEST)
            near = v.finer(-COARSEST)
            noise = visible_noise(near)
            quiet, loud = noise.size == 0, np.flatnonzero(noise.size)
            if loud.size:
                rest = _resolve_noise(b, index[block], v, noise, loud)
                if rest.size:
                    left[-COARSEST].append((block[rest], v.at(rest)))
        else:
            near, quiet = _values(b, index[block], u[block], 0, finest), np.ones(block.shape, bool)
        if quiet.any():
            left[0].append((block[quiet], near if quiet.all() else near.at(np.flatnonzero(quiet))))
        for coarse_levels, parts in left.items():
            if parts and (block is blocks[-1] or sum(part.size for part, _ in parts) >= b.block_size):
                _decide_together(b, index, u, parts, coarse_levels, (finest, deepest))
                parts.clear()


def _decide_together(
    b: Batch, index: Index, u: FloatArray, parts: list[Part], coarse_levels: int, levels: tuple[int, int]
) -> None:
    """Decide on the points that noise has not settled in some blocks: few points take as long as a block."""
    rest, v = np.concatenate([part for part, _ in parts]), concatenate_points([values for _, values in parts])
    for block in in_blocks(np.arange(rest.size), b.block_size // SHARE):
        of_block = v if block.size == rest.size else v.at(block)
        _decide(b, index[rest[block]], u[rest[block]], of_block, coarse_levels, levels)


def _values(b: Batch, index: Index, u: FloatArray, first: int, last: int, missing: int = 0) -> Values:
    """Evaluate at levels; the coarser `missing` ones are NaN for the time being."""
    h = step(np.arange(first - missing, last + 1))[:, None] * u
    # NaN beyond the finest levels; rows apart by no power of two, which would share lines of the cache
    values = np.empty((len(h) + padding(b.n), 1 + b.two_sided, index.size + LANES))[..., : index.size]
    values[:missing], values[len(h) :] = np.nan, np.nan
    values[missing : len(h)] = b.values(index, h[missing:])
    return Values(b.n, b.x[index], b.y[index], np.full(index.size, -1.0 if b.side < 0 else 1.0), h, values)


def _resolve_noise(b: Batch, index: Index, v: Values, noise: Noise, loud: Index) -> Index:
    """Evaluate the coarse levels of the points with noise, and differentiate there; return those that remain open."""
    v.values[:-COARSEST][..., loud] = b.values(index[loud], v.h[:-COARSEST].take(loud, axis=-1))
    df, bound, scale, is_resolved = resolve_noise(v, noise.after(-COARSEST), -COARSEST)
    _improve(b, index, Outcome.smooth(df, bound, scale), is_resolved)
    rest: Index = loud[~is_resolved[loud]]
    return rest


def _decide(b: Batch, index: Index, u: FloatArray, v: Values, coarse_levels: int, levels: tuple[int, int]) -> None:
    """Decide on points, and once more with further levels where these may improve the result."""
    finest, deepest = levels
    outcome, further = decide(v, coarse_levels)
    coarser = further.coarser if coarse_levels == 0 else np.zeros(index.shape, bool)
    for more_fine, more_coarse in ((False, True), (True, False), (True, True)):
        more = np.flatnonzero((further.finer == more_fine) & (coarser == more_coarse))
        if not more.size:
            continue
        parts = [_values(b, index[more], u[more], COARSEST, -1)] if more_coarse else []
        parts += [v.at(more)]
        parts += [_values(b, index[more], u[more], finest + 1, deepest)] if more_fine else []
        again, _ = decide(concatenate_levels(*parts), -COARSEST if more_coarse else coarse_levels)
        for a, c in zip(outcome, again, strict=True):
            a[more] = c
    _improve(b, index, outcome, np.ones(index.shape, bool))


def _improve(b: Batch, index: Index, outcome: Outcome, where: FloatArray) -> None:
    """Replace earlier results where the bounds of the search are better."""
    old = b.out
    old_relative = old.error[index] / np.maximum(old.scale[index], 2.0**-1074)
    relative = outcome.error / np.maximum(outcome.scale, 2.0**-1074)
    better = ~(old_relative < relative) | np.isnan(old.df[index])
    better |= (outcome.error < old.error[index]) & (relative < 1e-6)
    better &= where
    b.store(index[better], Outcome(*(a[better] for a in outcome)))
