"""A point under way, its record and its ladder of steps; and the words that all rooms of this house use.

Glossary
--------
scale
    The power of two at or below ``max(|x|, 1)``; `scale_of` gives its exponent.
level, step
    A level is an integer, finer ones are smaller. It stands for a step, a power of two or nearly (`step_of`), which is
    used on both sides of the point or on one.
ladder
    The levels at which the function has been evaluated so far, from coarse to fine, with the values above and below the
    point. A place is an index on it.
series
    The quotients of one kind that the ladder gives: the odd or the even part, those of the right or of the left side.
    A position is an index in it; it skips the places where values are missing.
window
    Neighbouring positions of a series, up to eight, extrapolated together to step 0. It also predicts the finer ones:
    how far they are off is its noise.
rounding, grain
    The standard deviation of the rounding of a value, relative to it, and what all values are multiples of.
noise
    The standard deviation of whatever is not smooth in the values: never less than their rounding.
truncation
    The error of the extrapolation without noise.
lever
    What noise of 1 in the values is in the bar.
bar
    The error bar: truncation, plus noise times lever.
size
    The local slope scale: ``|df|`` plus the secant over the finest step of the window.
score
    Bar over size: 1e-13 is as good as it gets, beyond 0.5 nothing is known.
flat
    Said of levels where all values equal ``f(x)`` to the last bit.
look
    Six levels and a fine seventh, the probe, judged together by straight-line arithmetic. The first look is the same
    for all points.
round
    One batch of evaluations of all points that ask for levels, and the judgement that follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._compiling.kernels import inner

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Never `fastmath`; NumPy's error model, so that a division by zero is an infinity to be judged, not an exception.
kernel: Callable[[Any], Any] = inner

LEVELS = 56
"""Room for the levels of one point."""
ENOUGH = 46
"""No more levels are asked for once a point has this many: 93 evaluations."""
ASKED = 10
"""Most levels asked for at once."""

SMALL = 2.0**-12
"""Nearer to 0 than that, the first look sees nothing of what a point may have of its own."""

CONVERGED, NONFINITE, KINK = 0, -3, -5
"""Those of `Status` that are decided here; a bar that is too long for the tolerance comes later."""

Point = Any
"""One record of `POINT`."""

POINT = np.dtype(
    [(name, np.float64) for name in ("x", "f0", "df", "error", "size", "left", "right", "rounding", "inner")]
    + [(name, np.int64) for name in ("status", "nfev", "finest", "coarsest", "widest", "count", "asking", "rounds",
                                     "top", "looks", "seen", "safe")]
    + [("asked", np.int64, (ASKED,)), ("levels", np.int64, (LEVELS,)),
       ("above", np.float64, (LEVELS,)), ("below", np.float64, (LEVELS,)), ("grains", np.float64, (LEVELS,))]
)  # fmt: skip
"""A point under way: its limits, its ladder, and what has been made of it.

``above[j]`` and ``below[j]`` are the values at `x` plus and minus the step of ``levels[j]``, NaN where there is none;
levels run from coarse to fine, the first `count` are filled. ``asked[:asking]`` are the levels wanted next; a point
that asks for none is finished. `finest`, `coarsest` and `widest` bound them: the last holds in need. `rounds` counts
how often `advance` has judged. `top` is the coarsest level of the look under way, from the scale down, 0 without one;
`looks` counts them, `seen` is what the last one said, and `safe` whether a result stands already. `rounding`,
`grains`, one for every level, and `inner`, that of what is rounded inside `f`, come from the digits of the values.
"""


@kernel
def exponent(v: float) -> int:
    """Binary exponent of a positive number."""
    return int(math.frexp(v)[1]) - 1 if v > 0 else -1075


@kernel
def scale_of(x: float) -> int:
    """Exponent of the scale of a point."""
    return int(exponent(max(abs(x), 1.0)))


ODD = 1.1548442249177775
"""Odd factor of the fine steps. A step that is a multiple of 3, 5 or 7 of the spacing of numbers rounds ``x / 3`` alike
on both sides, which hides the noise from their difference; the steps of this factor are not, at any level down to 2^-52
for 3 and around the probe for 5 and 7."""


@kernel
def step_of(level: int, scale: int) -> float:
    """Step of a level for a point whose scale is ``2^scale``.

    The steps are powers of two down to an eighth of the scale, then 3/32 of it, then powers of two again, and from 2^-8
    of it powers of two times 1.1548. The extra step buys a third of the noise for the same truncation (against plain
    powers of two, at equal evaluations); the odd factor keeps rounding inside `f` from being the same at every level,
    which would hide it (``((x + 1e8) - 1e8)**2``).
    """
    below = scale - level
    if below < 4:
        return math.ldexp(1.0, level)
    if below == 4:
        return math.ldexp(0.75, level + 1)
    return math.ldexp(1.0 if below < 9 else ODD, level + 1)


@kernel
def per_step(value: float, h: float, n: int) -> float:
    """``value / h^n``, where ``h^n`` itself may be beyond the numbers."""
    for _ in range(n):
        value /= h
    return value


@kernel
def finish(q: Point, value: float, error: float, size: float, status: int) -> None:
    """Write down a result, the best so far."""
    q.df = q.left = q.right = value
    # no number where the squares of the steps overflow
    q.error, q.size, q.status = error if error == error else np.inf, size, status
