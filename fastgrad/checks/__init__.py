"""A derivative derived by hand, checked against the numerical one and its error bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._analytic import Analytic
from ._evidence import Evidence
from ._findings import Check
from ._patterns import patterns
from ._question import question
from ._selfcheck import of_itself
from ._verdicts import Verdict, acquit, is_flat, judge

__all__ = ["Check", "Verdict", "check"]


def check(
    f: Callable[..., Any],
    analytic: Any = None,
    *args: Any,
    of: str = "derivative",
    wrt: int | tuple[int, ...] = 0,
) -> Check:
    """Compare an analytic derivative with the numerical one, entry by entry, as far as its error bar can tell.

    ``assert fg.check(f, df, x)`` is a whole test. When it fails pytest shows how many entries disagree and what they
    have in common, with ``-vv`` the table of the worst; ``assert found, str(found)`` always shows it.

    Parameters
    ----------
    f : callable
        The function: elementwise, or of one vector (the last axis) for a gradient, a jacobian or a hessian.
    analytic : callable or array_like, optional
        Its derivative as you have it, called as ``analytic(*args)``; or the values, of the shape of the result. It gets
        copies of your arrays, of their own type, all points at once; if it does not take that, one point at a time. A
        single number stands for all points of a derivative. Left out for a gate or a circuit, which brings its own.
    *args : array_like
        For a derivative one array for each argument of `f`; they broadcast. Else the vectors, of shape ``(..., d)``,
        and what further arguments `f` takes. For a gate or a circuit they may be left out: it is checked all over its
        domain, at edges, at zero and at ties. Several arguments or results of a circuit become one vector of each.
        float32 and float16 stay what they are for `analytic`, which is then expected to be good to their digits;
        integers and booleans count as float64. Arrays of xarray and pandas meet by their labels, as in `derivative`;
        both functions get bare arrays, and the labels stand in the table. Masked and complex ones are refused.
    of : {"derivative", "gradient", "jacobian", "hessian"}, default "derivative"
        What `analytic` is of `f`. Shapes are those of the functions of these names: ``(..., d)`` for a gradient,
        ``(..., m, d)`` for a jacobian, ``(..., d, d)`` for a hessian.
    wrt : int or tuple of int, default 0
        For a derivative, the argument to differentiate in; with a tuple `analytic` returns a tuple in that order.

    Returns
    -------
    Check
        True when nothing disagrees. Its `repr` is a table of the worst entries, with what the mistakes have in common:
        a factor, a sign, swapped arguments, a threshold, one coordinate, and so on. Its arrays are NumPy's.

    Raises
    ------
    TypeError
        For points that are no real numbers, no points, or an analytic function that gives no numbers.
    ValueError
        For an analytic value of the wrong shape, an analytic function that changes its arguments, an empty batch, or an
        unknown `of` or `wrt`. The message names the remedy.
    Exception
        Whatever `f` or `analytic` raises, unchanged.

    Notes
    -----
    *What a verdict means.* The numerical derivative is that of `adaptive`, extrapolated after Ridders (1982), with an
    error bar at every point.

    - ``AGREES``: the two are within eight bars, or equal to twelve digits, and the bar is narrow: below 1e-6 of the
      local slope, or a hundredth of the value.
    - ``DISAGREES``: they are further apart, and further than the rounding of the analytic value itself explains; and
      a second estimate, made with narrower steps, does not take the value's part against the first. Or the analytic
      value is NaN or infinite where the derivative exists.
    - ``UNDECIDED``: they are close, but the bar is too wide to tell, as for a noisy function, or where `f` is flat to
      its last digit, not only at a point as `sin` is at pi / 2, but around it; or there is no estimate.
    - ``KINK``: the derivatives from the left and from the right differ, and the value lies between them.

    There is no absolute tolerance. Multiplying `f` by a power of two changes no verdict, nor does it to measure `x` in
    another unit, as far as the adaptive rule finds its way there. A check in which nothing could be decided is true,
    and says so in capitals; `Check.decided` tells.

    *Rounding of the analytic value.* A formula such as ``(x cos x - sin x) / x**2`` is right and yet good to four
    digits near zero. Its rounding is measured by evaluating it once more in NumPy's long double, where that is longer
    than float64 and the function keeps to it; else by the spread of its values up to four ulps away. For float32
    arguments both functions are expected to be good to float32.

    *How often it errs.* With exact derivatives of the 5,483 points of `fastgrad.corpus` nothing that is right is called
    wrong, but for five functions whose code has another derivative than the mathematics: an iteration that stops
    early, a quadrature with few nodes, a table. There the check says what is the case: the derivative is not that of
    what is computed, by 1e-4 of its value or by 1e-10. The same derivatives twice too large are found at 98.5 % of the
    points, off by 1e-3 at 96 %, off by 1e-9 at 83 %; what remains of a factor of two is undecided, but for five zeros
    of the derivative, where a factor changes nothing.

    *What can still go wrong.* A mistake smaller than eight bars is not seen, nor is one at points that were not asked
    for: take points on both sides of every branch. What the adaptive rule cannot see (its page has a list) is not seen
    here. A value that is remembered from an earlier call is found only if there are two points or more. Where `f` has
    the same mistake as its derivative, they agree.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 101)
    >>> bool(fg.check(np.tanh, lambda x: 1 - np.tanh(x) ** 2, x))
    True
    >>> found = fg.check(np.tanh, lambda x: np.tanh(x) ** 2 - 1, x)
    >>> bool(found), found.patterns
    (False, ('sign flipped',))
    >>> fg.check(lambda x: 1e-8 * x**2, lambda x: 6e-8 * x, x).patterns
    ('off by the factor 3 (analytic / numerical)',)
    >>> bool(fg.check(fg.gates.softplus))
    True
    """
    if analytic is None:
        f, analytic, args, of, wrt = of_itself(f, args, of)
    asked = question(f, of, args, wrt)
    found = asked.estimate()
    told = Analytic(analytic, asked, found.df.shape)
    flat = is_flat(told.values, found)
    slope = asked.secants(flat) if flat.any() else 0.0
    judged = judge(told.values, found, unit=asked.unit, slope=slope)
    if (judged.verdict == Verdict.DISAGREES).any():
        rounding = told.rounding()
        judged = judge(told.values, found, rounding, asked.unit, slope)
        suspect = (judged.verdict == Verdict.DISAGREES) & np.isfinite(told.values)
        if suspect.any():
            again = asked.again(found, suspect)
            judged = acquit(judged, found, judge(told.values, again, rounding, asked.unit, slope), again)
    with np.errstate(all="ignore"):
        excess = np.where(judged.off == 0, 0.0, judged.off / judged.allowed)
    evidence = Evidence(asked, told, found, judged)
    return Check(
        judged.verdict, told.values, found.df, found.error, excess, patterns(evidence), of,
        f"{told.name} against {getattr(f, '__name__', type(f).__name__)}", asked.args, asked.wrt, evidence.names,
        asked.labels_of_entries,
    )  # fmt: skip
