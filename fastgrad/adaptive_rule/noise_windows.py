"""Windows for values with noise: the level set of the round for noise, and the best window for a noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from ..compilation.rows import Row, Rows, Select, last_bit
from .fine_levels import FINE, FINEST_MIDDLE
from .judge import truncation, weighted
from .quotients import larger, quotient
from .schedule import sliding, step
from .search import compete, window_polynomial

WIDEST = -2
"""Coarsest level of the windows, which are those of waves of frequency 3 to 30 at a noise of 1e-10 to 1e-3."""
STARTS = 4
"""Levels at which the widest windows begin."""


@cache
def coarse_levels(n: int, two_sided: bool) -> tuple[int, ...]:
    """Return the levels of the windows."""
    return tuple(range(WIDEST, WIDEST + sliding(n, two_sided).extrapolated + STARTS - 1))


@cache
def middle_levels(n: int, two_sided: bool) -> tuple[int, ...]:
    """Return levels that show whether deviations are as large next to the window as at the finest steps."""
    last = coarse_levels(n, two_sided)[-1]
    return tuple(level for level in (last + 3, last + 6, last + 9) if level <= FINEST_MIDDLE)


class NoisyWindow(NamedTuple):
    """A window that noise limits; rows."""

    df: Row
    truncation: Row
    noise: Row
    """That of fine levels, or the rounding of the values by their digits: terms that cancel grow with the step."""
    gain: Row
    """Bound per noise of one value."""
    local: Row
    """Local slope scale over the finest step."""
    secant: Row
    first: Row
    last: Row


class Levels:
    """Quotients at all levels from coarse to fine; attributes are lists of rows."""

    def __init__(self, select: Select, n: int, side: int, points: Rows) -> None:
        x, y, unit, fine_unit, *values = points
        self.select, self.n, self.two_sided, self.y = select, n, side == 0, y
        self.table = sliding(n, self.two_sided)
        coarse, middle = coarse_levels(n, self.two_sided), middle_levels(n, self.two_sided)
        self.numbers, self.count = (*coarse, *middle, *FINE[self.two_sided]), len(coarse)
        self.main: list[Row] = []
        self.h: list[Row] = []
        """Steps; negative for the left side."""
        self.changes: list[list[Row]] = []
        """Differences from the value at the point, upwards."""
        self.moves: list[Row] = []
        """Largest of their sizes."""
        sides = 2 if self.two_sided else 1
        self.values = [tuple(values[k : k + sides]) for k in range(0, len(values), sides)]
        series = (n % 2 if self.two_sided else 1), self.two_sided
        for level, pair in zip(self.numbers, self.values, strict=True):
            own = unit if level <= FINEST_MIDDLE else fine_unit
            size = own * float(step(level))
            main, weight = quotient(select, series, (x, y, -1.0 if side < 0 else 1.0), size, pair)
            self.main.append(main)
            self.h.append(weight if series[0] else size)
            self.changes.append([pair[0] - y, *(y - value for value in pair[1:])])
            self.moves.append(larger(select, *map(abs, self.changes[-1])))

    @property
    def zero(self) -> Row:
        """Return a row of zeros."""
        return 0.0 * self.y

    def noises(self, noise: Row) -> list[Row]:
        """Return the noise at the coarse levels: that of fine ones, or the rounding of the values by their digits."""
        select, quantum, noises = self.select, self.zero + math.inf, []
        for pair in self.values[: self.count]:
            for digit in map(last_bit, pair):
                quantum = select((digit > 0.0) & (digit < quantum), digit, quantum)
            noises.append(larger(select, noise, select(quantum < math.inf, quantum * 0.3, 0.0)))
        return noises

    def best_window(self, noise: Row) -> NoisyWindow:
        """Choose the window with the shortest bound for a noise."""
        select, zero, best = self.select, self.zero, list[Row]()
        noises = self.noises(noise)
        relative_bound = lowest = bound = zero + math.inf
        for a, b, df, truncation_error, gain in self._windows():
            ranking_bound = truncation_error + gain * noises[b]
            secant = self.moves[b]
            for _ in range(self.n):
                secant = secant / abs(self.h[b])
            local = abs(df) + secant
            allowed = (ranking_bound < math.inf) & (local > 0.0)
            window = NoisyWindow(
                df, truncation_error, noises[b], gain, local, self.moves[b] / abs(self.h[b]), zero + float(a),
                zero + float(b),
            )  # fmt: skip
            best = best or [*NoisyWindow(zero + math.nan, zero + math.inf, noise, zero, zero, zero, zero - 1.0, zero)]
            this, wins = compete(select, allowed, ranking_bound, local, bound, relative_bound, lowest)
            relative_bound, bound = select(wins, this, relative_bound), select(wins, ranking_bound, bound)
            lowest = select(this < lowest, this, lowest)
            best = [select(wins, new, old) for new, old in zip(window, best, strict=True)]
        return NoisyWindow(*best)

    def _windows(self) -> Iterator[tuple[int, int, Row, Row, Row]]:
        """Yield first and last level of the windows, derivative, truncation error and gain."""
        table, (*spans,) = self.table, (b for _, b in self.table.windows)
        for a in range(self.count - spans[0]):
            inverse = 1.0 / self.h[a]
            per_noise, to_derivative = 1.0, float(math.factorial(self.n))
            for _ in range(self.n):
                per_noise = abs(inverse) * per_noise
            for _ in range(table.degree * (2 if self.two_sided else 1)):
                to_derivative = inverse * to_derivative
            coefficients = {}
            for b in range(table.degree, min(spans[-1], self.count - 1 - a) + 1):
                base = self.main[a + b]
                sums = weighted(table.value(0, b), self.main[a : a + b], base) if b else 0.0 * base
                coefficients[b] = base + sums if table.degree == 0 else sums
            for b in spans:
                if a + b < self.count:
                    corrections = (abs(coefficients[k] - coefficients[k - 1]) for k in (b, b - 1, b - 2))
                    truncation_error = truncation(self.select, *corrections) * abs(to_derivative)
                    gain = per_noise * table.noise_gain(0, b)
                    yield a, a + b, coefficients[b] * to_derivative, truncation_error, gain

    def fit(self, w: NoisyWindow) -> list[Row]:
        """Return base and coefficients of the polynomial of a window."""
        spans = [b for _, b in self.table.windows]
        chosen: list[Row] = []
        for a in range(self.count - spans[0]):
            rows = [self.main[min(a + k, self.count - 1)] for k in range(spans[-1] + 1)]
            chosen = [self.select(w.first == float(a), new, old) for new, old in zip(rows, chosen or rows, strict=True)]
        fit: list[Row] = []
        for b in spans:
            is_this = w.last == w.first + float(b)
            rows = window_polynomial(chosen, b, Fraction(1, 4 if self.two_sided else 2))
            fit = [self.select(is_this, new, old) for new, old in zip(rows, fit or rows, strict=True)]
        return fit

    def at_first(self, w: NoisyWindow, values: Rows) -> Row:
        """Return that of the `values` of coarse levels which belongs to the first level of a window."""
        result = self.zero
        for a in range(self.count):
            result = self.select(w.first == float(a), values[a], result)
        return result
