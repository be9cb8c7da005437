"""Functions of a vector: how each is run, decided once, and their values at many vectors.

A function is written for one vector, or for a batch of them. Its text does not tell which. So it is called with a few
vectors, together and one by one; how many differs from every dimension.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .._parallel import CostEstimate
from ..compilation.caches import clearable
from ..compilation.kernels import quiet
from ..compilation.operators import Uncompilable
from ..tracing import trace_values
from .agreement import is_close
from .registry import known
from .result_shape import Form, Layout, arranged, form_of, same, scattered
from .results import BecameComplex, stacked
from .signatures import PerformanceWarning, stack_depth
from .traced import Lanes, Traced
from .user_calls import OUTSIDE, call, probe
from .vector_code import argument_types, machine_code
from .vector_machine import Machine
from .vector_registry import VectorKnown

#: Numbers handed to a called function at a time: argument and result stay in the second-level cache.
_NUMBERS = 1 << 16

#: Vectors from which on calling them one by one is worth a warning.
_MANY = 2000

#: Vectors at which machine code is compared with Python, besides as many beside them.
_PROBES = 3

#: Programs that one piece of code is traced to before it is compiled as Numba does.
_PROGRAMS = 16
_programs: WeakKeyDictionary[Any, set[bytes]] = clearable(WeakKeyDictionary())


class VectorFunction:
    """One function of the caller's, how it is run, and the values that it captures now."""

    def __init__(self, known: VectorKnown, data: list[Any]) -> None:
        self.f = known.f
        self._known, self._one, self._lock, self._data = known, known.one, known.lock, data
        self._shapes = tuple(map(_shape, data))
        self._numbers = [_number(v) for v in data] if data else None
        self._args: Any = None
        self._seen: dict[tuple[int, bool], Form] = {}
        """Forms of this call, for the latest arguments."""
        self._machine: tuple[Any, Any, Machine | Lanes | None] | None = None

    def form(
        self, x: Any, args: tuple[Any, ...], low: Any = None, high: Any = None, compiled: bool = True
    ) -> Form:
        """Find out, or remember, what `f` makes of vectors like the rows of `x`; it is not called outside the bounds.

        Raises whatever `f` raises at the first of them. With ``compiled=False`` it is called as it is.
        """
        if args is self._args and (x.shape[1], compiled) in self._seen:
            return self._seen[x.shape[1], compiled]
        whole = tuple(a for a in args if isinstance(a, (int, np.integer, np.bool_)))
        key = x.shape[1], compiled, argument_types(args), whole, tuple(map(np.shape, args)), self._shapes
        known = self._known.form(key)
        if known is None or not self._still(known, x, args):
            inside = np.isfinite(x).all(axis=1)
            if low is not None:
                inside &= ((x >= low) & (x <= high)).all(axis=1)
            with self._lock, np.errstate(all="ignore"):
                if not inside.any():  # only the shape of the result is needed: too little to remember
                    return known or self._at_no_point(x, args, low, high)
                ways = (self._traces, self._compiled) if compiled else ()
                if known is not None and known.traced is not None:  # its program contains data that have changed
                    ways = ways[::-1]
                known = self._find_out(x, args, (low, high), np.flatnonzero(inside), ways)
                known.numbers = self._numbers if known.captured else None
                self._known.remember(key, known)
        if args is not self._args:
            self._args, self._seen = args, {}
        self._seen[x.shape[1], compiled] = known
        return known

    def _still(self, form: Form, x: Any, args: tuple[Any, ...]) -> bool:
        """Whether the function is still of this form: captured numbers may say how many results there are."""
        if form.traced is not None:
            return self.machine(form, x.shape[1], args) is not None
        if not form.captured or form.numbers == self._numbers:
            return True
        row = np.ascontiguousarray(x[:1])
        values = np.empty((1, form.outputs), np.complex128 if form.kind == "D" else np.float64)
        machine = self.machine(form, x.shape[1], args)
        if not len(row) or machine is None or machine.rows(row, values) >= 0:
            return False
        form.numbers = self._numbers
        return True

    def machine(self, form: Form, d: int, args: tuple[Any, ...]) -> Machine | Lanes | None:
        """Return the function and its arguments as machine code, None if it is not that with its data as they are."""
        if not form.is_compiled:
            return None
        key = form.traced, form.code, d, form.outputs
        if self._machine is None or self._machine[0] != key or self._machine[1] is not args:
            self._machine = key, args, self._machine_of(form, d, args)
        return self._machine[2]

    def _machine_of(self, form: Form, d: int, args: tuple[Any, ...]) -> Machine | Lanes | None:
        if form.traced is not None:
            numbers = form.traced.numbers(self.f(), args)
            return None if numbers is None else Lanes(form.traced, numbers)
        assert form.code is not None
        return Machine(form.code, d, form.outputs, args, form.captured, self._data)

    def _at_no_point(self, x: Any, args: tuple[Any, ...], low: Any, high: Any) -> Form:
        """Find out what `f` returns, where no row of `x` may be given to it."""
        ones = np.ones((1, x.shape[1]))
        known = x[:1] if len(x) and low is None else ones if low is None else np.clip(
            ones, np.broadcast_to(low, x.shape)[:1], np.broadcast_to(high, x.shape)[:1])  # fmt: skip
        return form_of(self._one(known[0], args))

    def _find_out(
        self, x: Any, args: tuple[Any, ...], limits: tuple[Any, Any], where: Any, ways: tuple[Callable[..., bool], ...]
    ) -> Form:
        """Make machine code of `f` in one of the `ways`, or call it with some of the rows `where` it may be called."""
        d, (low, high) = x.shape[1], limits
        first = x[where[0]]
        value = self._one(first, args)
        form = form_of(value)
        if d and self._known.reading is not None:
            some = x[where[np.linspace(0, len(where) - 1, _PROBES).astype(int)]]
            if low is None:
                some = np.concatenate([some, scattered(some, 2.0**-7)])
            if any(way(form, some, value, args) for way in ways):
                return form
        if self._one.fills or d == 0:
            return form
        count = next(k for k in range(3, 99) if k not in (d, form.outputs, *form.shape))
        chosen = where[np.linspace(0, len(where) - 1, count).astype(int)]
        chosen[:2] = chosen[1::-1]  # in no order, or who sorts the vectors of a sorted batch is not found out
        for spread in (2.0**-7, 2.0**-20):
            rows = scattered(x[chosen], spread)
            if low is not None:
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

    def _traces(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...]) -> bool:
        """Trace the function, if that can be, and agrees with it as Python at `rows`."""
        if form.kind != "d":
            return False
        f, way = self.f(), {"fills": self._one.fills, "batched": self._one.is_batched}
        try:
            with quiet():  # what NumPy says of arrays of objects
                program = trace_values(f, rows.shape[1], args, **way)
        except TypeError:
            return False
        traced = Traced(program)
        programs = set() if self._known.origin is None else _programs.setdefault(self._known.origin, set())
        if traced.key not in programs and len(programs) >= _PROGRAMS:
            return False  # whole numbers that it captures or is given make another program every time
        programs.add(traced.key)
        numbers = traced.numbers(f, args)
        if len(program.outputs) != form.outputs or numbers is None:
            return False
        for i, found in enumerate(program.at(rows, numbers)):
            if i:
                value, error = probe(self._one, rows[i], args)
                if error is not None:  # traced it is NaN there
                    continue
            if not is_close(found, value, 1e-6, strict=True):
                return False
        form.traced = traced
        self._known.trust()
        return True

    def _compiled(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...]) -> bool:
        """Have the function compiled, if that can be, and agrees with it as Python at the first of `rows`."""
        kinds, reading = argument_types(args), self._known.reading
        if reading is None:
            return False
        if kinds is not None and self._agrees(form, rows[:_PROBES], value, args, kinds):
            return True
        if not reading.captured:
            return False
        self._known.read_as_constants()
        return self._compiled(form, rows, value, args)

    def _agrees(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...], kinds: tuple[Any, ...]) -> bool:
        reading = self._known.reading
        assert reading is not None
        try:
            code = machine_code(self.f(), reading, kinds, self._one.fills)
        except Uncompilable:
            return False
        made = replace(form, code=code, kind=code.result, captured=tuple(reading.captured))
        values = np.empty((len(rows), form.outputs), np.complex128 if code.result == "D" else np.float64)
        machine = self._machine_of(made, rows.shape[1], args)
        if machine is None or machine.rows(np.ascontiguousarray(rows), values) == 0:
            return False
        truths = [value]
        for row in rows[1:]:
            truth, error = probe(self._one, row, args)
            if error is not None:  # as Python it may raise where compiled it returns infinity
                break
            truths.append(truth)
        if not all(is_close(v, truth, 1e-3) for v, truth in zip(values, truths, strict=False)):
            return False
        self._known.trust()
        form.code, form.kind, form.captured = made.code, made.kind, made.captured
        return True

    def _together(self, rows: Any, args: tuple[Any, ...], form: Form) -> list[tuple[Layout, bool, Any]]:
        """Call `f` with all rows at once, in both layouts; return those that gave a result of a fitting shape."""
        found: list[tuple[Layout, bool, Any]] = []
        ways: tuple[tuple[Layout, Any], ...] = (("rows", rows), ("columns", rows.T))
        for layout, given in ways:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values, error = probe(lambda: stacked(self.f()(np.array(given), *args)))  # noqa: B023
            if error is not None:  # it may still take one vector
                continue
            for turned in (False, True):
                fitting = arranged(values, len(rows), form, turned)
                if fitting is not None:
                    found.append((layout, turned, fitting))
        return found

    def rows(self, form: Form, vectors: Any, args: tuple[Any, ...], beside: bool = False) -> Any:
        """Evaluate `f` at every row of `vectors`, block by block: an array of shape (k, m) of its own.

        `beside` is the policy for exceptions, of `user_calls`.
        """
        values = np.empty((len(vectors), form.outputs), np.complex128 if form.kind == "D" else np.float64)
        if (machine := self.machine(form, vectors.shape[1], args)) is not None:
            vectors = np.ascontiguousarray(vectors)
            if machine.rows(vectors, values) < 0 and form.traced is None:
                return values
            bad = np.isnan(values).any(axis=1)  # as Python `f` says what is wrong
            if bad.any():
                as_it_is = replace(form, code=None, traced=None, layout="single")
                try:
                    apart = self.rows(as_it_is, vectors[bad], args, beside)
                except BecameComplex:
                    form.become_complex()
                    raise
                values[bad] = np.where(np.isnan(values[bad]), apart, values[bad])  # the others keep their last bits
            return values
        size = max(1, _NUMBERS // max(vectors.shape[1], form.outputs, 1))
        for start in range(0, len(vectors), size):
            found = self._block(form, vectors[start : start + size], args, beside)
            if found.dtype.kind == "c" and form.kind != "D":
                form.kind = "D"
                raise BecameComplex
            values[start : start + size] = found
        return values

    def threads(self, form: Form, workers: int, explicit: bool) -> int:
        """How many threads may be inside `f`, called with many vectors at once; see `Called.threads`."""
        return workers if explicit and form.layout != "single" else 1  # one vector at a time is Python

    def cost(self, key: Any) -> CostEstimate:
        """Return what a vector has cost for what `key` stands for."""
        return self._known.cost(key)

    def expect(self, form: Form, count: int) -> None:
        """Warn, once, that so many vectors are going to be given to `f` one at a time."""
        if not form.is_compiled and form.layout == "single" and count >= _MANY and not self._known.is_warned:
            self._known.is_warned = True
            warnings.warn(
                f"`{getattr(self.f(), '__name__', 'f')}` is called with one vector at a time, which is slow. Write it "
                "so that it takes a batch with the vector on the last axis, or so that Numba can compile it.",
                PerformanceWarning,
                stacklevel=stack_depth(),
            )

    def _block(self, form: Form, vectors: Any, args: tuple[Any, ...], beside: bool) -> Any:
        """Call `f` with a few vectors, in its layout or one by one."""
        if form.layout != "single" and len(vectors) > 1:
            batch = np.array(vectors if form.layout == "rows" else vectors.T)
            returned = call(self.f(), batch, *args, beside=beside)
            if returned is not OUTSIDE:
                values = arranged(stacked(returned), len(vectors), form, form.turned)
                if values is not None:
                    return values
                form.layout = "single"  # what it returns depends on the values: it was not made for batches
        else:
            self.expect(form, len(vectors))
        values = np.empty((len(vectors), form.outputs), np.complex128 if form.kind == "D" else np.float64)
        for i, vector in enumerate(vectors):
            value = self._one(vector, args, beside)
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


def _number(value: Any) -> Any:
    """Return a captured value if it may say how many results there are: a count or an end, alone or in an array."""
    if type(value) is np.ndarray:
        return value.tobytes() if value.dtype.kind in "iub" else None
    return tuple(map(_number, value)) if type(value) is tuple else value


def _shape(value: Any) -> Any:
    """Shape of a captured value."""
    if type(value) is tuple:
        return tuple(map(_shape, value))
    return value.shape if type(value) is np.ndarray else ()


def vector_function(f: Any, nargs: int) -> VectorFunction:
    """Find or make the `VectorFunction` of `f`."""
    return VectorFunction(*known(VectorKnown, f, nargs))
