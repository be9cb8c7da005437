"""Rounding and noise of the values of a function: constants, and what the values tell of either."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

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

_FEWEST = 8
"""Digits of fewer values say nothing: a function that doubles its argument has few of them, too."""
_LONG = 26
"""Digits of a value that has been rounded: more than float32 has, or x**7 at 0.625, which are all of them right."""
APPARENT = 8.0
"""A quantum that is so many times the finest, or the rounding of the value, is not so by chance."""
_POWERS = 10.0 ** np.arange(1, 10)

QUIET, FAINT = 2.0**-7, 2.0**-10
"""Noise is at most this share of the change of `f` over a window; the second where the fine levels are exactly flat."""
LOUD = 16.0
"""Deviations within this factor of the largest are significant."""


def _lowest_bit(values: Any) -> tuple[Any, Any, Any]:
    """Return mantissas as whole numbers, their lowest set bits, and the exponents."""
    mantissa, exponent = np.frexp(np.abs(values))
    digits = np.ldexp(np.where(np.isfinite(mantissa), mantissa, 0.0), 53).astype(np.int64)
    return digits, digits & -digits, exponent


class Quanta(NamedTuple):
    """What the digits of the values tell of their rounding, as standard deviations."""

    rounding: Any
    """Relative to the value, shape (points,)."""
    each: Any
    """0.3 times the quantum of a level, shape (levels, points); 0 where the digits do not tell."""
    whole: Any
    """The same of all levels together, shape (points,)."""

    def at(self, index: Any) -> Quanta:
        """Return some of the points."""
        return Quanta(*(a[..., index] for a in self))


def quanta(values: Any, y: Any) -> Quanta:
    """Take the rounding of the values from their digits.

    Those of float32 have 24 bits, and ``exp(x) - 1`` near 0 has none below 2^-53: where no value has more, the rounding
    is not that of doubles of their size. What is rounded inside `f` may be large where the steps are, and the values
    small all the same: ``x - sin(x)`` has digits down to those of `x`. So the quantum of a level is that of the levels
    down to it, if they have digits enough.

    Parameters
    ----------
    values : ndarray, shape (levels, sides, points)
        From coarse to fine.
    y : ndarray, shape (points,)
        At the points.
    """
    digits, last, exponent = _lowest_bit(values)
    told = np.isfinite(values) & (values != 0.0) & (values != y)
    lowest = last.astype(np.float64)
    relative = np.min(np.where(told, lowest / np.maximum(digits, 1), 1.0), axis=(0, 1))
    quantum = np.where(told, np.ldexp(lowest, exponent - 53), np.inf)
    down_to = np.minimum.accumulate(quantum.min(axis=1), axis=0)
    is_long = told & (lowest < 2.0 ** (53 - _LONG))
    long = np.cumsum(is_long.sum(axis=1), axis=0)
    each = np.where(long >= _FEWEST, 0.3 * down_to, 0.0)
    few = told.sum(axis=(0, 1)) < _FEWEST
    finest = np.where(few, 0.0, 0.3 * down_to[-1])
    each = np.where(each < APPARENT * 0.3 * down_to[-1], finest, each)
    rounding = np.where(few, ROUNDING, np.maximum(ROUNDING, 0.3 * relative))
    return Quanta(rounding, each, np.where(long[-1] >= _FEWEST, 0.3 * down_to[-1], 0.0))


def decimal_quantum(values: Any, y: Any) -> Any:
    """Find the power of ten, 0.1 to 1e-9, of which all values are multiples; 0 if there is none.

    Nobody but people rounds like that. One step says nothing, whatever its size: there have to be three values. Whole
    numbers, which are counts more often than rounded, have no such quantum.
    """
    every = np.concatenate([values.reshape(-1, y.size), y[None]])
    finite = np.isfinite(every)
    lowest, highest = (f(np.where(finite, every, y), axis=0) for f in (np.min, np.max))
    between = (finite & (every > lowest) & (every < highest)).any(axis=0)
    found = np.zeros(y.size)
    for power in [1.0, *_POWERS][::-1]:
        times = np.abs(every) * power
        multiple = (times < 1e9) & (np.abs(times - np.floor(times + 0.5)) <= 2.0**-51 * times)
        found = np.where((multiple | ~finite).all(axis=0), 1.0 / power, found)
    apart = (highest - lowest) > 0.5 * found  # not those of 1, up to the rounding of doubles
    return np.where(between & apart & (found < 1.0), found, 0.0)


def are_counts(values: Any, y: Any) -> Any:
    """Whether all values are whole numbers, and that at the point below a thousand: they count, as floor does."""
    whole = (values == np.floor(values)) | ~np.isfinite(values)
    return whole.all(axis=(0, 1)) & (y == np.floor(y)) & (np.abs(y) <= 1024)


def change(values: Any, y: Any) -> Any:
    """How far the values move, at every level: shape (levels, points)."""
    off = np.abs(values - y)
    return np.where(off < np.inf, off, 0.0).max(axis=1)


def is_noise_about_constant(values: Any, y: Any) -> Any:
    """Whether all changes are those of noise about a constant.

    Such changes do not grow over eight octaves, and they go up and down from level to level.
    """
    off = values - y
    finite = np.abs(off) < np.inf
    sizes = np.where(finite, np.abs(off), 0.0)
    top = np.where(finite.any(axis=1), np.arange(len(values))[:, None], len(values)).min(axis=0)
    fine = np.where(np.arange(len(values))[:, None, None] >= top + 8, sizes, 0.0).max(axis=(0, 1))
    turns = np.zeros(y.size, np.int64)
    for side in range(values.shape[1]):
        last, before = np.zeros(y.size), np.zeros(y.size)
        for j in range(len(values) - 1, -1, -1):
            use = finite[j, side]
            rise = np.where(use, off[j, side] - last, 0.0)
            turns += rise * before < 0.0
            last = np.where(use, off[j, side], last)
            before = np.where(rise != 0.0, rise, before)
    return (turns >= 2) & (fine >= 0.125 * sizes.max(axis=(0, 1)))


def noise_verdict(deviation: Any, change_there: Any, flat: Any, two_sided: bool) -> Any:
    """Tell whether finer levels leave a window because of noise; else it is structure.

    Noise is small against what `f` does over the window, as loud at all levels, and changes its sign; from one side it
    goes up and down, since all deviations share the noise of the value at the point.

    Parameters
    ----------
    deviation : ndarray, shape (levels, points)
        With their signs, in units of the values; 0 at the levels of the window and coarser.
    change_there : ndarray
        How far `f` moves at most over the window.
    flat : ndarray of bool
        Whether the finest levels are exactly flat.
    """
    deviation = np.where(np.isfinite(deviation), deviation, 0.0)
    size = np.abs(deviation)
    most = np.sort(size, axis=0)[-2]  # one level alone may be next to a singular point
    loud = (size >= most / LOUD) & (size > 0)
    level = np.arange(len(deviation))[:, None]
    top = np.where(loud, level, len(deviation)).min(axis=0)
    bottom = np.where(loud, level, -1).max(axis=0)
    signs, last = np.zeros(most.size, np.int64), np.zeros(most.size)
    turns, rise = np.zeros(most.size, np.int64), np.zeros(most.size)
    for row, use in zip(deviation, loud, strict=True):
        signs += use & (row * last < 0.0)
        step = np.where(use & (np.abs(row - last) >= most / LOUD), row - last, 0.0)
        turns += step * rise < 0.0
        rise = np.where(step != 0.0, step, rise)
        last = np.where(use, row, last)
    if not two_sided:
        signs = np.maximum(signs, turns - 2)
    small = (most > 0.0) & (most <= change_there * np.where(flat, FAINT, QUIET))
    return (small & (loud.sum(axis=0) >= 4) & (bottom - top >= np.where(flat, 6, 8))
            & (signs >= np.where(flat, 1, 2)))  # fmt: skip
