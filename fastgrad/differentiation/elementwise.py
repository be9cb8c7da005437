"""Derivatives of elementwise functions: by ufuncs where they are compiled, block by block where they are called."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from math import inf, isfinite

import numpy as np

from .._typing import Array, Index, Operand
from ..adaptive_rule import Adaptive
from ..compilation.ufuncs import size_of
from ..estimates import Estimate, rounded
from ..evaluation.agreement import Pair
from ..evaluation.called import Called
from ..evaluation.compiled import Compiled
from ..evaluation.functions import ElementwiseFunction, ElementwiseValues
from ..rules.complexstep import compare_sample, slopes
from ..rules.selection import Rule
from ..rules.stencil_codegen import combine, loops, positions, steps
from ..rules.stencils import Stencil
from .batch import begins_in_machine_code, fill
from .by_rule import replace_missing
from .compiled_rules import apply_compiled, stencil_at, ufunc_of
from .error_bounds import Points
from .problem import ADAPTIVE, Problem

#: What the ufunc of a problem without steps and bounds takes after the arguments.
_DEFAULTS: dict[str, tuple[float, ...]] = {"auto": (), ADAPTIVE: (inf, -inf, inf)}

#: Points from which a sample shows whether the first round of the adaptive rule settles points at all; its size.
_MANY, _SAMPLE = 1 << 14, 256

#: Points from which a function is worth compiled loops around it.
LARGE = 1 << 20


def scalar_derivative(function: ElementwiseFunction, rule: Rule, wrt: int, args: tuple[float, ...]) -> float | None:
    """Differentiate at one point, numbers all, by the ufunc that did so before; None if that is not enough."""
    value = function.scalar_call((rule, wrt), args)
    return value if value is not None and isfinite(value) and isfinite(args[wrt]) else None


def derivative_of(problem: Problem, out: Array | None) -> Operand:
    """Differentiate at the points of a problem."""
    operands = problem.operands
    if out is not None:  # threads read points after results have been written
        operands = [o.copy() if isinstance(o, np.ndarray) and np.may_share_memory(o, out) else o for o in operands]
    evaluator = _evaluator_of(problem, operands)
    try:
        return _derivative(evaluator, problem, operands, out)
    finally:
        evaluator.close()


def estimate_of(problem: Problem) -> Estimate:
    """Differentiate with error bounds."""
    operands = problem.operands
    with closing(_evaluator_of(problem, operands)) as evaluator:
        return rounded(Estimate(*fill(evaluator, problem, operands, None, full_output=True)))


def _evaluator_of(problem: Problem, operands: Sequence[Operand]) -> Compiled | Called:
    """Return what runs the function; its first use compares derivatives by a stencil, values for other rules."""
    function, rule, wrt, mode = problem.f, problem.rule, problem.wrt, problem.mode
    assert isinstance(function, ElementwiseFunction)
    if mode == ADAPTIVE:
        return function.evaluator(operands, wrt)

    def pair(evaluator: Compiled) -> Pair:
        ufunc, f = ufunc_of(evaluator, rule, wrt, mode), evaluator.f()
        return ufunc.call, lambda *row: stencil_at(f, problem, list(row))

    return function.evaluator(operands, wrt, pair, (rule, wrt, mode))


def _derivative(
    evaluator: Compiled | Called, problem: Problem, operands: Sequence[Operand], out: Array | None
) -> Operand:
    rule, wrt, mode = problem.rule, problem.wrt, problem.mode
    if mode == ADAPTIVE and (not begins_in_machine_code(evaluator) or _are_mostly_open(evaluator, problem, operands)):
        return fill(evaluator, problem, operands, out)[0]
    result: Operand
    if isinstance(evaluator, Compiled):
        result, has_missing = apply_compiled(evaluator, problem, operands, out)
    else:
        result, has_missing = _apply_to_called(evaluator, problem, operands, out)
    if has_missing and mode in (ADAPTIVE, "auto"):
        return _complete(evaluator, problem, operands, result)
    if type(result) is np.float64 and mode in _DEFAULTS and isinstance(evaluator, Compiled):
        evaluator.scalar_calls[rule, wrt] = ufunc_of(evaluator, rule, wrt, mode).call, _DEFAULTS[mode]
    return result


def _apply_to_called(
    evaluator: Called, problem: Problem, operands: Sequence[Operand], out: Array | None
) -> tuple[Array, bool]:
    """Evaluate every block at all offsets, and combine the values while they are in cache.

    Returns the derivative, and whether there may be something in it that is not finite.
    """
    stencil, wrt, mode = problem.rule, problem.wrt, problem.mode
    assert isinstance(stencil, Stencil)
    offsets = stencil.positions
    has_no_center = 0.0 not in offsets
    is_large = size_of(operands) >= LARGE
    missing: list[bool] = []

    def apply(arguments: Sequence[Operand], points: Points, targets: Sequence[Array]) -> None:
        x, step, (target,) = points.x, points.step, targets
        more = () if step is None else (step,)
        machine = loops(stencil, evaluator.result, mode) if is_large and evaluator.result != "D" else None
        if machine:
            moved = np.empty((len(offsets), x.size))
            for row, move in zip(moved, machine.moved, strict=True):
                move.call(x, *more, out=row)
        else:
            h = steps(stencil, evaluator.result, x, step, mode)
            moved = positions(stencil, x, h)
        # One call for all offsets, with memory that nothing else uses: `f` may write into its arguments or keep them,
        # and may hand out the same memory at every call. A scalar argument stays what it is: an int may be an index.
        columns = [
            moved.ravel() if i == wrt else np.concatenate([a] * len(offsets)) if np.ndim(a) else a
            for i, a in enumerate(arguments)
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

    return fill(evaluator, problem, operands, out, block=apply)[0], any(missing)


def _are_mostly_open(evaluator: Compiled, problem: Problem, operands: Sequence[Operand]) -> bool:
    """Tell by the first of many points whether the first round leaves most of them open: it is not taken twice then."""
    if np.size(operands[problem.wrt]) < _MANY:
        return False
    shape = np.broadcast_shapes(*map(np.shape, operands))
    sample = [np.broadcast_to(o, shape).flat[:_SAMPLE] for o in operands]
    is_open = np.isnan(ufunc_of(evaluator, problem.rule, problem.wrt, problem.mode).apply(*sample))
    return bool(is_open.mean() > 0.5)


def _complete(evaluator: Compiled | Called, problem: Problem, operands: Sequence[Operand], result: Operand) -> Operand:
    """Differentiate by the adaptive rule where its first round has left points open, or a stencil the domain of `f`."""
    shape, nargs = np.shape(result), problem.nargs
    missing = np.isnan(result)
    if problem.mode != ADAPTIVE:
        missing = ~np.isfinite(result) & np.all([np.isfinite(np.broadcast_to(o, shape)) for o in operands], axis=0)

    def again(rule: Adaptive, where: Index) -> Array:
        index = np.unravel_index(where, shape) if shape else (where,)
        points = [  # numbers stay numbers, except for the argument and the largest step
            np.atleast_1d(np.broadcast_to(o, shape))[index] if np.ndim(o) or i in (problem.wrt, nargs) else o
            for i, o in enumerate(operands)
        ]
        adaptive = problem._replace(args=tuple(points[:nargs]), rule=rule, mode=ADAPTIVE)
        return fill(evaluator, adaptive, points if problem.mode == ADAPTIVE else adaptive.operands, None)[0]

    return replace_missing(result, missing, problem.rule, again)


def complex_step_of(problem: Problem) -> Array:
    """Differentiate by the complex step, and compare a sample of the points with the adaptive rule."""
    function, adaptive, wrt, args = problem.f, problem.adaptive(), problem.wrt, problem.args
    assert isinstance(function, ElementwiseFunction)
    _evaluator_of(adaptive, adaptive.operands).close()
    evaluator = Called(function.f, pointwise=False)
    evaluator.result = "D"

    def apply(arguments: Sequence[Operand], points: Points, targets: Sequence[Array]) -> None:
        values = ElementwiseValues(evaluator, arguments, wrt).values
        targets[0][...] = slopes(lambda z: values(z, slice(None)), points.x)

    with np.errstate(over="ignore"):  # what overflows a smaller type is infinite there
        result = fill(evaluator, problem, problem.operands, None, block=apply)[0].real.astype(problem.dtype)
    flat = [np.broadcast_to(a, result.shape).ravel() if i == wrt or np.ndim(a) else a for i, a in enumerate(args)]

    def trusted(some: Index) -> Estimate:
        rows = (a[some] if np.ndim(a) else a for a in flat)
        return estimate_of(adaptive._replace(args=tuple(rows)))

    compare_sample(result.ravel(), flat[wrt], trusted)
    return result
