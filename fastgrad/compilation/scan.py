"""Loops over levels, executed by NumPy on arrays or by machine code, to the same bits.

The body of a scan takes rows, one number for each point, and carries a state from level to level, without branches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._typing import FloatArray
from .kernels import Native, native_from_text, needs_compiling
from .memory import address_of
from .rows import LANES, Body, Finish, Rows, ScanCode, Start, prototype, text_of_scan

PATIENCE = 1 << 14
"""Points, times levels, that NumPy takes before a scan is compiled: a quarter of the time of the compilation, at 1.5 ns
and 0.1 ms for each operation, because other calls and processes use the kernel, too."""
CALL = 1 << 12
"""Points for which NumPy takes as long as for the call of an operation, where most rows are in use."""
#: A scan in machine code: of the address of its table, how many levels, how many points.
NativeCall = Callable[[int, int, int], None]


class Scan:
    """A loop over levels.

    Parameters
    ----------
    name : str
        Part of the key of the machine code; it names everything that the functions depend on.
    body : callable, optional
        ``body(select, state, points, levels, level) -> (state, outputs)``, all of them rows or tuples of rows.
    start : callable, optional
        ``start(points)``: the state before the first level, rows or constants.
    finish : callable, optional
        ``finish(select, state, points)``: results from the state after the last level; by default the state.
    backwards : bool
        Whether the loop goes from fine to coarse.
    """

    def __init__(
        self, name: str, body: Body = lambda *_: ((), ()), start: Start = lambda _: (),
        finish: Finish = lambda _select, state, _points: state, backwards: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.body, self.start, self.finish, self.backwards = name, body, start, finish, backwards
        self._work = 0
        """Points, times levels, that NumPy has taken."""
        self._functions: dict[tuple[int, int, int], NativeCall | None] = {}
        """Machine code by numbers of rows, or None where there was none in the cache."""

    def __call__(self, points: Rows, levels: Rows, count: int, results: int, outputs: int = 0
                 ) -> tuple[list[FloatArray], list[FloatArray]]:  # fmt: skip
        """Return the results, arrays of float64, and the outputs of all levels, arrays of shape (count, points).

        Parameters
        ----------
        points : sequence of ndarray, shape (points,), or float
            Rows that all levels share.
        levels : sequence of ndarray, shape (count or more, points)
            Groups, of which the body takes the row of its level.
        count : int
            Number of levels.
        results, outputs : int
            Number of results, and of outputs of the body.
        """
        size = (levels[0] if levels else points[0]).shape[-1]
        function = self.function(len(points), len(levels), outputs, size * count)
        if function is None:
            self._work += (size + CALL) * count
            return self._by_numpy(points, levels, count, outputs)
        if size < LANES and levels:
            index = np.minimum(np.arange(LANES), size - 1)
            levels = [g.take(index, axis=-1) for g in levels]
        return _by_code(function, points, levels, count, (results, outputs), size)

    def code(self, points: int, groups: int, outputs: int) -> Native:
        """Compile for numbers of rows of points, groups of levels and outputs."""
        code = ScanCode(points, groups, outputs, self.start, self.body, self.finish, self.backwards)
        return native_from_text(self._key(points, groups, outputs), lambda name: text_of_scan(name, code))

    def function(self, points: int, groups: int, outputs: int, work: int) -> NativeCall | None:
        """Return machine code as a function if it is in the cache or NumPy has taken so many points, else None.

        `work` is the number of points to come, times that of levels; the rest as in `code`.
        """
        shape = points, groups, outputs
        function = self._functions.get(shape)
        if function is None:
            is_new = shape not in self._functions
            if self._work + work > PATIENCE or (is_new and not needs_compiling(self._key(*shape))):
                function = prototype(self.code(*shape).address)
            self._functions[shape] = function
        return function

    def _key(self, *shape: int) -> bytes:
        return f"rows {LANES} {self.name} {shape}".encode()

    def _by_numpy(self, points: Rows, levels: Rows, count: int, outputs: int
                  ) -> tuple[list[FloatArray], list[FloatArray]]:  # fmt: skip
        shape = (levels[0] if levels else points[0]).shape[-1:]
        outputs_of: list[Rows] = [()] * count
        order = range(count - 1, -1, -1) if self.backwards else range(count)
        with np.errstate(all="ignore"):
            state: Rows = tuple(np.broadcast_to(s, shape) for s in self.start(points))
            for level in order:
                state, outputs_of[level] = self.body(np.where, state, points, [g[level] for g in levels], float(level))
            results = self.finish(np.where, state, points)
        arrays = [np.array([np.broadcast_to(row[k], shape) for row in outputs_of], np.float64) for k in range(outputs)]
        return [np.array(np.broadcast_to(r, shape), np.float64) for r in results], arrays


def _by_code(code: NativeCall, points: Rows, levels: Rows, count: int, shape: tuple[int, int], size: int
             ) -> tuple[list[FloatArray], list[FloatArray]]:  # fmt: skip
    """Execute machine code, on eight points at least; `shape` has the numbers of results and outputs."""
    padded = max(size, LANES)
    # in one array, because the address of an array takes longer than a copy
    rows = np.empty((len(points), padded))
    for row, p in zip(rows[:, :size], points, strict=True):
        row[:] = p
    rows[:, size:] = rows[:, size - 1 : size]
    results = np.empty((shape[0], padded))
    outputs = np.empty((shape[1], count, padded + LANES))  # not spaced by a power of two, against cache conflicts
    groups = [g if g.dtype == _DOUBLE and g.strides[-1] == 8 else np.ascontiguousarray(g, np.float64) for g in levels]
    table = _addresses(rows)
    for g in groups:
        table += [address_of(g[0]), g.strides[0]]
    for start in _addresses(outputs):
        table += [start, outputs.strides[1]]
    words = np.array(table + _addresses(results), np.int64)
    code(address_of(words), count, padded)
    return list(results[:, :size]), list(outputs[:, :, :size])


_DOUBLE = np.dtype(np.float64)


def _addresses(arrays: FloatArray) -> list[int]:
    """Return the addresses of the parts of an array."""
    if not arrays.size:
        return []
    start, step = address_of(arrays), arrays.strides[0]
    return [start + k * step for k in range(len(arrays))]
