"""Noise or structure: what fine levels that leave a window of coarser ones say of a function."""

from __future__ import annotations

import numpy as np

from ._extrapolation import ROUNDING, Floats, Series, kernel, residual, step_of
from ._judgement import Point, scale_of

JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` there are taken for an iteration's."""
SHAKEN = 2.0**18
"""Noise of one value, as it comes out of the extrapolation to wider steps; several times that, to be sure."""


@kernel
def noise_like(q: Point, s: Series, count: int, coarse: int, fine: int, flat: bool) -> int:
    """Tell whether finer levels leave a window because of noise (1) or of structure (0); -1: too few levels to say.

    Noise is small against what `f` does over the window, as loud at all levels, and changes its sign.
    """
    loudest = 0.0
    for j in range(fine + 1, count):
        loudest = max(loudest, abs(residual(s, coarse, fine, 0, j)))
    change = 0.0
    for j in range(fine + 1):
        for v in (q.above[s.index[j]], q.below[s.index[j]]):
            if np.isfinite(v):
                change = max(change, abs(v - q.f0))
    if loudest == 0.0 or loudest > change * (2.0**-10 if flat else 2.0**-7):
        return 0
    loud, signs, last, top, bottom = 0, 0, 0.0, 0, 0
    for j in range(fine + 1, count):
        r = residual(s, coarse, fine, 0, j)
        if abs(r) >= loudest / 16:
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
def quiet_from(s: Series, count: int, coarse: int, fine: int, parities: int) -> tuple[int, float]:
    """First series position of the fine levels that hardly deviate from a window although coarser ones do."""
    loudest = 0.0
    for j in range(fine + 1, count):
        for parity in range(parities):
            loudest = max(loudest, abs(residual(s, coarse, fine, parity, j)))
    found = -1
    for j in range(count - 1, fine, -1):
        r = 0.0
        for parity in range(parities):
            r = max(r, abs(residual(s, coarse, fine, parity, j)))
        if r >= loudest / 16:
            break
        found = j
    return found, loudest


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
