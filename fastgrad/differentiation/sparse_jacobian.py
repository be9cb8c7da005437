"""Jacobians with a known pattern of zeros: columns that share no row move together."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from ..adaptive_rule import Adaptive, estimate
from ..estimates import Estimate, rounded
from ..evaluation.error_bounds import substitute, with_bars
from ..evaluation.request import ADAPTIVE
from ..rules.complexstep import SAMPLE, ComplexStep, compare, sideways
from ..rules.stencil_codegen import combine, steps, values_at
from .coloring import colours
from .jacobians import complex_rows
from .problem import Question

#: Entries that the adaptive rule works on side by side: the last search needs up to 8 kB of each. A colour with more of
#: them is evaluated anew for every so many; fewer would save memory and cost evaluations.
_TOGETHER = 1 << 16


def grouped(q: Question, pattern: Any, bars: bool) -> Any:
    """Jacobian at one point as a CSR array with the entries of `pattern`, or an `Estimate` of such arrays."""
    pattern = scipy.sparse.csr_array(pattern, copy=True)
    pattern.sum_duplicates()
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    column = pattern.indices
    colour = colours(pattern)
    order = np.lexsort((column, colour[column]))
    made = q.empty((column.size,), bars)
    if column.size:
        base = _evaluate(q, q.x[0], False)
        ends = np.searchsorted(colour[column][order], np.arange(colour.max() + 2))
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            size = _TOGETHER if isinstance(q.rule, Adaptive) else max(last - first, 1)
            for start in range(first, last, size):
                some = order[start : min(start + size, last)]
                found = _entries(q, Entries(q, base, row[some], column[some]), bars)
                made.put(some, found)

    def shaped(values: Any) -> Any:
        return scipy.sparse.csr_array((values, column.copy(), pattern.indptr.copy()), shape=pattern.shape)

    return Estimate(*map(shaped, rounded(made.whole))) if bars else shaped(made.whole)


class Entries:
    """Entries of a jacobian of which no two columns share a row, as functions of their own coordinates.

    Called with positions and the entries they belong to, it moves all the columns at once. Rows of one column may ask
    for several positions: one after the other, so that there are as many evaluations as the busiest column has
    positions. No row sees more than its own coordinate move.
    """

    def __init__(self, q: Question, base: Any, row: Any, column: Any) -> None:
        self.q, self.base, self.row, self.column = q, base, row, column
        self.start = q.x[0][column]

    def __call__(self, positions: Any, entry: Any) -> Any:
        """Evaluate."""
        row, column = self.row[entry], self.column[entry]
        values = self.base[row]
        values[np.isnan(positions)] = np.nan
        left = np.flatnonzero((positions != self.start[entry]) & ~np.isnan(positions))
        while left.size:
            vector = self.q.x[0].copy()
            vector[column[left]] = positions[left]  # of several positions the last one stays; the others wait
            served = vector[column[left]] == positions[left]
            now, left = left[served], left[~served]
            values[now] = _evaluate(self.q, vector, True)[row[now]]
        return values

    def only(self, chosen: Any) -> Entries:
        """Return some of the entries."""
        return Entries(self.q, self.base, self.row[chosen], self.column[chosen])


def _evaluate(q: Question, vector: Any, lenient: bool) -> Any:
    """Evaluate at one vector; one with NaN is none, and `f` does not get to see it."""
    if np.isnan(vector).any():
        return np.full(q.form.outputs, np.nan)
    with np.errstate(all="ignore"):
        return q.rows(vector[None], lenient)[0]


def _entries(q: Question, f: Entries, bars: bool) -> Any:
    """Differentiate entries by the rule: the derivative, or an `Estimate`."""
    rule, kind, x, every = q.rule, q.form.kind, f.start, np.arange(f.column.size)
    given, low, high = (None if a is None else a[0][f.column] for a in (q.given, q.low, q.high))
    with np.errstate(all="ignore"):
        if isinstance(rule, Adaptive):
            made = estimate(f, x, rule, given, low, high, kind=kind, together=_TOGETHER)
            return made if bars else made.df
        if isinstance(rule, ComplexStep):
            return _sideways(q, f)
        if bars or low is not None:
            made = with_bars(f, rule, kind, x, given, q.mode, low, high)
            return made if bars else made.df
        h = steps(rule, kind, x, given, q.mode)
        df = combine(rule, values_at(lambda positions: f(positions, every), rule.needed, x, h), h)
        bad = np.flatnonzero(~np.isfinite(df) & np.isfinite(x))
        better = substitute(rule)
        if q.mode == "auto" and better is not None and bad.size:
            found = estimate(f.only(bad), x[bad], better, kind=kind, together=_TOGETHER).df
            df[bad] = np.where(np.isnan(found), df[bad], found)
        return df


def _sideways(q: Question, f: Entries) -> Any:
    """Differentiate entries by the complex step, a sample of them compared with the adaptive rule."""
    vector, h = q.x.astype(np.complex128), sideways(f.start)
    vector[0, f.column] += 1j * h
    slopes = np.where(np.isfinite(f.start), complex_rows(q, vector)[0].imag[f.row] / h, np.nan)
    some = np.unique(np.linspace(0, f.row.size - 1, SAMPLE).astype(int))
    check = q._replace(rule=Adaptive(), mode=ADAPTIVE)
    compare(slopes[some], _entries(check, f.only(some), True), f.start[some])
    return slopes
