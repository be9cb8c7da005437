"""The verdict on an analytic value: whether it is off by more than error bound and rounding allow."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._typing import Array, FloatArray, Mask
from ..estimates import Estimate, Status

#: A value is off when it is this many bounds away. Of 5,361 points of the corpus (functions whose code is inexact left
#: out) one bound leaves 29 uncovered, two 8, four 3, eight 3; a second estimate or `SAME` explains those.
BOUNDS = 8.0

#: What agrees to this share of its size agrees: the elementary and special functions inside `f` have smooth errors of
#: a few ulps, whose slope no bound can know (jv(2.5, x) near 15: 3e-13).
SAME = 2.0**-40

#: In lower precision, this many units of its last place.
PLACES = 16.0

#: Values of `f` below 2^-1022 lose digits, each up to 2^-1075: over the steps of a point this is the largest slope.
UNDERFLOW = 2.0**-1050

#: A bound that has not converged is narrow if it is at most this share of the value, as beside the end of a domain.
NARROW = 0.05

#: A value agrees if a third of it, three times it, or its opposite would not be allowed: at most this share is.
NOTICED = 0.25

#: Where the estimate is 0, its bound is narrow if it is at most this share of the slopes around.
STEEP = 2.0**-20

#: And a value below this share of them is as good as 0: the square of 1e-300 is 0.
UNSEEN = 2.0**-52


class Verdict(IntEnum):
    """What a check says of one analytic value: `Check.verdict` holds one for each entry.

    Attributes
    ----------
    AGREES
        0: within the error bound of the estimate, and the bound is narrow enough to tell it from three times the value,
        a third of it, or its opposite.
    DISAGREES
        1: further away than the bound, the rounding of both functions and a second estimate allow; or it is NaN or
        infinite where the derivative exists. See `Check.patterns` for what is wrong.
    UNDECIDED
        2: the bound, or the rounding of the analytic value itself, is too wide to tell; or there is no estimate. Check
        at points where `f` is smooth, finite and not saturated, or make `f` less noisy.
    KINK
        3: the function has a kink here, and the value lies between the derivatives from the left and from the right.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.check(abs, lambda x: 0.0, 0.0).verdict == fg.Verdict.KINK
    np.True_
    """

    AGREES = 0
    DISAGREES = 1
    UNDECIDED = 2
    KINK = 3


class Tolerance(NamedTuple):
    """What analytic values may be off by, beside the error bound: numbers, or arrays of the shape of the entries."""

    #: Rounding of the analytic values.
    rounding: FloatArray | float = 0.0
    #: Spacing at 1 of the numbers that the analytic function works in; 0 for float64.
    unit: float = 0.0
    #: How steep the function is around a point where it `is_flat`.
    slope: FloatArray | float = 0.0
    #: Rounding of what `f` computes inside, as far as the bound does not cover it.
    noise: FloatArray | float = 0.0


class Judgement(NamedTuple):
    """Verdicts, and by how much the analytic values are off: arrays of one shape."""

    verdict: NDArray[np.int8]
    off: FloatArray
    allowed: FloatArray


def is_flat(analytic: Array, numerical: Estimate) -> Mask:
    """Mark where the estimate is 0 up to its bound and the value is not: at a maximum, or where `f` is constant."""
    flat: Mask = (np.abs(numerical.df) <= numerical.error) & (analytic != 0)
    return flat


def judge(analytic: Array, numerical: Estimate, tolerance: Tolerance = Tolerance()) -> Judgement:  # noqa: B008
    """Judge analytic values by an estimate of the same shape.

    Everything is compared with the sizes of the values themselves: multiplying all by a power of two changes nothing,
    but for underflow.
    """
    rounding, unit, slope, noise = tolerance
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(analytic), np.abs(numerical.df))
        bounds = BOUNDS * (numerical.error + noise) + UNDERFLOW
        allowed = bounds + np.maximum(rounding, max(SAME, PLACES * unit) * size) + UNSEEN * slope
        off = np.abs(analytic - numerical.df)
        off = np.where(analytic == numerical.df, 0.0, off)
        close = off <= allowed
        # Where `f` is flat to its last digit, every slope below its rounding is possible: only 0 is certain. Beside a
        # maximum a value counts as 0 if it is negligible beside the slopes around.
        is_zero = (bounds <= STEEP * slope) & (np.abs(analytic) <= SAME * slope)
        flat = is_flat(analytic, numerical) & ~is_zero
        exact = (rounding <= np.maximum(NARROW * size, bounds)) | (off == 0)
        noticed = (allowed <= NOTICED * np.abs(analytic)) | (analytic == 0) | is_zero
        sharp = (numerical.success | (bounds <= NARROW * size)) & ~flat & exact & noticed
        # Between the sides: as far from both together as they are from each other.
        apart = np.abs(numerical.right - numerical.left)
        between = np.abs(analytic - numerical.left) + np.abs(analytic - numerical.right) <= apart + 2 * allowed
    verdict = np.where(close & sharp, Verdict.AGREES, np.where(close, Verdict.UNDECIDED, Verdict.DISAGREES))
    verdict[np.isnan(allowed)] = Verdict.UNDECIDED
    kink = numerical.status == Status.KINK
    verdict[kink] = np.where(between, Verdict.KINK, Verdict.DISAGREES)[kink]
    finite, exists = np.isfinite(analytic), np.isfinite(numerical.df)
    certain = numerical.success | kink | (bounds <= NARROW * np.abs(numerical.df))
    verdict[~finite & exists] = np.where(certain, Verdict.DISAGREES, Verdict.UNDECIDED)[~finite & exists]
    verdict[finite & ~exists] = Verdict.UNDECIDED
    verdict[~finite & ~exists] = Verdict.AGREES
    return Judgement(verdict.astype(np.int8), off, allowed)


def withdraw(first: Judgement, numerical: Estimate, second: Judgement, again: Estimate) -> Judgement:
    """Withdraw a DISAGREES that a second estimate contradicts.

    It contradicts when it allows the value and does not allow the first estimate itself. A wide bound suffices only
    where the first estimate had neither converged nor a narrow bound, with which a right value agrees.
    """
    with np.errstate(all="ignore"):
        contradicts = np.abs(numerical.df - again.df) > second.allowed
        is_sharp = numerical.success | (BOUNDS * numerical.error <= NARROW * np.abs(numerical.df))
    withdrawn = (second.verdict != Verdict.DISAGREES) & (contradicts | ~is_sharp)
    suspect = first.verdict == Verdict.DISAGREES
    return first._replace(verdict=np.where(suspect & withdrawn, second.verdict, first.verdict))
