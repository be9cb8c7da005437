"""Derivatives along lines through the points of a block, each distinct vector evaluated once.

A *line* leads through one point in one direction: along a coordinate, or along a vector. A rule, made for functions of
a number, sees one function for every line and output, and requests values at positions on lines. All outputs need the
same positions, and all lines through a point need the point itself: a `LineValues` evaluates what is new and remembers
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from .._typing import Array, FloatArray, Index, Operand, Selection
from ..adaptive_rule import (
    NO_LIMITS,
    Adaptive,
    Round,
    RoundResult,
    complete,
    complete_derivatives,
    first_round,
)
from ..estimates import Estimate
from ..evaluation.protocol import VectorEvaluator
from ..evaluation.vector_machine import MachineOnLines
from ..rules.complexstep import ComplexArray
from ..rules.selection import Rule
from .by_rule import Functions, estimate_by_rule
from .error_bounds import Points
from .lane_rounds import round_on_lines
from .problem import Derived, over_fields

#: Entries that are differentiated together from where machine code has left them: each takes some 300 bytes.
_OPEN_ENTRIES = 3 << 14


class Coordinates:
    """Lines along coordinates of points `x`, shape (b, d): line ``b d + k`` moves coordinate `k` of point `b`."""

    def __init__(self, x: FloatArray) -> None:
        self.x = x

    def point(self, line: Index) -> Index:
        """Which point each line leads through."""
        point: Index = line // self.x.shape[1]
        return point

    def start(self, line: Index) -> FloatArray:
        """Position of the point on each line: its coordinate."""
        return self.x.ravel()[line]

    def vectors(self, line: Index, position: Array) -> Array:
        """Return the vectors at positions on lines."""
        point, coordinate = np.divmod(line, self.x.shape[1])
        vectors = self.x[point].astype(position.dtype)
        vectors[np.arange(line.size), coordinate] = position
        return vectors


class Directions:
    """Lines along vectors: line `i` is ``x[which[i]] + t v[i]``, at `t` from 0, for `v` of shape (n, p, d).

    With several vectors to a line, a position on it is a row of as many vectors side by side. Rounding does not lead
    out of the bounds `low` and `high`, shape (b, d).
    """

    def __init__(
        self, x: FloatArray, v: FloatArray, which: Index, low: FloatArray | None = None, high: FloatArray | None = None
    ) -> None:
        self.x, self.v, self.which = np.tile(x, v.shape[1]), v, which
        self.limits = None if low is None or high is None else (low, high)
        self.points = x

    def point(self, line: Index) -> Index:
        """Which point each line leads through."""
        return self.which[line]

    def start(self, line: Index) -> FloatArray:
        """Position of the point on each line: 0, or NaN where the line is none."""
        return np.where(np.isfinite(self.v[line]).all(axis=(1, 2)), 0.0, np.nan)

    def vectors(self, line: Index, position: Array) -> Array:
        """Return the vectors at positions on lines."""
        at = self.which[line]
        vectors = self.points[at][:, None] + position[:, None, None] * self.v[line]
        if self.limits is not None:
            real = vectors.real  # a clipped complex number would lose its step
            np.clip(real, *(limit[at][:, None] for limit in self.limits), out=real)
        return vectors.reshape(line.size, -1)

    def reach(self) -> tuple[FloatArray, FloatArray] | tuple[None, None]:
        """How far the lines go before they leave the bounds, on both sides."""
        if self.limits is None:
            return None, None
        gaps = [(limit - self.points)[self.which][:, None] for limit in self.limits]
        with np.errstate(all="ignore"):
            ends = [np.where(self.v != 0, gap / self.v, np.nan) for gap in gaps]
        behind, ahead = np.fmin(*ends), np.fmax(*ends)
        return (
            np.fmax.reduce(behind, axis=(1, 2), initial=-np.inf), np.fmin.reduce(ahead, axis=(1, 2), initial=np.inf)
        )  # fmt: skip


Lines = Coordinates | Directions


class LineValues:
    """Values on lines, each distinct vector evaluated once for all outputs.

    With `has_memory` values are remembered: positions beside the points may be requested twice.
    """

    def __init__(self, evaluator: VectorEvaluator, lines: Lines, has_memory: bool) -> None:
        self._evaluator, self._lines, self._has_memory = evaluator, lines, has_memory
        self._keys = np.empty(0, dtype=np.complex128)
        self._places = np.empty(0, dtype=np.int64)
        self._values: Array = np.empty((0, evaluator.outputs), dtype=evaluator.kind)

    def __call__(self, line: Index, position: Array, output: Index | slice = slice(None)) -> Array:
        """Return the values at positions on lines: all outputs, or one for each position."""
        if np.iscomplexobj(position):
            return self._evaluator.values(self._lines.vectors(line, position))[:, output]
        start = self._lines.start(line)
        moved = (position != start) & (start == start)
        # complex numbers sort by their real part and then by the other, as pairs do; the point itself is one place
        keys = np.empty(line.size, dtype=np.complex128)
        keys.real = np.where(moved, line, -1 - self._lines.point(line))
        keys.imag = np.where(moved, position, 0.0)
        if not self._has_memory and moved.all():
            return self._evaluated(keys)[np.arange(line.size), output]
        distinct, back = np.unique(keys, return_inverse=True)
        if not self._has_memory:
            return self._evaluated(distinct)[back, output]
        new = distinct[np.append(self._keys, np.nan)[np.searchsorted(self._keys, distinct)] != distinct]
        if new.size:
            values = self._evaluated(new)
            keys = np.concatenate([self._keys, new])
            order = np.argsort(keys, kind="stable")
            places = np.concatenate([self._places, len(self._values) + np.arange(new.size)])
            self._values = np.concatenate([self._values, values])
            self._keys, self._places = keys[order], places[order]
        return self._values[self._places[np.searchsorted(self._keys, distinct)][back], output]

    def _evaluated(self, keys: ComplexArray) -> Array:
        """Evaluate at places: the points themselves, and others."""
        own = keys.real < 0
        x = self._lines.x
        if own.all():
            return self._at_rows(x[(-1 - keys.real).astype(np.int64)], False)
        beside = self._at_rows(self._lines.vectors(keys.real[~own].astype(np.int64), keys.imag[~own]), True)
        if not own.any():
            return beside
        values = np.empty((keys.size, beside.shape[1]), dtype=beside.dtype)
        values[own] = self._at_rows(x[(-1 - keys.real[own]).astype(np.int64)], False)
        values[~own] = beside
        return values

    def _at_rows(self, vectors: Array, beside: bool) -> Array:
        """Evaluate, but not at vectors that hold NaN: a point that is none has no values."""
        good = ~np.isnan(vectors).any(axis=1)
        if good.all():
            return self._evaluator.values(vectors, None, beside)
        some = self._evaluator.values(vectors[good], None, beside)
        values = np.full((len(vectors), some.shape[1]), np.nan, dtype=some.dtype)
        values[good] = some
        return values


# Seven parameters: the function, the lines, the rule, and what is wanted of it.
def derive(
    evaluator: VectorEvaluator, lines: Lines, line: Index, rule: Rule, points: Points, full_output: bool,
    has_fallback: bool = True,
) -> Derived:  # fmt: skip
    """Differentiate all outputs along lines by a rule: an `Estimate` of arrays (lines, outputs), or its first alone.

    `points` are the starts of the lines, with steps and bounds along them. With `has_fallback` the adaptive rule takes
    over where a stencil leaves the domain; else the result is NaN there.
    """
    m = evaluator.outputs
    if isinstance(rule, Adaptive) and evaluator.block_machine is not None:
        result = _adaptive(evaluator, lines, line, rule, points, full_output)
    else:
        values, remembered = (LineValues(evaluator, lines, has_memory) for has_memory in (False, m > 1))

        def apart(positions: FloatArray, entry: Index, _beside: bool) -> Array:
            own_line, output = np.divmod(entry, m)
            return remembered(line[own_line], positions, output)

        functions = Functions(lambda positions: values(line, positions), apart, evaluator.kind, m)
        result = functions.by_rule(rule, points, full_output, has_fallback)
    return over_fields(lambda a: a.reshape(line.size, m), result)


def _adaptive(
    evaluator: VectorEvaluator, lines: Lines, line: Index, rule: Adaptive, points: Points, full_output: bool
) -> Derived:
    """Differentiate all outputs, in the order of lines, by the adaptive rule, which evaluates in machine code."""
    m = evaluator.outputs
    entry = np.add.outer(line * m, np.arange(m)).ravel()
    x, along = lines.x, None
    if isinstance(lines, Directions):
        x = lines.points
        low, high = map(np.ascontiguousarray, lines.limits) if lines.limits else (None, None)
        along = np.ascontiguousarray(lines.v), np.ascontiguousarray(lines.which), low, high
    assert evaluator.block_machine is not None
    machine = MachineOnLines(evaluator.block_machine, np.ascontiguousarray(x), entry, along)

    def values(points: FloatArray, index: Index) -> FloatArray:
        before = machine.raised
        results = machine(points, index)
        if machine.raised != before:  # `f` itself raises there, or its domain ends
            missing = np.isnan(results)
            own_line = entry[np.broadcast_to(index, results.shape)[missing]] // m
            position = points[missing]
            beside = (position != lines.start(own_line)) & ~np.isnan(position)
            evaluator.values(lines.vectors(own_line[beside], position[beside]), None, True)
        return results

    every = np.arange(entry.size)
    own = points.at(every // m)

    def take_round(round_: Round, index: Selection, extras: Sequence[Operand]) -> RoundResult | None:
        """Take a round in machine code, unless `f` raises: then Python shows where."""
        before = machine.raised
        results = round_on_lines(machine, round_, own.x[index], machine.at(own.x, index), every[index], extras)
        return results if machine.raised == before else None

    def estimate_some(index: Index, first: RoundResult | None) -> Estimate:
        def take(round_: Round, at: Index, extras: Sequence[FloatArray]) -> RoundResult | None:
            return take_round(round_, index[at], extras)

        def evaluate(positions: FloatArray, at: Index, beside: bool) -> FloatArray:
            return (values if beside else machine.at)(positions, index[at])

        return estimate_by_rule(evaluate, rule, "d", own.at(index), grids=True, first_round=first, machine=take)

    differentiate = partial(_in_pieces, estimate_some)
    round_ = first_round(rule.n, rule.sign)
    is_first_compiled = not points.has_limits and round_.is_compiled(every.size)  # few entries compile nothing
    first = take_round(round_, slice(None), NO_LIMITS) if is_first_compiled else None
    estimated: Derived
    if first and not full_output:
        estimated = complete_derivatives(first, differentiate)
    else:
        estimated = complete(first, rule, differentiate) if first else differentiate(every, None)
        estimated = estimated if full_output else estimated.df
    if machine.raises_at_points:
        evaluator.values(lines.x[lines.point(line)])  # as Python `f` raises what the caller is to see
    return estimated


def _in_pieces(
    estimate_some: Callable[[Index, RoundResult | None], Estimate], index: Index, first: RoundResult | None
) -> Estimate:
    """Estimate at entries, `_OPEN_ENTRIES` at a time."""
    fields: list[Array] = []
    for begin in range(0, max(index.size, 1), _OPEN_ENTRIES):
        some = slice(begin, begin + _OPEN_ENTRIES)
        part = estimate_some(index[some], first and first.at(index[some]))
        fields = fields or [np.empty(index.shape, a.dtype) for a in part]
        for field, values in zip(fields, part, strict=True):
            field[some] = values
    return Estimate(*fields)
