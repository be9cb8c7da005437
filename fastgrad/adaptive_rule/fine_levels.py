"""Noise of the values that the finest levels show: differences that do not decay."""

from __future__ import annotations

import math
from typing import NamedTuple

from .._typing import FloatArray, Index
from ..compilation.rows import Row, Rows, Select, last_bit
from ..compilation.scan import Scan
from .noise import LOUD, count_turns
from .quotients import larger
from .rounding import COUNTS, ROUNDING

FINE = {True: (18, 19, 20, 21, 22, 24, 27), False: tuple(range(18, 28))}
"""Levels that show the noise, by number of sides: the argument of float32 changes at the first five, that of a hash at
all."""
FINEST_MIDDLE = 17
"""Coarser levels do not measure it."""
SECOND_HALF = 2
"""Number of differences that may not have decayed yet."""
FEWEST = 3
"""Least number of differences at levels that are not flat."""
VISIBLE = 1.0
"""Second differences beyond this many roundings of a value are noise."""
DIGITS = 2.0**-32
"""Values whose last bit is larger, relative to them, have few digits."""


class FineNoise(NamedTuple):
    """What the fine levels show; rows."""

    noise: Row
    """Standard deviation of one value, 0 if none is visible."""
    turns: Row
    """Changes of direction of the second differences from level to level."""
    is_flat: Row
    """Whether all values of the finest levels are equal to that at the point."""
    is_noisy: Row
    """Whether noise is visible, or the values have few digits."""
    is_loud: Row
    """Whether differences do not decay, which may go up and down too rarely by chance."""

    def at(self, index: Index) -> FineNoise:
        """Return some of the points."""
        return FineNoise(*(a[index] for a in self))


def fine_noise(select: Select, y: Row, fewest: Row, values: Rows) -> FineNoise:
    """Measure the second differences less the parabola through that of the first level.

    They are noise if they do not decay, or hardly decay and go up and down. Those of a kink decay to 0.44. Of one side,
    first differences less the parabola through two of them share the noise of the value at the point, as they would
    share a jump there: they have to go up and down.
    """
    two_sided = len(values) == 2 * len(FINE[True])
    pairs = list(zip(values[::2], values[1::2], strict=True)) if two_sided else [(value,) for value in values]
    differences: list[Row] = [sum(value - y for value in pair) for pair in pairs]
    flat_from: list[Row] = []
    for pair in reversed(pairs):
        is_flat = pair[0] == y
        for value in pair[1:]:
            is_flat = is_flat & (value == y)
        flat_from.insert(0, is_flat & flat_from[0] if flat_from else is_flat)
    uses = [~is_flat & (abs(d) < math.inf) for is_flat, d in zip(flat_from, differences, strict=True)]
    smooth = 1 if two_sided else 2
    bases = [select(use, d, 0.0) for use, d in zip(uses[:smooth], differences, strict=False)]
    uses, rest = uses[smooth:], differences[smooth:]
    differences = []
    for use, difference, level in zip(uses, rest, FINE[two_sided][smooth:], strict=True):
        ratio = 2.0 ** (FINE[two_sided][0] - level)
        weights = (ratio * ratio,) if two_sided else (ratio * (2 * ratio - 1), 4 * ratio * (1 - ratio))
        for weight, base in zip(weights, bases, strict=True):
            difference = difference - base * weight
        differences.append(select(use, difference, 0.0))
    largest = larger(select, *map(abs, differences))
    second_half = larger(select, *map(abs, differences[SECOND_HALF:]))
    turns = last_rise = 0.0 * y
    count = select(uses[0], turns + 1.0, turns)
    for use, last, new in zip(uses[1:], differences, differences[1:], strict=False):
        count = count + select(use, 1.0, 0.0)
        rise = select(use & (abs(new - last) >= largest * (1.0 / LOUD)), new - last, 0.0)
        turns, last_rise = count_turns(select, turns, rise, last_rise)
    noise = largest * (1.0 / math.sqrt(6.0 if two_sided else 2.0))
    is_loud = (noise > abs(y) * (VISIBLE * ROUNDING)) & (count >= fewest) & (second_half >= largest * 0.125)
    is_steady = turns >= 2.0
    is_visible = is_loud & (is_steady | (second_half >= largest * 0.5) if two_sided else is_steady)
    # beyond a jump the finest levels are smooth
    is_visible = is_visible & (flat_from[-1] | (larger(select, *map(abs, differences[-2:])) >= largest * (1.0 / LOUD)))
    digits = [last_bit(value) / abs(value) for value in (y, *values)]
    is_short = digits[0] > DIGITS
    for d in digits:
        is_short = is_short & (d > DIGITS) & (d < COUNTS / 0.3)
    return FineNoise(select(is_visible, noise, 0.0), turns, flat_from[-1], is_visible | is_short, is_loud)


_FINE = Scan("fine levels", finish=lambda select, _, points: fine_noise(select, points[0], points[1], points[2:]))


def measure_noise(y: Row, values: FloatArray, fewest: Row) -> FineNoise:
    """Measure the noise of values at fine levels, shape (levels, sides, points); at least `fewest` must not be flat."""
    rows = [y, fewest, *values.reshape(-1, y.size)]
    return FineNoise(*_FINE(rows, [], 1, len(FineNoise._fields))[0])
