"""Loops over vectors in machine code, around any compiled function: values of rows, and of positions on lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ..compilation.kernels import inner
from ..compilation.memory import WORDS, pointer, words_at

#: Words of an evaluator on lines that count exceptions: at the points, and beside them.
RAISED_AT, RAISED_BESIDE = 6, 7


@intrinsic
def call_one(_typing: Any, address: Any, vector: Any, results: Any, words: Any) -> Any:
    """Call the piece of machine code of a function by its address."""
    word = ir.IntType(64)

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        prototype = ir.FunctionType(word, [word, word, word.as_pointer()])
        return builder.call(builder.inttoptr(args[0], prototype.as_pointer()), args[1:])

    return types.intp(*[types.intp] * 3, WORDS), code


def _rows(count, vectors, results, one, words):  # type: ignore[no-untyped-def]
    """Evaluate at `count` vectors; return the first at which `f` did not go through, or -1."""
    d, m, first = words[0], words[1], -1
    for i in range(count):
        if call_one(one, vectors + 8 * d * i, results + 8 * m * i, words) != 0 and first < 0:  # type: ignore[call-arg]
            first = i
    return first


@inner
def _clear(place, count):  # type: ignore[no-untyped-def]
    """Fill with NaN."""
    numbers = pointer(place, "d")  # type: ignore[call-arg,var-annotated]
    for i in range(count):
        numbers[i] = np.nan


@inner
def _slot(line, bits, slots):  # type: ignore[no-untyped-def]
    """Which slot of the memory remembers a position on a line: its bits and the line's number, well mixed."""
    mixed = (np.uint64(bits) ^ (np.uint64(line) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xD6E8FEB86659FD93)
    return np.int64((mixed >> np.uint64(40)) % np.uint64(slots))


def _coordinates(points, index, count, values, context):  # type: ignore[no-untyped-def]
    """Evaluate at positions on lines along coordinates.

    Entries ``(point, coordinate, output)`` are numbered in that order. `context` holds the address of these words:
    points, the function's piece, its words, memory for a vector, the memory of results, its slots, two counts of
    exceptions; the fourth word of `context` leads to the entries' numbers. A slot holds line, position and all results.
    """
    frame = words_at(context)  # type: ignore[call-arg,var-annotated]
    own, places = words_at(frame[0]), words_at(frame[3])
    x, vector = pointer(own[0], "d"), pointer(own[3], "d")
    words = words_at(own[2])
    d, m, slots = words[0], words[1], own[5]
    at, out, which = pointer(points, "d"), pointer(values, "d"), words_at(index)
    entries = pointer(places[1], "d")
    for r in range(count):
        entry = np.int64(entries[which[r]])
        line = entry // m
        b, k = line // d, line % d
        position = at[r]
        if position == x[line]:
            line, position = -1 - b, 0.0
        bits = np.float64(position).view(np.int64)
        place = own[4] + 8 * (m + 2) * _slot(line, bits, slots)
        key = words_at(place)
        if key[0] != line or key[1] != bits:
            none = False
            for c in range(d):
                vector[c] = x[b * d + c]
                none = none or x[b * d + c] != x[b * d + c]
            if line >= 0:
                vector[k] = position
            if none:
                _clear(place + 16, m)
            elif call_one(own[1], own[3], place + 16, words) != 0:
                own[RAISED_AT if line < 0 else RAISED_BESIDE] += 1
            key[0], key[1] = line, bits
        out[r] = pointer(place + 16, "d")[entry % m]


def _along(points, index, count, values, context):  # type: ignore[no-untyped-def]
    """Evaluate at positions on lines along vectors, as `_coordinates` does.

    With several vectors, the values along the others are subtracted from those along the first. The words of
    `context` go on with the vectors ``(lines, p, d)``, the point of each line, `p` and the bounds of the coordinates or
    0. Entries ``(line, output)`` are numbered in that order.
    """
    frame = words_at(context)  # type: ignore[call-arg,var-annotated]
    own, places = words_at(frame[0]), words_at(frame[3])
    x, vector, v = pointer(own[0], "d"), pointer(own[3], "d"), pointer(own[8], "d")
    words, of, p = words_at(own[2]), words_at(own[9]), own[10]
    d, m, slots = words[0], words[1], own[5]
    at, out, which = pointer(points, "d"), pointer(values, "d"), words_at(index)
    entries = pointer(places[1], "d")
    for r in range(count):
        entry = np.int64(entries[which[r]])
        line, o = entry // m, entry % m
        b, t = of[line], at[r]
        bits = np.float64(t).view(np.int64)
        place = own[4] + 8 * (p * m + 2) * _slot(line, bits, slots)
        key = words_at(place)
        if key[0] != line or key[1] != bits:
            for q in range(p):
                none = False
                for c in range(d):
                    none = none or x[b * d + c] != x[b * d + c]
                    moved = x[b * d + c] + t * v[(line * p + q) * d + c]
                    if own[11] != 0:
                        moved = max(moved, pointer(own[11], "d")[b * d + c])
                        moved = min(moved, pointer(own[12], "d")[b * d + c])
                    vector[c] = moved
                if none:
                    _clear(place + 16 + 8 * m * q, m)
                elif call_one(own[1], own[3], place + 16 + 8 * m * q, words) != 0:
                    own[RAISED_AT if t == 0.0 else RAISED_BESIDE] += 1
            key[0], key[1] = line, bits
        results = pointer(place + 16, "d")
        total = results[o]
        for q in range(1, p):
            total -= results[q * m + o]
        out[r] = total


_WORD = types.intp
_LOOP, _EVALUATOR = _WORD(_WORD, _WORD, _WORD, _WORD, WORDS), types.void(*[_WORD] * 5)
LOOPS = {
    "rows": (_rows, _LOOP),
    "coordinates": (_coordinates, _EVALUATOR),
    "along": (_along, _EVALUATOR),
}
