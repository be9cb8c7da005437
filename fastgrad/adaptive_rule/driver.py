"""The adaptive rule over a batch of points: rounds block by block, then the last search for what they leave open."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._parallel import CostEstimate, inner_workers, over_pieces
from .._typing import Array, FloatArray, Index
from ..estimates import Estimate, Status
from .batch import Batch, Evaluate, Limits, TakeRound, indices
from .decisions import CONVERGED, Outcome
from .last_search import search
from .narrow_round import resolve_narrow
from .noise_round import resolve_noise
from .round_kernels import RoundResult
from .rounds import take_rounds
from .rule import HIGHEST, Adaptive
from .schedule import first, scale_of
from .verdict import DONE

TOLERANCE = 1e-6
"""Without `rtol`: share of the local slope scale that the bound of a converged point may be."""

#: ``differentiate(index, first_round)``: the estimate at some points, from the first round of all points on.
Continue = Callable[[Index, RoundResult], Estimate]

EVALUATIONS = {
    two_sided: {n: 1 + (1 + two_sided) * len(first(n, two_sided).steps) for n in range(1, HIGHEST + 1)}
    for two_sided in (False, True)
}
"""Evaluations of the first round, by side and order."""

CHUNK = 1 << 14
"""Most positions in one call of a called function."""

BLOCK = 4096
"""Points of a block of a round: their values stay in cache."""

PIECE = 1 << 14
"""Points for which one of several threads takes all rounds: most of their time is that of NumPy between kernels."""

SECONDS = 1e-6
"""What the rounds of a point take, about."""


def judged(outcome: Outcome, nfev: NDArray[np.int64], rule: Adaptive) -> Estimate:
    """Turn results into an estimate: compare the bounds with the tolerance."""
    df, error, scale, left, right, status = outcome
    if rule.rtol is None:
        allowed = np.maximum(rule.atol, TOLERANCE * scale)
    else:
        allowed = np.maximum(rule.atol, rule.rtol * np.abs(df))
    # an exactly flat function has no slope to compare with: its bound is one rounding
    wide = (status == CONVERGED) & ~(error <= allowed) & ~((scale == 0) & (rule.rtol is None))
    status = np.where(wide, Status.TOLERANCE_NOT_REACHED, status).astype(np.int8)
    return Estimate(df, error, status, status == CONVERGED, nfev.astype(np.int32), left, right)


def complete(first_round: RoundResult, rule: Adaptive, differentiate: Continue) -> Estimate:
    """Turn the first round that machine code has taken into an estimate.

    `differentiate` completes the points that it leaves open.
    """
    df, bound, scale, verdict, *_ = first_round
    left = indices(verdict != DONE)
    if left.size == df.size:
        return differentiate(left, first_round)
    outcome = Outcome(df, bound, scale, df.copy(), df.copy(), np.zeros(df.shape))
    estimated = judged(outcome, np.full(df.shape, EVALUATIONS[rule.sign == 0][rule.n]), rule)
    if left.size:
        rest = differentiate(left, first_round)
        for array, values in zip(estimated, rest, strict=True):
            array[left] = values
    return estimated


def complete_derivatives(first_round: RoundResult, differentiate: Continue) -> FloatArray:
    """Return the derivatives alone, as `complete` does."""
    df, left = np.asarray(first_round.df), indices(first_round.verdict != DONE)
    if left.size:
        df[left] = differentiate(left, first_round).df
    return df


# More than six parameters: limits as callers have them, each optional, and what is known of the function.
def estimate(
    f: Evaluate, x: FloatArray, rule: Adaptive, step: ArrayLike | None = None, low: ArrayLike | None = None,
    high: ArrayLike | None = None, *, kind: str = "d", block_size: int = BLOCK, at: Evaluate | None = None,
    grids: bool = False, first_round: RoundResult | None = None, machine: TakeRound | None = None,
) -> Estimate:  # fmt: skip
    """Differentiate a function of positions and the indices of the points they belong to.

    Parameters
    ----------
    f : callable
        ``f(points, index)``: the values at one-dimensional `points`, of which ``points[k]`` belongs to
        ``x[index[k]]``; NaN where there is none.
    x : ndarray of float64, shape (m,)
        The points.
    rule : Adaptive
        Order, side and tolerance.
    step, low, high : array_like, optional
        Largest step and bounds, for all points or each; `f` is never called outside the bounds.
    kind : str, default "d"
        NumPy's letter for the results of `f`; complex ones (``"D"``) are differentiated in two parts.
    block_size : int, optional
        Points of one block of a round; the last search takes a quarter of them.
    at : callable, optional
        Evaluates at the points themselves, where exceptions are handled otherwise; `f` by default.
    grids : bool
        Whether `f` also takes points of shape ``(..., m)`` with ``m`` indices for the last axis.
    first_round : RoundResult, optional
        The first round of real results, if machine code has taken it. It is taken again where there are limits.
    machine : callable, optional
        Takes rounds of real results in machine code, see `TakeRound`; there are no limits then.

    Returns
    -------
    Estimate
        Arrays of shape (m,).
    """
    if kind == "D":
        parts = (
            estimate(_part_of(f, part), x, rule, step, low, high, block_size=block_size, at=_part_of(at or f, part),
                     grids=grids)
            for part in (np.real, np.imag)
        )  # fmt: skip
        return _as_complex(*parts)
    largest, lowest, highest = (
        np.broadcast_to(np.asarray(default if a is None else a, np.float64), x.shape)
        for a, default in ((step, math.inf), (low, -math.inf), (high, math.inf))
    )

    def values(points: FloatArray, index: Index) -> FloatArray:
        if grids:
            return f(points, index)
        return _in_chunks(f, points.ravel(), np.tile(index, points.size // index.size)).reshape(points.shape)

    with np.errstate(all="ignore"):
        y = np.asarray((at or f)(x.copy(), np.arange(x.size)), np.float64)
        b = Batch(values, rule, x, y, Limits(lowest, highest, largest), block_size, first_round, machine)
        usable = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if usable.size:
            left = resolve_narrow(b, _take_rounds(b, usable))
            cramped, straight = _cramped(b), indices(b.is_straight & ~b.is_beside_edge)
            if cramped.size or straight.size:
                left = np.union1d(left, np.concatenate([cramped, straight]))
            if left.size:
                earlier = _set_aside(b, straight)
                search(b, left)
                _compare(b, straight, earlier)
        return judged(b.out, b.nfev, rule)


def _take_rounds(b: Batch, index: Index) -> Index:
    """Take the rounds, over the threads that may share machine code; return the points that they leave open."""
    left = [np.zeros(0, np.intp)]

    def work(piece: tuple[slice, ...]) -> None:
        with np.errstate(all="ignore"):  # threads have settings of their own
            left.append(resolve_noise(b, take_rounds(b, index[piece])))

    size = PIECE if inner_workers() > 1 else index.size
    over_pieces(work, index.shape, inner_workers(), most=size, least=size, pace=CostEstimate(SECONDS))
    return np.concatenate(left)


def _cramped(b: Batch) -> Index:
    """Select points beside an edge whose bounds are long because both sides have no room for steps of the scale.

    Over narrow steps the secants of higher orders are so large that any bound is short beside them. From here on the
    bounds of these points are compared with the derivative and with secants over steps of the scale.
    """
    beside_edge = indices(b.is_beside_edge)
    df, error, scale = (a[beside_edge] for a in b.out[:3])
    own = np.maximum(np.abs(df), np.abs(b.y[beside_edge]) / scale_of(b.x[beside_edge]) ** b.n)
    some = indices(error > TOLERANCE * own)
    cramped = beside_edge.take(some)
    b.out.scale[cramped] = np.minimum(scale, own)[some]
    return cramped


def _set_aside(b: Batch, index: Index) -> Outcome:
    """Return the results of points, which the last search then replaces."""
    earlier = Outcome(*(a[index] for a in b.out))
    b.out.df[index], b.out.error[index] = np.nan, np.inf
    return earlier


def _compare(b: Batch, index: Index, earlier: Outcome) -> None:
    """Restore earlier results that the last search confirms, with the longer of both bounds.

    Its steps are wider: a mean of many functions with kinks, as a price over fixed draws, is straight between its
    kinks, and its bound covers the derivative that wider steps show.
    """
    df, error = b.out.df[index], b.out.error[index]
    some = indices((np.abs(earlier.df - df) <= earlier.error + error) & (error < np.inf))
    confirmed = earlier._replace(error=np.maximum(earlier.error, error))
    b.store(index[some], Outcome(*(a[some] for a in confirmed)))


def _in_chunks(f: Evaluate, points: FloatArray, index: Index) -> FloatArray:
    """Evaluate at so many points at a time that the arrays of any function stay in cache."""
    parts = [f(points[k : k + CHUNK], index[k : k + CHUNK]) for k in range(0, points.size, CHUNK)]
    return np.concatenate([np.broadcast_to(p, min(CHUNK, points.size)) if np.ndim(p) == 0 else p for p in parts])


def _part_of(f: Evaluate, part: Callable[[Array], Array]) -> Evaluate:
    return lambda points, index: part(f(points, index))


def _as_complex(re: Estimate, im: Estimate) -> Estimate:
    status = np.minimum(re.status, im.status)
    return Estimate(
        re.df + 1j * im.df, np.hypot(re.error, im.error), status, status == Status.CONVERGED, re.nfev + im.nfev,
        re.left + 1j * im.left, re.right + 1j * im.right,
    )  # fmt: skip
