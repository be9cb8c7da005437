"""Functions of a vector: how each is called, found out once, and their values at many vectors.

A function is written for one vector, or for a batch of them. Which of the two it is cannot be read off its text, so it
is called with a few vectors, together and one by one, in numbers that cannot be mistaken for the length of anything.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .._compiling.kernels import LOCK, quiet
from .._compiling.operators import Uncompilable
from .._engines.engine import BEYOND, PerformanceWarning, TurnedComplex, stack_depth, weak
from .._reading.references import read
from .._reading.sharing import Proof
from .._signals import hear
from ..tracing import trace_values
from .code import argument_types, code_of, machine_code
from .forms import Form, Layout, agrees, arranged, form_of, same, scattered, stacked
from .machine import Machine
from .single import Single
from .traced import Lanes, Traced

#: Numbers handed to a called function at a time: argument and result stay in the second-level cache.
_NUMBERS = 1 << 16

#: Vectors from which on calling them one by one is worth a warning.
_MANY = 2000

#: Programs that one piece of code is traced to before it is compiled as Numba does.
_PROGRAMS = 16
_programs: dict[Any, set[bytes]] = {}

#: Traced functions by what was read of them, for others of the same content; the oldest is dropped.
_KEPT = 64
_traced: dict[Any, Traced] = {}

#: Forms that one function is remembered to have: a whole number among the arguments makes one of its own.
_FORMS = 64


def _is_whole(argument: Any) -> bool:
    return isinstance(argument, (int, np.integer, np.bool_))


class VectorFunction:
    """One function of the caller's, and how it is run."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.f = weak(f)
        self._one = Single(f, nargs)
        self._forms: dict[Any, Form] = {}
        self._warned = False
        self._alone: Proof | None = None
        self._lock = threading.RLock()  # `f` may differentiate itself
        self._reading, self.holds = read(f)

    def form(
        self, x: Any, args: tuple[Any, ...], low: Any = None, high: Any = None, compiled: bool = True
    ) -> Form:
        """Find out, or remember, what `f` makes of vectors like the rows of `x`; it is not called outside the bounds.

        Raises whatever `f` raises at the first of them. With ``compiled=False`` it is called as it is.
        """
        key = x.shape[1], compiled, argument_types(args), *map(np.shape, args), *filter(_is_whole, args)
        known = self._forms.get(key)
        if known is None or (known.traced is not None and known.traced.numbers(self.f(), args) is None):
            inside = np.isfinite(x).all(axis=1)
            if low is not None:
                inside &= ((x >= low) & (x <= high)).all(axis=1)
            with self._lock, np.errstate(all="ignore"):
                if not inside.any():  # only the shape of the result is asked for: too little to remember
                    return self._at_no_point(x, args, low, high)
                if len(self._forms) >= _FORMS:
                    self._forms.clear()
                known = self._forms[key] = self._find_out(x, args, low, high, np.flatnonzero(inside), compiled)
        return known

    def _at_no_point(self, x: Any, args: tuple[Any, ...], low: Any, high: Any) -> Form:
        """Find out what `f` returns, where no row of `x` may be given to it."""
        ones = np.ones((1, x.shape[1]))
        known = x[:1] if len(x) and low is None else ones if low is None else np.clip(
            ones, np.broadcast_to(low, x.shape)[:1], np.broadcast_to(high, x.shape)[:1])  # fmt: skip
        return form_of(self._one(known[0], args))

    def _find_out(
        self, x: Any, args: tuple[Any, ...], low: Any, high: Any, where: Any, compiled: bool
    ) -> Form:
        """Call `f` with some of the rows `where` it may be called, together and one by one."""
        d = x.shape[1]
        first = x[where[0]]
        value = self._one(first, args)
        form = form_of(value)
        some = x[where[np.linspace(0, len(where) - 1, 3).astype(int)]]
        if compiled and d and self._reading is not None:
            if self._traces(form, some, value, args, (low, high)) or self._compiled(form, some, value, args):
                return form
        if self._one.fills or d == 0:
            return form
        count = next(k for k in (3, 4, 5) if k not in (d, form.outputs))
        chosen = where[np.linspace(0, len(where) - 1, count).astype(int)]
        chosen[:2] = chosen[1::-1]  # in no order, or who sorts the vectors of a sorted batch is not found out
        for spread in (2.0**-7, 2.0**-20):
            rows = scattered(x[chosen], spread)
            if low is not None:
                rows = np.clip(rows, *(np.broadcast_to(b, x.shape)[chosen] for b in (low, high)))
            candidates = self._together(rows, args, form)
            if not candidates:
                return form
            try:
                apart = np.array([self._one(row, args).reshape(form.outputs) for row in rows])
            except Exception as raised:  # the end of the domain: look nearer
                hear(raised)
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

    def _traces(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...], limits: tuple[Any, Any]) -> bool:
        """Trace the function, if that can be, and agrees with it as Python at `rows` and beside them."""
        if form.kind != "d":
            return False
        f, way = self.f(), {"fills": self._one.fills, "batched": self._one.is_batched}
        whole = *(a for a in args if _is_whole(a)), *map(np.shape, args)
        key = self._reading and self._reading.key, rows.shape[1], argument_types(args), whole, *way.values()
        traced = _traced.get(key)
        if traced is not None and traced.m == form.outputs and traced.numbers(f, args) is not None:
            form.traced = traced
            return True
        try:
            with quiet():  # what NumPy says of arrays of objects
                program = trace_values(f, rows.shape[1], args, **way)
        except TypeError:
            return False
        traced = Traced(program)
        programs = _programs.setdefault(code_of(f), set())
        if traced.key not in programs and len(programs) >= _PROGRAMS:
            return False  # whole numbers that it captures or is given make another program every time
        programs.add(traced.key)
        numbers = traced.numbers(f, args)
        if len(program.outputs) != form.outputs or numbers is None:
            return False
        if limits[0] is None:
            rows = np.concatenate([rows, scattered(rows, 2.0**-7)])
        for i, found in enumerate(program.at(rows, numbers)):
            if i:
                try:
                    value = self._one(rows[i], args)
                except Exception as raised:  # traced it is NaN there
                    hear(raised)
                    continue
            if not agrees(found, value):
                return False
        form.traced = _traced[key] = traced
        while len(_traced) > _KEPT:
            del _traced[next(iter(_traced))]
        return True

    def _compiled(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...]) -> bool:
        """Have the function compiled, if that can be, and agrees with it as Python at the first of `rows`."""
        kinds = argument_types(args)
        if self._reading is None or kinds is None:
            return False
        try:
            code = machine_code(self.f(), self._reading, kinds, self._one.fills)
        except Uncompilable:
            return False
        values = np.empty((len(rows), form.outputs), np.complex128 if code.result == "D" else np.float64)
        if Machine(code, rows.shape[1], form.outputs, args).rows(np.ascontiguousarray(rows), values) == 0:
            return False
        wanted = [value]
        for row in rows[1:]:
            try:
                wanted.append(self._one(row, args))
            except Exception as raised:  # as Python it may raise where compiled it returns infinity
                hear(raised)
                break
        for found, truth in zip(values, wanted, strict=False):
            size = np.max(np.abs(truth), initial=0.0, where=np.isfinite(truth))
            if truth.dtype.kind == "c" and code.result != "D":
                return False
            if truth.size != form.outputs or np.any(np.abs(found - truth.ravel()) > 1e-3 * size):
                return False
        form.code, form.kind = code, code.result
        return True

    def _together(self, rows: Any, args: tuple[Any, ...], form: Form) -> list[tuple[Layout, bool, Any]]:
        """Call `f` with all rows at once, in both layouts; return those that gave a result of a fitting shape."""
        found: list[tuple[Layout, bool, Any]] = []
        ways: tuple[tuple[Layout, Any], ...] = (("rows", rows), ("columns", rows.T))
        for layout, given in ways:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    values = stacked(self.f()(np.array(given), *args))
            except Exception as raised:  # whatever it raises for many vectors, it may still take one
                hear(raised)
                continue
            for turned in (False, True):
                fitting = arranged(values, len(rows), form, turned)
                if fitting is not None:
                    found.append((layout, turned, fitting))
        return found

    def rows(self, form: Form, vectors: Any, args: tuple[Any, ...], lenient: bool = False) -> Any:
        """Evaluate `f` at every row of `vectors`, block by block: an array of shape (k, m) of its own.

        If `lenient`, vectors at which it raises as in `BEYOND` are outside its domain: NaN.
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
                    apart = self.rows(as_it_is, vectors[bad], args, lenient)
                except TurnedComplex:
                    form.code, form.traced, form.layout, form.kind = None, None, "single", "D"
                    raise
                values[bad] = np.where(np.isnan(values[bad]), apart, values[bad])  # the others keep their last bits
            return values
        size = max(1, _NUMBERS // max(vectors.shape[1], form.outputs, 1))
        for start in range(0, len(vectors), size):
            found = self._block(form, vectors[start : start + size], args, lenient)
            if found.dtype.kind == "c" and form.kind != "D":
                form.kind = "D"
                raise TurnedComplex
            values[start : start + size] = found
        return values

    def machine(self, form: Form, d: int, args: tuple[Any, ...]) -> Machine | Lanes | None:
        """Return the function and its arguments as machine code, if it has become that."""
        if form.traced is not None:
            return Lanes(form.traced, form.traced.numbers(self.f(), args))
        return None if form.code is None else Machine(form.code, d, form.outputs, args)

    def threads(self, form: Form, args: tuple[Any, ...], workers: int, asked: bool) -> int:
        """How many threads may be inside `f`, called with many vectors at once; see `Called.threads`."""
        if workers == 1 or asked or form.layout == "single":  # one vector at a time is Python, on one thread anyway
            return 1 if form.layout == "single" else workers
        if any(np.asarray(a).dtype.kind not in "fiub" for a in args):
            return 1
        with self._lock:
            if self._alone is None or not self._alone.holds():
                self._alone = Proof(self.f(), 1, len(args))
        return workers if self._alone.found else 1

    def expect(self, form: Form, count: int) -> None:
        """Warn, once, that so many vectors are going to be given to `f` one at a time."""
        if not form.is_compiled and form.layout == "single" and count >= _MANY and not self._warned:
            self._warned = True
            warnings.warn(
                f"`{getattr(self.f(), '__name__', 'f')}` is called with one vector at a time, which is slow. Write it "
                "so that it takes a batch with the vector on the last axis, or so that Numba can compile it.",
                PerformanceWarning,
                stacklevel=stack_depth(),
            )

    def _block(self, form: Form, vectors: Any, args: tuple[Any, ...], lenient: bool) -> Any:
        """Call `f` with a few vectors, in its layout or one by one."""
        if form.layout != "single" and len(vectors) > 1:
            try:
                given = np.array(vectors if form.layout == "rows" else vectors.T)
                values = arranged(stacked(self.f()(given, *args)), len(vectors), form, form.turned)
            except BEYOND:
                if not lenient:
                    raise
            else:
                if values is not None:
                    return values
                form.layout = "single"  # what it returns depends on the values: it was not made for batches
        else:
            self.expect(form, len(vectors))
        found = np.empty((len(vectors), form.outputs), np.complex128 if form.kind == "D" else np.float64)
        for i, vector in enumerate(vectors):
            try:
                value = self._one(vector, args)
            except BEYOND:
                if not lenient:
                    raise
                value = np.full(form.outputs, np.nan)
            if value.size != form.outputs:
                raise ValueError(
                    f"`f` must return as many values for every vector; got {value.size} after {form.outputs}. "
                    "Pad the result."
                )
            if value.dtype.kind == "c" and found.dtype.kind != "c":
                return value  # only its type is looked at
            found[i] = value.reshape(form.outputs)
        return found


_known: dict[tuple[int, int], tuple[Any, VectorFunction]] = {}


def vector_function(f: Any, nargs: int) -> VectorFunction:
    """Find or make the `VectorFunction` of `f`."""
    key = id(f), nargs
    known = _known.get(key)
    if known is not None and known[0]() is f and known[1].holds():
        return known[1]
    with LOCK:
        made = VectorFunction(f, nargs)
        try:
            reference: Any = weakref.ref(f, lambda _: _known.pop(key, None))
        except TypeError:  # a builtin that lives as long as the process
            reference = weak(f)
        _known[key] = (reference, made)
        return made
