"""Jacobians with zeros: their pattern, detected by probes, and columns that share no row moved together."""

from __future__ import annotations

from math import nan
from typing import Any, cast

import numpy as np
import scipy

from .._typing import Arguments, Array, FloatArray, Function, Index, Mask
from ..adaptive_rule import Adaptive
from ..arguments import explains_keywords
from ..estimates import Estimate, rounded
from ..evaluation.user_calls import probe
from ..rules.complexstep import ComplexStep, compare_sample
from ..rules.stencils import central
from .by_rule import Functions
from .coloring import colours
from .error_bounds import Points
from .problem import Derived, Problem, over_fields, retry_complex, vector_problem

#: The probes: how far a point is from `x`, and two ways in which coordinates leave it, relative to ``max(|x|, 1)``. The
#: short way stays inside most domains and is larger than any rounding inside `f`; the long ones reach what a branch or
#: a maximum hides.
_PROBES = ((0.0, nan, 2.0**-6), (2.0**-12, nan, -2.0), (2.0**-4, 16.0, -16.0))

#: Up to so many columns are probed one by one.
_FEW = 16

#: Entries that the adaptive rule works on side by side: the last search needs up to 8 kB of each. A colour with more of
#: them is evaluated anew for every so many; fewer would save memory and cost evaluations.
_BLOCK_SIZE = 1 << 16


@explains_keywords
def sparsity(f: Function, x: object, *, args: Arguments = ()) -> scipy.sparse.csr_array:
    """Detect which outputs of a function of a vector depend on which coordinates.

    Groups of coordinates are set to NaN, and moved by random amounts up to 16 times ``max(|x|, 1)``, at `x` and at
    random points about it; outputs that turn into NaN or change depend on one of the group. Groups that reach
    different outputs are probed together, and halved until each is a single coordinate. A tridiagonal pattern of 10^5
    coordinates takes 420 evaluations; where nothing is zero it is 12 for each coordinate.

    It is a detection, not a proof. A dependence is missed when it shows at none of the probes: behind a branch that
    none of them takes, or where `f` ignores NaN *and* is constant as far as the probes go. Too much is found where `f`
    multiplies by zeros, as a product with a dense matrix does. Too much costs evaluations, too little gives wrong
    jacobians: compare ``jacobian(f, x, sparsity=pattern) @ v`` with ``directional(f, x, v)``.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, m numbers for every vector; its forms: see `gradient`. Where it raises an exception for NaN or
        at a random point, that probe says nothing. Of an output that differs when `f` is called twice, only NaN counts.
    x : array_like, shape (d,)
        A point about which to probe, in units of your own; never changed.
    args : tuple, default ()
        As in `gradient`.

    Returns
    -------
    scipy.sparse.csr_array of bool, shape (m, d)
        True where output `i` depends on coordinate `j`; for `sparsity` of `jacobian`.

    Raises
    ------
    TypeError, ValueError
        When `x` is no array of real numbers, not one vector or not finite, or `f` is not finite in any output there.
    Exception
        Whatever `f` raises at `x`, unchanged.

    References
    ----------
    Compare A. Griewank and C. Mitev, "Detecting Jacobian sparsity patterns by Bayesian probing", Math. Program. 93
    (2002) 1-25.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> def f(x):
    ...     return (3 - 2 * x) * x - np.r_[0, x[:-1]] - 2 * np.r_[x[1:], 0] + 1
    >>> x, v = np.linspace(-1, 1, 1000), np.random.default_rng(1).normal(size=1000)
    >>> pattern = fg.sparsity(f, x)
    >>> pattern.nnz
    2998
    >>> jacobian = fg.jacobian(f, x, sparsity=pattern)
    >>> float(np.max(abs(jacobian @ v - fg.directional(f, x, v)))) < 1e-9
    True
    """
    problem = vector_problem(f, x, args, central(), None, None, None, None, False)
    _one_vector(problem)
    if not np.isfinite(problem.x).all():
        raise ValueError("`x` must be finite to probe about it; got NaN or infinity in it. Pass another point.")
    return retry_complex(lambda: _detected(problem))


def sparse_jacobian(problem: Problem, pattern: object, full_output: bool) -> scipy.sparse.csr_array | Estimate:
    """Jacobian with the entries of `pattern`: a CSR array, or an `Estimate` of them."""
    _one_vector(problem)
    pattern = _checked(pattern, (problem.evaluator.outputs, problem.x.shape[1]))
    return retry_complex(lambda: _grouped(problem, pattern, full_output))


def _one_vector(problem: Problem) -> None:
    """Refuse a batch: every vector would need a matrix of its own."""
    if len(problem.shape) != 1:
        raise ValueError(
            f"`x` must be one vector for a sparse jacobian; got shape {problem.shape}. Call it for each vector."
        )


def _checked(pattern: Any, shape: tuple[int, int]) -> scipy.sparse.csr_array:
    """Check a pattern and return it as a CSR array: what is stored of a sparse one counts, whatever its value."""
    remedy = f"Pass a scipy.sparse array, or an array of bool, of shape {shape}: (outputs, coordinates)."
    if not scipy.sparse.issparse(pattern):
        name = type(pattern).__name__
        if np.ma.is_masked(pattern):
            raise TypeError(f"`sparsity` must be known for every entry; got masked ones. {remedy}")
        try:
            pattern = np.asarray(pattern)
        except ValueError as err:
            raise ValueError(f"`sparsity` must be a matrix ({err}). {remedy}") from None
        if pattern.dtype.kind not in "fiubc":
            raise TypeError(f"`sparsity` must be a matrix of numbers; got {name} of {pattern.dtype}. {remedy}")
        pattern = pattern != 0
    if pattern.shape != shape:
        raise ValueError(f"`sparsity` must have the shape of the jacobian, {shape}; got {pattern.shape}. {remedy}")
    return scipy.sparse.csr_array(pattern)


def _grouped(problem: Problem, pattern: scipy.sparse.csr_array, full_output: bool) -> scipy.sparse.csr_array | Estimate:
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
                derived = _entries(problem, _Entries(problem, base, row[some], column[some]), full_output)
                results.put(some, derived)

    def shaped(values: Array) -> scipy.sparse.csr_array:
        return scipy.sparse.csr_array((values, column.copy(), pattern.indptr.copy()), shape=pattern.shape)

    return over_fields(shaped, rounded(Estimate(*results.fields)) if full_output else results.df)


class _Entries:
    """Entries of a jacobian of which no two columns share a row, as functions of their own coordinates.

    Called with positions and the entries they belong to, it moves all the columns at once. Rows of one column may need
    several positions: one after the other, so that there are as many evaluations as the busiest column has
    positions. No row sees more than its own coordinate move.
    """

    def __init__(self, problem: Problem, base: Array, row: Index, column: Index) -> None:
        self.problem, self.base, self.row, self.column = problem, base, row, column
        self.start = problem.x[0][column]

    def __call__(self, positions: Array, entry: Index, _beside: bool = True) -> Array:
        """Evaluate; only where a coordinate moves is `f` called, beside the point."""
        row, column = self.row[entry], self.column[entry]
        values = self.base[row].astype(np.result_type(self.base, positions), copy=False)
        values[np.isnan(positions)] = np.nan
        left = np.flatnonzero((positions != self.start[entry]) & ~np.isnan(positions))
        while left.size:
            vector = self.problem.x[0].astype(positions.dtype)
            vector[column[left]] = positions[left]  # of several positions the last one stays; the others wait
            served = vector[column[left]] == positions[left]
            now, left = left[served], left[~served]
            values[now] = _evaluate(self.problem, vector, True)[row[now]]
        return values

    def only(self, chosen: Index) -> _Entries:
        """Return some of the entries."""
        return _Entries(self.problem, self.base, self.row[chosen], self.column[chosen])


def _evaluate(problem: Problem, vector: Array, beside: bool) -> Array:
    """Evaluate at one vector; one with NaN is none, and `f` does not get to see it."""
    if np.isnan(vector).any():
        return np.full(problem.evaluator.outputs, np.nan)
    with np.errstate(all="ignore"):
        values: Array = problem.evaluator.values(vector[None], None, beside)[0]
    return values


def _entries(problem: Problem, f: _Entries, full_output: bool) -> Derived:
    """Differentiate entries by the rule: the derivative, or an `Estimate`."""
    every, x = np.arange(f.column.size), f.start
    limits = (None if a is None else a[0][f.column] for a in (problem.steps, problem.low, problem.high))
    options = {"block_size": _BLOCK_SIZE}
    functions = Functions(lambda positions: f(positions, every), f, problem.evaluator.kind, options=options)
    with np.errstate(all="ignore"):
        results = functions.by_rule(problem.rule, Points(x, problem.mode, *limits), full_output)
        if isinstance(problem.rule, ComplexStep):
            adaptive, df = problem.adaptive(), cast("FloatArray", results)
            compare_sample(df, x, lambda some: cast("Estimate", _entries(adaptive, f.only(some), True)))
    return results


class _Probes:
    """Points about `x`, and which outputs change when some of their coordinates are NaN or move."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._rng = np.random.default_rng(0)
        size = np.maximum(np.abs(problem.x[0]), 1.0)
        self._points, self._moves, self._values, self._noisy = [], [], [], []
        for scatter, *ways in _PROBES:
            point = problem.x[0] + scatter * size * self._rng.uniform(-1.0, 1.0, size.size)
            values = self._evaluate(point, strict=not scatter)
            if values is None or not np.isfinite(values).any():
                continue
            again = self._evaluate(point)
            self._points.append(point)
            self._values.append(values)
            self._noisy.append(np.zeros(values.shape, bool) if again is None else (values != again))
            self._moves.append([point + way * size * self._rng.uniform(0.5, 1.0, size.size) for way in ways])
        if not self._points:
            raise ValueError(
                "`f` must be finite in some output at `x` to detect what it depends on; got none. Pass another point."
            )

    def _evaluate(self, vector: FloatArray, strict: bool = False) -> Array | None:
        """Evaluate `f`; None where it raises."""
        values: Array | None
        with np.errstate(all="ignore"):
            values, error = probe(lambda: self._problem.evaluator.values(vector[None])[0])
        if error is not None and strict:
            raise error
        return values

    def changed(self, coordinates: Index) -> Mask:
        """Tell which outputs change when all `coordinates` do."""
        changed = np.zeros(self._problem.evaluator.outputs, bool)
        for point, moves, values, noisy in zip(self._points, self._moves, self._values, self._noisy, strict=True):
            for moved in moves:
                vector = point.copy()
                vector[coordinates] = moved[coordinates]
                other = self._evaluate(vector)
                if other is not None:
                    changed |= np.isfinite(values) & (np.isnan(other) | ((other != values) & ~noisy))
        return changed


def _detected(problem: Problem) -> scipy.sparse.csr_array:
    """Halve groups of coordinates; groups that reach different outputs are probed together."""
    m, d = problem.evaluator.outputs, problem.x.shape[1]
    if not m * d:
        return scipy.sparse.csr_array((m, d), dtype=bool)
    probes = _Probes(problem)
    # groups are stretches of coordinates: group g reaches from ends[g] to ends[g + 1]
    ends = np.array([0, d]) if d > _FEW else np.arange(d + 1)
    reach = scipy.sparse.csr_array(np.ones((m, ends.size - 1), bool))
    while True:
        reach = _probed(probes, reach, ends)
        if ends.size == d + 1:
            return reach
        halves = np.unique(np.concatenate([ends, (ends[:-1] + ends[1:]) // 2]))
        parent = np.searchsorted(ends, halves[:-1], side="right") - 1
        reach, ends = scipy.sparse.csr_array(reach.tocsc()[:, parent]), halves


def _probed(probes: _Probes, reach: scipy.sparse.csr_array, ends: Index) -> scipy.sparse.csr_array:
    """Probe which outputs each group reaches, at most those of `reach`."""
    colour = colours(reach)
    group = np.arange(ends.size - 1)
    of = np.repeat(group, np.diff(ends))  # the group of each coordinate
    row = np.repeat(np.arange(reach.shape[0]), np.diff(reach.indptr))
    keep = np.zeros(reach.nnz, bool)
    by_colour = np.argsort(colour[reach.indices], kind="stable")
    bounds = np.searchsorted(colour[reach.indices][by_colour], np.arange(colour.max(initial=-1) + 2))
    for c in range(bounds.size - 1):
        entries = by_colour[bounds[c] : bounds[c + 1]]
        changed = probes.changed(np.flatnonzero(colour[of] == c))
        keep[entries] = changed[row[entries]]
    return scipy.sparse.csr_array((keep[keep], (row[keep], reach.indices[keep])), shape=reach.shape)
