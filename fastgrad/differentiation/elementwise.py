"""Derivatives of elementwise functions: by ufuncs where they are compiled, block by block where they are called."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np

from .._parallel import CostEstimate, blocks
from ..adaptive_rule import Adaptive
from ..arguments import SeveralResults
from ..estimates import Estimate, rounded
from ..evaluation.called import Called
from ..evaluation.compiled import Compiled
from ..evaluation.functions import Function
from ..evaluation.user_calls import call
from .batch import begins_in_machine_code, fill
from .called_stencil import apply_to_called
from .compiled_rules import apply_compiled, stencil_at, ufunc_of
from .complex_steps import compare_sample, slopes
from .fallback import replace_missing
from .request import ADAPTIVE, Request

#: What a request without steps and bounds adds to the arguments.
_TAILS: dict[str, tuple[float, ...]] = {"auto": (), ADAPTIVE: (inf, -inf, inf)}


def scalar_derivative(function: Function, rule: Any, wrt: int, args: tuple[float, ...]) -> Any:
    """Differentiate at one point, numbers all, by the ufunc that did so before; None if that is not enough."""
    value = function.scalar_call((rule, wrt), args)
    return value if value is not None and isfinite(value) and isfinite(args[wrt]) else None


def derivative_of(function: Function, request: Request, operands: list[Any], out: Any) -> Any:
    """Differentiate at `operands`: the arguments, and what the request's mode adds to them."""
    if out is not None:  # threads read points after results have been written
        operands = [o.copy() if isinstance(o, np.ndarray) and np.may_share_memory(o, out) else o for o in operands]
    evaluator = _evaluator_of(function, request, operands)
    try:
        return _derivative(function, evaluator, request, operands, out)
    finally:
        evaluator.close()


def estimate_of(function: Function, request: Request, operands: list[Any], limits: list[Any]) -> Estimate:
    """Differentiate with error bounds; `limits` are the bounds of the argument for a stencil."""
    evaluator = _evaluator_of(function, request, operands)
    try:
        cost = _cost(function, request)
        return rounded(Estimate(*fill(evaluator, cost, request, operands, limits, None, lean=False)))
    finally:
        evaluator.close()


def _evaluator_of(function: Function, request: Request, operands: list[Any]) -> Compiled | Called:
    """Return what runs the function; its first use compares derivatives by a stencil, values for other rules."""
    if request.mode == ADAPTIVE:
        return function.evaluator(operands, request.wrt)

    def pair(evaluator: Compiled) -> tuple[Callable[..., Any], Callable[..., Any]]:
        ufunc, f = ufunc_of(evaluator, request.rule, request.wrt, request.mode), evaluator.f()
        return ufunc.call, lambda *row: stencil_at(f, request, list(row))

    return function.evaluator(operands, request.wrt, pair, (request.rule, request.wrt, request.mode))


def _cost(function: Function, request: Request) -> CostEstimate:
    return function.cost((request.rule, request.wrt, request.mode))


def _derivative(function: Function, evaluator: Any, request: Request, operands: list[Any], out: Any) -> Any:
    if request.mode == ADAPTIVE and not begins_in_machine_code(evaluator):
        return fill(evaluator, _cost(function, request), request, operands, [], out)
    if not evaluator.is_compiled:
        result, has_missing = apply_to_called(evaluator, request, operands, out)
    else:
        result, has_missing = apply_compiled(evaluator, request, operands, out)
    if has_missing and request.mode == ADAPTIVE:
        return _complete(function, evaluator, request, operands, result)
    if has_missing and request.mode == "auto":
        return _fall_back(function, evaluator, request, operands, result)
    if type(result) is np.float64 and request.mode in _TAILS and evaluator.is_compiled:
        ufunc = ufunc_of(evaluator, request.rule, request.wrt, request.mode)
        evaluator.remember_scalar_call((request.rule, request.wrt), ufunc, _TAILS[request.mode])
    return result


def _at_some(operands: list[Any], shape: tuple[int, ...], where: Any, always: tuple[int, ...]) -> list[Any]:
    """Operands at some points; numbers stay numbers, except for those whose places are in `always`."""
    return [
        np.atleast_1d(np.broadcast_to(o, shape))[where] if np.ndim(o) or i in always else o
        for i, o in enumerate(operands)
    ]


def _complete(function: Function, evaluator: Any, request: Request, operands: list[Any], result: Any) -> Any:
    """Differentiate at the points that the first round of the adaptive rule has left open."""
    shape = np.shape(result)
    where = np.nonzero(np.atleast_1d(np.isnan(result)))
    points = _at_some(operands, shape, where, (request.wrt, request.arguments(operands)))
    better = fill(evaluator, _cost(function, request), request, points, [], None, again=True)
    if not shape:
        return type(result)(better[0])
    result[where] = better
    return result


def _fall_back(function: Function, evaluator: Any, request: Request, operands: list[Any], result: Any) -> Any:
    """Have the adaptive rule differentiate where the stencil left the domain of `f`."""
    shape = np.shape(result)
    finite = np.all([np.isfinite(np.broadcast_to(o, shape)) for o in operands], axis=0)

    def again(rule: Adaptive, where: Any) -> Any:
        index = np.unravel_index(where, shape) if shape else (where,)
        points = _at_some(operands, shape, index, (request.wrt,))
        return _derivative(
            function, evaluator, request._replace(rule=rule, mode=ADAPTIVE), [*points, inf, -inf, inf], None
        )

    return replace_missing(result, ~np.isfinite(result) & finite, request.rule, again)


def complex_step_of(function: Function, request: Request, operands: list[Any]) -> Any:
    """Differentiate by the complex step, and compare a sample of the points with the adaptive rule."""
    check, wrt = request._replace(rule=Adaptive(), mode=ADAPTIVE), request.wrt
    _evaluator_of(function, check, [*operands, inf, -inf, inf]).close()
    shape = np.broadcast_shapes(*map(np.shape, operands))
    result = np.empty(shape, request.kind)
    if 0 in shape:
        return result
    moving = [i for i, o in enumerate(operands) if i == wrt or np.ndim(o)]
    every = request.kinds(operands)
    kinds = [*(every[i] for i in moving), np.float64]
    for parts, (target,) in blocks([operands[i] for i in moving], [result], shape, kinds):
        block = dict(zip(moving, parts, strict=True))

        def values(z: Any, block: dict[int, Any] = block) -> Any:
            row = [z if i == wrt else block[i].copy() if i in block else o for i, o in enumerate(operands)]
            return _complex_values(function.f, row, z)

        with np.errstate(all="ignore"):
            target[...] = slopes(values, block[wrt])
    flat = [np.broadcast_to(o, shape).ravel() if i in moving else o for i, o in enumerate(operands)]

    def trusted(some: Any) -> Estimate:
        rows = [o[some] if i in moving else o for i, o in enumerate(flat)]
        return estimate_of(function, check, [*rows, inf, -inf, inf], [])

    compare_sample(result.ravel(), result.size, flat[wrt], trusted)
    return result[()]


def _complex_values(f: Any, row: list[Any], z: Any) -> Any:
    """Call `f` with complex numbers: one value for each, or one for all."""
    values = np.asarray(call(f, *row))
    if values.shape not in (z.shape, ()) or values.dtype.kind not in "fciub":
        raise SeveralResults(
            f"`f` must return one number per point; got shape {values.shape} of {values.dtype} for {z.size} points. "
            "Return an array like the argument."
        )
    return np.broadcast_to(values, z.shape)
