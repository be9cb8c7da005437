"""Stencils of elementwise functions that are called as they are: block by block, all offsets in one call."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from .._parallel import BLOCK, blocks, over_pieces
from ..evaluation.called import Called
from ..evaluation.results import BecameComplex
from ..rules.stencil_codegen import Loops, combine, loops, positions, steps
from ..rules.stencils import Stencil
from .problem import Problem, refuse_real, with_complex

#: Points from which the loop over a piece costs little beside `f`.
_LEAST = BLOCK // 4

#: Points from which a function is worth compiled loops around it.
LARGE = 1 << 20


def apply_to_called(evaluator: Called, problem: Problem, operands: list[Any], out: Any) -> tuple[Any, bool]:
    """Evaluate every block at all offsets, and combine the values while they are in cache.

    Returns the derivative, and whether there may be something in it that is not finite.
    """
    shape = np.broadcast_shapes(*map(np.shape, operands))
    if 0 in shape:
        return (np.empty(shape, problem.dtype) if out is None else out), False
    evaluator.prepare(operands[: problem.nargs], problem.wrt)
    try:
        return _in_pieces(evaluator, problem, operands, out, shape)
    except BecameComplex:
        evaluator.result = "D"
        return _in_pieces(evaluator, problem, operands, out, shape)


def _in_pieces(
    evaluator: Called, problem: Problem, operands: list[Any], out: Any, shape: tuple[int, ...]
) -> tuple[Any, bool]:
    """Spread a batch that takes long over threads, if that is safe."""
    result = np.empty(shape, with_complex(problem.dtype, evaluator.result)) if out is None else out
    refuse_real(result, evaluator.result)
    missing: list[bool] = []
    machine = None
    if result.size >= LARGE and evaluator.result != "D" and isinstance(problem.rule, Stencil):
        machine = loops(problem.rule, evaluator.result, problem.mode)
    is_large = result.size >= 2 * _LEAST and evaluator.cost.worth(result.size)
    workers = evaluator.threads(problem.workers, problem.has_workers) if is_large else 1
    if workers == 1 and not machine:
        began = perf_counter()
        _apply(evaluator, problem, operands, result, missing)
        evaluator.cost.took(result.size, began)
    else:
        before = machine.combined.nonfinite if machine else 0
        whole = [np.broadcast_to(o, shape) if np.ndim(o) else o for o in operands]

        def piece(at: tuple[slice, ...]) -> None:
            _apply(evaluator, problem, [o[at] if np.ndim(o) else o for o in whole], result[at], missing, machine)

        over_pieces(piece, shape, workers, least=_LEAST, pace=evaluator.cost)
        if machine and machine.combined.nonfinite != before:
            # A flat function has no slope at infinity either; the loop leaves these rare points to Python.
            np.copyto(result, np.nan, where=~np.isfinite(whole[problem.wrt]))
            missing.append(True)
    return (result[()] if out is None else out), any(missing)


def _apply(
    evaluator: Called,
    problem: Problem,
    operands: list[Any],
    result: Any,
    missing: list[bool],
    machine: Loops | None = None,
) -> None:
    """Apply the stencil to one block after the other; tell of blocks with something that may not be finite."""
    stencil, wrt, mode = problem.rule, problem.wrt, problem.mode
    assert isinstance(stencil, Stencil)
    nargs, offsets = problem.nargs, [float(o) for o in stencil.needed]
    has_no_center = 0.0 not in offsets
    # A scalar argument stays what it is: an int may be an index or a count. The point itself is always an array.
    moving = [i for i, o in enumerate(operands) if i in (wrt, nargs) or np.ndim(o)]
    kind = np.complex128 if evaluator.result == "D" else np.float64
    every = problem.kinds(operands)
    kinds = [*(every[i] for i in moving), kind]
    inputs, size = [operands[i] for i in moving], max(BLOCK // len(offsets), 1)
    with np.errstate(all="ignore"):  # a NaN says what went wrong and where; so does the compiled loop
        for parts, (target,) in blocks(inputs, [result], result.shape, kinds, size):
            block = dict(zip(moving, parts, strict=True))
            x, step = block[wrt], block.get(nargs)
            more = () if step is None else (step,)
            if machine:
                moved = np.empty((len(offsets), x.size))
                for row, move in zip(moved, machine.moved, strict=True):
                    move.call(x, *more, out=row)
            else:
                h = steps(stencil, evaluator.result, x, step, mode)
                moved = positions(offsets, x, h)
            # One call for all offsets, with memory that nothing else uses: `f` may write into its arguments or keep
            # them, and may hand out the same memory at every call.
            columns = [
                moved.ravel() if i == wrt else np.concatenate([block[i]] * len(offsets)) if i in block else operands[i]
                for i in range(nargs)
            ]
            beside = True if has_no_center else np.repeat([o != 0 for o in offsets], x.size)
            values = np.asarray(evaluator.call(columns, columns, beside), dtype=kind)
            values = values.reshape(moved.shape) if values.ndim else np.full(moved.shape, values)
            if machine:
                machine.combined.call(x, *values, *more, out=target)
            else:
                combine(stencil, values, h, target)
                missing.append(not np.isfinite(target.sum()))

