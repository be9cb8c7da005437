"""A point under way, and what its values say of the function there: flat, a kink, an edge, a slope without bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._extrapolation import (
    CONDITION,
    LEVELS,
    ROUNDING,
    Floats,
    kernel,
    step_of,
)

ASKED = 10
"""Most levels asked for at once."""
ENOUGH = 46
"""No more levels are asked for once a point has this many: 93 evaluations."""
AIM = 1e-13
"""A bar below this share of the local slope is not improved on."""
UNKNOWN = 0.5
"""Beyond this score not even the size of the derivative is known."""

COUNTS = 0.3 * 2.0**-10
"""Values whose rounding would be larger have ten bits at most: they count, as floor does; that is no rounding."""

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
        ("unit", np.float64),
        ("grain", np.float64),
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
stands already. `unit` and `grain` are the rounding of a value, relative and absolute: see `see_digits`.
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
def see_digits(q: Point) -> None:
    """Take the rounding of the values from their digits.

    Those of float32 have 24 bits, and ``exp(x) - 1`` near 0 has none below 2^-53: where no value has more the rounding
    is not that of doubles of their size. Steps that are no powers of two keep exact functions from looking so.
    """
    unit, grain, seen = 1.0, np.inf, 0
    for j in range(q.count):
        for v in (q.above[j], q.below[j]):
            if np.isfinite(v) and v != 0.0 and v != q.f0:
                m, e = math.frexp(abs(v))
                digits = int(math.ldexp(m, 53))
                last = float(digits & -digits)
                unit = min(unit, last / float(digits))
                grain = min(grain, math.ldexp(last, e - 53))
                seen += 1
    few = seen < 8
    q.unit = ROUNDING if few else max(ROUNDING, 0.3 * unit)
    q.grain = 0.0 if few else 0.3 * grain


@kernel
def rounding(q: Point, j: int, slope: float) -> float:
    """Return the rounding of the values of one level, for a derivative of about `slope`."""
    size = max(abs(q.f0), abs(q.above[j]), abs(q.below[j]))
    return float(max(q.unit * size, q.grain) + ROUNDING * CONDITION * abs(q.x * slope))


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
