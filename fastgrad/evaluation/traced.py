"""A traced function with its arguments, and what is done with it: values, stencils, hessians, the adaptive rule."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ..adaptive_rule import Adaptive, estimate
from ..compilation.kernels import LOCK, Native, native
from ..compilation.memory import address_of, array_at
from ..compilation.ufuncs import OWN
from ..estimates import Estimate
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil
from ..tracing import Program, ValueProgram
from .lanes import BLOCK, LOOPS, OUTPUTS
from .unrolled import hessian_of, jacobian_of, unrolled
from .vector_instructions import WIDTH
from .vector_machine import table_of

#: Entries that have a row of their own each in a block of points.
_ENTRIES = 512

#: Entries of a hessian that is found in lanes, all of which have such a row.
MOST = 4096


@cache
def _loop(loop: str) -> Any:
    """Compile a loop, one for all functions, when it is needed first."""
    code = native(b"lanes " + loop.encode(), lambda: (*LOOPS[loop], "d"))
    arguments = [ctypes.c_int64] * len(LOOPS[loop][0].__code__.co_varnames[: LOOPS[loop][0].__code__.co_argcount])
    return code, ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(code.address)


#: Of every program the machine code that was made of it, and frames that nobody works with.
_programs: dict[bytes, tuple[dict[Any, Native | None], dict[Any, list[Any]]]] = {}


class Traced:
    """A function of vectors that has been traced, and the machine code of its programs.

    Parameters
    ----------
    program : ValueProgram
        The program of its values.
    """

    def __init__(self, program: ValueProgram) -> None:
        self.program, self.d, self.m = program, program.d, len(program.outputs)
        self.key = program.compact.key
        """Equal for functions that differ in captured numbers only: they share machine code."""
        self._codes, self.frames = _programs.setdefault(self.key, ({}, {}))

    def numbers(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Read what `f` captures as it is now; None if something has changed its kind, and `f` is to be traced anew."""
        return self.program.captured.values(f, args)

    def code(self) -> Native:
        """Program of the values."""
        if None not in self._codes:
            self._codes[None] = self.program.compact.body()
        return self._codes[None]  # type: ignore[return-value]

    def whole(self, make: Any, rule: Stencil) -> Native | None:
        """Program of a whole jacobian or hessian, as `unrolled` has it; None where it is too long."""
        if (make, rule) not in self._codes:
            entries = unrolled(make, self.program, rule)
            code = None if entries is None else Program(entries, 2 * self.d, fixed=True).body()
            self._codes[make, rule] = code
        return self._codes[make, rule]


class _Frame:
    """Memory of a block of points: rows, the words that hold their addresses, and the frame of a loop over blocks.

    Parameters
    ----------
    traced : Traced
        The function.
    rows : int
        How many rows there are besides those of coordinates and results.
    program : Native or None
        The program that is run.
    """

    def __init__(self, traced: Traced, rows: int, program: Native | None) -> None:
        d, m = traced.d, traced.m
        self._rows = np.zeros(((d + m + rows) * WIDTH + 64) // 8)
        self._next = (address_of(self._rows) + 63) // 64 * 64
        self._kept: list[Any] = []
        self.numbers = np.empty(max(traced.program.captured.count, 1))
        self.x = self.rows(d)
        places = [self.x + WIDTH * i for i in range(d)]
        results = self.rows(m)
        self.places = self.words([*places, *(results + WIDTH * i for i in range(m))])
        code, data = program.address if program else 0, self.words([0] * OWN + [address_of(self.numbers)])
        self.frame = [code, d, m, self.places, data, _loop("move")[0].address, 0]
        self.table = 0
        """Address of the words of a stencil."""

    def rows(self, count: int) -> int:
        """Take some rows: the address of the first."""
        first, self._next = self._next, self._next + WIDTH * count
        return first

    def words(self, words: Any) -> int:
        """Keep words: their address."""
        return self.keep(np.array(words, dtype=np.int64))

    def keep(self, array: Any) -> int:
        """Keep an array alive: its address."""
        self._kept.append(array)
        return address_of(array)

    def finish(self, *words: int) -> _Frame:
        """Complete the frame with the words of the loop."""
        self.at = self.words([*self.frame, *words])
        return self


def _of_values(traced: Traced) -> _Frame:
    return _Frame(traced, 0, traced.code()).finish()


def _of_stencil(traced: Traced, rule: Stencil, result: str, steps_given: bool) -> _Frame:
    """Frame for a stencil along all coordinates."""
    d, m, offsets = traced.d, traced.m, len(rule.needed)
    together = d * m <= _ENTRIES
    if together and not steps_given and (whole := traced.whole(jacobian_of, rule)):
        return _of_whole(traced, whole, m, rule, result)
    entries = d * m if together else m
    made = _Frame(traced, d + 1 + offsets * m + entries, traced.code())
    steps, shifted, values, first = (made.rows(count) for count in (d, 1, offsets * m, entries))
    own = made.words([first + WIDTH * i for i in range(entries)])
    made.table = made.keep(table_of(rule, result))
    return made.finish(steps, shifted, values, own, int(together), 0, made.words([steps + WIDTH * k for k in range(d)]))


def _of_whole(traced: Traced, whole: Native, m: int, rule: Stencil, result: str) -> _Frame:
    """Frame for the program of all entries: a row of `d` for each of `m` results."""
    d = traced.d
    made = _Frame(traced, d + m * d, None)
    made.frame[OUTPUTS] = m
    steps, first = made.rows(d), made.rows(m * d)
    own = [first + WIDTH * i for i in range(m * d)]
    coordinates = [row + WIDTH * k for row in (made.x, steps) for k in range(d)]
    made.table = made.keep(table_of(rule, result))
    return made.finish(steps, 0, 0, made.words(own), 1, whole.address, made.words([*coordinates, *own]))


def _of_hessian(traced: Traced, rule: Stencil, result: str) -> _Frame:
    """Frame for a hessian."""
    d, offsets = traced.d, len(rule.needed)
    made = _Frame(traced, d * 2 * offsets + offsets + 2 + d + d * d, traced.code())
    shifts = [s for o in rule.needed for s in (float(o), -float(o))]
    step, *bits = np.array([best_step(rule, result), *shifts]).view(np.int64).tolist()
    moved, pair, entries = (made.rows(count) for count in (d * len(shifts), offsets + 2 + d, d * d))
    made.table = made.keep(table_of(rule, result))
    own = made.words([entries + WIDTH * i for i in range(d * d)])
    return made.finish(step, len(shifts), made.words(bits), moved, pair, own)


class Lanes:
    """A traced function with its arguments, as `Machine` is one that Numba has compiled.

    Parameters
    ----------
    traced : Traced
        The function.
    numbers : ndarray
        Captured numbers and further arguments.
    """

    def __init__(self, traced: Traced, numbers: Any) -> None:
        self._traced, self._numbers = traced, numbers

    @contextmanager
    def _frame(self, make: Callable[..., _Frame], *key: Any) -> Iterator[_Frame]:
        """Borrow a frame, which one thread at a time works with."""
        free = self._traced.frames.setdefault((make, *key), [])
        try:
            frame = free.pop()
        except IndexError:
            with LOCK:
                frame = make(self._traced, *key)
        frame.numbers[:] = self._numbers
        yield frame
        free.append(frame)

    def rows(self, vectors: Any, values: Any) -> int:
        """Evaluate at the rows of `vectors`; return -1, as traced functions raise nothing."""
        with self._frame(_of_values) as frame:
            _loop("values")[1](len(vectors), address_of(vectors), address_of(values), frame.at)
        return -1

    def stencil(self, x: Any, rule: Stencil, result: str, given: Any, out: Any) -> int:
        """Apply a stencil along all coordinates, into `out` (points, outputs, coordinates).

        Returns in how many blocks of points an entry was not finite.
        """
        where = np.array([address_of(x), 0 if given is None else address_of(given), address_of(out)])
        with self._frame(_of_stencil, rule, result, given is not None) as frame:
            return int(_loop("stencil")[1](len(x), address_of(where), frame.table, frame.at))

    def hessian(self, x: Any, rule: Stencil, result: str, out: Any) -> int:
        """Apply a stencil for second derivatives to all pairs of coordinates, into `out` (points, d, d)."""
        if self._traced.d**2 <= _ENTRIES and (whole := self._traced.whole(hessian_of, rule)):
            where = np.array([address_of(x), 0, address_of(out)])
            with self._frame(_of_whole, whole, self._traced.d, rule, result) as frame:
                return int(_loop("stencil")[1](len(x), address_of(where), frame.table, frame.at))
        where = np.array([address_of(x), address_of(out)])
        with self._frame(_of_hessian, rule, result) as frame:
            return int(_loop("hessian")[1](len(x), address_of(where), frame.table, frame.at))

    def adaptive(self, x: Any, rule: Adaptive, entry: Any, start: Any, limits: Any, along: Any = None
                 ) -> tuple[Estimate, int]:  # fmt: skip
        """Apply the adaptive rule: return the estimate, and at how many points there is no value; see `Machine`."""
        d, m = self._traced.d, self._traced.m
        p = 1 if along is None else along[0].shape[1]
        frame = _Frame(self._traced, (p + 3) * d + 2 * m + 1, self._traced.code())
        frame.numbers[:] = self._numbers
        columns = np.zeros(5 * BLOCK, np.int64)
        entry = np.ascontiguousarray(entry, np.int64)
        base = frame.rows(d)
        if along is None:
            array_at(frame.places, d, ctypes.c_int64)[:] = [base + WIDTH * k for k in range(d)]
            point, vectors = entry // m // d, [0, 0, 1, 0, 0]
        else:
            v, which, low, high = along
            vectors = [address_of(v), address_of(which), p, *(0 if a is None else address_of(a) for a in (low, high))]
            point = which[entry // m]
        rows = base, frame.rows((p + 2) * d), frame.rows(2 * m + 1)
        words = frame.finish(address_of(x), address_of(entry), address_of(columns), *vectors, *rows).at
        call = _loop("lines")[1]
        there = np.empty((len(x), m))
        self.rows(x, there)
        own = there[point, entry % m]
        with np.errstate(all="ignore"):
            at_points = functools.reduce(np.subtract, [own] * p)

        def evaluate(points: Any, index: Any) -> Any:
            points = np.ascontiguousarray(points)
            index = np.ascontiguousarray(np.broadcast_to(index, points.shape[-1:]), np.int64)
            values = np.empty(points.shape)
            if points.size:
                n = points.shape[-1]
                call(points.size // n, n, address_of(points), address_of(index), address_of(values), words)
            return values

        made = estimate(evaluate, start, rule, *limits, grids=True, at=lambda _, index: at_points[index])
        return made, int(np.isnan(there[~np.isnan(x).any(axis=1)]).any())

