"""Stencils of elementwise functions that are called as they are: block by block, all offsets in one call."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..evaluation.called import Called
from ..rules.stencil_codegen import combine, loops, positions, steps
from ..rules.stencils import Stencil
from .batch import fill
from .problem import Problem

#: Points from which a function is worth compiled loops around it.
LARGE = 1 << 20


def apply_to_called(evaluator: Called, problem: Problem, operands: list[Any], out: Any) -> tuple[Any, bool]:
    """Evaluate every block at all offsets, and combine the values while they are in cache.

    Returns the derivative, and whether there may be something in it that is not finite.
    """
    stencil, wrt, nargs, mode = problem.rule, problem.wrt, problem.nargs, problem.mode
    assert isinstance(stencil, Stencil)
    offsets = [float(o) for o in stencil.needed]
    has_no_center = 0.0 not in offsets
    is_large = prod(np.broadcast_shapes(*map(np.shape, operands))) >= LARGE
    missing: list[bool] = []

    def apply(here: dict[int, Any], _limits: Any, targets: Any) -> None:
        x, step, (target,) = here[wrt], here.get(nargs), targets
        more = () if step is None else (step,)
        machine = loops(stencil, evaluator.result, mode) if is_large and evaluator.result != "D" else None
        if machine:
            moved = np.empty((len(offsets), x.size))
            for row, move in zip(moved, machine.moved, strict=True):
                move.call(x, *more, out=row)
        else:
            h = steps(stencil, evaluator.result, x, step, mode)
            moved = positions(offsets, x, h)
        # One call for all offsets, with memory that nothing else uses: `f` may write into its arguments or keep them,
        # and may hand out the same memory at every call. A scalar argument stays what it is: an int may be an index.
        columns = [
            moved.ravel() if i == wrt else np.concatenate([here[i]] * len(offsets)) if i in here else operands[i]
            for i in range(nargs)
        ]
        beside = True if has_no_center else np.repeat([o != 0 for o in offsets], x.size)
        kind = np.complex128 if evaluator.result == "D" else np.float64
        values = np.asarray(evaluator.call(columns, columns, beside), dtype=kind)
        values = values.reshape(moved.shape) if values.ndim else np.full(moved.shape, values)
        if not machine:
            combine(stencil, values, h, target)
            missing.append(not np.isfinite(target.sum()))
            return
        before = machine.combined.nonfinite
        machine.combined.call(x, *values, *more, out=target)
        if machine.combined.nonfinite != before:
            # A flat function has no slope at infinity either; the loop leaves these rare points to Python.
            np.copyto(target, np.nan, where=~np.isfinite(x))
            missing.append(True)

    result = fill(evaluator, problem, operands, out, block=apply)
    return result, any(missing)
