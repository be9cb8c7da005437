"""The last search: windows at all levels, and what they say of a function together. NumPy, over a batch of points."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .extrapolation import DEVIATIONS, value_weights
from .judge import GOOD
from .noise import APPARENT, ROUNDING, SMALLEST, Quanta
from .rows import judge_search
from .schedule import sliding

ROUGH = 1e-9
"""Relative bound below which no further levels and no side alone are asked for anything better."""
SHARP = 0.02
"""Relative bound of a window that may be believed against finer levels; beyond, it may be one of noise alone."""
UNKNOWN = 0.5
"""Beyond this relative bound not even the size of the derivative is known."""
STILL = 16.0
"""Changes of `f` that are smaller than so many roundings are taken for rounding."""
CONSTANT = 2.0**-45
"""Share of the value below which changes of `f` from which no window makes a slope are taken for rounding inside it."""
STAIRS, FINE_STAIRS, SURE = 2.0**-3, 2.0**-7, 2.0**-10
"""Deviations of a window that are a smaller share of the change of `f` there may be those of rounding, are more likely
those of rounding than of the steps of a stair, and are taken for it."""
SHARP_SIDE = 1e-6
"""Relative bound below which one-sided higher derivatives may make a kink."""
APART = 4.0
"""Slopes that differ by more than so many times their bounds are different ones."""
KNOWS_BETTER = 0.25
"""One side is preferred only below this share of the two-sided relative bound."""
WIDE = 12
"""Levels from the scale down whose windows are wide."""
FLAT_OVER = 8
"""Levels over which a side has to be exactly flat to have the slope 0."""


class Best(NamedTuple):
    """The best window of every point; arrays of one shape."""

    df: Any
    bound: Any
    measured: Any
    noise: Any
    truncation: Any
    scale: Any
    local: Any
    window: Any
    frame: Any
    """Level at which the level set begins; -1 where there is no window."""

    @property
    def share(self) -> Any:
        """Relative bound: that over the local slope scale."""
        return self.measured / np.maximum(self.local, SMALLEST)


class Values(NamedTuple):
    """Points and the values around them at the levels of the search, from coarse to fine."""

    n: int
    x: Any
    y: Any
    u: Any
    h: Any
    """Steps, shape (levels, points)."""
    values: Any
    """Shape (levels, sides, points); above and below, or one side alone."""

    def at(self, index: Any) -> Values:
        """Return some of the points."""
        return Values(self.n, *(a[..., index] for a in self[1:]))

    @property
    def two_sided(self) -> bool:
        """Whether there are values on both sides."""
        return bool(self.values.shape[1] == 2)

    def side(self, sign: int) -> Values:
        """Return one side alone."""
        return self._replace(u=sign * np.abs(self.u), values=self.values[:, : 1 if sign > 0 else None][:, -1:])


def join(*parts: Values) -> Values:
    """Put levels together, from coarse to fine."""
    h, values = (np.concatenate([getattr(p, name) for p in parts]) for name in ("h", "values"))
    return parts[0]._replace(h=h, values=values)


def windows(v: Values, q: Quanta) -> Best:
    """Judge the level set at every level: arrays of shape (places, points), from coarse to fine."""
    table = sliding(v.n, v.two_sided)
    reach = [int(-np.log2(s)) for s in table.steps]
    missing = np.full_like(v.values[0], np.nan)
    found = []
    sides = v.values.shape[1]
    padded = np.concatenate([v.values, np.broadcast_to(missing, (reach[-1], *missing.shape))])
    for a in range(len(v.h) - table.extrapolated):
        rows = padded[[a + r for r in reach]].reshape(len(reach) * sides, -1)
        unit = np.copysign(v.h[a], v.u)
        j = judge_search(table, v.x, v.y, unit, rows, q.rounding, q.each[a : a + table.extrapolated])
        # the rounding of the argument inside `f` is an assumption, but not nothing: very fine steps do not show it
        measured = np.maximum(j.measured, j.bound * 2.0**-14)
        frame = np.where(j.measured < np.inf, a, -1)
        found.append((j.df, j.bound, measured, *j[3:7], j.window.astype(np.int64), frame))
    return Best(*map(np.array, zip(*found, strict=True)))


def best_of(every: Best, first: Any = 0, last: Any = 1 << 30, by_bound: bool = False) -> Best:
    """Best window between two levels, each for all points or one for every point.

    Where relative bounds are below `GOOD`, windows compete by their bounds, else by their relative bounds.
    """
    good = np.inf if by_bound else GOOD
    allowed = (every.frame >= 0) & (every.frame >= first) & (every.frame <= last) & (every.measured < np.inf)
    if not by_bound:
        allowed &= every.local > 0.0
    shares = np.where(allowed, every.share, np.inf)
    bounds = np.where(allowed, every.measured, np.inf)
    shape = every.df.shape[1:]
    chosen, bound = np.full(shape, -1), np.full(shape, np.inf)
    share, lowest = np.full(shape, np.inf), np.full(shape, np.inf)
    for k, (this, measured) in enumerate(zip(shares, bounds, strict=True)):
        shorter = measured < bound
        if by_bound:
            wins = shorter
        else:
            # a finer window nearly as good wins if its bound is shorter: slopes like a power of h
            near = (this > 0.01) & (this < 4 * lowest) & shorter
            wins = np.where(share < good, (this < good) & shorter, (this < good) | (this < share) | near)
        lowest = np.minimum(lowest, this)
        chosen = np.where(wins, k, chosen)
        share, bound = np.where(wins, this, share), np.where(wins, measured, bound)
    rows = np.maximum(chosen, 0)[None]
    best = Best(*(np.take_along_axis(a, rows, axis=0)[0] for a in every))
    none = chosen < 0
    empty = Best(np.nan, np.inf, np.inf, np.inf, np.inf, 0.0, 0.0, 0, -1)
    return Best(*(np.where(none, b, a) for a, b in zip(best, empty, strict=True)))


COARSER = 6
"""Levels coarser than a level set that deviations are taken of."""


@cache
def _predictions(n: int, two_sided: bool, levels: int) -> Any:
    """Weights of all windows in the predictions at all other levels: (windows, levels, extrapolated).

    The first `COARSER` levels are those before the level set.
    """
    table = sliding(n, two_sided)
    weights = np.zeros((len(table.windows), COARSER + levels, table.extrapolated))
    for w, (a, b) in enumerate(table.windows):
        for level in range(-COARSER, levels):
            if not a <= level <= b:
                t = table.nodes[0] / Fraction(4 if two_sided else 2) ** level
                weights[w, COARSER + level, a : b + 1] = [float(v) for v in value_weights(table.nodes[a : b + 1], t)]
    return weights


def finest_level(v: Values, best: Best) -> Any:
    """Level at which the best window ends."""
    return best.frame + np.array([b for _, b in sliding(v.n, v.two_sided).windows])[best.window]


def coarsest_level(v: Values, best: Best) -> Any:
    """Level at which the best window begins."""
    return best.frame + np.array([a for a, _ in sliding(v.n, v.two_sided).windows])[best.window]


def quotient_series(v: Values) -> tuple[Any, Any]:
    """Quotients at all levels, and what makes their deviations those of values: shapes (levels, points)."""
    if not v.two_sided:
        t = (v.x + np.copysign(v.h, v.u)) - v.x
        return (v.values[:, 0] - v.y) / t, t
    above, below = (v.x + v.h) - v.x, v.x - (v.x - v.h)
    h = 0.5 * (above + below)
    odd = (v.values[:, 0] - v.values[:, 1]) / (2 * h)
    if v.n % 2:
        return odd, h
    even = ((v.values[:, 0] - v.y) - (v.y - v.values[:, 1]) - odd * (above - below)) / (2 * h * h)
    return even, h * h


def deviations(v: Values, best: Best, coarser: bool = False) -> Any:
    """How far finer levels are from the best window, or coarser ones, in units of the values: (levels, points)."""
    main, weight = quotient_series(v)
    table = sliding(v.n, v.two_sided)
    levels = len(main)
    frame = np.maximum(best.frame, 0)
    predictions = _predictions(v.n, v.two_sided, levels)
    own = np.take_along_axis(main, frame + np.arange(table.extrapolated)[:, None], axis=0)
    own = np.where(np.isfinite(own), own, 0.0)
    fine, coarse = finest_level(v, best), coarsest_level(v, best)
    base = np.take_along_axis(main, np.maximum(fine, 0)[None], axis=0)[0]
    level = np.arange(levels)[:, None]
    there = (level < coarse) & (level >= frame - COARSER) if coarser else level > fine
    weights = predictions[best.window, np.clip(level - frame + COARSER, 0, COARSER + levels - 1)]
    total = np.broadcast_to(base, main.shape).copy()
    for k in range(table.extrapolated):
        total += weights[..., k] * (own[k] - base)
    found = np.where(there & (best.frame >= 0), (main - total) * weight, 0.0)
    return np.where(np.isfinite(found), found, 0.0)


def flat_from(v: Values) -> Any:
    """First level from which on all finer values equal f(x); the number of levels if none.

    A level without values says nothing: beyond the edge of a domain a function is not flat.
    """
    count = len(v.h)
    finite = np.isfinite(v.values)
    differs = (finite & (v.values != v.y)).any(axis=1)
    equal = (v.values == v.y).any(axis=1)
    level = np.arange(count)[:, None]
    last = np.where(differs, level, -1).max(axis=0)
    return np.where(equal & (level > last), level, count).min(axis=0)


def per_step(value: Any, h: Any, n: int) -> Any:
    """``value / h**n``, where ``h**n`` itself may be beyond the numbers."""
    for _ in range(n):
        value = value / h
    return value


def step_at(v: Values, level: Any) -> Any:
    """Step of one level of every point."""
    return np.take_along_axis(v.h, np.clip(level, 0, len(v.h) - 1)[None], axis=0)[0]


def flat_bound(v: Values, whole: Any, h: Any) -> Any:
    """Bound of a derivative of 0 where `f` is flat up to the step `h`: one rounding of `f`."""
    own = ROUNDING * np.abs(v.y) + SMALLEST
    return per_step(DEVIATIONS * np.where(whole > APPARENT * own, whole, own), h, v.n)
