"""Noise: how finer levels deviate from a window, and whether these deviations are noise of the values."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .quotients import larger
from .rounding import ROUNDING
from .search import Fit, LevelValues, finer_deviation
from .verdict import JUMP

QUIET, FAINT = 2.0**-7, 2.0**-10
"""Noise is at most this share of the change of `f` over a window; the second where the fine levels are exactly flat."""
LOUD = 16.0
"""Deviations within this factor of the largest are significant."""
SHARP = 0.02
"""Relative bound up to which a window may replace finer ones; a longer one may be due to noise alone."""


def count_turns(select: Select, turns: Row, rise: Row, last_rise: Row) -> tuple[Row, Row]:
    """Count a change of direction; return the count, and the last rise that is not 0."""
    return turns + select(rise * last_rise < 0.0, 1.0, 0.0), select(rise != 0.0, rise, last_rise)


def is_jump(finer: Row, finer_change: Row, coarser: Row, largest: Row, y: Row) -> Row:
    """Whether a level coarser than a window jumps: the next coarser one does not deviate by much more.

    `finer` and `coarser` are the sizes of their deviations, `finer_change` is the change of `f` at the first of them,
    `largest` the largest deviation of the levels finer than the window.
    """
    is_clear = finer > (largest + abs(y) * ROUNDING) * 16.0
    return is_clear & (finer < finer_change * JUMP) & (coarser < finer * 4.0)


def _about_constant(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
    largest, fine, turns, *sides = state
    is_fine = level >= points[3] + 8.0
    new_sides: list[Row] = []
    for k, value in enumerate(levels[1:]):
        last, last_rise = sides[2 * k : 2 * k + 2]
        off = value - points[1]
        use = abs(off) < math.inf
        size = select(use, abs(off), 0.0)
        largest = select(size > largest, size, largest)
        fine = select(is_fine & (size > fine), size, fine)
        rise = select(use & is_fine & (abs(off - last) * LOUD >= largest), off - last, 0.0)
        turns, rise = count_turns(select, turns, rise, last_rise)
        new_sides += [select(use, off, last), rise]
    return (largest, fine, turns, *new_sides), ()


def _is_about_constant(_select: Select, state: Rows, _points: Rows) -> Rows:
    largest, fine, turns, *_ = state
    return ((turns >= 2.0) & (fine >= largest * 0.125),)


def _scan(sides: int) -> Scan:
    start = (0.0,) * (3 + 2 * sides)
    return Scan(f"about constant {sides}", _about_constant, lambda _: start, _is_about_constant)


_ABOUT_CONSTANT = {sides: _scan(sides) for sides in (1, 2)}


def is_noise_about_constant(v: LevelValues, first_level: Row) -> Row:
    """Whether all changes are those of noise about a constant; `first_level` is the first level with a value.

    Such changes do not grow over eight octaves, and from there on they go up and down from level to level, by as much.
    """
    scan = _ABOUT_CONSTANT[2 if v.two_sided else 1]
    return scan([*v.points, first_level], v.groups, v.levels, 1)[0][0] != 0.0


class Deviations(NamedTuple):
    """How the finer levels deviate from a window; rows."""

    largest: Row
    second_largest: Row
    """A single level may lie next to a singular point."""
    change: Row
    """Largest change of `f` down to the end of the window."""
    count: Row
    """Number of significant deviations."""
    span: Row
    """Levels from the first to the last of them."""
    turns: Row
    """Changes of their sign; where all share the noise of the value at the point, changes of direction less two."""

    def are_noise(self, flat: Row | bool, quiet: float = QUIET) -> Row:
        """Whether finer levels deviate because of noise; otherwise because of structure.

        Noise is small against the change of `f` over the window, equally large at all levels, and of changing sign.
        `flat` says where the finest levels are exactly flat, `quiet` which share of the change is small.
        """
        is_small = self.second_largest <= self.change * np.where(flat, FAINT, quiet)
        is_small &= self.second_largest > 0.0
        is_steady = (self.count >= 4) & (self.span >= np.where(flat, 6, 8))
        return is_small & is_steady & (self.turns >= np.where(flat, 1, 2))


@cache
def _deviations(series: tuple[int, bool]) -> tuple[Scan, Scan]:
    def sizes(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        largest, second, change = state
        fit = points[3:]
        size = abs(finer_deviation(select, series, points, fit, levels, level))
        lesser = select(size < largest, size, largest)
        second = select(lesser > second, lesser, second)
        for value in levels[1:]:
            move = abs(value - points[1])
            change = select((level <= fit[1]) & (move > change) & (move < math.inf), move, change)
        return (select(size > largest, size, largest), second, change), ()

    def signs(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        first, last, count, sign_changes, turns, last_off, last_rise = state
        second, *fit = points[3:]
        off = finer_deviation(select, series, points, fit, levels, level)
        least = second * (1.0 / LOUD)
        loud = (abs(off) >= least) & (off != 0.0)
        first = select(loud & (level < first), level, first)
        sign_changes = sign_changes + select(loud & (off * last_off < 0.0), 1.0, 0.0)
        rise = select(loud & (abs(off - last_off) >= least), off - last_off, 0.0)
        turns, last_rise = count_turns(select, turns, rise, last_rise)
        count = count + select(loud, 1.0, 0.0)
        last = select(loud, level, last)
        return (first, last, count, sign_changes, turns, select(loud, off, last_off), last_rise), ()

    def finish(select: Select, state: Rows, _points: Rows) -> Rows:
        first, last, count, sign_changes, turns, _, _ = state
        if not (series[0] and series[1]):
            sign_changes = larger(select, sign_changes, turns - 2.0)
        return count, last - first, sign_changes

    return (
        Scan(f"deviations {series}", sizes, lambda _: (0.0,) * 3),
        Scan(f"signs {series}", signs, lambda _: (1e9, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0), finish),
    )


def deviations(v: LevelValues, fit: Fit) -> Deviations:
    """Measure how the finer levels deviate from windows."""
    sizes, signs = _deviations(v.series)
    (largest, second, change), _ = sizes([*v.points, *fit.rows], v.groups, v.levels, 3)
    return Deviations(largest, second, change, *signs([*v.points, second, *fit.rows], v.groups, v.levels, 3)[0])
