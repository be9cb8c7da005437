"""What the extrapolations of one point say together: its derivative, and which levels to evaluate next.

One call of `advance` takes a point from one batch of evaluations to the next. Compiled once; it never sees `f`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._extrapolation import (
    CONDITION,
    LEVELS,
    ROUNDING,
    Floats,
    Series,
    kernel,
    residual,
    step_of,
)

ASKED = 10
"""Most levels asked for at once."""
ENOUGH = 46
"""No more levels are asked for once a point has this many: 93 evaluations."""
AIM = 1e-13
"""A bar below this share of the local slope is not improved on."""
JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` there are taken for an iteration's."""
SHAKEN = 2.0**18
"""Noise of one value, as it comes out of the extrapolation to wider steps; several times that, to be sure."""
UNKNOWN = 0.5
"""Beyond this score not even the size of the derivative is known."""

CONVERGED, NONFINITE, KINK = 0, -3, -5


Point = Any
"""One record of `POINT`."""

POINT = np.dtype(
    [
        ("x", np.float64),
        ("f0", np.float64),
        ("df", np.float64),
        ("error", np.float64),
        ("size", np.float64),
        ("left", np.float64),
        ("right", np.float64),
        ("status", np.int64),
        ("nfev", np.int64),
        ("finest", np.int64),
        ("coarsest", np.int64),
        ("widest", np.int64),
        ("count", np.int64),
        ("asking", np.int64),
        ("rounds", np.int64),
        ("top", np.int64),
        ("looks", np.int64),
        ("seen", np.int64),
        ("safe", np.int64),
        ("asked", np.int64, (ASKED,)),
        ("levels", np.int64, (LEVELS,)),
        ("above", np.float64, (LEVELS,)),
        ("below", np.float64, (LEVELS,)),
    ]
)
"""A point under way: its limits, its values on the ladder, and what has been made of them.

``above[j]`` and ``below[j]`` are the values at `x` plus and minus the step of ``levels[j]``, NaN where there is none;
levels run from coarse to fine, the first `count` are filled. ``asked[:asking]`` are the levels wanted next; a point
that asks for none is finished. `size` is the local slope scale. `top` is the coarsest level of the look under way, from
the scale down, 0 without one; `looks` counts them, `seen` is what the last one said, and `safe` whether a result
stands already.
"""


@kernel
def exponent(v: float) -> int:
    """Binary exponent of a positive number."""
    return int(math.frexp(v)[1]) - 1 if v > 0 else -1075


@kernel
def scale_of(x: float) -> int:
    """Exponent of the scale of a point, ``max(|x|, 1)``."""
    return int(exponent(max(abs(x), 1.0)))


@kernel
def flat_from(q: Point) -> int:
    """First level from which on all finer values equal f(x); ``count`` if none.

    A level without values says nothing: beyond the edge of a domain a function is not flat.
    """
    flat, f0 = q.count, q.f0
    for j in range(q.count - 1, -1, -1):
        a, b = q.above[j], q.below[j]
        if (np.isfinite(a) and a != f0) or (np.isfinite(b) and b != f0):
            break
        if a == f0 or b == f0:
            flat = j
    return int(flat)


@kernel
def flat_side(values: Floats, count: int, f0: float) -> int:
    """Find the same for one side; ``count`` unless the plateau is four levels long."""
    j = count
    while j > 0 and values[j - 1] == f0:
        j -= 1
    return j if count - j >= 4 else count


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
def grainy(q: Point, s: Series, count: int, coarse: int, fine: int) -> int:
    """Tell whether exactly flat levels below a window are those of a function with grains (1), or not (0); -1: unclear.

    Small changes of such a function are whole multiples of one grain, and none leaves the window by more than four.
    """
    f0, grain, change = q.f0, np.inf, 0.0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            off = abs(v - f0)
            if 0.0 < off < grain:
                grain = off
            if j <= s.index[fine] and off < np.inf:
                change = max(change, off)
    if not grain < change * 2.0**-10:
        return 0
    usual = 64 * ROUNDING * abs(f0)
    multiples = 3 if grain <= usual else 0  # rounding as everywhere: its grains are known
    grain = max(grain, 0.25 * usual)
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            ratio = abs(v - f0) / grain
            if grain > usual and 1.5 < ratio < 32.0:
                if abs(ratio - np.floor(ratio + 0.5)) > 0.1:
                    return 0
                multiples += 1
    for j in range(fine + 1, count):
        if abs(residual(s, coarse, fine, 0, j)) > 4.0 * grain:
            return 0
    return 1 if multiples >= 3 else -1


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
def rounding(q: Point, j: int, slope: float) -> float:
    """Return the rounding of the values of one level, for a derivative of about `slope`."""
    size = max(abs(q.f0), abs(q.above[j]), abs(q.below[j]))
    return float(ROUNDING * (size + CONDITION * abs(q.x * slope)))


@kernel
def agrees(q: Point, slope: float, bar: float) -> bool:
    """Whether the finest levels that say anything allow `slope` on both sides, or come closer to it."""
    scale = scale_of(q.x)
    first, distance = 0, -1.0
    for j in range(q.count - 1, -1, -1):
        if not (np.isfinite(q.above[j]) and np.isfinite(q.below[j])):
            continue
        h = step_of(q.levels[j], scale)
        right, left = (q.above[j] - q.f0) / h, (q.f0 - q.below[j]) / h
        slack = 8 * rounding(q, j, slope) / h + bar
        size = abs(slope) + abs(right) + abs(left)
        off = max(abs(right - slope), abs(left - slope))
        if slack < 0.1 * size:
            if distance < 0:
                if off <= slack + 0.3 * size:
                    return True
                first, distance = q.levels[j], off
            elif q.levels[j] >= first + 3:
                return bool(distance <= 0.5 * off)
    return distance < 0


@kernel
def kink_at(q: Point, left: float, right: float) -> tuple[bool, int]:
    """Whether the slopes still differ at the finest level where they could be told apart, and a finer one to ask."""
    scale = scale_of(q.x)
    jump = right - left
    for j in range(q.count - 1, -1, -1):
        if not (np.isfinite(q.above[j]) and np.isfinite(q.below[j])):
            continue
        h = step_of(q.levels[j], scale)
        noise = 16 * rounding(q, j, max(abs(left), abs(right)))
        if noise < abs(jump) * h:
            seen = ((q.above[j] - q.f0) - (q.f0 - q.below[j])) / h
            finer = max(exponent(noise / abs(jump)) + 1, q.finest)
            return abs(seen - jump) <= 0.5 * abs(jump), finer if finer < q.levels[j] - 1 else q.levels[j]
    return True, q.levels[q.count - 1]


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


@kernel
def steepest(q: Point) -> float:
    """Steepest secant seen on either side."""
    scale = scale_of(q.x)
    found = 0.0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            slope = abs(v - q.f0) / step_of(q.levels[j], scale)
            if found < slope < np.inf:
                found = slope
    return found


@kernel
def diverges(q: Point) -> bool:
    """Whether the secants of a side only grow, with one sign, towards the finest levels: a slope without bound."""
    scale = scale_of(q.x)
    for side in range(2):
        values = q.above if side == 0 else q.below
        grown, start, last, run = 0.0, 0, 0.0, 0
        for j in range(q.count - 1, -1, -1):
            slope = (values[j] - q.f0) / step_of(q.levels[j], scale)
            if not np.isfinite(slope) or slope == 0.0 or (run > 0 and not 0.0 < slope / last < 0.999):
                break
            if run == 0:
                grown, start = slope, q.levels[j]
            last = slope
            run += 1
            if run >= 6 and q.levels[j] - start >= 8 and grown / last > 3:
                return True
    return False
