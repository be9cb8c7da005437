"""What ``full_output=True`` returns: a derivative with its error bar, and how it came about."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np


class Status(IntEnum):
    """How the derivative at a point came out.

    Attributes
    ----------
    CONVERGED
        0: the error bar is within the tolerance. That of the adaptive rule is its own, see `adaptive`; that of stencils
        a hundredth of the derivative, or of ``f(x) / max(|x|, 1)**n`` where this is larger.
    TOLERANCE_NOT_REACHED
        -1: the best value that could be had, with its error bar, which is wider than the tolerance.
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


class Estimate(NamedTuple):
    """Derivative and error bar at every point: arrays of one shape, or scalars for one point.

    What `derivative`, `gradient` and their like return for ``full_output=True``. A named tuple: it unpacks, and goes by
    index as by name.

    Attributes
    ----------
    df : ndarray
        The derivative, in units of `f` over those of the argument; float64 or as the arguments' type asks.
    error : ndarray
        Bar that is meant to cover ``abs(df - truth)``, the rounding of `df` to float32 included; infinite where nothing
        can be said.
    status : ndarray of int8
        See `Status`.
    success : ndarray of bool
        Where the status is ``CONVERGED``.
    nfev : ndarray of int32
        Evaluations of `f` spent on the point.
    left, right : ndarray
        One-sided derivatives; they differ from `df` at a kink only.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(0.1, 2, 20)
    >>> found = fg.derivative(np.log, x, full_output=True)
    >>> bool(np.all(abs(found.df - 1 / x) <= found.error)), bool(found.success.all())
    (True, True)
    """

    df: Any
    error: Any
    status: Any
    success: Any
    nfev: Any
    left: Any
    right: Any


def rounded(made: Estimate) -> Estimate:
    """Let the bars cover the rounding of the derivative to its own type, where that is smaller than float64.

    A derivative too large for its type is infinite, and so is its bar: that is no success.
    """
    df = np.asarray(made.df)
    known = np.finfo(df.dtype)
    if known.eps <= np.finfo(np.float64).eps:
        return made
    with np.errstate(all="ignore"):
        half = np.abs(df).astype(np.float64) * (float(known.eps) / 2) + float(known.smallest_subnormal)
        error = made.error + np.where(np.isnan(half), 0.0, half)
    beyond = np.isinf(df) & np.equal(made.status, Status.CONVERGED)
    status = np.where(beyond, np.int8(Status.TOLERANCE_NOT_REACHED), made.status)[()]
    error = error.astype(np.asarray(made.error).dtype)[()]
    return made._replace(error=error, status=status, success=np.equal(status, Status.CONVERGED))
