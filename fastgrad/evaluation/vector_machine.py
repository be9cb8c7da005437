"""A compiled function of vectors with its arguments: its values at rows, and at positions on lines."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numba.core import types

from ..compilation.kernels import Native, native
from ..compilation.memory import address_of
from .vector_code import words_of
from .vector_loops import LOOPS, RAISED_AT, RAISED_BESIDE

#: Numbers that the evaluator on lines remembers.
_MEMORY = 1 << 13

#: A number that is no line, whatever its bits are read as.
_NEVER = float(np.int64(-(1 << 62)).view(np.float64))


@cache
def loop(name: str, function: Any = None, signature: Any = None) -> Any:
    """Compile a loop, one for all functions, when it is needed first: of `LOOPS`, or any other."""
    if function is None:
        function, signature = LOOPS[name]
    code = native(b"vectors " + name.encode(), lambda: (function, signature, "d"))
    returned = None if signature.return_type == types.void else ctypes.c_int64
    return code, ctypes.CFUNCTYPE(returned, *[ctypes.c_int64] * len(signature.args))(code.address)


class Machine:
    """A compiled function with its arguments, for vectors of one length.

    Parameters
    ----------
    one : Native
        The function's piece.
    d, m : int
        Coordinates and outputs.
    args : tuple
        Further arguments.
    captured, data : sequence
        Kinds of captured values, and the values.
    """

    def __init__(
        self, one: Native, d: int, m: int, args: tuple[Any, ...], captured: Sequence[Any] = (), data: Sequence[Any] = ()
    ) -> None:
        self._one, self.d, self.m = one, d, m
        self._words, self._kept = words_of(d, m, args, captured, data)
        self.call = one.address, address_of(self._words)
        """Addresses of the function's piece and of its words."""

    def rows(self, vectors: Any, values: Any) -> int:
        """Evaluate at the rows of `vectors`; return the first at which `f` raised, or -1."""
        return int(loop("rows")[1](len(vectors), address_of(vectors), address_of(values), *self.call))

    def on_lines(self, x: Any, entry: Any, along: Any = None) -> LinesOfMachine:
        """Return what evaluates at positions on lines.

        Parameters
        ----------
        x : ndarray, shape (b, d)
            The points.
        entry : ndarray of int
            Numbers of the entries, ``line * m + output``; line ``b d + k`` moves coordinate `k` of point `b`.
        along : tuple, optional
            For lines along vectors: these, shape (lines, p, d), the point of each line, and bounds for the coordinates
            or None.
        """
        return LinesOfMachine(self, x, entry, along)


class LinesOfMachine:
    """Values of a compiled function at positions on lines; it remembers the latest results.

    Attributes
    ----------
    at : None
        There is no other way to evaluate at the points themselves.
    """

    at = None

    def __init__(self, machine: Machine, x: Any, entry: Any, along: Any) -> None:
        p = 1 if along is None else along[0].shape[1]
        width = p * machine.m + 2
        slots = 1 if p * machine.m == 1 else max(64, _MEMORY // width)
        memory = np.full(machine.d + slots * width, _NEVER)
        start = address_of(memory)
        own = [address_of(x), *machine.call, start, start + 8 * machine.d, slots, 0, 0]
        if along is not None:
            v, which, low, high = along
            own += [address_of(v), address_of(which), p, *(0 if a is None else address_of(a) for a in (low, high))]
        self._own = np.array(own)
        numbers = np.ascontiguousarray(entry, np.float64)
        places = (ctypes.c_int64 * 2)(0, address_of(numbers))
        self._context = (ctypes.c_int64 * 4)(address_of(self._own), 2, 0, ctypes.addressof(places))
        self._kept = machine, memory, numbers, places, x, along
        self._loop = loop("coordinates" if along is None else "along")[1]

    @property
    def raised_at(self) -> int:
        """How many times `f` raised at a point."""
        return int(self._own[RAISED_AT])

    @property
    def raised_beside(self) -> int:
        """How many times `f` raised beside a point."""
        return int(self._own[RAISED_BESIDE])

    def __call__(self, points: Any, index: Any) -> Any:
        """Evaluate at `points`, shape ``(..., n)``, of the entries `index`."""
        points = np.ascontiguousarray(points)
        index = np.ascontiguousarray(np.broadcast_to(index, points.shape), np.int64)
        values = np.empty(points.shape)
        addresses = address_of(points), address_of(index), points.size, address_of(values)
        self._loop(*addresses, ctypes.addressof(self._context))
        return values
