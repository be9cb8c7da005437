"""A round for points where the function varies over much less than the steps of the first rounds.

A few steps far apart show the widest of them over which the function is nearly linear. Finer rounds begin there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .batch import Batch, Index, in_blocks
from .codegen import Row, Select
from .quotients import larger, quotient
from .rounding import ROUNDING
from .rounds import take_finer_rounds
from .scan import Scan
from .schedule import BETWEEN, power_below, scale_of, step

LEVELS = tuple(range(2, 51, 4))
"""Levels of the steps, from the scale of the point."""
BESIDE_ZERO = 2.0**12
"""Nearer to 0 than ``2**-BETWEEN`` the levels begin at this many times the size of the point: the widest steps have to
show whether a kink at 0 is the reason why the slopes differ."""
LINEAR = 2.0**-4
"""Change of the slope from one level to the next, relative to the secants, up to which the function is linear: a
quarter of the distance from a pole."""
FAINT = 8.0
"""Changes of the value below one in so many that are about as large at three wider levels are noise, or jumps."""
WITHIN_ROUNDING = 16.0
"""A change of the value below this many roundings is not seen as a change of the slope."""


class _Level(NamedTuple):
    """One level; rows."""

    h: Row
    slope: Row
    steepest: Row
    """The steeper secant."""
    move: Row
    """The largest change of the value."""
    difference: Row
    """Difference of the secants of both sides; 0 for one side."""


def _level(select: Select, points: Sequence[Row], h: Row, pair: Sequence[Row]) -> _Level:
    y = points[1]
    slope, _ = quotient(select, (1, len(pair) == 2), points, h, pair)
    move = larger(select, *(abs(value - y) for value in pair))
    difference = ((pair[0] - y) - (y - pair[1])) / h if len(pair) == 2 else 0.0 * y
    return _Level(h, slope, move / abs(h), move, difference)


@cache
def _linear(two_sided: bool) -> Scan:
    """Kernel of the widest level, as a number, over which the function is linear, and whether a kink lies beyond it.

    All finer levels are linear, too, but for rounding. Without such a level the number is -1.
    """

    def finish(select: Select, _state: Any, points: Any) -> Any:
        x, y, unit, *values = points
        sides = 2 if two_sided else 1
        levels = [
            _level(select, (x, y, 1.0), unit * float(step(level)), values[sides * k : sides * (k + 1)])
            for k, level in enumerate(LEVELS)
        ]
        none = 0.0 * y - 1.0
        widest, slope, is_linear, noisy = none, 0.0 * y, none < 0.0, 0.0 * y
        finer = _Level(*[0.0 * y] * len(_Level._fields))
        for k, level in reversed(list(enumerate(levels))):
            exists, has_finer = abs(level.slope) < math.inf, finer.h != 0.0
            change, steepest = abs(level.slope - finer.slope), larger(select, level.steepest, finer.steepest)
            rounding = (abs(y) + level.move + abs(x) * steepest) * (ROUNDING * WITHIN_ROUNDING)
            agrees = change <= steepest * LINEAR
            is_linear = is_linear & (~has_finer | (exists & (agrees | (change * abs(finer.h) <= rounding))))
            is_widest = is_linear & has_finer & agrees & (level.move > 0.0)
            widest, slope = select(is_widest, float(k), widest), select(is_widest, level.slope, slope)
            is_noisy = ~is_linear & (finer.move * 4.0 > level.move) & (finer.move * FAINT <= abs(y))
            noisy = noisy + select(is_noisy & (finer.move > rounding), 1.0, 0.0)
            finer = _Level(*(select(exists, new, old) for new, old in zip(level, finer, strict=True)))
        is_before_kink = _is_before_kink(select, levels, widest, slope) if two_sided else 0.0 * y
        return select(noisy < 2.0, widest, -1.0), is_before_kink

    return Scan(f"linear {two_sided}", finish=finish)


def _is_before_kink(select: Select, levels: Sequence[_Level], widest: Row, slope: Row) -> Row:
    """Whether the slope lies about between the secants of both sides at all wider levels, as at a point beside a kink.

    Below the jumps of a value that is rounded inside `f`, the wider secants agree with one another instead. At one
    level they may differ by chance.
    """
    count = 0.0 * widest
    is_kink = count == 0.0
    for k, level in enumerate(levels):
        is_wider = (widest > float(k)) & (abs(level.difference) < math.inf)
        is_kink = is_kink & (~is_wider | (abs(slope - level.slope) <= abs(level.difference)))
        count = count + select(is_wider, 1.0, 0.0)
    return select(is_kink & (count >= 2.0), 1.0, 0.0)


def resolve_narrow(b: Batch, index: Index) -> Index:
    """Differentiate at points where fine steps suffice; return the others."""
    return np.concatenate([index[:0], *(_resolve_block(b, block) for block in in_blocks(index, b.block_size))])


def _resolve_block(b: Batch, index: Index) -> Index:
    x, size = b.x[index], np.abs(b.x[index])
    is_beside_zero = (size < 2.0**-BETWEEN) & (size > 0)
    unit = np.where(is_beside_zero, BESIDE_ZERO * power_below(np.where(size > 0, size, 1.0)), scale_of(size))
    values = b.values(index, step(LEVELS)[:, None] * unit).reshape(-1, index.size)
    signed = -unit if b.side < 0 else unit
    (level, is_kink), _ = _linear(b.two_sided)([x, b.y[index], signed, *values], [], 1, 2)
    # the first round has taken the steps of the coarsest level, but not near 0
    is_narrow = level > np.where(is_beside_zero, -1.0, 0.0)
    kinked = index[is_narrow & (is_kink != 0)]
    b.lowest[kinked], b.highest[kinked] = -np.inf, np.inf
    # powers of two, because steps that the argument rounds spoil the extrapolation
    top = np.ldexp(unit[is_narrow], -np.array(LEVELS)[level[is_narrow].astype(np.intp)])
    return np.concatenate([index[~is_narrow], take_finer_rounds(b, index[is_narrow], top)])
