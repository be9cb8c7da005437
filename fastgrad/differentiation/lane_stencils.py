"""Stencils and hessians in machine code: memory of blocks of points, and calls of the loops."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..compilation.kernels import Native
from ..compilation.memory import address_of
from ..evaluation.lanes import OUTPUTS
from ..evaluation.vector_instructions import WIDTH
from ..evaluation.vector_machine import Frame, Machine, PerVector, Traced, loop
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil
from ..tracing import Program
from .lane_loops import LOOPS
from .unrolled import hessian_of, jacobian_of, unrolled

#: Entries that have a row of their own each in a block of points.
_ENTRIES = 512

#: Entries of a hessian that is computed in lanes, all of which have such a row.
MOST = 4096


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
    call = loop("stencil", *LOOPS["stencil"])[1]
    with machine.frame(_frame_of_stencil, rule, result, step is not None) as frame:
        return int(call(len(x), address_of(where), frame.table, frame.at))


def apply_to_pairs(machine: Machine, x: Any, rule: Stencil, result: str, _step: None, out: Any) -> int:
    """Apply a stencil for second derivatives to all pairs of coordinates, into `out` (points, d, d)."""
    d = machine.program.d
    if d**2 <= _ENTRIES and (whole := _whole(machine.program, hessian_of, rule)):
        where = np.array([address_of(x), 0, address_of(out)])
        with machine.frame(_frame_of_whole, whole, d, rule, result) as frame:
            return int(loop("stencil", *LOOPS["stencil"])[1](len(x), address_of(where), frame.table, frame.at))
    where = np.array([address_of(x), address_of(out)])
    with machine.frame(_frame_of_hessian, rule, result) as frame:
        return int(loop("hessian", *LOOPS["hessian"])[1](len(x), address_of(where), frame.table, frame.at))
