"""The derivative of an elementwise function at every point of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Arguments, Array, Mask, Operand
from ..adaptive_rule import Adaptive
from ..arguments import (
    SeveralResults,
    argument,
    argument_index,
    checked_bounds,
    checked_out,
    common_shape,
    explains_keywords,
    given_step,
    result_kind,
    threads,
)
from ..array_kinds import PLAIN, kinds
from ..containers.registry import Layout, has_containers, over_containers
from ..estimates import Estimate
from ..evaluation.functions import ElementwiseFunction, function
from ..evaluation.signatures import code_of
from ..evaluation.user_calls import add_note_inside
from ..rules.complexstep import ComplexStep
from ..rules.selection import Method, Rule, as_rule, refuse_options
from .array_results import array_derivative
from .elementwise import complex_step_of, derivative_of, estimate_of, scalar_derivative
from .problem import ADAPTIVE, Problem, refuse_real

#: A point has a number, or an array of them.
_LAYOUT = Layout("m", converts=True)

#: What to tell whose function indexes a number, or loops over it.
_NUMBERS = "`derivative` calls `f` with numbers. For a function of a vector use `gradient` or `jacobian`."


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
def derivative(
    f: Callable[..., Any],
    *args: Any,
    wrt: int | tuple[int, ...] = 0,
    method: Method = "adaptive",
    step: ArrayLike | None = None,
    rel_step: ArrayLike | None = None,
    bounds: object = None,
    full_output: bool = False,
    out: Any = None,
    workers: int | None = None,
) -> Any:
    """Differentiate a function of numbers at every point of a batch.

    Parameters
    ----------
    f : callable
        ``f(*args)``, elementwise; or a function of one point that returns an array. It runs compiled when Numba can
        compile it, else it is called with arrays, else point by point with a `PerformanceWarning`. One that mixes the
        points of a batch, as ``x / np.sum(x)`` does, is differentiated as a function of one number, with a warning.
    *args : array_like
        The points, one array for each argument; they broadcast together and are never changed. Integers and booleans
        count as float64; an argument of them that is not differentiated reaches `f` as it is, as an index may.
    wrt : int or tuple of int, default 0
        Argument to differentiate in; a tuple gives a tuple of results.
    method : {"adaptive", "central", "forward", "backward", "complex"} or a rule, default "adaptive"
        `adaptive` finds the step at every point, at some fifteen evaluations; the stencils `central`, `forward` and
        `backward` take one for each of their points; `complex_step` takes one, for analytic functions.
        ``method=fg.adaptive(n=2)`` is a second derivative.
    step, rel_step : array_like, optional
        Step of a stencil, largest step of the adaptive rule, positive: absolute, in units of the argument, or relative
        to ``max(|x|, 1)``. They broadcast with the points. By default the step is chosen for every point; one below the
        spacing of floating-point numbers gives NaN.
    bounds : (low, high) or scipy.optimize.Bounds, optional
        `f` is never called with the argument outside; both broadcast with the points, and None is no bound. A point
        outside has no derivative: NaN.
    full_output : bool, default False
        Return an `Estimate`: the derivative with error bound, status and number of evaluations.
    out : ndarray, optional
        Array of floats for the result, or a tuple of them for a tuple `wrt`; it may overlap the points. For plain
        arrays, and one number per point.
    workers : int, optional
        Threads for a large batch; the result does not depend on it. By default all cores for compiled functions and
        ufuncs of NumPy and SciPy, the calling thread for others: two calls of them may share memory.

    Returns
    -------
    scalar or ndarray
        Of the shape to which the arguments broadcast, then that of what `f` returns for a point, in units of `f` over
        those of the argument. float32 and float16 when the arguments are, else float64; complex when `f` returns
        complex numbers. NaN where `f` or the point is not finite, and only there.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or shape; the message names the argument and the remedy.
    Exception
        Whatever `f` raises at a point, unchanged. An arithmetic, value, lookup or assertion error beside a point ends
        the domain of `f` there.

    Notes
    -----
    Arrays of xarray, pandas, polars and Dask and masked arrays give results of their kind; `f` gets plain arrays.
    Points in arrays of JAX, PyTorch or CuPy reach `f` as such arrays in float64. The how-to pages tell of labels, masks
    and chunks.
    Arrays with units raise a TypeError that says what to pass.

    References
    ----------
    `adaptive` extrapolates (L. F. Richardson 1911, C. J. F. Ridders 1982), stencils have the weights of B. Fornberg
    1988, the complex step is that of W. Squire and G. Trapp 1998.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 1001)
    >>> float(np.max(abs(fg.derivative(np.sin, x) - np.cos(x)))) < 1e-13
    True
    >>> fx, fy = fg.derivative(lambda x, y: x * y, 3.0, -4.0, wrt=(0, 1))
    >>> float(abs(fx + 4)) < 1e-9, float(abs(fy - 3)) < 1e-9
    (True, True)
    >>> fg.derivative(lambda t: np.array([np.cos(t), np.sin(t)]), x).shape
    (1001, 2)
    """
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `derivative(f, x)`.")
    are_numbers = True
    in_containers = (step is not rel_step or bounds is not None) and has_containers(step, rel_step, bounds=bounds)
    for a in args:
        kind = type(a)
        if kind is not float and kind is not np.float64:
            are_numbers = False
            if kinds[kind] is not PLAIN:
                in_containers = True
    if in_containers:
        named = {"wrt": wrt, "method": method, "step": step, "rel_step": rel_step, "bounds": bounds,
                 "full_output": full_output, "out": out, "workers": workers}  # fmt: skip
        return over_containers(derivative, f, {f"args[{i}]": a for i, a in enumerate(args)}, named, _LAYOUT)
    elementwise = function(f, len(args))
    rule = as_rule(method)
    if are_numbers and step is rel_step is bounds is out is workers is None and not full_output and type(wrt) is int:
        value = scalar_derivative(elementwise, rule, wrt, args)
        if value is not None:
            return value
    options = _Options(step, rel_step, bounds, full_output, out, workers)
    try:
        return _in_all(f, elementwise, rule, args, wrt, options)
    except (TypeError, IndexError) as error:
        add_note_inside(code_of(f), error, _NUMBERS)
        raise


class _Options(NamedTuple):
    """Options of `derivative`, as the caller gave them."""

    step: ArrayLike | None
    rel_step: ArrayLike | None
    bounds: object
    full_output: bool
    out: Array | None
    workers: int | None


def _in_all(
    f: Callable[..., Any], elementwise: ElementwiseFunction, rule: Rule, args: Arguments, wrt: object, options: _Options
) -> Any:
    """Differentiate in one argument, or in each of a tuple of them."""
    if not isinstance(wrt, tuple):
        return _derivative_general(f, elementwise, rule, args, wrt, options)
    outs = (None,) * len(wrt) if options.out is None else options.out
    if not isinstance(outs, tuple) or len(outs) != len(wrt):
        raise ValueError(
            f"`out` must be a tuple of {len(wrt)} arrays, one for each `wrt`; got {type(outs).__name__}. "
            "Leave it out to have them made."
        )
    pairs = zip(wrt, outs, strict=True)
    return tuple(_derivative_general(f, elementwise, rule, args, i, options._replace(out=o)) for i, o in pairs)


def _derivative_general(
    f: Callable[..., Any], elementwise: ElementwiseFunction, rule: Rule, args: Arguments, wrt: object, options: _Options
) -> Any:
    """Differentiate in one argument, with all options; a function of its own, so that one point costs less."""
    if isinstance(rule, Adaptive) and not isinstance(rule.side, str):
        return _by_sides(f, elementwise, rule, args, wrt, options)
    operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
    mode, step = given_step(options.step, options.rel_step)
    refuse_options(rule, step, options.full_output)
    limits = None if options.bounds is None else checked_bounds(options.bounds)
    count, out = threads(options.workers), options.out
    if options.full_output and out is not None:
        raise ValueError("`out` takes the derivative alone; got it together with `full_output`. Leave one out.")
    index = argument_index(wrt, len(args))
    if out is not None or limits is not None or options.full_output:
        shape = common_shape([*operands, *(limits or ()), *(() if step is None else (step,))])
        if out is not None:
            checked_out(out, shape)
    x = operands[index]
    if limits is not None:  # a point outside the bounds has no derivative, and `f` is not called there
        x = operands[index] = np.where((x < limits[0]) | (x > limits[1]), np.nan, x)
    if isinstance(rule, Adaptive):
        if mode == "relative":
            step = step * np.maximum(np.abs(x), 1.0)
        mode = ADAPTIVE
    has_workers, dtype = options.workers is not None, result_kind(operands)
    low, high = limits or (None, None)
    problem = Problem(elementwise, tuple(operands), rule, mode, dtype, count, has_workers, index, step, low, high)
    try:
        return _by_rule(problem, options)
    except SeveralResults as refusal:
        common_shape(problem.operands)
        if out is not None:
            raise SeveralResults(
                f"`out` holds one number per point. {refusal} For an array at every point leave `out` out."
            ) from refusal
        own = options._replace(bounds=limits)._asdict() | {"method": rule}
        del own["out"]
        return array_derivative(f, operands, index, own, problem.dtype, refusal)
    except ValueError:
        common_shape(problem.operands)  # names them when they do not broadcast; checked before, it costs 4 microseconds
        raise


def _by_rule(problem: Problem, options: _Options) -> Operand | Estimate:
    """Differentiate by the rule of the problem."""
    out = options.out
    if options.full_output:
        return estimate_of(problem)
    if isinstance(problem.rule, ComplexStep):
        result = complex_step_of(problem)
    elif problem.low is not None and problem.mode != ADAPTIVE:
        result = estimate_of(problem).df
    else:
        return derivative_of(problem, out)
    if out is None:
        return result
    refuse_real(out, "D" if result.dtype.kind == "c" else "d")
    with np.errstate(over="ignore"):  # what overflows a smaller type is infinite there
        out[...] = result
    return out


def _by_sides(
    f: Callable[..., Any], elementwise: ElementwiseFunction, rule: Adaptive, args: Arguments, wrt: object,
    options: _Options,
) -> Any:
    """Differentiate where every point has a side of its own: the points of each side together."""
    limits = () if options.bounds is None else checked_bounds(options.bounds)
    operands = [argument(a, f"args[{i}]") for i, a in enumerate(args)]
    steps = [a for a in (options.step, options.rel_step) if a is not None]
    shape = common_shape([*operands, *limits, *steps])
    try:
        shape = np.broadcast_shapes(shape, rule.side.shape)
    except ValueError:
        raise ValueError(
            f"`side` must broadcast with the points; got an array of shape {rule.side.shape} beside {shape}. "
            "Give one side for every point, or one for all."
        ) from None
    index, out = argument_index(wrt, len(args)), options.out
    if out is not None:
        checked_out(out, shape)

    def at(value: Any, where: Mask) -> Any:
        return value if value is None or np.ndim(value) == 0 else np.broadcast_to(value, shape)[where]

    results: list[Array] = []
    for one_sided, its_points in rule.one_sided() or [(replace(rule, side="both"), False)]:  # of no points
        where = np.broadcast_to(its_points, shape)
        points = [at(a, where) for a in operands]
        points[index] = np.broadcast_to(operands[index], shape)[where]
        own = options._replace(
            step=at(options.step, where), rel_step=at(options.rel_step, where),
            bounds=tuple(at(limit, where) for limit in limits) or None, out=None,
        )  # fmt: skip
        part = _derivative_general(f, elementwise, one_sided, tuple(points), index, own)
        columns = part if options.full_output else [part]
        if not results:
            results = [np.empty((*shape, *c.shape[1:]), c.dtype) for c in columns] if out is None else [out]
        for result, column in zip(results, columns, strict=True):
            refuse_real(result, "D" if column.dtype.kind == "c" else "d")
            result[where] = column
    return Estimate(*results) if options.full_output else results[0]
