"""From one round to the next: judge the ladder of one point and ask for more levels, or for none.

The decisions, in this order: flat at every step; a first window good enough; a constant up to rounding; noise or
structure at the fine levels; 0 or a slope where those are flat; the sides; what to ask; and when there is nothing left
to ask, whether there is a derivative at all.
"""

from __future__ import annotations

import math

import numpy as np

from ._asking import ask, ask_around, ask_edge, has, spread
from ._extrapolation import CENTRAL_EVEN, CENTRAL_ODD, LEFT, RIGHT, Series, residual
from ._grains import CONVERGES, beyond_flat, ripple, through_noise
from ._judgement import diverges, flat_from, steepest
from ._noise import loud_above, only_noise
from ._point import (
    ASKED,
    CONVERGED,
    ENOUGH,
    KINK,
    NONFINITE,
    SMALL,
    Point,
    exponent,
    finish,
    kernel,
    per_step,
    scale_of,
    step_of,
)
from ._rounding import COUNTS, ROUNDING, decimal_grain, flat_bar_of, see_digits
from ._sides import Answer, answer_of, look_at_sides
from ._windows import AIM, GOOD, SHARP, UNKNOWN, Window, best_window, lever_of, series_window

STILL = 16.0
"""Changes of `f` that are smaller than so many roundings are taken for rounding."""
SHORT = 1e-10
"""Score at which a bar is short enough if it is what rounding leaves: nothing finer would make it much shorter."""


@kernel
def sees_more_nearby(q: Point, n: int, w: Window, aim: float, s: Series, count: int) -> bool:
    """Whether steps of the size of a small point may see more than those of the scale.

    They do where values near the point are so much smaller that they round much less, as those of x**2 at 1e-28; and
    where the one such step that is known leaves the window by more than its own rounding, as beyond the kink of
    x / (1 + abs(x)), which the noise of larger values hides.
    """
    x = abs(q.x)
    if not 0 < x < SMALL:
        return False
    size = abs(q.f0)
    for j in range(q.count):
        if q.levels[j] == exponent(x) - 2:
            size = max(size, abs(q.above[j]), abs(q.below[j]))
    if w.bar > aim * abs(w.value) and math.ldexp(64 * ROUNDING * size, 1 - exponent(x)) < w.bar:
        return True
    for j in range(w.fine + 1, count):
        if n == 1 and q.levels[s.index[j]] == exponent(x) - 2:
            return bool(abs(residual(s, w.coarse, w.fine, 0, j)) > 8 * s.conditioned[j] + w.bar * s.h[j])
    return False


@kernel
def settled(q: Point, phase: int, n: int, kind: int, w: Window, s: Series, count: int) -> bool:
    """Whether the first levels are enough: a bar as short as the rounding of the values allows, or short anyway."""
    if s.index[w.coarse] > q.count - 4:
        return False  # three levels agree by chance where values have grains: sqrt(x + 1) - sqrt(x), bisections
    aim = AIM if phase == 0 else 100 * AIM
    least = 3 * lever_of(s, kind, n, w.fine, w.fine - w.coarse, 0) * s.conditioned[w.fine]
    enough = (
        w.score <= aim
        or (w.score <= SHORT and w.bar <= least)
        or (w.score <= SHORT and phase == 1 and w.noise > 0.5 * w.bar)
        or (w.score <= 10 * SHORT and n > 1 and w.bar <= least)
    )
    return enough and not sees_more_nearby(q, n, w, aim, s, count)


@kernel
def constant(q: Point, kind: int, n: int, count: int, s: Series) -> bool:
    """Finish a point where `f` is constant up to its rounding; say whether it is.

    The shortest bar wins, whatever the share of the slope that the values feign.
    """
    if not 0.0 < only_noise(q)[0] <= STILL * ROUNDING * abs(q.f0):
        return False
    w = best_window(s, kind, n, count, 0, count, np.inf)
    if w.coarse < 0:
        return False
    finish(q, w.value, w.bar, 0.0, CONVERGED)
    return True


@kernel
def ask_next(q: Point, n: int, side: int, phase: int, flat: int, zero: bool, a: Answer, alone: bool, rounded: bool,
             quiet_above: int, finer: int, done: bool) -> bool:  # fmt: skip
    """Ask for the next levels; say whether more were needed and there is nothing left to ask for."""
    count, levels, scale = q.count, q.levels, scale_of(q.x)
    finest = levels[count - 1]
    if count >= ENOUGH:
        q.asking = 0
        return True
    if phase <= 1 and not has(q, scale - 26):
        q.asking = 0
        spread(q, n, side)
        return bool(q.asking == 0)
    if 0 < flat < count and levels[flat - 1] - levels[flat] > 1:
        ask(q, (levels[flat - 1] + levels[flat]) // 2, q.coarsest, ASKED)
    if zero:
        return False
    if q.status == KINK:
        if finer < finest:
            ask(q, finer, q.coarsest, ASKED)
            ask(q, finer + 1, q.coarsest, ASKED)
            ask(q, (finer + finest) // 2, q.coarsest, ASKED)
        return False
    if q.status == NONFINITE:
        for d in (4, 8, 12):
            ask(q, finest - d, q.coarsest, ASKED)
        return False
    if done and (has(q, a.fine - 1) or a.fine - 1 < q.finest):
        return False
    if side == 0 and q.asking == 0:
        ask_edge(q)
    if n == 1 and q.asking == 0 and not alone and not rounded:
        for level in range(quiet_above, max(quiet_above - 12, q.finest), -1):
            ask(q, level, q.coarsest, 6)
    if q.asking == 0:
        ask_around(q, a.coarse, a.fine, a.truncation >= a.noise, a.score >= 1e-9, a.score > GOOD and not rounded)
    return bool(q.asking == 0)


@kernel
def advance(q: Point, n: int, side: int, rtol: float, atol: float, s: Series) -> None:
    """Judge one point, write down the best derivative so far, and ask for the next levels; asking for none ends it."""
    q.asking = 0
    phase = q.rounds
    q.rounds += 1
    count, levels, scale = q.count, q.levels, scale_of(q.x)
    kind = RIGHT if side > 0 else LEFT if side < 0 else CENTRAL_ODD if n % 2 == 1 else CENTRAL_EVEN

    see_digits(q)
    # exactly flat from some level on: truly so, unless the values turn out to be rounded
    flat = flat_from(q)
    is_flat = flat < count
    flat_bar = flat_bar_of(q, step_of(levels[flat], scale), n) if is_flat else np.inf
    if is_flat and flat == 0 and levels[0] >= scale - 8:
        finish(q, 0.0, flat_bar, 0.0, CONVERGED)
        return

    w, k = series_window(q, kind, n, s, GOOD)
    found = w.coarse >= 0
    if found:
        finish(q, w.value, w.bar, w.size, CONVERGED)
        consistent = not is_flat or abs(w.value) <= w.bar + flat_bar
        if phase <= 1 and consistent and settled(q, phase, n, kind, w, s, k):
            return
        if phase == 0 and n == 1 and not 0 < abs(q.x) < SMALL and w.score < GOOD:
            ask(q, levels[count - 2] - 1 if w.truncation > w.noise else levels[count - 1] - 4, q.coarsest, ASKED)
            if q.asking > 0:
                return
    if phase == 0 and not w.score < SHARP and constant(q, kind, n, k, s):
        return

    # what finer levels say against the best window
    rounded, doubt, doubtful, quiet_above = False, 0.0, 0.0, q.finest
    if found and n == 1 and not (is_flat and q.rounding > COUNTS):
        if is_flat or w.fine - w.coarse < 3 or not w.score < CONVERGES:
            w, rounded = through_noise(q, s, kind, n, k, w, is_flat)
    if found and not rounded and 0 < flat < count:
        wide, rounded, doubt = beyond_flat(q, s, kind, n, k, flat, flat_bar, side)
        if doubt > 0.0:
            doubtful = wide.size
        if rounded:
            w = wide
    if is_flat and not rounded:
        # rounded to so many digits `f` may still move by one of the last over the widest flat step
        doubt = max(doubt, 0.5 * per_step(decimal_grain(q), 0.5 * step_of(levels[flat], scale), n))
        doubtful = max(doubtful, doubt)
    if found and phase > 1 and not is_flat:
        doubt = ripple(q, s, kind, n, k, w)
    if found:
        quiet_above = loud_above(q, s, k, w.coarse, w.fine, 2 if side == 0 else 1)

    # 0 where the function is flat, unless that is rounding, or the window says 0 too and has the shorter bar; but with
    # values on one side only, 1 - x**2 at 0 is as flat as rounding, and the side itself knows better
    a = answer_of(q, s, w)
    zero = is_flat and not rounded and (found or side != 0 or n == 1)
    if zero and found:
        zero = not (abs(w.value) <= w.bar + flat_bar and w.bar < flat_bar)
    alone, kink, finer, left, right = False, False, 0, 0.0, 0.0
    if zero:  # where two answers are in doubt the bar covers both
        a = Answer(0.0, max(flat_bar, doubt), a.noise, a.truncation, 0.0, doubtful, a.coarse, a.fine)
    elif side == 0 and not rounded:
        a, alone, kink, left, right, finer = look_at_sides(q, n, s, a)

    status = KINK if kink else CONVERGED if np.isfinite(a.value) else NONFINITE
    bar = max(a.bar, doubt)
    if status == CONVERGED and a.score > UNKNOWN:
        bar = max(bar, per_step(steepest(q), step_of(levels[count - 1], scale), n - 1))
    finish(q, a.value, bar, a.size, status)
    if kink:
        q.left, q.right = left, right

    noisy = a.score <= 3e-13 and a.noise > 2 * a.truncation
    done = a.score <= AIM or noisy or a.bar <= max(atol, rtol * abs(a.value))
    stuck = ask_next(q, n, side, phase, flat, zero, a, alone, rounded, quiet_above, finer, done)
    if stuck and not a.score < SHARP:
        if not zero and only_noise(q)[1]:
            w, k = series_window(q, kind, n, s, np.inf)
            if w.coarse >= 0:
                finish(q, w.value, w.bar, w.size, CONVERGED)
        elif status == CONVERGED and a.score > 0.3 and n == 1 and diverges(q):
            finish(q, np.nan, np.inf, 0.0, NONFINITE)
