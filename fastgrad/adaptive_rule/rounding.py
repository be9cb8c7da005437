"""Rounding of the values of a function: constants, and estimates from the digits of the values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .._typing import Index
from ..compilation.rows import Row, Rows, Select, last_bit, power_below
from ..compilation.scan import Scan

if TYPE_CHECKING:
    from .search import LevelValues

ROUNDING = 0.3 * 2.0**-52
"""Root mean square of one rounding of a value, relative to it (0.29 ulp; the mean over the binade is smaller)."""
SMALLEST = 2.0**-1074
"""Rounding of a value among the subnormal numbers, whatever its size."""
CONDITION = 0.15
"""Share of the rounding of the argument, ``|x f'|`` ulp, that a value is assumed to carry."""
RELATIVE = 2.5e-16
"""Rounding of the extrapolation itself, relative to the derivative."""
COUNTS = 0.3 * 2.0**-10
"""Values whose rounding would be larger have ten bits at most: they are counts, as those of floor."""

_FEWEST = 8.0
"""Least number of values: a function that doubles its argument has few digits, too."""
_LONG = 26
"""Bits of a value that has been rounded: more than those of float32, or of x**7 at 0.625, which is exact."""
APPARENT = 8.0
"""A quantum this many times the finest one, or the rounding of the value, is not due to chance."""
_POWERS = tuple(10.0**k for k in range(9, -1, -1))

_WHOLE = 1.5 * 2.0**52
"""Adding and subtracting it rounds numbers below 2^51 to whole ones."""


def nearest_whole(row: Row) -> Row:
    """Round numbers below 2^51."""
    return (row + _WHOLE) - _WHOLE


def is_whole(row: Row) -> Row:
    """Whether numbers are whole."""
    return (nearest_whole(row) == row) | (abs(row) >= 2.0**51)


class Quanta(NamedTuple):
    """Rounding of the values by their digits, as standard deviations; rows."""

    rounding: Row
    """Relative to the value."""
    common: Row
    """0.3 times the quantum of all values."""
    threshold: Row
    """The quantum of a level below this may be due to chance, and is replaced by `common`."""
    certain: Row
    """0.3 times the quantum of all values, or 0 if too few have many digits."""
    by_level: Row
    """0.3 times the quantum of the values down to a level, shape (levels, points); 0 where digits are too few."""

    @property
    def rows(self) -> list[Row]:
        """Rows of a scan that turn the quantum of a level into its rounding."""
        return [self.rounding, self.common, self.threshold]

    def at(self, index: Index) -> Quanta:
        """Return some of the points, by increasing indices."""
        return self if index.size == self.rounding.size else Quanta(*(a.take(index, axis=-1) for a in self))


def _quanta(select: Select, state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    relative, quantum, long, count = state
    for value in levels[1:]:
        use = (abs(value) < math.inf) & (value != 0.0) & (value != points[1])
        lowest, size = last_bit(value), abs(value)
        quantum = select(use & (lowest < quantum), lowest, quantum)
        ratio = lowest / size
        relative = select(use & (ratio < relative), ratio, relative)
        long = long + select(use & (lowest < power_below(size) * 2.0 ** (1 - _LONG)), 1.0, 0.0)
        count = count + select(use, 1.0, 0.0)
    return (relative, quantum, long, count), (select(long >= _FEWEST, quantum * 0.3, 0.0),)


def _quanta_of_all(select: Select, state: Rows, _points: Rows) -> Rows:
    relative, quantum, long, count = state
    few, common = count < _FEWEST, quantum * 0.3
    rounding = select(few, ROUNDING, select(relative * 0.3 > ROUNDING, relative * 0.3, ROUNDING))
    return rounding, select(few, 0.0, common), common * APPARENT, select(long >= _FEWEST, common, 0.0)


_QUANTA = Scan("quanta", _quanta, lambda _: (1.0, math.inf, 0.0, 0.0), _quanta_of_all)


def quanta(v: LevelValues) -> Quanta:
    """Estimate the rounding of the values from their digits.

    Values of float32 have 24 bits, and ``exp(x) - 1`` near 0 has none below 2^-53. Where no value has more, the
    rounding is not that of doubles of their size. The rounding inside `f` may be large where the steps are and small at
    fine steps: ``x - sin(x)`` has digits down to those of `x`. So the quantum of a level is that of the levels down to
    it, if they have enough digits.
    """
    (rounding, common, threshold, certain), (by_level,) = _QUANTA(v.points, v.groups, v.levels, 4, 1)
    return Quanta(rounding, common, threshold, certain, by_level)


def _extremes(select: Select, state: Rows, _points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    lowest, highest = state
    for value in levels:
        lowest = select((value < lowest) & (value > -math.inf), value, lowest)
        highest = select((value > highest) & (value < math.inf), value, highest)
    return (lowest, highest), ()


def _multiples(select: Select, state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
    (*multiple, between), (lowest, highest) = state, points[1:]
    for value in levels:
        missing = ~(abs(value) < math.inf)
        between = between | ((value > lowest) & (value < highest))
        for k, power in enumerate(_POWERS):
            multiple[k] = multiple[k] & (_is_multiple(value, power) | missing)
    return (*multiple, between), ()


def _is_multiple(value: Row, power: float) -> Row:
    times = abs(value) * power
    return (times < 1e9) & (abs(times - nearest_whole(times)) <= times * 2.0**-51)


def _quantum_of(select: Select, state: Rows, points: Rows) -> Rows:
    y, lowest, highest = points
    *multiple, between = state
    quantum = y * 0.0
    for power, is_common in zip(_POWERS, multiple, strict=True):
        quantum = select(is_common & _is_multiple(y, power), 1.0 / power, quantum)
    between = between | ((y > lowest) & (y < highest))
    return (select(between & (highest - lowest > quantum * 0.5) & (quantum < 1.0), quantum, 0.0),)


_EXTREMES = Scan("extremes", _extremes, lambda points: (points[0], points[0]))
_MULTIPLES = Scan("multiples", _multiples, lambda _: (*[True] * len(_POWERS), False), _quantum_of)


def decimal_quantum(v: LevelValues) -> Row:
    """Return the power of ten, 0.1 to 1e-9, of which all values are multiples; 0 if there is none.

    Such values were rounded on purpose. There have to be three different ones, because two are a single step. Whole
    numbers have no such quantum: they are counts more often than rounded.
    """
    values = v.groups[1:]
    extremes, _ = _EXTREMES([v.y], values, v.levels, 2)
    return _MULTIPLES([v.y, *extremes], values, v.levels, 1)[0][0]
