"""Kernel of the round for noise: the window that is best for the noise of fine levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from .codegen import Row, Select, last_bit
from .extrapolation import DEVIATIONS
from .fine_levels import FINE, FINEST_MIDDLE, FineNoise
from .flatness import UNKNOWN
from .judge import truncation, weighted
from .noise import FAINT, LOUD, QUIET, SHARP, count_turns
from .quotients import larger, quotient
from .rounding import APPARENT, CONDITION, COUNTS, RELATIVE, ROUNDING
from .scan import Scan
from .schedule import sliding, step
from .search import compete, window_polynomial
from .verdict import DONE, FINER, JUMP, OPEN, WIDER

WIDEST = -2
"""Coarsest level of the windows, which are those of waves of frequency 3 to 30 at a noise of 1e-10 to 1e-3."""
STARTS = 4
"""Levels at which the widest windows begin."""
SIMILAR = 12.0
"""Deviations from a window beyond this many standard deviations of the noise of fine levels are structure. Where the
finest levels are flat they are not: the noise of an argument is smallest where the slope vanishes."""
QUANTA = 4.0
"""Errors of values that are computed in few digits, in quanta."""


@cache
def coarse_levels(n: int, two_sided: bool) -> tuple[int, ...]:
    """Return the levels of the windows."""
    return tuple(range(WIDEST, WIDEST + sliding(n, two_sided).extrapolated + STARTS - 1))


@cache
def middle_levels(n: int, two_sided: bool) -> tuple[int, ...]:
    """Return levels that show whether deviations are as large next to the window as at the finest steps."""
    last = coarse_levels(n, two_sided)[-1]
    return tuple(level for level in (last + 3, last + 6, last + 9) if level <= FINEST_MIDDLE)


class _Window(NamedTuple):
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


class _Levels:
    """Quotients at all levels from coarse to fine; attributes are lists of rows."""

    def __init__(self, select: Select, n: int, side: int, points: Sequence[Row]) -> None:
        x, y, unit, fine_unit, *values = points
        self.select, self.n, self.two_sided, self.x, self.y = select, n, side == 0, x, y
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

    def best_window(self, noise: Row) -> _Window:
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
            window = _Window(
                df, truncation_error, noises[b], gain, local, self.moves[b] / abs(self.h[b]), zero + float(a),
                zero + float(b),
            )  # fmt: skip
            best = best or [*_Window(zero + math.nan, zero + math.inf, noise, zero, zero, zero, zero - 1.0, zero)]
            this, wins = compete(select, allowed, ranking_bound, local, bound, relative_bound, lowest)
            relative_bound, bound = select(wins, this, relative_bound), select(wins, ranking_bound, bound)
            lowest = select(this < lowest, this, lowest)
            best = [select(wins, new, old) for new, old in zip(window, best, strict=True)]
        return _Window(*best)

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

    def fit(self, w: _Window) -> list[Row]:
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

    def at_first(self, w: _Window, values: Sequence[Any]) -> Row:
        """Return that of the `values` of coarse levels which belongs to the first level of a window."""
        result = self.zero
        for a in range(self.count):
            result = self.select(w.first == float(a), values[a], result)
        return result


class _Deviations(NamedTuple):
    """How finer levels deviate from a window, and the jump beyond it at coarser levels; rows."""

    largest: Row
    near: Row
    """Largest deviation before the fine levels."""
    top: Row
    """First and last level with a significant deviation."""
    bottom: Row
    count: Row
    reversals: Row
    """Changes of their sign; where all share the noise of the value at the point, changes of direction, less two."""
    change: Row
    """Change of `f` over the first step of the window."""
    curvature: Row
    """Second difference over the first differences at the first level of the window; with the jump for `n` of 1."""
    jump: Row


def _deviations(levels: _Levels, w: _Window, ratio: Row, noise: Row) -> _Deviations:
    """Take all levels once, from fine to coarse; `ratio` is that of the units of fine and coarse levels."""
    select, y, zero = levels.select, levels.y, levels.zero
    base, *coefficients = levels.fit(w)
    power, shares_noise = 2 if levels.two_sided else 1, not (levels.two_sided and levels.n % 2)
    inverse = levels.at_first(w, [float(step(level)) ** -power for level in levels.numbers])
    inverse_of_fine = inverse * (ratio * ratio if levels.two_sided else ratio)
    largest = near = count = reversals = last_off = last_rise = curvature = jump = finer = finer_move = change = zero
    top, bottom = zero, zero - 1.0
    for k, number in reversed(list(enumerate(levels.numbers))):
        h, is_fine = levels.h[k], number > FINEST_MIDDLE
        s = (inverse_of_fine if is_fine else inverse) * float(step(number)) ** power
        total = coefficients[-1]
        for c in coefficients[-2::-1]:
            total = total * s + c
        off = (levels.main[k] - (base + total)) * h
        off = select(abs(off) < math.inf, off * h if power == 2 and shares_noise else off, 0.0)
        size = abs(off)
        is_finer = w.last < float(k)
        finer_size = select(is_finer, size, 0.0)
        largest = larger(select, largest, finer_size)
        if not is_fine:
            near = larger(select, near, finer_size)
        loud = is_finer & (size >= noise * (1.0 / LOUD)) & (size > 0.0)
        bottom = select(loud & (bottom < 0.0), float(number), bottom)
        top = select(loud, float(number), top)
        count = count + select(loud, 1.0, 0.0)
        if shares_noise:
            rise = select(loud & (count > 1.0) & (abs(off - last_off) >= noise * (1.0 / LOUD)), off - last_off, 0.0)
            reversals, last_rise = count_turns(select, reversals, rise, last_rise)
        else:
            reversals = reversals + select(loud & (off * last_off < 0.0), 1.0, 0.0)
        last_off = select(loud, off, last_off)
        if k >= levels.count:
            continue
        move, is_first = levels.moves[k], w.first == float(k)
        change = select(is_first & (move < math.inf), move, change)
        if (levels.n, levels.two_sided) != (1, True):
            continue
        rise, fall = levels.changes[k]
        curvature = select(is_first, abs(rise - fall) * 0.5 / (h * move), curvature)
        # a level next to the window jumps if the next coarser one does not deviate by much more
        is_jump = (w.first > float(k + 1)) & (finer > (largest + abs(y) * ROUNDING) * 16.0)
        is_jump = is_jump & (finer < finer_move * JUMP) & (size < finer * 4.0)
        jump = select(is_jump & (finer > jump), finer, jump)
        finer, finer_move = size, move
    return _Deviations(
        largest, near, top, bottom, count, reversals - (2.0 if shares_noise else 0.0), change, curvature, jump
    )


def _quantum(select: Select, y: Row, values: Any) -> Row:
    """Return the relative quantum of values with few digits; 0 for all others."""
    relative, count = 0.0 * y + 1.0, 0.0 * y
    for value in values:
        use = (abs(value) < math.inf) & (value != 0.0) & (value != y)
        ratio = last_bit(value) / abs(value)
        relative = select(use & (ratio < relative), ratio, relative)
        count = count + select(use, 1.0, 0.0)
    is_known = (relative * 0.3 > APPARENT * ROUNDING) & (relative * 0.3 < COUNTS) & (count >= 8.0)
    return select(is_known, relative, 0.0)


class NoisyResult(NamedTuple):
    """Result of the round; rows."""

    df: Row
    bound: Row
    scale: Row
    is_resolved: Row
    verdict: Row
    """Whether wider or finer steps may improve the result."""


@cache
def _judging(n: int, side: int) -> Scan:
    #: From a deviation to the standard deviation of one value.
    weight = (math.sqrt(2.0) if n % 2 else math.sqrt(2.0 / 3.0)) if side == 0 else math.sqrt(0.5)

    def finish(select: Select, _state: Any, points: Any) -> Any:
        noise, turns, is_flat, *rows = points
        levels = _Levels(select, n, side, rows)
        x, y, unit, fine_unit, *values = rows
        zero, flat, end = levels.zero, is_flat != 0.0, float(levels.count - 1)
        quantum = _quantum(select, y, values)
        noise = larger(select, noise, quantum * abs(y) * 0.3)
        w = levels.best_window(noise)
        d = _deviations(levels, w, fine_unit / unit, noise)
        h = levels.at_first(w, levels.h)
        # few deviations are a small sample of the noise
        value_noise = larger(select, w.noise, d.largest * weight) * (1.0 + 2.0 / (d.count + 1.0))
        argument = abs(x) * w.secant * (ROUNDING * CONDITION)
        # noise may be that of an argument inside `f`, as in ((x + 1e8) - 1e8)**2: the slope is then that of a neighbour
        gain = larger(select, w.gain, d.curvature * (2 * DEVIATIONS))
        bound = w.truncation + larger(select, value_noise, argument) * gain
        bound = larger(select, bound + abs(w.df) * RELATIVE, d.jump / abs(h))
        is_resolved = (w.first >= 0.0) & (noise > 0.0) & (bound < w.local * select(flat, zero + SHARP, zero + UNKNOWN))
        is_resolved = is_resolved & (d.largest <= d.change * select(flat, zero + FAINT, zero + QUIET))
        is_noise = (
            (d.count >= 4.0) & (d.bottom - d.top >= 8.0) & (d.reversals + turns >= select(flat, zero + 1.0, zero + 2.0))
        )
        is_noise = is_noise & (flat | (d.largest * weight <= noise * SIMILAR))
        is_noise = is_noise & (d.bottom > float(FINEST_MIDDLE)) & (d.near >= d.largest * 0.125)  # as large at all steps
        in_quanta = d.largest <= quantum * QUANTA * (abs(y) + abs(x * w.secant))
        is_resolved = is_resolved & (is_noise | in_quanta)
        is_wide = is_resolved & (w.first == 0.0) & (w.truncation * 2.0 < bound)
        is_narrow = (w.first < 0.0) | (w.first >= float(STARTS))
        is_narrow = is_narrow | ((w.last == end) & (w.truncation * 2.0 > bound))
        other = select(is_narrow, zero + float(FINER), select(is_resolved, zero + float(DONE), zero + float(OPEN)))
        return NoisyResult(w.df, bound, w.local, is_resolved, select(is_wide, zero + float(WIDER), other))

    return Scan(f"noise round {n} {side}", finish=finish)


def judge_noisy(
    order: tuple[int, int], points: Sequence[Row], fine: FineNoise, coarse_values: Any, fine_values: Any
) -> NoisyResult:
    """Judge values at coarse and fine levels, shapes (levels, sides, points).

    `order` is that of the derivative and its side; `points` are those, the values there and the units of the steps.
    """
    rows = [*fine[:3], *points, *coarse_values.reshape(-1, points[0].size), *fine_values.reshape(-1, points[0].size)]
    return NoisyResult(*_judging(*order)(rows, [], 1, len(NoisyResult._fields))[0])
