"""The analytic derivative: called with copies, in batches or one point at a time, and its rounding measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._signals import hear
from ._problem import Problem

#: The analytic function is evaluated so many ulps away on either side: what it changes by is its rounding.
ULPS = (1, 2, 3, 4)
_SAFETY = 4.0

#: And so far away, relative to the arguments and without regularity: rounding may be periodic.
APART = 2.0**-24 * np.array([1.0, 1.37, 1.91, 2.23, 2.71, 3.14, 3.67, 4.11])
_PARABOLA = np.vander(APART / APART[-1], 3)

#: Relative rounding of functions that compute in float32.
SINGLE = (2.0**-27, 2.0**-20)

#: Points at which a batch is compared with single calls, and how closely.
_COMPARED = 5
_SAME = 1e-6


def _beside(a: Any, ulps: int) -> Any:
    return a + (ulps * np.spacing(a)).astype(a.dtype)


def _scaled(a: Any, by: float) -> Any:
    return (a * (1 + by)).astype(a.dtype)


class Analytic:
    """The analytic function, or its values, at the points of a problem.

    Attributes
    ----------
    values : ndarray
        Its values at the points, of the shape of the numerical derivative.
    first : ndarray or None
        Its values from a first call, with the points in reverse order.
    """

    def __init__(self, source: Any, problem: Problem, shape: tuple[int, ...]) -> None:
        self.source, self.problem, self.shape = source, problem, shape
        self.name = getattr(source, "__name__", "") or type(source).__name__
        self._one_by_one = False
        self.first: Any = None
        if not callable(source):
            self.name = "the values given"
            self.values = self._validated(source)
            return
        self._evaluate()
        if problem.of != "derivative" and not self._one_by_one and self._depends_on_the_batch():
            self._one_by_one = True
            self._evaluate()

    def _evaluate(self) -> None:
        """Evaluate, first with the points in reverse order: values that are kept or mixed up come to light."""
        if any(size > 1 for size in self.problem.batch):
            self.first = self._reversed(self._called([self._reversed_argument(i) for i in range(len(self._args))]))
        self.values = self._called(self._args)

    @property
    def _args(self) -> list[Any]:
        return list(self.problem.args)

    def _reversed_argument(self, i: int) -> Any:
        a = self.problem.args[i]
        if self.problem.of == "derivative":
            return np.flip(a)
        return a if i else np.flip(a, axis=tuple(range(a.ndim - 1)))

    def _reversed(self, values: Any) -> Any:
        first = int(self.problem.stacked)
        return np.flip(values, axis=tuple(range(first, first + len(self.problem.batch))))

    def _depends_on_the_batch(self) -> bool:
        """Tell whether a batch gives other values than its vectors alone, of a shape that fits, and `f` takes none.

        Where `f` takes a batch, the same is asked of its derivative.
        """
        args = self._args
        count = int(np.prod(self.problem.batch))
        rows = sorted({int(k) for k in np.linspace(0, count - 1, _COMPARED)}) if count > 1 else []
        together = self.values.reshape(count, *self.shape[len(self.problem.batch) :])
        for k in rows:
            alone = self._tried(partial(self._at_row, args, k))
            if alone is None:
                return False
            size = np.max(np.abs(alone), initial=0.0, where=np.isfinite(alone))
            with np.errstate(invalid="ignore"):
                same = (np.abs(together[k] - alone) <= _SAME * size) | (together[k] == alone)
            if not (same | np.isnan(alone)).all():
                return not self.problem.takes_batches(rows)
        return False

    def _at_row(self, args: list[Any], k: int) -> Any:
        """Evaluate it at one point alone."""
        return self._validated(self._result(self._rows(args)[k]), one=True)

    def rounding(self) -> Any:
        """Measure the rounding of the values.

        The same formula in longer arithmetic tells it, where the machine has that and the function takes it. Else it is
        what its values beside the points show: how they change from one ulp to the next, and how far they are from a
        parabola further away, for what is rounded in larger units, as ``1 - cos(x)``. The points themselves are left
        out, and there the quieter side counts: a function that is wrong at one number, or beyond it, is not rounded.
        """
        if not callable(self.source):
            return np.zeros(self.shape)
        exact = self._tried(self._in_long_double)
        if exact is not None:
            with np.errstate(all="ignore"):
                off = np.abs(self.values - exact).astype(np.float64)
            return _SAFETY * np.where(np.isfinite(off), off, 0.0)
        return _SAFETY * np.fmax(self._spread(), 2 * self._noise())

    def _spread(self) -> Any:
        """Largest change of the values from one ulp to the next, on the side where it is larger."""
        widest = np.zeros(self.shape)
        with np.errstate(all="ignore"):
            for side in (-1, 1):
                near = [self.at(self._changed(partial(_beside, ulps=side * k))) for k in ULPS]
                if any(values is None for values in near):
                    continue
                spread = np.max(np.abs(np.diff(near, axis=0)), axis=0)
                widest = np.fmax(widest, np.where(np.isfinite(spread), spread, 0.0))
        return widest

    def _noise(self) -> Any:
        """Largest distance of the values from a parabola on either side of the points, the smaller one.

        What is as large as the rounding of float32 counts as a mistake.
        """
        residuals = np.eye(len(APART)) - _PARABOLA @ np.linalg.pinv(_PARABOLA)
        sides = []
        with np.errstate(all="ignore"):
            for way in (-1, 1):
                near = [self.at(self._changed(partial(_scaled, by=way * apart))) for apart in APART]
                if any(values is None for values in near):
                    continue
                sides.append(np.max(np.abs(np.tensordot(residuals, near, 1)), axis=0))
            least = np.fmin.reduce(sides) if sides else np.zeros(self.shape)
            relative = least / np.abs(self.values)
            single = (relative > SINGLE[0]) & (relative < SINGLE[1])
        return np.where(np.isfinite(least) & ~single, least, 0.0)

    def _in_long_double(self) -> Any:
        """Values in longer arithmetic; None where there is none, or the function does not keep to it."""
        if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
            return None
        args = self._changed(lambda a: a.astype(np.longdouble))
        if self._one_by_one:
            rows = [self._result(row) for row in self._rows(args)]
            if any(isinstance(row, tuple) or row.dtype.char not in "gG" for row in rows):
                return None
            return np.stack(rows).reshape(self.shape)
        result = self._result(args)
        parts = list(result) if isinstance(result, tuple) else [result]
        if not all(part.dtype.char in "gG" for part in parts):
            return None
        wide = np.stack(parts) if isinstance(result, tuple) else result
        return wide if wide.shape == self.shape else None

    def _changed(self, change: Callable[[Any], Any]) -> list[Any]:
        """Change the arguments that are numbers of the function."""
        return [change(a) if i in self.problem.number_args else a for i, a in enumerate(self.problem.args)]

    def at(self, args: list[Any]) -> Any:
        """Evaluate it at other arguments of the same shapes; None where it raises."""
        return self._tried(lambda: self._called(args))

    def elsewhere(self, problem: Problem, shape: tuple[int, ...]) -> Any:
        """Evaluate it at the points of another problem; None where it raises."""
        return self._tried(lambda: Analytic(self.source, problem, shape).values)

    def one_by_one(self) -> Any:
        """Evaluate it with one point at a time; None where it does not take that, or was called so anyway."""
        return None if self._one_by_one else self._tried(lambda: self._each(self._args))

    def _tried(self, evaluate: Callable[[], Any]) -> Any:
        """Return the result, or None where the function raises: the caller did not ask for this call."""
        try:
            return evaluate()
        except Exception as raised:
            hear(raised)
            return None

    def _called(self, args: list[Any]) -> Any:
        """Call it with all points, or with one at a time if it takes nothing else, and validate the result."""
        if self._one_by_one:
            return self._each(args)
        try:
            result, copies = self._raw_result(args)
        except (TypeError, ValueError, IndexError, RuntimeError):
            if not self._takes_one(args):
                raise
        else:
            result = self._owned(args, result, copies)
            # a function of one vector makes something of a batch, but not the shape; a function of numbers does not
            fits = self.problem.of == "derivative" or np.shape(result) == self.shape
            if fits or not self._takes_one(args):
                return self._validated(result)
        self._one_by_one = True
        return self._each(args)

    def _each(self, args: list[Any]) -> Any:
        parts = [self._validated(self._result(row), one=True) for row in self._rows(args)]
        return np.stack(parts, axis=int(self.problem.stacked)).reshape(self.shape)

    def _takes_one(self, args: list[Any]) -> bool:
        """Tell whether it can be called with one point; if not, the first exception is the one to show."""
        if not self.problem.batch:
            return False
        return self._tried(partial(self._at_row, args, 0)) is not None

    def _rows(self, args: list[Any]) -> list[list[Any]]:
        if self.problem.of == "derivative":
            flat = [a.ravel() for a in np.broadcast_arrays(*args)]
            return [[a[k] for a in flat] for k in range(flat[0].size)]
        x = args[0].reshape(-1, args[0].shape[-1])
        return [[row, *args[1:]] for row in x]

    def _raw_result(self, args: list[Any]) -> tuple[Any, list[Any]]:
        """Return its result, and the copies of the arguments that it was called with."""
        copies = [a.copy()[()] if isinstance(a, np.ndarray) else a for a in args]
        with np.errstate(all="ignore"):
            return self.source(*copies), copies

    def _result(self, args: list[Any]) -> Any:
        return self._owned(args, *self._raw_result(args))

    def _owned(self, args: list[Any], result: Any, copies: list[Any]) -> Any:
        """Copy a result before anything is compared: it may be one of the arguments, or a buffer used again."""
        if hasattr(result, "toarray"):  # a sparse jacobian
            result = result.toarray()
        several = isinstance(result, tuple) or (self.problem.stacked and isinstance(result, list))
        try:
            result = tuple(map(np.array, result)) if several else np.array(result)
        except ValueError as error:
            raise ValueError(
                f"`analytic` must return one array; {self.name} gives rows of different lengths ({error}). "
                "Make them equal."
            ) from None
        for i, (a, b) in enumerate(zip(args, copies, strict=True)):
            if isinstance(a, np.ndarray) and not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                raise ValueError(
                    f"`analytic` must leave its arguments as they are; {self.name} changes args[{i}]. "
                    "Let it work on a copy."
                )
        return result

    def _validated(self, result: Any, one: bool = False) -> Any:
        """Make one array of a result, for all points or for `one`, and check its type and shape."""
        problem = self.problem
        shape = self.shape[problem.stacked :]
        if one:
            shape = shape[len(problem.batch) :]
        if problem.stacked:
            count = len(result) if isinstance(result, (tuple, list)) or np.ndim(result) else None
            if count != len(problem.wrt):
                got = "one result" if count is None else f"{count} of them"
                raise ValueError(
                    f"`analytic` must return a tuple of {len(problem.wrt)}, one for each of wrt={problem.wrt}; "
                    f"{self.name} gives {got}. Return them in the order of `wrt`."
                )
            return np.stack([self._array(part, shape) for part in result])
        if isinstance(result, tuple) and problem.of == "derivative":
            raise ValueError(
                f"`analytic` must return one array for wrt={problem.wrt[0]}; {self.name} gives a tuple of "
                f"{len(result)}. Pass wrt={tuple(range(len(result)))} to check all of them."
            )
        return self._array(result, shape)

    def _array(self, value: Any, shape: tuple[int, ...]) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc":
            got = "None" if array.dtype == object and not array.ndim and array.item() is None else array.dtype
            raise TypeError(f"`analytic` must return numbers; {self.name} gives {got}. Does it end with `return`?")
        if array.shape != shape and (array.ndim or self.problem.of != "derivative"):
            transposed = shape and array.shape == shape[:-2] + shape[:-3:-1]
            remedy = (
                "It looks transposed." if transposed and self.problem.of == "jacobian" else "Broadcast or reshape it."
            )
            raise ValueError(
                f"`analytic` must return the shape of the {self.problem.of}, {shape}; {self.name} gives {array.shape}. "
                f"{remedy}"
            )
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        return np.array(np.broadcast_to(array, shape), dtype=wide)
