"""Circuits over vectors as gufuncs: points side by side in the lanes.

The body of a circuit is a loop over points with one array for each component, which LLVM vectorises. In a batch of
vectors the components of one point are contiguous instead. So the loop here, compiled once for all circuits, transposes
a block of points at a time to rows of components, calls the body, and transposes the rows of its results back.

Measured for the gradient of Rosenbrock's function, d = 10, in the second-level cache, where a copy takes 1.7 ns a
point: 5.3 ns; tiles of 8 x 8 numbers over blocks of 150 points took 6.7. In small blocks the processor reads the next
points while it still computes. Prefetching gained nothing, nor did non-temporal stores or wider vectors in the body.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numba.core import types

from ..compilation.kernels import Native, native
from ..compilation.memory import WORDS, call_body, words_at
from ..compilation.ufuncs import _API, ADDRESS, ARGUMENTS, OWN, RAISED, RESULTS, _clear_flags
from ..tracing import GAP, LANES, move

#: Words of a gufunc's data after the common ones and the address of the body's parameters: rows, rows of arguments,
#: rows that the body computes, the address of the table. The table holds the number of components of each operand, then
#: the row of each of those components, then how many rows are constant, and for each its number and the bits of the
#: constant.
_ROWS, _ARGUMENTS, _COMPUTED, _TABLE = range(OWN + 1, OWN + 5)


def _loop(args, dims, steps, data):  # type: ignore[no-untyped-def]
    """Inner loop of all gufuncs over circuits; `data` as above."""
    n, nin = dims[0], data[ARGUMENTS]
    total = nin + data[RESULTS]
    table = words_at(data[_TABLE])  # type: ignore[call-arg,var-annotated]
    bodies = data[_ARGUMENTS] + data[_COMPUTED]
    width = 8 * (LANES + GAP)
    memory = np.empty((data[_ROWS] + 1) * (LANES + GAP))
    base = (memory.ctypes.data + 63) // 64 * 64  # rows begin with a line of the cache
    components = 0
    for k in range(total):
        components += table[k]
    addresses = np.empty(bodies, np.int64)
    rows = np.empty(components, np.int64)  # of every component
    for k in range(bodies):
        addresses[k] = base + k * width
    for k in range(components):
        rows[k] = base + table[total + k] * width
    at = total + components
    for k in range(table[at]):  # constants are written once
        row = words_at(base + table[at + 1 + 2 * k] * width)
        for i in range(min(LANES, n)):
            row[i] = table[at + 2 + 2 * k]
    start = 0
    while start < n:
        count = min(LANES, n - start)
        component = 0
        for k in range(total):
            size, outer = table[k], steps[k]
            if k == nin:
                call_body(data[ADDRESS], count, words_at(addresses.ctypes.data), data)
            inwards = k < nin
            if not inwards or outer != 0 or start == 0:  # what is the same at all points is written once
                where = rows.ctypes.data + 8 * component
                move(inwards, args[k] + start * outer, outer, steps[total + k], size, count, where)
            component += size
        start += count
    # Numba frees an array after its last use by name, even if its address is in use: hence this line.
    memory[0], addresses[0], rows[0] = 0.0, 0, 0
    _clear_flags(61)


@cache
def _shared() -> Native:
    """Compile the loop: one for all gufuncs."""
    return native(b"lanes", lambda: (_loop, types.void(WORDS, WORDS, WORDS, WORDS), "d"))


#: `PyUFunc_FromFuncAndDataAndSignature` is entry 31 of NumPy's stable C API.
_from_signature = ctypes.PYFUNCTYPE(
    ctypes.py_object, *[ctypes.c_void_p] * 3, *[ctypes.c_int] * 4, *[ctypes.c_char_p] * 2, ctypes.c_int, ctypes.c_char_p
)(_API[31] or 0)


class Table:
    """Rows of a gufunc's blocks of points, in words that the loop reads.

    `sizes` counts the components of each argument. `rows` has for each result the row of each component: rows of the
    arguments come first, then the `computed` ones, then a row for each of the `constants`.
    """

    def __init__(
        self, sizes: Sequence[int], rows: Sequence[Sequence[int]], computed: int, constants: Sequence[float]
    ) -> None:
        self.nin, self.nout, first = len(sizes), len(rows), sum(sizes)
        bits = np.array(constants, np.float64).view(np.int64)
        self.words = np.array(
            [*sizes, *map(len, rows), *range(first), *(r for row in rows for r in row), len(constants)]
            + [int(word) for k, fixed in enumerate(bits) for word in (first + computed + k, fixed)],
            np.int64,
        )
        #: The words `_ROWS` to `_TABLE` of a gufunc's data.
        self.data = first + computed + len(constants), first, computed, self.words.ctypes.data
        operands = [",".join(f"({size})" for size in part) for part in (sizes, map(len, rows))]
        self.signature = "->".join(operands).encode()


class Gufunc:
    """A NumPy gufunc over the body of a circuit: every operand is a vector.

    `code` is the body, over one array for each component of the arguments and each row that it computes; `parameters`
    are numbers that it reads.
    """

    __slots__ = ("_data", "_references", "_tables", "call")

    def __init__(self, code: Native, parameters: Any, table: Table, name: str, doc: str) -> None:
        loop, nin, nout = _shared(), table.nin, table.nout
        words = (code.address, 0, 0, nin, nout, 8, 8, 0, parameters.ctypes.data, *table.data)
        self._data = (ctypes.c_int64 * len(words))(*words)
        self._references = (code, loop, table, parameters)
        loops = (ctypes.c_void_p * 1)(loop.address)
        data = (ctypes.c_void_p * 1)(ctypes.addressof(self._data))
        kinds = (ctypes.c_char * (nin + nout))(*[bytes([12])] * (nin + nout))
        text = (name.encode(), doc.encode(), table.signature)
        self._tables = (loops, data, kinds, text)
        addresses = [ctypes.addressof(t) for t in (loops, data, kinds)]
        self.call: Any = _from_signature(*addresses, 1, nin, nout, -1, *text[:2], 0, text[2])

    @property
    def raised(self) -> int:
        """How many points have raised so far; compare before and after a call."""
        return self._data[RAISED]
