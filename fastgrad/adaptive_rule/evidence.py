"""Facts about the values at all levels, and their interpretation, which decisions refine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._typing import FloatArray
from ..compilation.rows import Row
from .flatness import Survey, flat_bound, is_below_rounding, survey
from .judge import Window
from .noise import SHARP, Deviations, is_noise_about_constant
from .rounding import COUNTS, ROUNDING, Quanta, quanta
from .schedule import RESOLVED
from .search import LevelValues, best_window, windows
from .sides import ROUGH

STILL = 16.0
"""Changes of `f` that are smaller than this many roundings count as rounding."""


class Facts(NamedTuple):
    """Facts about points; rows, unless described."""

    v: LevelValues
    coarse_levels: int
    """The first levels only serve against noise: a window there must not contradict the others."""
    q: Quanta
    s: Survey
    candidates: list[FloatArray]
    """Windows at all levels, as of `windows`."""
    shortest: Window
    """The window with the shortest bound."""
    is_constant: Row
    """Whether `f` changes by a few roundings only."""
    is_noise_about_constant: Row
    is_flat: Row
    """Whether `f` is equal to the value at the point at all fine levels; with it the bound of a derivative of 0."""
    zero_bound: Row
    is_all_flat: Row
    are_counts: Row
    """Whether values are whole numbers that are more likely counts than rounded."""


class Interpretation(NamedTuple):
    """Conclusions from the values so far; rows."""

    w: Window
    """The window whose slope is the derivative."""
    is_rounded: Row
    """Whether finer levels deviate from the window because of noise."""
    is_unchecked: Row
    """Whether, besides, truncation is the larger part of its bound."""
    uncertainty: Row
    """Distance to another possible interpretation, which the bound has to cover."""
    uncertain_scale: Row
    """Local slope scale of that interpretation, where the derivative is 0."""
    before_kink: Row
    """First level before a kink, from one side; -1 where there is none."""
    deviations: Deviations | None = None
    """Deviations of the finer levels from the window, once it is chosen."""

    def is_rough(self) -> Row:
        """Whether further levels may improve the window."""
        return self.w.exists & ~(self.w.relative_bound < ROUGH)

    def cover(self, where: Row, distance: Row) -> Interpretation:
        """Let the bounds of some points cover a distance."""
        return self._replace(uncertainty=np.where(where, np.fmax(self.uncertainty, distance), self.uncertainty))


def collect(v: LevelValues, coarse_levels: int) -> tuple[Facts, Interpretation]:
    """Collect the facts, and the first interpretation: the best window."""
    q, s = quanta(v), survey(v, coarse_levels)
    candidates = windows(v, q)
    w, y = _best(candidates, coarse_levels), np.abs(v.y)
    shortest = best_window(candidates, coarse_levels, by_bound=True)
    change = s.largest_change
    is_constant = ~(w.relative_bound < SHARP) & (change > 0) & (change <= STILL * ROUNDING * y) & shortest.exists
    is_wide = (s.flat_step >= RESOLVED * np.abs(v.x)) | (s.flat_level == s.first_level)
    is_flat = (s.flat_level < v.levels) & is_wide & ~is_below_rounding(v, s)
    # whole numbers below a thousand are counts, as those of floor are
    are_counts = (s.is_whole != 0) & (v.y == np.floor(v.y)) & (y <= 1024)
    facts = Facts(
        v, coarse_levels, q, s, candidates, shortest, is_constant, is_noise_about_constant(v, s.first_level), is_flat,
        np.where(is_flat, flat_bound(v, q.certain, s.flat_step), np.inf), is_flat & (s.flat_level == s.first_level),
        are_counts | (q.rounding > COUNTS),
    )  # fmt: skip
    shape = v.x.shape
    false, zero = np.zeros(shape, bool), np.zeros(shape)
    return facts, Interpretation(w, false, false, zero, zero, np.full(shape, -1.0))


def _best(candidates: list[FloatArray], coarse_levels: int) -> Window:
    """Return the best window; one of the coarse levels only if it agrees with the others and is better."""
    w = best_window(candidates, coarse_levels)
    if not coarse_levels:
        return w
    wider = best_window(candidates)
    agrees = np.abs(wider.df - w.df) <= wider.bound + w.bound
    is_better = (w.relative_bound >= ROUGH) & (wider.ranking_bound < w.ranking_bound)
    return w.where(~w.exists | (agrees & is_better), wider)
