"""Functions of vectors become gufuncs: points side by side in the lanes.

The body of a circuit is a loop over points with one stretch of memory for each component, which LLVM vectorises. In a
batch of vectors the components of one point lie side by side instead. So the loop here, made once for all circuits,
turns a block of points at a time into rows of components, calls the body, and turns the rows of its results back; both
in tiles of 8 x 8 numbers that stay in registers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from ._compile import Native, inner, native
from ._ufunc import _API, ADDRESS, ARGUMENTS, OWN, RAISED, RESULTS, WORDS, _clear_flags, call_body

#: Numbers in a tile's row and column.
_TILE = 8

#: Components beyond whole tiles that are moved one by one: a tile that overlaps another costs as much as three.
_FEW = 3

#: Numbers in all rows of a block: with a little more they stay in the first-level cache.
_ROOM = 3072

#: Words of a gufunc's data after the common ones: lanes in a row, rows, rows of arguments, rows that the body computes,
#: the address of the table. The table holds the number of components of each operand, then the row of each of those
#: components, then how many rows are constant, and for each its number and the bits of the constant.
_LANES, _ROWS, _GIVEN, _COMPUTED, _TABLE = range(OWN, OWN + 5)


@intrinsic
def _at(_typing: Any, address: Any) -> Any:
    """Turn an address into a pointer to words."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(64).as_pointer())

    return WORDS(types.intp), code


def _turned(builder: Any, vectors: list[Any]) -> list[Any]:
    """Transpose in three rounds of exchanges between vectors (Eklundh 1972); nothing is stored in between."""
    for width in (4, 2, 1):
        low = [j if not j & width else _TILE + j - width for j in range(_TILE)]
        high = [j + width if not j & width else _TILE + j for j in range(_TILE)]
        exchanged = list(vectors)
        for k in range(_TILE):
            if not k & width:
                for at, chosen in ((k, low), (k + width, high)):
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), _TILE), chosen)
                    exchanged[at] = builder.shuffle_vector(vectors[k], vectors[k + width], mask)
        vectors = exchanged
    return vectors


def _tile(inwards: bool) -> Any:
    """Make an intrinsic that turns eight points, `outer` bytes apart, into eight rows, or back.

    The rows' addresses stand in `rows`; the tile begins `shift` bytes behind.
    """

    @intrinsic
    def turn(_typing: Any, first: Any, outer: Any, rows: Any, shift: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            first, outer, rows, shift = args
            word, kind = ir.IntType(64), ir.VectorType(ir.DoubleType(), _TILE)
            points, lines = [], []
            for k in range(_TILE):
                points.append(builder.add(first, builder.mul(outer, ir.Constant(word, k))))
                lines.append(builder.add(builder.load(builder.gep(rows, [ir.Constant(word, k)])), shift))
            sources, targets = (points, lines) if inwards else (lines, points)
            vectors = [builder.load(builder.inttoptr(s, kind.as_pointer()), align=8) for s in sources]
            for vector, target in zip(_turned(builder, vectors), targets, strict=True):
                builder.store(vector, builder.inttoptr(target, kind.as_pointer()), align=8)
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, WORDS, types.intp), code

    return turn


_to_rows, _to_points = _tile(True), _tile(False)


@inner
def _move(inwards, first, outer, core, size, count, left, table):  # type: ignore[no-untyped-def]
    """Turn `count` points, the first at address `first`, into rows, or rows into points.

    `table` is the address of the rows' addresses, `left` the number of points that may be touched.
    """
    rows = _at(table)  # type: ignore[call-arg,var-annotated]
    done, tiled = 0, 0
    # A tile of vectors shorter than itself reaches into the points that follow. Reading them does no harm, and what is
    # written there is overwritten when their turn comes; so they must follow without a gap, and the last ones wait.
    if core == 8 and size > 1 and (size >= _TILE or outer == 8 * size):
        tiled = size if size < _TILE or size % _TILE > _FEW else size // _TILE * _TILE
        while done + _TILE <= count and (size >= _TILE or (done + _TILE - 1) * size + _TILE <= left * size):
            c = 0
            while c < tiled:
                c0 = min(c, max(size - _TILE, 0))
                at = first + done * outer + 8 * c0
                if inwards:
                    _to_rows(at, outer, _at(table + 8 * c0), 8 * done)
                else:
                    _to_points(at, outer, _at(table + 8 * c0), 8 * done)
                c += _TILE
            done += _TILE
    for k in range(size):
        row, begin = _at(rows[k]), done if k < tiled else 0
        if outer == 8:
            line = _at(first + k * core)
            for i in range(begin, count):
                if inwards:
                    row[i] = line[i]
                else:
                    line[i] = row[i]
        else:
            for i in range(begin, count):
                if inwards:
                    row[i] = _at(first + i * outer + k * core)[0]
                else:
                    _at(first + i * outer + k * core)[0] = row[i]


def _loop(args, dims, steps, data):  # type: ignore[no-untyped-def]
    """Inner loop of all gufuncs over circuits; `data` as above."""
    n, nin = dims[0], data[ARGUMENTS]
    total = nin + data[RESULTS]
    table = _at(data[_TABLE])  # type: ignore[call-arg,var-annotated]
    lanes, bodies = data[_LANES], data[_GIVEN] + data[_COMPUTED]
    width = 8 * (lanes + _TILE)  # the tail keeps the rows off each other's places in the cache
    memory = np.empty((data[_ROWS] + 1) * (lanes + _TILE))
    base = memory.ctypes.data
    dummy = base + data[_ROWS] * width
    components = 0
    for k in range(total):
        components += table[k]
    places = np.empty(bodies, np.int64)
    rows = np.full(components + _TILE * total, dummy)  # of every component; short operands reach into the dummy
    for k in range(bodies):
        places[k] = base + k * width
    at, place = total, 0
    for k in range(total):
        for _ in range(table[k]):
            rows[place] = base + table[at] * width
            at, place = at + 1, place + 1
        place += _TILE
    for k in range(table[at]):  # constants are written once
        row = _at(base + table[at + 1 + 2 * k] * width)
        for i in range(min(lanes, n)):
            row[i] = table[at + 2 + 2 * k]
    start = 0
    while start < n:
        count = min(lanes, n - start)
        place = 0
        for k in range(total):
            size, outer = table[k], steps[k]
            if k == nin:
                call_body(data[ADDRESS], count, _at(places.ctypes.data), data)
            inwards = k < nin
            if not inwards or outer != 0 or start == 0:  # what is the same at all points is written once
                _move(
                    inwards, args[k] + start * outer, outer, steps[total + k], size,
                    count, n - start, rows.ctypes.data + 8 * place,
                )  # fmt: skip
            place += size + _TILE
        start += count
    # Numba frees an array after its last use by name, whoever still has its address: so here is one more.
    memory[0], places[0], rows[0] = 0.0, 0, 0
    _clear_flags(61)


@cache
def _shared() -> Native:
    """Compile the loop: one for all gufuncs."""
    return native(b"lanes", lambda: (_loop, types.void(WORDS, WORDS, WORDS, WORDS), "d"))


#: `PyUFunc_FromFuncAndDataAndSignature` is entry 31 of NumPy's stable C API.
_from_signature = ctypes.PYFUNCTYPE(
    ctypes.py_object, *[ctypes.c_void_p] * 3, *[ctypes.c_int] * 4, *[ctypes.c_char_p] * 2, ctypes.c_int, ctypes.c_char_p
)(_API[31] or 0)


class Gufunc:
    """A NumPy gufunc over the body of a circuit: every operand is a vector.

    Parameters
    ----------
    code : Native
        The body, with a stretch of memory for each component of the arguments and each row that it computes.
    sizes : sequence of int
        Components of each argument.
    rows : sequence of sequences of int
        For each result the row of each component: rows of the arguments come first, then those that the body
        computes, then constant ones.
    computed : int
        How many rows the body computes.
    constants : sequence of float
        What is in the constant rows.
    name, doc : str
        What NumPy shows.
    """

    __slots__ = ("_data", "_owners", "_tables", "call")

    def __init__(
        self,
        code: Native,
        sizes: Sequence[int],
        rows: Sequence[Sequence[int]],
        computed: int,
        constants: Sequence[float],
        name: str,
        doc: str,
    ) -> None:
        loop, given = _shared(), sum(sizes)
        nin, nout, count = len(sizes), len(rows), given + computed + len(constants)
        fixed = np.array(constants, np.float64).view(np.int64)
        table = np.array(
            [*sizes, *map(len, rows), *range(given), *(r for row in rows for r in row), len(constants)]
            + [int(word) for k, bits in enumerate(fixed) for word in (given + computed + k, bits)],
            np.int64,
        )
        lanes = max(32, min(256, _ROOM // count // _TILE * _TILE))
        words = (code.address, 0, 0, nin, nout, 8, 8, 0, lanes, count, given, computed, table.ctypes.data)
        self._data = (ctypes.c_int64 * len(words))(*words)
        self._owners = (code, loop, table)
        loops = (ctypes.c_void_p * 1)(loop.address)
        data = (ctypes.c_void_p * 1)(ctypes.addressof(self._data))
        kinds = (ctypes.c_char * (nin + nout))(*[bytes([12])] * (nin + nout))
        operands = [",".join(f"({size})" for size in part) for part in (sizes, map(len, rows))]
        text = (name.encode(), doc.encode(), "->".join(operands).encode())
        self._tables = (loops, data, kinds, text)
        places = [ctypes.addressof(t) for t in (loops, data, kinds)]
        self.call: Any = _from_signature(*places, 1, nin, nout, -1, *text[:2], 0, text[2])

    @property
    def raised(self) -> int:
        """How many points have raised so far; compare before and after a call."""
        return self._data[RAISED]
