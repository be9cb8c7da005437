"""The derivative of an elementwise function at every point of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._engines import Request
from ._functions import function
from ._operands import (
    argument,
    argument_index,
    checked_bounds,
    checked_out,
    common_shape,
    positive_step,
    result_kind,
    threads,
)
from .stencils import Stencil, backward, central, forward

_METHODS: dict[str, Stencil] = {"forward": forward(), "backward": backward(), "central": central()}


def derivative(
    f: Callable[..., Any],
    *args: Any,
    wrt: int | tuple[int, ...] = 0,
    method: str | Stencil = "central",
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
        one number at a time is called point by point, with a `PerformanceWarning`.
    *args : array_like
        One for each argument of `f`; they broadcast together. Integers and booleans count as float64. The
        differencing runs in float64 whatever the type. None of them is ever changed.
    wrt : int or tuple of int, default 0
        Which argument to differentiate in; a tuple gives a tuple of results.
    method : {"central", "forward", "backward"} or Stencil, default "central"
        The rule: see `central`, `forward` and `backward` for other orders of accuracy and of the derivative.
    step : array_like, optional
        Absolute step in units of the argument, positive; broadcasts with the points. It is taken as it is, up to the
        spacing of floating-point numbers.
    rel_step : array_like, optional
        Step relative to ``max(|x|, 1)``. With neither, the step is chosen per point: the power of two near which
        truncation and rounding balance, for the orders of the rule and the precision of what `f` returns.
    bounds : (low, high), optional
        `f` is never called with the argument outside; both broadcast with the points. Points whose stencil would
        leave them are differentiated from inside.
    full_output : bool, default False
        Return an `Estimate` instead: the derivative with an error bar, a status, the number of evaluations.
    out : ndarray, optional
        Where to put the result.
    workers : int, optional
        Threads for a large batch; all cores by default, 1 stays on the calling thread. The result does not depend
        on it.

    Returns
    -------
    scalar or ndarray
        Of the shape the arguments broadcast to; float32 and float16 when the arguments are, else float64; complex
        when `f` returns complex numbers. Points where `f` or the point is not finite give NaN, and only those.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind; the message names the argument and the remedy.
    Exception
        Whatever `f` raises, unchanged.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 1001)
    >>> float(np.max(abs(fg.derivative(np.sin, x) - np.cos(x)))) < 1e-9
    True
    >>> fx, fy = fg.derivative(lambda x, y: x * y, 3.0, -4.0, wrt=(0, 1))
    >>> float(abs(fx + 4)) < 1e-9, float(abs(fy - 3)) < 1e-9
    (True, True)
    """
    known = function(f, len(args))
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `derivative(f, x)`.")
    operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
    kind = result_kind(operands)
    stencil = _METHODS.get(method) if isinstance(method, str) else method
    if not isinstance(stencil, Stencil):
        raise _unknown_method(method)
    mode = "auto"
    if step is not None:
        mode = "absolute"
        operands.append(positive_step(step, "step"))
        if rel_step is not None:
            raise ValueError("`step` and `rel_step` exclude each other; got both. Leave one out.")
    elif rel_step is not None:
        mode = "relative"
        operands.append(positive_step(rel_step, "rel_step"))
    limits = None if bounds is None else checked_bounds(bounds)
    if out is not None or limits is not None or full_output:
        shape = common_shape([*operands, *(limits or ())])
    count = threads(workers)
    if full_output and out is not None:
        raise ValueError("`out` takes the derivative alone; got it together with `full_output`. Leave one out.")

    def one(wrt: Any, out: Any) -> Any:
        request = Request(stencil, argument_index(wrt, len(args)), mode, kind, count)
        if out is not None:
            checked_out(out, shape)
        if limits is None and not full_output:
            try:
                return known.derivative(request, operands, out)
            except ValueError:
                common_shape(operands)  # names them when they do not broadcast; asked before, it costs 4 microseconds
                raise
        made = known.estimate(request, operands, limits)
        if full_output:
            return made
        if out is None:
            return made.df
        out[...] = made.df
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


def _unknown_method(method: Any) -> Exception:
    words = ", ".join(map(repr, _METHODS))
    if isinstance(method, str):
        return ValueError(f"`method` must be one of {words} or a Stencil; got {method!r}. See fg.central.")
    return TypeError(f"`method` must be one of {words} or a Stencil; got {method!r:.80}. See fg.central.")
