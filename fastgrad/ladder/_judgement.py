"""What the values on a ladder say of the function there: flat, a kink, an edge, a slope without bound."""

from __future__ import annotations

import numpy as np

from ._point import Floats, Point, exponent, kernel, scale_of, step_of
from ._rounding import rounding_at


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
def agrees(q: Point, slope: float, bar: float) -> bool:
    """Whether the finest levels that say anything allow `slope` on both sides, or come closer to it."""
    scale = scale_of(q.x)
    first, distance = 0, -1.0
    for j in range(q.count - 1, -1, -1):
        if not (np.isfinite(q.above[j]) and np.isfinite(q.below[j])):
            continue
        h = step_of(q.levels[j], scale)
        right, left = (q.above[j] - q.f0) / h, (q.f0 - q.below[j]) / h
        slack = 8 * rounding_at(q, j, slope) / h + bar
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
        noise = 16 * rounding_at(q, j, max(abs(left), abs(right)))
        if noise < abs(jump) * h:
            seen = ((q.above[j] - q.f0) - (q.f0 - q.below[j])) / h
            finer = max(exponent(noise / abs(jump)) + 1, q.finest)
            return abs(seen - jump) <= 0.5 * abs(jump), finer if finer < q.levels[j] - 1 else q.levels[j]
    return True, q.levels[q.count - 1]


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
