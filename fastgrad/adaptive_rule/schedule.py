"""The schedule of steps: level sets for every order and side.

Steps are powers of two, times a factor, times the scale of a point: the power of two at or below ``max(|x|, 1)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import overload

import numpy as np

from .._typing import FloatArray, Index
from ..compilation import rows
from .extrapolation import LevelTable
from .rounding import CONDITION

FACTOR = 1.1548442249177775
"""Factor of the fine steps. Powers of two would round sums inside `f` alike at every step, which hides that rounding.
A step that is a multiple of 3, 5 or 7 of the spacing of numbers rounds ``x / 3`` alike on both sides. Steps with this
factor are no such multiples, at any level down to 2^-52 for 3 and around the probe for 5 and 7."""

PROBE_FACTOR = 1.2247448713915892
"""Further factor of the probes of finer rounds: float32 rounds steps of one factor alike at every level."""

COARSEST, FINEST = -6, 27
"""Levels of the last search: steps of ``FACTOR * 2**-level`` times the scale."""
DEEPEST = 50
"""Finer steps are below the spacing of the numbers."""
RESOLVED = 2.0**-50
"""Steps below this share of the argument are a few spacings of the numbers: `f` may round several arguments to one."""
BETWEEN = 24
"""For points not nearer to 0 than ``2**-BETWEEN`` one search covers the levels of the scale and of their size."""
ROUNDS = 4
"""Rounds of finer steps before the last search."""
WIDEST = -3
"""Level of the coarsest step of the round of wider steps."""
NEXT = 4
"""Levels from the steps of a round to those of the next."""

#: Negative exponent of the coarsest step of the first round, by number of sides and order: rounding spoils short steps
#: the more the higher the order.
_FIRST: dict[bool, tuple[int, ...]] = {True: (3, 2, 1, 1, 1, 1, 0, 0), False: (4, 2, 1, 0, 0, 0, -1, -1)}
#: Levels from the coarsest step to the first probe, by order: finer probes are too noisy for higher orders.
_PROBE = (14, 10, 9)
#: Levels from the last of a window to the probes of the last search: with six of them bounds hold no more often.
_SEARCH_PROBES = (1, 2, 4, 8)


def scale_of(x: FloatArray) -> FloatArray:
    """Return the power of two at or below ``max(|x|, 1)``."""
    return power_below(np.maximum(np.abs(x), 1.0))


def power_below(size: FloatArray) -> FloatArray:
    """Return the power of two at or below a positive number."""
    power: FloatArray = rows.power_below(np.asarray(size))
    return power if power.all() else np.ldexp(1.0, np.frexp(size)[1] - 1)  # some are subnormal


@overload
def step(level: int) -> float: ...
@overload
def step(level: Sequence[int] | Index) -> FloatArray: ...
def step(level: int | Sequence[int] | Index) -> float | FloatArray:
    """Step of a level of the finer rounds and of the last search, in units of the scale."""
    steps: float | FloatArray = FACTOR * np.ldexp(1.0, -np.asarray(level))
    return steps


def _width(n: int, two_sided: bool) -> int:
    """Return the number of levels that are extrapolated."""
    return 6 + ((n - 1) // 2 if two_sided else n)


def _probes(n: int, two_sided: bool) -> tuple[int, ...]:
    """Return the levels of the fine probes, relative to the first.

    One side has no second parity that shows noise, and higher orders enlarge the noise that a probe misses.
    """
    if not two_sided:
        return (-3, 0, 3)
    return (0,) if n == 1 else (-3, 0)


@cache
def first(n: int, two_sided: bool) -> LevelTable:
    """Level set of the first round: halved steps, one more at 3/4 of the first, and fine probes.

    The additional step reduces the noise to a third for the same truncation and number of evaluations. All but n = 1
    from both sides have one level more than later rounds: the round is then done at 95 to 100 % of the points of a wave
    of frequency 3, instead of 12 to 40 %.
    """
    top, probe = _FIRST[two_sided][n - 1], _PROBE[min(n, 3) - 1]
    width = _width(n, two_sided) + (n > 1 or not two_sided)
    powers = [2.0**-top, 0.75 * 2.0**-top, *(2.0 ** -(top + k) for k in range(1, width))][:width]
    probes = (FACTOR * 2.0 ** -(top + probe + k) for k in _probes(n, two_sided))
    narrowest = 0 if two_sided and n > 1 else 4
    return LevelTable(n, two_sided, (*powers, *probes), width, CONDITION, narrowest=narrowest)


@cache
def finer(n: int, two_sided: bool) -> LevelTable:
    """Level set of the finer rounds, relative to their coarsest step: halved steps, and probes."""
    width = _width(n, two_sided)
    probes = (PROBE_FACTOR * 2.0 ** -(width + 4 + k) for k in _probes(n, two_sided))
    return LevelTable(n, two_sided, (*(2.0**-k for k in range(width)), *probes), width)


@cache
def sliding(n: int, two_sided: bool) -> LevelTable:
    """Level set of the last search, which slides over all levels: halved steps, and finer ones that show the noise."""
    width = _width(n, two_sided)
    probes = (width - 1 + p for p in _SEARCH_PROBES)
    return LevelTable(n, two_sided, tuple(2.0**-k for k in (*range(width), *probes)), width, CONDITION, 1)
