"""A traced function with its arguments: its values at rows, and at positions on lines."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from ..compilation.caches import KEPT, Recent, clearable
from ..compilation.kernels import LOCK, Native, native
from ..compilation.memory import address_of, array_at
from ..compilation.ufuncs import OWN
from ..tracing import ValueProgram
from .lanes import BLOCK, LOOPS
from .vector_instructions import WIDTH


@cache
def loop(name: str, function: Any = None, signature: Any = None) -> Any:
    """Compile a loop, one for all functions, when it is needed first: of `LOOPS`, or any other."""
    if function is None:
        function, signature = LOOPS[name]
    code = native(b"lanes " + name.encode(), lambda: (function, signature, "d"))
    return code, ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(signature.args))(code.address)


#: By program: the machine code made of it, and frames that no call works with.
_programs: dict[bytes, tuple[dict[Any, Native | None], dict[Any, list[Any]]]] = clearable(Recent(KEPT))


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
        if self.key not in _programs:
            _programs[self.key] = {}, {}
        self._codes, self.frames = _programs[self.key]

    def numbers(self, f: Any, args: tuple[Any, ...]) -> Any:
        """Read what `f` captures as it is now; None if something has changed its kind, and `f` is to be traced anew."""
        return self.program.captured.values(f, args)

    def code(self, key: Any = None, make: Callable[[], Native | None] | None = None) -> Native | None:
        """Machine code of the values, or of another program that `make` makes of them; None where it is too long."""
        if key not in self._codes:
            self._codes[key] = (make or self.program.compact.body)()
        return self._codes[key]


class Frame:
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
        self.frame = [code, d, m, self.places, data, loop("move")[0].address, 0]
        self.table = 0
        """Address of the words of a stencil."""

    def rows(self, count: int) -> int:
        """Reserve some rows: the address of the first."""
        first, self._next = self._next, self._next + WIDTH * count
        return first

    def words(self, words: Any) -> int:
        """Keep words: their address."""
        return self.keep(np.array(words, dtype=np.int64))

    def keep(self, array: Any) -> int:
        """Keep an array alive: its address."""
        self._kept.append(array)
        return address_of(array)

    def finish(self, *words: int) -> Frame:
        """Complete the frame with the words of the loop."""
        self.at = self.words([*self.frame, *words])
        return self


def _of_values(traced: Traced) -> Frame:
    return Frame(traced, 0, traced.code()).finish()


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
        self.traced, self._numbers = traced, numbers

    @contextmanager
    def frame(self, make: Callable[..., Frame], *key: Any) -> Iterator[Frame]:
        """Borrow a frame, which one thread at a time works with."""
        free = self.traced.frames.setdefault((make, *key), [])
        try:
            frame = free.pop()
        except IndexError:
            with LOCK:
                frame = make(self.traced, *key)
        frame.numbers[:] = self._numbers
        yield frame
        free.append(frame)

    def rows(self, vectors: Any, values: Any) -> int:
        """Evaluate at the rows of `vectors`; return -1, as traced functions raise nothing."""
        with self.frame(_of_values) as frame:
            loop("values")[1](len(vectors), address_of(vectors), address_of(values), frame.at)
        return -1

    def on_lines(self, x: Any, entry: Any, along: Any = None) -> LinesInLanes:
        """Return what evaluates at positions on lines; see `Machine.on_lines`."""
        return LinesInLanes(self, x, entry, along, self._numbers)


class LinesInLanes:
    """Values of a traced function at positions on lines; see `vector_machine.LinesOfMachine`."""

    raised_beside = 0

    def __init__(self, lanes: Lanes, x: Any, entry: Any, along: Any, numbers: Any) -> None:
        traced = lanes.traced
        d, m = traced.d, traced.m
        p = 1 if along is None else along[0].shape[1]
        frame = Frame(traced, (p + 3) * d + 2 * m + 1, traced.code())
        frame.numbers[:] = numbers
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
        self._words = frame.finish(address_of(x), address_of(entry), address_of(columns), *vectors, *rows).at
        self._kept = frame, columns, entry, x, along
        values = np.empty((len(x), m))
        lanes.rows(x, values)
        own = values[point, entry % m]
        with np.errstate(all="ignore"):
            self._at_points = functools.reduce(np.subtract, [own] * p)
        self.raised_at = int(np.isnan(values[~np.isnan(x).any(axis=1)]).any())
        """Not 0 if there is a point without a value: `f` itself may raise there."""

    def at(self, _points: Any, index: Any) -> Any:
        """Values at the points themselves."""
        return self._at_points[index]

    def __call__(self, points: Any, index: Any) -> Any:
        """Evaluate at `points`, shape ``(..., n)``, of the entries `index`."""
        points = np.ascontiguousarray(points)
        index = np.ascontiguousarray(np.broadcast_to(index, points.shape[-1:]), np.int64)
        values = np.empty(points.shape)
        if points.size:
            n = points.shape[-1]
            loop("lines")[1](
                points.size // n, n, address_of(points), address_of(index), address_of(values), self._words
            )
        return values
