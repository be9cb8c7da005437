"""How a function that stays as it is can be called: with arrays, or with one point at a time; found out once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._signals import hear
from ..arguments import SeveralResults
from .elementwise_check import differ, mixes, warn
from .request import BEYOND, PerformanceWarning, Request, TurnedComplex, numbers, stack_depth, unmasked, weak

#: A function found elementwise is tested again in blocks of so many times more points.
_GROWTH = 16

#: Points by which a function that mixes its points is told from one that holds a vector of two numbers.
_SEVEN = 7


class Caller:
    """A function, and what is known about calling it.

    Parameters
    ----------
    f : callable
        The function; it is not kept alive.
    pointwise : bool, optional
        Whether it is called with one point at a time; found out if it is not said.
    """

    def __init__(self, f: Callable[..., Any], pointwise: bool | None = None) -> None:
        self.f = weak(f)
        self.result = "d"
        """Letter of NumPy's type for what `f` returns: ``"d"``, ``"f"`` or ``"D"``."""
        self.serial = bool(pointwise)
        """Whether two threads must not be inside `f` at once."""
        self._pointwise = pointwise
        self._met = 1  # points of the largest block that needs no test whether `f` mixes them
        self._many = False  # whether it was ever asked for more than one point
        self._notice: Callable[[], None] | None = None
        self._lock = threading.RLock()  # `f` may differentiate itself

    def evaluate(self, arguments: list[Any], *, lenient: bool = False) -> Any:
        """Evaluate `f` at one-dimensional arrays, into an array of its own: `f` may reuse its buffer.

        `f` gets copies, because one that writes into its arguments must not change the next evaluation. If `lenient`,
        points where it raises as in `BEYOND` are outside its domain: NaN.
        """
        values = self.call([a.copy() if isinstance(a, np.ndarray) else a for a in arguments], arguments, lenient)
        own = np.empty(max(np.size(a) for a in arguments), np.complex128 if self.result == "D" else np.float64)
        own[...] = values
        return own

    def call(self, given: list[Any], arguments: list[Any], lenient: bool = False) -> Any:
        """Call `f` with what is `given` to be overwritten; the values are its own, and one may stand for all points.

        `arguments` are the same, for calls with one point at a time.
        """
        f, size = self.f(), max(np.size(a) for a in arguments)
        values: Any = None
        if not self._pointwise:
            test = size > self._met
            if test:  # reads the arguments after the call, which may have written into them
                given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
            try:
                values = numbers(f(*given))
            except BEYOND:
                if not lenient:
                    raise
            else:
                if values.shape not in ((size,), ()):
                    raise _wrong_shape(values.shape, size)
                if test:
                    values = values.copy()
                    self._test(arguments, values, size)
                    if self._pointwise:
                        values = None
        if values is None:
            columns = [a if isinstance(a, np.ndarray) and a.ndim else [a] * size for a in arguments]
            one = _lenient(f) if lenient else f
            values = np.array([_one_number(one(*row)) for row in zip(*columns, strict=True)])
        if values.dtype.kind == "c" and self.result != "D":
            raise TurnedComplex
        return values

    def _test(self, arguments: list[Any], values: Any, size: int) -> None:
        """Call `f` point by point from now on if it mixes its points; tested again when there are many times more.

        All offsets go into one call, so a running total would not even give the derivative of a running total.
        """
        with self._lock:
            if size <= self._met or self._pointwise:
                return
            mixing = mixes(self.f(), arguments, values)
            if mixing:
                self._pointwise = self.serial = True
                self._tell(warn)
            if mixing is not None:
                self._met = _GROWTH * size

    def find_out(self, request: Request, operands: list[Any]) -> None:
        """Compare a call with two points with two calls with one point, and remember which way `f` can be called."""
        self._many = self._many or any(np.size(a) > 1 for a in operands[: request.arguments(operands)])
        if self._pointwise is None:
            with self._lock, np.errstate(all="ignore"):
                if self._pointwise is None:
                    self._find_out(request, operands)
        if self._notice:
            self._tell(self._notice)

    def _tell(self, notice: Callable[[], None]) -> None:
        """Give notice of the way `f` is called, as soon as it is asked for more than one point."""
        self._notice = None if self._many else notice
        if self._many:
            notice()

    def _find_out(self, request: Request, operands: list[Any]) -> None:
        f, nargs = self.f(), request.arguments(operands)
        arguments, kinds = operands[:nargs], request.kinds(operands)[:nargs]
        ends = [np.ravel(a)[[0, -1]].astype(k) if np.ndim(a) else [a, a] for a, k in zip(arguments, kinds, strict=True)]
        ends[request.wrt] = np.array(ends[request.wrt], dtype=np.float64)

        def one_by_one() -> list[Any]:
            return [np.array(unmasked(f(*row))) for row in zip(*ends, strict=True)]

        together, refusal = self._together(f, ends)
        try:
            values = one_by_one()
        except Exception as raised:
            hear(raised)
            if together is None:
                raise
            if together.shape != (2,):
                raise _wrong_shape(together.shape, 2) from None
            apart = together  # `f` takes arrays only
        else:
            apart = np.array([_one_number(value) for value in values])
        mixing = False
        self._pointwise = True
        if together is not None and together.shape in ((2,), ()):
            self._pointwise = differ(apart, together, lambda: numbers(one_by_one()), together)
            if self._pointwise:  # or it holds a vector of two numbers, and takes one point at a time
                try:
                    many = [np.resize(e, _SEVEN) if isinstance(e, np.ndarray) else e[0] for e in ends]
                    mixing = np.shape(f(*many)) in ((_SEVEN,), ())
                except Exception as raised:
                    hear(raised)
                    refusal = raised
        self.serial = self.serial or self._pointwise
        if apart.dtype.kind == "c":
            self.result = "D"
        elif apart.dtype in (np.float32, np.float16):
            self.result = "f"
        if mixing:
            self._tell(warn)
        elif self._pointwise:
            message = _slow(f, refusal)
            self._tell(lambda: warnings.warn(message, PerformanceWarning, stacklevel=stack_depth()))

    def _together(self, f: Callable[..., Any], ends: list[Any]) -> tuple[Any, Exception | None]:
        """Call `f` with two points at once, twice: what it returned, or what it raised."""
        try:
            first, second = (f(*(e.copy() if isinstance(e, np.ndarray) else e[0] for e in ends)) for _ in range(2))
            together = numbers(second).copy()
            # Whoever hands out the same memory twice cannot be called by two threads at once.
            self.serial = np.may_share_memory(np.asarray(first), np.asarray(second))
        except Exception as raised:  # whatever `f` raises for two points, it may still take one
            hear(raised)
            return None, raised
        return together, None


def _slow(f: Callable[..., Any], refusal: Exception | None) -> str:
    """Say that `f` is called with one point at a time, and why."""
    why = f"it raised {type(refusal).__name__}" if refusal else "it returned another shape"
    return (
        f"`{getattr(f, '__name__', 'f')}` is called with one point at a time ({why} for several), which is slow. Write "
        "it so that it takes arrays, or so that Numba can compile it."
    )


def _lenient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `f` to return NaN where it refuses a point."""

    def one(*row: Any) -> Any:
        try:
            return f(*row)
        except BEYOND:
            return np.nan

    return one


def _one_number(value: Any) -> Any:
    """Check the value that `f` returned for one point."""
    array = numbers(value)
    if array.size != 1:
        raise _wrong_shape(array.shape, 1)
    return array.reshape(())[()]


def _wrong_shape(shape: tuple[int, ...], size: int) -> ValueError:
    return SeveralResults(
        f"`f` must return one value per point; got shape {shape} for {size} point{'s' * (size != 1)}. "
        "For a function of a vector use `gradient` or `jacobian`."
    )
