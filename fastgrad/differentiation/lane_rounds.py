"""Rounds of the adaptive rule along lines, in machine code: positions, values in lanes, and judgement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numba.core import types

from .._parallel import in_steps, inner_workers
from .._typing import FloatArray, Function, Index, Operand
from ..adaptive_rule import Round
from ..compilation.memory import address_of, words_at
from ..evaluation.signatures import select
from ..evaluation.vector_instructions import call_at
from ..evaluation.vector_machine import MachineOnLines, loop
from ..tracing import LANES

_CHUNK = 128
"""Least number of entries of a chunk, whose positions and values stay in cache; whole blocks of lines fill it."""

_PIECE = 1e-3
"""Least seconds of a piece for a thread: what Python does for it takes a tenth of a millisecond in which the others
wait, and 10,000 entries in six pieces on two threads took a fifth longer than on one."""

#: Words of the table: numbers of extra rows, of values and of results; addresses of the kernels of positions and
#: judgement and of the loop over lines, of its words, of points, values there, indices, results, extra rows, memory for
#: a chunk and for tables; bytes from one extra row to the next, whether extra rows have an item for each entry, and
#: bytes from one result to the next.
EXTRAS, ROWS, JUDGED, MOVE, JUDGE, LINES, FRAME, POINTS, OWN_VALUES, INDEX, RESULTS, OF_EXTRAS, MEMORY, TABLES, BYTES, (
    MOVES
), APART = range(17)


def _round(count, chunk, address):  # type: ignore[no-untyped-def]
    """Take a round at `count` entries, eight at least, in chunks; the table of words is at the address."""
    words = words_at(address)  # type: ignore[call-arg,var-annotated]
    extras, rows, start = words[EXTRAS], words[ROWS], 0
    tables = words_at(words[TABLES])
    while start < count:
        m = count - start if count - start < 2 * chunk else chunk
        row, shift = 8 * m, 8 * start
        units, moved, values = words[MEMORY], words[MEMORY] + row, words[MEMORY] + row * (1 + rows)
        own_extras = words[OF_EXTRAS] + shift * words[MOVES]
        tables[0], tables[1 + extras] = words[POINTS] + shift, units
        for k in range(extras):
            tables[1 + k] = own_extras + words[BYTES] * k
        for k in range(rows):
            tables[2 + extras + k] = moved + row * k
        call_at(words[MOVE], (words[TABLES], 1, m))
        call_at(words[LINES], (rows, m, moved, words[INDEX] + shift, values, words[FRAME]))
        tables[0], tables[1], tables[2] = words[POINTS] + shift, words[OWN_VALUES] + shift, units
        for k in range(extras):
            tables[3 + k] = own_extras + words[BYTES] * k
        for k in range(rows):
            tables[3 + extras + k] = values + row * k
        for k in range(words[JUDGED]):
            tables[3 + extras + rows + k] = words[RESULTS] + words[APART] * k + shift
        call_at(words[JUDGE], (words[TABLES], 1, m))
        start += m
    return 0


@cache
def _compiled() -> Function:
    """Compile the loop over chunks."""
    return loop("round", _round, types.intp(types.intp, types.intp, types.intp))[1]


def round_on_lines(
    machine: MachineOnLines, round_: Round, start: FloatArray, own: FloatArray, entries: Index,
    extras: Sequence[Operand],
) -> Any:  # fmt: skip
    """Take a round at entries: the positions `start` on their lines, and the values there.

    The extra rows of the round are numbers or arrays with an item for each entry.
    """
    size, judged = start.size, len(round_.results._fields)
    if size < LANES:  # the kernels take as many points as an instruction at least
        index = np.minimum(np.arange(LANES), size - 1)
        start, own, entries = start[index], own[index], entries[index]
        extras = [select(e, index) for e in extras]
    move, judge = round_.kernels
    call = _compiled()
    block = LANES * machine.outputs
    chunk = block * -(-_CHUNK // block)
    moves = any(map(np.ndim, extras))
    rows = np.array(extras) if moves else np.repeat(np.array(extras, np.float64)[:, None], 2 * chunk, axis=1)
    results = np.empty((judged, start.size))

    def work(piece: slice) -> None:
        # a shorter piece takes entries of its neighbour, whose results are the same
        begin, end, _ = piece.indices(start.size)
        begin = max(min(begin, end - LANES), 0)
        there = slice(begin, max(end, begin + LANES))
        index = entries[there]
        memory = np.empty(min(2 * chunk, index.size) * (1 + 2 * round_.count))
        tables = np.empty(3 + round_.extras + round_.count + judged, np.int64)
        arrays = start[there], own[there], index, results[:, there], rows, memory, tables
        addresses = list(map(address_of, arrays))
        addresses[4] += 8 * begin * moves
        kernels = move.address, judge.address, loop("lines")[0].address
        with machine.words() as frame:
            counts = round_.extras, round_.count, judged
            words = np.array([*counts, *kernels, frame, *addresses, rows.strides[0], moves, results.strides[0]])
            call(index.size, chunk, address_of(words))

    cost = machine.costs[round_.name]
    in_steps(work, start.size, cost, inner_workers(), max(chunk, int(_PIECE / cost.seconds)))
    return round_.results(*results[:, :size])
