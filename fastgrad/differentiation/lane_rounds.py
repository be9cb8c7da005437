"""The first round of the adaptive rule along lines, in machine code: positions, values in lanes, and judgement."""

from __future__ import annotations

import numpy as np
from numba.core import types
from numpy.typing import NDArray

from .._parallel import in_steps
from ..adaptive_rule import FIXED, Adaptive, RoundResult, round_kernels
from ..compilation.memory import address_of, words_at
from ..evaluation.vector_instructions import call_at
from ..evaluation.vector_machine import MachineOnLines, loop
from ..tracing import LANES

FloatArray = NDArray[np.float64]

FEWEST = 1 << 9
"""Entries from which machine code pays: fewer take less time than calling it."""

_CHUNK = 128
"""Least number of entries of a chunk, whose positions and values stay in cache; whole blocks of lines fill it."""

#: Words of the table: rows of positions and values; addresses of the kernels of positions and judgement and of the loop
#: over lines, of its words, of points, values there, indices, results, infinities, memory for a chunk and for tables.
ROWS, MOVE, JUDGE, LINES, FRAME, POINTS, OWN_VALUES, INDEX, RESULTS, NO_LIMITS, MEMORY, TABLES = range(12)

_JUDGED = len(RoundResult._fields)


def _first_round(count, chunk, address):  # type: ignore[no-untyped-def]
    """Take the first round at `count` entries, eight at least, in chunks; the table of words is at the address."""
    words = words_at(address)  # type: ignore[call-arg,var-annotated]
    rows, start = words[ROWS], 0
    tables = words_at(words[TABLES])
    while start < count:
        m = count - start if count - start < 2 * chunk else chunk
        row, shift = 8 * m, 8 * start
        units, moved, values = words[MEMORY], words[MEMORY] + row, words[MEMORY] + row * (1 + rows)
        tables[0], tables[1] = words[POINTS] + shift, units
        for k in range(rows):
            tables[2 + k] = moved + row * k
        call_at(words[MOVE], (words[TABLES], 1, m))
        call_at(words[LINES], (rows, m, moved, words[INDEX] + shift, values, words[FRAME]))
        tables[0], tables[1], tables[2] = words[POINTS] + shift, words[OWN_VALUES] + shift, units
        for k in range(3):
            tables[3 + k] = words[NO_LIMITS] + 16 * chunk * k
        for k in range(rows):
            tables[FIXED + k] = values + row * k
        for k in range(_JUDGED):
            tables[FIXED + rows + k] = words[RESULTS] + 8 * count * k + shift
        call_at(words[JUDGE], (words[TABLES], 1, m))
        start += m
    return 0


def first_round_on_lines(machine: MachineOnLines, rule: Adaptive, start: FloatArray, own: FloatArray) -> RoundResult:
    """Take the first round at `FEWEST` entries or more: the positions `start` on their lines, and the values there."""
    rows, move, judge = round_kernels(rule.n, rule.sign)
    _, call = loop("first round", _first_round, types.intp(types.intp, types.intp, types.intp))
    block = LANES * machine.outputs
    chunk = block * -(-_CHUNK // block)
    no_limits = np.repeat([np.inf, -np.inf, np.inf], 2 * chunk)
    memory, tables = np.empty(2 * chunk * (1 + 2 * rows)), np.empty(FIXED + rows + _JUDGED, np.int64)
    results = np.empty((_JUDGED, start.size))

    def work(piece: slice) -> None:
        # the kernels take as many points as an instruction at least; a shorter piece takes entries of its neighbour
        begin, end, _ = piece.indices(start.size)
        begin = max(min(begin, end - LANES), 0)
        there = slice(begin, max(end, begin + LANES))
        index = np.arange(start.size)[there]
        part = np.empty((_JUDGED, index.size))
        arrays = start[there], own[there], index, part, no_limits, memory, tables
        words = np.array(
            [rows, move.address, judge.address, loop("lines")[0].address, machine.words, *map(address_of, arrays)]
        )
        call(index.size, chunk, address_of(words))
        results[:, there] = part

    in_steps(work, start.size, machine.costs["first round"])
    return RoundResult(*results)
