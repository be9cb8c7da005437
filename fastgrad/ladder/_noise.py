"""Noise or structure: what fine levels that leave a window of coarser ones say of a function."""

from __future__ import annotations

import numpy as np

from ._extrapolation import Series, residual
from ._point import Floats, Point, kernel, scale_of, step_of
from ._rounding import ROUNDING

JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` there are taken for an iteration's."""
QUIET, FAINT = 2.0**-7, 2.0**-10
"""Noise is at most this share of the change of `f` over a window; the second where the fine levels are exactly flat."""
LOUD = 16.0
"""Residuals down to the loudest over so much count as loud."""
SHAKEN = 2.0**18
"""Noise of one value, as it comes out of the extrapolation to wider steps; several times that, to be sure."""


@kernel
def change_over(q: Point, s: Series, fine: int) -> float:
    """How far `f` moves at most at the levels of a series down to position `fine`."""
    change = 0.0
    for j in range(fine + 1):
        for v in (q.above[s.index[j]], q.below[s.index[j]]):
            if np.isfinite(v):
                change = max(change, abs(v - q.f0))
    return change


@kernel
def loudest(s: Series, coarse: int, fine: int, last: int, parities: int) -> float:
    """Largest residual of a window among the finer positions down to `last`, in one parity or both."""
    found = 0.0
    for j in range(fine + 1, last + 1):
        for parity in range(parities):
            found = max(found, abs(residual(s, coarse, fine, parity, j)))
    return found


@kernel
def noise_like(q: Point, s: Series, count: int, coarse: int, fine: int, flat: bool) -> int:
    """Tell whether finer levels leave a window because of noise (1) or of structure (0); -1: too few levels to say.

    Noise is small against what `f` does over the window, as loud at all levels, and changes its sign.
    """
    most = loudest(s, coarse, fine, count - 1, 1)
    if most == 0.0 or most > change_over(q, s, fine) * (FAINT if flat else QUIET):
        return 0
    loud, signs, last, top, bottom = 0, 0, 0.0, 0, 0
    for j in range(fine + 1, count):
        r = residual(s, coarse, fine, 0, j)
        if abs(r) >= most / LOUD:
            bottom = q.levels[s.index[j]]
            if loud == 0:
                top = bottom
            loud += 1
            if r * last < 0:
                signs += 1
            last = r
    if loud >= 4 and top - bottom >= (6 if flat else 8) and signs >= (1 if flat else 2):
        return 1
    return -1 if count - 1 - fine < q.levels[s.index[fine]] - bottom else 0


@kernel
def only_noise(q: Point) -> tuple[float, bool]:
    """Largest change of `f` at any level, and whether all changes are those of noise about a constant.

    Such changes do not grow over eight octaves, and they go up and down from level to level.
    """
    most, fine, turns = 0.0, 0.0, 0
    for side in range(2):
        values = q.above if side == 0 else q.below
        last, before = 0.0, 0.0
        for j in range(q.count - 1, -1, -1):
            change = values[j] - q.f0
            if not abs(change) < np.inf:
                continue
            most = max(most, abs(change))
            if q.levels[j] <= q.levels[0] - 8:
                fine = max(fine, abs(change))
            step = change - last
            if step * before < 0.0:
                turns += 1
            last, before = change, step if step != 0.0 else before
    return most, turns >= 2 and fine >= 0.125 * most


@kernel
def loud_above(q: Point, s: Series, count: int, coarse: int, fine: int, parities: int) -> int:
    """Finest level that leaves a window although still finer ones hardly do; the finest possible if there is none."""
    most = loudest(s, coarse, fine, count - 1, parities)
    found = -1
    for j in range(count - 1, fine, -1):
        r = 0.0
        for parity in range(parities):
            r = max(r, abs(residual(s, coarse, fine, parity, j)))
        if r >= most / LOUD:
            break
        found = j
    if found > 0 and most > LOUD * s.conditioned[fine]:
        return int(q.levels[s.index[found - 1]])
    return int(q.finest)


@kernel
def leading(t: Floats, d: Floats, j: int) -> tuple[float, float]:
    """Coefficient of ``t^4`` that `j` and the last four of six quotients give, and how far `j` is from those four."""
    apart = 1.0
    for k in range(2, 6):
        apart *= t[j] - t[k]
    found = d[j] / apart
    for i in range(2, 6):
        part = t[i] - t[j]
        for k in range(2, 6):
            if k != i:
                part *= t[i] - t[k]
        found += d[i] / part
    return abs(found), abs(found * apart)


@kernel
def jumps(q: Point, top: int, probe: int, t: Floats, d: Floats) -> bool:
    """Whether the six levels of a look from `top` on are parted by a small jump.

    An iteration that stops earlier or later when the argument moves leaves such jumps; see `hidden`. Where a function
    is smooth the leading coefficient is the same whichever level is added to the finest four; of a jump, wherever it
    is, the widest level shows half as much as the next or less. The probe shows the noise.
    """
    scale = scale_of(q.x)
    first, last = 0, q.count - 1
    while q.levels[first] != scale - top:
        first += 1
    while q.levels[last] != scale - probe:
        last -= 1
    for i in range(7):
        j = first + i if i < 6 else last
        h = step_of(q.levels[j], scale)
        t[i], d[i] = h * h, (q.above[j] - q.below[j]) / (2 * h)
    _, noise = leading(t, d, 6)
    h, change = step_of(q.levels[first + 1], scale), abs(q.above[first + 1] - q.below[first + 1])
    size = max(abs(q.above[first]), abs(q.below[first])) + abs(q.x) * change / (2 * h)
    noise = max(1.4142 * noise * step_of(q.levels[last], scale), ROUNDING * size)
    narrow, off = leading(t, d, 1)
    # a jump among the four comes out up to a thousand times as large
    if not SHAKEN * noise < off * h < 64 * JUMP * change:
        return False
    wide, _ = leading(t, d, 0)
    return bool(wide < 0.75 * narrow)
