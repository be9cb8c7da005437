"""Functions called as they are: with blocks of points, or with one point at a time."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from .._parallel import BLOCK, Pace, blocks, over_pieces
from ..rules.stencil_codegen import Loops, combine, loops, positions, steps
from ..rules.stencils import Stencil
from .call_probe import Caller
from .request import Request, TurnedComplex, is_library_ufunc, refuse_real, with_complex

#: Points from which the walk through a piece costs little beside `f`.
_LEAST = BLOCK // 4

#: Points from which a function is worth compiled loops around it.
LARGE = 1 << 20


class Called(Caller):
    """A function called as it is: with blocks of points, or with one point at a time if it takes no more."""

    def __init__(self, f: Callable[..., Any], pointwise: bool | None = None) -> None:
        super().__init__(f, pointwise)
        self._pace = Pace()

    def close(self) -> None:
        """End a call: nothing is held for it."""

    def derivative(self, request: Request, operands: list[Any], out: Any) -> tuple[Any, bool]:
        """Walk the batch block by block; every block is evaluated at all offsets and combined while in cache.

        Returns the derivative, and whether there may be something in it that is not finite.
        """
        shape = np.broadcast_shapes(*map(np.shape, operands))
        if 0 in shape:
            return (np.empty(shape, request.kind) if out is None else out), False
        self.find_out(request, operands)
        try:
            return self._in_pieces(request, operands, out, shape)
        except TurnedComplex:
            self.result = "D"
            return self._in_pieces(request, operands, out, shape)

    def _in_pieces(self, request: Request, operands: list[Any], out: Any, shape: tuple[int, ...]) -> tuple[Any, bool]:
        """Spread a batch that takes long over threads, if that is safe."""
        result = np.empty(shape, with_complex(request.kind, self.result)) if out is None else out
        refuse_real(result, self.result)
        doubtful: list[bool] = []
        machine = None
        if result.size >= LARGE and self.result != "D" and isinstance(request.rule, Stencil):
            machine = loops(request.rule, self.result, request.mode)
        large = result.size >= 2 * _LEAST and self._pace.worth(result.size)
        workers = self.threads(request) if large else 1
        if workers == 1 and not machine:
            began = perf_counter()
            self._walk(request, operands, result, doubtful)
            self._pace.took(result.size, began)
        else:
            before = machine.combined.nonfinite if machine else 0
            whole = [np.broadcast_to(o, shape) if np.ndim(o) else o for o in operands]

            def piece(at: tuple[slice, ...]) -> None:
                self._walk(request, [o[at] if np.ndim(o) else o for o in whole], result[at], doubtful, machine)

            over_pieces(piece, shape, workers, least=_LEAST, pace=self._pace)
            if machine and machine.combined.nonfinite != before:
                # A flat function has no slope at infinity either; the loop leaves these rare points to us.
                np.copyto(result, np.nan, where=~np.isfinite(whole[request.wrt]))
                doubtful.append(True)
        return (result[()] if out is None else out), any(doubtful)

    def threads(self, request: Request) -> int:
        """How many threads may be inside `f` at once.

        A function may work in memory of its own, and then two threads would mix their points. So only ufuncs of NumPy
        and SciPy run on several unless the caller asked for workers.
        """
        if self.serial or not (request.asked or is_library_ufunc(self.f())):
            return 1
        return request.workers

    def _walk(
        self, request: Request, operands: list[Any], result: Any, doubtful: list[bool], machine: Loops | None = None
    ) -> None:
        """Apply the stencil to one block after the other; tell of blocks with something that may not be finite."""
        stencil, wrt, mode = request[:3]
        assert isinstance(stencil, Stencil)  # the adaptive rule has a walk of its own
        nargs, offsets = request.arguments(operands), [float(o) for o in stencil.needed]
        # A scalar argument stays what it is: an int may be an index or a count. The point itself is always an array.
        walked = [i for i, o in enumerate(operands) if i in (wrt, nargs) or np.ndim(o)]
        kind = np.complex128 if self.result == "D" else np.float64
        every = request.kinds(operands)
        kinds = [*(every[i] for i in walked), kind]
        inputs, size = [operands[i] for i in walked], max(BLOCK // len(offsets), 1)
        with np.errstate(all="ignore"):  # a NaN says what went wrong and where; so does the compiled loop
            for parts, (target,) in blocks(inputs, [result], result.shape, kinds, size):
                here = dict(zip(walked, parts, strict=True))
                x, step = here[wrt], here.get(nargs)
                # One call for all offsets, with memory that nobody else has: `f` may write into its arguments or keep
                # them, and may hand out the same memory at every call.
                given = [np.concatenate([here[i]] * len(offsets)) if i in here else operands[i] for i in range(nargs)]
                if machine:
                    more = () if step is None else (step,)
                    moved = np.empty((len(offsets), x.size))
                    for row, move in zip(moved, machine.moved, strict=True):
                        move.call(x, *more, out=row)
                else:
                    h = steps(stencil, self.result, x, step, mode)
                    moved = positions(offsets, x, h)
                given[wrt] = moved.ravel()
                values = np.asarray(self.call(given, given), dtype=kind)
                values = values.reshape(moved.shape) if values.ndim else np.full(moved.shape, values)
                if machine:
                    machine.combined.call(x, *values, *more, out=target)
                else:
                    combine(stencil, values, h, target)
                    doubtful.append(not np.isfinite(target.sum()))
