"""Rounding of the values of a function: constants, and what the digits of the values tell."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .codegen import last_bit, power_below
from .scan import Scan

ROUNDING = 0.3 * 2.0**-52
"""Root mean square of one rounding of a value, relative to it (0.29 ulp; the mean over the binade is smaller)."""
SMALLEST = 2.0**-1074
"""Rounding of a value among the subnormal numbers, whatever its size."""
CONDITION = 0.15
"""Share of the rounding of the argument, ``|x f'|`` ulp, that a value is assumed to carry."""
RELATIVE = 2.5e-16
"""Rounding of the extrapolation itself, relative to the derivative."""
COUNTS = 0.3 * 2.0**-10
"""Values whose rounding would be larger have ten bits at most: they count, as floor does; that is no rounding."""

_FEWEST = 8.0
"""Digits of fewer values say nothing: a function that doubles its argument has few of them, too."""
_LONG = 26
"""Digits of a value that has been rounded: more than float32 has, or x**7 at 0.625, which are all of them right."""
APPARENT = 8.0
"""A quantum that is so many times the finest, or the rounding of the value, is not so by chance."""
_POWERS = tuple(10.0**k for k in range(9, -1, -1))

_WHOLE = 1.5 * 2.0**52
"""Added and subtracted, it rounds numbers below 2^51 to whole ones."""


def nearest_whole(row: Any) -> Any:
    """Round numbers below 2^51."""
    return (row + _WHOLE) - _WHOLE


def is_whole(row: Any) -> Any:
    """Whether numbers are whole."""
    return (nearest_whole(row) == row) | (abs(row) >= 2.0**51)


class Quanta(NamedTuple):
    """What the digits of the values tell of their rounding, as standard deviations; rows."""

    rounding: Any
    """Relative to the value."""
    finest: Any
    """0.3 times the quantum of all values."""
    apparent: Any
    """Quanta of a level below this may be so by chance; those of all values hold for it."""
    whole: Any
    """0.3 times the quantum of all values, or 0 if too few have many digits."""
    each: Any
    """0.3 times the quantum of the values down to a level, shape (levels, points); 0 where the digits do not tell."""

    @property
    def rows(self) -> list[Any]:
        """What turns the quantum of a level into its rounding, for a scan."""
        return [self.rounding, self.finest, self.apparent]

    def at(self, index: Any) -> Quanta:
        """Return some of the points."""
        return Quanta(*(a.take(index, axis=-1) for a in self))


def _quanta(select: Any, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    relative, down_to, long, told = state
    for value in levels[1:]:
        tells = (abs(value) < math.inf) & (value != 0.0) & (value != points[1])
        lowest, size = last_bit(value), abs(value)
        down_to = select(tells & (lowest < down_to), lowest, down_to)
        share = lowest / size
        relative = select(tells & (share < relative), share, relative)
        long = long + select(tells & (lowest < power_below(size) * 2.0 ** (1 - _LONG)), 1.0, 0.0)
        told = told + select(tells, 1.0, 0.0)
    return (relative, down_to, long, told), (select(long >= _FEWEST, down_to * 0.3, 0.0),)


def _quanta_together(select: Any, state: Any, _points: Any) -> Any:
    relative, down_to, long, told = state
    few, quantum = told < _FEWEST, down_to * 0.3
    rounding = select(few, ROUNDING, select(relative * 0.3 > ROUNDING, relative * 0.3, ROUNDING))
    return rounding, select(few, 0.0, quantum), quantum * APPARENT, select(long >= _FEWEST, quantum, 0.0)


_QUANTA = Scan("quanta", _quanta, lambda _: (1.0, math.inf, 0.0, 0.0), _quanta_together)


def quanta(v: Any) -> Quanta:
    """Take the rounding of the values from their digits.

    Those of float32 have 24 bits, and ``exp(x) - 1`` near 0 has none below 2^-53: where no value has more, the rounding
    is not that of doubles of their size. What is rounded inside `f` may be large where the steps are, and the values
    small all the same: ``x - sin(x)`` has digits down to those of `x`. So the quantum of a level is that of the levels
    down to it, if they have digits enough.
    """
    (rounding, finest, apparent, whole), (each,) = _QUANTA(v.points, v.groups, v.levels, 4, 1)
    return Quanta(rounding, finest, apparent, whole, each)


def _extremes(select: Any, state: Any, _points: Any, levels: Any, _level: Any) -> Any:
    lowest, highest = state
    for value in levels:
        lowest = select((value < lowest) & (value > -math.inf), value, lowest)
        highest = select((value > highest) & (value < math.inf), value, highest)
    return (lowest, highest), ()


def _multiples(select: Any, state: Any, points: Any, levels: Any, _level: Any) -> Any:
    (*multiple, between), (lowest, highest) = state, points[1:]
    for value in levels:
        missing = ~(abs(value) < math.inf)
        between = between | ((value > lowest) & (value < highest))
        for k, power in enumerate(_POWERS):
            multiple[k] = multiple[k] & (_is_multiple(value, power) | missing)
    return (*multiple, between), ()


def _is_multiple(value: Any, power: float) -> Any:
    times = abs(value) * power
    return (times < 1e9) & (abs(times - nearest_whole(times)) <= times * 2.0**-51)


def _quantum_of(select: Any, state: Any, points: Any) -> Any:
    y, lowest, highest = points
    *multiple, between = state
    found = y * 0.0
    for power, holds in zip(_POWERS, multiple, strict=True):
        found = select(holds & _is_multiple(y, power), 1.0 / power, found)
    between = between | ((y > lowest) & (y < highest))
    return (select(between & (highest - lowest > found * 0.5) & (found < 1.0), found, 0.0),)


_EXTREMES = Scan("extremes", _extremes, lambda points: (points[0], points[0]))
_MULTIPLES = Scan("multiples", _multiples, lambda _: (*[True] * len(_POWERS), False), _quantum_of)


def decimal_quantum(v: Any) -> Any:
    """Find the power of ten, 0.1 to 1e-9, of which all values are multiples; 0 if there is none.

    Nobody but people rounds like that. One step says nothing, whatever its size: there have to be three values. Whole
    numbers, which are counts more often than rounded, have no such quantum.
    """
    values = v.groups[1:]
    extremes, _ = _EXTREMES([v.y], values, v.levels, 2)
    return _MULTIPLES([v.y, *extremes], values, v.levels, 1)[0][0]
