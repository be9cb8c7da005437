"""From one batch of evaluations to the next: the state machine of the ladder.

`advance` looks at the values of one point, writes down the best derivative so far and asks for more levels, or for
none.
"""

from __future__ import annotations

import math

import numpy as np

from ._asking import ask, ask_around, ask_edge, has, spread
from ._extrapolation import (
    BARS,
    CENTRAL_EVEN,
    CENTRAL_ODD,
    LEFT,
    RIGHT,
    ROUNDING,
    Floats,
    Series,
    kernel,
    step_of,
)
from ._grains import beyond_flat, ripple
from ._judgement import (
    AIM,
    ASKED,
    CONVERGED,
    COUNTS,
    ENOUGH,
    KINK,
    NONFINITE,
    UNKNOWN,
    Point,
    agrees,
    diverges,
    exponent,
    flat_from,
    flat_side,
    kink_at,
    scale_of,
    see_digits,
    steepest,
)
from ._noise import noise_like, only_noise, quiet_from
from ._windows import GOOD, Window, best_window, lever, series_window

SHARP_SIDE = 1e-6
"""Score below which one-sided higher derivatives may make a kink."""
UNSHARP = 0.02
"""Score beyond which a window may be one of noise alone."""
STILL = 16.0
"""Changes of `f` that are smaller than so many roundings are taken for rounding."""


@kernel
def settled(q: Point, phase: int, n: int, kind: int, w: Window, s: Series, gains: Floats) -> bool:
    """Whether the first levels are enough: a bar as short as the rounding of the values allows, or short anyway."""
    if s.index[w.coarse] > q.count - 4:
        return False  # three levels agree by chance where values have grains: sqrt(x + 1) - sqrt(x), bisections
    aim = AIM if phase == 0 else 100 * AIM
    m = n - 1 if kind >= RIGHT else (n - 1) // 2
    floor = lever(s, kind, n, m, w.fine, w.fine - w.coarse, -1000, q.levels, gains) * s.conditioned[w.fine]
    enough = w.score <= aim or (w.score <= 1e-10 and w.bar <= 3 * floor)
    if phase == 1 and w.score <= 1e-10 and w.noise > 0.5 * w.bar:
        enough = True
    if n > 1 and w.bar <= 3 * floor and w.score <= 1e-9:
        enough = True
    x = abs(q.x)
    if enough and 0 < x < 2.0**-12 and not w.bar <= aim * abs(w.value):
        # x**2 at 1e-28: the values near x are so much smaller that steps of the size of x see much more
        size = abs(q.f0)
        for j in range(q.count):
            if q.levels[j] == exponent(x) - 2:
                size = max(size, abs(q.above[j]), abs(q.below[j]))
        if math.ldexp(64 * ROUNDING * size, 1 - exponent(x)) < w.bar:
            return False
    return enough


@kernel
def finish(q: Point, value: float, error: float, size: float, status: int) -> None:
    """Write down the result so far."""
    # infinite where the squares of the steps overflow
    q.df, q.error, q.size, q.status = value, error if error == error else np.inf, size, status


@kernel
def advance(q: Point, n: int, side: int, rtol: float, atol: float, s: Series, gains: Floats) -> None:
    """Judge one point and ask for the next levels; asking for none finishes it."""
    q.asking = 0
    phase = q.rounds
    q.rounds += 1
    x, f0, count, levels = q.x, q.f0, q.count, q.levels
    scale = scale_of(x)
    small = 0 < abs(x) < 2.0**-12
    kind = RIGHT if side > 0 else LEFT if side < 0 else CENTRAL_ODD if n % 2 == 1 else CENTRAL_EVEN
    m = n - 1 if side != 0 else (n - 1) // 2

    see_digits(q)
    # exactly flat from some level on: truly so, unless the values turn out to be rounded
    flat = flat_from(q)
    flat_bar = np.inf
    if flat < count:
        flat_bar = BARS * ROUNDING * abs(f0)
        for _ in range(n):
            flat_bar /= step_of(levels[flat], scale)
        if flat == 0 and levels[0] >= scale - 8:
            finish(q, 0.0, flat_bar, 0.0, CONVERGED)
            q.left = q.right = 0.0
            return

    w, k = series_window(q, kind, n, s, gains, GOOD)
    consistent = flat == count or abs(w.value) <= w.bar + flat_bar
    if w.coarse >= 0:
        size = abs(w.value) + s.secant[w.fine]
        finish(q, w.value, w.bar, size, CONVERGED)
        q.left = q.right = w.value
        if phase <= 1 and consistent and settled(q, phase, n, kind, w, s, gains):
            return
        if phase == 0 and n == 1 and not small and w.score < 1e-6:
            if w.truncation > w.noise:
                ask(q, levels[count - 2] - 1, q.coarsest, ASKED)
            else:
                ask(q, levels[count - 1] - 4, q.coarsest, ASKED)
            if q.asking > 0:
                return

    # constant up to the rounding of the values: the shortest bar, whatever the share of the slope that they feign
    if phase == 0 and not w.score < UNSHARP:
        if 0.0 < only_noise(q)[0] <= STILL * ROUNDING * abs(f0):
            w = best_window(s, kind, n, m, k, 0, k, np.inf)
            if w.coarse >= 0:
                finish(q, w.value, w.bar, 0.0, CONVERGED)
                q.left = q.right = w.value
                return

    # a coarser window that the finer levels contradict: are they noise?
    # not where four fine levels agree to eight digits: noise that is not flat has no octaves of convergence
    chosen, converges = False, flat == count and w.fine - w.coarse >= 3 and w.score < 1e-8
    if w.coarse >= 0 and n == 1 and not converges and not (flat < count and q.unit > COUNTS):
        last = -1
        for j in range(k):
            if levels[s.index[j]] >= levels[s.index[w.fine]] + 4:
                last = j
        if flat < count:
            last = max(last, w.fine)
        if last >= 0:
            wide = best_window(s, kind, n, m, k, 0, last, GOOD)
            apart = abs(wide.value - w.value) > w.bar + wide.bar or flat < count
            if wide.coarse >= 0 and apart and wide.score < 0.02:
                verdict = noise_like(q, s, k, wide.coarse, wide.fine, flat < count)
                if verdict == 1:
                    chosen = True
                    w = wide
                elif verdict < 0 and count < ENOUGH - 6:
                    for d in range(2, 13, 2):
                        ask(q, levels[s.index[wide.fine]] - d, q.coarsest, 5)
    doubt, doubtful = 0.0, 0.0
    if w.coarse >= 0 and not chosen and 0 < flat < count:
        wide, chosen, doubt = beyond_flat(q, s, kind, n, k, flat, flat_bar, side)
        if doubt > 0.0:
            doubtful = abs(wide.value) + s.secant[wide.fine]
        if chosen:
            w = wide
    if phase > 1 and w.coarse >= 0 and flat == count:
        doubt = ripple(q, s, kind, n, m, k, w)
    value, bar, noise, truncation, score = w.value, w.bar, w.noise, w.truncation, w.score
    coarse, fine, size, floor, quiet, loudest = 0, 0, 0.0, 0.0, -1, 0.0
    quiet_above = 0
    if w.coarse >= 0:
        coarse, fine = levels[s.index[w.coarse]], levels[s.index[w.fine]]
        size, floor = abs(w.value) + s.secant[w.fine], s.conditioned[w.fine]
        quiet, loudest = quiet_from(s, k, w.coarse, w.fine, 2 if side == 0 else 1)
        if quiet > 0:
            quiet_above = levels[s.index[quiet - 1]]
    # with values on one side only, 1 - x**2 at 0 is as flat as rounding; the side itself knows better
    unseen = w.coarse < 0 and side == 0 and n > 1
    is_flat = flat < count and not chosen and not unseen
    if is_flat and w.coarse >= 0:
        is_flat = not (abs(value) <= bar + flat_bar and bar < flat_bar)
    if is_flat:  # two answers in doubt: the bar covers both
        value, bar, score, size = 0.0, max(flat_bar, doubt), 0.0, doubtful

    # one-sided derivatives
    left, right = value, value
    one_sided = False
    status = CONVERGED if np.isfinite(value) else NONFINITE
    kink, finer = False, 0
    if side == 0 and not is_flat and not chosen:
        r, k = series_window(q, RIGHT, n, s, gains, GOOD)
        r_coarse, r_fine, r_size = 0, 0, 0.0
        if r.coarse >= 0:
            r_coarse, r_fine = levels[s.index[r.coarse]], levels[s.index[r.fine]]
            r_size = abs(r.value) + s.secant[r.fine]
        t, k = series_window(q, LEFT, n, s, gains, GOOD)
        t_coarse, t_fine, t_size = 0, 0, 0.0
        if t.coarse >= 0:
            t_coarse, t_fine = levels[s.index[t.coarse]], levels[s.index[t.fine]]
            t_size = abs(t.value) + s.secant[t.fine]
        left, left_bar, right, right_bar = t.value, t.bar, r.value, r.bar
        if n == 1:
            j = flat_side(q.above, count, f0)
            if j < count and levels[j] - levels[count - 1] >= 8:
                right, right_bar = 0.0, BARS * ROUNDING * abs(f0) / step_of(levels[j], scale)
            j = flat_side(q.below, count, f0)
            if j < count and levels[j] - levels[count - 1] >= 8:
                left, left_bar = 0.0, BARS * ROUNDING * abs(f0) / step_of(levels[j], scale)
            if abs(right - left) > 4 * (right_bar + left_bar) and not only_noise(q)[1]:
                kink, finer = kink_at(q, left, right)
        elif max(r.score, t.score) < SHARP_SIDE and abs(right - left) > 4 * (right_bar + left_bar):
            # a kink of a lower derivative: both sides are sure of themselves, and the even part lies between them
            kink = abs(value - 0.5 * (left + right)) <= bar + right_bar + left_bar
            finer = levels[count - 1]
        if kink:
            value, bar, status = 0.5 * (left + right), 0.5 * (left_bar + right_bar), KINK
        else:
            ok_r = (
                r.coarse >= 0
                and r.score < 0.25 * score
                and (not np.isfinite(bar) or abs(value - right) <= 3 * (bar + right_bar) or score > 0.1)
            )
            ok_t = (
                t.coarse >= 0
                and t.score < 0.25 * score
                and (not np.isfinite(bar) or abs(value - left) <= 3 * (bar + left_bar) or score > 0.1)
            )
            ok_r = ok_r and agrees(q, right, right_bar)
            ok_t = ok_t and agrees(q, left, left_bar)
            if ok_r and not (ok_t and left_bar < right_bar):
                value, bar, noise, truncation, score = right, right_bar, r.noise, r.truncation, r.score
                coarse, fine, size, one_sided = r_coarse, r_fine, r_size, True
            elif ok_t:
                value, bar, noise, truncation, score = left, left_bar, t.noise, t.truncation, t.score
                coarse, fine, size, one_sided = t_coarse, t_fine, t_size, True
            if ok_r and ok_t and abs(right - left) > 4 * (left_bar + right_bar):
                bar = max(bar, abs(right - left))  # two answers, each sure of itself: a kink too near to be told
            status = CONVERGED if np.isfinite(value) else NONFINITE
    if status == CONVERGED and score > UNKNOWN:
        span = steepest(q)
        for _ in range(n - 1):
            span /= step_of(levels[count - 1], scale)
        bar = max(bar, span)
    finish(q, value, max(bar, doubt), size, status)
    q.left, q.right = (left, right) if kink else (value, value)

    # what next?
    if count >= ENOUGH:
        q.asking = 0
    elif phase <= 1 and not has(q, scale - 26):
        q.asking = 0
        spread(q, n, side)
    else:
        if 0 < flat < count and levels[flat - 1] - levels[flat] > 1:
            ask(q, (levels[flat - 1] + levels[flat]) // 2, q.coarsest, ASKED)
        if is_flat:
            return
        if kink:
            if finer < levels[count - 1]:
                ask(q, finer, q.coarsest, ASKED)
                ask(q, finer + 1, q.coarsest, ASKED)
                ask(q, (finer + levels[count - 1]) // 2, q.coarsest, ASKED)
            return
        if status == NONFINITE:
            for d in (4, 8, 12):
                ask(q, levels[count - 1] - d, q.coarsest, ASKED)
            return
        aim = score <= AIM or (score <= 3e-13 and noise > 2 * truncation) or bar <= max(atol, rtol * abs(value))
        if aim and (has(q, fine - 1) or fine - 1 < q.finest):
            return
        if side == 0 and q.asking == 0:
            ask_edge(q)
        if n == 1 and q.asking == 0 and not one_sided and quiet > 0 and not chosen and loudest > 16 * floor:
            for level in range(quiet_above, max(quiet_above - 12, q.finest), -1):
                ask(q, level, q.coarsest, 6)
        if q.asking == 0:
            ask_around(q, coarse, fine, truncation >= noise, score >= 1e-9, score > 1e-6 and not chosen)
    if q.asking > 0 or score < UNSHARP:
        return
    if not is_flat and only_noise(q)[1]:
        w, k = series_window(q, kind, n, s, gains, np.inf)
        if w.coarse < 0:
            return
        finish(q, w.value, w.bar, abs(w.value) + s.secant[w.fine], CONVERGED)
        q.left = q.right = w.value
    elif status == CONVERGED and score > 0.3 and n == 1 and diverges(q):
        finish(q, np.nan, np.inf, 0.0, NONFINITE)
        q.left = q.right = np.nan
