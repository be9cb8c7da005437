"""Loops over vectors side by side in lanes, around the program of any function.

A block of points is turned into rows, one for each coordinate. A coordinate that moves has a row of its own, which
takes the place of the first. `differentiation.lane_loops` has the loops of rules.
"""

from __future__ import annotations

import numpy as np
from numba.core import types
from numba.core.typing.templates import Signature

from .._typing import Function
from ..compilation.memory import BODY, call_body, pointer, words_at
from ..compilation.ufuncs import OWN as BODY_OWN
from ..compilation.ufuncs import RAISED
from ..tracing import LANES, move
from .vector_instructions import WIDTH, call_at, clip, multiply_add, subtract

#: Words of a frame: address of the program, coordinates, results, the address of the places of their rows, of the words
#: of the program's data, of what moves points; through how many lanes the program goes; and the number of points up to
#: which these are as many as there are points, and not all; the address of a row that is NaN where a coordinate is.
PROGRAM, COORDINATES, OUTPUTS, PLACES, DATA, MOVE, LIVE, FEW, MISSING, OWN = range(10)

#: Words of a program's data, after those of `ufuncs`: the address of captured numbers, or of words of `vector_code`.
#: For a function of one vector follow its address, that of memory for a block of vectors and of results, how many
#: numbers a result has, the addresses of what moves points, of the places of rows, and of those of the points' rows;
#: whether the memory holds the points, whether one of them has a NaN; and in which of at most two coordinates the
#: places differ from the points: how many, and which. -1 stands for any.
OPERANDS, ONE, SCRATCH, RESULTS, MOVER, ROWS, POINT_ROWS, IS_LOADED, HAS_MISSING, CHANGED, FIRST, SECOND = range(
    BODY_OWN, BODY_OWN + 12
)

#: Of a line's: points, numbers of the entries, memory for columns, and along vectors these, their points, how many to a
#: line, bounds or 0, rows of points, of the vectors, of results: their sum, a part of it, and one of positions.
POINTS, NUMBERS, COLUMNS, VECTORS, WHICH, SEVERAL, LOW, HIGH, BASE, ALONG, SUMS = range(OWN, OWN + 11)

#: Columns of a block of lines: several share a lane where they differ in the result only.
BLOCK = 256


def fill(place, count, size):  # type: ignore[no-untyped-def]
    """Repeat the last of `count` points in the lanes that are left."""
    rows = words_at(place)  # type: ignore[call-arg,var-annotated]
    for k in range(size):
        row = words_at(rows[k])
        for i in range(count, LANES):
            row[i] = row[count - 1]


def read_block(f, source, n):  # type: ignore[no-untyped-def]
    """Turn a block of points into rows of coordinates."""
    d = f[COORDINATES]
    call_at(f[MOVE], (1, source, 8 * d, 8, d, n, f[PLACES]))  # type: ignore[call-arg]
    fill(f[PLACES], n, d)
    f[LIVE] = n if n <= f[FEW] else LANES
    words_at(f[DATA])[IS_LOADED] = 0


def change(f, count, first, second):  # type: ignore[no-untyped-def]
    """Note in which coordinates the places of the next evaluations differ from the points."""
    data = words_at(f[DATA])  # type: ignore[call-arg,var-annotated]
    data[CHANGED], data[FIRST], data[SECOND] = count, first, second


def call_block(f, results):  # type: ignore[no-untyped-def]
    """Evaluate a block, into rows from the address `results` on."""
    places, first = words_at(f[PLACES]), f[COORDINATES]  # type: ignore[call-arg,var-annotated]
    for i in range(f[OUTPUTS]):
        places[first + i] = results + WIDTH * i
    call_body(f[PROGRAM], f[LIVE], places, words_at(f[DATA]))


def _has_missing(place, count):  # type: ignore[no-untyped-def]
    """Tell whether there is a NaN among numbers side by side."""
    numbers, missing = pointer(place, "d"), False  # type: ignore[call-arg,var-annotated]
    for i in range(count):
        missing |= numbers[i] != numbers[i]
    return missing


def _load(data, d, count, rows):  # type: ignore[no-untyped-def]
    """Turn rows into vectors."""
    vectors = data[SCRATCH]
    call_at(data[MOVER], (0, vectors, 8 * d, 8, d, count, rows))  # type: ignore[call-arg]
    data[HAS_MISSING] = np.int64(_has_missing(vectors, count * d))


def _copy_columns(data, d, count, rows):  # type: ignore[no-untyped-def]
    """Copy the coordinates that differ from the points out of their rows."""
    for c in range(data[CHANGED]):
        k = data[FIRST + c]
        row, column = words_at(words_at(rows)[k]), words_at(data[SCRATCH] + 8 * k)  # type: ignore[call-arg,var-annotated]
        for i in range(count):
            column[d * i] = row[i]


def _one_by_one(count, places, data):  # type: ignore[no-untyped-def]
    """Evaluate a function of one vector in `count` lanes; count exceptions in the data.

    Beside points that are in memory, only the coordinates that differ are copied: a vector may be long.
    """
    d, m = words_at(data[OPERANDS])[0], data[RESULTS]  # type: ignore[call-arg,var-annotated]
    vectors, rows = data[SCRATCH], data[ROWS]
    results = vectors + 8 * d * LANES
    if data[CHANGED] < 0:
        _load(data, d, count, rows)
    else:
        if data[IS_LOADED] == 0:
            _load(data, d, count, data[POINT_ROWS])
            data[IS_LOADED] = 1
        _copy_columns(data, d, count, rows)
    for i in range(count):
        vector, target = vectors + 8 * d * i, results + 8 * m * i
        if data[HAS_MISSING] != 0 and _has_missing(vector, d):  # `f` may not end there
            for j in range(m):
                pointer(target, "d")[j] = np.nan
        elif call_at(data[ONE], (vector, target, data[OPERANDS])) != 0:
            data[RAISED] += 1
    call_at(data[MOVER], (1, results, 8 * m, 8, m, count, rows + 8 * d))
    _copy_columns(data, d, count, data[POINT_ROWS])
    return 0


def _rows(count, vectors, results, one, words, m):  # type: ignore[no-untyped-def]
    """Evaluate a function of one vector at `count` vectors; return how many times it raised."""
    d, raised = words_at(words)[0], 0  # type: ignore[call-arg,var-annotated]
    for i in range(count):
        raised += call_at(one, (vectors + 8 * d * i, results + 8 * m * i, words)) != 0
    return raised


def _values(count, vectors, results, frame):  # type: ignore[no-untyped-def]
    """Evaluate at `count` vectors."""
    f = words_at(frame)  # type: ignore[call-arg,var-annotated]
    d, m, start = f[COORDINATES], f[OUTPUTS], 0
    while start < count:
        n = min(LANES, count - start)
        read_block(f, vectors + 8 * d * start, n)
        call_body(f[PROGRAM], f[LIVE], words_at(f[PLACES]), words_at(f[DATA]))
        call_at(f[MOVE], (0, results + 8 * m * start, 8 * m, 8, m, n, f[PLACES] + 8 * d))
        start += n
    return 0


def _same_positions(grid, n, points, column):  # type: ignore[no-untyped-def]
    """Tell whether a column of positions repeats the one before."""
    at = words_at(points)  # type: ignore[call-arg,var-annotated]
    for g in range(grid):
        if at[g * n + column] != at[g * n + column - 1]:
            return False
    return True


def _copy(source, count, target, lane):  # type: ignore[no-untyped-def]
    """Copy numbers side by side into one lane of rows; tell whether there is a NaN among them."""
    numbers = pointer(source, "d")  # type: ignore[call-arg,var-annotated]
    missing = 0
    for k in range(count):
        pointer(target + WIDTH * k, "d")[lane] = numbers[k]
        missing |= np.int64(numbers[k] != numbers[k])
    return missing


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
    return _copy(f[POINTS] + 8 * d * b, d, f[BASE], lane)  # type: ignore[no-untyped-call]


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
        call_block(f, total if q == 0 else part)
        if q != 0:
            for j in range(m):
                subtract(total + WIDTH * j, 0.0, (total + WIDTH * j, part + WIDTH * j))


def _lines(grid, n, points, index, values, frame):  # type: ignore[no-untyped-def]
    """Evaluate on lines: positions ``(grid, n)``, of which a column belongs to one entry.

    Entries ``(line, output)`` are numbered in that order; line ``b d + k`` moves coordinate `k` of point `b`, or line
    `b` goes along its vectors, of whose values the others are spacing from the first.
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
        f[LIVE] = lanes if lanes <= f[FEW] else LANES
        for g in range(grid):
            for i in range(lanes):
                words_at(moving[i])[i] = at[g * n + column_of[i]]
            if along:
                _go_along(f)
            else:
                call_block(f, total)
            for c in range(column - begin):
                lane = lane_of[c]
                value = words_at(output[c])[lane]
                out[g * n + begin + c] = nothing if missing[lane] != 0 else value
    return 0


# Seven parameters: words, because such loops pass nothing else.
def _move(inwards, first, outer, core, size, count, table):  # type: ignore[no-untyped-def]
    """Turn points into rows or back, for all loops: by itself it takes as long to compile as one of them."""
    move(inwards != 0, first, outer, core, size, count, table)  # type: ignore[no-untyped-call]
    return 0


_WORD = types.intp
LOOPS: dict[str, tuple[Function, Signature]] = {
    "move": (_move, _WORD(*[_WORD] * 7)),
    "one by one": (_one_by_one, BODY),
    "rows": (_rows, _WORD(*[_WORD] * 6)),
    "values": (_values, _WORD(_WORD, _WORD, _WORD, _WORD)),
    "lines": (_lines, _WORD(*[_WORD] * 6)),
}
