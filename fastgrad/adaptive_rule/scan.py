"""Loops over the levels of the last search, written once: NumPy runs them on arrays, or machine code, to the same bits.

A scan goes over the levels of all points together. Its body sees rows, one number for each point, and carries a state
from level to level. It computes without branches, as the judging kernel does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compilation.kernels import Native, at_hand
from .codegen import LANES, ScanCode, key_of, prototype, scan_kernel

MANY = 1 << 12
"""Points from which a scan is compiled at once: NumPy would take as long."""
PATIENCE = 0.03
"""Seconds that NumPy may have spent on a scan before it is compiled, about as long as that takes."""


def _nothing(*_: Any) -> tuple[Any, ...]:
    return ()


def _no_levels(*_: Any) -> tuple[Any, Any]:
    return (), ()


def _as_it_is(_select: Any, state: tuple[Any, ...], _points: Sequence[Any]) -> tuple[Any, ...]:
    return state


class Scan:
    """A loop over levels.

    Parameters
    ----------
    name : str
        What machine code is kept by; with everything that the functions depend on.
    body : callable, optional
        ``body(select, state, points, levels, level) -> (state, outputs)``, all of them rows or tuples of rows.
    start : callable, optional
        ``start(points)``: the state before the first level, rows or constants.
    finish : callable, optional
        ``finish(select, state, points)``: results from the state after the last level.
    backwards : bool
        Whether it goes from fine to coarse.
    """

    def __init__(
        self, name: str, body: Callable[..., Any] = _no_levels, start: Callable[..., Any] = _nothing,
        finish: Callable[..., Any] = _as_it_is, backwards: bool = False,
    ) -> None:  # fmt: skip
        self.name, self.body, self.start, self.finish, self.backwards = name, body, start, finish, backwards
        self._spent, self._asked = 0.0, 0.0
        self._functions: dict[tuple[int, ...], Any] = {}

    def __call__(self, points: Sequence[Any], levels: Sequence[Any], count: int, results: int, outputs: int = 0
                 ) -> tuple[list[Any], list[Any]]:  # fmt: skip
        """Return the results, arrays of float64, and the outputs of all levels, arrays of shape (count, points).

        Parameters
        ----------
        points : sequence of ndarray, shape (points,), or float
            Rows that are the same at all levels.
        levels : sequence of ndarray, shape (count or more, points)
            Groups: the body sees a row of each.
        count : int
            How many levels.
        results, outputs : int
            How many results there are, and how many outputs the body has.
        """
        size = (levels[0] if levels else points[0]).shape[-1]
        code = self._function(len(points), len(levels), outputs, size)
        if code is None:
            began = time.perf_counter()
            results_and_outputs = self._by_numpy(points, levels, count, outputs)
            self._spent += time.perf_counter() - began
            return results_and_outputs
        if size < LANES:
            index = np.minimum(np.arange(LANES), size - 1)
            points = [p.take(index) if np.ndim(p) else p for p in points]
            levels = [g.take(index, axis=-1) for g in levels]
        return _by_code(code, points, levels, count, (results, outputs), size)

    def code(self, points: int, groups: int, outputs: int) -> Native:
        """Compile for so many rows of points, groups of levels and outputs."""
        what = ScanCode(points, groups, outputs, self.start, self.body, self.finish, self.backwards)
        return scan_kernel(self._key(points, groups, outputs), what)

    def _key(self, *shape: int) -> bytes:
        return f"{self.name} {shape}".encode()

    def _function(self, points: int, groups: int, outputs: int, size: int) -> Any:
        """Machine code as a function, if it is at hand or worth compiling for so many points."""
        shape = points, groups, outputs
        function = self._functions.get(shape)
        if function is None:
            pays = size >= MANY or self._spent > PATIENCE
            if not pays and self._spent < self._asked:
                return None
            if pays or at_hand(key_of(self._key(*shape))):
                function = self._functions[shape] = prototype(self.code(*shape).address)
            else:
                self._asked = self._spent + 0.01
        return function

    def _by_numpy(self, points: Sequence[Any], levels: Sequence[Any], count: int, outputs: int
                  ) -> tuple[list[Any], list[Any]]:  # fmt: skip
        shape = (levels[0] if levels else points[0]).shape[-1:]
        made: list[Any] = [None] * count
        order = range(count - 1, -1, -1) if self.backwards else range(count)
        with np.errstate(all="ignore"):
            state = tuple(np.broadcast_to(s, shape) for s in self.start(points))
            for level in order:
                state, made[level] = self.body(np.where, state, points, [g[level] for g in levels], float(level))
            results = self.finish(np.where, state, points)
        each = [np.array([np.broadcast_to(row[k], shape) for row in made], np.float64) for k in range(outputs)]
        return [np.array(np.broadcast_to(r, shape), np.float64) for r in results], each


def _by_code(code: Any, points: Sequence[Any], levels: Sequence[Any], count: int, made: tuple[int, int], size: int
             ) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """Run machine code on eight points at least."""
    padded = max(size, LANES)
    rows = np.empty((len(points), padded))  # in one array, because the address of an array takes longer than a copy
    for row, p in zip(rows, points, strict=True):
        row[:] = p
    results = np.empty((made[0], padded))
    outputs = np.empty((made[1], count, padded + LANES))  # no power of two from level to level
    groups = [g if g.dtype == _DOUBLE and g.strides[-1] == 8 else np.ascontiguousarray(g, np.float64) for g in levels]
    table = _addresses(rows)
    for g in groups:
        table += [_address(g), g.strides[0]]
    for start in _addresses(outputs):
        table += [start, outputs.strides[1]]
    words = np.array(table + _addresses(results), np.int64)
    code(_address(words), count, padded)
    return list(results[:, :size]), list(outputs[:, :, :size])


_DOUBLE = np.dtype(np.float64)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _addresses(arrays: Any) -> list[int]:
    """Addresses of the rows of an array, all of one size."""
    if not len(arrays):
        return []
    start, step = _address(arrays), arrays.strides[0]
    return [start + k * step for k in range(len(arrays))]
