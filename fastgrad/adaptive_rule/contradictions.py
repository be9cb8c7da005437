"""Noise or structure: which window holds where finer levels deviate from a coarse one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .._typing import FloatArray
from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .evidence import Facts, Interpretation
from .flatness import Survey, judge_beyond_flat
from .judge import GOOD, Window
from .noise import SHARP, deviations, is_jump
from .quotients import larger, quotient
from .rounding import decimal_quantum
from .schedule import FINEST
from .search import STRIDE, Fit, LevelValues, best_window, deviation, last_start_before, per_step, polynomial
from .sides import level_before_kink
from .verdict import SMALL

RIPPLE = 14
"""Waves finer than that many levels below the scale may be noise or a ripple: the bound covers both."""
HALF = 0.5
"""Deviations up to this share of the change of `f` over a window may be noise: the bound covers both."""


def accept_noise(facts: Facts, r: Interpretation) -> Interpretation:
    """Take a coarser window where finer levels deviate from it because of noise.

    A sharp finer window holds against it, unless the quotients jump to its slope: so do those of values that are
    rounded inside `f`, once the steps are finer than what is rounded. A window of levels beyond `FINEST` does not hold
    either: a function with noise down to there that is smooth at last hashes its argument. Beside 0 its terms cancel;
    where that noise is too large to be sure, the bound covers both.
    """
    v, w, flat = facts.v, r.w, facts.is_flat
    is_open = w.exists & ~facts.is_all_flat & ~facts.is_constant & ~(flat & facts.are_counts)
    first = np.where(flat, facts.coarse_levels + (v.n == 1), 0.0)
    last = last_start_before(v, np.where(flat, w.last + 1, w.first))
    wide = best_window(facts.candidates, first, last)
    # without a sharp window the best may lie in the noise; the shortest bound belongs to wide steps
    shortest = best_window(facts.candidates, first, last, by_bound=True)
    wide = wide.where(~(wide.relative_bound < SHARP), shortest)
    gap = np.abs(wide.df - w.df)
    is_open &= wide.exists & (flat | (gap > w.bound + wide.bound))
    if not is_open.any():
        return r
    d = deviations(v, polynomial(v, wide))
    noisy, is_loud = is_open & d.are_noise(flat), is_open & ~flat & d.are_noise(flat, HALF)
    is_ripple = noisy & (w.first > facts.coarse_levels + RIPPLE)
    is_finest = w.first > facts.coarse_levels + FINEST
    noisy &= flat | is_finest | ~(w.relative_bound < SHARP) | _jumps_to(v, w, gap)
    is_cancelling = is_finest & (np.abs(v.x) < SMALL)
    is_accepted = noisy & ((wide.relative_bound < SHARP) | is_cancelling)
    r = r.cover(is_ripple & ~noisy, gap + wide.bound).cover(
        (noisy & ~flat | is_loud & is_cancelling) & ~is_accepted, gap
    )
    return r._replace(
        w=w.where(is_accepted, wide), is_rounded=is_accepted, is_unchecked=is_accepted & (w.is_truncation != 0)
    )


def accept_beyond_flat(facts: Facts, r: Interpretation) -> Interpretation:
    """Take a window of levels coarser than flat ones where `f` is flat because its values are rounded."""
    v, s = facts.v, facts.s
    uncertainty, scale = r.uncertainty.copy(), r.uncertain_scale.copy()
    is_open = facts.is_flat & ~r.is_rounded & ~facts.is_all_flat
    some = np.flatnonzero(is_open & r.w.exists & ~facts.are_counts)
    if some.size:
        wide, is_accepted, slope = judge_beyond_flat(
            v.at(some), [a.take(some, axis=-1) for a in facts.candidates], Survey(*(a[some] for a in s)),
            facts.zero_bound[some], facts.q.rounding[some], facts.coarse_levels,
        )  # fmt: skip
        uncertainty[some] = np.maximum(uncertainty[some], slope)
        scale[some] = np.where(slope > 0, wide.scale, 0.0)
        w, is_rounded = Window(*(a.copy() for a in r.w)), r.is_rounded.copy()
        is_rounded[some] = is_accepted
        for a, b in zip(w, wide, strict=True):
            a[some[is_accepted]] = b[is_accepted]
        r = r._replace(w=w, is_rounded=is_rounded)
    some = np.flatnonzero(is_open & ~r.is_rounded)
    if some.size:
        # `f` rounded to decimals may still change by one of the last over the widest flat step
        last = per_step(0.5 * decimal_quantum(v.at(some)), 0.5 * s.flat_step[some], v.n)
        uncertainty[some], scale[some] = np.maximum(uncertainty[some], last), np.maximum(scale[some], last)
    return r._replace(uncertainty=uncertainty, uncertain_scale=scale)


def resolve_contradictions(facts: Facts, r: Interpretation) -> Interpretation:
    """Compare the window with finer windows that have another slope and short bounds.

    To steps longer than its waves a ripple looks like noise, but the quotients approach the other slope smoothly: the
    bound then covers both. Where a part of `f` is rounded they jump there: that is noise. What does not look like noise
    is structure, and a sharp finer window replaces the coarser one.
    """
    v, w, flat = facts.v, r.w, facts.is_flat
    fit = polynomial(v, w)
    d = deviations(v, fit)
    is_open = w.exists & ~flat & ~r.is_rounded & ~facts.is_constant
    if is_open.any():
        if not v.two_sided:
            r = r._replace(before_kink=np.where(is_open, level_before_kink(v, facts.q, fit), -1.0))
        kinked = r.before_kink >= 0
        first = np.where(kinked, r.before_kink, fit.last + 4)
        finer = best_window(facts.candidates, first, by_bound=True, apart_from=w)
        apart = np.abs(finer.df - w.df)
        contradicts = is_open & finer.exists
        noisy = d.are_noise(False)
        is_sharp = (finer.bound < np.where(kinked, SHARP, GOOD) * finer.scale) & (finer.scale > 0)
        is_structure = contradicts & ~noisy & is_sharp
        contradicts &= ~is_structure
        if contradicts.any():
            contradicts &= ~(_jumps_to(v, finer, apart) & (noisy | v.two_sided))
        r = r.cover(contradicts, apart + finer.bound)._replace(w=w.where(is_structure, finer))
        if is_structure.any():
            fit = polynomial(v, r.w)
            d = deviations(v, fit)
    if v.n > 1:
        r = r.cover(r.w.exists & ~r.is_rounded & ~flat, _bend_at_wider_steps(facts.candidates, r.w))
    elif v.two_sided:
        r = r._replace(w=r.w._replace(bound=np.fmax(r.w.bound, _jump_beyond(v, fit))))
    return r._replace(deviations=d)


@cache
def _jump(series: tuple[int, bool], n: int) -> Scan:
    def body(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        start, distance = state
        df, last, apart = points[3:]
        main, _ = quotient(select, series, points, levels[0], levels[1:])
        off = abs(main * float(n) - df)
        leaves = ~(off <= apart * 0.25) & (abs(main) < math.inf) & (level <= last)
        start = select(leaves, level + 1.0, start)
        return (start, select(leaves, math.inf, select(level == start, off, distance))), ()

    return Scan(f"jump {series} {n}", body, lambda _: (0.0, math.inf), lambda _s, state, _p: state[1:])


def _jumps_to(v: LevelValues, w: Window, apart: Row) -> Row:
    """Whether the quotients come near the derivative of a window within one level, from the distance `apart`."""
    if v.n > (2 if v.two_sided else 1):
        return np.zeros(v.x.shape, bool)
    (off,), _ = _jump(v.series, v.n)([*v.points, w.df, w.last, apart], v.groups, v.levels, 1)
    return off < 0.02 * apart


def _bend(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    shortest, largest = state
    df, bound, first = points
    size, wide_bound = abs(levels[0]), levels[1]
    is_bent = (abs(df) <= bound) & (levels[2] < math.inf) & (level * float(STRIDE) < first - 3.0)
    is_bent = is_bent & (size > wide_bound + bound) & (wide_bound < shortest)
    return (select(is_bent, wide_bound, shortest), select(is_bent, size + wide_bound, largest)), ()


_BEND = Scan(f"bend {STRIDE}", _bend, lambda _: (math.inf, 0.0), lambda _s, state, _p: state[1:])


def _bend_at_wider_steps(candidates: list[FloatArray], w: Window) -> Row:
    """Size of a higher derivative that wider windows show where finer ones show none; 0 if there is none.

    A mean of many functions with kinks, as a price over fixed draws, is straight between its kinks. Both are right. A
    single kink shows no derivative at wider steps: their bounds are ten times as large.
    """
    return _BEND([w.df, w.bound, w.first], candidates[:3], len(candidates[0]), 1)[0][0]


def _largest_jump(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    """Take all levels once, from fine to coarse: first those finer than the window, then those coarser."""
    largest, jump, finer, finer_move = state
    y, fit = points[1], points[3:]
    first, last = fit[:2]
    h, above, below = levels
    size = abs(deviation(select, (1, True), points, fit, h, levels[1:]))
    largest = select((level > last) & (size > largest), size, largest)
    before = level + 1.0  # one of the five levels next to the window
    jumps = (before >= first - 5.0) & (before < first) & is_jump(finer, finer_move, size, largest, y)
    move = larger(select, abs(above - y), abs(y - below))
    return (largest, select(jumps & (finer > jump), finer, jump), size, move), ()


_LARGEST_JUMP = Scan(
    "largest jump", _largest_jump, lambda _: (0.0,) * 4, lambda _s, state, _p: state[1:2], backwards=True
)


def _jump_beyond(v: LevelValues, fit: Fit) -> Row:
    """Return the error that an iteration may hide inside a window: the jump at coarser steps over the coarsest step.

    An iteration that stops earlier or later when the argument moves jumps by its own error. Within the window it may be
    smooth and wrong by as much (Kepler's equation by a fixed point to 1e-6: bounds of 1e-14 for errors of 1e-6). A jump
    is as large at one step as at the next; truncation grows tenfold or more.
    """
    jump = _LARGEST_JUMP([*v.points, *fit.rows], v.groups, v.levels, 1)[0][0]
    return np.where(fit.first >= 0, jump / fit.h, 0.0)
