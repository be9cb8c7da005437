"""Noise of the values that the finest levels show: second differences that do not decay."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .codegen import Row, Select, last_bit
from .noise import LOUD, count_turns
from .quotients import larger
from .rounding import COUNTS, ROUNDING
from .scan import Scan

FINE = (18, 19, 20, 21, 22, 24, 27)
"""Levels that show the noise: the argument of float32 changes at the first five, that of a hash at all."""
SECOND_HALF = 2
"""Number of fine levels after the first at which second differences may not have decayed yet."""
FEWEST = 3
"""Least number of fine levels after the first that are not flat."""
VISIBLE = 64.0
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

    def at(self, index: Any) -> FineNoise:
        """Return some of the points."""
        return FineNoise(*(a[index] for a in self))


def _fine_levels(select: Select, _state: Any, points: Any) -> Any:
    """Measure the second differences less the parabola through that of the first level.

    They are noise if they do not decay, or hardly decay and go up and down. Those of a kink decay to 0.44.
    """
    y, fewest, *values = points
    differences: list[Row] = []
    for above, below in zip(values[::2], values[1::2], strict=True):
        differences.append((above - y) - (y - below))
    equal = [(above == y) & (below == y) for above, below in zip(values[::2], values[1::2], strict=True)]
    flat_from = [equal[-1]]
    for is_equal in equal[-2::-1]:
        flat_from.insert(0, flat_from[0] & is_equal)
    uses = [~is_flat & (abs(d) < math.inf) for is_flat, d in zip(flat_from, differences, strict=True)]
    parabola = select(uses[0], differences[0], 0.0)
    differences = [
        select(use, d - parabola * 0.25 ** (level - FINE[0]), 0.0)
        for use, d, level in zip(uses[1:], differences[1:], FINE[1:], strict=True)
    ]
    largest = larger(select, *map(abs, differences))
    second_half = larger(select, *map(abs, differences[SECOND_HALF:]))
    turns = last_rise = 0.0 * y
    count = select(uses[1], turns + 1.0, turns)
    for use, last, new in zip(uses[2:], differences, differences[1:], strict=False):
        count = count + select(use, 1.0, 0.0)
        rise = select(use & (abs(new - last) >= largest * (1.0 / LOUD)), new - last, 0.0)
        turns, last_rise = count_turns(select, turns, rise, last_rise)
    noise = largest * (1.0 / math.sqrt(6.0))
    is_visible = (noise > abs(y) * (VISIBLE * ROUNDING)) & (count >= fewest)
    is_visible = is_visible & ((second_half >= largest * 0.5) | ((turns >= 2.0) & (second_half >= largest * 0.125)))
    # beyond a jump the finest levels are smooth
    is_visible = is_visible & (flat_from[-1] | (larger(select, *map(abs, differences[-2:])) >= largest * (1.0 / LOUD)))
    digits = [last_bit(value) / abs(value) for value in (y, *values)]
    is_short = digits[0] > DIGITS
    for d in digits:
        is_short = is_short & (d > DIGITS) & (d < COUNTS / 0.3)
    return FineNoise(select(is_visible, noise, 0.0), turns, flat_from[-1], is_visible | is_short)


_FINE = Scan("fine levels", finish=_fine_levels)


def measure_noise(y: Row, values: Any, fewest: int) -> FineNoise:
    """Measure the noise of values at fine levels, shape (levels, 2, points); at least `fewest` must not be flat."""
    rows = [y, float(fewest), *values.reshape(-1, y.size)]
    return FineNoise(*_FINE(rows, [], 1, len(FineNoise._fields))[0])
