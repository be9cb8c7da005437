"""An analytic derivative checked against the numerical one and its error bound.

It imports the numerical derivatives (`differentiation`), and calls gates and circuits by their public methods only.
Begin reading with `check` below: `_problem` estimates, `_narrow` takes narrow steps, `_analytic` evaluates, `_verdicts`
compares, `_rounding` measures what bounds do not know, `_patterns` names what mistakes have in common, `_result` shows
it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._typing import Function, Mask
from ..arguments import explains_keywords
from ..containers.trees import as_arrays
from ..estimates import Estimate, Status
from ._analytic import Analytic
from ._comparison import Comparison
from ._narrow import with_narrow_features
from ._partials import own_partials
from ._patterns import patterns
from ._problem import NARROW_STEP, CheckProblem, problem
from ._result import Check
from ._rounding import analytic_rounding, rounding_inside
from ._verdicts import Judgement, Tolerance, Verdict, is_flat, judge, withdraw

__all__ = ["Check", "Verdict", "check"]


@explains_keywords
def check(
    f: Function,
    analytic: object = None,
    *args: object,
    of: str = "derivative",
    wrt: int | tuple[int, ...] = 0,
) -> Check:
    """Compare an analytic derivative with the numerical one, entry by entry, as far as its error bound can tell.

    ``fg.check(f, df, x).raise_if_wrong()`` is a whole test. When it fails, it shows the worst entries and what the
    mistakes have in common.

    Parameters
    ----------
    f : callable
        The function: elementwise, or of one vector (the last axis) for a gradient, a jacobian or a hessian.
    analytic : callable or array_like, optional
        Its derivative, called as ``analytic(*args)`` with copies, at all points at once, or at one point at a time if
        it takes no batch; or the values, of the shape of the result. One number stands for all points of a derivative.
        A gate or a circuit has its own: leave it out.
    *args : array_like
        For a derivative one array for each argument of `f`; they broadcast. Else the vectors, of shape ``(..., d)``,
        and further arguments of `f`. A gate or a circuit is checked all over its domain without them. float32 and
        float16 stay so for `analytic`; integers and booleans become float64. Arrays of xarray and pandas are aligned by
        labels, which the table shows. For a gradient or a jacobian a tree of arrays, as in `gradient`: `analytic`
        returns one like it. Of arrays of JAX or PyTorch both functions get arrays of that library.
    of : {"derivative", "gradient", "jacobian", "hessian"}, default "derivative"
        What `analytic` is of `f`. The result has the shape that the function of this name returns.
    wrt : int or tuple of int, default 0
        For a derivative, the argument to differentiate in; with a tuple `analytic` returns a tuple in that order.

    Returns
    -------
    Check
        True when nothing disagrees and something could be decided. Its `repr` is a table of the worst entries.

    Raises
    ------
    TypeError
        For points that are no real numbers, no points, or an analytic function that returns no numbers.
    ValueError
        For an analytic value of the wrong shape, an analytic function that changes its arguments, an empty batch, an
        `f` whose number of results changes from point to point, or an unknown `of` or `wrt`.
    Exception
        Whatever `f` or `analytic` raises at a point, unchanged.

    Notes
    -----
    The numerical derivative is that of `adaptive`, extrapolated after Ridders (1982). There is no absolute tolerance:
    multiplying `f` by a power of two changes no verdict. A value AGREES within eight error bounds, where three times
    the value, a third of it and its opposite would not; it DISAGREES beyond bound and rounding, unless a second
    estimate with narrower steps contradicts the first.

    *Rounding.* A formula such as ``(x cos x - sin x) / x**2`` is right and yet good to four digits near zero. Its
    rounding is measured, and so is that inside `f`; where it hides the derivative, the entry is UNDECIDED.

    *Narrow features.* Secants over 1e-7 of ``max(|x|, 1)`` contradict estimates that a branch for ``abs(x) < 1e-6``
    deceives; these entries are estimated again with narrow steps.

    *What it cannot see.* A mistake smaller than eight bounds or 1e-12 of the value, or at points that are not passed:
    take points on both sides of every branch. A value kept from an earlier call, with one point only. A mistake that
    `f` has, too. A solver inside `f` ends within its tolerance, and that error has a slope: make the tolerance tight.

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


def _judged(points: CheckProblem, analytic: Analytic, numerical: Estimate) -> tuple[Estimate, Judgement]:
    """Judge all entries; then those that are in doubt with one-sided and second estimates, and with rounding."""
    values = analytic.values
    numerical, is_narrow = with_narrow_features(points, numerical)

    def suspect(judgement: Judgement) -> Mask:
        """Mark what disagrees though it is finite."""
        marked: Mask = (judgement.verdict == Verdict.DISAGREES) & np.isfinite(values)
        return marked

    tolerance = Tolerance(unit=points.unit, slope=points.steepest_secants(is_flat(values, numerical)))
    judgement = judge(values, numerical, tolerance)
    open_ = (judgement.verdict != Verdict.AGREES) & ~numerical.success & (numerical.status != Status.KINK)
    if open_.any():
        numerical = points.compare_sides(numerical, open_)
        judgement = judge(values, numerical, tolerance)
    if not suspect(judgement).any():
        return numerical, judgement
    tolerance = tolerance._replace(rounding=analytic_rounding(analytic))
    judgement = judge(values, numerical, tolerance)
    if suspect(judgement).any():
        again = suspect(judgement) & ~is_narrow  # wider steps contradict nothing
        second = points.estimate_again(numerical, again, rel_step=NARROW_STEP)
        judgement = withdraw(judgement, numerical, judge(values, second, tolerance), second)
        noise = rounding_inside(points, numerical, values, suspect(judgement))
        noisy = judge(values, numerical, tolerance._replace(noise=noise))
        judgement = noisy._replace(verdict=np.where(noise != 0, noisy.verdict, judgement.verdict))
    return numerical, judgement
