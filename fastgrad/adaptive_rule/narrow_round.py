"""A round for points where the function varies over much less than the steps of the first rounds.

A few steps far apart show the widest of them over which the function is nearly linear. Finer rounds begin there.
"""

from __future__ import annotations

import math

import numpy as np

from .._typing import FloatArray, Index, Mask
from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .batch import Batch, in_blocks
from .decisions import Outcome
from .extrapolation import DEVIATIONS
from .quotients import larger, quotient
from .rounding import ROUNDING, SMALLEST
from .rounds import take_finer_rounds
from .schedule import BETWEEN, power_below, scale_of, step
from .search import per_step
from .sides import ROUGH

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
CLEAR = 1024.0
"""A change of the value beyond this many roundings shows that the levels below are not flat by rounding."""
FEWEST = 3
"""Least number of flat levels."""
WITHIN_ROUNDING = 16.0
"""A change of the value below this many roundings is not seen as a change of the slope."""


def _linear(two_sided: bool) -> Scan:
    """Scan from fine to coarse for the widest level over which the function is linear, as at all finer levels.

    The results are its number or -1 and its slope; the outputs are the slopes, and the differences of the secants of
    both sides.
    """

    def body(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        widest, widest_slope, is_linear, noisy, h_finer, slope_finer, steepest_finer, move_finer = state
        x, y, _ = points
        h, *pair = levels
        slope, _ = quotient(select, (1, two_sided), points, h, pair)
        move = larger(select, *(abs(value - y) for value in pair))
        exists, has_finer, own_steepest = abs(slope) < math.inf, h_finer > 0.0, move / h
        change, steepest = abs(slope - slope_finer), larger(select, own_steepest, steepest_finer)
        rounding = (abs(y) + move + abs(x) * steepest) * (ROUNDING * WITHIN_ROUNDING)
        agrees = change <= steepest * LINEAR
        is_linear = is_linear & (~has_finer | (exists & (agrees | (change * h_finer <= rounding))))
        is_widest = is_linear & has_finer & agrees & (move > 0.0)
        is_noisy = ~is_linear & (move_finer * 4.0 > move) & (move_finer * FAINT <= abs(y)) & (move_finer > rounding)
        finer = zip((h, slope, own_steepest, move), state[4:], strict=True)
        state = (
            select(is_widest, level, widest), select(is_widest, slope, widest_slope), is_linear,
            noisy + select(is_noisy, 1.0, 0.0), *(select(exists, new, old) for new, old in finer),
        )  # fmt: skip
        return state, (slope, ((pair[0] - y) - (y - pair[1])) / h) if two_sided else ()

    def finish(select: Select, state: Rows, _points: Rows) -> Rows:
        return select(state[3] < 2.0, state[0], -1.0), state[1]

    start = (-1.0, 0.0, True, *[0.0] * 5)
    return Scan(f"linear {two_sided}", body, lambda _: start, finish, backwards=True)


_LINEAR = {two_sided: _linear(two_sided) for two_sided in (False, True)}


def _before_kink(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    is_kink, count = state
    widest, widest_slope = points
    slope, difference = levels
    is_wider = (widest > level) & (abs(difference) < math.inf)
    is_kink = is_kink & (~is_wider | (abs(widest_slope - slope) <= abs(difference)))
    return (is_kink, count + select(is_wider, 1.0, 0.0)), ()


_BEFORE_KINK = Scan(
    "before kink", _before_kink, lambda _: (True, 0.0), lambda _select, state, _points: (state[0] & (state[1] >= 2.0),)
)
"""Whether the slope lies about between the secants of both sides at all wider levels, as at a point beside a kink.

Below the jumps of a value that is rounded inside `f`, the wider secants agree with one another instead. At one level
they may differ by chance."""


def resolve_narrow(b: Batch, index: Index) -> Index:
    """Differentiate at points where fine steps suffice; return the others."""
    return np.concatenate([index[:0], *(_resolve_block(b, block) for block in in_blocks(index, b.block_size))])


def _resolve_block(b: Batch, index: Index) -> Index:
    x, size = b.x[index], np.abs(b.x[index])
    is_beside_zero = (size < 2.0**-BETWEEN) & (size > 0)
    unit = np.where(is_beside_zero, BESIDE_ZERO * power_below(np.where(size > 0, size, 1.0)), scale_of(size))
    h = step(LEVELS)[:, None] * unit
    values = b.values(index, h)
    points, sides = [x, b.y[index], -1.0 if b.side < 0 else 1.0], 1 + b.two_sided
    levels = [h, *(values[:, side] for side in range(sides))]
    (level, slope), outputs = _LINEAR[b.two_sided](points, levels, len(h), 2, 2 * b.two_sided)
    # the first round has taken the steps of the coarsest level, but not near 0
    is_narrow = level > np.where(is_beside_zero, -1.0, 0.0)
    is_flat, is_kink = np.zeros(index.size, bool), np.zeros(index.size, bool)
    if b.two_sided:
        is_flat = _store_flat(b, index, h, values)
        is_narrow &= ~is_flat
        is_kink = is_narrow & (_BEFORE_KINK([level, slope], outputs, len(h), 1)[0][0] != 0)
        b.lowest[index[is_kink]], b.highest[index[is_kink]] = -np.inf, np.inf
    # powers of two, because steps that the argument rounds spoil the extrapolation
    top = np.ldexp(unit[is_narrow], -np.array(LEVELS)[level[is_narrow].astype(np.intp)])
    is_open: Mask = ~is_narrow & ~is_flat
    is_open[np.isin(index, take_finer_rounds(b, index[is_narrow], top))] = True
    b.note_straight(index[is_narrow & ~is_kink])
    # beside a kink the last search has shorter bounds from one side alone
    error = b.out.error[index]
    is_open |= is_narrow & ~((error < np.inf) & (~is_kink | (error <= ROUGH * b.out.scale[index])))
    return index[is_open]


def _store_flat(b: Batch, index: Index, h: FloatArray, values: FloatArray) -> Mask:
    """Store the derivative 0 of points on a flat piece, and return where.

    One side is flat at all levels, the other up to some step, and the next wider step changes the value by more than
    rounding explains. The bound is one rounding of `f` over the step.
    """
    y = b.y[index]
    off = np.abs(values - y)
    is_flat = (off == 0) | ~np.isfinite(values)
    flat_levels = np.logical_and.accumulate(is_flat.all(axis=1)[::-1]).sum(axis=0)
    last = len(h) - flat_levels
    some = np.flatnonzero(is_flat.all(axis=0).any(axis=0) & (flat_levels >= FEWEST) & (last > 0))
    widest = h[last[some], some]
    rounding = ROUNDING * np.abs(y[some]) + SMALLEST
    is_clear = np.nanmax(off[last[some] - 1, :, some], axis=1) > CLEAR * rounding
    is_clear &= np.isfinite(values[last[some], :, some]).all(axis=1)
    some, zero = some[is_clear], np.zeros(is_clear.sum())
    bound = per_step(DEVIATIONS * rounding[is_clear], widest[is_clear], b.n)
    b.store(index[some], Outcome.smooth(zero, bound, zero))
    stored = np.zeros(index.size, bool)
    stored[some] = True
    return stored
