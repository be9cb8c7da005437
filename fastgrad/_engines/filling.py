"""Arrays of an estimate, filled block by block: bars for stencils, the adaptive rule where it is not one ufunc."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from .._blocks import BLOCK, Pace, blocks, over_pieces
from ..ladder import Adaptive, estimate, judged
from ..ladder._climb import compiled_for
from ..ladder._machine import FIELDS
from ..stencils import Stencil
from .bars import with_bars
from .called import Called
from .compiled import Compiled
from .engine import LADDER, Request, TurnedComplex, refuse_real, with_complex


def climbs(engine: Compiled | Called, operands: list[Any]) -> bool:
    """Tell whether the ladder runs all in machine code at these points."""
    return isinstance(engine, Compiled) and engine.result in "df" and compiled_for(operands)


def fill(
    engine: Any, pace: Pace, request: Request, operands: list[Any], limits: list[Any], out: Any, lean: bool = True
) -> Any:
    """Fill the arrays of an estimate, if `lean` only that of the derivative; `limits` are the bounds of a stencil."""
    shape = np.broadcast_shapes(*map(np.shape, [*operands, *limits]))
    with np.errstate(all="ignore"):
        if isinstance(engine, Called) and 0 not in shape:
            engine.find_out(request, operands)
        try:
            return _fill(engine, pace, request, operands, limits, shape, out, lean)
        except TurnedComplex:
            engine.result = "D"
            return _fill(engine, pace, request, operands, limits, shape, out, lean)


def _fill(
    engine: Any, pace: Pace, request: Request, operands: list[Any], limits: list[Any], shape: Any, out: Any, lean: bool
) -> Any:
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
        compiled = mode == LADDER and climbs(engine, operands)

        def work(inputs: list[Any], arrays: list[Any]) -> None:
            with np.errstate(all="ignore"):  # threads have settings of their own
                for parts, targets in blocks(inputs, arrays, arrays[0].shape, kinds):
                    here = dict(zip(walked, parts, strict=False))
                    made = _block(engine, request, operands, here, parts[len(walked) :], compiled)
                    for target, values in zip(targets, made, strict=False):
                        target[...] = values

        inputs = [operands[i] for i in walked] + limits
        every = request.kinds(operands)
        kinds = [*(every[i] for i in walked), *[np.float64] * len(limits), *kinds]
        before = engine.values().raised if compiled else 0
        # What Python does for a block takes a tenth of a millisecond after compiled ladders, several for its own.
        size, least = arrays[0].size, BLOCK // 8 if compiled else BLOCK
        large = size >= 2 * least and pace.worth(size)
        workers = engine.threads(request, request.arguments(operands)) if large else 1
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
    engine: Any, request: Request, operands: list[Any], here: dict[int, Any], limits: Any, compiled: bool
) -> Any:
    """Differentiate one block; `here` holds its part of every operand that is not the same for all points."""
    rule, wrt, mode = request[:3]
    nargs = request.arguments(operands)
    if isinstance(rule, Adaptive) and compiled:
        fields = engine.fields(rule, wrt).call(*[here.get(i, o) for i, o in enumerate(operands)])
        return judged(dict(zip(FIELDS, fields, strict=True)), rule)
    f = _evaluator(engine, operands, nargs, wrt, here)
    if isinstance(rule, Adaptive):
        step, low, high = (here[nargs + k] for k in range(3))
        return estimate(f, here[wrt], rule, step, low, high, kind=engine.result)
    assert isinstance(rule, Stencil)
    low, high = limits or (None, None)
    return with_bars(f, rule, engine.result, here[wrt], here.get(nargs), mode, low, high)


def _evaluator(engine: Any, operands: list[Any], nargs: int, wrt: int, here: dict[int, Any]) -> Any:
    """Evaluate by positions and the indices of their points; the first call is at the points themselves.

    There every exception of `f` is the caller's; beside them, where only the rule asked, it means the end of the
    domain.
    """
    first = [True]

    def f(points: Any, index: Any) -> Any:
        rest = [here[i][index] if i in here else operands[i] for i in range(nargs)]
        rest[wrt] = points
        lenient, first[0] = not first[0], False
        return engine.evaluate(rest, lenient=lenient)

    return f
