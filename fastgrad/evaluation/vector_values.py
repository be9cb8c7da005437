"""Values of a function of vectors at many vectors: in machine code, or called in blocks or one vector at a time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from time import thread_time
from typing import Any

import numpy as np

from .._typing import Arguments, Array, Selection
from . import trials
from .registry import VectorRecord
from .results import BecameComplex, Form, arrange, as_rows
from .signatures import PerformanceWarning, stack_depth
from .user_calls import OUTSIDE, call
from .vector_machine import LONGEST, Machine, PerVector, Traced

#: Numbers handed to a called function at a time: argument and result stay in the second-level cache.
_NUMBERS = 1 << 16

#: Vectors from which on calling them one by one is worth a warning.
_MANY = 2000


class VectorValues:
    """Values of a function with its further arguments and the `data` that it captures now: an `Evaluator`.

    Its `form` tells the results for vectors of length `dim`, and how it is run.
    """

    def __init__(self, record: VectorRecord, form: Form, dim: int, args: Arguments, data: Sequence[object]) -> None:
        self._record, self.form, self.dim, self.args, self._data = record, form, dim, args, data
        self.outputs, self.result_shape = form.outputs, form.shape
        self._machine: tuple[Traced | PerVector | None, Machine | None] = None, None

    @property
    def kind(self) -> str:
        """Letter of NumPy's type for what the function returns."""
        return self.form.kind

    @property
    def is_compiled(self) -> bool:
        """Whether the function runs as machine code."""
        return self.form.program is not None

    @property
    def machine(self) -> Machine | None:
        """Machine code with the arguments; None if there is none for the data as they are."""
        program = self.form.program
        if self._machine[0] is not program:
            self._machine = program, None if program is None else self.machine_of(program)
        return self._machine[1]

    @property
    def block_machine(self) -> Machine | None:
        """Machine code that goes through blocks of points; None for complex results and for long vectors."""
        return None if self.kind == "D" or self.dim + self.outputs > LONGEST else self.machine

    def machine_of(self, program: Traced | PerVector) -> Machine | None:
        """Give a program the arguments; None if the function is to be traced anew."""
        words = program.words(self.args, self._data)
        return None if words is None else Machine(program, *words)

    def threads(self, workers: int, explicit: bool) -> int:
        """How many threads may be inside `f`, called with many vectors at once; see `Called.threads`."""
        if self.is_compiled:
            return workers
        return workers if explicit and self.form.layout != "single" else 1  # one vector at a time is Python

    def expect(self, count: int) -> None:
        """Warn, once, that so many vectors are going to be given to `f` one at a time."""
        if not self.is_compiled and self.form.layout == "single" and count >= _MANY and not self._record.is_warned:
            self._record.is_warned = True
            warnings.warn(
                f"`{getattr(self._record.f(), '__name__', 'f')}` is called with one vector at a time, which is slow. "
                "Write it so that it takes a batch with the vector on the last axis, or so that Numba can compile it.",
                PerformanceWarning,
                stacklevel=stack_depth(),
            )

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at every row of `x`, complex where it is called: an array of shape (k, outputs) of its own."""
        if (machine := self.machine) is not None:
            return self._in_machine_code(machine, np.ascontiguousarray(x), beside)
        if x.dtype.kind == "c" and self.kind != "D":
            return self._with(kind="D").values(x, index, beside)
        values = self._empty(len(x))
        most = max(1, _NUMBERS // max(x.shape[1], self.outputs, 1))
        for at in self._record.call_size.slices(len(x), most):
            block = self._block(x[at], beside)
            if block.dtype.kind == "c" and self.kind != "D":
                self.form.kind = "D"
                raise BecameComplex
            values[at] = block
        return values

    def _with(self, **changes: Any) -> VectorValues:
        """Return values of the same function in another form."""
        return VectorValues(self._record, replace(self.form, **changes), self.dim, self.args, self._data)

    def _empty(self, count: int) -> Array:
        return np.empty((count, self.outputs), np.complex128 if self.kind == "D" else np.float64)

    def _in_machine_code(self, machine: Machine, x: Array, beside: bool) -> Array:
        values = self._empty(len(x))
        if not machine.rows(x, values) and not machine.is_traced:
            return values
        bad = np.isnan(values).any(axis=1)
        if bad.any():  # as Python `f` says what is wrong
            try:
                apart = self._with(program=None, layout="single").values(x[bad], beside=beside)
            except BecameComplex:
                self.form.program, self.form.layout, self.form.kind = None, "single", "D"
                raise
            values[bad] = np.where(np.isnan(values[bad]), apart, values[bad])  # the others keep their last bits
        return values

    def _block(self, x: Array, beside: bool) -> Array:
        """Call `f` with a few vectors, in its layout or one by one."""
        form = self.form
        if form.layout != "single" and len(x) > 1:
            batch = np.array(x if form.layout == "rows" else x.T)
            returned = call(self._record.f(), batch, *self.args, beside=beside)
            if returned is not OUTSIDE:
                values = arrange(as_rows(returned), len(x), form, form.turned)
                if values is not None:
                    return values
                form.layout = "single"  # what it returns depends on the values: it was not made for batches
        else:
            self.expect(len(x))
        values = self._empty(len(x))
        for i, vector in enumerate(x):
            value: Array = self._record.one(vector, self.args, beside)
            if value is OUTSIDE:
                values[i] = np.nan
                continue
            if value.size != form.outputs:
                raise ValueError(
                    f"`f` must return as many values for every vector; got {value.size} after {form.outputs}. "
                    "Pad the result."
                )
            if value.dtype.kind == "c" and values.dtype.kind != "c":
                return value  # the caller reads only its type
            values[i] = value.reshape(form.outputs)
        return values


class ValuesAtFirst(VectorValues):
    """Values of a function that is called with one vector at a time before it is worth compiling."""

    def expect(self, count: int) -> None:
        """Say nothing: it is compiled when there are many vectors."""

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at every row of `x`."""
        began = thread_time()
        try:
            return super().values(x, index, beside)
        finally:
            trials.VECTORS.spend(self._record.key or b"", thread_time() - began)


class OneOutput:
    """One of several outputs of a function of vectors: an `Evaluator`; it evaluates all of them."""

    outputs, result_shape, block_machine = 1, (), None

    def __init__(self, evaluator: VectorValues, output: int) -> None:
        self._evaluator, self._output, self.dim, self.kind = evaluator, output, evaluator.dim, evaluator.kind
        self.is_compiled, self.threads, self.expect = evaluator.is_compiled, evaluator.threads, evaluator.expect

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at every row of `x`; shape (k, 1)."""
        return self._evaluator.values(x, index, beside)[:, self._output : self._output + 1]
