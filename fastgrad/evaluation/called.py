"""Functions called as they are: with arrays of points, with one point at a time, or with one vector at a time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._parallel import CallSize
from .._typing import Arguments, Array, Function, Mask, Operand, Shape
from ..arguments import SeveralResults
from ..compilation.dependencies import weak
from .agreement import differ, mixes, warn
from .results import BecameComplex, as_array, as_row, as_rows, letter_of, numbers
from .signatures import (
    PerformanceWarning,
    arguments_of_vector,
    fills_output,
    is_library_ufunc,
    select,
    stack_depth,
)
from .user_calls import DOMAIN_ERRORS, OUTSIDE, call, probe

#: An elementwise function is tested again in blocks of so many times more points.
_GROWTH = 16

#: Points at which a function that mixes its points differs from one that holds a vector of two numbers.
_SEVEN = 7

_DOUBLE = np.dtype(np.float64)


def argument_kinds(arguments: Sequence[Operand], wrt: int) -> list[DTypeLike]:
    """Types in which `f` gets its arguments: integers and booleans beside the point as such, the rest as float64.

    Integers may be indices or counts, and booleans a choice. Integers get 64 bits: the square of 1500 is no int16.
    """

    def kind(i: int, a: Operand) -> DTypeLike:
        if i == wrt or not isinstance(a, np.ndarray) or a.dtype.kind not in "iub":
            return _DOUBLE
        narrow = a.dtype.kind in "iu" and a.dtype.itemsize < 8
        return np.dtype(np.int64) if narrow else a.dtype.newbyteorder("=")

    return [kind(i, a) for i, a in enumerate(arguments)]


class Called:
    """A function called as it is: with arrays, or `pointwise`; by default a few calls tell. It is not kept alive."""

    is_compiled = False

    def __init__(self, f: Function, pointwise: bool | None = None) -> None:
        self.f = weak(f)
        self.result = "d"
        """Letter of NumPy's type for what `f` returns: ``"d"``, ``"f"`` or ``"D"``."""
        self.serial = bool(pointwise)
        """Whether two threads must not be inside `f` at once."""
        self._pointwise = pointwise
        self._untested = 1  # points of the largest block that needs no test whether `f` mixes them
        self._has_batches = False  # whether it was ever called for more than one point
        self._notice: Callable[[], None] | None = None
        self._size = CallSize()
        self._lock = threading.RLock()  # `f` may differentiate itself

    def close(self) -> None:
        """End a call: nothing is held for it."""

    def threads(self, workers: int, explicit: bool) -> int:
        """How many threads may be inside `f` at once.

        A function may work in memory of its own, where two threads would mix their points. So only ufuncs of NumPy and
        SciPy run on several threads, unless the caller gave `workers`.
        """
        return workers if not self.serial and (explicit or is_library_ufunc(self.f())) else 1

    def evaluate(self, arguments: Sequence[Operand], *, beside: bool = False) -> Array:
        """Evaluate `f` at copies of one-dimensional arrays, which it may overwrite; `f` may reuse its result."""
        values = self.call(_copies(arguments), arguments, beside)
        own = np.empty(max(np.size(a) for a in arguments), np.complex128 if self.result == "D" else np.float64)
        own[...] = values
        return own

    def call(self, copies: Sequence[Operand], arguments: Sequence[Operand], beside: Mask | bool = False) -> Array:
        """Call `f` with `copies` of the arguments; one value may stand for all points.

        `beside`, for all positions or an array, is the policy of `user_calls` for exceptions. A slow function gets a
        part of the points at a time.
        """
        size, parts = max(np.size(a) for a in arguments), []
        if size <= 1 or is_library_ufunc(self.f()):
            return self._call(copies, arguments, beside)
        for at in self._size.slices(size):
            if at == slice(0, size):
                parts.append(self._call(copies, arguments, beside))
                continue
            own, same = ([select(a, at) for a in arrays] for arrays in (copies, arguments))
            values = self._call(own, same, beside if isinstance(beside, bool) else beside[at])
            parts.append(np.array(np.broadcast_to(values, at.stop - at.start)))  # `f` may reuse its result
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _call(self, copies: Sequence[Operand], arguments: Sequence[Operand], beside: Mask | bool) -> Array:
        """Call `f` with all points, or with one after the other."""
        f, size = self.f(), max(np.size(a) for a in arguments)
        values: Array | None = None
        if not self._pointwise:
            test = size > self._untested
            if test:  # reads the arguments after the call, which may have written into them
                copies = _copies(arguments)
            returned = call(f, *copies, beside=beside if isinstance(beside, bool) else bool(np.any(beside)))
            if returned is not OUTSIDE:
                values = numbers(returned)
                if values.shape not in ((size,), ()):
                    raise _wrong_shape(values.shape, size)
                if test:
                    values = values.copy()
                    self._test(arguments, values, size)
                    if self._pointwise:
                        values = None
        if values is None:
            columns = [a if isinstance(a, np.ndarray) and a.ndim else [a] * size for a in arguments]
            rows = zip(np.broadcast_to(beside, size).tolist(), *columns, strict=True)
            values = np.array([_value(call(f, *row, beside=flag)) for flag, *row in rows])
        if values.dtype.kind == "c" and self.result != "D":
            raise BecameComplex
        return values

    def _test(self, arguments: Sequence[Operand], values: Array, size: int) -> None:
        """Call `f` point by point from now on if it mixes its points; tested again when there are many times more."""
        with self._lock:
            if size <= self._untested or self._pointwise:
                return
            mixing = mixes(self.f(), arguments, values)
            if mixing:
                self._pointwise = self.serial = True
                self._give_notice(warn)
            if mixing is not None:
                self._untested = _GROWTH * size

    def prepare(self, arguments: Sequence[Operand], wrt: int) -> None:
        """Compare a call with two points with two calls with one point, and remember how `f` can be called."""
        self._has_batches = self._has_batches or any(np.size(a) > 1 for a in arguments)
        if self._pointwise is None:
            with self._lock, np.errstate(all="ignore"):
                if self._pointwise is None:
                    self._compare(arguments, wrt)
        if self._notice:
            self._give_notice(self._notice)

    def _give_notice(self, notice: Callable[[], None]) -> None:
        """Warn of the way `f` is called, as soon as it is called for more than one point."""
        self._notice = None if self._has_batches else notice
        if self._has_batches:
            notice()

    def _compare(self, arguments: Sequence[Operand], wrt: int) -> None:
        f, kinds = self.f(), argument_kinds(arguments, wrt)
        ends: list[Array | list[Operand]]
        ends = [np.ravel(a)[[0, -1]].astype(k) if np.ndim(a) else [a, a] for a, k in zip(arguments, kinds, strict=True)]
        ends[wrt] = np.array(ends[wrt], dtype=np.float64)

        def one_by_one() -> list[Array]:
            return [as_array(call(f, *row)).copy() for row in zip(*ends, strict=True)]

        both, refusal = self._both(f, ends)
        singles, error = probe(one_by_one)
        if error is None:
            apart = np.array([_value(value) for value in singles])
        elif both is None:
            raise error
        elif both.shape != (2,):
            raise _wrong_shape(both.shape, 2)
        else:
            apart = both  # `f` takes arrays only
        mixing = False
        self._pointwise = True
        if both is not None and both.shape in ((2,), ()):
            self._pointwise = differ(apart, both, lambda: numbers(one_by_one()), both)
            if self._pointwise:  # or it holds a vector of two numbers, and takes one point at a time
                seven = [np.resize(e, _SEVEN) if isinstance(e, np.ndarray) else e[0] for e in ends]
                returned, error = probe(f, *seven)
                mixing = error is None and np.shape(returned) in ((_SEVEN,), ())
                refusal = error or refusal
        self.serial = self.serial or self._pointwise
        self.result = letter_of(apart)
        if mixing:
            self._give_notice(warn)
        elif self._pointwise:
            message = _slow(f, refusal)
            self._give_notice(lambda: warnings.warn(message, PerformanceWarning, stacklevel=stack_depth()))

    def _both(self, f: Function, ends: list[Array | list[Operand]]) -> tuple[Array | None, Exception | None]:
        """Call `f` with two points together, twice: what it returned, or what it raised."""

        def twice() -> Array:
            first, second = (f(*(e.copy() if isinstance(e, np.ndarray) else e[0] for e in ends)) for _ in range(2))
            # A function that hands out the same memory twice cannot be called by two threads at once.
            self.serial = np.may_share_memory(np.asarray(first), np.asarray(second))
            return numbers(second).copy()

        return probe(twice)


def _copies(arguments: Sequence[Operand]) -> list[Operand]:
    return [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]


def _slow(f: Function, refusal: Exception | None) -> str:
    """Say that `f` is called with one point at a time, and why."""
    why = f"it raised {type(refusal).__name__}" if refusal else "it returned another shape"
    return (
        f"`{getattr(f, '__name__', 'f')}` is called with one point at a time ({why} for several), which is slow. Write "
        "it so that it takes arrays, or so that Numba can compile it."
    )


def _value(value: object) -> Operand:
    """Check the value that `f` returned for one point."""
    if value is OUTSIDE:
        return np.nan
    array = numbers(value)
    if array.size != 1:
        raise _wrong_shape(array.shape, 1)
    return array.reshape(())[()]


def _wrong_shape(shape: Shape, size: int) -> ValueError:
    return SeveralResults(
        f"`f` must return one value per point; got shape {shape} for {size} point{'s' * (size != 1)}. "
        "For a function of a vector use `gradient` or `jacobian`."
    )


class RowCall:
    """A function of the caller's as one of a single vector.

    It is called as ``f(x, *args)``; as ``f(x, *args, out)``, if it takes that many arguments; or, if it refuses a
    vector but not a batch of one, with that. It gets copies, because it may write into its argument.
    """

    def __init__(self, f: Function, nargs: int) -> None:
        self.fills = fills_output(f, nargs)
        """Whether it fills an array, of as many results as coordinates; None where the first call tells."""
        self._f = weak(f)
        self.is_batched: bool | None = None
        """Whether it takes batches only, of shape (k, d); None before the first call."""

    def __call__(self, vector: Array, args: Arguments, beside: bool = False) -> Any:
        """Value of `f` at a vector, an array; `OUTSIDE` where its domain ends."""
        if self.fills:
            return self._fill(vector, args, beside)
        if self.is_batched is None:
            return self._first(vector, args, beside)
        value = call(self._f(), (vector[None] if self.is_batched else vector).copy(), *args, beside=beside)
        return value if value is OUTSIDE else as_rows(value)[0] if self.is_batched else as_row(value)

    def _first(self, vector: Array, args: Arguments, beside: bool) -> Any:
        """Call it for the first time, with a vector, or with a batch of one as models of statistics want it."""
        value, error = probe(lambda: as_row(self._f()(vector.copy(), *args)))
        if error is None:
            self.is_batched = self.fills = False
            return value
        if self.fills is None and isinstance(error, TypeError):
            self.fills = True
            return self._fill(vector, args, beside)
        values, refusal = probe(lambda: as_rows(self._f()(vector[None].copy(), *args)))
        if refusal is not None or values.ndim == 0 or len(values) != 1:
            if beside and isinstance(error, DOMAIN_ERRORS):
                return OUTSIDE
            raise error
        self.is_batched = True
        return values[0]

    def _fill(self, vector: Array, args: Arguments, beside: bool) -> Any:
        """Have an array filled."""
        out = np.full(vector.size, np.nan)
        returned = call(self._f(), vector.copy(), *args, out, beside=beside)
        if returned is OUTSIDE:
            return OUTSIDE
        if returned is not None and returned is not out:
            raise TypeError(
                f"`f` must take {arguments_of_vector(len(args))}, or fill one more and return None; got one that takes "
                f"one more and returns a value of type {type(returned).__name__}. Pass the argument in `args`."
            )
        return out
