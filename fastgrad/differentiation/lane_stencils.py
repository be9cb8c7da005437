"""Stencils and hessians in machine code: memory of blocks of points, and calls of the loops.

Short stencils are unrolled into the program of a traced function: what does not depend on what moves is computed once.
Of inputs there are coordinates, then as many steps, powers of two all, then captured numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray
from ..compilation.kernels import Native
from ..compilation.memory import address_of
from ..evaluation.lanes import OUTPUTS
from ..evaluation.vector_instructions import WIDTH
from ..evaluation.vector_machine import Frame, Machine, PerVector, Traced, loop
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil
from ..tracing import Graph, Node, Program, ValueProgram, graft, in_order
from .lane_loops import LOOPS

#: Entries that have a row of their own each in a block of points.
_ENTRIES = 512

#: Entries of a hessian that is computed in lanes, all of which have such a row.
MOST = 4096

#: What such a program may cost to compile, in operations of arithmetic: about a second.
_MOST = 1500

#: Nodes that may be copied on the way: about a third of a second.
_COPIES = 100_000


@lru_cache(maxsize=256)
def table_of(rule: Stencil, result: str) -> NDArray[np.int64]:
    """Words that describe a stencil to the loop."""
    numbers = [best_step(rule, result), *rule.positions, *(w for w, _, _ in rule.terms)]
    best, *rest = np.array(numbers).view(np.int64).tolist()
    offsets, weights = rest[: len(rule.positions)], rest[len(rule.positions) :]
    words = [rule.n, best, len(offsets), *offsets, len(weights)]
    for weight, (_, a, b) in zip(weights, rule.terms, strict=True):
        words += [weight, a, b]
    return np.array(words)


class _Long(Exception):
    """The program would take too long to compile."""


class _Values:
    """Values of a program with coordinates moved by multiples of their steps."""

    def __init__(self, program: ValueProgram) -> None:
        self._program, self._d, self.graph = program, program.d, Graph()
        self._x = [self.graph.input(k) for k in range(self._d)]
        self._h = [self.graph.input(self._d + k) for k in range(self._d)]
        self._captured = [self.graph.input(2 * self._d + k) for k in range(program.captured.count)]

    def __call__(self, moves: dict[int, float]) -> list[Node]:
        x = list(self._x)
        for k, offset in moves.items():
            x[k] = self._x[k] + offset * self._h[k]
        outputs = graft(self._program.outputs, [*x, *self._captured])
        if self.graph.cost > _MOST:
            raise _Long
        return outputs

    def combined(self, rule: Stencil, values: Sequence[Node], steps: Sequence[int]) -> Node:
        """Combine values at the positions of a rule into the derivative."""
        terms = (weight * (values[a] - values[b]) for weight, a, b in rule.terms)
        total: Node = next(terms)
        for term in terms:
            total = total + term
        for k in steps:
            total = total * (1.0 / self._h[k])
        return total


#: All entries of a derivative as nodes, by a stencil.
Entries = Callable[[ValueProgram, Stencil], list[Node]]


def jacobian_of(program: ValueProgram, rule: Stencil) -> list[Node]:
    """All entries by a stencil along each coordinate."""
    values, d, m = _Values(program), program.d, len(program.outputs)
    columns = [[values({k: o} if o else {}) for o in rule.positions] for k in range(d)]
    return [
        values.combined(rule, [outputs[j] for outputs in columns[k]], [k] * rule.n)
        for j in range(m)
        for k in range(d)
    ]


def hessian_of(program: ValueProgram, rule: Stencil) -> list[Node]:
    """All second derivatives of one result: the mixed ones from ``f(x + t (u + w)) - f(x + t (u - w))``."""
    values, d = _Values(program), program.d
    base, entries = values({})[0], {}
    for i in range(d):
        own = [values({i: o})[0] if o else base for o in rule.positions]
        entries[i, i] = values.combined(rule, own, [i, i])
        for j in range(i):
            pair = [
                values({i: o, j: o})[0] - values({i: o, j: -o})[0] if o else base - base for o in rule.positions
            ]
            entries[i, j] = entries[j, i] = values.combined(rule, pair, [i, j]) * 0.25
    return [entries[i, j] for i in range(d) for j in range(d)]


def _whole(program: Traced | PerVector, make: Entries, rule: Stencil) -> Native | None:
    """Program of a whole jacobian or hessian, as `make` writes it; None where it is too long, or not traced."""
    if isinstance(program, PerVector):
        return None
    values, d = program.program, program.d

    def compile_entries() -> Native | None:
        if len(in_order(values.outputs)) * len(rule.positions) * d ** (1 if make is jacobian_of else 2) > _COPIES:
            return None
        try:
            return Program(make(values, rule), 2 * d, fixed=True).body()
        except _Long:
            return None

    return program.code((make, rule), compile_entries)


def _frame_of_stencil(program: Traced | PerVector, rule: Stencil, result: str, has_step: bool) -> Frame:
    """Frame for a stencil along all coordinates."""
    d, m, offsets = program.d, program.m, len(rule.positions)
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
    d, offsets = program.d, len(rule.positions)
    frame = Frame(program, d * 2 * offsets + offsets + 2 + d + d * d, program.code())
    shifts = [s for o in rule.positions for s in (o, -o)]
    step, *bits = np.array([best_step(rule, result), *shifts]).view(np.int64).tolist()
    moved, pair, entries = (frame.rows(count) for count in (d * len(shifts), offsets + 2 + d, d * d))
    frame.table = frame.keep(table_of(rule, result))
    own = frame.words([entries + WIDTH * i for i in range(d * d)])
    return frame.finish(step, len(shifts), frame.words(bits), moved, pair, own)


def apply_stencil(
    machine: Machine, x: FloatArray, rule: Stencil, result: str, step: FloatArray | None, out: FloatArray
) -> int:
    """Apply a stencil along all coordinates, into `out` (points, outputs, coordinates).

    Returns in how many blocks of points an entry was not finite.
    """
    where = np.array([address_of(x), 0 if step is None else address_of(step), address_of(out)])
    call = loop("stencil", *LOOPS["stencil"])[1]
    with machine.frame(_frame_of_stencil, rule, result, step is not None) as frame:
        return int(call(len(x), address_of(where), frame.table, frame.at))


def apply_to_pairs(
    machine: Machine, x: FloatArray, rule: Stencil, result: str, _step: FloatArray | None, out: FloatArray
) -> int:
    """Apply a stencil for second derivatives to all pairs of coordinates, into `out` (points, d, d)."""
    d = machine.program.d
    if d**2 <= _ENTRIES and (whole := _whole(machine.program, hessian_of, rule)):
        where = np.array([address_of(x), 0, address_of(out)])
        with machine.frame(_frame_of_whole, whole, d, rule, result) as frame:
            return int(loop("stencil", *LOOPS["stencil"])[1](len(x), address_of(where), frame.table, frame.at))
    where = np.array([address_of(x), address_of(out)])
    with machine.frame(_frame_of_hessian, rule, result) as frame:
        return int(loop("hessian", *LOOPS["hessian"])[1](len(x), address_of(where), frame.table, frame.at))
