"""Machine code of functions of vectors, with vectors side by side in lanes: values at rows, and at positions on lines.

Two kinds of programs go through a block of vectors. A `Traced` function is straight-line code over whole rows. A
`PerVector` function is one that Numba has compiled for one vector: it goes through the lanes one by one.
"""

from __future__ import annotations

import ctypes
import functools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from math import inf

import numpy as np
from numba.core.typing.templates import Signature

from .._parallel import CostEstimate, in_steps
from .._typing import Arguments, Array, FloatArray, Function, Index, Selection
from ..compilation.caches import KEPT, Recent, clearable
from ..compilation.captured import CapturedKind
from ..compilation.kernels import LOCK, Native, native_loop
from ..compilation.memory import address_of, array_at
from ..compilation.ufuncs import OWN, RAISED
from ..tracing import LANES, ValueProgram
from .lanes import BLOCK, LOOPS, OPERANDS
from .vector_code import Memory, words_of
from .vector_instructions import WIDTH


@cache
def loop(name: str, function: Function | None = None, signature: Signature | None = None) -> tuple[Native, Function]:
    """Compile a loop, one for all functions, when it is needed first: of `LOOPS`, or any other."""
    if function is None or signature is None:
        function, signature = LOOPS[name]
    code = native_loop(b"lanes " + name.encode(), function, signature)
    return code, ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(signature.args))(code.address)


#: By program: the machine code made of it, and frames that no call works with.
_programs: dict[bytes, tuple[dict[Hashable, Native | None], dict[Hashable, list[Frame]]]] = clearable(Recent(KEPT))


class Traced:
    """A traced function of vectors, and the machine code of its programs.

    Functions that differ in captured numbers only have the same `key` and share machine code.
    """

    few = 4
    """Vectors up to which the program goes through them one by one, in less time than through all lanes."""

    one = 0

    def __init__(self, program: ValueProgram) -> None:
        self.program, self.d, self.m = program, program.d, len(program.outputs)
        self.key = program.compact.key
        self.costs: dict[Hashable, CostEstimate] = defaultdict(CostEstimate)
        """What a value costs, and what else is computed in one call, by name."""
        if self.key not in _programs:
            _programs[self.key] = {}, {}
        self._codes, self.frames = _programs[self.key]

    def words(self, args: Arguments, data: Sequence[object]) -> tuple[FloatArray, object] | None:
        """Numbers of captured `data` and what keeps them alive; None if the function is to be traced anew."""
        numbers = self.program.captured.numbers([*data, *args])
        return None if numbers is None else (np.ascontiguousarray(numbers, np.float64), None)

    def code(self, key: Hashable = None, make: Callable[[], Native | None] | None = None) -> Native | None:
        """Machine code of the values, or of another program that `make` makes of them; None where it is too long."""
        if key not in self._codes:
            self._codes[key] = (make or self.program.compact.body)()
        return self._codes[key]


#: Numbers of a vector and its results up to which a block of vectors is put into rows.
LONGEST = 1 << 14


class PerVector:
    """A function that Numba has compiled for one vector of length `d`, with so many `outputs`.

    `captured` are the kinds of captured values that are arguments of its machine code.
    """

    few = LANES

    def __init__(self, native_code: Native, d: int, outputs: int, captured: Sequence[CapturedKind]) -> None:
        self.native, self.d, self.outputs, self.captured = native_code, d, outputs, captured
        self.m = outputs * (2 if native_code.result == "D" else 1)
        self.one, self.frames = native_code.address, dict[Hashable, list[Frame]]()
        self.costs: dict[Hashable, CostEstimate] = defaultdict(CostEstimate)

    def words(self, args: Arguments, data: Sequence[object]) -> tuple[Memory, object] | None:
        """Words of the arguments and of captured `data`, and what keeps alive what they point into."""
        return words_of(self.d, self.outputs, args, self.captured, data)

    def empty(self, count: int) -> Array:
        """Allocate values at so many vectors."""
        return np.empty((count, self.outputs), np.complex128 if self.m > self.outputs else np.float64)

    def code(self) -> Native:
        """Machine code that goes through the lanes."""
        return loop("one by one")[0]


class Frame:
    """Memory of a block of points: rows, the words that hold their addresses, and the frame of a loop over blocks.

    There are `rows` besides those of coordinates and results. `code` is the machine code that is run.
    """

    def __init__(self, program: Traced | PerVector, rows: int, code: Native | None) -> None:
        d, m = program.d, program.m
        self._rows = np.zeros(((d + m + rows + 1) * WIDTH + 64) // 8)
        self._next = (address_of(self._rows) + 63) // 64 * 64
        self._kept: list[object] = [code]
        self.x = self.rows(d)
        places = [self.x + WIDTH * i for i in range(d)]
        results = self.rows(m)
        self.places = self.words([*places, *(results + WIDTH * i for i in range(m))])
        move, scratch = loop("move")[0].address, self.keep(np.empty(LANES * (d + m) if program.one else 1))
        own = 0, program.one, scratch, m, move, self.places, self.words(places), 0, 0, -1, 0, 0
        self.data = np.array([*[0] * OWN, *own])
        first = code.address if code else 0, d, m, self.places, address_of(self.data), move, 0, program.few
        self.frame = [*first, self.rows(1)]
        self.table = 0
        """Address of the words of a stencil."""

    def rows(self, count: int) -> int:
        """Reserve some rows: the address of the first."""
        first, self._next = self._next, self._next + WIDTH * count
        return first

    def words(self, words: Sequence[int]) -> int:
        """Keep words: their address."""
        return self.keep(np.array(words, dtype=np.int64))

    def keep(self, array: Array) -> int:
        """Keep an array alive: its address."""
        self._kept.append(array)
        return address_of(array)

    def finish(self, *words: int) -> Frame:
        """Complete the frame with the words of the loop."""
        self.at = self.words([*self.frame, *words])
        return self


def _of_values(program: Traced) -> Frame:
    return Frame(program, 0, program.code()).finish()


class Machine:
    """A program with the words of its arguments and captured values, and what keeps these alive."""

    def __init__(self, program: Traced | PerVector, words: Memory, kept: object) -> None:
        self.program, self._words, self._kept = program, words, kept

    @property
    def is_traced(self) -> bool:
        """Whether the function was traced: then it raises nothing, and an evaluation is a few nanoseconds."""
        return isinstance(self.program, Traced)

    def is_slow(self, evaluations: int) -> bool:
        """Tell whether a signal would have to wait too long for so many evaluations, which all are for one point.

        A traced function is a short program: for it lanes are always better.
        """
        cost = self.program.costs["values"]
        return not self.is_traced and cost.seconds < inf and cost.long(evaluations)

    @contextmanager
    def frame(self, make: Callable[..., Frame], *key: Hashable) -> Iterator[Frame]:
        """Borrow a frame, which one thread at a time works with."""
        free = self.program.frames.setdefault((make, *key), [])
        try:
            frame = free.pop()
        except IndexError:
            with LOCK:
                frame = make(self.program, *key)
        self.prepare(frame)
        yield frame
        free.append(frame)

    def prepare(self, frame: Frame) -> None:
        """Enter the words of this call."""
        frame.data[OPERANDS], frame.data[RAISED] = address_of(self._words), 0

    def rows(self, vectors: FloatArray, values: Array) -> int:
        """Evaluate at the rows of `vectors`; return how many times `f` raised."""
        program, raised = self.program, 0

        def evaluate(rows: slice) -> None:
            nonlocal raised
            some, out = vectors[rows], values[rows]
            addresses = len(some), address_of(some), address_of(out)
            if isinstance(program, PerVector):  # lanes take memory that long vectors have not to spare
                raised += loop("rows")[1](*addresses, program.one, address_of(self._words), program.m)
                return
            with self.frame(_of_values) as frame:
                loop("values")[1](*addresses, frame.at)

        in_steps(evaluate, len(vectors), program.costs["values"])
        return raised


#: Vectors of lines, shape (lines, p, d), the point of each line, and bounds or None.
Along = tuple[FloatArray, Index, FloatArray | None, FloatArray | None]


class MachineOnLines:
    """Values at positions on lines through points `x`, shape (b, d).

    The entries have the numbers ``line * m + output``; line ``b d + k`` moves coordinate `k` of point `b`. For lines
    along vectors, `along` holds these and more.
    """

    def __init__(self, machine: Machine, x: FloatArray, entry: Index, along: Along | None) -> None:
        program = machine.program
        d, m = program.d, program.m
        self.outputs, self.costs = m, program.costs
        p = 1 if along is None else along[0].shape[1]
        entry = np.ascontiguousarray(entry, np.int64)
        self._arrays = machine, x, entry, along
        self._all_frames, self._free = list[Frame](), list[Frame]()
        if along is None:
            point = entry // (m * d)
        else:
            point = along[1][entry // m]
        is_point = ~np.isnan(x).any(axis=1)
        values = np.empty((np.count_nonzero(is_point), m))
        machine.rows(np.ascontiguousarray(x if is_point.all() else x[is_point]), values)
        self.raises_at_points = bool(np.isnan(values).any())
        """Whether there is a point without a value: `f` itself may raise there."""
        if len(values) < len(x):
            own, values = values, np.full((len(x), m), np.nan)
            values[is_point] = own
        own = values.ravel().take(point if m == 1 else point * m + entry % m)
        with np.errstate(all="ignore"):
            self._at_points = functools.reduce(np.subtract, [own] * p)

    def _new_frame(self) -> Frame:
        machine, x, entry, along = self._arrays
        program, d, m = machine.program, machine.program.d, machine.program.m
        p = 1 if along is None else along[0].shape[1]
        frame = Frame(program, (p + 3) * d + 2 * m + 1, program.code())
        machine.prepare(frame)
        columns = frame.keep(np.zeros(5 * BLOCK, np.int64))
        base = frame.rows(d)
        if along is None:
            array_at(frame.places, d, ctypes.c_int64)[:] = [base + WIDTH * k for k in range(d)]
            vectors = [0, 0, 1, 0, 0]
        else:
            v, which, low, high = along
            vectors = [address_of(v), address_of(which), p, *(0 if a is None else address_of(a) for a in (low, high))]
        rows = base, frame.rows((p + 2) * d), frame.rows(2 * m + 1)
        self._all_frames.append(frame.finish(address_of(x), address_of(entry), columns, *vectors, *rows))
        return frame

    @contextmanager
    def words(self) -> Iterator[int]:
        """Lend the address of words of the loop over lines, which one thread at a time may use."""
        try:
            frame = self._free.pop()
        except IndexError:  # not asked for before: another thread may take the last one in between
            with LOCK:
                frame = self._new_frame()
        yield frame.at
        self._free.append(frame)

    @property
    def raised(self) -> int:
        """How many times `f` raised so far, beside the points."""
        return sum(int(frame.data[RAISED]) for frame in self._all_frames)

    def at(self, _points: FloatArray, index: Selection) -> FloatArray:
        """Values at the points themselves."""
        return self._at_points[index]

    def __call__(self, points: FloatArray, index: Index) -> FloatArray:
        """Evaluate at `points`, shape ``(..., n)``, of the entries `index`."""
        points = np.ascontiguousarray(points)
        index = np.ascontiguousarray(np.broadcast_to(index, points.shape[-1:]), np.int64)
        values, cost = np.empty(points.shape), self.costs["values"]
        if points.size and cost.long(points.size):
            flat, its_index, its_values = points.ravel(), np.tile(index, points.size // index.size), values.ravel()
            in_steps(lambda k: self._evaluate(flat[k], its_index[k], its_values[k]), points.size, cost)
        elif points.size:
            self._evaluate(points, index, values)
        return values

    def _evaluate(self, points: FloatArray, index: Index, values: FloatArray) -> None:
        """Write the values at `points` into an array."""
        n = points.shape[-1]
        with self.words() as words:
            loop("lines")[1](points.size // n, n, address_of(points), address_of(index), address_of(values), words)
