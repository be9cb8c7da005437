"""A round for points whose values have noise down to the finest levels.

Fine levels measure the noise. The window is the best for that noise, and is accepted if all finer levels deviate from
it as noise does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .batch import Batch, FloatArray, Index, in_blocks, is_beside_zero
from .codegen import Row
from .decisions import Outcome
from .fine_levels import FEWEST, FINE, FineNoise, measure_noise
from .noise_judge import judge_noisy
from .noise_windows import coarse_levels, middle_levels
from .schedule import scale_of, step
from .verdict import FINER, SMALL, WIDER

BEFORE_FLAT = 5
"""Levels from the fine ones to those before flat ones, of which one more may not be flat: where values are equal up to
steps wider than 2^-18 they may be stairs."""
SHIFT = 4
"""Levels from one round to a wider or a finer one."""
ROUNDS = 2
"""Finer rounds after the first."""


def resolve_noise(b: Batch, index: Index) -> Index:
    """Differentiate at points whose values have noise down to the finest levels; return the others.

    Beside 0, where functions vary over the size of the point, there would be too few levels between wide and fine ones.
    """
    is_resolved = np.zeros(b.x.shape, bool)
    for block in in_blocks(index[~is_beside_zero(b.x[index], SMALL)], b.block_size):
        _resolve_block(b, block, is_resolved)
    return index[~is_resolved[index]]


def _resolve_block(b: Batch, index: Index, is_resolved: FloatArray) -> None:
    unit = scale_of(b.x[index])
    fine_unit = unit.copy()
    fine, values = _measure(b, index, unit, FEWEST)
    flat = np.flatnonzero((fine.is_flat != 0) & (fine.noise == 0))
    if flat.size:
        fine_unit[flat] *= 2.0**BEFORE_FLAT
        before, values[..., flat] = _measure(b, index[flat], fine_unit[flat], FEWEST + 1)
        for a, c in zip(fine, before, strict=True):
            a[flat] = c
    noisy = np.flatnonzero(fine.is_noisy)
    part = _Part(index[noisy], unit[noisy], fine_unit[noisy], fine.at(noisy), values.take(noisy, axis=-1))
    verdict = _round(b, part, is_resolved)
    _round(b, part.at(np.flatnonzero(verdict == WIDER), 2.0**SHIFT), is_resolved)
    for _ in range(ROUNDS):
        part = part.at(np.flatnonzero(verdict == FINER), 2.0**-SHIFT)
        verdict = _round(b, part, is_resolved)


def _measure(b: Batch, index: Index, unit: FloatArray, fewest: int) -> tuple[FineNoise, FloatArray]:
    values = b.values(index, step(FINE[b.two_sided])[:, None] * unit)
    return measure_noise(b.y[index], values, fewest), values


class _Part(NamedTuple):
    """Points with noise, and what the fine levels show there."""

    point: Index
    unit: FloatArray
    fine_unit: FloatArray
    fine: FineNoise
    values: FloatArray

    def at(self, some: Index, factor: float) -> _Part:
        """Return some of the points with other units."""
        values = self.values.take(some, axis=-1)
        return _Part(self.point[some], self.unit[some] * factor, self.fine_unit[some], self.fine.at(some), values)


def _round(b: Batch, part: _Part, is_resolved: FloatArray) -> Row:
    """Take one round; keep the shorter bounds, and note the points that it resolves. Return its verdicts."""
    index = part.point
    if not index.size:
        return np.zeros(0)
    levels = coarse_levels(b.n, b.two_sided) + middle_levels(b.n, b.two_sided)
    coarse = b.values(index, step(levels)[:, None] * part.unit)
    points = b.x[index], b.y[index], part.unit, part.fine_unit
    r = judge_noisy((b.n, b.side), points, part.fine, coarse, part.values)
    # results of rounds with other steps must agree; those of rounds that did not settle the point need not
    distance = np.where(is_resolved[index], np.abs(r.df - b.out.df[index]), 0.0)
    accepted = np.flatnonzero((r.is_resolved != 0) & (distance <= r.bound + b.out.error[index]))
    is_resolved[index[accepted]] = True
    b.improve(index[accepted], Outcome.smooth(r.df[accepted], r.bound[accepted], r.scale[accepted]))
    return r.verdict
