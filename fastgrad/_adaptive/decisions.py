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

from typing import Any, NamedTuple

import numpy as np

from .judge import GOOD, JUMP
from .noise import (
    COUNTS,
    ROUNDING,
    Quanta,
    are_counts,
    change,
    decimal_quantum,
    is_noise_about_constant,
    noise_verdict,
    quanta,
)
from .schedule import sliding
from .search import (
    APART,
    CONSTANT,
    FINE_STAIRS,
    FLAT_OVER,
    KNOWS_BETTER,
    ROUGH,
    SHARP,
    SHARP_SIDE,
    STAIRS,
    STILL,
    SURE,
    UNKNOWN,
    WIDE,
    Best,
    Values,
    best_of,
    coarsest_level,
    deviations,
    finest_level,
    flat_bound,
    flat_from,
    per_step,
    quotient_series,
    step_at,
    windows,
)

CONVERGED, NONFINITE, KINK = 0, -3, -5
"""Those of `Status` that are decided here; a bound that is too long for the tolerance comes later."""


class Outcome(NamedTuple):
    """What has been found at every point; arrays of one shape. `scale` is what the tolerance refers to by default."""

    df: Any
    error: Any
    scale: Any
    left: Any
    right: Any
    status: Any


class _Decision:
    """Points of one search while they are decided on; arrays of one shape.

    Attributes
    ----------
    w : Best
        The window believed so far.
    flat : ndarray of int
        First level from which on all finer values equal that at the point; the number of levels if there is none.
    zero_bound : ndarray
        Bound of a derivative of 0 there.
    rounded : ndarray of bool
        Whether a window was taken that finer levels leave because of noise.
    doubt : ndarray
        What the bound has to cover because both of two readings may be right.
    """

    def __init__(self, v: Values, reserve: int) -> None:
        self.v, self.reserve, self.q = v, reserve, quanta(v.values, v.y)
        every = windows(v, self.q)
        self.every, shape = Best(*(a[reserve:] for a in every)), v.x.shape
        self.w = self._best(every)
        self.rounded, self.recheck = np.zeros(shape, bool), np.zeros(shape, bool)
        self.doubt, self.doubtful, self.before_kink = np.zeros(shape), np.zeros(shape), np.full(shape, -1)
        self.constant = best_of(self.every, by_bound=True)
        moves = change(v.values, v.y)
        self.most = moves[reserve:].max(axis=0)
        still = ~(self.w.share < SHARP) & (self.most > 0) & (self.most <= STILL * ROUNDING * np.abs(v.y))
        self.still = still & (self.constant.frame >= 0)
        count = len(v.h)
        flat = flat_from(v)
        self.flat = np.where(_is_below_rounding(v, flat, moves), count, flat)
        self.is_flat = self.flat < count
        self.zero_bound = np.where(self.is_flat, flat_bound(v, self.q.whole, step_at(v, self.flat)), np.inf)
        there = np.isfinite(v.values).any(axis=1)
        self.all_flat = self.is_flat & (self.flat == np.where(there.any(axis=0), there.argmax(axis=0), count))

    @property
    def found(self) -> Any:
        """Where there is a window."""
        return self.w.frame >= 0

    def _best(self, every: Best) -> Best:
        """Best window; of the coarse levels in reserve only if it agrees with the others and is better."""
        w = best_of(self.every)
        if not self.reserve:
            return w
        wider = best_of(every)
        agrees = np.abs(wider.df - w.df) <= wider.bound + w.bound
        use = ~(w.frame >= 0) | (agrees & (w.share >= ROUGH) & (wider.measured < w.measured))
        return _put(w, np.flatnonzero(use), _take(wider, np.flatnonzero(use)))

    def _some(self, index: Any) -> tuple[Values, Best, Best]:
        """Values and windows of some of the points."""
        return self.v.at(index), _take(self.every, index), _take(self.w, index)

    def _believe(self, other: Best, index: Any, where: Any) -> None:
        """Take another window at those of some points that are marked."""
        self.w = _put(self.w, index[where], _take(other, np.flatnonzero(where)))

    def see_through_noise(self, counts: Any) -> None:
        """Take coarser windows that finer levels leave only because of noise."""
        some = np.flatnonzero(self.found & ~self.all_flat & ~self.still & ~(self.is_flat & counts))
        if some.size:
            coarse, noisy, apart = _through_noise(*self._some(some), self.is_flat[some], self.reserve)
            self.rounded[some], self.doubt[some] = noisy, apart
            self.recheck[some] = noisy & (self.w.truncation[some] > self.w.noise[some])
            self._believe(coarse, some, noisy)

    def see_beyond_flat_levels(self, counts: Any) -> None:
        """Take windows of levels coarser than flat ones, where `f` is flat because its values are rounded."""
        some = np.flatnonzero(self.found & ~self.rounded & self.is_flat & ~self.all_flat & ~counts)
        if some.size:
            v, every, _ = self._some(some)
            coarse, taken, slope = _beyond_flat(
                v, every, self.flat[some], self.zero_bound[some], self.q.rounding[some], self.reserve
            )
            self._doubt(some, slope)
            self.doubtful[some] = np.where(slope > 0, coarse.scale, 0.0)
            self.rounded[some] = taken
            self._believe(coarse, some, taken)
        some = np.flatnonzero(self.is_flat & ~self.rounded & ~self.all_flat)
        if some.size:
            # rounded to so many digits `f` may still move by one of the last over the widest flat step
            half = 0.5 * decimal_quantum(self.v.values[..., some], self.v.y[some])
            last = per_step(half, 0.5 * step_at(self.v, self.flat)[some], self.v.n)
            self._doubt(some, last)
            self.doubtful[some] = np.maximum(self.doubtful[some], last)

    def _doubt(self, index: Any, size: Any) -> None:
        """Let the bounds of some points cover so much."""
        self.doubt[index] = np.maximum(self.doubt[index], size)

    def resolve_contradictions(self) -> None:
        """Hold the windows against finer and coarser ones that are sure of another slope."""
        some = np.flatnonzero(self.found & ~self.is_flat & ~self.rounded & ~self.still)
        if some.size:
            v, every, w = self._some(some)
            if not v.two_sided:
                self.before_kink[some] = _before_kink(v, self.q.at(some), w)
            other, slope, sure = _contradiction(v, every, w, self.before_kink[some])
            self._doubt(some, slope)
            self._believe(other, some, sure)
        if self.v.n > 1:
            open_to = self.found & ~self.rounded & ~self.is_flat
            self._doubt(slice(None), np.where(open_to, _bend_at_wider_steps(self.every, self.w), 0.0))
        if self.v.n == 1 and self.v.two_sided:
            self.w = self.w._replace(bound=np.fmax(self.w.bound, _jump_beyond(self.v, self.w)))

    def is_zero(self) -> Any:
        """Where the derivative is 0 because `f` is flat.

        Not where that is rounding, nor where the window says 0, too, and has the shorter bound.
        """
        w, n = self.w, self.v.n
        zero = self.is_flat & ~self.rounded & (self.found | (not self.v.two_sided) | (n == 1))
        zero |= self.all_flat
        same = self.found & (np.abs(w.df) <= w.bound + self.zero_bound) & (w.bound < self.zero_bound)
        return zero & ~same

    def is_noisy(self, zero: Any) -> Any:
        """Where the bound is that of noise, and not of something that finer steps or one side alone would resolve."""
        rough = self.found & ~zero & ~self.still & ~(self.w.share < ROUGH)
        some = np.flatnonzero(rough)
        if some.size:
            v, _, w = self._some(some)
            off = deviations(v, w)
            rough[some] = noise_verdict(off, _change_over(v, w), self.is_flat[some], v.two_sided)
        return rough

    def sides(self, zero: Any, noisy: Any) -> _Sides:
        """Compare with each side alone."""
        w, df = self.w, self.w.df
        share = np.where(self.found, w.share, np.inf)
        made = _Sides(df, w.bound, share, w.scale, df, df, np.zeros(df.shape, bool))
        # noise of wide steps hides what one side alone would see; that of fine ones may be a kink that is near
        # a kink of a lower derivative spoils no window, so for higher orders all sides have to be compared
        clear = (self.v.n == 1) & ((noisy & (w.frame < self.reserve + WIDE)) | (share < ROUGH))
        some = np.flatnonzero(~zero & ~self.rounded & ~self.still & ~clear)
        if some.size and self.v.two_sided:
            made = _Sides(*(a.copy() for a in made))
            other = _sides(self.v.at(some), self.q.at(some), self.reserve, _take(w, some), share[some])
            for a, b in zip(made, other, strict=True):
                a[some] = b
        return made

    def outcome(self, zero: Any, s: _Sides) -> Outcome:
        """Put the results together."""
        v, n = self.v, self.v.n
        still, df, bound = self.still, s.df, s.bound
        unsure = ~s.kink & np.isfinite(df) & (s.share > UNKNOWN) & ~zero & ~still
        bound = np.where(unsure, np.fmax(bound, per_step(_steepest(v), _finest_step(v), n - 1)), bound)
        bound = np.maximum(bound, self.doubt)
        lost = ~s.kink & ~zero & ~still & ~self.rounded & ~(s.share < SHARP)
        trembles = (is_noise_about_constant(v.values, v.y) | (self.most <= CONSTANT * np.abs(v.y))) & lost
        if n == 1:
            nothing = lost & ~trembles & (s.share > 0.3) & _diverges(v)
            df, bound = np.where(nothing, np.nan, df), np.where(nothing, np.inf, bound)
        constant = still | (trembles & (self.constant.frame >= 0))
        df = np.where(constant, self.constant.df, np.where(zero, 0.0, df))
        flat_or = np.where(zero, np.maximum(self.zero_bound, self.doubt), bound)
        bound = np.where(constant, self.constant.bound, flat_or)
        scale = np.where(zero, self.doubtful, s.scale)
        scale = np.where(constant, np.where(trembles, self.constant.scale, 0.0), scale)
        left, right = np.where(s.kink, s.left, df), np.where(s.kink, s.right, df)
        status = np.where(s.kink, KINK, np.where(np.isfinite(df), CONVERGED, NONFINITE))
        return Outcome(df, np.where(np.isnan(bound), np.inf, bound), scale, left, right, status)

    def wanted(self, zero: Any, noisy: Any, s: _Sides) -> Wanted:
        """Say which points further levels could settle."""
        v, w, settled = self.v, self.w, self.still | zero
        end = np.where(self.found, finest_level(v, w), 0) >= len(v.h) - 4
        rough = ~settled & ~(s.share < ROUGH)
        finer = s.kink | (rough & ~noisy) | (((self.doubt > 0) | end) & ~settled)
        finer |= self.recheck | (self.before_kink >= 0)
        return Wanted(finer, rough & ~s.kink)


def decide(v: Values, reserve: int) -> tuple[Outcome, Wanted]:
    """Decide on every point by the values at all levels, and say which points further levels could settle.

    The first `reserve` levels only serve against noise: a window there must not contradict the others.
    """
    d = _Decision(v, reserve)
    counts = (d.q.rounding > COUNTS) | are_counts(v.values, v.y)
    d.see_through_noise(counts)
    d.see_beyond_flat_levels(counts)
    d.resolve_contradictions()
    zero = d.is_zero()
    noisy = d.is_noisy(zero)
    sides = d.sides(zero, noisy)
    return d.outcome(zero, sides), d.wanted(zero, noisy, sides)


class Wanted(NamedTuple):
    """Which points finer or coarser levels could settle."""

    finer: Any
    coarser: Any


def _is_below_rounding(v: Values, flat: Any, moves: Any) -> Any:
    """Whether levels are flat because the steps are too fine to move `f` by its rounding, or by the last digit it has.

    The value then moves by a few roundings only at the level before.
    """
    before = np.take_along_axis(moves, np.clip(flat - 1, 0, len(v.h) - 1)[None], axis=0)[0]
    fine = step_at(v, flat) < np.maximum(np.abs(v.x), 1.0) * 2.0**-24
    return (flat > 0) & fine & (before <= 4 / 0.3 * ROUNDING * np.abs(v.y))


def _take(best: Best, index: Any) -> Best:
    """Return some of the points."""
    return Best(*(a[..., index] for a in best))


def _put(best: Best, index: Any, other: Best) -> Best:
    """Replace some of the points."""
    made = Best(*(a.copy() for a in best))
    for a, b in zip(made, other, strict=True):
        a[index] = b
    return made


def _before(v: Values, level: Any) -> Any:
    """Last frame whose windows all end before a level."""
    return level - sliding(v.n, v.two_sided).extrapolated


def _change_over(v: Values, best: Best) -> Any:
    """How far `f` moves at most down to the end of a window."""
    level = np.arange(len(v.h))[:, None]
    return np.where(level <= finest_level(v, best), change(v.values, v.y), 0.0).max(axis=0)


def _through_noise(v: Values, every: Best, w: Best, flat: Any, reserve: int) -> tuple[Best, Any, Any]:
    """Look for a coarser window which the finer levels leave only because they are noise.

    A finer window that is sure of itself is believed, unless the quotients jump to it: so do those of values that are
    rounded inside `f`, once the steps are finer than what is rounded.

    Returns the coarser window, where it is taken, and how far the two are apart where both may be right.
    """
    limit = np.where(flat, finest_level(v, w) + 1, finest_level(v, w) - 3)
    wide = best_of(every, np.where(flat, reserve + (v.n == 1), 0), _before(v, limit))
    apart = flat | (np.abs(wide.df - w.df) > w.bound + wide.bound)
    candidate = (wide.frame >= 0) & apart
    gap = np.abs(wide.df - w.df)
    noisy = candidate & noise_verdict(deviations(v, wide), _change_over(v, wide), flat, v.two_sided)
    noisy &= flat | ~(w.share < SHARP) | _jumps_to(v, w.df, gap)
    taken = noisy & (wide.share < SHARP)
    return wide, taken, np.where(noisy & ~taken & ~flat, gap, 0.0)


def _jumps_to(v: Values, df: Any, apart: Any) -> Any:
    """Whether the quotients come near a derivative all at once, at some level, from `apart`."""
    if sliding(v.n, v.two_sided).degree:
        return np.zeros(v.x.shape, bool)
    main = quotient_series(v)[0] * v.n
    near = np.abs(main - df) <= 0.25 * apart
    level = np.arange(len(main))[:, None]
    start = np.where(~near & np.isfinite(main), level, -1).max(axis=0) + 1  # from there on all are near
    at = np.take_along_axis(main, np.minimum(start, len(main) - 1)[None], axis=0)[0]
    return (start < len(main)) & (np.abs(at - df) < 0.02 * apart)


def _beyond_flat(v: Values, every: Best, flat: Any, zero_bound: Any, rounding: Any, reserve: int
                 ) -> tuple[Best, Any, Any]:  # fmt: skip
    """Judge what the levels say that are coarser than the flat ones.

    Returns their best window, whether its slope is taken rather than 0, and the slope at most where that is in doubt:
    neither of the two answers can then be ruled out.
    """
    wide = best_of(every, reserve + (v.n == 1), _before(v, flat))
    most = np.abs(wide.df) + wide.bound
    usable = (wide.frame >= 0) & (most > zero_bound) & ((v.n > 1) | (wide.share < UNKNOWN))
    off = np.abs(deviations(v, wide))
    level = np.arange(len(v.h))[:, None]
    over = _change_over(v, wide)
    largest = np.where(level <= flat, off, 0.0).max(axis=0)
    grains = np.zeros(v.x.shape, bool)
    if not (v.two_sided and v.n == 1):
        grains = _in_quanta(v, off.max(axis=0), over)
    smooth, told = np.ones(v.x.shape, bool), np.ones(v.x.shape, bool)
    for side in range(v.values.shape[1]):
        its, tells = _leaves_smoothly(v, side, largest)
        smooth, told = smooth & its, told & tells
    part = np.where(smooth, np.inf, largest / np.where(over > 0, over, np.inf))
    # digits too few for the size of the values explain that `f` is flat up to a step
    steps = per_step(rounding / 0.3 * np.abs(v.y), step_at(v, flat), v.n)
    explained = (rounding > 8 * ROUNDING) & (np.abs(wide.df) <= 4 * steps) & (wide.share < SHARP)
    told |= explained
    part = np.where(explained | (grains & (wide.share < SHARP)), 0.0, part)
    doubtful = usable & (part < STAIRS) & ~(told & (part < SURE))
    taken = usable & told & (part < FINE_STAIRS) & (wide.share < UNKNOWN)
    return wide, taken, np.where(doubtful & ~(grains & (wide.share < SHARP)), most, 0.0)


def _in_quanta(v: Values, off: Any, over: Any) -> Any:
    """Whether small changes are whole multiples of one quantum, and none leaves the window by more than four."""
    moves = np.abs(v.values - v.y)
    real = (moves > 0) & (moves < np.inf)
    quantum = np.where(real, moves, np.inf).min(axis=(0, 1))
    fine = quantum < over * 2.0**-10
    usual = 64 * ROUNDING * np.abs(v.y)
    ordinary = quantum <= usual  # rounding as everywhere: its quanta are known
    quantum = np.maximum(quantum, 0.25 * usual)
    ratio = np.where(real, moves / quantum, 0.0)
    counted = real & (ratio > 1.5) & (ratio < 32.0)
    whole = np.abs(ratio - np.floor(ratio + 0.5)) <= 0.1
    fits = ordinary | ((whole | ~counted).all(axis=(0, 1)) & (counted.sum(axis=(0, 1)) >= 3))
    return fine & fits & (off <= 4.0 * quantum)


def _leaves_smoothly(v: Values, side: int, off: Any) -> tuple[Any, Any]:
    """Whether one side is smooth down to its flat levels, as beyond a kink, and whether it has levels enough to say so.

    A polynomial through three or four levels predicts the next finer one: twice to a small share of `off`, or of the
    smallest change, which among rounded values happens once in a thousand times. Levels with the same value, a quantum,
    count once.
    """
    m = v.x.size
    h, values, k = np.ones((6, m)), np.zeros((6, m)), np.zeros(m, np.int64)
    every = np.arange(m)
    for j in range(len(v.h) - 1, -1, -1):
        value = v.values[j, side]
        moved = np.abs(value - v.y)
        new = (k < 6) & (moved > 0) & (moved < np.inf)
        new &= (k == 0) | (value != values[np.maximum(k - 1, 0), every])
        h[k[new], every[new]], values[k[new], every[new]] = v.h[j, new], value[new]
        k += new
    off = np.maximum(off, np.abs(values[0] - v.y))
    smooth = k >= 5
    for i in range(2):
        predicted = np.zeros(m)
        for j in range(i + 1, i + 5):
            part = values[j].copy()
            for other in range(i + 1, i + 5):
                if other != j:
                    use = other < i + k - 1
                    part = np.where(use, part * (h[i] - h[other]) / (h[j] - h[other]), part)
            predicted += np.where(j < i + k - 1, part, 0.0)
        smooth &= np.abs(predicted - values[i]) <= off * 2.0**-5
    return smooth | (k == 0), (k >= 5) | (k == 0)


def _contradiction(v: Values, every: Best, w: Best, before_kink: Any) -> tuple[Best, Any, Any]:
    """Look for finer windows that are sure of another slope, as below the waves of a ripple or beside a kink.

    A ripple looks like noise to steps that are longer than its waves, but the quotients reach the other slope smoothly:
    the bound then reaches from one to the other. With a part of `f` that is rounded they jump there: that is noise
    after all. What does not look like noise is structure, and the finer window is believed where it is sure of itself.

    Returns the finer window, what the bound has to cover, and where that window is believed.
    """
    other = best_of(every, first=np.where(before_kink >= 0, before_kink, finest_level(v, w) + 4), by_bound=True)
    apart = np.abs(other.df - w.df)
    contradicts = (other.frame >= 0) & (apart > 2 * (other.bound + w.bound))
    noisy = noise_verdict(deviations(v, w), _change_over(v, w), np.zeros(v.x.shape, bool), v.two_sided)
    sharp = np.where(before_kink >= 0, SHARP, GOOD)
    sure = contradicts & ~noisy & (other.bound < sharp * other.scale) & (other.scale > 0)
    contradicts &= ~sure & ~(_jumps_to(v, other.df, apart) & (noisy | v.two_sided))
    return other, np.where(contradicts, apart + other.bound, 0.0), sure


def _bend_at_wider_steps(every: Best, w: Best) -> Any:
    """Size of a higher derivative that wider steps are sure of where finer ones see none; 0 if there is none.

    A mean of many functions with kinks, as a price over fixed draws, is straight between its kinks. Both are right.
    """
    straight = np.abs(w.df) <= w.bound
    size = np.abs(every.df)
    sure = straight & (every.frame >= 0) & (every.frame < w.frame - 3)
    sure &= (every.bound <= 0.1 * size) & (size > every.bound + w.bound)
    shortest = np.where(sure, every.bound, np.inf)
    there = shortest.argmin(axis=0)[None]
    found = np.take_along_axis(size + every.bound, there, axis=0)[0]
    return np.where(sure.any(axis=0), found, 0.0)


def _jump_beyond(v: Values, w: Best) -> Any:
    """Error that an iteration may hide inside a window: the jump at coarser steps, over the coarsest of the window.

    An iteration that stops earlier or later when the argument moves jumps by what it leaves undone; within the window
    it may be smooth and wrong by as much (Kepler's equation by a fixed point to 1e-6: bounds of 1e-14 for errors of
    1e-6). A jump is as large at one step as at the next; what a polynomial leaves grows tenfold or more.
    """
    off, coarse = np.abs(deviations(v, w, coarser=True)), coarsest_level(v, w)
    noise = 16 * (np.abs(deviations(v, w)).max(axis=0) + ROUNDING * np.abs(v.y))
    moves = change(v.values, v.y)
    wide = finest_level(v, w) - coarse >= 3
    found = np.zeros(v.x.shape)
    for back in range(1, 6):
        near, far = coarse - back, coarse - back - 1
        jump, wider, moved = (
            np.take_along_axis(a, np.maximum(level, 0)[None], axis=0)[0]
            for a, level in ((off, near), (off, far), (moves, near))
        )
        is_jump = wide & (far >= 0) & (w.frame >= 0) & (noise < jump) & (jump < JUMP * moved) & (wider < 4 * jump)
        found = np.where(is_jump, np.maximum(found, jump / step_at(v, coarse)), found)
    return found


def _before_kink(v: Values, q: Quanta, w: Best) -> Any:
    """Find the first level before a kink, where from one side all values but that at the point lie on one curve; or -1.

    What is noise of the value at the point alone would be as loud as that of the others.
    """
    off, fine = deviations(v, w), finest_level(v, w)
    floor = 16 * q.rounding * np.fmax(np.abs(v.y), np.abs(v.values[:, 0]))
    # next to the window its own levels are as far off; at finer ones so is each of five in a row
    runs = np.lib.stride_tricks.sliding_window_view(off, 5, axis=0)
    lowest, highest = runs.min(axis=-1), runs.max(axis=-1)
    size = np.minimum(np.abs(lowest), np.abs(highest))
    clear = (np.abs(off) > floor) & np.isfinite(v.values[:, 0])
    clear = np.lib.stride_tricks.sliding_window_view(clear, 5, axis=0).all(axis=-1)
    level = np.arange(len(runs))[:, None]
    beyond = clear & (lowest * highest > 0) & (highest - lowest <= size / 3) & (level >= fine + 4)
    largest = np.where(beyond, size, 0.0).max(axis=0)
    last = np.where(np.abs(off) > 0.5 * largest, np.arange(len(off))[:, None], -1).max(axis=0)
    return np.where(largest > 0, np.maximum(last + 1, fine), -1)


class _Sides(NamedTuple):
    """What the sides make of the answer of both together."""

    df: Any
    bound: Any
    share: Any
    scale: Any
    left: Any
    right: Any
    kink: Any


def _one_side(v: Values, q: Quanta, reserve: int, sign: int) -> tuple[Any, Any, Any, Any]:
    """Best answer of one side: derivative, bound, relative bound, scale; 0 where it is flat from some level on."""
    s = v.side(sign)
    w = best_of(Best(*(a[reserve:] for a in windows(s, q))))
    df, bound, share = w.df, w.bound, np.where(w.frame >= 0, w.share, np.inf)
    if v.n == 1:
        flat = flat_from(s)
        last = np.where(np.isfinite(s.values[:, 0]), np.arange(len(s.h))[:, None], -1).max(axis=0)
        is_flat = (flat < len(s.h)) & (last - flat >= FLAT_OVER)
        is_flat &= ~_is_below_rounding(s, flat, change(s.values, s.y))
        df = np.where(is_flat, 0.0, df)
        bound = np.where(is_flat, flat_bound(s, q.whole, step_at(s, flat)), bound)
    return df, bound, share, w.scale


def _sides(v: Values, q: Quanta, reserve: int, w: Best, share: Any) -> _Sides:
    """Hold the answer of both sides together against those of each."""
    right, right_bound, right_share, right_scale = _one_side(v, q, reserve, 1)
    left, left_bound, left_share, left_scale = _one_side(v, q, reserve, -1)
    bounds, apart = right_bound + left_bound, np.abs(right - left)
    kink = apart > APART * bounds
    if v.n == 1:
        kink &= ~is_noise_about_constant(v.values, v.y) & _kink_at(v, q, left, right)
    else:  # a kink of a lower derivative: both sides are sure of themselves, and the even part lies between them
        kink &= np.maximum(right_share, left_share) < SHARP_SIDE
        kink &= np.abs(w.df - 0.5 * (left + right)) <= w.bound + bounds

    def knows_better(df: Any, bound: Any, its: Any) -> Any:
        """Whether one side is to be preferred, and the finest levels of the other do not forbid it."""
        near = ~np.isfinite(w.bound) | (np.abs(w.df - df) <= 3 * (w.bound + bound))
        return (share >= ROUGH) & (its < KNOWS_BETTER * share) & (near | (share > 0.1)) & _agrees(v, q, df, bound)

    by_right = ~kink & knows_better(right, right_bound, right_share)
    by_left = ~kink & knows_better(left, left_bound, left_share)
    both = by_right & by_left
    take_right = by_right & ~(by_left & (left_bound < right_bound))
    take_left = by_left & ~take_right

    def pick(own: Any, of_left: Any, of_right: Any) -> Any:
        return np.where(take_right, of_right, np.where(take_left, of_left, own))

    df, bound = pick(w.df, left, right), pick(w.bound, left_bound, right_bound)
    # two answers, each sure of itself: a kink too near to be told
    bound = np.where(both & (apart > APART * bounds), np.maximum(bound, apart), bound)
    df = np.where(kink, 0.5 * (left + right), df)
    bound = np.where(kink, 0.5 * bounds, bound)
    return _Sides(
        df, bound, pick(share, left_share, right_share), pick(w.scale, left_scale, right_scale),
        np.where(kink, left, df), np.where(kink, right, df), kink,
    )  # fmt: skip


def _rounding_at(v: Values, q: Quanta, j: int, slope: Any) -> Any:
    """Return the rounding of the values at one level, for a derivative of about `slope`."""
    size = np.fmax(np.abs(v.y), np.abs(v.values[j]).max(axis=0))
    return np.maximum(q.rounding * size, q.each[j]) + ROUNDING * 0.15 * np.abs(v.x * slope)


def _agrees(v: Values, q_: Quanta, slope: Any, bound: Any) -> Any:
    """Whether the finest levels that say anything allow `slope` on both sides, or come closer to it."""
    m = v.x.size
    result, decided = np.ones(m, bool), np.zeros(m, bool)
    first, distance = np.zeros(m, np.int64), np.full(m, -1.0)
    for j in range(len(v.h) - 1, -1, -1):
        p, q, h = v.values[j, 0], v.values[j, 1], v.h[j]
        right, left = (p - v.y) / h, (v.y - q) / h
        slack = 8 * _rounding_at(v, q_, j, slope) / h + bound
        size = np.abs(slope) + np.abs(right) + np.abs(left)
        off = np.maximum(np.abs(right - slope), np.abs(left - slope))
        tells = ~decided & np.isfinite(p) & np.isfinite(q) & (slack < 0.1 * size)
        start = tells & (distance < 0)
        decided |= start & (off <= slack + 0.3 * size)
        start &= ~decided
        later = tells & ~start & ~decided & (j <= first - 3)
        result = np.where(later, distance <= 0.5 * off, result)
        decided |= later
        first, distance = np.where(start, j, first), np.where(start, off, distance)
    return np.where(decided, result, distance < 0)


def _kink_at(v: Values, q_: Quanta, left: Any, right: Any) -> Any:
    """Whether the slopes still differ at the finest level where they could be told apart."""
    jump = right - left
    result, decided = np.ones(v.x.size, bool), np.zeros(v.x.size, bool)
    slope = np.maximum(np.abs(left), np.abs(right))
    for j in range(len(v.h) - 1, -1, -1):
        p, q, h = v.values[j, 0], v.values[j, 1], v.h[j]
        noise = 16 * _rounding_at(v, q_, j, slope)
        tells = ~decided & np.isfinite(p) & np.isfinite(q) & (noise < np.abs(jump) * h)
        seen = ((p - v.y) - (v.y - q)) / h
        result = np.where(tells, np.abs(seen - jump) <= 0.5 * np.abs(jump), result)
        decided |= tells
    return result


def _secants(v: Values) -> Any:
    """Secants at all levels and sides; NaN where there is no value."""
    return (v.values - v.y) / v.h[:, None]


def _steepest(v: Values) -> Any:
    """Steepest secant on either side."""
    sizes = np.abs(_secants(v))
    return np.where(sizes < np.inf, sizes, 0.0).max(axis=(0, 1))


def _finest_step(v: Values) -> Any:
    """Finest step with a value."""
    there = np.isfinite(v.values).any(axis=1)
    last = np.where(there, np.arange(len(v.h))[:, None], 0).max(axis=0)
    return step_at(v, last)


def _diverges(v: Values) -> Any:
    """Whether the secants of a side only grow, with one sign, towards the finest levels: a slope without bound."""
    result = np.zeros(v.x.size, bool)
    secants = _secants(v)
    for side in range(v.values.shape[1]):
        run, going = np.zeros(v.x.size, np.int64), np.ones(v.x.size, bool)
        grown, start, last = (np.zeros(v.x.size) for _ in range(3))
        for j in range(len(v.h) - 1, -1, -1):
            slope = secants[j, side]
            usable = np.isfinite(slope) & (np.abs(slope) * v.h[j] > STILL * ROUNDING * np.abs(v.y))
            ratio = slope / last
            # noise of the value at the point makes secants grow, too, but goes up and down
            grows = (ratio > 0.0) & (ratio < 0.999) & (ratio * v.h[j] > 0.999 * v.h[min(j + 1, len(v.h) - 1)])
            going &= (usable | ~np.isfinite(slope)) & ((run == 0) | (usable & grows))
            use = going & usable
            begins = use & (run == 0)
            grown, start = np.where(begins, slope, grown), np.where(begins, j, start)
            last = np.where(use, slope, last)
            run += use
            result |= use & (run >= 6) & (start - j >= 8) & (grown / last > 3)
    return result
