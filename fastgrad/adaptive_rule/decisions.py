"""The result of the last search at a point.

========================================  ==========================================================================
values                                     result
========================================  ==========================================================================
equal to f(x) at all levels                0, bound of one rounding of `f`
changing by a few roundings only           the window of the shortest bound
fine levels leave a coarse window          noise: that window; structure: the finer window
equal to f(x) at all fine levels           0, unless the values are rounded to so many digits
finer windows have another slope           the bound covers both
one side is much more accurate             that of the side
the sides have different slopes            a kink: the mean, with both sides
secants only grow                          NaN
========================================  ==========================================================================
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .contradictions import accept_beyond_flat, accept_noise, resolve_contradictions
from .evidence import STILL, Facts, Interpretation, collect
from .flatness import UNKNOWN
from .judge import Window
from .noise import SHARP
from .rounding import ROUNDING
from .search import LevelValues, per_step
from .sides import ROUGH, Sides, compare_sides

WIDE = 12
"""Levels from the scale down whose windows are wide."""
CONSTANT = 2.0**-45
"""Changes of `f` below this share of its value, without a sharp window, count as rounding inside `f`."""

EXPLAINED = 256.0
"""Most that a window makes of noise, over its widest step."""

CONVERGED, NONFINITE, KINK = 0, -3, -5
"""Values of `Status`; `judged` compares bounds with the tolerance later."""


class Outcome(NamedTuple):
    """Results of every point; arrays of one shape. The default tolerance refers to `scale`."""

    df: Row
    error: Row
    scale: Row
    left: Row
    right: Row
    status: Row

    @classmethod
    def smooth(cls, df: Row, error: Row, scale: Row) -> Outcome:
        """Return results of points without a kink."""
        return cls(df, error, scale, df, df, np.full(df.shape, CONVERGED))


class FurtherLevels(NamedTuple):
    """Points at which finer or coarser levels may improve the result."""

    finer: Row
    coarser: Row


def decide(v: LevelValues, coarse_levels: int) -> tuple[Outcome, FurtherLevels]:
    """Decide on every point by the values at all levels, and list the points that further levels may improve.

    The first `coarse_levels` only serve against noise: a window there must not contradict the others.
    """
    with np.errstate(all="ignore"):
        facts, r = collect(v, coarse_levels)
        for step in (accept_noise, accept_beyond_flat, resolve_contradictions):
            r = step(facts, r)
        zero = _is_zero(facts, r)
        assert r.deviations is not None
        noisy = r.is_rough() & ~zero & ~facts.is_constant & r.deviations.are_noise(facts.is_flat)
        noisy &= _is_explained(facts, r, r.deviations.largest)
        sides = _with_sides(facts, r, zero, noisy)
        return _outcome(facts, r, zero, sides), _further_levels(facts, r, zero, noisy, sides)


def _is_zero(facts: Facts, r: Interpretation) -> Row:
    """Whether the derivative is 0 because `f` is flat.

    It is not where flatness is rounding, nor where the window has a slope of 0, too, and the shorter bound.
    """
    w, v = r.w, facts.v
    zero = facts.is_all_flat | (facts.is_flat & ~r.is_rounded & (w.exists | (not v.two_sided) | (v.n == 1)))
    same = w.exists & (np.abs(w.df) <= w.bound + facts.zero_bound) & (w.bound < facts.zero_bound)
    return zero & ~same


def _is_explained(facts: Facts, r: Interpretation, noise: Row) -> Row:
    """Whether noise of this size explains the bound: at a kink only the odd part has noise, that of rounding."""
    v, first = facts.v, np.maximum(r.w.first, 0).astype(np.intp)
    h = np.take_along_axis(v.h, first[None], axis=0)[0]
    return per_step(noise, h, v.n) * EXPLAINED >= r.w.bound


def _with_sides(facts: Facts, r: Interpretation, zero: Row, noisy: Row) -> Sides:
    """Compare with each side alone."""
    w, v = r.w, facts.v
    relative_bound = np.where(w.exists, w.relative_bound, np.inf)
    both = Sides(w.df, w.bound, relative_bound, w.scale, w.df, w.df, np.zeros(w.df.shape, bool))
    # Noise of wide steps hides what one side alone resolves; that of fine steps may be a near kink. For higher orders
    # all sides are compared, because a kink of a lower derivative spoils no window.
    is_final = (v.n == 1) & ((noisy & (w.first < facts.coarse_levels + WIDE)) | (relative_bound < ROUGH))
    some = np.flatnonzero(~zero & ~r.is_rounded & ~facts.is_constant & ~is_final)
    if not (some.size and v.two_sided):
        return both
    both = Sides(*(a.copy() for a in both))
    compared = compare_sides(
        v.at(some), facts.q.at(some), facts.coarse_levels, Window(*(a[some] for a in w)), relative_bound[some],
        facts.is_noise_about_constant[some],
    )  # fmt: skip
    for a, b in zip(both, compared, strict=True):
        a[some] = b
    return both


def _outcome(facts: Facts, r: Interpretation, zero: Row, sides: Sides) -> Outcome:
    """Put the results together."""
    v, s, shortest, y, kink = facts.v, facts.s, facts.shortest, np.abs(facts.v.y), sides.is_kink
    df, bound = sides.df, sides.bound
    is_open = ~kink & ~zero & ~facts.is_constant
    is_unknown = is_open & np.isfinite(df) & (sides.relative_bound > UNKNOWN)
    bound = np.where(is_unknown, np.fmax(bound, sides.scale), bound)
    bound = np.maximum(bound, r.uncertainty)
    is_lost = is_open & ~r.is_rounded & ~(sides.relative_bound < SHARP)
    about_constant = facts.is_noise_about_constant & (s.largest_change < 0.5 * y)
    is_noise = is_lost & (about_constant | (s.largest_change <= CONSTANT * y))
    if v.n == 1:
        # noise as large as the value itself: sin(x) at 1e308, whose neighbours have nothing in common
        is_unbounded = is_lost & ~is_noise & (sides.relative_bound > 0.3)
        if is_unbounded.any():
            is_unbounded &= facts.is_noise_about_constant | _diverges(v)
        df, bound = np.where(is_unbounded, np.nan, df), np.where(is_unbounded, np.inf, bound)
    constant = facts.is_constant | (is_noise & shortest.exists)
    df = np.where(constant, shortest.df, np.where(zero, 0.0, df))
    bound = np.where(zero, np.maximum(facts.zero_bound, r.uncertainty), bound)
    bound = np.where(constant, shortest.bound, bound)
    scale: Row = np.where(zero, r.uncertain_scale, sides.scale)
    scale = np.where(constant, np.where(is_noise, shortest.scale, 0.0), scale)
    left, right = np.where(kink, sides.left, df), np.where(kink, sides.right, df)
    status = np.where(kink, KINK, np.where(np.isfinite(df), CONVERGED, NONFINITE))
    return Outcome(df, np.where(np.isnan(bound), np.inf, bound), scale, left, right, status)


def _further_levels(facts: Facts, r: Interpretation, zero: Row, noisy: Row, sides: Sides) -> FurtherLevels:
    """List the points that further levels may improve."""
    w, is_open = r.w, ~facts.is_constant & ~zero
    at_end = np.where(w.exists, w.last, 0) >= facts.v.levels - 4
    rough = is_open & ~(sides.relative_bound < ROUGH)
    finer = sides.is_kink | (rough & ~noisy) | (((r.uncertainty > 0) | at_end) & is_open)
    return FurtherLevels(finer | r.is_unchecked | (r.before_kink >= 0), rough & ~sides.is_kink)


def _growth(select: Select, state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    run, levels_of_run, going, first_slope, last, finer, result = state
    h, value = levels
    y = points[1]
    slope = (value - y) / h
    usable = (abs(slope) < math.inf) & (abs(slope) * h > abs(y) * (STILL * ROUNDING))
    ratio = slope / last
    # noise of the value at the point makes secants grow, too, but not steadily
    grows = (ratio > 0.0) & (ratio < 0.999) & (ratio * h > finer * 0.999)
    going = going & (usable | ~(abs(slope) < math.inf)) & ((run == 0.0) | (usable & grows))
    use = going & usable
    begins = use & (run == 0.0)
    first_slope = select(begins, slope, first_slope)
    levels_of_run = select(begins, 0.0, levels_of_run + 1.0)
    run = run + select(use, 1.0, 0.0)
    last = select(use, slope, last)
    result = result | (use & (run >= 6.0) & (levels_of_run >= 8.0) & (first_slope / last > 3.0))
    return (run, levels_of_run, going, first_slope, last, h, result), ()


_GROWTH = Scan("growth", _growth, lambda _: (0.0, 0.0, True, 0.0, 1.0, 0.0, False), lambda _s, state, _p: state[-1:],
               backwards=True)  # fmt: skip


def _diverges(v: LevelValues) -> Row:
    """Whether the secants of a side only grow, with one sign, towards the finest levels: a slope without bound."""
    result = np.zeros(v.x.shape, bool)
    for value in v.groups[1:]:
        result |= _GROWTH(v.points, [v.h, value], v.levels, 1)[0][0] != 0.0
    return result
