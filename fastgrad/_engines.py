"""How a function is run: as machine code, with arrays, or one point at a time.

`_functions` decides once per function which engine runs it. Both answer the same request: the derivative by a rule at
arguments that broadcast together, into an output array.
"""

from __future__ import annotations

import inspect
import threading
import warnings
import weakref
from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from ._blocks import LADDER_POINTS, LARGE, PIECE, blocks, over_pieces
from ._climb import FIELDS, ladder_ufunc
from ._compile import LOCK, function_from, jit, return_kind
from ._program import combine, compiled_point, steps, values_at
from ._references import Reading
from ._ufunc import Ufunc, body
from .complexstep import ComplexStep
from .ladder import Adaptive
from .stencils import Stencil

#: Mode of the adaptive rule: the arguments are followed by the largest step and the two bounds.
LADDER = "ladder"


class PerformanceWarning(UserWarning):
    """A function is run in a slow way; the message says how to make it fast."""


class TurnedComplex(Exception):
    """A function that had returned real numbers returned complex ones."""


class Request(NamedTuple):
    """What is asked of an engine, besides the points."""

    rule: Stencil | Adaptive | ComplexStep
    wrt: int
    mode: str
    kind: Any = np.dtype(np.float64)
    workers: int = 1
    asked: bool = False
    """Whether the caller asked for that many."""

    def arguments(self, operands: list[Any]) -> int:
        """How many of the operands are arguments of `f`."""
        return len(operands) - {"auto": 0, LADDER: 3}.get(self.mode, 1)


class Compiled:
    """A function as machine code."""

    def __init__(self, f: Callable[..., Any], reading: Reading, nargs: int) -> None:
        self.reading = reading
        self.f = weak(f)
        self._nargs = nargs
        self._kernel = jit(_of_fixed_arity(reading.linked, nargs))
        self._ufuncs: dict[Any, Ufunc] = {}

    def of(self, f: Callable[..., Any]) -> Compiled:
        """Return the same machine code for another function of the same content."""
        other = copy(self)
        other.f = weak(f)
        return other

    def values(self) -> Ufunc:
        """`f` itself as a ufunc."""
        return self._ufuncs.get("values") or self._make(
            "values", lambda result: (self._kernel, result), self._nargs
        )

    def slope(self, rule: Stencil | Adaptive | ComplexStep, wrt: int, mode: str) -> Ufunc:
        """Return the derivative of `f` as a ufunc of its arguments and of what `mode` adds to them."""
        program = (rule, wrt, mode)
        if isinstance(rule, Adaptive):
            return self._ufuncs.get(program) or self._climb(program, 1)
        assert isinstance(rule, Stencil)
        stencil = rule
        return self._ufuncs.get(program) or self._make(
            program,
            lambda result: compiled_point(self._kernel, result, stencil, self._nargs, wrt, mode),
            self._nargs + (mode != "auto"),
            wrt,
        )

    def fields(self, rule: Adaptive, wrt: int) -> Ufunc:
        """Return the adaptive derivative as a ufunc with all results of the ladder."""
        program = (rule, wrt, "fields")
        return self._ufuncs.get(program) or self._climb(program, len(FIELDS))

    def _climb(self, program: Any, nout: int) -> Ufunc:
        rule, wrt, _ = program
        with LOCK:
            made = ladder_ufunc(self.values(), self._nargs, wrt, rule, getattr(self.f(), "__name__", "f"), nout)
            return self._ufuncs.setdefault(program, made)

    def evaluate(self, arguments: list[Any], out: Any = None, lenient: bool = False) -> Any:
        """Evaluate `f` at arguments that broadcast together; points where it raises are NaN if `lenient`."""
        ufunc = self.values()
        before = ufunc.raised
        values = ufunc.call(*arguments, out=out, casting="unsafe" if ufunc.result == "?" else "same_kind")
        if ufunc.raised != before and not lenient:
            for row in zip(*(a.ravel() for a in np.broadcast_arrays(*arguments)), strict=True):
                self.f()(*row)
        return values

    @property
    def result(self) -> str:
        """Letter of NumPy's type for what `f` returns."""
        return self.values().result

    def _make(
        self, program: Any, point: Callable[[str], tuple[Any, str]], nin: int, watched: int | None = None
    ) -> Ufunc:
        key = self.reading.key + repr((program, self._nargs)).encode()
        name = getattr(self.f(), "__name__", "f")
        with LOCK:
            code = body(key, lambda: point(return_kind(self._kernel, self._nargs)), nin, watched)
            return self._ufuncs.setdefault(program, Ufunc(code, nin, name, f"{program} of {name}"))

    def derivative(self, request: Request, operands: list[Any], out: Any) -> tuple[Any, bool]:
        """Apply the ufunc, in pieces over threads when the batch is large; re-raise what `f` raised.

        Returns the derivative, and whether there is something in it that is not finite.
        """
        rule, wrt, mode, kind, workers, _ = request
        ufunc = self.slope(rule, wrt, mode)
        if out is not None:
            refuse_real(out, ufunc.result)
        watched = self.values() if mode == LADDER else ufunc
        before, nonfinite = watched.raised, ufunc.nonfinite
        points = operands[wrt].copy() if out is not None and np.may_share_memory(out, operands[wrt]) else operands[wrt]
        worth = LADDER_POINTS if mode == LADDER else 1
        large = workers > 1 and sum(o.size for o in operands if isinstance(o, np.ndarray)) * worth >= LARGE

        def into(out: Any, operands: list[Any]) -> None:
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there, as in the called engine
                ufunc.call(*operands, out=out, casting="same_kind")

        if not large and out is None and kind == np.float64:
            result = ufunc.call(*operands)
        elif not large and out is not None:
            into(out, operands)
            result = out
        else:
            shape = np.broadcast_shapes(*map(np.shape, operands))
            result = np.empty(shape, with_complex(kind, ufunc.result)) if out is None else out
            whole = [np.broadcast_to(o, shape) for o in operands]
            if large:
                over_pieces(
                    lambda piece: into(result[piece], [o[piece] for o in whole]),
                    shape,
                    workers,
                    PIECE // worth,
                )
            else:
                into(result, whole)
            result = result[()] if out is None else out
        if watched.raised != before:
            self.raise_again(watched, request, operands, result)
        if ufunc.nonfinite != nonfinite:
            # A flat function has no slope at infinity either; the loop leaves these rare points to us.
            return _nan_where(~np.isfinite(points), result), True
        return result, False

    def raise_again(self, ufunc: Ufunc, request: Request, operands: list[Any], result: Any) -> None:
        """Call `f` itself where the compiled `f` raised, so that the caller sees its exception unchanged."""
        relevant = operands[: self._nargs] if request.mode == LADDER else operands
        whole = [np.broadcast_to(o, np.shape(result)) for o in relevant]
        for i in np.flatnonzero(np.isnan(np.ravel(result))):
            row = [o[np.unravel_index(i, np.shape(result))] for o in whole]
            before = ufunc.raised
            ufunc.call(*row)
            if ufunc.raised == before:
                continue
            if request.mode == LADDER:  # at the point itself; where it raises beside a point, it ends there
                self.f()(*row)
            else:
                Called(self.f(), pointwise=True).derivative(request, row, None)

    def agrees(self, request: Request, operands: list[Any]) -> bool:
        """Compare with `f` called as it is, at a few of the caller's points.

        Compiled Python is not always Python: whole numbers wrap around at 64 bits where Python's grow. What differs
        grossly at most of the points is not to be trusted.
        """
        shape = np.broadcast_shapes(*map(np.shape, operands))
        size = int(np.prod(shape))
        ladder = request.mode == LADDER
        compiled = self.values().call if ladder else self.slope(*request[:3]).call
        called, votes = Called(self.f(), pointwise=True), []
        for i in sorted({0, size // 3, (2 * size) // 3, size - 1}) if size else []:
            place = np.unravel_index(i, shape)
            row = [np.broadcast_to(o, shape)[place] for o in operands]
            try:
                row = row[: self._nargs] if ladder else row
                with np.errstate(all="ignore"):
                    wanted = self.f()(*row) if ladder else called.derivative(request, row, None)[0]
            except Exception:  # as Python `f` may raise where the compiled `f` returns infinity or NaN
                continue
            with np.errstate(all="ignore"):
                gap = abs(compiled(*row) * 1.0 - wanted * 1.0) if np.ndim(wanted) == 0 else np.inf
                votes.append(bool(gap <= 1e-3 * abs(wanted) or not np.isfinite(gap)))
        return 2 * sum(votes) >= len(votes)


class Called:
    """A function called as it is: with blocks of points, or with one point at a time if it takes no more."""

    def __init__(self, f: Callable[..., Any], pointwise: bool | None = None) -> None:
        self.f = weak(f)
        self._pointwise = pointwise
        self._serial = bool(pointwise)
        self.result = "d"
        self._lock = threading.RLock()  # `f` may differentiate itself

    def derivative(self, request: Request, operands: list[Any], out: Any) -> tuple[Any, bool]:
        """Walk the batch block by block; every block is evaluated at all offsets and combined while in cache.

        Returns the derivative, and whether there is something in it that is not finite.
        """
        shape = np.broadcast_shapes(*map(np.shape, operands))
        if 0 in shape:
            return (np.empty(shape, request.kind) if out is None else out), False
        self.find_out(request, operands)
        try:
            result = self._in_pieces(request, operands, out, shape)
        except TurnedComplex:
            self.result = "D"
            result = self._in_pieces(request, operands, out, shape)
        return result, not np.isfinite(result).all()

    def _in_pieces(self, request: Request, operands: list[Any], out: Any, shape: tuple[int, ...]) -> Any:
        """Spread a large batch over threads, if that is safe.

        Nobody can see whether `f` works in memory of its own, so it meets a second thread only if it is NumPy's or if
        the caller asked for workers. Blocks that stay in cache gain more anyway: a factor of four to six over calls
        with whole arrays, threads another 1.3.
        """
        result = np.empty(shape, with_complex(request.kind, self.result)) if out is None else out
        refuse_real(result, self.result)
        alone = self._serial or not (request.asked or isinstance(self.f(), np.ufunc))
        if alone or request.workers == 1 or result.size < LARGE:
            self._walk(request, operands, result)
        else:
            whole = [np.broadcast_to(o, shape) if np.ndim(o) else o for o in operands]
            over_pieces(
                lambda piece: self._walk(request, [o[piece] if np.ndim(o) else o for o in whole], result[piece]),
                shape,
                request.workers,
            )
        return result[()] if out is None else out

    def _walk(self, request: Request, operands: list[Any], result: Any) -> None:
        """Apply the stencil to one block after the other."""
        stencil, wrt, mode = request[:3]
        assert isinstance(stencil, Stencil)  # the ladder has a walk of its own
        nargs = len(operands) - (mode != "auto")
        # A scalar argument stays what it is: an int may be an index or a count. The point itself is always an array.
        walked = [i for i, o in enumerate(operands) if i in (wrt, nargs) or np.ndim(o)]
        kind = np.complex128 if self.result == "D" else np.float64
        with np.errstate(all="ignore"):  # a NaN says what went wrong and where; so does the compiled loop
            for parts, (target,) in blocks([operands[i] for i in walked], [result], result.shape, [kind]):
                here = dict(zip(walked, parts, strict=True))

                def f(x: Any, here: dict[int, Any] = here) -> Any:
                    return self.evaluate([x if i == wrt else here.get(i, operands[i]) for i in range(nargs)])

                x = here[wrt]
                h = steps(stencil, self.result, x, here.get(nargs), mode)
                target[...] = combine(stencil, values_at(f, stencil.needed, x, h), h)

    def evaluate(self, arguments: list[Any], out: Any = None, lenient: bool = False) -> Any:
        """Evaluate `f` at one-dimensional arrays, into an array of its own: `f` may reuse its buffer.

        `f` gets copies, because one that writes into its arguments must not change the next evaluation. If `lenient`,
        points where it raises an arithmetic or a value error are outside its domain: NaN.
        """
        f, size = self.f(), max(np.size(a) for a in arguments)
        values: Any = None
        if not self._pointwise:
            try:
                values = _numbers(f(*[a.copy() if isinstance(a, np.ndarray) else a for a in arguments]))
            except (ValueError, ArithmeticError):
                if not lenient:
                    raise
            else:
                if values.shape not in ((size,), ()):
                    raise _wrong_shape(values.shape, size)
        if values is None:
            columns = [a if isinstance(a, np.ndarray) and a.ndim else [a] * size for a in arguments]
            one = _lenient(f) if lenient else f
            values = np.array([_one_number(one(*row)) for row in zip(*columns, strict=True)])
        if values.dtype.kind == "c" and self.result != "D":
            raise TurnedComplex
        own = np.empty(size, np.complex128 if self.result == "D" else np.float64)
        own[...] = values
        return own

    def find_out(self, request: Request, operands: list[Any]) -> None:
        """Compare a call with two points with two calls with one point, and remember which way `f` can be called."""
        if self._pointwise is None:
            with self._lock, np.errstate(all="ignore"):
                if self._pointwise is None:
                    self._find_out(request, operands)

    def _find_out(self, request: Request, operands: list[Any]) -> None:
        f = self.f()
        arguments = operands[: request.arguments(operands)]
        ends = [np.ravel(a)[[0, -1]].astype(np.float64) if np.ndim(a) else [a, a] for a in arguments]
        ends[request.wrt] = np.array(ends[request.wrt], dtype=np.float64)
        together: Any = None
        refusal: Exception | None = None
        try:
            returned = [f(*(e.copy() if isinstance(e, np.ndarray) else e[0] for e in ends)) for _ in range(2)]
            together = _numbers(returned[1]).copy()
            # Whoever hands out the same memory twice cannot be called by two threads at once.
            self._serial = np.may_share_memory(np.asarray(returned[0]), np.asarray(returned[1]))
        except Exception as raised:  # whatever `f` raises for two points, it may still take one
            refusal = raised
        try:
            one_by_one = [np.array(f(*row)) for row in zip(*ends, strict=True)]
        except Exception:
            if together is None:
                raise
            if together.shape != (2,):
                raise _wrong_shape(together.shape, 2) from None
            apart = together  # `f` takes arrays only
        else:
            apart = np.array([_one_number(value) for value in one_by_one])
        if together is not None and together.shape in ((2,), ()):
            self._pointwise = not np.allclose(together, apart, rtol=1e-4, atol=0, equal_nan=True)
        else:
            self._pointwise = True
        self._serial = self._serial or bool(self._pointwise)
        if apart.dtype.kind == "c":
            self.result = "D"
        elif apart.dtype in (np.float32, np.float16):
            self.result = "f"
        if self._pointwise:
            why = f"it raised {type(refusal).__name__} for two points" if refusal else "two points at once change it"
            warnings.warn(
                f"`{getattr(f, '__name__', 'f')}` is called with one point at a time ({why}), which is slow. "
                "Write it so that it takes arrays, or so that Numba can compile it.",
                PerformanceWarning,
                stacklevel=_stack_depth(),
            )


def _of_fixed_arity(f: Any, nargs: int) -> Any:
    """Return `f` with exactly `nargs` arguments: Numba types defaults and ``*args`` only where they are called."""
    if f.__code__.co_argcount == nargs and not f.__code__.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return f
    names = ", ".join(f"x{i}" for i in range(nargs))
    return function_from(f"def fixed({names}):\n    return f({names})\n", "fixed", {"f": jit(f)})


def weak(f: Any) -> Callable[[], Any]:
    """Refer to `f` without keeping it alive, nor the data it holds; builtins live as long as the process."""
    try:
        return weakref.ref(f)
    except TypeError:
        return lambda: f


def refuse_real(out: Any, result: str) -> None:
    """Raise when complex results are to go into a real array."""
    if result == "D" and out.dtype.kind != "c":
        raise TypeError(f"`out` must be complex because `f` returns complex numbers; got {out.dtype}. Leave it out.")


def _nan_where(bad: Any, result: Any) -> Any:
    """Set `result` to NaN where `bad`, in place if it is an array."""
    if isinstance(result, np.ndarray):
        np.copyto(result, np.nan, where=bad)
        return result
    return type(result)(np.nan) if bad else result


def with_complex(kind: Any, result: str) -> Any:
    """Type of the result array: the complex partner of `kind` when `f` returns complex numbers."""
    return np.result_type(kind, np.complex64) if result == "D" else kind


def _stack_depth() -> int:
    """Frames from the caller of `warnings.warn` to the first outside the package."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        frame, depth = frame.f_back, depth + 1
    return depth


def _numbers(values: Any) -> np.ndarray[Any, Any]:
    """Values that `f` returned, as an array of numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"`f` must return numbers; got {type(values).__name__} of {array.dtype}. Return an array.")
    return array


def _lenient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `f` to return NaN where it refuses a point."""

    def one(*row: Any) -> Any:
        try:
            return f(*row)
        except (ValueError, ArithmeticError):
            return np.nan

    return one


def _one_number(value: Any) -> Any:
    """Check the value that `f` returned for one point."""
    array = _numbers(value)
    if array.size != 1:
        raise _wrong_shape(array.shape, 1)
    return array.reshape(())[()]


def _wrong_shape(shape: tuple[int, ...], size: int) -> ValueError:
    return ValueError(
        f"`f` must return one value per point; got shape {shape} for {size} point{'s' * (size != 1)}. "
        "For a function of a vector use `gradient` or `jacobian`."
    )
