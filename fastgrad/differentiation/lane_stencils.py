"""Stencils and hessians in machine code, with vectors side by side in lanes; see `evaluation.lanes`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba.core import types

from ..compilation.kernels import Native
from ..compilation.memory import WORDS, address_of, call_body, words_at
from ..compilation.pipeline import inner
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
from ..evaluation.vector_machine import Frame, Machine, PerVector, Traced, loop
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil
from ..tracing import LANES, Program
from .unrolled import hessian_of, jacobian_of, unrolled

#: Words of a stencil's frame: rows of steps, a row for what moves, rows of values, the table of the entries' rows,
#: whether all of them have one; the program of the whole jacobian and its places, or 0.
STEPS, MOVED, VALUES, ENTRIES, TOGETHER, WHOLE, WHOLE_PLACES = range(OWN, OWN + 7)

#: Of a hessian's: bits of the step, how many shifts, their table (bits of each), rows of what moves, rows of values at
#: one pair, the table of the entries' rows.
STEP, SHIFTS, SHIFT_TABLE, SHIFTED, AT_PAIR, HESSIAN = range(OWN, OWN + 6)

#: Entries that have a row of their own each in a block of points.
_ENTRIES = 512

#: Entries of a hessian that is computed in lanes, all of which have such a row.
MOST = 4096


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
def _begin(f, source, n):  # type: ignore[no-untyped-def]
    """Read a block of points, and make the row that is NaN where one of their coordinates is."""
    read_block(f, source, n)
    places, missing = words_at(f[PLACES]), words_at(f[MISSING])  # type: ignore[call-arg,var-annotated]
    for i in range(LANES):
        missing[i] = 0
    for k in range(f[COORDINATES]):
        keep_missing(f[MISSING], 0.0, (places[k], f[MISSING]))


@inner
def _finish(f, size, table):  # type: ignore[no-untyped-def]
    """Write NaN where a coordinate is; tell whether any entry is not finite. `table` leads to the entries' rows."""
    rows, wrong = words_at(table), 0  # type: ignore[call-arg,var-annotated]
    if any_missing(f[MISSING]) != 0:
        for j in range(size):
            keep_missing(rows[j], 0.0, (f[MISSING], rows[j]))
    for j in range(size):
        wrong |= any_nonfinite(rows[j])
    return wrong


@inner
def _column(f, k, rule, given):  # type: ignore[no-untyped-def]
    """Find the steps of coordinate `k`, and its column of the jacobian unless that is a program of its own."""
    d, m, places, offsets = f[COORDINATES], f[OUTPUTS], words_at(f[PLACES]), rule[2]  # type: ignore[call-arg,var-annotated]
    table, width, place, step = words_at(f[ENTRIES]), WIDTH * f[OUTPUTS], places[k], f[STEPS] + WIDTH * k
    if given == 0:
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


@inner
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
            _combine(rule, first, WIDTH, (rows + WIDTH * i, rows + WIDTH * i), table[i * d + i])
            for j in range(i):
                _mixed(f, i, j, rule, rows)
        wrong += _finish(f, d * d, f[HESSIAN])
        out = where[1] + 8 * d * d * start
        call_at(f[MOVE], (0, out, 8 * d * d, 8, d * d, n, f[HESSIAN]))
        start += n
    return wrong


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


_WORD = types.intp
_SIGNATURE = _WORD(_WORD, WORDS, WORDS, _WORD)


def _whole(program: Traced | PerVector, make: Any, rule: Stencil) -> Native | None:
    """Program of a whole jacobian or hessian, as `unrolled` writes it; None where it is too long, or not traced."""
    if isinstance(program, PerVector):
        return None
    values, d = program.program, program.d

    def compile_entries() -> Native | None:
        entries = unrolled(make, values, rule)
        return None if entries is None else Program(entries, 2 * d, fixed=True).body()

    return program.code((make, rule), compile_entries)


def _frame_of_stencil(program: Traced | PerVector, rule: Stencil, result: str, has_step: bool) -> Frame:
    """Frame for a stencil along all coordinates."""
    d, m, offsets = program.d, program.m, len(rule.needed)
    together = d * m <= _ENTRIES
    if together and not has_step and (whole := _whole(program, jacobian_of, rule)):
        return _frame_of_whole(program, whole, m, rule, result)
    entries = d * m if together else m
    frame = Frame(program, d + 1 + offsets * m + entries, program.code())
    steps, shifted, values, first = (frame.rows(count) for count in (d, 1, offsets * m, entries))
    own = frame.words([first + WIDTH * i for i in range(entries)])
    frame.table = frame.keep(table_of(rule, result))
    return frame.finish(
        steps, shifted, values, own, int(together), 0, frame.words([steps + WIDTH * k for k in range(d)])
    )


def _frame_of_whole(program: Traced | PerVector, whole: Native, m: int, rule: Stencil, result: str) -> Frame:
    """Frame for the program of all entries: a row of `d` for each of `m` results."""
    d = program.d
    frame = Frame(program, d + m * d, None)
    frame.frame[OUTPUTS] = m
    steps, first = frame.rows(d), frame.rows(m * d)
    own = [first + WIDTH * i for i in range(m * d)]
    coordinates = [row + WIDTH * k for row in (frame.x, steps) for k in range(d)]
    frame.table = frame.keep(table_of(rule, result))
    return frame.finish(steps, 0, 0, frame.words(own), 1, whole.address, frame.words([*coordinates, *own]))


def _frame_of_hessian(program: Traced | PerVector, rule: Stencil, result: str) -> Frame:
    """Frame for a hessian."""
    d, offsets = program.d, len(rule.needed)
    frame = Frame(program, d * 2 * offsets + offsets + 2 + d + d * d, program.code())
    shifts = [s for o in rule.needed for s in (float(o), -float(o))]
    step, *bits = np.array([best_step(rule, result), *shifts]).view(np.int64).tolist()
    moved, pair, entries = (frame.rows(count) for count in (d * len(shifts), offsets + 2 + d, d * d))
    frame.table = frame.keep(table_of(rule, result))
    own = frame.words([entries + WIDTH * i for i in range(d * d)])
    return frame.finish(step, len(shifts), frame.words(bits), moved, pair, own)


def apply_stencil(machine: Machine, x: Any, rule: Stencil, result: str, step: Any, out: Any) -> int:
    """Apply a stencil along all coordinates, into `out` (points, outputs, coordinates).

    Returns in how many blocks of points an entry was not finite.
    """
    where = np.array([address_of(x), 0 if step is None else address_of(step), address_of(out)])
    call = loop("stencil", _stencil, _SIGNATURE)[1]
    with machine.frame(_frame_of_stencil, rule, result, step is not None) as frame:
        return int(call(len(x), address_of(where), frame.table, frame.at))


def apply_to_pairs(machine: Machine, x: Any, rule: Stencil, result: str, out: Any) -> int:
    """Apply a stencil for second derivatives to all pairs of coordinates, into `out` (points, d, d)."""
    d = machine.program.d
    if d**2 <= _ENTRIES and (whole := _whole(machine.program, hessian_of, rule)):
        where = np.array([address_of(x), 0, address_of(out)])
        with machine.frame(_frame_of_whole, whole, d, rule, result) as frame:
            return int(loop("stencil", _stencil, _SIGNATURE)[1](len(x), address_of(where), frame.table, frame.at))
    where = np.array([address_of(x), address_of(out)])
    with machine.frame(_frame_of_hessian, rule, result) as frame:
        return int(loop("hessian", _hessian, _SIGNATURE)[1](len(x), address_of(where), frame.table, frame.at))
