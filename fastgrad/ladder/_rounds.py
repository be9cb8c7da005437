"""The rounds of the ladder over a block of points: ask, evaluate, judge, drop what is done.

Whoever evaluates, machine code or a Python function of arrays: every decision is made point by point on the same
numbers by the same code, so the bits are the same, whatever else is in the batch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._advance import advance
from ._asking import FIRST_TOP, SECOND_TOP, begin, look_closer, probe_of
from ._extrapolation import Series
from ._looks import DONE, FINER, FIRST, LATER, OPEN, PLANES, SECOND, TINY, Look, accept, unit
from ._noise import jumps
from ._point import CONVERGED, NONFINITE, Floats, Ints, Point, exponent, finish, kernel, scale_of, step_of

ROUNDS = 20
"""More rounds than any point needs: it runs out of levels before."""


OUTCOME = np.dtype([(name, np.float64) for name in ("df", "error", "size", "left", "right")]
                   + [("status", np.int64), ("nfev", np.int64)])  # fmt: skip
"""The result at a point; `size` is the local slope scale that the tolerance refers to by default."""

Block = Any
"""Array of `POINT` records."""
Outcome = Any
"""Array of `OUTCOME` records."""


@kernel
def open_point(q: Point, x: float, f0: float, lo: float, hi: float, step: float, n: int, side: int) -> None:
    """Load a point and how far it may go: its coarsest level, the widest in need, and the finest."""
    q.x, q.f0 = x, f0
    q.count, q.asking, q.rounds, q.nfev, q.status = 0, 0, 0, 1, NONFINITE
    q.top, q.looks, q.seen, q.safe = 0, 0, OPEN, 0
    q.df = q.left = q.right = np.nan
    q.error, q.size = np.inf, 0.0
    if np.isfinite(x) and np.isfinite(f0):
        scale = scale_of(x)
        tiny = exponent(abs(x)) if x != 0 else -950
        q.finest = max(tiny - 50 if tiny < 0 else scale - 50, -1060)
        room = min(max(hi - x if side >= 0 else 0.0, x - lo if side <= 0 else 0.0), step)
        most = exponent(room) if room < np.inf else 4000
        q.coarsest = min(scale - (1 if n == 1 else -1), most, 1020)
        q.widest = min(scale + 6, most, 1020)


@kernel
def first_look(x: Floats, f0: Floats, start: int, m: int, lo: Floats, hi: Floats, step: Floats, who: Ints,
               points: Floats, index: Ints) -> int:  # fmt: skip
    """Write the first look at all points that have room for it on both sides; return how many have."""
    k = 0
    for i in range(m):
        at = start + i
        a, h = x[at], FIRST.steps[0] * unit(x[at])
        if (
            np.isfinite(a) and np.isfinite(f0[i]) and h <= step[at] and a - h >= lo[at] and a + h <= hi[at]
            and abs(a) < 2.0**1000
        ):  # fmt: skip
            who[k] = i
            k += 1
    for j in range(len(FIRST.steps)):
        for r in range(k):
            a = x[start + who[r]]
            h = unit(a) * FIRST.steps[j]
            points[2 * j * k + r], points[(2 * j + 1) * k + r] = a + h, a - h
            index[2 * j * k + r] = index[(2 * j + 1) * k + r] = start + who[r]
    return k


@kernel
def open_block(p: Block, active: Ints, start: int, m: int, x: Floats, f0: Floats, lo: Floats, hi: Floats, step: Floats,
               n: int, side: int, rtol: float, atol: float, who: Ints, k: int, v: Floats, given: Floats, made: Floats,
               done: Ints, s: Any, out: Outcome) -> int:  # fmt: skip
    """Judge the first look at `k` of `m` points, and set the others going; return how many are under way."""
    for r in range(k):
        a = x[start + who[r]]
        given[0, r], given[1, r], given[2, r] = a, f0[who[r]], unit(a)
    accept(FIRST, given[0], given[1], given[2], k, v, made[0], made[1], made[2], done)
    under_way, r = 0, 0
    for i in range(m):
        at = start + i
        looked = r < k and who[r] == i
        if looked and done[r] == DONE:
            o = out[at]
            o.df, o.error, o.size, o.left, o.right = made[0, r], made[1, r], made[2, r], made[0, r], made[0, r]
            o.status, o.nfev = CONVERGED, 1 + PLANES
            p[i].nfev = 0
            r += 1
            continue
        q = p[i]
        open_point(q, x[at], f0[i], lo[at], hi[at], step[at], n, side)
        if looked:
            scale = scale_of(q.x)
            for j in range(len(FIRST.steps)):
                q.levels[j] = scale - (FIRST_TOP + j if j < len(FIRST.steps) - 1 else probe_of(FIRST_TOP))
                q.above[j], q.below[j] = v[2 * j * k + r], v[(2 * j + 1) * k + r]
            q.count, q.nfev, q.seen = len(FIRST.steps), 1 + PLANES, done[r]
            if q.seen == TINY:
                finish(q, made[0, r], made[1, r], made[2, r], CONVERGED)
                q.safe = 1
            elif q.seen == FINER and jumps(q, FIRST_TOP, probe_of(FIRST_TOP), s[0].t, s[0].value):
                q.seen = OPEN
            go_on(q, n, side, rtol, atol, s)
            r += 1
        elif np.isfinite(q.x) and np.isfinite(q.f0):
            begin(q, n, side)
        if q.asking > 0:
            active[under_way] = i
            under_way += 1
    return under_way


@kernel
def go_on(q: Point, n: int, side: int, rtol: float, atol: float, s: Any) -> None:
    """Decide what comes after a look: nothing, a finer one, or the state machine."""
    q.asking = 0
    if q.seen == DONE:
        return
    if (q.seen == FINER or q.seen == TINY) and look_closer(q):
        return
    q.top = 0
    if q.safe == 0:
        advance(q, n, side, rtol, atol, s[0])


@kernel
def reaches(x: float, h: float, side: int, lo: float, hi: float, step: float) -> tuple[bool, bool]:
    """Whether the points above and below at this step may be evaluated."""
    above, below = x + h, x - h
    return (
        side >= 0 and h <= step and above <= hi and x < above < np.inf,
        side <= 0 and h <= step and below >= lo and -np.inf < below < x,
    )


@kernel
def emit(p: Block, active: Ints, m: int, start: int, lo: Floats, hi: Floats, step: Floats, side: int, points: Floats,
         index: Ints) -> int:  # fmt: skip
    """Write the points that the active points ask for; return how many."""
    k = 0
    for r in range(m):
        q = p[active[r]]
        at, x = start + active[r], q.x
        scale = scale_of(x)
        for j in range(q.asking):
            h = step_of(q.asked[j], scale)
            above, below = reaches(x, h, side, lo[at], hi[at], step[at])
            if above:
                points[k], index[k] = x + h, at
                k += 1
            if below:
                points[k], index[k] = x - h, at
                k += 1
    return k


@kernel
def take(p: Block, active: Ints, m: int, start: int, lo: Floats, hi: Floats, step: Floats, side: int,
         values: Floats) -> None:  # fmt: skip
    """Sort the values, in the order of `emit`, into the ladders."""
    k = 0
    for r in range(m):
        q = p[active[r]]
        at, x = start + active[r], q.x
        scale = scale_of(x)
        for j in range(q.asking):
            level = q.asked[j]
            above, below = reaches(x, step_of(level, scale), side, lo[at], hi[at], step[at])
            a = b = np.nan
            if above:
                a = values[k]
                k += 1
                q.nfev += 1
            if below:
                b = values[k]
                k += 1
                q.nfev += 1
            c = q.count
            while c > 0 and q.levels[c - 1] < level:
                q.levels[c] = q.levels[c - 1]
                q.above[c], q.below[c] = q.above[c - 1], q.below[c - 1]
                c -= 1
            q.levels[c], q.above[c], q.below[c] = level, a, b
            q.count += 1


@kernel
def look_together(p: Block, active: Ints, m: int, look: Look, second: bool, who: Ints, v: Floats, given: Floats,
                  made: Floats, done: Ints, s: Series) -> None:  # fmt: skip
    """Judge all points that took the second look, or a later one."""
    k = 0
    for r in range(m):
        q = p[active[r]]
        if q.top > 0 and (q.top == SECOND_TOP) == second:
            who[k] = active[r]
            k += 1
    for r in range(k):
        q = p[who[r]]
        scale = scale_of(q.x)
        given[0, r], given[1, r], given[2, r] = q.x, q.f0, math.ldexp(1.0, scale if second else scale - q.top)
        place = 0
        while q.levels[place] != scale - q.top:
            place += 1
        for j in range(6):
            v[2 * j * k + r], v[(2 * j + 1) * k + r] = q.above[place + j], q.below[place + j]
        place += 6
        while q.levels[place] != scale - probe_of(q.top):
            place += 1
        v[12 * k + r], v[13 * k + r] = q.above[place], q.below[place]
    accept(look, given[0], given[1], given[2], k, v, made[0], made[1], made[2], done)
    for r in range(k):
        q = p[who[r]]
        q.seen = done[r]
        if q.seen == TINY:  # these steps are of the size of the point already
            q.seen = DONE
        if q.seen == DONE and jumps(q, q.top, probe_of(q.top), s.t, s.value):
            q.seen = OPEN
        if q.seen == DONE and made[1, r] < q.error:
            finish(q, made[0, r], made[1, r], made[2, r], CONVERGED)


@kernel
def judge(p: Block, active: Ints, m: int, n: int, side: int, rtol: float, atol: float, who: Ints, v: Floats,
          given: Floats, made: Floats, done: Ints, s: Any) -> int:  # fmt: skip
    """Judge every active point and keep those that ask for more."""
    look_together(p, active, m, SECOND, True, who, v, given, made, done, s[0])
    look_together(p, active, m, LATER, False, who, v, given, made, done, s[0])
    kept = 0
    for r in range(m):
        q = p[active[r]]
        if q.top > 0:
            go_on(q, n, side, rtol, atol, s)
        else:
            advance(q, n, side, rtol, atol, s[0])
        if q.asking > 0:
            active[kept] = active[r]
            kept += 1
    return kept


@kernel
def close_block(p: Block, start: int, stop: int, out: Outcome) -> None:
    """Copy the results out."""
    for i in range(stop - start):
        q, o = p[i], out[start + i]
        if q.nfev == 0:
            continue  # written already
        o.df, o.error, o.size, o.left, o.right = q.df, q.error, q.size, q.left, q.right
        o.status, o.nfev = q.status, q.nfev
