"""Loops of stencils and hessians in machine code, with vectors side by side in lanes; see `evaluation.lanes`."""

from __future__ import annotations

import numpy as np
from numba.core import types

from ..compilation.memory import WORDS, call_body, words_at
from ..evaluation.lanes import (
    COORDINATES,
    DATA,
    LIVE,
    MISSING,
    MOVE,
    OUTPUTS,
    OWN,
    PLACES,
    call_block,
    change,
    fill,
    read_block,
)
from ..evaluation.vector_instructions import (
    WIDTH,
    add_difference,
    any_missing,
    any_nonfinite,
    binade,
    call_at,
    difference,
    divide,
    keep_missing,
    scale,
    shift,
    spacing,
    subtract,
)
from ..tracing import LANES

#: Words of a stencil's frame: rows of steps, a row for what moves, rows of values, the table of the entries' rows,
#: whether all of them have one; the program of the whole jacobian and its places, or 0.
STEPS, MOVED, VALUES, ENTRIES, TOGETHER, WHOLE, WHOLE_PLACES = range(OWN, OWN + 7)

#: Of a hessian's: bits of the step, how many shifts, their table (bits of each), rows of what moves, rows of values at
#: one pair, the table of the entries' rows.
STEP, SHIFTS, SHIFT_TABLE, SHIFTED, AT_PAIR, HESSIAN = range(OWN, OWN + 6)

def _combine(rule, values, width, step, second_step, target):  # type: ignore[no-untyped-def]
    """Combine rows of values at the offsets of a stencil, `width` bytes apart, into the derivative.

    The second of the steps by which it is divided is another one for a mixed derivative.
    """
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
        divide(target, 0.0, (target, second_step if k == 1 else step))


def _begin(f, source, n):  # type: ignore[no-untyped-def]
    """Read a block of points, and make the row that is NaN where one of their coordinates is."""
    read_block(f, source, n)  # type: ignore[no-untyped-call]
    places, missing = words_at(f[PLACES]), words_at(f[MISSING])  # type: ignore[call-arg,var-annotated]
    for i in range(LANES):
        missing[i] = 0
    for k in range(f[COORDINATES]):
        keep_missing(f[MISSING], 0.0, (places[k], f[MISSING]))


def _finish(f, size, table):  # type: ignore[no-untyped-def]
    """Write NaN where a coordinate is; tell whether any entry is not finite. `table` leads to the entries' rows."""
    rows, wrong = words_at(table), 0  # type: ignore[call-arg,var-annotated]
    if any_missing(f[MISSING]) != 0:
        for j in range(size):
            keep_missing(rows[j], 0.0, (f[MISSING], rows[j]))
    for j in range(size):
        wrong |= any_nonfinite(rows[j])
    return wrong


def _column(f, k, rule, steps):  # type: ignore[no-untyped-def]
    """Find the steps of coordinate `k`, and its column of the jacobian unless that is a program of its own."""
    d, m, places, offsets = f[COORDINATES], f[OUTPUTS], words_at(f[PLACES]), rule[2]  # type: ignore[call-arg,var-annotated]
    table, width, place, step = words_at(f[ENTRIES]), WIDTH * f[OUTPUTS], places[k], f[STEPS] + WIDTH * k
    if steps == 0:
        binade(step, np.int64(rule[1]).view(np.float64), (place,))
    else:
        spacing(step, 0.0, (place, step))
    if f[WHOLE] == 0:
        change(f, 1, k, 0)
        for o in range(offsets):
            if rule[3 + o] != 0:
                shift(f[MOVED], np.int64(rule[3 + o]).view(np.float64), (place, step))
                places[k] = f[MOVED]
                call_block(f, f[VALUES] + width * o)
        places[k] = place
        for j in range(m):
            target = table[j * d + k if f[TOGETHER] != 0 else j]
            _combine(rule, f[VALUES] + WIDTH * j, width, step, step, target)


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
        _begin(f, where[0] + 8 * d * start, n)
        if where[1] != 0:
            call_at(f[MOVE], (1, where[1] + 8 * d * start, 8 * d, 8, d, n, f[WHOLE_PLACES]))
            fill(f[WHOLE_PLACES], n, d)
        if f[WHOLE] == 0:
            change(f, 0, 0, 0)
            for o in range(offsets):
                if rule[3 + o] == 0:
                    call_block(f, f[VALUES] + WIDTH * m * o)
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


def _mixed(f, i, j, rule, rows):  # type: ignore[no-untyped-def]
    """Find the entries of coordinates `i` and `j` from ``f(x + t (u + w)) - f(x + t (u - w))``."""
    d, places, offsets = f[COORDINATES], words_at(f[PLACES]), rule[2]  # type: ignore[call-arg,var-annotated]
    table, first = words_at(f[HESSIAN]), f[AT_PAIR]
    second, base = first + WIDTH * offsets, first + WIDTH * (offsets + 1)
    place, other = places[i], places[j]
    moved, beside = f[SHIFTED] + WIDTH * f[SHIFTS] * i, f[SHIFTED] + WIDTH * f[SHIFTS] * j
    change(f, 2, i, j)
    for o in range(offsets):
        if rule[3 + o] == 0:
            subtract(first + WIDTH * o, 0.0, (base, base))
        else:
            places[i], places[j] = moved + WIDTH * 2 * o, beside + WIDTH * 2 * o
            call_block(f, first + WIDTH * o)
            places[j] = beside + WIDTH * (2 * o + 1)
            call_block(f, second)
            subtract(first + WIDTH * o, 0.0, (first + WIDTH * o, second))
    places[i], places[j] = place, other
    _combine(rule, first, WIDTH, rows + WIDTH * i, rows + WIDTH * j, table[i * d + j])
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
        _begin(f, where[0] + 8 * d * start, n)
        for k in range(d):
            binade(rows + WIDTH * k, np.int64(f[STEP]).view(np.float64), (places[k],))
            for s in range(shifts):
                target = f[SHIFTED] + WIDTH * (shifts * k + s)
                shift(target, np.int64(bits[s]).view(np.float64), (places[k], rows + WIDTH * k))
        change(f, 0, 0, 0)
        call_block(f, base)
        for i in range(d):
            place = places[i]
            change(f, 1, i, 0)
            for o in range(offsets):
                if rule[3 + o] == 0:
                    scale(first + WIDTH * o, 1.0, (base,))
                else:
                    places[i] = f[SHIFTED] + WIDTH * (shifts * i + 2 * o)
                    call_block(f, first + WIDTH * o)
            places[i] = place
            _combine(rule, first, WIDTH, rows + WIDTH * i, rows + WIDTH * i, table[i * d + i])
            for j in range(i):
                _mixed(f, i, j, rule, rows)
        wrong += _finish(f, d * d, f[HESSIAN])
        out = where[1] + 8 * d * d * start
        call_at(f[MOVE], (0, out, 8 * d * d, 8, d * d, n, f[HESSIAN]))
        start += n
    return wrong


_WORD = types.intp
_SIGNATURE = _WORD(_WORD, WORDS, WORDS, _WORD)
LOOPS = {"stencil": (_stencil, _SIGNATURE), "hessian": (_hessian, _SIGNATURE)}
