"""The derivative of an elementwise function at every point of a batch."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from ..adaptive_rule import Adaptive
from ..arguments import (
    argument,
    argument_index,
    checked_bounds,
    checked_out,
    common_shape,
    given_step,
    result_kind,
    threads,
)
from ..array_kinds import PLAIN, kinds
from ..containers.registry import contained, over_containers
from ..estimates import Estimate
from ..evaluation.functions import Function, function
from ..rules.complexstep import ComplexStep
from ..rules.selection import Method, Rule, as_rule, refuse_options
from .elementwise import complex_step_of, derivative_of, estimate_of, scalar_derivative
from .request import ADAPTIVE, Request, refuse_real


def derivative(
    f: Callable[..., Any],
    *args: Any,
    wrt: int | tuple[int, ...] = 0,
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: tuple[Any, Any] | None = None,
    full_output: bool = False,
    out: Any = None,
    workers: int | None = None,
) -> Any:
    """Differentiate an elementwise function at every point of a batch.

    Parameters
    ----------
    f : callable
        ``f(*args)``, elementwise: every value depends on the arguments at one point only. It runs compiled when
        Numba can compile it, else it is called with one-dimensional arrays, block by block; a function that takes
        one number at a time is called point by point, with a `PerformanceWarning`. One that mixes the points of a
        batch, as ``x / np.sum(x)`` does, is differentiated as a function of one number, with a warning, or refused.
        Values that it masks, as `np.ma.log` does, count as NaN.
    *args : array_like
        The points, one array for each argument of `f`, in units of your own; they broadcast together and are never
        changed. Integers and booleans count as float64; the differencing runs in float64 whatever the type. Arrays of
        xarray, pandas and Dask and masked ones are taken as they are, and give results of their kind: see the notes.
        An argument of integers or booleans that is not differentiated reaches a function that is called as it is, so
        ``table[k] * x`` may take an array `k` of indices.
    wrt : int or tuple of int, default 0
        Which argument to differentiate in; a tuple gives a tuple of results.
    method : {"adaptive", "central", "forward", "backward", "complex"} or a rule, default "adaptive"
        The rule, or the word for its simplest form. The default, `adaptive`, finds the step at every point, which no
        fixed step can do for a mixed batch, and costs some fifteen evaluations; the stencils `central`, `forward` and
        `backward` cost as many as they have points; `complex_step` costs one, for analytic functions that accept
        complex numbers. The order of the derivative is the rule's: ``method=fg.adaptive(n=2)`` for the second.
    step : array_like, optional
        Absolute step in units of the argument, positive; broadcasts with the points. It is taken as it is, up to the
        spacing of floating-point numbers; below that there is no difference to take: NaN. For the adaptive rule it is
        the largest step to take.
    rel_step : array_like, optional
        Step relative to ``max(|x|, 1)``. With neither, the step is chosen per point: the power of two near which
        truncation and rounding balance, for the orders of the rule and the precision of what `f` returns.
    bounds : (low, high) or scipy.optimize.Bounds, optional
        `f` is never called with the argument outside; both broadcast with the points, and None is no bound. Points
        whose stencil would leave them are differentiated from inside. A point outside has no derivative: NaN.
    full_output : bool, default False
        Return an `Estimate` instead: the derivative with an error bar, a status, the number of evaluations.
    out : ndarray, optional
        Where to put the result, an array of floats of its shape, or a tuple of them for a tuple `wrt`; it may overlap
        the points. For plain arrays only, those of memory-mapped files included.
    workers : int, optional
        Threads for a large batch; the result does not depend on it. By default all cores for functions that are
        compiled and for ufuncs of NumPy and SciPy passed as they are, and the calling thread for all others: they may
        work in memory that two calls share. 1 stays on the calling thread.

    Returns
    -------
    scalar or ndarray
        Of the shape the arguments broadcast to, in units of `f` over those of the argument; float32 and float16 when
        the arguments are, else float64; complex when `f` returns complex numbers. Points where `f` or the point is not
        finite give NaN, and only those. Of the kind of the arguments, where these are no plain arrays.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or shape; the message names the argument and the remedy.
    Exception
        Whatever `f` raises at a point, unchanged. Where it raises an arithmetic, a value or a lookup error or fails an
        assertion beside a point, its domain ends there.

    See Also
    --------
    gradient, jacobian : for functions of a vector.
    check : compares a derivative of yours with this one and its bars.
    accuracy : compares the methods on your function and your points.

    Notes
    -----
    *Arrays that hold arrays.* `f` always gets plain arrays. Around them is kept what there was:

    - xarray: dimensions, coordinates, attributes and names; several arrays broadcast by the names of dimensions and are
      aligned as ``xarray.set_options(arithmetic_join=...)`` says. A Dataset is differentiated variable by variable.
    - pandas: index and columns; labels that differ are joined as in pandas' arithmetic, with NaN where one is missing.
    - Dask: the result is lazy, in the chunks of the points; `f` is called when it is computed, in whatever thread or
      process does that. `f` must return real numbers.
    - Masked arrays: what is masked is not evaluated and masked in the result.
    - Memory-mapped files are arrays, for the points as for `out`.

    Arrays with units and others that keep arithmetic to themselves raise a TypeError that says what to pass.

    References
    ----------
    Of the rules, in their own words: `adaptive` extrapolates (L. F. Richardson 1911, C. J. F. Ridders 1982), stencils
    have the weights of B. Fornberg 1988, the complex step is that of W. Squire and G. Trapp 1998.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 1001)
    >>> float(np.max(abs(fg.derivative(np.sin, x) - np.cos(x)))) < 1e-13
    True
    >>> fx, fy = fg.derivative(lambda x, y: x * y, 3.0, -4.0, wrt=(0, 1))
    >>> float(abs(fx + 4)) < 1e-9, float(abs(fy - 3)) < 1e-9
    (True, True)
    """
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `derivative(f, x)`.")
    numbers = True
    odd = (step is not rel_step or bounds is not None) and contained(step, rel_step, bounds)
    for a in args:
        kind = type(a)
        if kind is not float and kind is not np.float64:
            numbers = False
            if kinds[kind] is not PLAIN:
                odd = True
    if odd:
        named = {"wrt": wrt, "method": method, "step": step, "rel_step": rel_step, "bounds": bounds,
                 "full_output": full_output, "out": out, "workers": workers}  # fmt: skip
        return over_containers(derivative, f, {f"args[{i}]": a for i, a in enumerate(args)}, named)
    known = function(f, len(args))
    rule = as_rule(method)
    if numbers and step is rel_step is bounds is out is workers is None and not full_output and type(wrt) is int:
        value = scalar_derivative(known, rule, wrt, args)
        if value is not None:
            return value
    return _in_full(known, rule, args, wrt, step, rel_step, bounds, full_output, out, workers)


def _in_full(
    known: Function,
    rule: Rule,
    args: tuple[Any, ...],
    wrt: Any,
    step: Any,
    rel_step: Any,
    bounds: Any,
    full_output: bool,
    out: Any,
    workers: Any,
) -> Any:
    """Differentiate with everything that may be asked for; a function of its own, so that one point costs less."""
    if isinstance(rule, Adaptive) and not isinstance(rule.side, str):
        return _by_sides(known, rule, args, wrt, step, rel_step, bounds, full_output, out, workers)
    operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
    kind = result_kind(operands)
    mode, given = given_step(step, rel_step)
    refuse_options(rule, given, full_output)
    if isinstance(rule, Adaptive):
        mode = ADAPTIVE
    limits = None if bounds is None else checked_bounds(bounds)
    if out is not None or limits is not None or full_output:
        shape = common_shape([*operands, *(limits or ()), *(() if given is None else (given,))])
    count = threads(workers)
    if full_output and out is not None:
        raise ValueError("`out` takes the derivative alone; got it together with `full_output`. Leave one out.")

    def one(wrt: Any, out: Any) -> Any:
        index = argument_index(wrt, len(args))
        request = Request(rule, index, mode, kind, count, workers is not None)
        if out is not None:
            checked_out(out, shape)
        asked = list(operands)
        if limits is not None:  # a point outside the bounds has no derivative, and `f` is not to be called there
            x = asked[index]
            asked[index] = np.where((x < limits[0]) | (x > limits[1]), np.nan, x)
        if mode == ADAPTIVE:
            widest = inf if given is None else given
            if rel_step is not None:
                widest = given * np.maximum(np.abs(asked[index]), 1.0)
            asked += [widest, *(limits or (-inf, inf))]
        elif given is not None:
            asked.append(given)
        try:
            if isinstance(rule, ComplexStep):
                found = complex_step_of(known, request, asked)
            elif full_output or (limits is not None and mode != ADAPTIVE):
                made = estimate_of(known, request, asked, [] if mode == ADAPTIVE else list(limits or ()))
                found = made if full_output else made.df
            else:
                return derivative_of(known, request, asked, out)
        except ValueError:
            common_shape(asked)  # names them when they do not broadcast; asked before, it costs 4 microseconds
            raise
        if out is None:
            return found
        refuse_real(out, "D" if found.dtype.kind == "c" else "d")
        with np.errstate(over="ignore"):  # what overflows a smaller type is infinite there
            out[...] = found
        return out

    if not isinstance(wrt, tuple):
        return one(wrt, out)
    outs = (None,) * len(wrt) if out is None else out
    if not isinstance(outs, tuple) or len(outs) != len(wrt):
        raise ValueError(
            f"`out` must be a tuple of {len(wrt)} arrays, one for each `wrt`; got {type(outs).__name__}. "
            "Leave it out to have them made."
        )
    return tuple(map(one, wrt, outs))


def _by_sides(
    known: Function,
    rule: Adaptive,
    args: tuple[Any, ...],
    wrt: Any,
    step: Any,
    rel_step: Any,
    bounds: Any,
    full_output: bool,
    out: Any,
    workers: Any,
) -> Any:
    """Differentiate where every point has a side of its own: the points of each side together."""
    limits = () if bounds is None else checked_bounds(bounds)
    operands = [argument(a, f"args[{i}]") for i, a in enumerate(args)]
    shape = common_shape([*operands, *limits, *(a for a in (step, rel_step) if a is not None)])
    try:
        shape = np.broadcast_shapes(shape, rule.side.shape)
    except ValueError:
        raise ValueError(
            f"`side` must broadcast with the points; got an array of shape {rule.side.shape} beside {shape}. "
            "Give one side for every point, or one for all."
        ) from None

    def some(value: Any, where: Any) -> Any:
        return value if value is None or np.ndim(value) == 0 else np.broadcast_to(value, shape)[where]

    def one(wrt: Any, out: Any) -> Any:
        index = argument_index(wrt, len(args))
        results: Any = None
        for one_side, its in rule.one_sided():
            where = np.broadcast_to(its, shape)
            parts = [some(a, where) for a in operands]
            parts[index] = np.broadcast_to(operands[index], shape)[where]
            ends = tuple(some(a, where) for a in limits) or None
            made = _in_full(
                known, one_side, tuple(parts), index, some(step, where), some(rel_step, where), ends, full_output, None,
                workers,
            )  # fmt: skip
            columns = made if full_output else [made]
            if results is None:
                if out is not None:
                    checked_out(out, shape)
                results = [np.empty(shape, c.dtype) for c in columns] if out is None else [out]
            for result, column in zip(results, columns, strict=True):
                refuse_real(result, "D" if column.dtype.kind == "c" else "d")
                result[where] = column
        return Estimate(*results) if full_output else results[0]

    if not isinstance(wrt, tuple):
        return one(wrt, out)
    return tuple(one(w, None if out is None else out[k]) for k, w in enumerate(wrt))
