"""The verdict on an analytic value: whether it is off by more than error bar and rounding allow."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from ..estimates import Estimate, Status

#: A value is off when it is this many bars away. Of 5,361 points of the corpus (functions whose code is inexact left
#: out) one bar leaves 29 uncovered, two 8, four 3, eight 3, and a second estimate or `SAME` acquits those.
BARS = 8.0

#: What agrees to this share of its size agrees: the elementary and special functions inside `f` have smooth errors of
#: a few ulps, whose slope no bar can know (jv(2.5, x) near 15: 3e-13).
SAME = 2.0**-40

#: In lower precision, this many units of its last place.
PLACES = 16.0

#: Values of `f` below 2^-1022 lose digits, each up to 2^-1075: over the steps of a point that makes so much of a slope.
LOST = 2.0**-1050

#: A bar that has not converged tells if it is at most this share of the value: the mistakes one makes are larger.
TELLING = 0.01


#: Where the estimate is 0, it tells if its bar is at most this share of the slopes around.
STEEP = 2.0**-20

#: And a value below this share of them is not seen: the square of 1e-300 is 0.
UNSEEN = 2.0**-52


class Verdict(IntEnum):
    """What is said of one analytic value, as a whole number: `Check.verdict` holds one for each entry.

    Attributes
    ----------
    AGREES
        0: within the error bar of the estimate, and the bar is narrow enough for that to say something.
    DISAGREES
        1: further away than the bar, the rounding of the analytic value and a second estimate allow; or it is NaN or
        infinite where the derivative exists.
    UNDECIDED
        2: the bar, or the rounding of the analytic value itself, is too wide to tell; or there is no estimate.
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


class Judged(NamedTuple):
    """Verdicts, and by how much the analytic values are off: arrays of one shape."""

    verdict: Any
    off: Any
    allowed: Any


def is_flat(analytic: Any, found: Estimate) -> Any:
    """Mark where the estimate is 0 up to its bar and the value is not: a maximum, or `f` is flat to its last digit."""
    return (np.abs(found.df) <= found.error) & (analytic != 0)


def judge(analytic: Any, found: Estimate, rounding: Any = 0.0, unit: float = 0.0, slope: Any = 0.0) -> Judged:
    """Judge analytic values by an estimate.

    Everything is compared with the sizes of the values themselves: multiplying all by a power of two changes nothing,
    but for underflow.

    Parameters
    ----------
    analytic : ndarray
        The values, of the estimate's shape.
    found : Estimate
        The numerical derivative with its bars.
    rounding : array_like
        What the analytic values owe to rounding.
    unit : float
        Spacing at 1 of the numbers that the analytic function works in; 0 for float64.
    slope : array_like
        How steep the function is around a point where it `is_flat`.
    """
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(analytic), np.abs(found.df))
        bars = BARS * found.error + LOST
        allowed = bars + np.maximum(rounding, max(SAME, PLACES * unit) * size) + UNSEEN * slope
        off = np.abs(analytic - found.df)
        off = np.where(analytic == found.df, 0.0, off)
        close = off <= allowed
        # A function that is flat to its last digit has a slope below its rounding: only 0 can be seen to be right.
        # Beside a maximum a value is as good as 0 that is nothing beside the slopes around.
        seen = (bars <= STEEP * slope) & (np.abs(analytic) <= SAME * slope)
        flat = is_flat(analytic, found) & ~seen
        exact = (rounding <= np.maximum(TELLING * size, bars)) | (off == 0)
        telling = (found.success | (bars <= TELLING * size)) & ~flat & exact
        # Between the sides: as far from both together as they are from each other.
        apart = np.abs(found.right - found.left)
        between = np.abs(analytic - found.left) + np.abs(analytic - found.right) <= apart + 2 * allowed
    verdict = np.where(close & telling, Verdict.AGREES, np.where(close, Verdict.UNDECIDED, Verdict.DISAGREES))
    verdict[np.isnan(allowed)] = Verdict.UNDECIDED
    kink = found.status == Status.KINK
    verdict[kink] = np.where(between, Verdict.KINK, Verdict.DISAGREES)[kink]
    some, exists = np.isfinite(analytic), np.isfinite(found.df)
    sure = found.success | kink | (bars <= TELLING * np.abs(found.df))
    verdict[~some & exists] = np.where(sure, Verdict.DISAGREES, Verdict.UNDECIDED)[~some & exists]
    verdict[some & ~exists] = Verdict.UNDECIDED
    verdict[~some & ~exists] = Verdict.AGREES
    return Judged(verdict.astype(np.int8), off, allowed)


def acquit(first: Judged, found: Estimate, second: Judged, again: Estimate) -> Judged:
    """Hear a second estimate before anything is called wrong.

    It acquits a value that it allows while it does not allow the first estimate itself: the two contradict each other,
    and the first was in error. A wide bar alone acquits only where the first estimate had not converged.
    """
    with np.errstate(all="ignore"):
        contradicts = np.abs(found.df - again.df) > second.allowed
    free = (second.verdict != Verdict.DISAGREES) & (contradicts | ~found.success)
    suspect = first.verdict == Verdict.DISAGREES
    return first._replace(verdict=np.where(suspect & free, second.verdict, first.verdict))
