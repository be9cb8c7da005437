"""The analytic side of a check: called with copies, every way it can be, and never trusted with anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._signals import hear
from ._question import Question

#: The analytic function is called again this many ulps away on either side: what it changes by is its rounding.
ULPS = (1, 2, 3, 4)
_SAFETY = 4.0


def _beside(a: Any, ulps: int) -> Any:
    return a + (ulps * np.spacing(a)).astype(a.dtype)


class Analytic:
    """The analytic function, or its values, at the points that are asked for.

    Attributes
    ----------
    values : ndarray
        What it says at the points, of the estimate's shape.
    first : ndarray or None
        What it said when it was called with the points in reverse order, before that.
    """

    def __init__(self, given: Any, asked: Question, shape: tuple[int, ...]) -> None:
        self.given, self.asked, self.shape = given, asked, shape
        self.name = getattr(given, "__name__", "") or type(given).__name__
        self._one_by_one = False
        self.first: Any = None
        if not callable(given):
            self.name = "the values given"
            self.values = self._checked(given)
            return
        # First in reverse order: what it remembers from an earlier call, or takes from a neighbour, comes to light.
        if any(n > 1 for n in asked.batch):
            self.first = self._turned(self._called([self._turned_argument(i) for i in range(len(asked.args))]))
        self.values = self._called(list(asked.args))

    def _turned_argument(self, i: int) -> Any:
        a = self.asked.args[i]
        if self.asked.of == "derivative":
            return np.flip(a)
        return a if i else np.flip(a, axis=tuple(range(a.ndim - 1)))

    def _turned(self, values: Any) -> Any:
        first = int(self.asked.several)
        return np.flip(values, axis=tuple(range(first, first + len(self.asked.batch))))

    def rounding(self) -> Any:
        """Measure what the values owe to rounding.

        The same formula in longer arithmetic tells it exactly, where the machine has that and the function takes it.
        Else it is the spread of the values a few ulps away, on either side. The values themselves are left out of it:
        a function that is wrong at one number, or beyond it, is not rounded.
        """
        if not callable(self.given):
            return np.zeros(self.shape)
        exact = self._in_long_double()
        if exact is not None:
            with np.errstate(all="ignore"):
                found = np.abs(self.values - exact).astype(np.float64)
            return _SAFETY * np.where(np.isfinite(found), found, 0.0)
        found = np.zeros(self.shape)
        with np.errstate(all="ignore"):
            for side in (-1, 1):
                near = [self.tried(self._moved(partial(_beside, ulps=side * k))) for k in ULPS]
                if any(values is None for values in near):
                    continue
                spread = np.max(np.abs(np.diff(near, axis=0)), axis=0)
                found = np.fmax(found, np.where(np.isfinite(spread), spread, 0.0))
        return _SAFETY * found

    def _in_long_double(self) -> Any:
        """Values in longer arithmetic; None where there is none, or the function does not keep to it."""
        if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
            return None
        try:
            result = self._answer(self._moved(lambda a: a.astype(np.longdouble)))
            parts = list(result) if isinstance(result, tuple) else [result]
            if not all(part.dtype.char in "gG" for part in parts):
                return None
            wide = np.stack(parts) if isinstance(result, tuple) else result
        except Exception as raised:  # it was not made for it
            hear(raised)
            return None
        return wide if wide.shape == self.shape else None

    def _moved(self, change: Callable[[Any], Any]) -> list[Any]:
        """Change the arguments that are numbers of the function's."""
        numbers = range(len(self.asked.args)) if self.asked.of == "derivative" else (0,)
        return [change(a) if i in numbers else a for i, a in enumerate(self.asked.args)]

    def tried(self, args: list[Any]) -> Any:
        """Evaluate it at other arguments of the same shapes; None where it was not made for them."""
        try:
            return self._called(args)
        except Exception as raised:  # nobody asked for these points
            hear(raised)
            return None

    def each_alone(self) -> Any:
        """Evaluate it with one point at a time; None where it does not take that."""
        try:
            return None if self._one_by_one else self._each(list(self.asked.args))
        except Exception as raised:  # whatever a function of batches does with one point
            hear(raised)
            return None

    def _called(self, args: list[Any]) -> Any:
        """Call it with all points, or one at a time if it takes nothing else, and check what comes back."""
        if self._one_by_one:
            return self._each(args)
        try:
            told = self._told(args)
        except (TypeError, ValueError, IndexError):
            if not self._takes_one(args):
                raise
        else:
            result = self._own(args, *told)
            # a function of one vector makes something of a batch, but not the shape; a function of numbers does not
            fits = self.asked.of == "derivative" or np.shape(result) == self.shape
            if fits or not self._takes_one(args):
                return self._checked(result)
        self._one_by_one = True
        return self._each(args)

    def _each(self, args: list[Any]) -> Any:
        parts = [self._checked(self._answer(row), one=True) for row in self._rows(args)]
        return np.stack(parts, axis=int(self.asked.several)).reshape(self.shape)

    def _takes_one(self, args: list[Any]) -> bool:
        """Tell whether it can be called with one point; if not, the first exception is the one to show."""
        if not self.asked.batch:
            return False
        try:
            self._checked(self._answer(self._rows(args)[0]), one=True)
        except Exception as raised:  # the one before is the one to show
            hear(raised)
            return False
        return True

    def _rows(self, args: list[Any]) -> list[list[Any]]:
        if self.asked.of == "derivative":
            flat = [a.ravel() for a in np.broadcast_arrays(*args)]
            return [[a[k] for a in flat] for k in range(flat[0].size)]
        x = args[0].reshape(-1, args[0].shape[-1])
        return [[row, *args[1:]] for row in x]

    def _told(self, args: list[Any]) -> tuple[Any, list[Any]]:
        """Return what it says, and the copies of the arguments that it was given."""
        given = [a.copy()[()] if isinstance(a, np.ndarray) else a for a in args]
        with np.errstate(all="ignore"):
            return self.given(*given), given

    def _own(self, args: list[Any], result: Any, given: list[Any]) -> Any:
        """Copy a result before anything is compared: it may be one of the arguments, or a buffer used again."""
        if hasattr(result, "toarray"):  # a sparse jacobian
            result = result.toarray()
        several = isinstance(result, tuple) or (self.asked.several and isinstance(result, list))
        try:
            result = tuple(map(np.array, result)) if several else np.array(result)
        except ValueError as problem:
            raise ValueError(
                f"`analytic` must return one array; {self.name} gives rows of different lengths ({problem}). "
                "Make them equal."
            ) from None
        for i, (a, b) in enumerate(zip(args, given, strict=True)):
            if isinstance(a, np.ndarray) and not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                raise ValueError(
                    f"`analytic` must leave its arguments as they are; {self.name} changes args[{i}]. "
                    "Let it work on a copy."
                )
        return result

    def _answer(self, args: list[Any]) -> Any:
        return self._own(args, *self._told(args))

    def _checked(self, result: Any, one: bool = False) -> Any:
        """Make one array of the result, and check its type and shape."""
        asked = self.asked
        first = int(asked.several)
        shape = self.shape[first:]
        if one:
            shape = shape[len(asked.batch) :]
        if asked.several:
            count = len(result) if isinstance(result, (tuple, list)) or np.ndim(result) else None
            if count != len(asked.wrt):
                got = "one result" if count is None else f"{count} of them"
                raise ValueError(
                    f"`analytic` must return a tuple of {len(asked.wrt)}, one for each of wrt={asked.wrt}; "
                    f"{self.name} gives {got}. Return them in the order of `wrt`."
                )
            return np.stack([self._array(part, shape) for part in result])
        if isinstance(result, tuple) and asked.of == "derivative":
            raise ValueError(
                f"`analytic` must return one array for wrt={asked.wrt[0]}; {self.name} gives a tuple of {len(result)}. "
                f"Pass wrt={tuple(range(len(result)))} to check all of them."
            )
        return self._array(result, shape)

    def _array(self, value: Any, shape: tuple[int, ...]) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc":
            got = "None" if array.dtype == object and not array.ndim and array.item() is None else array.dtype
            raise TypeError(f"`analytic` must return numbers; {self.name} gives {got}. Does it end with `return`?")
        if array.shape != shape and (array.ndim or self.asked.of != "derivative"):
            turned = shape and array.shape == shape[:-2] + shape[:-3:-1]
            remedy = "It looks transposed." if turned and self.asked.of == "jacobian" else "Broadcast or reshape it."
            raise ValueError(
                f"`analytic` must return the shape of the {self.asked.of}, {shape}; {self.name} gives {array.shape}. "
                f"{remedy}"
            )
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        return np.array(np.broadcast_to(array, shape), dtype=wide)
