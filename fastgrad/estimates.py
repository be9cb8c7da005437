"""Derivatives with error bounds, as ``full_output=True`` returns them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np


class Status(IntEnum):
    """Outcome of the derivative at a point.

    Attributes
    ----------
    CONVERGED
        0: the error bound is within the tolerance. See `adaptive` for that of the adaptive rule; that of stencils is a
        hundredth of the derivative, or of ``f(x) / max(|x|, 1)**n`` where this is larger.
    TOLERANCE_NOT_REACHED
        -1: the best value available; its error bound exceeds the tolerance.
    NONFINITE
        -3: `f` or the point is not finite there, or `f` has no values around it; the derivative is NaN.
    KINK
        -5: the derivatives from the left and from the right differ; `df` is their mean, or what the stencil gives.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.derivative(abs, 0.0, full_output=True).status == fg.Status.KINK
    np.True_
    """

    CONVERGED = 0
    TOLERANCE_NOT_REACHED = -1
    NONFINITE = -3
    KINK = -5


#: An array, a number for one point, or a container such as the caller's.
Result = Any


class Estimate(NamedTuple):
    """Derivative and error bound at every point: arrays of one shape, or scalars for one point.

    `derivative`, `gradient` and similar functions return this named tuple for ``full_output=True``.

    Attributes
    ----------
    df : ndarray
        The derivative, in units of `f` over those of the argument; float64, or the type of the arguments.
    error : ndarray
        Bound of ``abs(df - truth)``, with the rounding of `df` to float32; infinite where none is known.
    status : ndarray of int8
        See `Status`.
    success : ndarray of bool
        Where the status is ``CONVERGED``.
    nfev : ndarray of int32
        Evaluations of `f` for the point.
    left, right : ndarray
        One-sided derivatives; they differ from `df` at a kink only.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(0.1, 2, 20)
    >>> result = fg.derivative(np.log, x, full_output=True)
    >>> bool(np.all(abs(result.df - 1 / x) <= result.error)), bool(result.success.all())
    (True, True)
    """

    df: Result
    error: Result
    status: Result
    success: Result
    nfev: Result
    left: Result
    right: Result


def rounded(estimate: Estimate) -> Estimate:
    """Return the estimate with bounds that cover the rounding of the derivative to a type smaller than float64.

    A derivative too large for its type is infinite with an infinite bound, and not a success.
    """
    df = np.asarray(estimate.df)
    info = np.finfo(df.dtype)
    if info.eps <= np.finfo(np.float64).eps:
        return estimate
    with np.errstate(all="ignore"):
        half = np.abs(df).astype(np.float64) * (float(info.eps) / 2) + float(info.smallest_subnormal)
        error = estimate.error + np.where(np.isnan(half), 0.0, half)
    beyond = np.isinf(df) & np.equal(estimate.status, Status.CONVERGED)
    status = np.where(beyond, np.int8(Status.TOLERANCE_NOT_REACHED), estimate.status)[()]
    error = error.astype(np.asarray(estimate.error).dtype)[()]
    return estimate._replace(error=error, status=status, success=np.equal(status, Status.CONVERGED))
