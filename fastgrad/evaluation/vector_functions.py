"""Functions of a vector: how each is run, decided once, and their values at many vectors.

A function is written for one vector, or for a batch of them. Its text does not tell which. So it is called with a few
vectors, together and one by one; how many differs from every dimension.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from time import thread_time

import numpy as np

from .._parallel import CostEstimate
from .._typing import Arguments, Array, FloatArray, Function, Index, Shape
from ..compilation.caches import Versions
from ..compilation.captured import CapturedKind
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import quiet
from ..tracing import trace_values
from . import trials
from .agreement import is_close
from .registry import AGREES, VectorRecord, record_of
from .results import Form, VectorLayout, arrange, as_rows, form_of, same, scatter
from .user_calls import probe
from .vector_code import argument_types, machine_code
from .vector_machine import PerVector, Traced
from .vector_values import ValuesAtFirst, VectorValues

#: Vectors at which machine code is compared with Python, besides as many beside them.
_PROBES = 3

#: Programs that one piece of code is traced to before it is compiled as Numba does.
_programs = Versions()


#: Of every coordinate of every vector; None without bounds.
Bound = FloatArray | None

#: Tries to run a function as machine code: given its form, some rows, its value at the first, and further arguments.
Attempt = Callable[[Form, FloatArray, Array, Arguments], bool]


class VectorFunction:
    """One function of the caller's, how it is run, and the values that it captures now."""

    def __init__(self, record: VectorRecord, data: Sequence[object]) -> None:
        self.f = record.f
        self._record, self._one, self._lock, self._data = record, record.one, record.lock, data
        self._shapes = tuple(map(_shape, data))
        self._numbers = [_number(v) for v in data] if data else None
        self._args: Arguments | None = None
        self._evaluators: dict[tuple[int, bool], VectorValues] = {}
        """Evaluators of this call, for the latest arguments."""

    def evaluator(
        self, x: FloatArray, args: Arguments, low: Bound = None, high: Bound = None, compiled: bool = True
    ) -> VectorValues:
        """Return what evaluates `f` at vectors like the rows of `x`; it is not called outside the bounds.

        Raises whatever `f` raises at the first of them. With ``compiled=False`` it is called as it is.
        """
        dim = x.shape[1]
        if args is self._args and (dim, compiled) in self._evaluators:
            return self._evaluators[dim, compiled]
        whole = tuple(a for a in args if isinstance(a, (int, np.integer, np.bool_)))
        key = dim, compiled, argument_types(args), whole, tuple(map(np.shape, args)), self._shapes
        form = self._record.form(key)
        evaluator = None if form is None else self._values(form, dim, args)
        if evaluator is None or not self._is_current(evaluator, x):
            inside = np.isfinite(x).all(axis=1)
            if low is not None and high is not None:
                inside &= ((x >= low) & (x <= high)).all(axis=1)
            with self._lock, np.errstate(all="ignore"):
                if not inside.any():  # only the shape of the result is needed: too little to remember
                    return self._values(form or self._at_no_point(x, args, low, high), dim, args)
                evaluator = self._trial(x[inside], args) if compiled and form is None else None
                if evaluator is not None:
                    return self._remember(evaluator, compiled)
                ways = (self._traces, self._compiles) if compiled else ()
                if form is not None and form.is_traced:  # its program contains data that have changed
                    ways = ways[::-1]
                form = self._choose(x, args, (low, high), np.flatnonzero(inside), ways)
                form.numbers = self._numbers if isinstance(form.program, PerVector) else None
                self._record.remember(key, form)
                evaluator = self._values(form, dim, args)
        return self._remember(evaluator, compiled)

    def _remember(self, evaluator: VectorValues, compiled: bool) -> VectorValues:
        """Remember an evaluator for the arguments that it has."""
        if evaluator.args is not self._args:
            self._args, self._evaluators = evaluator.args, {}
        self._evaluators[evaluator.dim, compiled] = evaluator
        return evaluator

    def _trial(self, x: FloatArray, args: Arguments) -> VectorValues | None:
        """Return what calls the function at a few vectors; None where compiling it pays, or nothing is to compile."""
        key, derivatives, trial = self._record.key, x.size, trials.VECTORS
        if self._record.reading is None or key is None or len(x) > trials.FEW or not trial.allows(key, derivatives):
            return None
        began = thread_time()
        value = self._one(x[0], args)
        if not trial.allows(key, derivatives, thread_time() - began):
            return None
        return ValuesAtFirst(self._record, form_of(value), x.shape[1], args, self._data)

    def cost(self, key: Hashable) -> CostEstimate:
        """Return what a vector has cost for what `key` stands for."""
        return self._record.cost(key)

    def _values(self, form: Form, dim: int, args: Arguments) -> VectorValues:
        return VectorValues(self._record, form, dim, args, self._data)

    def _is_current(self, evaluator: VectorValues, x: FloatArray) -> bool:
        """Whether the function is still of its form: captured numbers may say how many results there are."""
        form, machine = evaluator.form, evaluator.machine
        program = form.program
        if not isinstance(program, PerVector):
            return program is None or machine is not None
        if not program.captured or form.numbers == self._numbers:
            return True
        row = np.ascontiguousarray(x[:1])
        if not len(row) or machine is None or machine.rows(row, program.empty(1)):
            return False
        form.numbers = self._numbers
        return True

    def _at_no_point(self, x: FloatArray, args: Arguments, low: Bound, high: Bound) -> Form:
        """Find out what `f` returns, where no row of `x` may be given to it."""
        ones = np.ones((1, x.shape[1]))
        if low is not None and high is not None and np.size(low):  # without points there are no bounds either
            ones = np.clip(ones, np.broadcast_to(low, x.shape)[:1], np.broadcast_to(high, x.shape)[:1])
        vector = x[0] if len(x) and low is None else ones[0]
        return form_of(self._one(vector, args))

    def _choose(
        self, x: FloatArray, args: Arguments, limits: tuple[Bound, Bound], where: Index, ways: Sequence[Attempt]
    ) -> Form:
        """Make machine code of `f` in one of the `ways`, or call it with some of the rows `where` it may be called."""
        d, (low, high) = x.shape[1], limits
        first = x[where[0]]
        value = self._one(first, args)
        form = form_of(value)
        if d and self._record.reading is not None:
            some = x[where[np.linspace(0, len(where) - 1, _PROBES).astype(int)]]
            if low is None:
                some = np.concatenate([some, scatter(some, 2.0**-7)])
            if any(way(form, some, value, args) for way in ways):
                return form
        if self._one.fills or d == 0:
            return form
        count = next(k for k in range(3, 99) if k not in (d, form.outputs, *form.shape))
        chosen = where[np.linspace(0, len(where) - 1, count).astype(int)]
        chosen[:2] = chosen[1::-1]  # in no order, or who sorts the vectors of a sorted batch is not found out
        for spread in (2.0**-7, 2.0**-20):
            rows = scatter(x[chosen], spread)
            if low is not None and high is not None:
                rows = np.clip(rows, *(np.broadcast_to(b, x.shape)[chosen] for b in (low, high)))
            candidates = self._together(rows, args, form)
            if not candidates:
                return form
            apart, error = probe(lambda: np.array([self._one(row, args).reshape(form.outputs) for row in rows]))  # noqa: B023
            if error is not None:  # the end of the domain: the second spread is shorter
                continue
            for layout, turned, values in candidates:
                if same(values, apart):
                    if np.isfinite(apart).all():
                        form.layout, form.turned = layout, turned
                        return form
                    break
            else:
                return form
        return form

    def _traces(self, form: Form, rows: FloatArray, value: Array, args: Arguments) -> bool:
        """Trace the function, if that can be, and agrees with it as Python at `rows`."""
        reading = self._record.reading
        if form.kind != "d" or reading is None or argument_types(args) is None:
            return False
        way = {"fills": bool(self._one.fills), "batched": bool(self._one.is_batched)}
        try:
            with quiet():  # what NumPy says of arrays of objects
                program = trace_values(reading, self._data, rows.shape[1], args, **way)
        except TypeError:
            return False
        traced = Traced(program)
        if not _programs.admit(self._record.origin, traced.key):
            return False  # whole numbers that it captures or is given make another program every time
        words = traced.words(args, self._data)
        if traced.m != form.outputs or words is None:
            return False
        if not self._equals_python(program.at(rows, words[0]), rows, value, args, 1e-6, strict=True):
            return False
        form.program = traced
        self._record.note(AGREES)
        return True

    def _compiles(self, form: Form, rows: FloatArray, value: Array, args: Arguments) -> bool:
        """Have the function compiled, if that can be, and agrees with it as Python at the first of `rows`."""
        kinds, reading = argument_types(args), self._record.reading
        if reading is None:
            return False
        if kinds is not None and self._agrees(form, rows[:_PROBES], value, args, kinds):
            return True
        if not reading.captured:
            return False
        self._record.read_as_constants()
        self._data = self._record.captured_values() or []
        return self._compiles(form, rows, value, args)

    def _agrees(
        self, form: Form, rows: FloatArray, value: Array, args: Arguments, kinds: tuple[CapturedKind, ...]
    ) -> bool:
        reading = self._record.reading
        assert reading is not None
        try:
            code = machine_code(self.f(), reading, kinds, bool(self._one.fills))
        except Uncompilable:
            return False
        program = PerVector(code, rows.shape[1], form.outputs, tuple(reading.captured))
        rows, values = np.ascontiguousarray(rows), program.empty(len(rows))
        machine = self._values(form, program.d, args).machine_of(program)
        if machine is None or machine.rows(rows[:1], values):
            return False
        machine.rows(rows, values)
        if not self._equals_python(values, rows, value, args, 1e-3):
            return False
        self._record.note(AGREES)
        form.program, form.kind = program, code.result
        return True

    def _equals_python(
        self, values: Array, rows: FloatArray, value: Array, args: Arguments, tolerance: float, strict: bool = False
    ) -> bool:
        """Compare values in machine code with those of Python, which is `value` at the first of `rows`."""
        error = None
        for i, own in enumerate(values):
            if i:
                value, error = probe(self._one, rows[i], args)
            if error is None and not is_close(own, value, tolerance, strict):  # else machine code is NaN or infinite
                return False
        return True

    def _together(self, rows: FloatArray, args: Arguments, form: Form) -> list[tuple[VectorLayout, bool, Array]]:
        """Call `f` with all rows at once, in both layouts; return those that gave a result of a fitting shape."""
        fitting: list[tuple[VectorLayout, bool, Array]] = []
        ways: tuple[tuple[VectorLayout, FloatArray], ...] = (("rows", rows), ("columns", rows.T))
        for layout, vectors in ways:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values, error = probe(lambda: as_rows(self.f()(np.array(vectors), *args)))  # noqa: B023
            if error is not None:  # it may still take one vector
                continue
            for turned in (False, True):
                own = arrange(values, len(rows), form, turned)
                if own is not None:
                    fitting.append((layout, turned, own))
        return fitting


def _number(value: object) -> object:
    """Return a captured value if it may say how many results there are: a count or an end, alone or in an array."""
    if type(value) is np.ndarray:
        return value.tobytes() if value.dtype.kind in "iub" else None
    return tuple(map(_number, value)) if type(value) is tuple else value


def _shape(value: object) -> Shape | tuple[object, ...]:
    """Shape of a captured value."""
    if type(value) is tuple:
        return tuple(map(_shape, value))
    return value.shape if type(value) is np.ndarray else ()


def vector_function(f: Function, nargs: int) -> VectorFunction:
    """Find or make the `VectorFunction` of `f`."""
    return VectorFunction(*record_of(VectorRecord, f, nargs))
