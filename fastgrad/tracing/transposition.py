"""Blocks of points transposed between arrays (point by point) and lanes (one row for each component).

Tiles of four points are transposed in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.cpu import CPUContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from ..compilation.memory import WORDS, words_at

#: Points in a tile, and components of the widest.
_TILE = 4

#: Points in a block.
LANES = 32

#: Numbers between the rows of a block, one cache line: rows a power of two apart would share cache sets.
GAP = 8


def _shuffle(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, positions: Sequence[int]) -> ir.Value:
    """Select numbers of two vectors by position; positions in the second follow those in the first."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(positions)), list(positions)))


def _transpose(builder: ir.IRBuilder, vectors: list[ir.Value]) -> list[ir.Value]:
    """Transpose every square of as many numbers as there are vectors, by exchanges between them (Eklundh 1972)."""
    width = len(vectors) // 2
    while width:
        low = [j if not j & width else _TILE + j - width for j in range(_TILE)]
        high = [j + width if not j & width else _TILE + j for j in range(_TILE)]
        exchanged = list(vectors)
        for k in range(len(vectors)):
            if not k & width:
                pair = vectors[k], vectors[k + width]
                exchanged[k], exchanged[k + width] = (_shuffle(builder, *pair, p) for p in (low, high))
        vectors, width = exchanged, width // 2
    return vectors


def _concatenate(builder: ir.IRBuilder, parts: list[ir.Value]) -> ir.Value:
    """Concatenate vectors."""
    while len(parts) > 1:
        positions = range(2 * parts[0].type.count)
        parts = [_shuffle(builder, a, b, positions) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def _tile(width: int) -> Any:
    """Make an intrinsic that transposes `width` components of four points, `outer` bytes apart, to rows, or back.

    `rows` holds the addresses of the rows; the tile begins `shift` bytes behind each.
    """

    @intrinsic
    def transpose(_typing: Any, inwards: Any, first: Any, outer: Any, rows: Any, shift: Any) -> Any:
        def code(
            context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]
        ) -> ir.Value:
            inwards, first, outer, rows, shift = args
            word, double = ir.IntType(64), ir.DoubleType()

            def vector_at(address: ir.Value, size: int) -> ir.Value:
                return builder.inttoptr(address, ir.VectorType(double, size).as_pointer())

            points = [builder.add(first, builder.mul(outer, ir.Constant(word, k))) for k in range(_TILE)]
            points = [vector_at(point, width) for point in points]
            lines = [builder.load(builder.gep(rows, [ir.Constant(word, k)])) for k in range(width)]
            lines = [vector_at(builder.add(line, shift), _TILE) for line in lines]
            with builder.if_else(inwards) as (to_rows, to_points):
                with to_rows:
                    parts = [builder.load(point, align=8) for point in points]
                    joined = [_concatenate(builder, parts[k::width]) for k in range(width)]
                    for vector, line in zip(_transpose(builder, joined), lines, strict=True):
                        builder.store(vector, line, align=8)
                with to_points:
                    parts = _transpose(builder, [builder.load(line, align=8) for line in lines])
                    for k, point in enumerate(points):
                        j = k // width * width
                        part = _shuffle(builder, parts[k % width], parts[k % width], range(j, j + width))
                        builder.store(part, point, align=8)
            return context.get_dummy_value()

        return types.void(types.boolean, types.intp, types.intp, WORDS, types.intp), code

    return transpose


_tile_4, _tile_2, _tile_1 = map(_tile, (4, 2, 1))


# Seven parameters: as in `evaluation.lanes`, whose loops this one ends.
def move(inwards, first, outer, core, size, count, table):  # type: ignore[no-untyped-def]
    """Transpose `count` points, the first at address `first`, to rows, or rows to points.

    `table` is the address of the rows' addresses.
    """
    rows = words_at(table)  # type: ignore[call-arg,var-annotated]
    done = 0
    while core == 8 and size > 1 and done + _TILE <= count:
        at, c = first + done * outer, 0
        while c + 4 <= size:
            _tile_4(inwards, at + 8 * c, outer, words_at(table + 8 * c), 8 * done)
            c += 4
        if c + 2 <= size:
            _tile_2(inwards, at + 8 * c, outer, words_at(table + 8 * c), 8 * done)
            c += 2
        if c < size:
            _tile_1(inwards, at + 8 * c, outer, words_at(table + 8 * c), 8 * done)
        done += _TILE
    for k in range(size):
        row = words_at(rows[k])
        if outer == 8:
            line = words_at(first + k * core)
            for i in range(done, count):
                if inwards:
                    row[i] = line[i]
                else:
                    line[i] = row[i]
        else:
            for i in range(done, count):
                if inwards:
                    row[i] = words_at(first + i * outer + k * core)[0]
                else:
                    words_at(first + i * outer + k * core)[0] = row[i]
