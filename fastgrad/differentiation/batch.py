"""Arrays of an estimate, filled block by block: bounds for stencils, the adaptive rule where it is not one ufunc."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from .._parallel import BLOCK, CostEstimate, blocks, inner_threads, over_pieces
from ..adaptive_rule import Adaptive, Round, RoundResult, complete, estimate, first_round
from ..estimates import Estimate
from ..evaluation.called import Called
from ..evaluation.compiled import Compiled
from ..evaluation.functions import ElementwiseValues, Function
from ..evaluation.protocol import Evaluator
from ..evaluation.results import BecameComplex
from ..rules.stencils import Stencil
from .compiled_rules import round_of
from .error_bounds import estimate_by_stencil
from .problem import ADAPTIVE, Problem, kinds_of_fields, refuse_real

#: Points of a block for the adaptive rule where `f` is compiled: what the rounds leave is searched in one go. Threads
#: share the machine code of its first round, then pieces of what that leaves, then blocks of the last search.
_LARGE_BLOCK = 1 << 17

#: Bytes of the arrays of such a block. `malloc` of glibc keeps twice the largest array that was freed, and gives the
#: rest back to the system after every call: getting new pages took a fifth of the time of the rounds.
_KEPT = 1 << 24

Block = Callable[[dict[int, Any], Any, Any], None]


def begins_in_machine_code(evaluator: Compiled | Called) -> bool:
    """Tell whether the first round of the adaptive rule runs in machine code."""
    return isinstance(evaluator, Compiled) and evaluator.result in "df"


def fill(
    evaluator: Any, problem: Problem, operands: list[Any], out: Any, lean: bool = True, block: Block | None = None
) -> Any:
    """Fill the arrays of an estimate, if `lean` only that of the derivative, by ``block(here, limits, targets)``.

    `here` has the block's part of every operand that is not the same for all points, by number; `limits` are the bounds
    of a stencil, and `targets` the parts of the arrays.
    """
    limits = [] if problem.low is None or problem.mode == ADAPTIVE else [problem.low, problem.high]
    shape = np.broadcast_shapes(*map(np.shape, [*operands, *limits]))
    with np.errstate(all="ignore"):
        if isinstance(evaluator, Called) and 0 not in shape:
            evaluator.prepare(operands[: problem.nargs], problem.wrt)
        try:
            return _fill(evaluator, problem, operands, limits, shape, out, lean, block)
        except BecameComplex:
            evaluator.result = "D"
            return _fill(evaluator, problem, operands, limits, shape, out, lean, block)


@cache
def _keep_freed_memory() -> None:
    """Free a large array, which the system has not filled with pages."""
    np.empty(_KEPT, np.byte)


def cost_of(problem: Problem) -> CostEstimate:
    """Return what a point has cost by the rule of the problem."""
    assert isinstance(problem.f, Function)
    return problem.f.cost((problem.rule, problem.wrt, problem.mode))


def _fill(
    evaluator: Any, problem: Problem, operands: list[Any], limits: list[Any], shape: Any, out: Any, lean: bool,
    block: Block | None,
) -> Any:  # fmt: skip
    rule, wrt, mode = problem.rule, problem.wrt, problem.mode
    if out is not None:
        refuse_real(out, evaluator.result)
    kinds = kinds_of_fields(np.float64, evaluator.result, not lean)
    arrays = [out]
    if out is None:
        arrays = [np.empty(shape, k) for k in kinds_of_fields(problem.dtype, evaluator.result, not lean)]
    if 0 not in shape:
        walked = [i for i, o in enumerate(operands) if i == wrt or i >= problem.nargs or np.ndim(o)]
        compiled = mode == ADAPTIVE and begins_in_machine_code(evaluator)

        def estimate_block(here: dict[int, Any], limits: Any, targets: Any) -> None:
            estimated = _block(evaluator, problem, operands, here, limits, compiled)
            for target, values in zip(targets, estimated, strict=False):
                target[...] = values

        def work(inputs: list[Any], arrays: list[Any]) -> None:
            for parts, targets in blocks(inputs, arrays, arrays[0].shape, kinds, size_of_block):
                here = dict(zip(walked, parts, strict=False))
                (block or estimate_block)(here, parts[len(walked) :], targets)

        inputs = [operands[i] for i in walked] + limits
        every = problem.kinds(operands)
        kinds = [*(every[i] for i in walked), *[np.float64] * len(limits), *kinds]
        # What Python does for a block takes a tenth of a millisecond after machine code, several for its own.
        size, least = arrays[0].size, BLOCK // 8 if compiled else BLOCK // 4 if block else BLOCK
        offsets = len(rule.needed) if block and isinstance(rule, Stencil) else 1  # all of them are evaluated together
        cost = cost_of(problem)
        large = size >= 2 * least and cost.worth(size)
        workers = evaluator.threads(problem.workers, problem.has_workers) if large else 1
        size_of_block, sharing = max(BLOCK // offsets, 1), 1
        if mode == ADAPTIVE and evaluator.is_compiled:
            size_of_block, sharing, workers = _LARGE_BLOCK, workers, 1
            if large:
                _keep_freed_memory()
        if workers > 1:
            whole = [np.broadcast_to(o, shape) for o in inputs]

            def work_on(piece: tuple[slice, ...]) -> None:
                with np.errstate(all="ignore"):  # threads have settings of their own
                    work([o[piece] for o in whole], [o[piece] for o in arrays])

            over_pieces(work_on, shape, workers, least=least, pace=cost)
        else:
            began = perf_counter()
            with inner_threads(sharing):
                work(inputs, arrays)
            cost.took(size, began)
    results = [array[()] for array in arrays]
    return (results[0] if out is None else out) if lean else results


def _block(
    evaluator: Any, problem: Problem, operands: list[Any], here: dict[int, Any], limits: Any, in_machine_code: bool
) -> Any:
    """Differentiate one block; `here` holds its part of every operand that is not the same for all points."""
    rule, wrt, mode = problem.rule, problem.wrt, problem.mode
    if isinstance(rule, Adaptive):
        if in_machine_code:
            return _complete(evaluator, problem, operands, here)
        return _adaptive(evaluator, problem, operands, here)
    assert isinstance(rule, Stencil)
    low, high = limits or (None, None)
    step = here.get(problem.nargs)
    values = _values_of(evaluator, problem, operands, here)
    return estimate_by_stencil(values.values, rule, evaluator.result, here[wrt], step, mode, low, high)


def _values_of(evaluator: Any, problem: Problem, operands: list[Any], here: dict[int, Any]) -> Evaluator:
    return ElementwiseValues(evaluator, [here.get(i, operands[i]) for i in range(problem.nargs)], problem.wrt)


def _adaptive(
    evaluator: Any, problem: Problem, operands: list[Any], here: dict[int, Any], taken: RoundResult | None = None
) -> Estimate:
    """Differentiate a block by the adaptive rule, whose first round may have been taken."""
    rule, wrt = problem.rule, problem.wrt
    assert isinstance(rule, Adaptive)
    nargs = problem.nargs
    own_values = _values_of(evaluator, problem, operands, here)
    step, low, high = (here[nargs + k] for k in range(3))
    arguments = [here.get(i, operands[i]) for i in range(nargs)]

    def machine(taken: Round, index: Any, extras: Any) -> Any:
        watched = evaluator.values()
        before = watched.raised
        own = [a[index] if np.ndim(a) else a for a in arguments]
        results = round_of(evaluator, taken, wrt).apply(*own, *extras)
        return results if watched.raised == before else None

    return estimate(
        lambda points, index: own_values.values(points, index, beside=True),
        here[wrt], rule, step, low, high, kind=evaluator.result, at=own_values.values, grids=evaluator.is_compiled,
        first_round=taken, machine=machine if begins_in_machine_code(evaluator) else None,
    )  # fmt: skip


def _complete(evaluator: Compiled, problem: Problem, operands: list[Any], here: dict[int, Any]) -> Estimate:
    """Take the first round in machine code, and differentiate at the points that it leaves open."""
    rule, wrt = problem.rule, problem.wrt
    assert isinstance(rule, Adaptive)
    taken = RoundResult(
        *round_of(evaluator, first_round(rule.n, rule.sign), wrt).apply(
            *[here.get(i, o) for i, o in enumerate(operands)]
        )
    )

    def differentiate(left: Any, taken: RoundResult) -> Estimate:
        part = here if left.size == len(here[wrt]) else {i: a[left] for i, a in here.items()}
        return _adaptive(evaluator, problem, operands, part, taken.at(left))

    return complete(taken, rule, differentiate)
