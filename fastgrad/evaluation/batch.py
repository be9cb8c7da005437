"""Arrays of an estimate, filled block by block: bars for stencils, the adaptive rule where it is not one ufunc."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from .._parallel import BLOCK, Pace, blocks, over_pieces
from ..adaptive_rule import EVALUATIONS, Adaptive, Evaluate, Outcome, estimate, judged
from ..estimates import Estimate
from ..rules.stencils import Stencil
from .called import Called
from .compiled import Compiled
from .error_bounds import with_bars
from .request import ADAPTIVE, Request, TurnedComplex, refuse_real, with_complex


def begins_in_machine_code(engine: Compiled | Called) -> bool:
    """Tell whether the first round of the adaptive rule runs in machine code."""
    return isinstance(engine, Compiled) and engine.result in "df"


def fill(
    engine: Any, pace: Pace, request: Request, operands: list[Any], limits: list[Any], out: Any, lean: bool = True,
    again: bool = False,
) -> Any:  # fmt: skip
    """Fill the arrays of an estimate, if `lean` only that of the derivative; `limits` are the bounds of a stencil.

    Where points come `again`, the first round of the adaptive rule has not settled them.
    """
    shape = np.broadcast_shapes(*map(np.shape, [*operands, *limits]))
    with np.errstate(all="ignore"):
        if isinstance(engine, Called) and 0 not in shape:
            engine.find_out(request, operands)
        try:
            return _fill(engine, pace, request, operands, limits, shape, out, lean, again)
        except TurnedComplex:
            engine.result = "D"
            return _fill(engine, pace, request, operands, limits, shape, out, lean, again)


def _fill(
    engine: Any, pace: Pace, request: Request, operands: list[Any], limits: list[Any], shape: Any, out: Any, lean: bool,
    again: bool,
) -> Any:  # fmt: skip
    wrt, mode, kind = request[1:4]
    if out is not None:
        refuse_real(out, engine.result)
    outer = with_complex(kind, engine.result)
    inner = np.complex128 if engine.result == "D" else np.float64
    arrays = [np.empty(shape, outer) if out is None else out]
    kinds: list[Any] = [inner]
    if not lean:
        arrays += [np.empty(shape, k) for k in (kind, np.int8, np.bool_, np.int32, outer, outer)]
        kinds += [np.float64, np.int8, np.bool_, np.int32, inner, inner]
    if 0 not in shape:
        walked = [i for i, o in enumerate(operands) if i == wrt or i >= request.arguments(operands) or np.ndim(o)]
        compiled = mode == ADAPTIVE and begins_in_machine_code(engine)

        def work(inputs: list[Any], arrays: list[Any]) -> None:
            with np.errstate(all="ignore"):  # threads have settings of their own
                for parts, targets in blocks(inputs, arrays, arrays[0].shape, kinds):
                    here = dict(zip(walked, parts, strict=False))
                    made = _block(engine, request, operands, here, parts[len(walked) :], compiled and not again)
                    for target, values in zip(targets, made, strict=False):
                        target[...] = values

        inputs = [operands[i] for i in walked] + limits
        every = request.kinds(operands)
        kinds = [*(every[i] for i in walked), *[np.float64] * len(limits), *kinds]
        before = engine.values().raised if compiled else 0
        # What Python does for a block takes a tenth of a millisecond after machine code, several for its own.
        size, least = arrays[0].size, BLOCK // 8 if compiled else BLOCK
        large = size >= 2 * least and pace.worth(size)
        workers = engine.threads(request) if large else 1
        if workers > 1:
            whole = [np.broadcast_to(o, shape) for o in inputs]
            over_pieces(
                lambda piece: work([o[piece] for o in whole], [o[piece] for o in arrays]),
                shape,
                workers,
                least=least,
                pace=pace,
            )
        else:
            began = perf_counter()
            work(inputs, arrays)
            pace.took(size, began)
        if compiled and engine.values().raised != before:
            engine.raise_again(engine.values(), request, operands, arrays[0])
    results = [array[()] for array in arrays]
    return (results[0] if out is None else out) if lean else results


def _block(
    engine: Any, request: Request, operands: list[Any], here: dict[int, Any], limits: Any, first_round: bool
) -> Any:
    """Differentiate one block; `here` holds its part of every operand that is not the same for all points."""
    rule, wrt, mode = request[:3]
    nargs = request.arguments(operands)
    if isinstance(rule, Adaptive):
        if first_round:
            return _completed(engine, request, operands, here)
        return _adaptive(engine, request, operands, here)
    assert isinstance(rule, Stencil)
    low, high = limits or (None, None)
    ways: tuple[Evaluate, ...] = _evaluators(engine, operands, nargs, wrt, here)[::-1]

    def f(points: Any, index: Any) -> Any:
        nonlocal ways
        evaluate, ways = ways[0], ways[-1:]
        return evaluate(points, index)

    return with_bars(f, rule, engine.result, here[wrt], here.get(nargs), mode, low, high)


def _adaptive(engine: Any, request: Request, operands: list[Any], here: dict[int, Any]) -> Estimate:
    """Differentiate a block by the adaptive rule."""
    rule, wrt = request[:2]
    nargs = request.arguments(operands)
    f, at = _evaluators(engine, operands, nargs, wrt, here)
    step, low, high = (here[nargs + k] for k in range(3))
    grids = isinstance(engine, Compiled)
    return estimate(f, here[wrt], rule, step, low, high, kind=engine.result, at=at, grids=grids)


def _completed(engine: Compiled, request: Request, operands: list[Any], here: dict[int, Any]) -> Estimate:
    """Take the first round in machine code, and differentiate what it leaves open."""
    rule, wrt = request[:2]
    assert isinstance(rule, Adaptive)
    df, error, scale = engine.first_round(rule, wrt).call(*[here.get(i, o) for i, o in enumerate(operands)])
    nfev = np.full(df.shape, EVALUATIONS[rule.sign == 0][rule.n])
    made = judged(Outcome(df, error, scale, df.copy(), df.copy(), np.zeros(df.shape)), nfev, rule)
    left = np.flatnonzero(np.isnan(df))
    if left.size:
        rest = _adaptive(engine, request, operands, {i: a[left] for i, a in here.items()})
        for array, values in zip(made, rest, strict=True):
            array[left] = values
    return made


def _evaluators(
    engine: Any, operands: list[Any], nargs: int, wrt: int, here: dict[int, Any]
) -> tuple[Evaluate, Evaluate]:
    """Evaluate by positions and the indices of their points: beside the points, and at the points themselves.

    At a point every exception of `f` is the caller's; beside it, where only the rule evaluates, it ends the domain.
    """

    def evaluate(points: Any, index: Any, lenient: bool) -> Any:
        rest = [here[i][index] if i in here and i != wrt else operands[i] for i in range(nargs)]
        rest[wrt] = points
        return engine.evaluate(rest, lenient=lenient)

    return partial(evaluate, lenient=True), partial(evaluate, lenient=False)
