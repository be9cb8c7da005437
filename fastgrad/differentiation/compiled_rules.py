"""Rules as ufuncs of compiled elementwise functions: a whole stencil, the first round of the adaptive rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._typing import Array, Function, Mask, Operand
from ..adaptive_rule import Adaptive, Round, first_round, round_ufunc
from ..compilation.ufuncs import Ufunc
from ..evaluation.compiled import Compiled
from ..evaluation.results import letter_of, numbers
from ..evaluation.user_calls import OUTSIDE, call
from ..rules.selection import Rule
from ..rules.stencil_codegen import combine, compiled_point, positions, steps
from ..rules.stencils import Stencil
from .problem import ADAPTIVE, Problem, refuse_real, with_complex


def ufunc_of(evaluator: Compiled, rule: Rule, wrt: int, mode: str) -> Ufunc:
    """Return the derivative of a function as a ufunc of its arguments and of what `mode` adds to them."""
    code = evaluator.code
    if isinstance(rule, Adaptive):
        return evaluator.ufunc((rule, wrt, mode), lambda: _round(evaluator, first_round(rule.n, rule.sign), wrt, 1))
    assert isinstance(rule, Stencil)
    program = (rule, wrt, mode)

    def point(result: str) -> tuple[Function, str]:
        return compiled_point(code.kernel, result, rule, code.nargs, wrt, mode, bool(code.captured))

    return evaluator.ufunc(program, lambda: evaluator.loop(program, point, code.nargs + (mode != "auto"), wrt))


def round_of(evaluator: Compiled, round_: Round, wrt: int) -> Ufunc:
    """Return what takes a round of the adaptive rule: operands and extra rows in, the fields of its results out."""
    return evaluator.ufunc((round_.name, wrt), lambda: _round(evaluator, round_, wrt))


def _round(evaluator: Compiled, round_: Round, wrt: int, nout: int = 0) -> Ufunc:
    return round_ufunc(evaluator.values(), evaluator.code.nargs, wrt, round_, evaluator.name, nout)


def apply_compiled(
    evaluator: Compiled, problem: Problem, operands: Sequence[Operand], out: Array | None
) -> tuple[Operand, bool]:
    """Apply the ufunc of a rule, in pieces over threads when the batch is large.

    Returns the derivative, and whether there is something in it that is not finite.
    """
    rule, wrt, mode, kind = problem.rule, problem.wrt, problem.mode, problem.dtype
    ufunc = ufunc_of(evaluator, rule, wrt, mode)
    if out is not None:
        refuse_real(out, ufunc.result)
    watched = evaluator.values() if mode == ADAPTIVE else ufunc
    raised, nonfinite = watched.raised, ufunc.nonfinite
    points = operands[wrt]
    if out is not None and isinstance(points, np.ndarray) and np.may_share_memory(out, points):
        points = points.copy()
    target = out
    if out is None and kind != np.float64:
        target = np.empty(np.broadcast_shapes(*map(np.shape, operands)), with_complex(kind, ufunc.result))
    result = ufunc.apply(*operands, out=target, workers=problem.workers)
    if out is None and target is not None:
        result = target[()]
    if watched.raised != raised:
        _call_where_missing(evaluator, problem, operands, result)
    if ufunc.nonfinite == nonfinite and watched.raised == raised:
        return result, False
    if mode == ADAPTIVE:
        return result, ufunc.nonfinite != nonfinite
    # A flat function has no slope at infinity either; the loop leaves these rare points to Python.
    return _nan_where(~np.isfinite(points), result), True


def _call_where_missing(evaluator: Compiled, problem: Problem, operands: Sequence[Operand], result: Operand) -> None:
    """Call `f` where compiled it may have raised: at the points, and where the stencil evaluates beside them."""
    shape = np.shape(result)
    whole = [np.broadcast_to(o, shape).ravel() for o in operands]
    nargs, rule = problem.nargs, problem.rule
    missing = np.flatnonzero(np.isnan(np.ravel(result)))
    rows = [o[missing] for o in whole]
    if isinstance(rule, Adaptive):  # the rounds that follow evaluate beside the points
        evaluator.call_where_missing(np.full(missing.shape, np.nan), rows[:nargs], False)
        return
    for row in zip(*rows, strict=True):
        stencil_at(evaluator.f(), problem, list(row))


def stencil_at(f: Function, problem: Problem, row: Sequence[float]) -> complex:
    """Apply a stencil at one point with `f` called as it is: NaN where it leaves the domain of `f`."""
    rule, wrt, mode = problem.rule, problem.wrt, problem.mode
    assert isinstance(rule, Stencil)
    nargs = problem.nargs
    result = letter_of(numbers(call(f, *row[:nargs])))
    x, step = np.array([row[wrt]], np.float64), row[nargs] if nargs < len(row) else None
    h = steps(rule, result, x, step, mode)
    values = []
    for offset, moved in zip(rule.positions, positions(rule, x, h), strict=True):
        arguments = [*row[:wrt], moved[0], *row[wrt + 1 : nargs]]
        value = call(f, *arguments, beside=bool(offset))
        values.append(np.nan if value is OUTSIDE else numbers(value).reshape(1)[0])
    with np.errstate(all="ignore"):
        df: complex = combine(rule, np.array(values)[:, None] * 1.0, h)[0]
    return df


def _nan_where(missing: Mask, result: Operand) -> Operand:
    """Set `result` to NaN where `missing`, in place if it is an array."""
    if isinstance(result, np.ndarray):
        np.copyto(result, np.nan, where=missing)
        return result
    return type(result)(np.nan) if missing else result
