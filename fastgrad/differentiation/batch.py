"""Arrays of an estimate, filled block by block: bounds for stencils, the adaptive rule where it is not one ufunc."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from time import perf_counter
from typing import TypeGuard, cast

import numpy as np
from numpy.typing import DTypeLike

from .._parallel import BLOCK, blocks, inner_threads, over_pieces
from .._typing import Array, FloatArray, Index, Operand
from ..adaptive_rule import Adaptive, Round, RoundResult, complete, first_round
from ..estimates import Estimate
from ..evaluation.called import Called, argument_kinds
from ..evaluation.compiled import Compiled
from ..evaluation.functions import ElementwiseFunction, ElementwiseValues
from ..evaluation.results import BecameComplex
from ..evaluation.signatures import select
from ..rules.stencils import Stencil
from .by_rule import estimate_by_rule
from .compiled_rules import round_of
from .error_bounds import Points
from .problem import ADAPTIVE, Problem, kinds_of_fields, refuse_real

#: Points of a block for the adaptive rule where `f` is compiled: what the rounds leave is searched in one go. Threads
#: share the machine code of its first round, then pieces of what that leaves, then blocks of the last search.
_LARGE_BLOCK = 1 << 17

#: Bytes of the arrays of such a block. `malloc` of glibc keeps twice the largest array that was freed, and gives the
#: rest back to the system after every call: getting new pages took a fifth of the time of the rounds.
_KEPT = 1 << 24

#: ``block(arguments, points, targets)`` computes a block: `arguments` has its part of each that is not the same for all
#: points, `points` are its points with steps and bounds, `targets` its parts of the arrays.
Block = Callable[[Sequence[Operand], Points, Sequence[Array]], None]


def begins_in_machine_code(evaluator: Compiled | Called) -> TypeGuard[Compiled]:
    """Tell whether the first round of the adaptive rule runs in machine code."""
    return isinstance(evaluator, Compiled) and evaluator.result in "df"


def fill(
    evaluator: Compiled | Called, problem: Problem, operands: Sequence[Operand], out: Array | None,
    full_output: bool = False, block: Block | None = None,
) -> list[Array]:  # fmt: skip
    """Fill the array of a derivative, or with `full_output` those of an estimate; by default a block is an estimate.

    Returns the arrays, or the numbers for one point.
    """
    batch = _ElementwiseBatch(evaluator, problem, operands, block)
    with np.errstate(all="ignore"):
        if isinstance(evaluator, Called) and 0 not in batch.shape:
            evaluator.prepare(batch.arguments, problem.wrt)
        try:
            arrays = batch.filled(out, full_output)
        except BecameComplex:  # the threads of the first attempt have ended
            assert isinstance(evaluator, Called)
            evaluator.result = "D"
            arrays = batch.filled(out, full_output)
    return [array[()] for array in arrays] if out is None else arrays


@cache
def _keep_freed_memory() -> None:
    """Free a large array, which the system has not filled with pages."""
    np.empty(_KEPT, np.byte)


class _ElementwiseBatch:
    """A batch of points, computed block by block."""

    def __init__(
        self, evaluator: Compiled | Called, problem: Problem, operands: Sequence[Operand], block: Block | None
    ) -> None:
        self._evaluator, self._problem, self._block = evaluator, problem, block
        self.arguments = operands[: problem.nargs]
        options: Sequence[Operand | None] = operands[problem.nargs :]
        if problem.mode != ADAPTIVE:
            options = [options[0] if options else None, problem.low, problem.high]
        self._options = {n: a for n, a in zip(("step", "low", "high"), options, strict=True) if a is not None}
        self._varying = [i for i, a in enumerate(self.arguments) if i == problem.wrt or np.ndim(a)]
        self._inputs = [*(self.arguments[i] for i in self._varying), *self._options.values()]
        self.shape = np.broadcast_shapes(*map(np.shape, self._inputs))

    def filled(self, out: Array | None, full_output: bool) -> list[Array]:
        """Compute all blocks into `out`, or into the new arrays of a derivative or an estimate."""
        result = self._evaluator.result
        if out is not None:
            refuse_real(out, result)
            arrays = [out]
        else:
            arrays = [np.empty(self.shape, k) for k in kinds_of_fields(self._problem.dtype, result, full_output)]
        if 0 not in self.shape:
            self._share(arrays, kinds_of_fields(np.float64, result, full_output))
        return arrays

    def _share(self, arrays: Sequence[Array], kinds: Sequence[DTypeLike]) -> None:
        """Fill arrays, over threads when there are many points; `kinds` are the types of results in a block."""
        evaluator, problem = self._evaluator, self._problem
        rule, is_adaptive = problem.rule, problem.mode == ADAPTIVE
        # What Python does for a block takes a tenth of a millisecond after machine code, several for its own.
        least = BLOCK // (8 if is_adaptive and begins_in_machine_code(evaluator) else 4 if self._block else 1)
        assert isinstance(problem.f, ElementwiseFunction)
        size, cost = arrays[0].size, problem.f.cost((rule, problem.wrt, problem.mode))
        is_large = size >= 2 * least and cost.worth(size)
        workers = evaluator.threads(problem.workers, problem.has_workers) if is_large else 1
        offsets = len(rule.positions) if self._block and isinstance(rule, Stencil) else 1  # evaluated together
        size_of_block, sharing = max(BLOCK // offsets, 1), 1
        if is_adaptive and evaluator.is_compiled:
            size_of_block, sharing, workers = _LARGE_BLOCK, workers, 1
            if is_large:
                _keep_freed_memory()
        if workers > 1:
            whole = [np.broadcast_to(a, self.shape) for a in self._inputs]

            def work(piece: tuple[slice, ...]) -> None:
                with np.errstate(all="ignore"):  # threads have settings of their own
                    self._compute([a[piece] for a in whole], [a[piece] for a in arrays], kinds, size_of_block)

            over_pieces(work, self.shape, workers, least=least, pace=cost)
        else:
            began = perf_counter()
            with inner_threads(sharing):
                self._compute(self._inputs, arrays, kinds, size_of_block)
            cost.took(size, began)

    def _compute(
        self, inputs: Sequence[Operand], arrays: Sequence[Array], kinds: Sequence[DTypeLike], size: int
    ) -> None:
        """Compute blocks of `size` points, one after the other."""
        problem, count = self._problem, len(self._varying)
        own_kinds = argument_kinds(self.arguments, problem.wrt)
        kinds = [*(own_kinds[i] for i in self._varying), *[np.float64] * len(self._options), *kinds]
        for parts, targets in blocks(inputs, arrays, arrays[0].shape, kinds, size):
            arguments = [*self.arguments]
            for i, part in zip(self._varying, parts[:count], strict=True):
                arguments[i] = part
            options = dict(zip(self._options, parts[count:], strict=True))
            points = Points(cast("FloatArray", arguments[problem.wrt]), problem.mode, **options)
            if self._block:
                self._block(arguments, points, targets)
                continue
            estimated = _estimate(self._evaluator, problem, arguments, points)
            for target, values in zip(targets, estimated, strict=False):
                target[...] = values


def _estimate(evaluator: Compiled | Called, problem: Problem, arguments: Sequence[Operand], points: Points) -> Estimate:
    """Differentiate one block, with error bounds."""
    if problem.mode == ADAPTIVE and begins_in_machine_code(evaluator):
        return _complete(evaluator, problem, arguments, points)
    if problem.mode == ADAPTIVE:
        return _adaptive(evaluator, problem, arguments, points)
    values = ElementwiseValues(evaluator, arguments, problem.wrt).values
    return estimate_by_rule(values, problem.rule, evaluator.result, points)


def _adaptive(
    evaluator: Compiled | Called, problem: Problem, arguments: Sequence[Operand], points: Points,
    first: RoundResult | None = None,
) -> Estimate:  # fmt: skip
    """Differentiate a block by the adaptive rule, whose first round may have been taken."""
    machine = partial(_take_round, evaluator, problem.wrt, arguments) if begins_in_machine_code(evaluator) else None
    values = ElementwiseValues(evaluator, arguments, problem.wrt).values
    return estimate_by_rule(
        values, problem.rule, evaluator.result, points, grids=evaluator.is_compiled, first_round=first, machine=machine
    )  # fmt: skip


def _take_round(
    evaluator: Compiled, wrt: int, arguments: Sequence[Operand], round_: Round, index: Index,
    extras: Sequence[FloatArray],
) -> Sequence[FloatArray] | None:  # fmt: skip
    """Take a round in machine code at some points; None if the function has raised."""
    watched = evaluator.values()
    before = watched.raised
    results: Sequence[FloatArray] = round_of(evaluator, round_, wrt).apply(
        *(select(a, index) for a in arguments), *extras
    )
    return results if watched.raised == before else None


def _complete(evaluator: Compiled, problem: Problem, arguments: Sequence[Operand], points: Points) -> Estimate:
    """Take the first round in machine code, and differentiate at the points that it leaves open."""
    rule = problem.rule
    assert isinstance(rule, Adaptive)
    ufunc = round_of(evaluator, first_round(rule.n, rule.sign), problem.wrt)
    limits = cast("tuple[FloatArray, ...]", (points.step, points.low, points.high))  # among the operands: never None
    first = RoundResult(*ufunc.apply(*arguments, *limits))

    def differentiate(left: Index, first: RoundResult) -> Estimate:
        if left.size == points.x.size:
            return _adaptive(evaluator, problem, arguments, points, first.at(left))
        own = [select(a, left) for a in arguments]
        return _adaptive(evaluator, problem, own, points.at(left), first.at(left))

    return complete(first, rule, differentiate)
