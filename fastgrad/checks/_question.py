"""The question of a check: which derivative of which function, where; and what the numerical wing answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arguments.operands import argument, argument_index, common_shape, result_kind
from ..curvature import hessian
from ..derivatives import derivative
from ..estimates import Estimate
from ..multivariate import gradient, jacobian
from ._labels import Labels, labels_of, lined_up

#: Derivatives of functions of a vector.
VECTORS: dict[str, Callable[..., Any]] = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}

#: What can be checked.
KINDS = ("derivative", *VECTORS)

#: Widest step of the second estimate, relative to ``max(|x|, 1)``: a quarter of what the first may take, hence other
#: windows and other bars.
NARROW = 2.0**-5


@dataclass(frozen=True)
class Question:
    """One question: the function, what of it, and where.

    Attributes
    ----------
    of : str
        One of `KINDS`.
    wrt : tuple of int
        The arguments that are differentiated in.
    several : bool
        Whether a tuple of results was asked for: they are stacked along a first axis.
    args : tuple of arrays
        For a derivative arrays that broadcast; else the vectors, then further arguments as they came.
    labels : tuple
        For each axis of the points their labels, or None; empty if there are none at all.
    """

    f: Callable[..., Any]
    of: str
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    several: bool
    labels: Labels = ()

    @property
    def labels_of_entries(self) -> Labels:
        """For each axis of the derivative the labels of its points, or of its coordinates; empty without any."""
        if not any(a is not None for a in self.labels):
            return ()
        if self.of == "derivative":
            return (None,) * self.several + self.labels
        *points, own = self.labels
        return (*points, *{"gradient": [own], "jacobian": [None, own], "hessian": [own, own]}[self.of])

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return common_shape(list(self.args)) if self.of == "derivative" else np.shape(self.args[0])[:-1]

    @property
    def unit(self) -> float:
        """Spacing at 1 of the numbers that the arguments are given in; 0 for float64."""
        kind = result_kind([self.args[i] for i in (range(len(self.args)) if self.of == "derivative" else (0,))])
        return 0.0 if kind == np.float64 else float(np.finfo(kind).eps)

    def estimate(self) -> Estimate:
        """Estimate all entries."""
        if self.of == "derivative":
            wide = [np.asarray(a, dtype=np.float64) for a in self.args]
            found = derivative(self.f, *wide, wrt=self.wrt, full_output=True)
            parts = [np.stack(fields) if self.several else fields[0] for fields in zip(*found, strict=True)]
            return Estimate(*map(np.asarray, parts))
        found = self._vectors(np.asarray(self.args[0], dtype=np.float64), full_output=True)
        return Estimate(*map(np.asarray, found))

    def again(self, first: Estimate, where: Any) -> Estimate:
        """Estimate the marked entries with narrower steps; the others stay as they are."""
        fields = [self._rows(np.array(a)) for a in first]
        for place, found in self._asked(where, full_output=True):
            for column, values in zip(fields, found, strict=True):
                column[place] = values
        return Estimate(*(column.reshape(where.shape) for column in fields))

    def secants(self, where: Any) -> Any:
        """Slopes of secants to either side at the marked entries, the steeper one of each pair; elsewhere 0.

        They tell how steep `f` is around a point where its derivative is 0 or nearly so.
        """
        steepest = self._rows(np.zeros(where.shape))
        for side in ("forward", "backward"):
            for place, found in self._asked(where, method=side):
                steepest[place] = np.fmax(steepest[place], np.abs(found))
        return np.where(where, steepest.reshape(where.shape), 0.0)

    def _asked(self, where: Any, **how: Any) -> Iterator[tuple[Any, Any]]:
        """Ask with narrow steps at the marked entries: places among the `_rows`, and what is found there."""
        if self.of == "derivative":
            whole = [np.ravel(a).astype(np.float64) for a in np.broadcast_arrays(*self.args)]
            for k, here in enumerate(self._rows(where)):
                if here.any():
                    points = [a[here] for a in whole]
                    yield (k, here), derivative(self.f, *points, wrt=self.wrt[k], rel_step=NARROW, **how)
        else:  # a vector with a marked entry is asked as a whole
            here = where.any(axis=tuple(range(len(self.batch), where.ndim)))
            yield here, self._vectors(np.asarray(self.args[0], dtype=np.float64)[here], rel_step=NARROW, **how)

    def _rows(self, entries: Any) -> Any:
        """Give the derivatives in each argument a row."""
        return entries.reshape(len(self.wrt), -1) if self.of == "derivative" else entries

    def _vectors(self, x: Any, **how: Any) -> Any:
        return VECTORS[self.of](self.f, x, args=self.args[1:], **how)


def question(f: Callable[..., Any], of: str, args: tuple[Any, ...], wrt: Any) -> Question:
    """Check the arguments and make a question of them."""
    if of not in KINDS:
        words = ", ".join(map(repr, KINDS))
        raise ValueError(f'`of` must be one of {words}; got {of!r}. Leave it out for "derivative".')
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `check(f, analytic, x)`.")
    if of == "derivative":
        plain, labels = lined_up(args)
        given = tuple(_numbers(a, f"args[{i}]") for i, a in enumerate(plain))
        several = isinstance(wrt, tuple)
        indices = tuple(argument_index(i, len(args)) for i in (wrt if several else (wrt,)))
        made = Question(f, of, given, indices, several, labels)
    else:
        if wrt != 0 or isinstance(wrt, tuple):
            raise ValueError(f"`wrt` must be left out for the {of}, which is taken in the first argument; got {wrt!r}.")
        x = _numbers(args[0], "args[0]")
        if not x.ndim:
            raise ValueError(f"`args[0]` must be an array whose last axis is the vector; got the number {x}.")
        made = Question(f, of, (x, *args[1:]), (0,), False, labels_of(args[0]))
    if not made.wrt or 0 in made.batch or (of != "derivative" and not made.args[0].shape[-1]):
        shapes = ", ".join(str(np.shape(a)) for a in made.args)
        raise ValueError(f"`args` and `wrt` must name at least one point; got shapes {shapes}. Pass some points.")
    return made


def _numbers(value: Any, name: str) -> Any:
    """Make a real array of one's own; integers and booleans count as float64, smaller floats stay."""
    array = np.asarray(argument(value, name))
    return array.astype(array.dtype if array.dtype in (np.float32, np.float16) else np.float64)
