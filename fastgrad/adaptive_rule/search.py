"""The last search: windows at all levels, and how the other levels deviate from them.

Each function here is a scan over the levels (`scan.Scan`): NumPy or machine code, over a batch of points.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .extrapolation import coefficient_weights
from .judge import GOOD, Select, judge, larger
from .rounding import SMALLEST, Quanta
from .scan import Scan
from .schedule import sliding

COARSER = 6
"""Levels coarser than a window at which deviations from it are looked at."""


class Values(NamedTuple):
    """Points and the values around them at the levels of the search, from coarse to fine."""

    n: int
    x: Any
    y: Any
    sign: Any
    """1, or -1 where the one side is the left."""
    h: Any
    """Steps, shape (levels, points)."""
    values: Any
    """Shape (levels and padding, sides, points); above and below, or one side alone. The padding is NaN."""

    def at(self, index: Any) -> Values:
        """Return some of the points."""
        return Values(self.n, *(a.take(index, axis=-1) for a in self[1:]))

    def finer(self, first: int) -> Values:
        """Return the levels from one on."""
        return self._replace(h=self.h[first:], values=self.values[first:])

    @property
    def two_sided(self) -> bool:
        """Whether there are values on both sides."""
        return bool(self.values.shape[1] == 2)

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.h)

    @property
    def points(self) -> list[Any]:
        """Rows that are the same at all levels, for a scan."""
        return [self.x, self.y, self.sign]

    @property
    def groups(self) -> list[Any]:
        """Rows of every level, for a scan: the step, and the values."""
        return [self.h, *(self.values[:, side] for side in range(self.values.shape[1]))]

    @property
    def series(self) -> tuple[int, bool]:
        """What the quotients depend on: the parity of the order, from both sides, and the sides."""
        return (self.n % 2 if self.two_sided else 1), self.two_sided

    def side(self, sign: int) -> Values:
        """Return one side alone."""
        one = slice(0, 1) if sign > 0 else slice(1, 2)
        return self._replace(sign=np.full_like(self.x, sign), values=self.values[:, one])


def padding(n: int) -> int:
    """Levels without values that the windows of the finest levels reach over, at most."""
    return max(-math.frexp(sliding(n, two_sided).steps[-1])[1] + 1 for two_sided in (False, True))


def beside(parts: list[Values]) -> Values:
    """Put points together that have the same levels."""
    if len(parts) == 1:
        return parts[0]
    return Values(parts[0].n, *(np.concatenate(rows, axis=-1) for rows in zip(*(p[1:] for p in parts), strict=True)))


def join(*parts: Values) -> Values:
    """Put levels together, from coarse to fine."""
    values = [p.values[: p.levels] for p in parts[:-1]] + [parts[-1].values]
    return parts[0]._replace(h=np.concatenate([p.h for p in parts]), values=np.concatenate(values))


class Best(NamedTuple):
    """A window of every point, and the level at which its level set begins: -1 where there is no window."""

    df: Any
    bound: Any
    measured: Any
    is_cut: Any
    """Whether truncation is the larger part of the bound, as 0 or 1."""
    scale: Any
    local: Any
    window: Any
    frame: Any

    @property
    def share(self) -> Any:
        """Relative bound: that over the local slope scale."""
        return self.measured / np.maximum(self.local, SMALLEST)

    @property
    def exists(self) -> Any:
        """Where there is a window."""
        return self.frame >= 0

    def where(self, condition: Any, other: Best) -> Best:
        """Take another window where the condition holds."""
        return Best(*(np.where(condition, b, a) for a, b in zip(self, other, strict=True)))


@cache
def _windows(n: int, two_sided: bool) -> Scan:
    table = sliding(n, two_sided)
    count = table.extrapolated

    def body(select: Select, _state: Any, points: Any, levels: Any, _level: Any) -> Any:
        x, y, sign, rounding, finest, apparent = points
        quantum = [select(q < apparent, finest, q) for q in levels[1 : 1 + count]]
        j = judge(select, table, x, y, sign * levels[0], levels[1 + count :], rounding, quantum)
        # the rounding of the argument inside `f` is an assumption, but not nothing: very fine steps do not show it
        measured = larger(select, j.measured, j.bound * 2.0**-14)
        is_cut = select(j.truncation > j.noise, 1.0, 0.0)
        return (), (j.df, j.bound, measured, is_cut, j.scale, j.local, j.window)

    return Scan(f"windows {table}", body)


def windows(v: Values, q: Quanta) -> list[Any]:
    """Judge the level set at every level: the fields of `Best` but the last, of shape (places, points)."""
    table = sliding(v.n, v.two_sided)
    reach = [-math.frexp(s)[1] + 1 for s in table.steps]
    groups = [v.h, *(q.each[k:] for k in range(table.extrapolated))]
    groups += [v.values[r:, side] for r in reach for side in range(v.values.shape[1])]
    points = [*v.points, *q.rows]
    return _windows(v.n, v.two_sided)(points, groups, v.levels - table.extrapolated, 0, len(Best._fields) - 1)[1]


_NONE = Best(math.nan, math.inf, math.inf, 0.0, 0.0, 0.0, 0.0, -1.0)


def compete(select: Select, allowed: Any, measured: Any, local: Any, bound: Any, share: Any, lowest: Any) -> Any:
    """Return the relative bound of a window, and whether it wins against the best of the coarser ones.

    Where relative bounds are below `GOOD`, windows compete by their bounds, else by their relative bounds. `lowest` is
    the lowest relative bound so far.
    """
    this = select(allowed, measured / select(local > SMALLEST, local, SMALLEST), math.inf)
    shorter = allowed & (measured < bound)
    # a finer window nearly as good wins if its bound is shorter: slopes like a power of h
    near = (this > 0.01) & (this < lowest * 4.0) & shorter
    return this, (this < GOOD) & (shorter | (share >= GOOD)) | (share >= GOOD) & ((this < share) | near)


def _competition(by_bound: bool) -> Scan:
    def body(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        share, lowest, *best = state
        measured, local = levels[2], levels[5]
        allowed = (measured < math.inf) & (level >= points[0]) & (level <= points[1])
        if by_bound:
            this, wins = share, allowed & (measured < best[2])
        else:
            this, wins = compete(select, allowed & (local > 0.0), measured, local, best[2], share, lowest)
        chosen = [select(wins, mine, its) for mine, its in zip((*levels, level), best, strict=True)]
        return (select(wins, this, share), select(this < lowest, this, lowest), *chosen), ()

    start = (math.inf, math.inf, *_NONE)
    return Scan(f"best by bound {by_bound}", body, lambda _: start, lambda _select, state, _points: state[2:])


_BY_SHARE, _BY_BOUND = _competition(False), _competition(True)


def best_of(every: list[Any], first: Any = 0.0, last: Any = math.inf, by_bound: bool = False) -> Best:
    """Best window between two levels, each for all points or one for every point."""
    scan = _BY_BOUND if by_bound else _BY_SHARE
    return Best(*scan([first, last], every, len(every[0]), len(Best._fields))[0])


def quotient(select: Select, series: tuple[int, bool], points: Any, h: Any, values: Any) -> tuple[Any, Any]:
    """Quotient at one level, and what makes its deviations those of values."""
    x, y, sign = points[:3]
    is_odd, two_sided = series
    if not two_sided:
        t = (x + sign * h) - x
        return (values[0] - y) / t, t
    above, below = (x + h) - x, x - (x - h)
    h = (above + below) * 0.5
    odd = (values[0] - values[1]) / (h * 2.0)
    if is_odd:
        return odd, h
    square = h * h
    return ((values[0] - y) - (y - values[1]) - odd * (above - below)) / (square * 2.0), square


class Fit(NamedTuple):
    """The polynomial of a window, and the levels that it reaches over; rows."""

    frame: Any
    first: Any
    last: Any
    h: Any
    """Step at the frame."""
    base: Any
    coefficients: tuple[Any, ...]
    """Of the powers of the step over that at the frame, or of its square, less the base."""

    @property
    def rows(self) -> list[Any]:
        """All rows, for a scan."""
        return [*self[:-1], *self.coefficients]


def window_polynomial(own: list[Any], first: int, last: int, ratio: Fraction) -> list[Any]:
    """Return base and coefficients of the polynomial through levels of a set, whose nodes are powers of `ratio`."""
    base = own[last]
    rows = [base]
    for power in range(len(own)):
        weights = coefficient_weights([ratio**k for k in range(first, last + 1)], power)
        total = base * 0.0
        for w, row in zip(weights[:-1], own[first:last], strict=True):
            total = total + (row - base) * float(w)
        rows.append(total)
    return rows


@cache
def _polynomial(n: int, two_sided: bool) -> Scan:
    table, ratio = sliding(n, two_sided), Fraction(1, 4 if two_sided else 2)
    count = table.extrapolated

    def body(select: Select, state: Any, points: Any, levels: Any, level: Any) -> Any:
        main, _ = quotient(select, (n % 2, two_sided), points, levels[0], levels[1:])
        main = select(abs(main) < math.inf, main, 0.0)
        frame = points[3]
        own = [select(level == frame + float(k), main, old) for k, old in enumerate(state[1:])]
        return (select(level == frame, levels[0], state[0]), *own), ()

    def finish(select: Select, state: Any, points: Any) -> Any:
        h, *own = state
        frame, window = points[3:]
        made: list[Any] = []
        for number, (a, b) in enumerate(table.windows):
            rows = [frame + float(a), frame + float(b), h, *window_polynomial(own, a, b, ratio)]
            is_this = window == float(number)
            made = [select(is_this, new, old) for new, old in zip(rows, made, strict=True)] if made else rows
        return tuple(made)

    return Scan(f"polynomial {table}", body, lambda _: (1.0, *[0.0] * count), finish)


def polynomial(v: Values, best: Best) -> Fit:
    """Find the polynomials of windows."""
    count = sliding(v.n, v.two_sided).extrapolated
    first, last, h, base, *coefficients = _polynomial(v.n, v.two_sided)(
        [*v.points, best.frame, best.window], v.groups, v.levels, 4 + count
    )[0]
    return Fit(best.frame, first, last, h, base, tuple(coefficients))


def deviation(select: Select, series: tuple[int, bool], points: Any, fit: Any, h: Any, values: Any) -> Any:
    """How far one level is from the polynomial of a window, in units of the values; `fit` as `Fit.rows`."""
    main, weight = quotient(select, series, points, h, values)
    _frame, _first, _last, unit, base, *coefficients = fit
    s = h / unit
    if series[1]:
        s = s * s
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * s + c
    off = (main - (base + total)) * weight
    return select(abs(off) < math.inf, off, 0.0)


def ends(v: Values, best: Best) -> tuple[Any, Any]:
    """Levels at which windows begin and end."""
    first, last = np.array(sliding(v.n, v.two_sided).windows, np.float64).T
    window = best.window.astype(np.intp)
    return best.frame + first[window], best.frame + last[window]


def before(v: Values, level: Any) -> Any:
    """Last frame whose windows all end before a level."""
    return level - sliding(v.n, v.two_sided).extrapolated


def per_step(value: Any, h: Any, n: int) -> Any:
    """``value / h**n``, where ``h**n`` itself may be beyond the numbers."""
    for _ in range(n):
        value = value / h
    return value
