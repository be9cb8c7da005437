"""Loops over vectors side by side in lanes: values, stencils, hessians and what the adaptive rule needs.

Each goes around the program of any traced function, by its address. A block of points is turned into rows, one for each
coordinate; what moves is a row of its own, which takes the place of the coordinate's.
"""

from __future__ import annotations

import numpy as np
from numba.core import types

from ..compilation.kernels import inner
from ..compilation.memory import WORDS, call_body, pointer, words_at
from ..tracing import LANES, move
from .vector_instructions import (
    WIDTH,
    add_difference,
    any_missing,
    any_nonfinite,
    binade,
    call_at,
    clip,
    difference,
    divide,
    keep_missing,
    multiply_add,
    scale,
    shift,
    subtract,
    taken,
)

#: Words of a frame: address of the program, coordinates, results, the address of the places of their rows, of the words
#: of the program's data (see `ufuncs`), of what moves points; through how many lanes the program goes.
PROGRAM, COORDINATES, OUTPUTS, PLACES, DATA, MOVE, LIVE, OWN = range(8)

#: Of a stencil's: rows of steps, a row for what moves, rows of values, the table of the entries' rows, whether all of
#: them have one; the program of the whole jacobian and its places, or 0.
STEPS, MOVED, VALUES, ENTRIES, TOGETHER, WHOLE, WHOLE_PLACES = range(OWN, OWN + 7)

#: Of a hessian's: bits of the step, how many shifts, their table (bits of each), rows of what moves, rows of values at
#: one pair, the table of the entries' rows.
STEP, SHIFTS, SHIFT_TABLE, SHIFTED, AT_PAIR, HESSIAN = range(OWN, OWN + 6)

#: Of a line's: points, numbers of the entries, memory for columns, and along vectors these, their points, how many to a
#: line, bounds or 0, rows of points, of the vectors, of results: their sum, a part of it, and one of positions.
POINTS, NUMBERS, COLUMNS, VECTORS, WHICH, SEVERAL, LOW, HIGH, BASE, ALONG, SUMS = range(OWN, OWN + 11)

#: Points up to which a program goes through them one by one, in less time than through all lanes.
_FEW = 4

#: Columns of a block of lines: several share a lane where they differ in the result only.
BLOCK = 256


@inner
def _fill(place, count, size):  # type: ignore[no-untyped-def]
    """Repeat the last of `count` points in the lanes that are left."""
    rows = words_at(place)  # type: ignore[call-arg,var-annotated]
    for k in range(size):
        row = words_at(rows[k])
        for i in range(count, LANES):
            row[i] = row[count - 1]


@inner
def _read(f, source, n):  # type: ignore[no-untyped-def]
    """Turn a block of points into rows of coordinates."""
    d = f[COORDINATES]
    call_at(f[MOVE], (1, source, 8 * d, 8, d, n, f[PLACES]))  # type: ignore[call-arg]
    _fill(f[PLACES], n, d)
    f[LIVE] = n if n <= _FEW else LANES


@inner
def _call(f, results):  # type: ignore[no-untyped-def]
    """Evaluate a block, into rows from the address `results` on."""
    places, first = words_at(f[PLACES]), f[COORDINATES]  # type: ignore[call-arg,var-annotated]
    for i in range(f[OUTPUTS]):
        places[first + i] = results + WIDTH * i
    call_body(f[PROGRAM], f[LIVE], places, words_at(f[DATA]))


@inner
def _combine(rule, values, width, steps, target):  # type: ignore[no-untyped-def]
    """Combine rows of values at the offsets of a stencil, `width` bytes apart, into the derivative."""
    offsets = rule[2]
    differences, table = rule[3 + offsets], 4 + offsets
    for w in range(differences):
        weight = np.int64(rule[table + 3 * w]).view(np.float64)
        a, c = values + width * rule[table + 3 * w + 1], values + width * rule[table + 3 * w + 2]
        if w == 0:
            difference(target, weight, (a, c))
        else:
            add_difference(target, weight, (target, a, c))
    for k in range(rule[0]):
        divide(target, 0.0, (target, steps[k]))


@inner
def _finish(f, size, table):  # type: ignore[no-untyped-def]
    """Write NaN where a coordinate is; tell whether any entry is not finite. `table` leads to the entries' rows."""
    rows, places = words_at(table), words_at(f[PLACES])  # type: ignore[call-arg,var-annotated]
    for k in range(f[COORDINATES]):
        if any_missing(places[k]) != 0:
            for j in range(size):
                keep_missing(rows[j], 0.0, (places[k], rows[j]))
    wrong = 0
    for j in range(size):
        wrong |= any_nonfinite(rows[j])
    return wrong


def _values(count, vectors, results, frame):  # type: ignore[no-untyped-def]
    """Evaluate at `count` vectors."""
    f = words_at(frame)  # type: ignore[call-arg,var-annotated]
    d, m, start = f[COORDINATES], f[OUTPUTS], 0
    while start < count:
        n = min(LANES, count - start)
        _read(f, vectors + 8 * d * start, n)
        call_body(f[PROGRAM], f[LIVE], words_at(f[PLACES]), words_at(f[DATA]))
        call_at(f[MOVE], (0, results + 8 * m * start, 8 * m, 8, m, n, f[PLACES] + 8 * d))
        start += n
    return 0


@inner
def _column(f, k, rule, given):  # type: ignore[no-untyped-def]
    """Find the steps of coordinate `k`, and its column of the jacobian unless that is a program of its own."""
    d, m, places, offsets = f[COORDINATES], f[OUTPUTS], words_at(f[PLACES]), rule[2]  # type: ignore[call-arg,var-annotated]
    table, width, place, step = words_at(f[ENTRIES]), WIDTH * f[OUTPUTS], places[k], f[STEPS] + WIDTH * k
    if given == 0:
        binade(step, np.int64(rule[1]).view(np.float64), (place,))
    else:
        taken(step, 0.0, (place, step))
    if f[WHOLE] == 0:
        for o in range(offsets):
            if rule[3 + o] != 0:
                shift(f[MOVED], np.int64(rule[3 + o]).view(np.float64), (place, step))
                places[k] = f[MOVED]
                _call(f, f[VALUES] + width * o)
        places[k] = place
        for j in range(m):
            target = table[j * d + k if f[TOGETHER] != 0 else j]
            _combine(rule, f[VALUES] + WIDTH * j, width, (step, step, step, step, step, step, step, step), target)


def _stencil(count, where, rule, frame):  # type: ignore[no-untyped-def]
    """Apply a stencil along every coordinate of `count` points; return in how many blocks an entry is not finite.

    `where`: points, steps or 0, entries ``(count, m, d)``. `rule`: order of the derivative, bits of the best step, how
    many offsets, their bits, how many differences, and each as bits of its weight and two indices of offsets.
    """
    f = words_at(frame)  # type: ignore[call-arg,var-annotated]
    d, m, offsets = f[COORDINATES], f[OUTPUTS], rule[2]
    wrong = start = 0
    while start < count:
        n = min(LANES, count - start)
        _read(f, where[0] + 8 * d * start, n)
        if where[1] != 0:
            call_at(f[MOVE], (1, where[1] + 8 * d * start, 8 * d, 8, d, n, f[WHOLE_PLACES]))
            _fill(f[WHOLE_PLACES], n, d)
        if f[WHOLE] == 0:
            for o in range(offsets):
                if rule[3 + o] == 0:
                    _call(f, f[VALUES] + WIDTH * m * o)
        for k in range(d):
            _column(f, k, rule, where[1])
            if f[TOGETHER] == 0:
                wrong += _finish(f, m, f[ENTRIES])
                out = where[2] + 8 * (m * d * start + k)
                call_at(f[MOVE], (0, out, 8 * m * d, 8 * d, m, n, f[ENTRIES]))
        if f[WHOLE] != 0:
            call_body(f[WHOLE], f[LIVE], words_at(f[WHOLE_PLACES]), words_at(f[DATA]))
        if f[TOGETHER] != 0:
            wrong += _finish(f, m * d, f[ENTRIES])
            out = where[2] + 8 * m * d * start
            call_at(f[MOVE], (0, out, 8 * m * d, 8, m * d, n, f[ENTRIES]))
        start += n
    return wrong


@inner
def _mixed(f, i, j, rule, rows):  # type: ignore[no-untyped-def]
    """Find the entries of coordinates `i` and `j` from ``f(x + t (u + w)) - f(x + t (u - w))``."""
    d, places, offsets = f[COORDINATES], words_at(f[PLACES]), rule[2]  # type: ignore[call-arg,var-annotated]
    table, first = words_at(f[HESSIAN]), f[AT_PAIR]
    second, base = first + WIDTH * offsets, first + WIDTH * (offsets + 1)
    place, other = places[i], places[j]
    moved, beside = f[SHIFTED] + WIDTH * f[SHIFTS] * i, f[SHIFTED] + WIDTH * f[SHIFTS] * j
    for o in range(offsets):
        if rule[3 + o] == 0:
            subtract(first + WIDTH * o, 0.0, (base, base))
        else:
            places[i], places[j] = moved + WIDTH * 2 * o, beside + WIDTH * 2 * o
            _call(f, first + WIDTH * o)
            places[j] = beside + WIDTH * (2 * o + 1)
            _call(f, second)
            subtract(first + WIDTH * o, 0.0, (first + WIDTH * o, second))
    places[i], places[j] = place, other
    _combine(rule, first, WIDTH, (rows + WIDTH * i, rows + WIDTH * j), table[i * d + j])
    scale(table[i * d + j], 0.25, (table[i * d + j],))
    scale(table[j * d + i], 1.0, (table[i * d + j],))


def _hessian(count, where, rule, frame):  # type: ignore[no-untyped-def]
    """Take all second derivatives at `count` points by a stencil for second derivatives.

    `where`: points, entries ``(count, d, d)``. `rule` as above; what lies at its offset `o` has the shift ``2 o``, what
    lies opposite ``2 o + 1``.
    """
    f = words_at(frame)  # type: ignore[call-arg,var-annotated]
    d, places, offsets, shifts = f[COORDINATES], words_at(f[PLACES]), rule[2], f[SHIFTS]
    table, bits, first = words_at(f[HESSIAN]), words_at(f[SHIFT_TABLE]), f[AT_PAIR]
    base, rows = first + WIDTH * (offsets + 1), first + WIDTH * (offsets + 2)
    wrong = start = 0
    while start < count:
        n = min(LANES, count - start)
        _read(f, where[0] + 8 * d * start, n)
        for k in range(d):
            binade(rows + WIDTH * k, np.int64(f[STEP]).view(np.float64), (places[k],))
            for s in range(shifts):
                target = f[SHIFTED] + WIDTH * (shifts * k + s)
                shift(target, np.int64(bits[s]).view(np.float64), (places[k], rows + WIDTH * k))
        _call(f, base)
        for i in range(d):
            place = places[i]
            for o in range(offsets):
                if rule[3 + o] == 0:
                    scale(first + WIDTH * o, 1.0, (base,))
                else:
                    places[i] = f[SHIFTED] + WIDTH * (shifts * i + 2 * o)
                    _call(f, first + WIDTH * o)
            places[i] = place
            _combine(rule, first, WIDTH, (rows + WIDTH * i, rows + WIDTH * i), table[i * d + i])
            for j in range(i):
                _mixed(f, i, j, rule, rows)
        wrong += _finish(f, d * d, f[HESSIAN])
        out = where[1] + 8 * d * d * start
        call_at(f[MOVE], (0, out, 8 * d * d, 8, d * d, n, f[HESSIAN]))
        start += n
    return wrong


@inner
def _same_positions(grid, n, points, column):  # type: ignore[no-untyped-def]
    """Tell whether a column of positions repeats the one before."""
    at = words_at(points)  # type: ignore[call-arg,var-annotated]
    for g in range(grid):
        if at[g * n + column] != at[g * n + column - 1]:
            return False
    return True


@inner
def _copy(source, count, target, lane):  # type: ignore[no-untyped-def]
    """Copy numbers side by side into one lane of rows; tell whether there is a NaN among them."""
    numbers = pointer(source, "d")  # type: ignore[call-arg,var-annotated]
    missing = 0
    for k in range(count):
        pointer(target + WIDTH * k, "d")[lane] = numbers[k]
        missing |= np.int64(numbers[k] != numbers[k])
    return missing


@inner
def _gather(f, line, lane):  # type: ignore[no-untyped-def]
    """Copy what a line needs into a lane; tell whether its point is none."""
    d, b = f[COORDINATES], line // f[COORDINATES]
    if f[VECTORS] != 0:
        b = words_at(f[WHICH])[line]  # type: ignore[call-arg]
        size = f[SEVERAL] * d
        _copy(f[VECTORS] + 8 * size * line, size, f[ALONG], lane)
        if f[LOW] != 0:
            _copy(f[LOW] + 8 * d * b, d, f[ALONG] + WIDTH * size, lane)
            _copy(f[HIGH] + 8 * d * b, d, f[ALONG] + WIDTH * (size + d), lane)
    return _copy(f[POINTS] + 8 * d * b, d, f[BASE], lane)


@inner
def _go_along(f):  # type: ignore[no-untyped-def]
    """Evaluate at the row of positions along vectors."""
    d, m, size, total = f[COORDINATES], f[OUTPUTS], f[SEVERAL] * f[COORDINATES], f[SUMS]
    places, part, position = words_at(f[PLACES]), total + WIDTH * m, total + 2 * WIDTH * m  # type: ignore[call-arg,var-annotated]
    for q in range(f[SEVERAL]):
        for k in range(d):
            along = f[ALONG] + WIDTH * (q * d + k)
            multiply_add(places[k], 0.0, (f[BASE] + WIDTH * k, position, along))
            if f[LOW] != 0:
                low = f[ALONG] + WIDTH * (size + k)
                clip(places[k], 0.0, (places[k], low, low + WIDTH * d))
        _call(f, total if q == 0 else part)
        if q != 0:
            for j in range(m):
                subtract(total + WIDTH * j, 0.0, (total + WIDTH * j, part + WIDTH * j))


def _lines(grid, n, points, index, values, frame):  # type: ignore[no-untyped-def]
    """Evaluate on lines for the adaptive rule: positions ``(grid, n)``, of which a column belongs to one entry.

    Entries ``(line, output)`` are numbered in that order; line ``b d + k`` moves coordinate `k` of point `b`, or line
    `b` goes along its vectors, of whose values the others are taken from the first.
    """
    f = words_at(frame)  # type: ignore[call-arg,var-annotated]
    d, m, total, along = f[COORDINATES], f[OUTPUTS], f[SUMS], f[VECTORS] != 0
    at, out, which, numbers = words_at(points), words_at(values), words_at(index), words_at(f[NUMBERS])
    lane_of, output = words_at(f[COLUMNS]), words_at(f[COLUMNS] + 8 * BLOCK)
    column_of, moving = words_at(f[COLUMNS] + 16 * BLOCK), words_at(f[COLUMNS] + 24 * BLOCK)
    missing = words_at(f[COLUMNS] + 32 * BLOCK)
    nothing = np.float64(np.nan).view(np.int64)
    column = 0
    while column < n:
        begin, lanes, last = column, 0, np.int64(-1)
        while column < n and column - begin < BLOCK:
            entry = numbers[which[column]]
            line = entry // m
            if lanes == 0 or line != last or not _same_positions(grid, n, points, column):
                if lanes == LANES:
                    break
                missing[lanes] = _gather(f, line, lanes)
                moving[lanes] = total + 2 * WIDTH * m if along else f[BASE] + WIDTH * (line % d)
                column_of[lanes] = column
                last = line
                lanes += 1
            lane_of[column - begin], output[column - begin] = lanes - 1, total + WIDTH * (entry % m)
            column += 1
        f[LIVE] = lanes if lanes <= _FEW else LANES
        for g in range(grid):
            for i in range(lanes):
                words_at(moving[i])[i] = at[g * n + column_of[i]]
            if along:
                _go_along(f)
            else:
                _call(f, total)
            for c in range(column - begin):
                lane = lane_of[c]
                value = words_at(output[c])[lane]
                out[g * n + begin + c] = nothing if missing[lane] != 0 else value
    return 0


def _move(inwards, first, outer, core, size, count, table):  # type: ignore[no-untyped-def]
    """Turn points into rows or back, for all loops: by itself it takes as long to compile as one of them."""
    move(inwards != 0, first, outer, core, size, count, table)
    return 0


_WORD = types.intp
LOOPS = {
    "move": (_move, _WORD(*[_WORD] * 7)),
    "values": (_values, _WORD(_WORD, _WORD, _WORD, _WORD)),
    "stencil": (_stencil, _WORD(_WORD, WORDS, WORDS, _WORD)),
    "hessian": (_hessian, _WORD(_WORD, WORDS, WORDS, _WORD)),
    "lines": (_lines, _WORD(*[_WORD] * 6)),
}
