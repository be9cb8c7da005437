"""The last search: windows at all levels, and how the other levels deviate from them."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from .._typing import FloatArray, Index
from ..compilation.rows import Row, Rows, Select
from ..compilation.scan import Scan
from .extrapolation import coefficient_weights
from .judge import GOOD, Window, judge
from .quotients import larger, quotient
from .rounding import SMALLEST, Quanta
from .schedule import sliding

STRIDE = 2
"""Levels from one window to the next: windows at all levels take twice as long, and hold as often."""


class LevelValues(NamedTuple):
    """Points and the values around them at the levels of the search, from coarse to fine."""

    n: int
    x: Row
    y: Row
    sign: Row
    """-1 for the left side alone, else 1."""
    h: FloatArray
    """Steps, shape (levels, points)."""
    values: FloatArray
    """Shape (levels and padding, sides, points); above and below, or one side alone. The padding is NaN."""

    def at(self, index: Index) -> LevelValues:
        """Return some of the points, by increasing indices."""
        return self if index.size == self.x.size else LevelValues(self.n, *(a.take(index, axis=-1) for a in self[1:]))

    def finer(self, first: int) -> LevelValues:
        """Return the levels from one on."""
        return self._replace(h=self.h[first:], values=self.values[first:])

    def side(self, sign: int) -> LevelValues:
        """Return one side alone."""
        one = slice(0, 1) if sign > 0 else slice(1, 2)
        return self._replace(sign=np.full_like(self.x, sign), values=self.values[:, one])

    @property
    def two_sided(self) -> bool:
        """Whether there are values on both sides."""
        return bool(self.values.shape[1] == 2)

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.h)

    @property
    def points(self) -> list[Row]:
        """Rows of a scan that are the same at all levels."""
        return [self.x, self.y, self.sign]

    @property
    def groups(self) -> list[FloatArray]:
        """Rows of a scan for every level: the step, and the values."""
        return [self.h, *(self.values[:, side] for side in range(self.values.shape[1]))]

    @property
    def series(self) -> tuple[int, bool]:
        """Parity of the order, 1 for one side, and whether there are both sides: the quotients depend on these."""
        return (self.n % 2 if self.two_sided else 1), self.two_sided


def padding(n: int) -> int:
    """Return how many levels the windows of the finest levels extend beyond them, at most."""
    return max(-math.frexp(sliding(n, two_sided).steps[-1])[1] + 1 for two_sided in (False, True))


def concatenate_levels(*parts: LevelValues) -> LevelValues:
    """Put levels together, from coarse to fine."""
    values = [p.values[: p.levels] for p in parts[:-1]] + [parts[-1].values]
    return parts[0]._replace(h=np.concatenate([p.h for p in parts]), values=np.concatenate(values))


@cache
def _windows(n: int, two_sided: bool) -> Scan:
    table = sliding(n, two_sided)
    count = table.extrapolated

    def body(select: Select, _state: Rows, points: Rows, levels: Rows, _level: Row) -> tuple[Rows, Rows]:
        x, y, sign, rounding, common, threshold = points
        quantum = [select(q < threshold, common, q) for q in levels[1 : 1 + count]]
        j = judge(select, table, x, y, sign * levels[0], levels[1 + count :], rounding, quantum).best
        # The rounding of the argument inside `f` is an assumption; very fine steps do not show it. 2^-14 of it remains.
        ranking_bound = larger(select, j.ranking_bound, j.bound * 2.0**-14)
        return (), j._replace(ranking_bound=ranking_bound)[:-1]

    return Scan(f"windows {table}", body)


def windows(v: LevelValues, q: Quanta) -> list[FloatArray]:
    """Judge the level set at every other level: the fields of `Window` but the last, of shape (windows, points)."""
    table = sliding(v.n, v.two_sided)
    offsets = [-math.frexp(s)[1] + 1 for s in table.steps]
    groups = [v.h, *(q.by_level[k:] for k in range(table.extrapolated))]
    groups += [v.values[r:, side] for r in offsets for side in range(v.values.shape[1])]
    count = -(-(v.levels - table.extrapolated) // STRIDE)
    points, groups = [*v.points, *q.rows], [g[::STRIDE] for g in groups]
    return _windows(v.n, v.two_sided)(points, groups, count, 0, len(Window._fields) - 1)[1]


_NONE = Window(math.nan, math.inf, math.inf, 0.0, 0.0, 0.0, 0.0, -1.0)


def compete(
    select: Select, allowed: Row, ranking_bound: Row, local: Row, best_bound: Row, best: Row, lowest: Row
) -> tuple[Row, Row]:  # more than six rows: the state of a scan
    """Return the relative bound of a window, and whether it wins against the best of the coarser ones.

    Windows with relative bounds below `GOOD` are ranked by their bounds, others by their relative bounds. `best` is the
    relative bound of the best window, `lowest` the lowest one so far.
    """
    this = select(allowed, ranking_bound / select(local > SMALLEST, local, SMALLEST), math.inf)
    is_shorter = allowed & (ranking_bound < best_bound)
    # a finer window nearly as good wins if its bound is shorter: slopes like a power of h
    near = (this > 0.01) & (this < lowest * 4.0) & is_shorter
    return this, (this < GOOD) & (is_shorter | (best >= GOOD)) | (best >= GOOD) & ((this < best) | near)


def _competition(by_bound: bool) -> Scan:
    def body(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        relative_bound, lowest, *best = state
        level = level * float(STRIDE)
        ranking_bound, local = levels[2], levels[5]
        first, last, df, bound = points
        allowed = (ranking_bound < math.inf) & (level >= first) & (level <= last)
        allowed = allowed & ~(abs(levels[0] - df) <= (levels[1] + bound) * 2.0)
        if by_bound:
            this, wins = relative_bound, allowed & (ranking_bound < best[2])
        else:
            this, wins = compete(select, allowed & (local > 0.0), ranking_bound, local, best[2], relative_bound, lowest)
        chosen = [select(wins, new, old) for new, old in zip((*levels, level), best, strict=True)]
        return (select(wins, this, relative_bound), select(this < lowest, this, lowest), *chosen), ()

    start = (math.inf, math.inf, *_NONE)
    return Scan(f"best by bound {by_bound} {STRIDE}", body, lambda _: start, lambda _select, state, _points: state[2:])


_COMPETITION = {by_bound: _competition(by_bound) for by_bound in (False, True)}


def best_window(
    candidates: list[FloatArray], first: Row = 0.0, last: Row = math.inf, by_bound: bool = False,
    apart_from: Window | None = None,
) -> Window:  # fmt: skip
    """Choose the best of the windows that begin between two levels, which are numbers or rows.

    With `apart_from` only windows are allowed that contradict the windows given.
    """
    apart = (math.nan, 0.0) if apart_from is None else apart_from[:2]
    rows = [first, last, *apart]
    return Window(*_COMPETITION[by_bound](rows, candidates, len(candidates[0]), len(Window._fields))[0])


class Fit(NamedTuple):
    """The polynomial of a window; rows."""

    first: Row
    last: Row
    h: Row
    """Step at the first level."""
    base: Row
    coefficients: tuple[Row, ...]
    """Of the powers of the step over that at the first level, or of its square, less the base."""

    @property
    def rows(self) -> list[Row]:
        """All rows, for a scan."""
        return [*self[:-1], *self.coefficients]


def window_polynomial(levels: list[Row], span: int, ratio: Fraction) -> list[Row]:
    """Return base and coefficients of the polynomial through the first levels, whose nodes are powers of `ratio`."""
    base = levels[span]
    rows = [base]
    for power in range(len(levels)):
        weights = coefficient_weights([ratio**k for k in range(span + 1)], power)
        total = base * 0.0
        for w, row in zip(weights[:-1], levels[:span], strict=True):
            total = total + (row - base) * float(w)
        rows.append(total)
    return rows


@cache
def _polynomial(n: int, two_sided: bool) -> Scan:
    table, ratio = sliding(n, two_sided), Fraction(1, 4 if two_sided else 2)
    count = table.extrapolated

    def body(select: Select, state: Rows, points: Rows, levels: Rows, level: Row) -> tuple[Rows, Rows]:
        main, _ = quotient(select, (n % 2, two_sided), points, levels[0], levels[1:])
        main = select(abs(main) < math.inf, main, 0.0)
        first = points[3]
        rows = [select(level == first + float(k), main, old) for k, old in enumerate(state[1:])]
        return (select(level == first, levels[0], state[0]), *rows), ()

    def finish(select: Select, state: Rows, points: Rows) -> Rows:
        h, *rows = state
        first, span = points[3:]
        results: list[Row] = []
        for _, b in table.windows:
            fit = [first + float(b), h, *window_polynomial(rows, b, ratio)]
            results = [select(span == float(b), new, old) for new, old in zip(fit, results or fit, strict=True)]
        return tuple(results)

    return Scan(f"polynomial {table}", body, lambda _: (1.0, *[0.0] * count), finish)


def polynomial(v: LevelValues, w: Window) -> Fit:
    """Return the polynomials of windows."""
    count = sliding(v.n, v.two_sided).extrapolated
    last, h, base, *coefficients = _polynomial(v.n, v.two_sided)(
        [*v.points, w.first, w.span], v.groups, v.levels, 3 + count
    )[0]
    return Fit(w.first, last, h, base, tuple(coefficients))


def deviation(select: Select, series: tuple[int, bool], points: Rows, fit: Rows, h: Row, values: Rows) -> Row:
    """Return the deviation of one level from the polynomial of a window, in units of values; `fit` as `Fit.rows`."""
    main, weight = quotient(select, series, points, h, values)
    _first, _last, unit, base, *coefficients = fit
    s = h / unit
    if series[1]:
        s = s * s
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * s + c
    off = (main - (base + total)) * weight
    return select(abs(off) < math.inf, off, 0.0)


def finer_deviation(select: Select, series: tuple[int, bool], points: Rows, fit: Rows, levels: Rows, level: Row) -> Row:
    """Return the deviation of one level from a window, 0 for levels that are not finer than the window."""
    off = deviation(select, series, points, fit, levels[0], levels[1:])
    return select((level > fit[1]) & (fit[0] >= 0.0), off, 0.0)


def last_start_before(v: LevelValues, level: Row) -> Row:
    """Return the last level at which windows begin that all end before a level."""
    return level - sliding(v.n, v.two_sided).extrapolated


def per_step(value: Row, h: Row, n: int) -> Row:
    """Return ``value / h**n``, where ``h**n`` itself may overflow or underflow."""
    for _ in range(n):
        value = value / h
    return value
