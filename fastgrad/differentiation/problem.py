"""The problem of a derivative: a function with its arguments, the points, the rule, limits and options, all checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _typing
from .._typing import Arguments, Array, FloatArray, Index, Operand, Selection, Shape
from ..adaptive_rule import Adaptive
from ..arguments import argument, check_vector, checked_bounds, given_step, result_kind, threads
from ..estimates import Estimate, rounded
from ..evaluation.functions import ElementwiseFunction
from ..evaluation.results import BecameComplex
from ..evaluation.signatures import code_of
from ..evaluation.user_calls import add_note_inside
from ..evaluation.vector_functions import VectorFunction, vector_function
from ..evaluation.vector_values import OneOutput, VectorValues
from ..rules.complexstep import ComplexStep, compare_sample
from ..rules.selection import Rule, as_rule, refuse_options

#: Mode of the adaptive rule. Its ufuncs take the largest step and the two bounds after the arguments of `f`.
ADAPTIVE = "adaptive"


#: The derivative, or with `full_output` an estimate.
Derived = Array | Estimate

#: What is stored of a batch: points, and outputs and coordinates of these.
Where = Selection | tuple[Selection | range, ...]

_R = TypeVar("_R")

_NO_VECTORS = np.empty((0, 0))

#: What messages about the number of axes contain.
_DIMENSIONS = re.compile("dimension|unpack")

#: What to tell whose function wants the whole of an array with several axes.
_VECTORS = (
    "`f` is called with vectors of length {}, the last axis of `x`; the axes in front are a batch. For a function of a "
    "matrix pass a tree, `[x]`."
)


class Problem(NamedTuple):
    """A problem for an elementwise function, or for one of vectors: there the points are rows, options like them."""

    f: ElementwiseFunction | VectorFunction
    args: Arguments
    """Of an elementwise function all arguments, else those after the vector."""
    rule: Rule
    mode: str
    """``"auto"``, ``"absolute"`` or ``"relative"`` for the step of a stencil, or `ADAPTIVE`."""
    dtype: DTypeLike
    """Type of real results."""
    workers: int
    has_workers: bool
    """Whether the caller chose the number of threads."""
    wrt: int = 0
    """The argument to differentiate in."""
    step: Operand | None = None
    """The caller's steps, for the adaptive rule the largest ones; of vectors shape (b, d), or (b,) along vectors."""
    low: Array | None = None
    high: Array | None = None
    """Bounds; of vectors shape (b, d)."""
    x: FloatArray = _NO_VECTORS
    """Points of a function of vectors, shape (b, d); NaN where they are outside the bounds."""
    shape: Shape = ()
    """Shape of the caller's vectors."""
    is_relative: bool = False
    """Whether the steps of vectors are relative to the size of the points."""
    output: int | None = None
    """The only output of a function of vectors that is differentiated."""

    # Elementwise functions --------------------------------------------------------------------------------------------

    @property
    def operands(self) -> list[Operand]:
        """Arguments of an elementwise function, and what the ufunc of the rule takes after them."""
        if self.mode != ADAPTIVE:
            return [*self.args] if self.step is None else [*self.args, self.step]
        options = (self.step, math.inf), (self.low, -math.inf), (self.high, math.inf)
        return [*self.args, *(default if value is None else value for value, default in options)]

    @property
    def nargs(self) -> int:
        """How many of the operands are arguments of `f`; the options follow."""
        return len(self.args)

    # Functions of vectors ---------------------------------------------------------------------------------------------

    @property
    def evaluator(self) -> VectorValues | OneOutput:
        """Values of a function of vectors."""
        assert isinstance(self.f, VectorFunction)
        compiled = not isinstance(self.rule, ComplexStep)
        try:
            evaluator = self.f.evaluator(self.x, self.args, self.low, self.high, compiled)
        except (TypeError, ValueError, IndexError) as error:
            if len(self.shape) > 1 and _DIMENSIONS.search(str(error)):
                add_note_inside(code_of(self.f.f()), error, _VECTORS.format(self.shape[-1]))
            raise
        return evaluator if self.output is None else OneOutput(evaluator, self.output)

    @property
    def steps(self) -> FloatArray | None:
        """Absolute steps in all coordinates, or None."""
        step = cast("FloatArray | None", self.step)
        return step * np.maximum(np.abs(self.x), 1.0) if step is not None and self.is_relative else step

    def adaptive(self, n: int = 1) -> Problem:
        """Return the problem for the adaptive rule."""
        return self._replace(rule=Adaptive(n), mode=ADAPTIVE)

    def checked(self, results: Results, again: Callable[[Problem, Index], Derived]) -> Derived:
        """Compare the complex step with the adaptive rule: `again` differentiates at some points of these numbers."""
        if isinstance(self.rule, ComplexStep):
            compare_sample(results.df, self.x, lambda some: cast("Estimate", again(self.at(some).adaptive(), some)))
        return results.whole

    def at(self, points: Selection) -> Problem:
        """Select some of the points."""
        fields = {name: a[points] for name in ("x", "step", "low", "high") if (a := getattr(self, name)) is not None}
        return self._replace(**fields)

    def blocks(self, size: int) -> Iterator[tuple[slice, Problem]]:
        """Split the points into blocks of `size`, at least one."""
        for start in range(0, len(self.x), max(1, size)):
            block = slice(start, start + max(1, size))
            yield block, self.at(block)

    def empty(self, shape: Shape, full_output: bool) -> Results:
        """Allocate the arrays of an estimate, or that of the derivative alone."""
        kinds = kinds_of_fields(self.dtype, self.evaluator.kind if self.x.size else "d", full_output)
        return Results([np.empty(shape, kind) for kind in kinds])


class Results:
    """Arrays to be filled: the fields of an estimate, or the derivative alone."""

    def __init__(self, fields: list[Array]) -> None:
        self.fields = fields

    @property
    def df(self) -> Array:
        """The derivative."""
        return self.fields[0]

    def put(self, index: Where, result: Derived) -> None:
        """Store a derivative, or of an estimate as many fields as there are arrays."""
        parts = result if isinstance(result, Estimate) else (result,)
        for field, values in zip(self.fields, parts[: len(self.fields)], strict=True):
            field[index] = values

    @property
    def whole(self) -> Derived:
        """The estimate, or the derivative."""
        return Estimate(*self.fields) if len(self.fields) > 1 else self.df


def refuse_real(out: Array, result: str) -> None:
    """Raise when complex results are to go into a real array."""
    if result == "D" and out.dtype.kind != "c":
        raise TypeError(f"`out` must be complex because `f` returns complex numbers; got {out.dtype}. Leave it out.")


def with_complex(kind: DTypeLike, result: str) -> DTypeLike:
    """Type of the result array: the complex partner of `kind` when `f` returns complex numbers."""
    return np.result_type(kind, np.complex64) if result == "D" else kind


def kinds_of_fields(kind: DTypeLike, result: str, full_output: bool) -> list[DTypeLike]:
    """Types of the fields of an estimate, or that of the derivative alone."""
    outer = with_complex(kind, result)
    return [outer, kind, np.int8, np.bool_, np.int32, outer, outer] if full_output else [outer]


# Ten parameters: those of the public functions, checked in one place.
def vector_problem(
    f: _typing.Function, x: object, args: object, method: object, step: object, rel_step: object, bounds: object,
    workers: object, full_output: bool, is_along_vectors: bool = False,
) -> Problem:  # fmt: skip
    """Check arguments and options as `gradient` has them; a step is per coordinate, or along a vector."""
    args = args if isinstance(args, tuple) else (args,)
    function = vector_function(f, len(args))
    x = np.asarray(argument(x, "x"))
    check_vector(x)
    rule = as_rule(method)
    points = as_rows(x)
    mode, size = given_step(step, rel_step)
    refuse_options(rule, size, full_output)
    is_relative = mode == "relative"
    if size is not None:
        name, mode = "rel_step" if is_relative else "step", "absolute"
        size = _like(size, x[..., 0], name).ravel() if is_along_vectors else _like(size, x, name)
    if isinstance(rule, Adaptive):
        mode = ADAPTIVE
    low = high = None
    if bounds is not None:
        low, high = (_like(limit, x, f"bounds[{i}]") for i, limit in enumerate(checked_bounds(bounds)))
        outside = ~np.all((points >= low) & (points <= high), axis=1)
        if outside.any():  # `f` is not to be called there
            points = np.where(outside[:, None], np.nan, points)
    return Problem(
        function, args, rule, mode, result_kind([x]), threads(workers), workers is not None, step=size, low=low,
        high=high, x=points, shape=x.shape, is_relative=is_relative,
    )  # fmt: skip


def as_rows(x: Array) -> FloatArray:
    """Return vectors as rows of a contiguous float64 array: the caller's memory where it is one."""
    return np.ascontiguousarray(x, dtype=np.float64).reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _like(value: ArrayLike, x: Array, name: str) -> FloatArray:
    """Broadcast an option with `x`, as rows like the points."""
    try:
        whole = np.broadcast_to(np.asarray(value, dtype=np.float64), x.shape)
        return whole.reshape(math.prod(x.shape[:-1]), *x.shape[-1:])
    except ValueError:
        raise ValueError(
            f"`{name}` must broadcast with `x`; got shape {np.shape(value)} for {x.shape}. "
            "Pass a number, or one for each coordinate."
        ) from None


def broadcast_vectors(x: object, v: object) -> tuple[Array, Array]:
    """Broadcast points and vectors with the same number of coordinates."""
    x, v = (np.asarray(argument(a, name)) for a, name in ((x, "x"), (v, "v")))
    check_vector(x)
    check_vector(v, "v")
    try:
        if x.shape[-1] == v.shape[-1]:
            return np.broadcast_arrays(x, v)  # type: ignore[return-value]
    except ValueError:
        pass
    raise ValueError(
        f"`v` must broadcast with `x`; got shape {v.shape} for {x.shape}. Pass one vector, or one for each point."
    )


def over_fields(f: Callable[[Array], Array], result: Derived) -> Derived:
    """Apply a function to a derivative, or to all fields of an `Estimate`."""
    return Estimate(*map(f, result)) if isinstance(result, Estimate) else f(result)


def reshaped(result: Derived, shape: Shape) -> Derived:
    """Reshape a derivative, or all fields of an `Estimate`."""
    result = over_fields(lambda a: a.reshape(shape)[()], result)
    return rounded(result) if isinstance(result, Estimate) else result


def retry_complex(work: Callable[[], _R]) -> _R:
    """Repeat the work once if `f` begins to return complex numbers; what overflows a small type is infinite there."""
    with np.errstate(over="ignore"):
        try:
            return work()
        except BecameComplex:
            return work()
