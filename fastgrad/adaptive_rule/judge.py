"""The judging kernel: derivative, bound and verdict of one level set, from the values at its steps.

The arithmetic has no branches: NumPy executes it on arrays, and `compilation.rows` writes machine code from it, to
the same bits. A row holds one number for each point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..compilation.rows import Row, Rows, Select
from .extrapolation import LevelTable
from .quotients import Series, larger, quotients
from .rounding import RELATIVE, ROUNDING, SMALLEST

GOOD = 1e-6
"""Windows with smaller relative bounds are ranked by bound, others by relative bound."""


class Window(NamedTuple):
    """A window of a level set; rows."""

    df: Row
    bound: Row
    """Includes the assumed rounding of the argument inside `f`."""
    ranking_bound: Row
    """Does not include it; windows are ranked by this bound."""
    is_truncation: Row
    """Whether truncation is the larger part of the bound, as 0 or 1."""
    scale: Row
    """Local slope scale: the derivative plus the steeper secant over a step of the window, divided by further steps for
    higher orders. The step is the finest up to order 4 and the coarsest beyond, where fine steps enlarge noise."""
    local: Row
    """Local slope scale over the finest step; relative bounds refer to it."""
    span: Row
    """Levels from the first to the last."""
    first: Row
    """Level at which the window begins; -1 where there is none."""

    @property
    def relative_bound(self) -> Row:
        """Bound over the local slope scale."""
        return self.ranking_bound / np.maximum(self.local, SMALLEST)

    @property
    def exists(self) -> Row:
        """Where there is a window."""
        return self.first >= 0

    @property
    def last(self) -> Row:
        """Level at which the window ends."""
        return self.first + self.span

    def where(self, condition: Row, other: Window) -> Window:
        """Replace the window where the condition holds."""
        return Window(*(np.where(condition, b, a) for a, b in zip(self, other, strict=True)))


class Judgement(NamedTuple):
    """The best window of a level set, and the rows that a verdict needs."""

    best: Window
    truncation: Row
    """Part of the bound that is truncation."""
    rounding_bound: Row
    """Bound that rounding alone would leave."""
    is_structure: Row
    """Whether the coarser probes deviate from the narrowest window by much more than the finest probe."""
    is_behind_kink: Row | None
    """Whether a kink lies before some of the probes; only from one side."""
    series: Series


def weighted(weights: Sequence[float], rows: Rows, last: Row) -> Row:
    """Return the weighted sum of differences from the last row."""
    total = (rows[0] - last) * weights[0]
    for w, row in zip(weights[1:], rows[1:], strict=False):
        total = total + (row - last) * w
    return total


def truncation(select: Select, last: Row, before: Row, earlier: Row) -> Row:
    """Estimate the truncation error of a window from its last three corrections.

    The error is the last correction times the rate at which corrections shrank. A correction that is small by chance
    is replaced by what the two before predict (compare Berntsen and Espelid 1991). For slow rates, as with a power of
    `h` that is not whole, the error is the rest of a geometric series.
    """
    rate_before = select(earlier > 0.0, before / earlier, 0.0)
    last = larger(select, last, before * select(rate_before < 1.0, rate_before, 1.0) * 0.25)
    slow = select(last == 0.0, 0.0, 1.0)
    rate = select(before > 0.0, larger(select, last / before, rate_before * 0.25), slow)
    gap = 1.0 - rate
    rest = rate * 2.5 / select(gap > 0.125, gap, 0.125)
    rest = select(rest > 1.0, rest, 1.0)
    rest = select(rest < 8.0, rest, 8.0)
    rest = select(rate <= 0.6, 1.0, rest)
    return last * select(rate < 0.5, rate * 2.0, rest)


# Eight parameters: the rows of a scan, without a tuple around them.
def judge(
    select: Select, table: LevelTable, x: Row, y: Row, u: Row, values: Rows, rounding: Row = ROUNDING,
    quantum: Rows | None = None,
) -> Judgement:  # fmt: skip
    """Judge the windows of a level set.

    Parameters
    ----------
    select : callable
        ``where``.
    table : Table
        The level set.
    x, y, u : row
        Points, values there, scales; scales of the left side are negative.
    values : sequence of rows
        From coarse to fine; for both sides above and below in turn.
    rounding : row or float
        Relative rounding of a value, as a standard deviation.
    quantum : sequence of rows, optional
        0.3 times the quantum of all values down to a level.
    """
    s = quotients(select, table, x, y, u, values)
    return _Windows(select, table, s, x, u, rounding, quantum).judgement()


class _Windows:
    """The windows of a level set; attributes are the rows that windows share."""

    # As `judge`.
    def __init__(
        self, select: Select, table: LevelTable, s: Series, x: Row, u: Row, rounding: Row, quantum: Rows | None
    ) -> None:
        self.select, self.table, self.s, self.zero, self.quantum = select, table, s, 0.0 * u, quantum
        n, self.last = table.n, table.extrapolated - 1
        inverse = 1.0 / u
        self.to_derivative: Row = float(math.factorial(n))
        for _ in range(n - 2 if table.two_sided and n % 2 == 0 else n - 1):
            self.to_derivative = inverse * self.to_derivative
        self.per_noise: Row = 1.0
        for _ in range(n):
            self.per_noise = abs(inverse) * self.per_noise
        self.noise: list[Row] = []
        self.conditioned: list[Row] = []
        """Noise of a value with the rounding of the argument inside `f`."""
        argument = abs(x) * (ROUNDING * table.condition)
        for j in range(self.last + 1):
            own = s.largest[j] * rounding
            if quantum is not None:
                own = larger(select, own, quantum[j])
            self.noise.append(own + SMALLEST)
            self.conditioned.append(self.noise[j] + argument * s.secant[j])
        self.coefficient: dict[tuple[int, int], Row] = {}
        for a in range(table.starts):
            for b in range(a + table.degree, self.last + 1):
                base = s.main[b]
                sums = weighted(table.value(a, b), s.main[a:b], base) if b > a else 0.0 * base
                self.coefficient[a, b] = base + sums if table.degree == 0 else sums
        # deviation of the level beyond the last window but one, by which the noise of the last window is checked
        self.neighbour: Row = None

    def truncation(self, a: int, b: int) -> Row:
        """Estimate the truncation error of a window."""
        corrections = (abs(self.coefficient[a, k] - self.coefficient[a, k - 1]) for k in (b, b - 1, b - 2))
        return truncation(self.select, *corrections) * abs(self.to_derivative)

    def deviations(self, a: int, b: int) -> tuple[list[Row], list[Row]]:
        """Return sizes of the deviations of finer levels from a window, and those of the main quotients with sign."""
        s, sizes, signed = self.s, [], []
        for j in range(b + 1, len(self.table.steps)):
            weights = self.table.prediction(a, b, j)
            off = s.main[j] - (s.main[b] + weighted(weights, s.main[a:b], s.main[b]))
            size = s.weight[j] * abs(off)
            signed.append(s.weight[j] * off)
            if self.table.two_sided:
                off = s.other[j] - (s.other[b] + weighted(weights, s.other[a:b], s.other[b]))
                size = larger(self.select, size, s.other_weight[j] * abs(off))
            sizes.append(size)
        return sizes, signed

    def value_noise(self, a: int, b: int, sizes: list[Row]) -> Row:
        """Estimate the noise of one value by the deviations from a window."""
        select = self.select
        noise = larger(select, self.zero, *sizes)
        if self.table.two_sided and b == self.last:
            # One probe is a small sample. The finest level of the window, as the window without it predicts it, is
            # another one, unless it is off by much more: that is truncation.
            similar = self.neighbour <= larger(select, self.conditioned[b], noise) * 8.0
            noise = select(similar & (self.neighbour > noise), self.neighbour, noise)
        elif a == 0:
            self.neighbour = sizes[0]
        return noise

    def judge(self, a: int, b: int, sizes: list[Row]) -> tuple[Window, Row, Row, Row]:
        """Return one window with its relative bound, its truncation error and the bound that rounding leaves."""
        select, table, n = self.select, self.table, self.table.n
        df = self.coefficient[a, b] * self.to_derivative
        truncation_error = self.truncation(a, b)
        deviation = self.value_noise(a, b, sizes)
        gain = self.per_noise * table.noise_gain(a, b)
        # noise beyond rounding is estimated from few samples
        few = 1.0 + 1.0 / (len(table.steps) - 1 - b)
        raised = select(deviation > self.conditioned[b] * 2.0, gain * few, gain)
        rounding_part = abs(df) * RELATIVE
        ranking_bound = truncation_error + raised * larger(select, self.noise[b], deviation) + rounding_part
        # beyond about 1e150 the squares of the steps overflow, and the gain vanishes
        ranking_bound = select((ranking_bound < math.inf) & (gain > 0.0), ranking_bound, math.inf)
        value_noise = larger(select, self.conditioned[b], deviation)
        noise = raised * value_noise
        bound = truncation_error + noise + rounding_part
        local = self._slope_scale(df, b)
        scale = local if n <= 4 else self._slope_scale(df, a)
        relative_bound = ranking_bound / select(local > SMALLEST, local, SMALLEST)
        is_truncation = select(truncation_error > noise, 1.0, 0.0)
        span, first = self.zero + float(b - a), self.zero + float(a)
        window = Window(df, bound, ranking_bound, is_truncation, scale, local, span, first)
        return window, relative_bound, truncation_error, gain * self.conditioned[b]

    def _slope_scale(self, df: Row, level: int) -> Row:
        secant = self.s.secant[level]
        for _ in range(self.table.n - 1):
            secant = secant / self.s.h[level]
        return abs(df) + secant

    def judgement(self) -> Judgement:
        """Judge all windows and choose the best."""
        select, two_sided = self.select, self.table.two_sided
        best: list[Row] = []
        good = is_structure = behind_kink = None
        for a, b in self.table.windows:
            sizes, signed = self.deviations(a, b)
            if not two_sided and (a, b) == (0, self.last):
                behind_kink = _is_behind_kink(select, signed[-3:], sizes[-3:], self.conditioned[b])
            window, relative_bound, truncation_error, rounding_bound = self.judge(a, b, sizes)
            this = [*window, truncation_error, rounding_bound]
            is_good = relative_bound < GOOD
            if not best:
                best, good, lowest = this, is_good, relative_bound
                is_structure = sizes[-1] * 8.0 < larger(select, *sizes[:-1])
                continue
            is_shorter = window.ranking_bound < best[2]
            wins = select(good, is_good & is_shorter, is_good | (relative_bound < lowest))
            best = [select(wins, new, old) for new, old in zip(this, best, strict=True)]
            lowest = select(wins, relative_bound, lowest)
            good = good | is_good
        *window_rows, truncation_error, rounding_bound = best
        return Judgement(Window(*window_rows), truncation_error, rounding_bound, is_structure, behind_kink, self.s)


def _is_behind_kink(select: Select, signed: Rows, sizes: Rows, noise: Row) -> Row:
    """Whether a kink lies between the point and some probes, seen from one side.

    All three probes beyond it deviate by the same amount, or the finest, before it, by much less than the others.
    """
    lowest, highest = signed[0], signed[0]
    for row in signed[1:]:
        lowest, highest = select(row < lowest, row, lowest), larger(select, highest, row)
    smallest = select(abs(lowest) < abs(highest), abs(lowest), abs(highest))
    equal = (lowest * highest > 0.0) & (highest - lowest <= smallest * 0.25) & (smallest > noise * 8.0)
    others = larger(select, *sizes[:-1])
    return equal | ((others > noise * 16.0) & (sizes[-1] * 8.0 < others))
