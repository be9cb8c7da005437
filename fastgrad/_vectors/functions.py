"""Functions of a vector: how each is called, found out once, and their values at many vectors.

A function is written for one vector, or for a batch of them. Which of the two it is cannot be read off its text, so it
is called with a few vectors, together and one by one, in numbers that cannot be mistaken for the length of anything.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np

from .._compiling.kernels import LOCK
from .._compiling.operators import Uncompilable
from .._engines.engine import BEYOND, PerformanceWarning, TurnedComplex, stack_depth, weak
from .._reading.references import read
from .._signals import hear
from .code import argument_types, machine_code
from .forms import Form, Layout, arranged, form_of, same, scattered, stacked
from .machine import Machine
from .single import Single

#: Numbers handed to a called function at a time: argument and result stay in the second-level cache.
_NUMBERS = 1 << 16

#: Vectors from which on calling them one by one is worth a warning.
_MANY = 2000


class _Known:
    """What is remembered about one function of the caller's; it is not kept alive, nor what it refers to."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.f = weak(f)
        self.one = Single(f, nargs)
        self.origin = getattr(getattr(f, "func", f), "__code__", None)
        self.warned = False
        self.lock = threading.RLock()  # `f` may differentiate itself
        self.read(True)

    def read(self, captures: bool) -> None:
        """Read the function, with captured values as arguments of its machine code or as parts of it."""
        self.forms: dict[Any, Form] = {}
        self.reading, self.current = read(self.f(), captures)
        if self.reading is not None and self.reading.key in _constant:
            self.read(False)


#: Keys of what Numba compiles only with its captured values as constants.
_constant: set[bytes] = set()

#: Code of functions whose machine code was compared with Python, by the key of what was read.
_trusted: dict[bytes, WeakSet[Any]] = {}

#: What was found out about functions with captured values, by the key of what was read and that of the arguments.
_forms: dict[tuple[bytes, Any], Form] = {}


class VectorFunction:
    """One function of the caller's, how it is run, and the values that it captures now."""

    def __init__(self, known: _Known, data: list[Any]) -> None:
        self.f = known.f
        self._known, self._one, self._lock, self._data = known, known.one, known.lock, data
        self._shapes = tuple(map(_shape, data))
        self._numbers = [_number(v) for v in data] if data else None
        self._args: Any = None
        self._seen: dict[tuple[int, bool], Form] = {}
        """Forms that were found in this call, for the arguments that were given last."""
        self._machine: tuple[Any, Any, Machine] | None = None

    def form(
        self, x: Any, args: tuple[Any, ...], low: Any = None, high: Any = None, compiled: bool = True
    ) -> Form:
        """Find out, or remember, what `f` makes of vectors like the rows of `x`; it is not called outside the bounds.

        Raises whatever `f` raises at the first of them. With ``compiled=False`` it is called as it is.
        """
        if args is self._args and (x.shape[1], compiled) in self._seen:
            return self._seen[x.shape[1], compiled]
        key = x.shape[1], compiled, argument_types(args), *map(np.shape, args), *self._shapes
        known = self._known.forms.get(key) or self._shared(key)
        if known is None or not self._still(known, x, args):
            inside = np.isfinite(x).all(axis=1)
            if low is not None:
                inside &= ((x >= low) & (x <= high)).all(axis=1)
            with self._lock, np.errstate(all="ignore"):
                if not inside.any():  # only the shape of the result is asked for: too little to remember
                    return known or self._at_no_point(x, args, low, high)
                known = self._find_out(x, args, low, high, np.flatnonzero(inside), compiled)
                self._known.forms[key] = known
                known.numbers = self._numbers if known.captured else None
                if known.captured and self._known.reading is not None:
                    _forms[self._known.reading.key, key] = known
        if args is not self._args:
            self._args, self._seen = args, {}
        self._seen[x.shape[1], compiled] = known
        return known

    def _shared(self, key: Any) -> Form | None:
        """Return what was found out about another function of the same code and captured values of the same types."""
        reading = self._known.reading
        if reading is None or self._known.origin not in _trusted.get(reading.key, ()):
            return None
        form = _forms.get((reading.key, key))
        if form is None:
            return None
        self._known.forms[key] = made = replace(form, numbers=None)
        return made

    def _still(self, form: Form, x: Any, args: tuple[Any, ...]) -> bool:
        """Whether the function still returns as many results: captured numbers may say how many."""
        if not form.captured or form.numbers == self._numbers:
            return True
        row = np.ascontiguousarray(x[:1])
        values = np.empty((1, form.outputs), np.complex128 if form.kind == "D" else np.float64)
        if not len(row) or self.machine(form, x.shape[1], args).rows(row, values) >= 0:
            return False
        form.numbers = self._numbers
        return True

    def machine(self, form: Form, d: int, args: tuple[Any, ...]) -> Machine:
        """Return the machine code with its arguments."""
        assert form.code is not None
        key = form.code, d, form.outputs
        if self._machine is None or self._machine[0] != key or self._machine[1] is not args:
            self._machine = key, args, Machine(form.code, d, form.outputs, args, form.captured, self._data)
        return self._machine[2]

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
        reading = self._known.reading
        known = reading is not None and self._known.origin in _trusted.get(reading.key, ())
        some = x[where[:1] if known else where[np.linspace(0, len(where) - 1, 3).astype(int)]]
        if compiled and d and self._compiled(form, some, value, args):
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

    def _compiled(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...]) -> bool:
        """Have the function compiled, if that can be, and agrees with it as Python at the first of `rows`."""
        kinds, reading = argument_types(args), self._known.reading
        if reading is None:
            return False
        if kinds is not None and self._agrees(form, rows, value, args, kinds):
            return True
        if not reading.captured:
            return False
        _constant.add(reading.key)
        self._known.read(False)
        return self._compiled(form, rows, value, args)

    def _agrees(self, form: Form, rows: Any, value: Any, args: tuple[Any, ...], kinds: tuple[Any, ...]) -> bool:
        reading, origin = self._known.reading, self._known.origin
        assert reading is not None
        try:
            code = machine_code(self.f(), reading, kinds, self._one.fills)
        except Uncompilable:
            return False
        trusted = _trusted.setdefault(reading.key, WeakSet())
        made = replace(form, code=code, kind=code.result, captured=tuple(reading.captured))
        values = np.empty((len(rows), form.outputs), np.complex128 if code.result == "D" else np.float64)
        if self.machine(made, rows.shape[1], args).rows(np.ascontiguousarray(rows), values) == 0:
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
            if truth.size != form.outputs or np.any(np.abs(found - truth.ravel()) > 1e-3 * size):
                return False
        if origin is not None:
            trusted.add(origin)
        form.code, form.kind, form.captured = made.code, made.kind, made.captured
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
        if form.code is not None:
            vectors = np.ascontiguousarray(vectors)
            if self.machine(form, vectors.shape[1], args).rows(vectors, values) < 0:
                return values
            bad = np.isnan(values).any(axis=1)  # as Python `f` says what is wrong
            values[bad] = self.rows(replace(form, code=None, layout="single"), vectors[bad], args, lenient)
            return values
        size = max(1, _NUMBERS // max(vectors.shape[1], form.outputs, 1))
        for start in range(0, len(vectors), size):
            found = self._block(form, vectors[start : start + size], args, lenient)
            if found.dtype.kind == "c" and form.kind != "D":
                form.kind = "D"
                raise TurnedComplex
            values[start : start + size] = found
        return values

    def threads(self, form: Form, workers: int, asked: bool) -> int:
        """How many threads may be inside `f`, called with many vectors at once; see `Called.threads`."""
        return workers if asked and form.layout != "single" else 1  # one vector at a time is Python

    def expect(self, form: Form, count: int) -> None:
        """Warn, once, that so many vectors are going to be given to `f` one at a time."""
        if form.code is None and form.layout == "single" and count >= _MANY and not self._known.warned:
            self._known.warned = True
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


_functions: dict[tuple[int, int], tuple[Any, _Known]] = {}


def vector_function(f: Any, nargs: int) -> VectorFunction:
    """Find or make the `VectorFunction` of `f`."""
    key = id(f), nargs
    remembered = _functions.get(key)
    if remembered is not None and remembered[0]() is f:
        data = remembered[1].current()
        if data is not None:
            return VectorFunction(remembered[1], data)
    with LOCK:
        known = _Known(f, nargs)
        _functions[key] = (weak(f, lambda _: _functions.pop(key, None)), known)
        data = known.current()
        if data is None:
            if known.reading is not None and known.reading.captured:  # it changes while it is read
                known.read(False)
            data = []
        return VectorFunction(known, data)
