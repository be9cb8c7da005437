"""The analytic derivative: called with copies of the points, all at once or one at a time, and validated."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._typing import Argument, Array, Shape
from ..evaluation.signatures import check_call
from ._problem import CheckProblem, attempt

#: Points at which a batch is compared with single calls, and how closely.
COMPARED = 5
SAME = 1e-6


class ChangedArguments(ValueError):
    """An analytic function has changed its arguments: no other call of it is tried."""


class Analytic:
    """The analytic function, or its values, at the points of a problem."""

    def __init__(self, source: Any, problem: CheckProblem, shape: Shape) -> None:
        self.source, self.problem, self.shape = source, problem, shape
        self.name = getattr(source, "__name__", "") or type(source).__name__
        #: Whether it takes one point at a time.
        self.is_single = False
        #: Its values from a first call, with the points in reverse order.
        self.first: Array | None = None
        #: Its values at the points, of the shape of the numerical derivative.
        self.values: Array
        if not callable(source):
            self.name = "the values given"
            self.values = self._validated(source)
            return
        self._evaluate()
        if problem.of != "derivative" and not self.is_single and self._depends_on_the_batch():
            self.is_single = True
            self._evaluate()

    def _evaluate(self) -> None:
        """Evaluate, first with the points in reverse order: this shows values that are kept or mixed up."""
        args, is_vector = list(self.problem.args), self.problem.of != "derivative"
        if any(size > 1 for size in self.problem.batch):
            flipped = [np.flip(args[0], axis=tuple(range(args[0].ndim - 1))), *args[1:]] if is_vector else [
                np.flip(a) for a in args]  # fmt: skip
            self.first = np.flip(self._called(flipped), axis=self.problem.point_axes)
        self.values = self._called(args)

    def _depends_on_the_batch(self) -> bool:
        """Tell whether a batch gives other values than its vectors alone, of a shape that fits, and `f` takes none."""
        args = list(self.problem.args)
        count = int(np.prod(self.problem.batch))
        rows = sorted({int(k) for k in np.linspace(0, count - 1, COMPARED)}) if count > 1 else []
        together = self.values.reshape(count, *self.shape[len(self.problem.batch) :])
        for k in rows:
            alone = attempt(partial(self._at_row, args, k))
            if alone is None:
                return False
            size = np.max(np.abs(alone), initial=0.0, where=np.isfinite(alone))
            with np.errstate(invalid="ignore"):
                same = (np.abs(together[k] - alone) <= SAME * size) | (together[k] == alone)
            if not (same | np.isnan(alone)).all():
                return not self.problem.takes_batches(rows)
        return False

    def in_long_double(self) -> Array | None:
        """Evaluate it in longer arithmetic; None where there is none, or the function does not keep to it."""

        def evaluate() -> Array | None:
            args = self.changed(lambda a: a.astype(np.longdouble))
            results = [self._result(row) for row in (self._rows(args) if self.is_single else [args])]
            parts = [np.stack(r) if isinstance(r, tuple) else np.asarray(r) for r in results]
            wide = np.stack(parts, axis=int(self.problem.stacked))
            has_kept = all(part.dtype.char in "gG" for part in parts)
            return wide.reshape(self.shape) if has_kept and wide.size == math.prod(self.shape) else None

        return attempt(evaluate) if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps else None

    def changed(self, change: Callable[[Array], Array]) -> list[Argument]:
        """Change the arguments that are numbers of the function."""
        return [change(a) if i in self.problem.number_args else a for i, a in enumerate(self.problem.args)]

    def at(self, args: list[Argument]) -> Array | None:
        """Evaluate it at other arguments of the same shapes; None where it raises."""
        return attempt(lambda: self._called(args))

    def one_by_one(self) -> Array | None:
        """Evaluate it with one point at a time; None where it does not take that, or was called so anyway."""
        return None if self.is_single else attempt(lambda: self._each(list(self.problem.args)))

    def _called(self, args: list[Argument]) -> Array:
        """Call it with all points, or with one at a time if it takes nothing else, and validate the result."""
        if self.is_single:
            return self._each(args)
        try:
            result = self._result(args)
        except ChangedArguments:
            raise
        except (TypeError, ValueError, IndexError, RuntimeError):
            if not self._takes_one(args):
                raise
        else:
            # a function of one vector makes something of a batch, but not the shape; a function of numbers does not
            fits = self.problem.of == "derivative" or np.shape(result) == self.shape
            if fits or not self._takes_one(args):
                return self._validated(result)
        self.is_single = True
        return self._each(args)

    def _each(self, args: list[Argument]) -> Array:
        parts = [self._validated(self._result(row), one=True) for row in self._rows(args)]
        return np.stack(parts, axis=int(self.problem.stacked)).reshape(self.shape)

    def _at_row(self, args: list[Argument], k: int) -> Array:
        """Evaluate it at one point alone."""
        return self._validated(self._result(self._rows(args)[k]), one=True)

    def _takes_one(self, args: list[Argument]) -> bool:
        """Tell whether it can be called with one point; if not, the first exception is the one to show."""
        return bool(self.problem.batch) and attempt(partial(self._at_row, args, 0)) is not None

    def _rows(self, args: list[Argument]) -> list[list[Argument]]:
        if self.problem.of == "derivative":
            flat = [a.ravel() for a in np.broadcast_arrays(*args)]
            return [[a[k] for a in flat] for k in range(flat[0].size)]
        return [[row, *args[1:]] for row in args[0].reshape(-1, args[0].shape[-1])]

    def _result(self, args: list[Argument]) -> Array | tuple[Array, ...]:
        """Call it with copies; copy its result at once, which may be one of these or a buffer used again."""
        copies = [a.copy()[()] if isinstance(a, np.ndarray) else a for a in args]
        with np.errstate(all="ignore"):
            try:
                result = self.source(*copies)
            except TypeError:
                check_call(self.source, len(copies), "analytic")  # names the arguments that it does not take
                raise
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
                raise ChangedArguments(
                    f"`analytic` must leave its arguments as they are; {self.name} changes args[{i}]. "
                    "Let it work on a copy."
                )
        return result

    def _validated(self, result: Any, one: bool = False) -> Array:
        """Make one array of a result, for all points or for `one`, and check its type and shape."""
        problem = self.problem
        shape = self.shape[problem.stacked :]
        shape = shape[len(problem.batch) :] if one else shape
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

    def _array(self, value: object, shape: Shape) -> Array:
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc":
            got = "None" if array.dtype == object and not array.ndim and array.item() is None else array.dtype
            raise TypeError(f"`analytic` must return numbers; {self.name} gives {got}. Does it end with `return`?")
        if array.shape != shape and (array.ndim or self.problem.of != "derivative"):
            is_transposed = bool(shape) and array.shape == shape[:-2] + shape[:-3:-1] and self.problem.of == "jacobian"
            raise ValueError(
                f"`analytic` must return the shape of the {self.problem.of}, {shape}; {self.name} gives {array.shape}. "
                f"{'It looks transposed.' if is_transposed else 'Broadcast or reshape it.'}"
            )
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        return np.array(array if array.shape == shape else np.broadcast_to(array, shape), dtype=wide)
