"""An analytic derivative checked against the numerical one and its error bound.

Imports the numerical derivatives (`derivatives`, `multivariate`, `curvature`) and calls gates and circuits by their
public methods only. Begin reading with `check` below: `_problem` estimates, `_analytic` evaluates, `_verdicts`
compares, `_patterns` names what mistakes have in common, `_result` and `_table` show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..containers.checks import as_arrays
from ..estimates import Estimate, Status
from ._analytic import Analytic
from ._comparison import Comparison
from ._partials import own_partials
from ._patterns import patterns
from ._problem import Problem, problem
from ._result import Check
from ._verdicts import BOUNDS, Judgement, Tolerance, Verdict, acquit, is_flat, judge

__all__ = ["Check", "Verdict", "check"]

#: Rounding of `f` beyond its error bound: so many units of its largest values, over the widest step of the rule.
INSIDE = 2.0**-49

#: More wrong entries than these, and than a quarter of all, are not due to rounding.
FEW = 1000

#: Differences are compared with the rounding inside `f` where they are at most this share of the largest slopes.
SLIGHT = 2.0**-20


def check(
    f: Callable[..., Any],
    analytic: Any = None,
    *args: Any,
    of: str = "derivative",
    wrt: int | tuple[int, ...] = 0,
) -> Check:
    """Compare an analytic derivative with the numerical one, entry by entry, as far as its error bound can tell.

    ``fg.check(f, df, x).raise_if_wrong()`` is a whole test, and so is ``assert fg.check(f, df, x)``. When it fails, the
    first shows the table of the worst entries, the second the counts and what the mistakes have in common.

    Parameters
    ----------
    f : callable
        The function: elementwise, or of one vector (the last axis) for a gradient, a jacobian or a hessian.
    analytic : callable or array_like, optional
        Its derivative, called as ``analytic(*args)``; or the values, of the shape of the result. It gets copies of the
        arrays, of their own type, all points at once; one point at a time if it does not take that, or if neither it
        nor `f` treats a batch as points side by side. A single number stands for all points of a derivative. Left out
        for a gate or a circuit, which has its own.
    *args : array_like
        For a derivative one array for each argument of `f`; they broadcast. Else the vectors, of shape ``(..., d)``,
        and what further arguments `f` takes. For a gate or a circuit they may be left out: it is checked all over its
        domain, at edges, at zero and at ties. Several arguments or results of a circuit become one vector of each.
        float32 and float16 stay what they are for `analytic`, which is then expected to be good to their digits;
        integers and booleans count as float64. Arrays of xarray and pandas are aligned by their labels, as in
        `derivative`; both functions get plain arrays, and the labels stand in the table. Masked and complex arrays
        raise. For a gradient or a jacobian a tree of arrays, as in `gradient`: `analytic` returns one like it, and the
        table names the leaves; `of` may be left out for a gradient. Of arrays of JAX or PyTorch both functions get
        arrays of that library.
    of : {"derivative", "gradient", "jacobian", "hessian"}, default "derivative"
        What `analytic` is of `f`. Shapes are those of the functions of these names: ``(..., d)`` for a gradient,
        ``(..., m, d)`` for a jacobian, ``(..., d, d)`` for a hessian.
    wrt : int or tuple of int, default 0
        For a derivative, the argument to differentiate in; with a tuple `analytic` returns a tuple in that order.

    Returns
    -------
    Check
        True when nothing disagrees and something could be decided. Its `repr` is a table of the worst entries, with
        what the mistakes have in common: a factor, a sign, swapped arguments, a threshold, one coordinate, and so on.
        Its arrays are NumPy's.

    Raises
    ------
    TypeError
        For points that are no real numbers, no points, or an analytic function that gives no numbers.
    ValueError
        For an analytic value of the wrong shape, an analytic function that changes its arguments, an empty batch, an
        `f` whose number of results changes from point to point, or an unknown `of` or `wrt`. The message names the
        remedy.
    Exception
        Whatever `f` or `analytic` raises at a point, unchanged.

    Notes
    -----
    *Verdicts.* The numerical derivative is that of `adaptive`, extrapolated after Ridders (1982), with an error bound
    at every point.

    - ``AGREES``: the two are within eight bounds, or equal to twelve digits, and the bound is narrow: below 1e-6 of the
      local slope or a hundredth of the value, and such that three times the value, a third of it and its opposite would
      not be within it.
    - ``DISAGREES``: they are further apart than bound and rounding explain, that of the analytic value and that inside
      `f`, and a second estimate with narrower steps does not contradict the first. Or the analytic value is NaN or
      infinite where the derivative exists.
    - ``UNDECIDED``: they are close, but the bound is too wide to tell, as for a noisy function, or where `f` is flat to
      its last digit, not only at a point as `sin` is at pi / 2, but around it; or there is no estimate.
    - ``KINK``: the derivatives from the left and from the right differ by more than their bounds, and the value lies
      between them.

    There is no absolute tolerance. Multiplying `f` by a power of two changes no verdict, nor does it to measure `x` in
    another unit, as far as the adaptive rule adapts to it. A check in which nothing could be decided is false, and says
    so in capitals; `Check.decided` tells it from one in which something disagrees.

    *Rounding.* A formula such as ``(x cos x - sin x) / x**2`` is right and yet good to four digits near zero. Its
    rounding is measured by evaluating it once more in NumPy's long double, where that is longer than float64 and the
    function keeps to it; else by its values beside the points. For float32 arguments both functions are expected to be
    good to float32. Rounding inside `f` is that of its largest values around the point, and what moving the point by a
    few ulps changes.

    *What it cannot see.* A mistake smaller than eight bounds, and one at points that are not passed: take points on
    both sides of every branch. What the adaptive rule cannot see (its page has a list). A value that is kept from an
    earlier call is found only with two points or more. Where `f` has the same mistake as its derivative, they agree.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 101)
    >>> bool(fg.check(np.tanh, lambda x: 1 - np.tanh(x) ** 2, x))
    True
    >>> result = fg.check(np.tanh, lambda x: np.tanh(x) ** 2 - 1, x)
    >>> bool(result), result.patterns
    (False, ('sign flipped',))
    >>> fg.check(lambda x: 1e-8 * x**2, lambda x: 6e-8 * x, x).patterns
    ('off by the factor 3 (analytic / numerical)',)
    >>> bool(fg.check(fg.gates.softplus))
    True
    """
    if analytic is None:
        f, analytic, args, of, wrt = own_partials(f, args, of)
    f, analytic, args, of, names = as_arrays(f, analytic, args, of)
    points = problem(f, of, args, wrt)
    if names is not None:
        points = replace(points, labels=(names,))
    numerical = points.estimate()
    values = Analytic(analytic, points, numerical.df.shape)
    numerical, judgement = _judged(points, values, numerical)
    if not (judgement.verdict == Verdict.AGREES).all():
        points.require_constant_count()
    with np.errstate(all="ignore"):
        excess = np.where(judgement.off == 0, 0.0, judgement.off / judgement.allowed)
    comparison = Comparison(points, values, numerical, judgement)
    return Check(
        judgement.verdict, values.values, numerical.df, numerical.error, excess, patterns(comparison), of,
        f"{values.name} against {getattr(f, '__name__', type(f).__name__)}", points.args, points.wrt, comparison.names,
        points.entry_labels,
    )  # fmt: skip


def _judged(points: Problem, analytic: Analytic, numerical: Estimate) -> tuple[Estimate, Judgement]:
    """Judge all entries: at once, then those that are in doubt with what it takes to be certain of them."""
    values = analytic.values
    flat = is_flat(values, numerical)
    tolerance = Tolerance(unit=points.unit, slope=points.secant_slopes(flat))
    judgement = judge(values, numerical, tolerance)
    open_ = (judgement.verdict != Verdict.AGREES) & (numerical.status == Status.TOLERANCE_NOT_REACHED)
    numerical = points.compare_sides(numerical, open_)
    judgement = judge(values, numerical, tolerance)
    if not _suspect(judgement, values).any():
        return numerical, judgement
    tolerance = tolerance._replace(rounding=analytic.rounding())
    judgement = judge(values, numerical, tolerance)
    suspect = _suspect(judgement, values)
    if suspect.any():
        again = points.estimate_again(numerical, suspect)
        judgement = acquit(judgement, numerical, judge(values, again, tolerance), again)
        noise = _noise_inside(points, numerical, values, _suspect(judgement, values))
        noisy = judge(values, numerical, tolerance._replace(noise=noise))
        judgement = noisy._replace(verdict=np.where(noise > 0, noisy.verdict, judgement.verdict))
    return numerical, judgement


def _suspect(judgement: Judgement, values: Any) -> Any:
    """Mark what disagrees though it is finite."""
    return (judgement.verdict == Verdict.DISAGREES) & np.isfinite(values)


def _noise_inside(points: Problem, numerical: Estimate, values: Any, suspect: Any) -> Any:
    """Measure the rounding inside `f` at suspect entries, beyond the error bound; 0 where there is none.

    Where `f` is constant to its last digit the bound knows only the rounding of the value, which may be 0: that of its
    largest values counts. Where a difference is slight beside the largest slopes, the points are moved by a few ulps.
    Elsewhere wider steps tell whether the estimate follows the rounding. Where most of many entries are wrong, that is
    not due to rounding.
    """
    noise = np.zeros(suspect.shape)
    too_many = np.count_nonzero(suspect) > max(FEW, suspect.size // 4)
    if not suspect.any() or too_many or np.iscomplexobj(values) or np.iscomplexobj(numerical.df):
        return noise
    scale = points.value_scale()
    inner = tuple(
        range(suspect.ndim - (points.of != "derivative") - (points.of in ("jacobian", "hessian")), suspect.ndim)
    )
    with np.errstate(all="ignore"):
        slope = scale / points.width()
        flat = suspect & is_flat(values, numerical)
        noise = np.where(flat, INSIDE * slope, 0.0)
        finite = np.where(np.isfinite(numerical.df), np.abs(numerical.df), 0.0)
        steepest = np.maximum(slope, np.max(finite, axis=inner, keepdims=True) if inner else 0.0)
        slight = suspect & (np.abs(values - numerical.df) <= SLIGHT * steepest)
        if slight.any():
            noise = np.fmax(noise, np.where(slight, points.scatter(numerical, slight), 0.0))
        open_ = suspect & ~flat & (np.abs(values - numerical.df) > BOUNDS * noise)
        rounded = points.follows_rounding(values, numerical, scale, open_)
    return np.where(rounded, np.abs(values - numerical.df), noise)
