"""A round for points whose values have noise down to the finest levels.

Fine levels measure the noise. The window is the best for that noise, and is accepted if all finer levels deviate from
it as noise does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import FloatArray, Index, Mask
from ..compilation.rows import Row
from .batch import Batch, in_blocks, indices, is_beside_zero
from .decisions import Outcome
from .fine_levels import FEWEST, FINE, measure_noise
from .noise_judge import AGAIN, NoisyResult, noise_round
from .schedule import scale_of
from .verdict import FINER, NEARBY, OPEN, SMALL, WIDER

BEFORE_FLAT = 5
"""Levels from the fine ones to those before flat ones, of which one more may not be flat: where values are equal up to
steps wider than 2^-18 they may be stairs."""
OTHER = 0.75
"""Factor of the steps of fine levels for another sample of the noise."""
SHIFT = 4
"""Levels from one round to a wider or a finer one."""
ROUNDS = 2
"""Finer rounds after the first."""


def resolve_noise(b: Batch, index: Index) -> Index:
    """Differentiate at points whose values have noise down to the finest levels; return the others.

    Beside 0, where functions vary over the size of the point, there would be too few levels between wide and fine ones.
    """
    is_resolved = np.zeros(b.x.shape, bool)
    for block in in_blocks(index[indices(~is_beside_zero(b.x[index], SMALL))], b.round_size):
        _resolve_block(b, block, is_resolved)
    return index[indices(~is_resolved[index])]


def _resolve_block(b: Batch, index: Index, is_resolved: FloatArray) -> None:
    unit = scale_of(b.x[index])
    part = _Part(b, is_resolved, index, unit, unit, np.full(index.shape, float(FEWEST)))
    verdict = part.take()
    flat = part.at(verdict == NEARBY).with_fine_levels(2.0**BEFORE_FLAT, FEWEST + 1)
    again = part.at(verdict == AGAIN).with_fine_levels(OTHER, FEWEST)
    _take_coarser_and_finer(part, verdict)
    for other in (flat, again):
        if other.point.size:
            _take_coarser_and_finer(other, other.take())


def _take_coarser_and_finer(part: _Part, verdict: Row) -> None:
    """Take rounds with other coarse levels, where these may improve the results."""
    part.at(verdict == WIDER, 2.0**SHIFT).take()
    for _ in range(ROUNDS):
        part = part.at(verdict == FINER, 2.0**-SHIFT)
        if not part.point.size:
            break
        verdict = part.take()


@dataclass
class _Part:
    """Points, units of their coarse and fine levels, and values at fine levels, if these are known."""

    batch: Batch
    is_resolved: FloatArray
    point: Index
    unit: FloatArray
    fine_unit: FloatArray
    fewest: FloatArray
    fine_values: FloatArray | None = None

    def at(self, where: Mask, factor: float = 1.0) -> _Part:
        """Return some of the points with other units of the coarse levels."""
        some = indices(where)
        values = None if self.fine_values is None else self.fine_values.take(some, axis=-1)
        rows = self.point[some], self.unit[some] * factor, self.fine_unit[some], self.fewest[some]
        return _Part(self.batch, self.is_resolved, *rows, values)

    def with_fine_levels(self, factor: float, fewest: int) -> _Part:
        """Replace the steps of the fine levels, of which at least `fewest` must not be flat."""
        rows = self.unit, self.fine_unit * factor, np.full(self.unit.shape, float(fewest))
        return _Part(self.batch, self.is_resolved, self.point, *rows)

    def _judgement(self) -> NoisyResult:
        b, index = self.batch, self.point
        round_, extras = noise_round(b.n, b.side), (self.unit, self.fine_unit, self.fewest)
        results: NoisyResult | None = b.take_in_machine_code(round_, index, extras)
        if results is not None:
            return results
        # values at coarse levels are needed only where there is noise
        fine = len(FINE[b.two_sided])
        h = round_.widths(extras)
        if self.fine_values is None:
            self.fine_values = b.values(index, h[-fine:])
        y = b.y[index]
        noise = measure_noise(y, self.fine_values, self.fewest)
        is_flat = (noise.is_flat != 0) & (noise.noise == 0) & (self.fewest == FEWEST)
        results = NoisyResult(*np.zeros((len(NoisyResult._fields), index.size)))
        results.verdict[:] = np.where(is_flat, NEARBY, np.where(noise.is_loud, AGAIN, OPEN))
        some = indices((noise.is_noisy != 0) & ~is_flat)
        if some.size:
            coarse_values = b.values(index[some], h[:-fine, some])
            values = np.concatenate([coarse_values, self.fine_values[..., some]]).reshape(-1, some.size)
            rows = [e[some] for e in extras]
            judged = round_.judged(b.x[index[some]], y[some], rows[0], rows, values)
            for result, row in zip(results, judged, strict=True):
                result[some] = row
        return results

    def take(self) -> Row:
        """Take the round; keep the shorter bounds, and note the points that it resolves. Return its verdicts."""
        b, index, is_resolved = self.batch, self.point, self.is_resolved
        if not index.size:
            return np.zeros(0)
        r = self._judgement()
        # results of rounds with other steps must agree; those of rounds that did not settle the point need not
        distance = np.where(is_resolved[index], np.abs(r.df - b.out.df[index]), 0.0)
        accepted = indices((r.is_resolved != 0) & (distance <= r.bound + b.out.error[index]))
        is_resolved[index[accepted]] = True
        b.improve(index[accepted], Outcome.smooth(r.df[accepted], r.bound[accepted], r.scale[accepted]))
        b.note_straight(index[accepted[self.unit[accepted] < scale_of(b.x[index[accepted]])]])
        return r.verdict
