"""Arguments that the caller's functions take, and warnings about them."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FunctionType

import numpy as np

from .._typing import Function, Operand, Selection

_PACKAGE = __name__.partition(".")[0]


class PerformanceWarning(UserWarning):
    """A function is run in a slow way, such as one point at a time; the message says how to make it fast.

    It is given once for a function. The result is as right as it would be without; turn it into an error where speed
    matters, ``warnings.simplefilter("error", fg.PerformanceWarning)``, or ignore it where it does not.

    Examples
    --------
    >>> import math, warnings, numpy as np, fastgrad as fg
    >>> memory = {}
    >>> def slow(x):
    ...     return memory.setdefault(float(x), math.sin(x))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", fg.PerformanceWarning)
    ...     float(abs(fg.derivative(slow, np.array([0.5, 1.0]))[1] - math.cos(1.0))) < 1e-12
    True
    """


def stack_depth() -> int:
    """Count frames from the caller of `warnings.warn` to the first outside the package."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__package__")).partition(".")[0] == _PACKAGE:
        frame, depth = frame.f_back, depth + 1
    return depth


def code_of(f: object) -> CodeType | None:
    """Code that a function shares with others, such as its other closures; None if it has none."""
    return getattr(getattr(f, "func", f), "__code__", None)


def select(operand: Operand, where: Selection | int) -> Operand:
    """Return an argument at some points: items of an array, or the number that is the same for all."""
    return operand[where] if isinstance(operand, np.ndarray) and operand.ndim else operand


def is_library_ufunc(f: object) -> bool:
    """Whether `f` is a ufunc of NumPy or `scipy.special` passed as it is; others may run any code."""
    if type(f) is not np.ufunc:
        return False
    homes = np, sys.modules.get("scipy.special")
    return any(getattr(home, f.__name__, None) is f for home in homes)


def check_callable(f: object) -> None:
    """Raise unless `f` can be called for a number."""
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r:.80}. Pass the function itself, not its value.")
    if inspect.iscoroutinefunction(f):
        raise TypeError(f"`f` must return numbers; got the coroutine {f!r:.80}. Pass lambda x: asyncio.run(f(x)).")


def has_arity(f: object, nargs: int) -> bool:
    """Whether a plain function of positional parameters takes `nargs` arguments; the signatures of others decide."""
    if type(f) is not FunctionType or f.__dict__:
        return False
    code = f.__code__
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE) or code.co_kwonlyargcount:
        return False
    return code.co_argcount - len(f.__defaults__ or ()) <= nargs <= code.co_argcount


def _signature(f: Function) -> inspect.Signature | None:
    """Signature of `f`; None for builtins that have none."""
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):
        return None


def _refusal(signature: inspect.Signature, nargs: int) -> TypeError | None:
    """Return what a call with `nargs` arguments would raise."""
    try:
        signature.bind(*[0.0] * nargs)
    except TypeError as err:
        return err
    return None


def _may_add_arguments(f: Function, nargs: int) -> bool:
    """Whether `f` is a decorator's function that takes `nargs` arguments; it shows the signature of another."""
    is_decorated = type(f) is FunctionType and hasattr(f, "__wrapped__")
    return is_decorated and _refusal(inspect.signature(f, follow_wrapped=False), nargs) is None


def check_call(f: Function, nargs: int, name: str = "f") -> None:
    """Raise unless `f`, which messages call `name`, can be called with `nargs` arguments."""
    if has_arity(f, nargs):
        return
    check_callable(f)
    if isinstance(f, np.ufunc) and f.nin != nargs:  # its signature counts `out` too
        raise TypeError(f"`{name}` must take {nargs} arguments; got {f.__name__} of {f.nin}. Pass one array for each.")
    signature = _signature(f)
    error = None if signature is None else _refusal(signature, nargs)
    if error is not None and not _may_add_arguments(f, nargs):
        raise TypeError(
            f"`{name}` must take {nargs} argument{'s' * (nargs != 1)}, one for each array given; "
            f"got {getattr(f, '__name__', 'f')}{signature} ({error}). Pass as many arrays as it has arguments."
        )


def arguments_of_vector(nargs: int) -> str:
    """Name the arguments of a function of a vector and `nargs` others."""
    return f"the vector and {nargs} more argument{'s' * (nargs != 1)}" if nargs else "the vector alone"


def fills_output(f: Function, nargs: int) -> bool | None:
    """Check that `f` takes a vector and `nargs` more arguments; tell whether it takes an array to fill besides.

    None where only a call tells: an argument more may be one that a decorator adds.
    """
    if has_arity(f, 1 + nargs):
        return False
    check_callable(f)
    if isinstance(getattr(f, "signature", None), str):  # Numba's gufunc shows the function it was made of
        return False
    if (signature := _signature(f)) is None:
        return False
    if _refusal(signature, 1 + nargs) is None:
        return False
    fills = _refusal(signature, 2 + nargs) is None
    if _may_add_arguments(f, 1 + nargs):
        return None if fills else False
    if fills:
        return True
    raise TypeError(
        f"`f` must take {arguments_of_vector(nargs)}; got "
        f"{getattr(f, '__name__', 'f')}{signature}. Pass what else it takes as `args`."
    )
