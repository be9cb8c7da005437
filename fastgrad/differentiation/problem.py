"""Problems of differentiation: a function of vectors, its points as rows, and options that broadcast with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .._parallel import CostEstimate
from ..adaptive_rule import Adaptive
from ..arguments import argument, check_vector, checked_bounds, given_step, result_kind, threads
from ..estimates import Estimate, rounded
from ..evaluation.result_shape import Form
from ..evaluation.results import BecameComplex
from ..evaluation.traced import Lanes
from ..evaluation.vector_functions import VectorFunction, vector_function
from ..evaluation.vector_machine import Machine
from ..rules.complexstep import ComplexStep
from ..rules.selection import Rule, as_rule, refuse_options
from .request import ADAPTIVE


class Question(NamedTuple):
    """A function of vectors with points and options, all checked: the points as rows, the rest broadcast to them."""

    f: VectorFunction | OneOutput
    args: tuple[Any, ...]
    x: Any
    """Points, shape (b, d); NaN where they are outside the bounds."""
    shape: tuple[int, ...]
    """Shape of the caller's points."""
    dtype: Any
    """Type of real results."""
    rule: Rule
    mode: str
    """``"auto"``, ``"absolute"`` where the caller chose a stencil's steps, or that of the adaptive rule."""
    given: Any
    """The caller's steps, for the adaptive rule the largest ones: shape (b, d), or (b,) along vectors."""
    low: Any
    high: Any
    """Bounds, shape (b, d)."""
    workers: int
    asked: bool
    """Whether the caller chose the number of threads."""
    relative: bool
    """Whether the steps are relative to the size of the points."""

    @property
    def form(self) -> Form:
        """Results of `f` at the points: how many, of which type."""
        return self.f.form(self.x, self.args, self.low, self.high)

    def rows(self, vectors: Any, beside: bool) -> Any:
        """Evaluate `f` at every row."""
        return self.f.rows(self.form, vectors, self.args, beside)

    @property
    def machine(self) -> Machine | Lanes | None:
        """The function and its arguments as machine code, if the rule can use that."""
        form = self.form
        if form.kind == "D" or isinstance(self.rule, ComplexStep):
            return None
        return self.f.machine(form, self.x.shape[1], self.args)

    @property
    def steps(self) -> Any:
        """Absolute steps in all coordinates, or None."""
        return self.given * np.maximum(np.abs(self.x), 1.0) if self.relative else self.given

    def output(self, index: int) -> Question:
        """Select one of several outputs."""
        assert isinstance(self.f, VectorFunction)
        return self._replace(f=OneOutput(self.f, self.form, index))

    def at(self, points: Any) -> Question:
        """Select some of the points."""
        fields = {name: a[points] for name in ("x", "given", "low", "high") if (a := getattr(self, name)) is not None}
        return self._replace(**fields)

    @property
    def exactly(self) -> Question:
        """The problem in float64, for intermediate results."""
        return self._replace(dtype=np.dtype(np.float64))

    def parts(self, size: int) -> Iterator[tuple[slice, Question]]:
        """Split the points into blocks of `size`, at least one."""
        for start in range(0, len(self.x), max(1, size)):
            here = slice(start, start + max(1, size))
            yield here, self.at(here)

    def empty(self, shape: tuple[int, ...], bars: bool) -> Results:
        """Allocate the arrays of an estimate, or that of the derivative alone."""
        outer = np.result_type(self.dtype, np.complex64) if self.x.size and self.form.kind == "D" else self.dtype
        kinds = (outer, self.dtype, np.int8, np.bool_, np.int32, outer, outer) if bars else (outer,)
        return Results([np.empty(shape, kind) for kind in kinds])


class OneOutput:
    """One of several outputs of a function of vectors, as a function of its own; it evaluates all of them."""

    def __init__(self, f: VectorFunction, form: Form, output: int) -> None:
        self._f, self._form, self._output = f, form, output

    def form(self, x: Any, args: tuple[Any, ...], *limits: Any, **options: Any) -> Form:
        """Say that there is one number."""
        return replace(self._form, outputs=1, shape=(), scalar=True)

    def rows(self, form: Form, vectors: Any, args: tuple[Any, ...], *policy: Any) -> Any:
        """Evaluate the output at every row."""
        return self._f.rows(self._form, vectors, args, *policy)[:, self._output : self._output + 1]

    def machine(self, form: Form, d: int, args: tuple[Any, ...]) -> None:
        """Say that no machine code has this output alone."""

    def threads(self, form: Form, *options: Any) -> int:
        """How many threads may be inside `f`."""
        return self._f.threads(self._form, *options)

    def cost(self, key: Any) -> CostEstimate:
        """Return what a vector has cost for what `key` stands for."""
        return self._f.cost((key, self._output))

    def expect(self, form: Form, count: int) -> None:
        """Warn that so many vectors are going to be given to `f` one at a time."""
        self._f.expect(self._form, count)


class Results:
    """Arrays of results to be filled: the fields of an estimate, or the derivative alone."""

    def __init__(self, fields: list[Any]) -> None:
        self.fields = fields

    @property
    def df(self) -> Any:
        """The derivative."""
        return self.fields[0]

    def put(self, place: Any, result: Any) -> None:
        """Store a derivative, or of an estimate as many fields as there are arrays."""
        parts = result if isinstance(result, Estimate) else (result,)
        for field, values in zip(self.fields, parts[: len(self.fields)], strict=True):
            field[place] = values

    @property
    def whole(self) -> Any:
        """The estimate, or the derivative."""
        return Estimate(*self.fields) if len(self.fields) > 1 else self.df


def question(
    f: Any, x: Any, args: Any, method: Any, step: Any, rel_step: Any, bounds: Any, workers: Any, full_output: bool,
    whole: bool = False,
) -> Question:  # fmt: skip
    """Check the arguments of all functions of vectors; `whole` where a step is along a vector, not per coordinate."""
    args = args if isinstance(args, tuple) else (args,)
    known = vector_function(f, len(args))
    x = np.asarray(argument(x, "x"))
    check_vector(x)
    rule = as_rule(method)
    points = as_rows(x)
    mode, given = given_step(step, rel_step)
    refuse_options(rule, given, full_output)
    relative = mode == "relative"
    if given is not None:
        name, mode = "rel_step" if relative else "step", "absolute"
        given = _like(given, x[..., 0], name).ravel() if whole else _like(given, x, name)
    if isinstance(rule, Adaptive):
        mode = ADAPTIVE
    low = high = None
    if bounds is not None:
        low, high = (_like(limit, x, f"bounds[{i}]") for i, limit in enumerate(checked_bounds(bounds)))
        outside = ~((points >= low) & (points <= high)).all(axis=1)
        if outside.any():  # `f` is not to be called there
            points = np.where(outside[:, None], np.nan, points)
    kind = result_kind([x])
    count, asked = threads(workers), workers is not None
    return Question(known, args, points, x.shape, kind, rule, mode, given, low, high, count, asked, relative)


def as_rows(x: Any) -> Any:
    """Return vectors as rows of a contiguous float64 array: the caller's memory where it is one."""
    return np.ascontiguousarray(x, dtype=np.float64).reshape(_count(x), x.shape[-1])


def _count(x: Any) -> int:
    """Count the vectors."""
    return math.prod(x.shape[:-1])


def _like(value: Any, x: Any, name: str) -> Any:
    """Broadcast an option with `x`, as rows like the points."""
    try:
        whole = np.broadcast_to(np.asarray(value, dtype=np.float64), x.shape)
        return whole.reshape(_count(x), *x.shape[-1:])
    except ValueError:
        raise ValueError(
            f"`{name}` must broadcast with `x`; got shape {np.shape(value)} for {x.shape}. "
            "Pass a number, or one for each coordinate."
        ) from None


def together(x: Any, v: Any) -> tuple[Any, Any]:
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


def shaped(result: Any, shape: tuple[int, ...]) -> Any:
    """Reshape a derivative, or all fields of an `Estimate`."""
    if isinstance(result, Estimate):
        return rounded(Estimate(*(a.reshape(shape)[()] for a in result)))
    return result.reshape(shape)[()]


def retried(work: Callable[[], Any]) -> Any:
    """Repeat the work once if `f` begins to return complex numbers; what overflows a small type is infinite there."""
    with np.errstate(over="ignore"):
        try:
            return work()
        except BecameComplex:
            return work()
