"""The problem of a check: a function, which derivative of it, the points, and numerical estimates there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._typing import Argument, Array, FloatArray, Function, Mask, Shape
from ..adaptive_rule import adaptive
from ..arguments import argument, argument_index, common_shape, result_kind
from ..array_kinds import MASKED, PLAIN, kinds, unreadable
from ..containers.registry import ContainerArray, Layout, over_containers
from ..differentiation.derivatives import derivative
from ..differentiation.first_derivatives import gradient, jacobian
from ..differentiation.second_derivatives import hessian
from ..estimates import Estimate, Status
from ..evaluation.user_calls import probe

T = TypeVar("T")
S = TypeVar("S", bound=np.generic)

#: For each axis of the points their labels, or None.
AxisLabels = tuple[Array | None, ...]
#: Entries of a derivative: for each argument those of its points, or whole vectors.
Place = tuple[int, Mask] | Mask | np.bool_


def align(args: tuple[ContainerArray, ...]) -> tuple[tuple[ContainerArray, ...], AxisLabels]:
    """Broadcast arguments by their labels: bare arrays, and the labels of their axes."""
    args = tuple(_in_memory(a, f"args[{i}]") for i, a in enumerate(args))
    if all(kinds[type(a)] is PLAIN for a in args):
        return args, ()
    points = {f"args[{i}]": a for i, a in enumerate(args)}
    aligned = over_containers(_broadcast, None, points, {}, Layout(fields=len(args)))
    aligned = aligned if len(args) > 1 else (aligned,)
    arrays = (a if np.ndim(a) == 0 else np.array(b) for a, b in zip(args, aligned, strict=True))
    return tuple(arrays), labels_of(aligned[0])


def labels_of(points: ContainerArray) -> AxisLabels:
    """Return the labels of each axis, None for plain counts; empty for plain arrays."""
    kind = kinds[type(points)]
    if kind not in ("pandas", "xarray"):
        return ()
    axes = points.axes if kind == "pandas" else [points.coords.get(dim) for dim in points.dims]
    labels = [None if a is None or np.array_equal(a, range(len(a))) else np.asarray(a) for a in axes]
    # dates are written as shortly as they can be told apart
    return tuple(np.datetime_as_string(a, unit="auto") if a is not None and a.dtype.kind == "M" else a for a in labels)


def _in_memory(value: ContainerArray, name: str) -> ContainerArray:
    """Compute arrays of Dask; refuse masked arrays."""
    kind = kinds[type(value)]
    if kind == MASKED:
        raise unreadable(value, name)
    return value.compute() if kind in ("dask", "xarray") else value


def _broadcast(_f: None, *arrays: Array) -> Array | tuple[Array, ...]:
    together = np.broadcast_arrays(*arrays)
    return tuple(together) if len(together) > 1 else together[0]


#: Derivatives of functions of a vector.
VECTOR_DERIVATIVES: dict[str, Function] = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}

#: Axes behind those of the batch.
INNER = {"derivative": 0, "gradient": 1, "jacobian": 2, "hessian": 2}

#: Widest relative step of the second estimate: a quarter of the first, hence other windows and other bounds.
NARROW_STEP = 2.0**-5

#: The derivatives from the left and from the right differ when they are this many bounds apart.
SIDES_DIFFER = 4.0

#: Vectors at which results are counted, and how far beside them, relative to their size.
COUNTED = 50
BESIDE = 2.0**-8


def attempt(evaluate: Callable[[], T]) -> T | None:
    """Return the result, or None where a function raises that is called at points that the caller did not pass."""
    with np.errstate(all="ignore"):
        result: T | None = probe(evaluate)[0]
    return result


@dataclass(frozen=True)
class CheckProblem:
    """A function, which derivative of it, and the points."""

    f: Function
    #: A key of `INNER`.
    of: str
    #: For a derivative arrays that broadcast; else the vectors, then further arguments as they came.
    args: tuple[Argument, ...]
    #: The arguments to differentiate in. Where they were a tuple, their derivatives are stacked along a first axis.
    wrt: tuple[int, ...]
    stacked: bool
    #: For each axis of the points their labels, or None; empty without any.
    labels: AxisLabels = ()

    @property
    def entry_labels(self) -> AxisLabels:
        """For each axis of the derivative the labels of its points, or of its coordinates; empty without any."""
        if not any(a is not None for a in self.labels):
            return ()
        if self.of == "derivative":
            return (None,) * self.stacked + self.labels
        *points, own = self.labels
        return (*points, *{"gradient": [own], "jacobian": [None, own], "hessian": [own, own]}[self.of])

    @cached_property
    def batch(self) -> Shape:
        """Shape of the batch."""
        return common_shape(list(self.args)) if self.of == "derivative" else np.shape(self.args[0])[:-1]

    @property
    def inner(self) -> int:
        """Number of axes behind those of the batch."""
        return INNER[self.of]

    @property
    def point_axes(self) -> tuple[int, ...]:
        """Axes of the derivative that count points."""
        return tuple(range(self.stacked, self.stacked + len(self.batch)))

    @property
    def unit(self) -> float:
        """Spacing at 1 of the numbers that the arguments are given in; 0 for float64."""
        dtype = result_kind([self.args[i] for i in self.number_args])
        return 0.0 if dtype == np.float64 else float(np.finfo(dtype).eps)

    @property
    def number_args(self) -> range:
        """Indices of the arguments that are numbers: all of a derivative, the vector otherwise."""
        return range(len(self.args) if self.of == "derivative" else 1)

    @property
    def vectors(self) -> FloatArray:
        """The vectors in float64."""
        return np.asarray(self.args[0], dtype=np.float64)

    def point(self, k: int, multiple: float | FloatArray = 1.0) -> list[Argument]:
        """Return the arguments of `f` at one point, or a multiple of them."""
        if self.of == "derivative":
            return [multiple * np.ravel(a)[k] for a in np.broadcast_arrays(*self.args)]
        x = self.vectors.reshape(-1, self.args[0].shape[-1])[k]
        return [x * multiple, *self.args[1:]]

    def width(self) -> FloatArray:
        """Widest step of the adaptive rule at each entry, up to a small factor; its square for a hessian."""
        if self.of == "derivative":
            wide = [np.maximum(np.abs(np.broadcast_to(self.args[i], self.batch)), 1.0) for i in self.wrt]
            return np.stack(wide) if self.stacked else wide[0]
        size = np.maximum(np.abs(self.vectors), 1.0)
        column = size if self.of == "gradient" else size[..., None, :]
        return column * size[..., None] if self.of == "hessian" else column

    def estimate(self) -> Estimate:
        """Estimate the derivative at all entries."""
        if self.of == "derivative":
            wide = [np.asarray(a, dtype=np.float64) for a in self.args]
            fields = zip(*derivative(self.f, *wide, wrt=self.wrt, full_output=True), strict=True)
            return Estimate(*(np.stack(parts) if self.stacked else np.asarray(parts[0]) for parts in fields))
        return Estimate(*map(np.asarray, self._of_vectors(self.vectors, full_output=True)))

    def compare_sides(self, first: Estimate, where: Mask) -> Estimate:
        """Estimate the entries `where` from either side; they are kinks where the two differ."""
        if self.of == "hessian":  # a kink of `f` is none of its second derivative
            return first
        left, right = (self.estimate_again(first, where, method=adaptive(side=side)) for side in ("left", "right"))
        with np.errstate(all="ignore"):
            error = left.error + right.error
            kink = where & left.success & right.success & (np.abs(right.df - left.df) > SIDES_DIFFER * error)
            mean = left.df + (right.df - left.df) / 2
        new = Estimate(mean, error, np.int8(Status.KINK), False, left.nfev + right.nfev, left.df, right.df)
        return Estimate(*(np.where(kink, there, here) for here, there in zip(first, new, strict=True)))

    def slopes(
        self, where: Mask, shifts: float | FloatArray = 0.0, weights: float | FloatArray = 1.0, **options: Any
    ) -> Array:
        """Estimate the derivative at the entries `where`, by a method; NaN elsewhere.

        Of one number it may be a weighted mean over points moved by `shifts`, in units of their size, at least 1.
        """
        slopes = np.full(where.shape, np.nan)
        for place, there in self._at(where, shifts, **options):
            slopes = slopes.astype(np.result_type(slopes, there), copy=False)
            self._rows(slopes)[place] = np.tensordot(weights, there, np.ndim(weights))
        return slopes

    def steepest_secants(self, where: Mask) -> FloatArray:
        """Return the steeper one of the secants to either side at the entries `where`; elsewhere 0."""
        if not where.any():
            return np.zeros(where.shape)
        sides = [np.abs(self.slopes(where, method=m, rel_step=NARROW_STEP)) for m in ("forward", "backward")]
        return np.where(where, np.fmax(np.fmax(*sides), 0.0), 0.0)

    def require_constant_count(self) -> None:
        """Raise a ValueError where the number of results of `f` changes at or beside a few of the vectors."""
        if self.of != "jacobian":
            return
        size = int(np.prod(self.batch))
        counts: dict[int, FloatArray] = {}
        for k in np.unique(np.linspace(0, size - 1, min(size, COUNTED)).astype(int)):
            x = self.point(k)[0]
            for by in (0.0, BESIDE, -BESIDE):
                there = x + by * np.maximum(np.abs(x), 1.0)
                count = attempt(lambda there=there: np.size(self.f(there.copy(), *self.args[1:])))  # type: ignore[misc]
                if count is not None:
                    counts.setdefault(count, there)
        if len(counts) > 1:
            (first, here), (second, there) = list(counts.items())[:2]
            raise ValueError(
                f"`f` must return as many results at every vector; got {first} at {here.tolist()} and {second} at "
                f"{there.tolist()}. Pad the result."
            )

    def takes_batches(self, rows: list[int]) -> bool:
        """Tell whether `f` itself takes a batch of vectors, and gives at some `rows` what it gives for these alone."""

        def are_alike() -> bool:
            together = np.asarray(self.f(self.vectors, *self.args[1:]))
            alone = np.stack([np.asarray(self.f(*self.point(k))) for k in rows])
            together = together.reshape(-1, *alone.shape[1:])[rows]
            return np.allclose(together, alone, rtol=1e-6, atol=0, equal_nan=True)

        return bool(attempt(are_alike))

    def estimate_again(self, first: Estimate, where: Mask, **options: Any) -> Estimate:
        """Estimate the entries `where` with other options; the others stay as in `first`."""
        fields = [np.array(a) for a in first]
        for place, there in self._at(where, full_output=True, **options):
            for field, values in zip(fields, there, strict=True):
                rows = self._rows(field)
                rows[place] = np.where(self._rows(where)[place], values, rows[place])
        return Estimate(*fields)

    def _at(self, where: Mask, shifts: float | FloatArray = 0.0, **options: Any) -> Iterator[tuple[Place, Any]]:
        """Differentiate at the points of the entries `where`, moved by `shifts`; yield their places and results."""
        if self.of == "derivative":
            whole = [np.ravel(a).astype(np.float64) for a in np.broadcast_arrays(*self.args)]
            for k, here in enumerate(self._rows(where)):
                if here.any():
                    args = [a[here] for a in whole]
                    x = args[self.wrt[k]]
                    args[self.wrt[k]] = x + np.multiply.outer(shifts, np.maximum(np.abs(x), 1.0))
                    yield (k, here), derivative(self.f, *args, wrt=self.wrt[k], **options)
        else:  # a vector with such an entry is differentiated as a whole
            here = where.any(axis=tuple(range(len(self.batch), where.ndim)))
            if here.any():
                yield here, self._of_vectors(self.vectors[here], **options)

    def _rows(self, entries: NDArray[S]) -> NDArray[S]:
        """Give the derivatives in each argument a row."""
        return entries.reshape(len(self.wrt), -1) if self.of == "derivative" else entries

    def _of_vectors(self, x: FloatArray, **options: Any) -> Any:
        return VECTOR_DERIVATIVES[self.of](self.f, x, args=self.args[1:], **options)


def problem(f: Function, of: str, args: tuple[object, ...], wrt: object) -> CheckProblem:
    """Check the arguments of a check and put them together."""
    if of not in INNER:
        words = ", ".join(map(repr, INNER))
        raise ValueError(f'`of` must be one of {words}; got {of!r}. Leave it out for "derivative".')
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `check(f, analytic, x)`.")
    if of == "derivative":
        plain, labels = align(args)
        points = tuple(_real_array(a, f"args[{i}]") for i, a in enumerate(plain))
        stacked = isinstance(wrt, tuple)
        indices = tuple(argument_index(i, len(args)) for i in (wrt if isinstance(wrt, tuple) else (wrt,)))
        result = CheckProblem(f, of, points, indices, stacked, labels)
    else:
        if wrt != 0 or isinstance(wrt, tuple):
            raise ValueError(f"`wrt` must be left out for the {of}, which is taken in the first argument; got {wrt!r}.")
        x = _real_array(args[0], "args[0]")
        if not x.ndim:
            raise ValueError(f"`args[0]` must be an array whose last axis is the vector; got the number {x}.")
        result = CheckProblem(f, of, (x, *args[1:]), (0,), False, labels_of(args[0]))
    if not result.wrt or 0 in result.batch or (of != "derivative" and not result.args[0].shape[-1]):
        shapes = ", ".join(str(np.shape(a)) for a in result.args)
        raise ValueError(f"`args` and `wrt` must name at least one point; got shapes {shapes}. Pass some points.")
    return result


def _real_array(value: object, name: str) -> Array:
    """Copy into a real array; integers and booleans become float64, smaller floats stay."""
    array = np.asarray(argument(value, name))
    return array.astype(array.dtype if array.dtype in (np.float32, np.float16) else np.float64)
