"""What is asked of an engine, and what all engines share.

An engine runs a function: `compiled` as machine code, `called` as it is, in the way that `calling` has found out.
`functions` decides once per function which. Both answer the same request: the derivative by a rule at arguments that
broadcast together, into an output array.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from ..adaptive_rule import Adaptive
from ..rules.complexstep import ComplexStep
from ..rules.stencils import Stencil

_PACKAGE = __name__.partition(".")[0]

#: Mode of the adaptive rule: the arguments are followed by the largest step and the two bounds.
ADAPTIVE = "adaptive"


_DOUBLE = np.dtype(np.float64)


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


class TurnedComplex(Exception):
    """A function that had returned real numbers returned complex ones."""


class Request(NamedTuple):
    """What is asked of an engine, besides the points."""

    rule: Stencil | Adaptive | ComplexStep
    wrt: int
    mode: str
    kind: Any = _DOUBLE
    workers: int = 1
    asked: bool = False
    """Whether the caller asked for that many."""

    def arguments(self, operands: list[Any]) -> int:
        """How many of the operands are arguments of `f`."""
        return len(operands) - {"auto": 0, ADAPTIVE: 3}.get(self.mode, 1)

    def kinds(self, operands: list[Any]) -> list[Any]:
        """Types in which the operands are handed out: whole numbers beside the point as such, the rest as float64.

        Whole numbers may be indices or counts, and truths a choice, which a function that is called can take.
        """
        nargs = self.arguments(operands)
        return [_whole(o) if i < nargs and i != self.wrt and _is_whole(o) else _DOUBLE for i, o in enumerate(operands)]


#: What `f` may raise beside a point to say that its domain ends there: a value it cannot take, an index beyond a table.
BEYOND = (ValueError, ArithmeticError, LookupError, AssertionError)


def check_callable(f: Any) -> None:
    """Raise unless `f` can be called for a number."""
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r:.80}. Pass the function itself, not its value.")
    if inspect.iscoroutinefunction(f):
        raise TypeError(f"`f` must return numbers; got the coroutine {f!r:.80}. Pass lambda x: asyncio.run(f(x)).")


def takes(f: Any, nargs: int) -> bool:
    """Whether a plain function of positional parameters takes so many arguments; others have to be asked."""
    if type(f) is not FunctionType or f.__dict__:
        return False
    code = f.__code__
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE) or code.co_kwonlyargcount:
        return False
    return code.co_argcount - len(f.__defaults__ or ()) <= nargs <= code.co_argcount


def weak(f: Any, gone: Callable[[Any], Any] | None = None) -> Callable[[], Any]:
    """Refer to `f` without keeping it alive, nor the data it holds; call `gone` when it is no more.

    Builtins cannot be referred to like this, but live as long as the process.
    """
    try:
        return weakref.ref(f, gone)
    except TypeError:
        return lambda: f


def is_library_ufunc(f: Any) -> bool:
    """Whether `f` is a ufunc of NumPy or `scipy.special` passed as it is; others may run any code."""
    if type(f) is not np.ufunc:
        return False
    homes = np, sys.modules.get("scipy.special")
    return any(getattr(home, f.__name__, None) is f for home in homes)


def refuse_real(out: Any, result: str) -> None:
    """Raise when complex results are to go into a real array."""
    if result == "D" and out.dtype.kind != "c":
        raise TypeError(f"`out` must be complex because `f` returns complex numbers; got {out.dtype}. Leave it out.")


def with_complex(kind: Any, result: str) -> Any:
    """Type of the result array: the complex partner of `kind` when `f` returns complex numbers."""
    return np.result_type(kind, np.complex64) if result == "D" else kind


def _is_whole(operand: Any) -> bool:
    return isinstance(operand, np.ndarray) and operand.dtype.kind in "iub"


def _whole(operand: Any) -> Any:
    """Type for whole numbers, of 64 bits: the square of 1500 is no int16, and machine code has it right, as float64."""
    narrow = operand.dtype.kind in "iu" and operand.dtype.itemsize < 8
    return np.dtype(np.int64) if narrow else operand.dtype.newbyteorder("=")


def stack_depth() -> int:
    """Frames from the caller of `warnings.warn` to the first outside the package."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__package__")).partition(".")[0] == _PACKAGE:
        frame, depth = frame.f_back, depth + 1
    return depth


def numbers(values: Any) -> np.ndarray[Any, Any]:
    """Values that `f` returned, as an array of numbers; those of mpmath, fractions and decimals are converted."""
    array = np.asarray(unmasked(values))
    if array.dtype == object and array.size:
        real = all(hasattr(v, "__float__") for v in array.flat)
        if real or all(hasattr(v, "__float__") or hasattr(v, "__complex__") for v in array.flat):
            try:
                return array.astype(np.float64 if real else np.complex128)
            except (TypeError, ValueError):  # a symbol, a row of another length
                pass
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"`f` must return numbers; got {type(values).__name__} of {array.dtype}. Return an array.")
    return array


def unmasked(values: Any) -> Any:
    """Values that `f` returned, with NaN where it masked them: under a mask lies what is not to be looked at."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "fiubc":
        kind = values.dtype if values.dtype.kind in "fc" else np.float64
        return np.ma.filled(values.astype(kind), np.nan)
    if isinstance(values, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in values):
        return [unmasked(v) for v in values]
    return values
