"""Loops over vectors in machine code: values, stencils, and what the adaptive rule needs, of any compiled function."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ..compilation.kernels import inner
from ..compilation.memory import EXPONENT, WORDS, pointer, words_at


@intrinsic
def _call_one(_typing: Any, address: Any, vector: Any, results: Any, words: Any) -> Any:
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
        if _call_one(one, vectors + 8 * d * i, results + 8 * m * i, words) != 0 and first < 0:  # type: ignore[call-arg]
            first = i
    return first


def _stencil(count, places, rule, one, words):  # type: ignore[no-untyped-def]
    """Apply a stencil along every coordinate of `count` points; return how many times something was not right.

    `places`: points, steps or 0, entries ``(count, m, d)``, room for a vector and for the values at all offsets.
    `rule`: order of the derivative, bits of the best step, how many offsets, their bits, how many differences, and
    each as bits of its weight and two indices of offsets.
    """
    d, m = words[0], words[1]
    n, offsets = rule[0], rule[2]
    best = np.int64(rule[1]).view(np.float64)
    differences = rule[3 + offsets]
    table = 4 + offsets
    vector, values = pointer(places[3], "d"), pointer(places[4], "d")  # type: ignore[call-arg,var-annotated]
    wrong = 0
    simple = n == 1 and offsets == 2 and differences == 1 and rule[3] != 0 and rule[4] != 0
    first, second = np.int64(rule[3]).view(np.float64), np.int64(rule[4]).view(np.float64)
    weight = np.int64(rule[table]).view(np.float64)
    for b in range(count):
        x, out = pointer(places[0] + 8 * d * b, "d"), pointer(places[2] + 8 * d * m * b, "d")
        none = False
        for k in range(d):
            vector[k] = x[k]
            none = none or x[k] != x[k]
        if none:
            for i in range(m * d):
                out[i] = np.nan
            continue
        for o in range(offsets):
            if rule[3 + o] == 0:
                wrong += _call_one(one, places[3], places[4] + 8 * m * o, words) != 0
        for k in range(d):
            at = x[k]
            if places[1] == 0:
                binade = max(np.float64(at).view(np.int64) & np.int64(EXPONENT), np.int64(1023 << 52))
                h = np.int64(binade).view(np.float64) * best
            else:
                h = (at + pointer(places[1] + 8 * d * b, "d")[k]) - at
            if simple:  # the central rule of two points, which most people take
                vector[k] = at + first * h
                wrong += _call_one(one, places[3], places[4], words) != 0
                vector[k] = at + second * h
                wrong += _call_one(one, places[3], places[4] + 8 * m, words) != 0
                vector[k] = at
                for i in range(m):
                    total = weight * (values[rule[table + 1] * m + i] - values[rule[table + 2] * m + i]) / h
                    out[i * d + k] = total
                    wrong += (np.float64(total).view(np.int64) & np.int64(EXPONENT)) == np.int64(EXPONENT)
                continue
            for o in range(offsets):
                if rule[3 + o] != 0:
                    vector[k] = at + np.int64(rule[3 + o]).view(np.float64) * h
                    wrong += _call_one(one, places[3], places[4] + 8 * m * o, words) != 0
            vector[k] = at
            for i in range(m):
                total = 0.0
                for w in range(differences):
                    a, c = values[rule[table + 3 * w + 1] * m + i], values[rule[table + 3 * w + 2] * m + i]
                    total += np.int64(rule[table + 3 * w]).view(np.float64) * (a - c)
                for _ in range(n):
                    total /= h
                out[i * d + k] = total
                wrong += (np.float64(total).view(np.int64) & np.int64(EXPONENT)) == np.int64(EXPONENT)
    return wrong


@inner
def _clear(place, count):  # type: ignore[no-untyped-def]
    """Fill with NaN."""
    found = pointer(place, "d")  # type: ignore[call-arg,var-annotated]
    for i in range(count):
        found[i] = np.nan


@inner
def _slot(line, bits, slots):  # type: ignore[no-untyped-def]
    """Which slot of the memory remembers a position on a line: its bits and the line's number, well mixed."""
    mixed = (np.uint64(bits) ^ (np.uint64(line) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xD6E8FEB86659FD93)
    return np.int64((mixed >> np.uint64(40)) % np.uint64(slots))


def _coordinates(points, index, count, values, context):  # type: ignore[no-untyped-def]
    """Evaluate for the adaptive rule along coordinates.

    Entries ``(point, coordinate, output)`` are numbered in that order.

    `context`: address of these words: points, the function's piece, its words, room for a vector, the memory, its
    slots, a count of points at which `f` raised; the fourth word of `context` leads to the entries' numbers.
    A slot of the memory holds line, position and all results.
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
            elif _call_one(own[1], own[3], place + 16, words) != 0 and line < 0:
                own[6] += 1
            key[0], key[1] = line, bits
        out[r] = pointer(place + 16, "d")[entry % m]


def _along(points, index, count, values, context):  # type: ignore[no-untyped-def]
    """Evaluate for the adaptive rule along vectors, as `_coordinates` does.

    With several vectors, the others are taken from the first.

    `context`: as there, with the vectors ``(lines, p, d)``, their points, `p` and the largest coordinates in place of
    what the memory needs; entries are numbered as lines and outputs.
    """
    frame = words_at(context)  # type: ignore[call-arg,var-annotated]
    own, places = words_at(frame[0]), words_at(frame[3])
    x, vector, v = pointer(own[0], "d"), pointer(own[3], "d"), pointer(own[7], "d")
    words, of, p = words_at(own[2]), words_at(own[8]), own[9]
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
                    if own[10] != 0:
                        moved = max(moved, pointer(own[10], "d")[b * d + c])
                        moved = min(moved, pointer(own[11], "d")[b * d + c])
                    vector[c] = moved
                if none:
                    _clear(place + 16 + 8 * m * q, m)
                elif _call_one(own[1], own[3], place + 16 + 8 * m * q, words) != 0 and t == 0.0:
                    own[6] += 1
            key[0], key[1] = line, bits
        found = pointer(place + 16, "d")
        total = found[o]
        for q in range(1, p):
            total -= found[q * m + o]
        out[r] = total


_WORD = types.intp
_LOOP, _EVALUATOR = _WORD(_WORD, _WORD, _WORD, _WORD, WORDS), types.void(*[_WORD] * 5)
LOOPS = {
    "rows": (_rows, _LOOP),
    "stencil": (_stencil, _WORD(_WORD, WORDS, WORDS, _WORD, WORDS)),
    "coordinates": (_coordinates, _EVALUATOR),
    "along": (_along, _EVALUATOR),
}
