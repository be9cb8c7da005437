"""What the last search makes of a point: noise or structure, flat, a kink, an edge, a slope without bound.

========================================  ==========================================================================
what the values say                        result
========================================  ==========================================================================
equal to f(x) at all levels                0, bound of one rounding of `f`
moving by a few roundings only             the window of the shortest bound
fine levels leave a coarse window          noise: that window; structure: the finer window
equal to f(x) at all fine levels           0, unless the values are rounded to so many digits
finer windows are sure of another slope    the bound reaches from one to the other
one side knows much better                 that of the side
the sides are sure of different slopes     a kink: the mean, with both sides
secants only grow                          NaN
========================================  ==========================================================================
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .flatness import UNKNOWN, Survey, beyond_flat, flat_bound, is_below_rounding, survey
from .judge import GOOD, Select
from .noise import SHARP, WIDE, Deviations, deviations, is_noise_about_constant, jump_beyond
from .rounding import COUNTS, ROUNDING, decimal_quantum, quanta
from .scan import Scan
from .schedule import FINEST
from .search import (
    Best,
    Fit,
    Values,
    before,
    best_of,
    ends,
    per_step,
    polynomial,
    quotient,
    windows,
)
from .sides import ROUGH, Sides, before_kink, sides

STILL = 16.0
"""Changes of `f` that are smaller than so many roundings are taken for rounding."""
CONSTANT = 2.0**-45
"""Share of the value below which changes of `f` from which no window makes a slope are taken for rounding inside it."""

RIPPLE = 14
"""Waves finer than that many levels below the scale may be noise as well as a ripple: the bound covers both."""

CONVERGED, NONFINITE, KINK = 0, -3, -5
"""Those of `Status` that are decided here; a bound that is too long for the tolerance comes later."""


class Outcome(NamedTuple):
    """Results of every point; arrays of one shape. `scale` is what the tolerance refers to by default."""

    df: Any
    error: Any
    scale: Any
    left: Any
    right: Any
    status: Any


class Wanted(NamedTuple):
    """Which points finer or coarser levels could settle."""

    finer: Any
    coarser: Any


class _Decision:
    """Points of one search while they are decided on; arrays of one shape.

    Attributes
    ----------
    w : Best
        The window believed so far.
    zero_bound : ndarray
        Bound of a derivative of 0 where `f` is flat.
    rounded : ndarray of bool
        Whether a window was taken that finer levels leave because of noise.
    doubt : ndarray
        What the bound has to cover because both of two readings may be right.
    """

    def __init__(self, v: Values, reserve: int) -> None:
        self.v, self.reserve, self.q, self.s = v, reserve, quanta(v), survey(v, reserve)
        self.every = windows(v, self.q)
        self.w, shape, y = self._best(), v.x.shape, np.abs(v.y)
        self.rounded, self.recheck = np.zeros(shape, bool), np.zeros(shape, bool)
        self.doubt, self.doubtful, self.before_kink = np.zeros(shape), np.zeros(shape), np.full(shape, -1.0)
        self.constant = best_of(self.every, reserve, by_bound=True)
        most = self.s.most
        still = ~(self.w.share < SHARP) & (most > 0) & (most <= STILL * ROUNDING * y)
        self.still = still & self.constant.exists
        self.is_flat = (self.s.flat < v.levels) & ~is_below_rounding(v, self.s)
        self.zero_bound = np.where(self.is_flat, flat_bound(v, self.q.whole, self.s.flat_step), np.inf)
        self.all_flat = self.is_flat & (self.s.flat == self.s.first)
        self.about_constant = is_noise_about_constant(v, self.s.first)
        # whole numbers below a thousand are counts, as those of floor are
        counts = (self.s.is_whole != 0) & (v.y == np.floor(v.y)) & (y <= 1024)
        self.counts = counts | (self.q.rounding > COUNTS)

    def _best(self) -> Best:
        """Best window; of the coarse levels in reserve only if it agrees with the others and is better."""
        w = best_of(self.every, self.reserve)
        if not self.reserve:
            return w
        wider = best_of(self.every)
        agrees = np.abs(wider.df - w.df) <= wider.bound + w.bound
        return w.where(~w.exists | (agrees & (w.share >= ROUGH) & (wider.measured < w.measured)), wider)

    def _deviations(self) -> tuple[Fit, Deviations]:
        """Deviations of the finer levels from the window believed so far."""
        fit = polynomial(self.v, self.w)
        return fit, deviations(self.v, fit)

    def _doubt(self, where: Any, size: Any) -> None:
        """Let the bounds of some points cover so much."""
        self.doubt = np.where(where, np.fmax(self.doubt, size), self.doubt)

    def see_through_noise(self) -> None:
        """Take a coarser window that the finer levels leave only because they are noise.

        A finer window that is sure of itself is believed, unless the quotients jump to it: so do those of values that
        are rounded inside `f`, once the steps are finer than what is rounded. Nor is a window of levels beyond `FINEST`
        believed: a function with noise down to there that is smooth at last hashes its argument; it is no ripple.
        """
        v, w, flat = self.v, self.w, self.is_flat
        some = w.exists & ~self.all_flat & ~self.still & ~(flat & self.counts)
        last = ends(v, w)[1]
        limit = np.where(flat, last + 1, last - 3)
        wide = best_of(self.every, np.where(flat, self.reserve + (v.n == 1), 0.0), before(v, limit))
        gap = np.abs(wide.df - w.df)
        candidate = some & wide.exists & (flat | (gap > w.bound + wide.bound))
        if not candidate.any():
            return
        noisy = candidate & deviations(v, polynomial(v, wide)).are_noise(flat)
        finest = w.frame > self.reserve + FINEST
        unlike = noisy & (w.frame > self.reserve + RIPPLE)
        noisy &= flat | finest | ~(w.share < SHARP) | _jumps_to(v, w.df, gap)
        self._doubt(unlike & ~noisy, gap + wide.bound)
        taken = noisy & (wide.share < SHARP)
        self._doubt(noisy & ~taken & ~flat, gap)
        self.rounded |= taken
        self.recheck = taken & (w.is_cut != 0)
        self.w = w.where(taken, wide)

    def see_beyond_flat_levels(self) -> None:
        """Take windows of levels coarser than flat ones, where `f` is flat because its values are rounded."""
        open_to = np.flatnonzero(self.w.exists & ~self.rounded & self.is_flat & ~self.all_flat & ~self.counts)
        if open_to.size:
            wide, taken, slope = beyond_flat(
                self.v.at(open_to), [a.take(open_to, axis=-1) for a in self.every],
                Survey(*(a[open_to] for a in self.s)), self.zero_bound[open_to], self.q.rounding[open_to], self.reserve,
            )  # fmt: skip
            self.doubt[open_to] = np.maximum(self.doubt[open_to], slope)
            self.doubtful[open_to] = np.where(slope > 0, wide.scale, 0.0)
            self.rounded[open_to] = taken
            for a, b in zip(self.w, wide, strict=True):
                a[open_to[taken]] = b[taken]
        open_to = np.flatnonzero(self.is_flat & ~self.rounded & ~self.all_flat)
        if open_to.size:
            # rounded to so many digits `f` may still move by one of the last over the widest flat step
            some = self.v.at(open_to)
            last = per_step(0.5 * decimal_quantum(some), 0.5 * self.s.flat_step[open_to], self.v.n)
            self.doubt[open_to] = np.maximum(self.doubt[open_to], last)
            self.doubtful[open_to] = np.maximum(self.doubtful[open_to], last)

    def resolve_contradictions(self) -> None:
        """Hold the windows against finer windows that are sure of another slope.

        A ripple looks like noise to steps that are longer than its waves, but the quotients reach the other slope
        smoothly: the bound then reaches from one to the other. With a part of `f` that is rounded they jump there: that
        is noise after all. What does not look like noise is structure, and the finer window is believed where it is
        sure of itself.
        """
        v, w = self.v, self.w
        self.fit, self.d = self._deviations()
        some = w.exists & ~self.is_flat & ~self.rounded & ~self.still
        if some.any():
            if not v.two_sided:
                self.before_kink = np.where(some, before_kink(v, self.q, self.fit), -1.0)
            kinked = self.before_kink >= 0
            other = best_of(self.every, np.where(kinked, self.before_kink, self.fit.last + 4), by_bound=True)
            apart = np.abs(other.df - w.df)
            contradicts = some & other.exists & (apart > 2 * (other.bound + w.bound))
            noisy = self.d.are_noise(False)
            sure = contradicts & ~noisy & (other.bound < np.where(kinked, SHARP, GOOD) * other.scale)
            sure &= other.scale > 0
            contradicts &= ~sure
            if contradicts.any():
                contradicts &= ~(_jumps_to(v, other.df, apart) & (noisy | v.two_sided))
            self._doubt(contradicts, apart + other.bound)
            self.w = w.where(sure, other)
            if sure.any():
                self.fit, self.d = self._deviations()
        if v.n > 1:
            open_to = w.exists & ~self.rounded & ~self.is_flat
            self._doubt(open_to, _bend_at_wider_steps(self.every, self.w))
        elif v.two_sided:
            jump = jump_beyond(v, self.fit, self.d)
            self.w = self.w._replace(bound=np.fmax(self.w.bound, jump))

    def is_zero(self) -> Any:
        """Where the derivative is 0 because `f` is flat.

        Not where that is rounding, nor where the window says 0, too, and has the shorter bound.
        """
        w, n = self.w, self.v.n
        zero = self.is_flat & ~self.rounded & (w.exists | (not self.v.two_sided) | (n == 1))
        zero |= self.all_flat
        same = w.exists & (np.abs(w.df) <= w.bound + self.zero_bound) & (w.bound < self.zero_bound)
        return zero & ~same

    def is_noisy(self, zero: Any) -> Any:
        """Where the bound is that of noise, and not of something that finer steps or one side alone would resolve."""
        rough = self.w.exists & ~zero & ~self.still & ~(self.w.share < ROUGH)
        return rough & self.d.are_noise(self.is_flat)

    def sides(self, zero: Any, noisy: Any) -> Sides:
        """Compare with each side alone."""
        w, v = self.w, self.v
        share = np.where(w.exists, w.share, np.inf)
        made = Sides(w.df, w.bound, share, w.scale, w.df, w.df, np.zeros(w.df.shape, bool))
        # noise of wide steps hides what one side alone would see; that of fine ones may be a kink that is near
        # a kink of a lower derivative spoils no window, so for higher orders all sides have to be compared
        clear = (v.n == 1) & ((noisy & (w.frame < self.reserve + WIDE)) | (share < ROUGH))
        some = np.flatnonzero(~zero & ~self.rounded & ~self.still & ~clear)
        if some.size and v.two_sided:
            made = Sides(*(a.copy() for a in made))
            its = Best(*(a[some] for a in w))
            other = sides(v.at(some), self.q.at(some), self.reserve, its, share[some], self.about_constant[some])
            for a, b in zip(made, other, strict=True):
                a[some] = b
        return made

    def outcome(self, zero: Any, s: Sides) -> Outcome:
        """Put the results together."""
        v, n = self.v, self.v.n
        still, df, bound = self.still, s.df, s.bound
        unsure = ~s.kink & np.isfinite(df) & (s.share > UNKNOWN) & ~zero & ~still
        bound = np.where(unsure, np.fmax(bound, per_step(self.s.steepest, self.s.last_step, n - 1)), bound)
        bound = np.maximum(bound, self.doubt)
        lost = ~s.kink & ~zero & ~still & ~self.rounded & ~(s.share < SHARP)
        about = self.about_constant & (self.s.most < 0.5 * np.abs(v.y))
        trembles = (about | (self.s.most <= CONSTANT * np.abs(v.y))) & lost
        if n == 1:
            # noise as large as the value itself: sin(x) at 1e308, whose neighbours have nothing in common
            nothing = lost & ~trembles & (s.share > 0.3)
            if nothing.any():
                nothing &= self.about_constant | _diverges(v)
            df, bound = np.where(nothing, np.nan, df), np.where(nothing, np.inf, bound)
        constant = still | (trembles & self.constant.exists)
        df = np.where(constant, self.constant.df, np.where(zero, 0.0, df))
        flat_or = np.where(zero, np.maximum(self.zero_bound, self.doubt), bound)
        bound = np.where(constant, self.constant.bound, flat_or)
        scale = np.where(zero, self.doubtful, s.scale)
        scale = np.where(constant, np.where(trembles, self.constant.scale, 0.0), scale)
        left, right = np.where(s.kink, s.left, df), np.where(s.kink, s.right, df)
        status = np.where(s.kink, KINK, np.where(np.isfinite(df), CONVERGED, NONFINITE))
        return Outcome(df, np.where(np.isnan(bound), np.inf, bound), scale, left, right, status)

    def wanted(self, zero: Any, noisy: Any, s: Sides) -> Wanted:
        """Say which points further levels could settle."""
        v, w, settled = self.v, self.w, self.still | zero
        end = np.where(w.exists, ends(v, w)[1], 0) >= v.levels - 4
        rough = ~settled & ~(s.share < ROUGH)
        finer = s.kink | (rough & ~noisy) | (((self.doubt > 0) | end) & ~settled)
        finer |= self.recheck | (self.before_kink >= 0)
        return Wanted(finer, rough & ~s.kink)


def decide(v: Values, reserve: int) -> tuple[Outcome, Wanted]:
    """Decide on every point by the values at all levels, and say which points further levels could settle.

    The first `reserve` levels only serve against noise: a window there must not contradict the others.
    """
    with np.errstate(all="ignore"):
        d = _Decision(v, reserve)
        d.see_through_noise()
        d.see_beyond_flat_levels()
        d.resolve_contradictions()
        zero = d.is_zero()
        noisy = d.is_noisy(zero)
        s = d.sides(zero, noisy)
        return d.outcome(zero, s), d.wanted(zero, noisy, s)


@cache
def _jump(series: tuple[int, bool], n: int) -> Scan:
    def body(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        start, at = state
        df, apart = points[3:]
        main, _ = quotient(select, series, points, levels[0], levels[1:])
        off = abs(main * float(n) - df)
        leaves = ~(off <= apart * 0.25) & (abs(main) < math.inf)
        start = select(leaves, level + 1.0, start)
        return (start, select(leaves, math.inf, select(level == start, off, at))), ()

    return Scan(f"jump {series} {n}", body, lambda _: (0.0, math.inf), lambda _s, state, _p: state[1:])


def _jumps_to(v: Values, df: Any, apart: Any) -> Any:
    """Whether the quotients come near a derivative all at once, at some level, from `apart`."""
    if v.n > (2 if v.two_sided else 1):
        return np.zeros(v.x.shape, bool)
    (off,), _ = _jump(v.series, v.n)([*v.points, df, apart], v.groups, v.levels, 1)
    return off < 0.02 * apart


def _bend(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
    shortest, found = state
    df, bound, frame = points
    size = abs(levels[0])
    sure = (abs(df) <= bound) & (levels[2] < math.inf) & (level < frame - 3.0)
    sure = sure & (levels[1] <= size * 0.25) & (size > levels[1] + bound) & (levels[1] < shortest)
    return (select(sure, levels[1], shortest), select(sure, size + levels[1], found)), ()


_BEND = Scan("bend", _bend, lambda _: (math.inf, 0.0), lambda _s, state, _p: state[1:])


def _bend_at_wider_steps(every: list[Any], w: Best) -> Any:
    """Size of a higher derivative that wider steps are sure of where finer ones see none; 0 if there is none.

    A mean of many functions with kinks, as a price over fixed draws, is straight between its kinks. Both are right.
    """
    return _BEND([w.df, w.bound, w.frame], every[:3], len(every[0]), 1)[0][0]


def _growth(select: Select, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    run, levels_seen, going, grown, last, finer, result = state
    h, value = levels
    y = points[1]
    slope = (value - y) / h
    usable = (abs(slope) < math.inf) & (abs(slope) * h > abs(y) * (STILL * ROUNDING))
    ratio = slope / last
    # noise of the value at the point makes secants grow, too, but goes up and down
    grows = (ratio > 0.0) & (ratio < 0.999) & (ratio * h > finer * 0.999)
    going = going & (usable | ~(abs(slope) < math.inf)) & ((run == 0.0) | (usable & grows))
    use = going & usable
    begins = use & (run == 0.0)
    grown = select(begins, slope, grown)
    levels_seen = select(begins, 0.0, levels_seen + 1.0)
    run = run + select(use, 1.0, 0.0)
    last = select(use, slope, last)
    result = result | (use & (run >= 6.0) & (levels_seen >= 8.0) & (grown / last > 3.0))
    return (run, levels_seen, going, grown, last, h, result), ()


_GROWTH = Scan("growth", _growth, lambda _: (0.0, 0.0, True, 0.0, 1.0, 0.0, False), lambda _s, state, _p: state[-1:],
               backwards=True)  # fmt: skip


def _diverges(v: Values) -> Any:
    """Whether the secants of a side only grow, with one sign, towards the finest levels: a slope without bound."""
    result = np.zeros(v.x.shape, bool)
    for value in v.groups[1:]:
        result |= _GROWTH(v.points, [v.h, value], v.levels, 1)[0][0] != 0.0
    return result
