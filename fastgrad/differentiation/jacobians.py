"""First derivatives of functions of a vector: along coordinates and along vectors, in blocks of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from .._parallel import inner_threads, over_pieces
from .._typing import Array, FloatArray
from ..adaptive_rule import HIGHEST, Adaptive
from ..estimates import Estimate
from ..evaluation.vector_machine import Machine
from ..rules.stencils import Stencil
from .error_bounds import Points
from .lane_stencils import apply_stencil
from .line_evaluation import Coordinates, Directions, derive
from .problem import ADAPTIVE, Derived, Problem

#: Entries in one block: by the adaptive rule as many as it evaluates together, by others more; the most where it is
#: compiled, because every round has milliseconds of Python for what the first leaves open, however few entries that is:
#: a jacobian of 2 x 15 took a quarter longer with a quarter of them.
ENTRIES, _ENTRIES_OF_STENCILS, _ENTRIES_COMPILED = 1 << 12, 1 << 13, 1 << 18

#: Numbers in the vectors at one position of all lines; the adaptive rule requests some fifteen positions. Machine code
#: makes no such vectors, and the numbers are those of the points.
_NUMBERS, _NUMBERS_COMPILED = 1 << 17, 1 << 20

#: Evaluations that a thread is given at a time.
_EVALUATIONS, _EVALUATIONS_IN_LANES = 1 << 16, 1 << 18

#: Applies a stencil to points by a machine: `apply_stencil`, or one for second derivatives.
Apply = Callable[[Machine, FloatArray, Stencil, str, FloatArray | None, FloatArray], int]


def jacobians(problem: Problem, full_output: bool) -> Derived:
    """All entries, shape (points, outputs, coordinates): the derivative, or an `Estimate`."""
    (count, d), rule = problem.x.shape, problem.rule
    machine = lane_machine(problem, full_output, d)
    if machine is None or rule.n > HIGHEST:
        return entries(problem, full_output)
    out = problem.empty((count, problem.evaluator.outputs, d), False).df
    return in_lanes(problem, machine, d, apply_stencil, out, lambda some: entries(some, False))


def entries(problem: Problem, full_output: bool, column: int | None = None) -> Derived:
    """All entries, or those of one column, by any rule for functions of a number; shape (points, outputs, columns)."""
    evaluator, (count, d) = problem.evaluator, problem.x.shape
    m, columns = evaluator.outputs, np.arange(d) if column is None else np.array([column])
    results = problem.empty((count, m, columns.size), full_output)
    width = _lines_at_a_time(problem, columns.size)
    evaluator.expect(2 * count * columns.size)  # the slower `f` is, the fewer there are in a piece

    def work(piece: tuple[slice, ...]) -> None:
        part = problem.at(piece[0])
        lines, steps = Coordinates(part.x), part.steps
        numbers = np.add.outer(d * np.arange(len(part.x)), columns).ravel()
        derived: list[Derived] = []
        for start in range(0, numbers.size, width):
            line = numbers[start : start + width]
            limits = [None if a is None else a.ravel()[line] for a in (steps, part.low, part.high)]
            points = Points(lines.start(line), problem.mode, *limits)
            derived.append(derive(evaluator, lines, line, problem.rule, points, full_output))
        with np.errstate(over="ignore"):  # threads have settings of their own
            parts = zip(*derived, strict=True) if full_output else [derived]
            for field, values in zip(results.fields, parts, strict=True):
                field[piece] = np.concatenate(values).reshape(-1, columns.size, m).swapaxes(1, 2)

    if results.df.size:
        size = max(1, width // columns.size)
        if isinstance(problem.rule, Adaptive) and evaluator.block_machine is not None:
            # threads share the machine code of the rounds, not the points: Python holds its lock in between
            with inner_threads(problem.workers):
                for start in range(0, count, size):
                    work((slice(start, start + size),))
        else:
            least = 1 if evaluator.is_compiled else size  # every piece takes milliseconds of Python
            workers = evaluator.threads(problem.workers, problem.has_workers)
            cost = problem.f.cost((problem.rule, columns.size, full_output, problem.output))
            over_pieces(work, (count,), workers, size, cost, least)
    return problem.checked(results, lambda some, _: entries(some, True, column))


def _lines_at_a_time(problem: Problem, lines: int = 1) -> int:
    """How many lines to differentiate along together, of which so many lead through a point: what stays in bounds."""
    outputs, d = max(problem.evaluator.outputs, 1), max(problem.x.shape[1], 1)
    if problem.evaluator.block_machine is not None:
        entries = _ENTRIES_COMPILED if problem.low is None else _ENTRIES_COMPILED // 4  # bounds are arrays, too
        return int(max(1, min(entries // outputs, lines * _NUMBERS_COMPILED // d)))
    most = ENTRIES if problem.mode == ADAPTIVE or problem.low is not None else _ENTRIES_OF_STENCILS
    return int(max(1, min(most // outputs, _NUMBERS // d)))


def lane_machine(problem: Problem, full_output: bool, lines: int) -> Machine | None:
    """Return what applies a stencil along so many lines through each point in lanes; None if nothing does."""
    rule, machine = problem.rule, problem.evaluator.block_machine
    if machine is None or full_output or problem.low is not None or not isinstance(rule, Stencil):
        return None
    return None if machine.is_slow(lines * len(rule.positions)) else machine


def in_lanes(
    problem: Problem, machine: Machine, lines: int, apply: Apply, out: Array, general: Callable[[Problem], Derived]
) -> Array:
    """Apply a stencil to all points, over threads when there are many; `general` computes what it leaves open."""
    rule = problem.rule
    assert isinstance(rule, Stencil)
    count, evaluations = len(problem.x), lines * len(rule.positions)
    wrong = []

    def work(piece: tuple[slice, ...]) -> None:
        target = out[piece] if out.dtype == np.float64 else np.empty(out[piece].shape)
        steps = None if problem.step is None else np.ascontiguousarray(problem.at(piece[0]).steps)
        wrong.append(apply(machine, problem.x[piece], rule, problem.evaluator.kind, steps, target))
        if target.dtype != out.dtype:
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
                out[piece] = target

    most = (_EVALUATIONS_IN_LANES if machine.is_traced else _EVALUATIONS) // evaluations
    cost = machine.program.costs[rule, evaluations]  # closures of the same code share it
    if cost.long(count) or (problem.workers > 1 and count >= 2 * most):
        over_pieces(work, (count,), problem.workers, max(1, most), cost)
    else:
        work((slice(None),))
    if any(wrong):  # `f` raised, or a stencil left its domain
        bad = np.flatnonzero(~np.isfinite(out).all(axis=(1, 2)) & ~np.isnan(problem.x).any(axis=1))
        if bad.size:
            out[bad] = general(problem.at(bad))
    return out


def along(problem: Problem, v: FloatArray, full_output: bool) -> Derived:
    """Differentiate along one vector at every point: shape (points, outputs), the derivative or an `Estimate`.

    A step is one along the vector: absolute in units of it, or relative to the size of the point.
    """
    m = problem.evaluator.outputs
    results = problem.empty((len(problem.x), m), full_output)
    if results.df.size == 0:
        return results.whole
    for block, part in problem.blocks(_lines_at_a_time(problem)):
        w, length = stretch(part.x, v[block])
        line = np.arange(len(part.x))
        lines = Directions(part.x, w[:, None], line, part.low, part.high)
        step = cast("FloatArray | None", part.step)
        if step is not None and not problem.is_relative:
            step = step / length
        points = Points(lines.start(line), problem.mode, step, *lines.reach())
        derived = derive(problem.evaluator, lines, line, problem.rule, points, full_output)
        results.put(block, scaled(derived, length[:, None]))
    return problem.checked(results, lambda some, points: along(some, v[points], True))


def scaled(e: Derived, length: FloatArray) -> Derived:
    """Turn derivatives along stretched vectors, or estimates of them, into those along the vectors themselves."""
    if not isinstance(e, Estimate):
        return e / length
    return e._replace(df=e.df / length, left=e.left / length, right=e.right / length, error=e.error / np.abs(length))


def unit(x: FloatArray) -> FloatArray:
    """Binade of ``max(|x|, 1)``: the scale that steps refer to."""
    binade: FloatArray = np.ldexp(1.0, np.frexp(np.maximum(np.abs(x), 1.0))[1] - 1)
    return binade


def stretch(x: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Make vectors as long as the points: return them, and the powers of two by which they were stretched.

    No power of two is large enough for those below 1e-308 of the point: they come out as NaN.
    """
    with np.errstate(all="ignore"):
        size = np.max(np.abs(v) / unit(x), axis=1, initial=0.0)
        length = np.ldexp(1.0, np.where((size > 0) & np.isfinite(size), -np.frexp(size)[1], 0))
        return v * length[:, None], np.where(np.isinf(length), 1.0, length)
