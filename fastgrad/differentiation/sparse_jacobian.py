"""Jacobians with a known pattern of zeros: columns that share no row move together."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from ..adaptive_rule import Adaptive, estimate
from ..estimates import rounded
from ..rules.complexstep import ComplexStep, compare_sample, slopes
from ..rules.stencil_codegen import combine, steps
from .coloring import colours
from .error_bounds import estimate_by_stencil, replace_missing
from .problem import Problem, over_fields

#: Entries that the adaptive rule works on side by side: the last search needs up to 8 kB of each. A colour with more of
#: them is evaluated anew for every so many; fewer would save memory and cost evaluations.
_BLOCK_SIZE = 1 << 16


def grouped(problem: Problem, pattern: Any, full_output: bool) -> Any:
    """Jacobian at one point as a CSR array with the entries of `pattern`, or an `Estimate` of such arrays."""
    pattern = scipy.sparse.csr_array(pattern, copy=True)
    pattern.sum_duplicates()
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    column = pattern.indices
    colour = colours(pattern)
    order = np.lexsort((column, colour[column]))
    results = problem.empty((column.size,), full_output)
    if column.size:
        base = _evaluate(problem, problem.x[0], False)
        ends = np.searchsorted(colour[column][order], np.arange(colour.max() + 2))
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            size = _BLOCK_SIZE if isinstance(problem.rule, Adaptive) else max(last - first, 1)
            for start in range(first, last, size):
                some = order[start : min(start + size, last)]
                derived = _entries(problem, Entries(problem, base, row[some], column[some]), full_output)
                results.put(some, derived)

    def shaped(values: Any) -> Any:
        return scipy.sparse.csr_array((values, column.copy(), pattern.indptr.copy()), shape=pattern.shape)

    return over_fields(shaped, rounded(results.whole) if full_output else results.df)


class Entries:
    """Entries of a jacobian of which no two columns share a row, as functions of their own coordinates.

    Called with positions and the entries they belong to, it moves all the columns at once. Rows of one column may need
    several positions: one after the other, so that there are as many evaluations as the busiest column has
    positions. No row sees more than its own coordinate move.
    """

    def __init__(self, problem: Problem, base: Any, row: Any, column: Any) -> None:
        self.problem, self.base, self.row, self.column = problem, base, row, column
        self.start = problem.x[0][column]

    def __call__(self, positions: Any, entry: Any, _beside: bool = True) -> Any:
        """Evaluate; only where a coordinate moves is `f` called, beside the point."""
        row, column = self.row[entry], self.column[entry]
        values = self.base[row]
        values[np.isnan(positions)] = np.nan
        left = np.flatnonzero((positions != self.start[entry]) & ~np.isnan(positions))
        while left.size:
            vector = self.problem.x[0].copy()
            vector[column[left]] = positions[left]  # of several positions the last one stays; the others wait
            served = vector[column[left]] == positions[left]
            now, left = left[served], left[~served]
            values[now] = _evaluate(self.problem, vector, True)[row[now]]
        return values

    def only(self, chosen: Any) -> Entries:
        """Return some of the entries."""
        return Entries(self.problem, self.base, self.row[chosen], self.column[chosen])


def _evaluate(problem: Problem, vector: Any, beside: bool) -> Any:
    """Evaluate at one vector; one with NaN is none, and `f` does not get to see it."""
    if np.isnan(vector).any():
        return np.full(problem.evaluator.outputs, np.nan)
    with np.errstate(all="ignore"):
        return problem.evaluator.values(vector[None], None, beside)[0]


def _entries(problem: Problem, f: Entries, full_output: bool) -> Any:
    """Differentiate entries by the rule: the derivative, or an `Estimate`."""
    rule, kind, x, every = problem.rule, problem.evaluator.kind, f.start, np.arange(f.column.size)
    given, low, high = (None if a is None else a[0][f.column] for a in (problem.step, problem.low, problem.high))
    with np.errstate(all="ignore"):
        if isinstance(rule, Adaptive):
            results = estimate(f, x, rule, given, low, high, kind=kind, block_size=_BLOCK_SIZE)
            return results if full_output else results.df
        if isinstance(rule, ComplexStep):
            return _complex_step(problem, f)
        if full_output or low is not None:
            results = estimate_by_stencil(f, rule, kind, x, given, problem.mode, low, high)
            return results if full_output else results.df
        h = steps(rule, kind, x, given, problem.mode)
        df = combine(rule, [f(x + float(o) * h if o else x.copy(), every) for o in rule.needed], h)
        if problem.mode != "auto":
            return df

        def again(rule: Adaptive, where: Any) -> Any:
            return estimate(f.only(where), x[where], rule, kind=kind, block_size=_BLOCK_SIZE).df

        return replace_missing(df, ~np.isfinite(df) & np.isfinite(x), rule, again)


def _complex_step(problem: Problem, f: Entries) -> Any:
    """Differentiate entries by the complex step, a sample of them compared with the adaptive rule."""

    def values(z: Any) -> Any:
        vector = problem.x.astype(np.complex128)
        vector[0, f.column] = z
        return problem.evaluator.values(vector)[0][f.row]

    result = slopes(values, f.start)
    compare_sample(result, f.start, lambda some: _entries(problem.adaptive(), f.only(some), True))
    return result
