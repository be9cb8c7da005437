"""What a check compares with: the function, the points, and numerical estimates of the derivative there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._signals import hear
from ..adaptive_rule import adaptive
from ..arguments import argument, argument_index, common_shape, result_kind
from ..differentiation.derivatives import derivative
from ..differentiation.first_derivatives import gradient, jacobian
from ..differentiation.second_derivatives import hessian
from ..estimates import Estimate, Status
from ._labels import Labels, align, labels_of

#: Derivatives of functions of a vector.
VECTOR_DERIVATIVES: dict[str, Callable[..., Any]] = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian}

#: What can be checked.
KINDS = ("derivative", *VECTOR_DERIVATIVES)

#: Widest relative step of the second estimate: a quarter of the first, hence other windows and other bounds.
NARROW_STEP = 2.0**-5

#: The derivatives from the left and from the right differ when they are this many bounds apart.
SIDES_DIFFER = 4.0

#: Multiples of points at which `f` is evaluated for its scale (0 for signs in turn), and the most points for that.
FACTORS = (1.0, 0.5, 2.0, -1.0, 0.0)
SCALED = 200

#: Relative steps over which `f` may depart from a line by so many units of its rounding, and wider ones.
SMALL_STEPS = tuple(2.0**-k for k in range(18, 53, 4))
WIDE_STEPS = (2.0**-8, 2.0**-12, 2.0**-16, 2.0**-20)
UNITS = 16.0

#: Vectors at which results are counted, and how far beside them, relative to their size.
COUNTED = 50
BESIDE = 2.0**-8

#: Relative moves of the points, in ulps, that show the rounding of what `f` computes inside, and a farther one.
MOVES, FAR = (3, -5), 1021


@dataclass(frozen=True)
class Problem:
    """A function, which derivative of it, and the points.

    Attributes
    ----------
    of : str
        One of `KINDS`.
    wrt : tuple of int
        The arguments to differentiate in.
    stacked : bool
        Whether `wrt` was a tuple: its derivatives are stacked along a first axis.
    args : tuple of arrays
        For a derivative arrays that broadcast; else the vectors, then further arguments as they came.
    labels : tuple
        For each axis of the points their labels, or None; empty without any.
    """

    f: Callable[..., Any]
    of: str
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    stacked: bool
    labels: Labels = ()

    @property
    def entry_labels(self) -> Labels:
        """For each axis of the derivative the labels of its points, or of its coordinates; empty without any."""
        if not any(a is not None for a in self.labels):
            return ()
        if self.of == "derivative":
            return (None,) * self.stacked + self.labels
        *points, own = self.labels
        return (*points, *{"gradient": [own], "jacobian": [None, own], "hessian": [own, own]}[self.of])

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return common_shape(list(self.args)) if self.of == "derivative" else np.shape(self.args[0])[:-1]

    @property
    def unit(self) -> float:
        """Spacing at 1 of the numbers that the arguments are given in; 0 for float64."""
        dtype = result_kind([self.args[i] for i in self.number_args])
        return 0.0 if dtype == np.float64 else float(np.finfo(dtype).eps)

    @property
    def number_args(self) -> range:
        """Indices of the arguments that are numbers: all of a derivative, the vector otherwise."""
        return range(len(self.args) if self.of == "derivative" else 1)

    def estimate(self) -> Estimate:
        """Estimate the derivative at all entries."""
        if self.of == "derivative":
            wide = [np.asarray(a, dtype=np.float64) for a in self.args]
            fields = zip(*derivative(self.f, *wide, wrt=self.wrt, full_output=True), strict=True)
            return Estimate(*(np.stack(parts) if self.stacked else np.asarray(parts[0]) for parts in fields))
        return Estimate(*map(np.asarray, self._of_vectors(self._vectors, full_output=True)))

    def estimate_again(self, first: Estimate, where: Any) -> Estimate:
        """Estimate the entries `where` with narrower steps; the others stay as in `first`."""
        return Estimate(*self._replaced(first, where, rel_step=NARROW_STEP, full_output=True))

    def compare_sides(self, first: Estimate, where: Any) -> Estimate:
        """Estimate the entries `where` from either side; they are kinks where the two differ.

        Hessians stay as they are: a kink of `f` is none of its second derivative.
        """
        if self.of == "hessian" or not where.any():
            return first
        left, right = (
            Estimate(*self._replaced(first, where, method=adaptive(side=side), full_output=True))
            for side in ("left", "right")
        )
        with np.errstate(all="ignore"):
            error = left.error + right.error
            kink = where & left.success & right.success & (np.abs(right.df - left.df) > SIDES_DIFFER * error)
            mean = left.df + (right.df - left.df) / 2
        new = Estimate(mean, error, np.int8(Status.KINK), False, left.nfev + right.nfev, left.df, right.df)
        return Estimate(*(np.where(kink, there, here) for here, there in zip(first, new, strict=True)))

    def scatter(self, first: Estimate, where: Any) -> Any:
        """How much the entries `where` change when the points move by a few ulps; elsewhere 0.

        The derivative itself changes in proportion to the move, and the other way for the opposite one. What else
        changes is the rounding of what `f` computes inside, which can be smooth along one coordinate and invisible to a
        bound: ``u * s @ vt`` of a singular value decomposition.
        """
        change = {}
        for ulps in (*MOVES, FAR, -FAR):
            there = self._replaced(first, where, ulps=ulps, full_output=True)
            with np.errstate(all="ignore"):
                change[ulps] = np.where(where, there[0] - first.df, 0.0)
        in_proportion = np.abs(change[FAR] - change[-FAR]) / (2 * FAR)
        widest = np.abs(change[FAR] + change[-FAR]) / 2
        for ulps in MOVES:
            widest = np.fmax(widest, np.abs(change[ulps]) - abs(ulps) * in_proportion)
        return widest

    def follows_rounding(self, slopes: Any, numerical: Estimate, scale: float, where: Any) -> Any:
        """Mark the entries `where` at which the estimate follows the rounding of `f`, and `slopes` do not.

        A function that is rounded in units of `scale` may have slopes of its own within a few units, over steps that
        are as small: ``u * s @ vt`` at matrices with zeros. There it departs from a line with the right slope by no
        more than its rounding at any small step, and all wide steps contradict the estimate.
        """
        if self.of not in ("gradient", "jacobian") or not where.any():
            return np.zeros(where.shape, bool)
        width, departure, contradicts = self.width(), np.zeros(where.shape), np.zeros(where.shape, int)
        with np.errstate(all="ignore"):
            for step in (*WIDE_STEPS, *SMALL_STEPS):
                off = np.full(where.shape, np.nan)
                rows = self._rows(off)
                for place, there in self._at(where, method="central", rel_step=step):
                    rows[place] = there - self._rows(slopes)[place]
                if step in WIDE_STEPS:
                    contradicts += np.abs(numerical.df - slopes - off) >= np.abs(numerical.df - slopes) / 2
                else:
                    departure = np.maximum(departure, np.abs(off) * step * width)
            rounding = UNITS * np.finfo(np.float64).eps * scale
        return where & (departure <= rounding) & (contradicts == len(WIDE_STEPS))

    def secant_slopes(self, where: Any) -> Any:
        """Slopes of secants to either side at the entries `where`, the steeper one of each pair; elsewhere 0.

        They tell how steep `f` is around a point where its derivative is 0 or nearly so.
        """
        steepest = np.zeros(where.shape)
        if where.any():
            for side in ("forward", "backward"):
                rows = self._rows(steepest)
                for place, slopes in self._at(where, method=side, rel_step=NARROW_STEP):
                    rows[place] = np.fmax(rows[place], np.abs(slopes))
        return np.where(where, steepest, 0.0)

    def require_constant_count(self) -> None:
        """Raise a ValueError where the number of results of `f` changes at or beside a few of the vectors.

        Compiled code has no result there, and neither has the estimate.
        """
        if self.of != "jacobian":
            return
        vectors = self._vectors.reshape(-1, self.args[0].shape[-1])
        rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), COUNTED)).astype(int))
        counts: dict[int, Any] = {}
        for x in vectors[rows]:
            for by in (0.0, BESIDE, -BESIDE):
                there = x + by * np.maximum(np.abs(x), 1.0)
                try:
                    with np.errstate(all="ignore"):
                        counts.setdefault(np.size(self.f(there.copy(), *self.args[1:])), there)
                except Exception as raised:
                    hear(raised)
        if len(counts) > 1:
            (first, here), (second, there) = list(counts.items())[:2]
            raise ValueError(
                f"`f` must return as many results at every vector; got {first} at {here.tolist()} and {second} at "
                f"{there.tolist()}. Pad the result."
            )

    def value_scale(self) -> float:
        """Largest absolute value of `f` at the points, at half and twice their size, and with other signs.

        What `f` computes inside is rounded in units of these, also where its value happens to be 0.
        """
        count = int(np.prod(self.batch))
        rows = np.unique(np.linspace(0, count - 1, min(count, SCALED)).astype(int))
        return max(self._largest_value(rows, factor) for factor in FACTORS)

    def _largest_value(self, rows: Any, factor: float) -> float:
        """Largest absolute value of `f` at some points multiplied by a factor; 0 where it raises or is not finite."""
        flat = [np.ravel(a) for a in np.broadcast_arrays(*self.args)] if self.of == "derivative" else []
        vectors = self._vectors.reshape(-1, np.shape(self.args[0])[-1]) if not flat else np.empty((0, 0))
        signs = np.where(np.arange(vectors.shape[-1]) % 2, -1.0, 1.0)
        largest = 0.0
        for row in rows:
            x = [factor * a[row] for a in flat] or [vectors[row] * (factor or signs), *self.args[1:]]
            try:
                with np.errstate(all="ignore"):
                    values = np.abs(np.asarray(self.f(*x)))
                largest = max(largest, float(np.max(values, initial=0.0, where=np.isfinite(values))))
            except Exception as raised:
                hear(raised)
        return largest

    def width(self) -> Any:
        """Widest step of the adaptive rule at each entry, up to a small factor; its square for a hessian."""
        if self.of == "derivative":
            wide = [np.maximum(np.abs(np.broadcast_to(self.args[i], self.batch)), 1.0) for i in self.wrt]
            return np.stack(wide) if self.stacked else wide[0]
        size = np.maximum(np.abs(self._vectors), 1.0)
        return {"gradient": size, "jacobian": size[..., None, :], "hessian": size[..., None, :] * size[..., None]}[
            self.of
        ]

    def takes_batches(self, rows: list[int]) -> bool:
        """Tell whether `f` itself takes a batch of vectors, and gives at some `rows` what it gives for these alone."""
        x = self._vectors.reshape(-1, self.args[0].shape[-1])
        try:
            with np.errstate(all="ignore"):
                together = np.asarray(self.f(self._vectors.copy(), *self.args[1:]))
                alone = np.stack([np.asarray(self.f(x[k].copy(), *self.args[1:])) for k in rows])
            together = together.reshape(len(x), *alone.shape[1:])[rows]
        except Exception as raised:
            hear(raised)
            return False
        return bool(np.allclose(together, alone, rtol=1e-6, atol=0, equal_nan=True))

    def _replaced(self, first: Estimate, where: Any, **options: Any) -> list[Any]:
        """Return the fields of `first` with the entries `where` estimated anew."""
        fields = [np.array(a) for a in first]
        for place, there in self._at(where, **options):
            for field, values in zip(fields, there, strict=True):
                rows = self._rows(field)
                rows[place] = np.where(self._rows(where)[place], values, rows[place])
        return fields

    def _at(self, where: Any, ulps: int = 0, **options: Any) -> Iterator[tuple[Any, Any]]:
        """Differentiate at the points of the entries `where`, moved by `ulps`; yield their places and results."""
        if self.of == "derivative":
            whole = [_moved(np.ravel(a).astype(np.float64), ulps) for a in np.broadcast_arrays(*self.args)]
            for k, here in enumerate(self._rows(where)):
                if here.any():
                    yield (k, here), derivative(self.f, *[a[here] for a in whole], wrt=self.wrt[k], **options)
        else:  # a vector with such an entry is differentiated as a whole
            here = where.any(axis=tuple(range(len(self.batch), where.ndim)))
            if here.any():
                yield here, self._of_vectors(_moved(self._vectors[here], ulps), **options)

    def _rows(self, entries: Any) -> Any:
        """Give the derivatives in each argument a row."""
        return entries.reshape(len(self.wrt), -1) if self.of == "derivative" else entries

    @property
    def _vectors(self) -> Any:
        return np.asarray(self.args[0], dtype=np.float64)

    def _of_vectors(self, x: Any, **options: Any) -> Any:
        return VECTOR_DERIVATIVES[self.of](self.f, x, args=self.args[1:], **options)


def _moved(x: Any, ulps: int) -> Any:
    """Move numbers by so many ulps, every other one the other way; zeros by ulps of the least number beside them."""
    if not ulps:
        return x
    sizes = np.where(x == 0, np.inf, np.abs(x))
    least = np.min(sizes, axis=-1, keepdims=True, initial=np.inf)
    unit = np.spacing(np.where(x == 0, np.where(np.isfinite(least), least, 0.0), np.abs(x)))
    ways = np.where(np.arange(x.shape[-1]) % 2, -ulps, ulps)
    return np.where(np.isfinite(x), x + ways * unit, x)


def problem(f: Callable[..., Any], of: str, args: tuple[Any, ...], wrt: Any) -> Problem:
    """Check the arguments of a check and put them together."""
    if of not in KINDS:
        words = ", ".join(map(repr, KINDS))
        raise ValueError(f'`of` must be one of {words}; got {of!r}. Leave it out for "derivative".')
    if not args:
        raise TypeError("`args` must hold the points; got none. Call `check(f, analytic, x)`.")
    if of == "derivative":
        plain, labels = align(args)
        points = tuple(_real_array(a, f"args[{i}]") for i, a in enumerate(plain))
        stacked = isinstance(wrt, tuple)
        indices = tuple(argument_index(i, len(args)) for i in (wrt if stacked else (wrt,)))
        result = Problem(f, of, points, indices, stacked, labels)
    else:
        if wrt != 0 or isinstance(wrt, tuple):
            raise ValueError(f"`wrt` must be left out for the {of}, which is taken in the first argument; got {wrt!r}.")
        x = _real_array(args[0], "args[0]")
        if not x.ndim:
            raise ValueError(f"`args[0]` must be an array whose last axis is the vector; got the number {x}.")
        result = Problem(f, of, (x, *args[1:]), (0,), False, labels_of(args[0]))
    if not result.wrt or 0 in result.batch or (of != "derivative" and not result.args[0].shape[-1]):
        shapes = ", ".join(str(np.shape(a)) for a in result.args)
        raise ValueError(f"`args` and `wrt` must name at least one point; got shapes {shapes}. Pass some points.")
    return result


def _real_array(value: Any, name: str) -> Any:
    """Copy into a real array; integers and booleans become float64, smaller floats stay."""
    array = np.asarray(argument(value, name))
    return array.astype(array.dtype if array.dtype in (np.float32, np.float16) else np.float64)
