"""Functions called as they are: with blocks of points, or with one point at a time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from .._blocks import BLOCK, Pace, blocks, over_pieces
from .._reading.sharing import Proof
from .._signals import hear
from ..stencils import Stencil
from .engine import (
    BEYOND,
    PerformanceWarning,
    Request,
    TurnedComplex,
    numbers,
    refuse_real,
    stack_depth,
    weak,
    with_complex,
)
from .mixing import differ, mixes, warn
from .program import Loops, combine, loops, positions, steps

#: A function found elementwise is tested again in blocks of so many times more points.
_GROWTH = 16

#: Points from which the walk through a piece costs little beside `f`.
_LEAST = BLOCK // 4

#: Points from which a function is worth compiled loops around it.
LARGE = 1 << 20


class Called:
    """A function called as it is: with blocks of points, or with one point at a time if it takes no more."""

    def __init__(self, f: Callable[..., Any], pointwise: bool | None = None) -> None:
        self.f = weak(f)
        self._pointwise = pointwise
        self._serial = bool(pointwise)
        self._alone: Proof | None = None
        self._pace = Pace()
        self._met = 1  # points of the largest block that needs no test whether `f` mixes them
        self._many = False
        self._notice: Callable[[], None] | None = None
        self.result = "d"
        self._lock = threading.RLock()  # `f` may differentiate itself

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
        nargs, machine = request.arguments(operands), None
        if result.size >= LARGE and self.result != "D" and isinstance(request.rule, Stencil):
            machine = loops(request.rule, self.result, request.mode)
        large = result.size >= 2 * _LEAST and self._pace.worth(result.size)
        workers = self.threads(request, nargs) if large else 1
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

    def threads(self, request: Request, nargs: int) -> int:
        """How many threads may be inside `f` at once.

        A function may work in memory of its own, and then two threads would mix their points. So it meets a second one
        if it was read and found to share nothing, or if the caller asked for workers.
        """
        if request.workers == 1 or self._serial:
            return 1
        if not request.asked:
            with self._lock:
                if self._alone is None or not self._alone.holds():
                    self._alone = Proof(self.f(), nargs)
            if not self._alone.found:
                return 1
        return request.workers

    def _walk(
        self, request: Request, operands: list[Any], result: Any, doubtful: list[bool], machine: Loops | None = None
    ) -> None:
        """Apply the stencil to one block after the other; tell of blocks with something that may not be finite."""
        stencil, wrt, mode = request[:3]
        assert isinstance(stencil, Stencil)  # the ladder has a walk of its own
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
                values = np.asarray(self._call(given, given), dtype=kind)
                values = values.reshape(moved.shape) if values.ndim else np.full(moved.shape, values)
                if machine:
                    machine.combined.call(x, *values, *more, out=target)
                else:
                    combine(stencil, values, h, target)
                    doubtful.append(not np.isfinite(target.sum()))

    def evaluate(self, arguments: list[Any], *, lenient: bool = False) -> Any:
        """Evaluate `f` at one-dimensional arrays, into an array of its own: `f` may reuse its buffer.

        `f` gets copies, because one that writes into its arguments must not change the next evaluation. If `lenient`,
        points where it raises as in `BEYOND` are outside its domain: NaN.
        """
        values = self._call([a.copy() if isinstance(a, np.ndarray) else a for a in arguments], arguments, lenient)
        own = np.empty(max(np.size(a) for a in arguments), np.complex128 if self.result == "D" else np.float64)
        own[...] = values
        return own

    def _call(self, given: list[Any], arguments: list[Any], lenient: bool = False) -> Any:
        """Call `f` with what is `given` to be overwritten; the values are its own, and one may stand for all points.

        `arguments` are the same, for calls with one point at a time.
        """
        f, size = self.f(), max(np.size(a) for a in arguments)
        values: Any = None
        if not self._pointwise:
            test = size > self._met
            if test:  # reads the arguments after the call, which may have written into them
                given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
            try:
                values = numbers(f(*given))
            except BEYOND:
                if not lenient:
                    raise
            else:
                if values.shape not in ((size,), ()):
                    raise _wrong_shape(values.shape, size)
                if test:
                    values = values.copy()
                    self._test(arguments, values, size)
                    if self._pointwise:
                        values = None
        if values is None:
            columns = [a if isinstance(a, np.ndarray) and a.ndim else [a] * size for a in arguments]
            one = _lenient(f) if lenient else f
            values = np.array([_one_number(one(*row)) for row in zip(*columns, strict=True)])
        if values.dtype.kind == "c" and self.result != "D":
            raise TurnedComplex
        return values

    def _test(self, arguments: list[Any], values: Any, size: int) -> None:
        """Call `f` point by point from now on if it mixes its points; tested again when there are many times more.

        All offsets go into one call, so a running total would not even give the derivative of a running total.
        """
        with self._lock:
            if size <= self._met or self._pointwise:
                return
            mixing = mixes(self.f(), arguments, values)
            if mixing:
                self._pointwise = self._serial = True
                self._tell(warn)
            if mixing is not None:
                self._met = _GROWTH * size

    def find_out(self, request: Request, operands: list[Any]) -> None:
        """Compare a call with two points with two calls with one point, and remember which way `f` can be called."""
        self._many = self._many or any(np.size(a) > 1 for a in operands[: request.arguments(operands)])
        if self._pointwise is None:
            with self._lock, np.errstate(all="ignore"):
                if self._pointwise is None:
                    self._find_out(request, operands)
        if self._notice:
            self._tell(self._notice)

    def _tell(self, notice: Callable[[], None]) -> None:
        """Give notice of the way `f` is called, as soon as it is asked for more than one point."""
        self._notice = None if self._many else notice
        if self._many:
            notice()

    def _find_out(self, request: Request, operands: list[Any]) -> None:
        f = self.f()
        arguments = operands[: request.arguments(operands)]
        kinds = request.kinds(operands)[: len(arguments)]
        ends = [np.ravel(a)[[0, -1]].astype(k) if np.ndim(a) else [a, a] for a, k in zip(arguments, kinds, strict=True)]
        ends[request.wrt] = np.array(ends[request.wrt], dtype=np.float64)
        together: Any = None
        refusal: Exception | None = None
        mixing = False
        try:
            returned = [f(*(e.copy() if isinstance(e, np.ndarray) else e[0] for e in ends)) for _ in range(2)]
            together = numbers(returned[1]).copy()
            # Whoever hands out the same memory twice cannot be called by two threads at once.
            self._serial = np.may_share_memory(np.asarray(returned[0]), np.asarray(returned[1]))
        except Exception as raised:  # whatever `f` raises for two points, it may still take one
            hear(raised)
            refusal = raised
        try:
            one_by_one = [np.array(f(*row)) for row in zip(*ends, strict=True)]
        except Exception as raised:
            hear(raised)
            if together is None:
                raise
            if together.shape != (2,):
                raise _wrong_shape(together.shape, 2) from None
            apart = together  # `f` takes arrays only
        else:
            apart = np.array([_one_number(value) for value in one_by_one])
        if together is not None and together.shape in ((2,), ()):

            def again() -> Any:
                return numbers([f(*row) for row in zip(*ends, strict=True)])

            self._pointwise = differ(apart, together, again, together)
            if self._pointwise:  # or it holds a vector of two numbers, and takes one point at a time
                try:
                    many = [np.resize(e, 7) if isinstance(e, np.ndarray) else e[0] for e in ends]
                    mixing = np.shape(f(*many)) in ((7,), ())
                except Exception as raised:
                    hear(raised)
                    refusal = raised
        else:
            self._pointwise = True
        self._serial = self._serial or bool(self._pointwise)
        if apart.dtype.kind == "c":
            self.result = "D"
        elif apart.dtype in (np.float32, np.float16):
            self.result = "f"
        if mixing:
            self._tell(warn)
        elif self._pointwise:
            why = f"it raised {type(refusal).__name__}" if refusal else "it returned another shape"
            message = (
                f"`{getattr(f, '__name__', 'f')}` is called with one point at a time ({why} for several), which is "
                "slow. Write it so that it takes arrays, or so that Numba can compile it."
            )
            self._tell(lambda: warnings.warn(message, PerformanceWarning, stacklevel=stack_depth()))


def _lenient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `f` to return NaN where it refuses a point."""

    def one(*row: Any) -> Any:
        try:
            return f(*row)
        except BEYOND:
            return np.nan

    return one


def _one_number(value: Any) -> Any:
    """Check the value that `f` returned for one point."""
    array = numbers(value)
    if array.size != 1:
        raise _wrong_shape(array.shape, 1)
    return array.reshape(())[()]


def _wrong_shape(shape: tuple[int, ...], size: int) -> ValueError:
    return ValueError(
        f"`f` must return one value per point; got shape {shape} for {size} point{'s' * (size != 1)}. "
        "For a function of a vector use `gradient` or `jacobian`."
    )
