"""A compiled function of vectors with its arguments, and what is done with it: values, stencils, the adaptive rule."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..adaptive_rule import Adaptive, estimate
from ..compilation.kernels import Native, native
from ..compilation.memory import address_of
from ..estimates import Estimate
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil
from .vector_code import words_of
from .vector_loops import LOOPS

#: Room for results that the evaluator of the adaptive rule remembers, in numbers.
_MEMORY = 1 << 13


@cache
def _address(loop: str) -> int:
    """Compile a loop, one for all functions, when it is needed first."""
    _made[loop] = native(b"vectors " + loop.encode(), lambda: (*LOOPS[loop], "d"))
    return _made[loop].address


#: What keeps the loops loaded.
_made: dict[str, Native] = {}


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
        self._one, self._d, self._m = one, d, m
        self._words, self._kept = words_of(d, m, args, captured, data)
        self._at = address_of(self._words)

    def rows(self, vectors: Any, values: Any) -> int:
        """Evaluate at the rows of `vectors`; return the first at which `f` did not go through, or -1."""
        return int(
            _loop_at(_address("rows"))(
                len(vectors), address_of(vectors), address_of(values), self._one.address, self._at
            )
        )

    def stencil(self, x: Any, rule: Stencil, result: str, given: Any, out: Any) -> int:
        """Apply a stencil along all coordinates, into `out` (points, outputs, coordinates).

        Returns how many times `f` did not go through or an entry was not finite.
        """
        table = table_of(rule, result)
        room = np.empty(self._d + len(rule.needed) * self._m)
        at = address_of(room)
        places = np.array(
            [address_of(x), 0 if given is None else address_of(given), address_of(out), at, at + 8 * self._d]
        )
        return int(
            _loop_at(_address("stencil"))(
                len(x), address_of(places), address_of(table), self._one.address, self._at
            )
        )

    def adaptive(self, x: Any, rule: Adaptive, entry: Any, start: Any, limits: Any, along: Any = None
                 ) -> tuple[Estimate, int]:  # fmt: skip
        """Apply the adaptive rule: return the estimate, and at how many points `f` raised.

        `entry` holds the numbers of the entries, `start` their positions; `limits` are largest steps and bounds.
        `along`, for lines along vectors, holds the vectors (lines, p, d), the point of each line, and bounds for the
        coordinates or None.
        """
        p = 1 if along is None else along[0].shape[1]
        width = p * self._m + 2
        slots = 1 if p * self._m == 1 else max(64, _MEMORY // width)
        memory = np.full(self._d + slots * width, _NEVER)
        at = address_of(memory)
        own = [address_of(x), self._one.address, self._at, at, at + 8 * self._d, slots, 0]
        if along is not None:
            v, which, low, high = along
            own += [address_of(v), address_of(which), p, *(0 if a is None else address_of(a) for a in (low, high))]
        words = np.array(own)
        call = _evaluator_at(_address("coordinates" if along is None else "along"))
        numbers = np.ascontiguousarray(entry, np.float64)
        places = (ctypes.c_int64 * 2)(0, address_of(numbers))
        context = (ctypes.c_int64 * 4)(address_of(words), 2, 0, ctypes.addressof(places))

        def evaluate(points: Any, index: Any) -> Any:
            points = np.ascontiguousarray(points)
            index = np.ascontiguousarray(np.broadcast_to(index, points.shape), np.int64)
            values = np.empty(points.shape)
            call(address_of(points), address_of(index), points.size, address_of(values), ctypes.addressof(context))
            return values

        return estimate(evaluate, start, rule, *limits, grids=True), int(words[6])


@lru_cache(maxsize=256)
def table_of(rule: Stencil, result: str) -> Any:
    """Words that describe a stencil to the loop."""
    numbers = [best_step(rule, result), *map(float, rule.needed), *(float(w) for w, _, _ in rule.differences)]
    best, *rest = np.array(numbers).view(np.int64).tolist()
    offsets, weights = rest[: len(rule.needed)], rest[len(rule.needed) :]
    words = [rule.n, best, len(offsets), *offsets, len(weights)]
    for weight, (_, a, b) in zip(weights, rule.differences, strict=True):
        words += [weight, rule.needed.index(a), rule.needed.index(b)]
    return np.array(words)


_evaluator_at = cache(ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 2))

_loop_at = cache(ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 5))

#: A number that is no line, whatever its bits are taken for.
_NEVER = float(np.int64(-(1 << 62)).view(np.float64))
