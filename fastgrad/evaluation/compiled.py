"""Functions as machine code: a ufunc for every rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from math import prod
from time import perf_counter
from typing import Any
from weakref import WeakSet

import numpy as np

from .._parallel import over_pieces
from .._signals import hear
from ..adaptive_rule import RESULT_ROWS, Adaptive, first_round
from ..compilation.captured import Words
from ..compilation.kernels import LOCK, function_from, jit, return_kind
from ..compilation.references import Reading
from ..compilation.ufuncs import Ufunc, body
from ..rules.complexstep import ComplexStep
from ..rules.stencil_codegen import compiled_point
from ..rules.stencils import Stencil
from .called import Called
from .request import ADAPTIVE, Request, refuse_real, with_complex


class Code:
    """Machine code of what was read: one for all functions of the same code, and of captured values of the same types.

    Parameters
    ----------
    reading : Reading
        What was read; only its key and what is to be compiled are kept.
    nargs : int
        Number of arguments.
    """

    def __init__(self, reading: Reading, nargs: int) -> None:
        self.key, self.nargs, self.captured = reading.key, nargs, tuple(reading.captured)
        self.kernel = jit(_of_fixed_arity(reading, nargs))
        self.ready: dict[tuple[Any, int], tuple[int, tuple[float, ...]]] = {}
        """By rule and argument: number of the ufunc for one point, and what it takes after the arguments."""
        self.trusted: WeakSet[Any] = WeakSet()
        """Code of functions for which the machine code was compared with Python."""
        self.elementwise: WeakSet[Any] = WeakSet()
        """Code of functions that do not mix their points."""
        self._idle: list[_Ufuncs] = []

    def take(self, data: list[Any]) -> _Ufuncs:
        """Return ufuncs over captured values, for one call alone until they are given back."""
        try:
            ufuncs = self._idle.pop() if self.captured else self._idle[0]
        except IndexError:
            ufuncs = _Ufuncs(self.captured)
            if not self.captured:
                self._idle.append(ufuncs)
        if self.captured:
            ufuncs.kept = ufuncs.words.fill(data)
        return ufuncs

    def give_back(self, ufuncs: _Ufuncs) -> None:
        """Take ufuncs back."""
        if self.captured:
            ufuncs.kept = None
            self._idle.append(ufuncs)


class _Ufuncs:
    """Ufuncs of all programs that were asked for, over the same captured values."""

    __slots__ = ("kept", "programs", "ready", "words")

    def __init__(self, captured: Sequence[Any]) -> None:
        self.programs: dict[Any, Ufunc] = {}
        self.ready: dict[int, Any] = {}
        self.words = Words(captured)
        self.kept: Any = None


class Compiled:
    """A function as machine code, for one call."""

    __slots__ = ("_code", "_nargs", "_taken", "_ufuncs", "f")

    def __init__(self, f: Callable[[], Any], code: Code, data: list[Any]) -> None:
        self.f = f
        self._code, self._nargs = code, code.nargs
        self._taken = code.take(data)
        self._ufuncs = self._taken.programs

    def close(self) -> None:
        """End the call."""
        self._code.give_back(self._taken)

    def make_ready(self, rule: Any, wrt: int, mode: str, tail: tuple[float, ...]) -> None:
        """Remember which ufunc has differentiated at one point."""
        number, _ = self._code.ready.setdefault((rule, wrt), (len(self._code.ready), tail))
        self._taken.ready[number] = self.slope(rule, wrt, mode).call

    def values(self) -> Ufunc:
        """`f` itself as a ufunc."""
        kernel = self._code.kernel
        return self._ufuncs.get("values") or self._make("values", lambda result: (kernel, result), self._nargs)

    def slope(self, rule: Stencil | Adaptive | ComplexStep, wrt: int, mode: str) -> Ufunc:
        """Return the derivative of `f` as a ufunc of its arguments and of what `mode` adds to them."""
        program = (rule, wrt, mode)
        if isinstance(rule, Adaptive):
            return self._ufuncs.get(program) or self._first_round(program, 1)
        assert isinstance(rule, Stencil)
        stencil = rule
        return self._ufuncs.get(program) or self._make(
            program,
            lambda result: compiled_point(
                self._code.kernel, result, stencil, self._nargs, wrt, mode, bool(self._code.captured)
            ),
            self._nargs + (mode != "auto"),
            wrt,
        )

    def first_round(self, rule: Adaptive, wrt: int) -> Ufunc:
        """Return the first round of the adaptive rule as a ufunc with derivative, bound and local slope scale.

        All are NaN at points that need more than that.
        """
        program = (rule, wrt, "first round")
        return self._ufuncs.get(program) or self._first_round(program, RESULT_ROWS)

    def _first_round(self, program: Any, nout: int) -> Ufunc:
        rule, wrt, _ = program
        with LOCK:
            name = getattr(self.f(), "__name__", "f")
            made = first_round(self.values(), self._nargs, wrt, rule.n, rule.sign, name, nout)
            return self._ufuncs.setdefault(program, made)

    def evaluate(self, arguments: list[Any], out: Any = None, *, lenient: bool = False) -> Any:
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
        code, name = self._code, getattr(self.f(), "__name__", "f")
        key = code.key + repr((program, self._nargs)).encode()
        own = (self._taken.words.address,) if code.captured else ()
        with LOCK:
            made = body(
                key, lambda: point(return_kind(code.kernel, self._nargs, code.captured)), nin, watched, code.captured
            )
            ufunc = Ufunc(made, nin, name, f"{program} of {name}", own=own, keep=self._taken.words)
            return self._ufuncs.setdefault(program, ufunc)

    def derivative(self, request: Request, operands: list[Any], out: Any) -> tuple[Any, bool]:
        """Apply the ufunc, in pieces over threads when the batch is large; re-raise what `f` raised.

        Returns the derivative, and whether there is something in it that is not finite.
        """
        rule, wrt, mode, kind, workers, _ = request
        ufunc = self.slope(rule, wrt, mode)
        if out is not None:
            refuse_real(out, ufunc.result)
        watched = self.values() if mode == ADAPTIVE else ufunc
        before, nonfinite = watched.raised, ufunc.nonfinite
        points = operands[wrt].copy() if out is not None and np.may_share_memory(out, operands[wrt]) else operands[wrt]
        size = _size(operands)
        large = size > 1 and ufunc.pace.worth(size)

        def into(out: Any, operands: list[Any]) -> None:
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there, as in the called engine
                ufunc.call(*operands, out=out, casting="same_kind")

        began = perf_counter()
        if not large and out is None and kind == np.float64:
            result = ufunc.call(*operands)
        elif not large and out is not None:
            into(out, operands)
            result = out
        else:
            shape = np.broadcast_shapes(*map(np.shape, operands))
            result = np.empty(shape, with_complex(kind, ufunc.result)) if out is None else out
            whole = [np.broadcast_to(o, shape) for o in operands]
            if large:  # on one thread too: Python hears Ctrl-C between the pieces only
                over_pieces(
                    lambda piece: into(result[piece], [o[piece] for o in whole]),
                    shape,
                    workers,
                    pace=ufunc.pace,
                )
            else:
                into(result, whole)
            result = result[()] if out is None else out
        if size and not large:
            ufunc.pace.took(size, began)
        if watched.raised != before:
            self.raise_again(watched, request, operands, result)
        if ufunc.nonfinite != nonfinite and mode == ADAPTIVE:
            return result, True
        if ufunc.nonfinite != nonfinite:
            # A flat function has no slope at infinity either; the loop leaves these rare points to us.
            return _nan_where(~np.isfinite(points), result), True
        return result, False

    def threads(self, request: Request) -> int:
        """How many threads may be inside `f` at once: machine code writes to nothing but its results."""
        return request.workers

    def raise_again(self, ufunc: Ufunc, request: Request, operands: list[Any], result: Any) -> None:
        """Call `f` itself where the compiled `f` raised, so that the caller sees its exception unchanged."""
        relevant = operands[: self._nargs] if request.mode == ADAPTIVE else operands
        whole = [np.broadcast_to(o, np.shape(result)) for o in relevant]
        for i in np.flatnonzero(np.isnan(np.ravel(result))):
            row = [o[np.unravel_index(i, np.shape(result))] for o in whole]
            before = ufunc.raised
            ufunc.call(*row)
            if ufunc.raised == before:
                continue
            if request.mode == ADAPTIVE:  # at the point itself; where it raises beside a point, it ends there
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
        adaptive = request.mode == ADAPTIVE
        compiled = self.values().call if adaptive else self.slope(*request[:3]).call
        called, votes = Called(self.f(), pointwise=True), []
        for i in sorted({0, size // 3, (2 * size) // 3, size - 1}) if size else []:
            place = np.unravel_index(i, shape)
            row = [np.broadcast_to(o, shape)[place] for o in operands]
            try:
                row = row[: self._nargs] if adaptive else row
                with np.errstate(all="ignore"):
                    wanted = self.f()(*row) if adaptive else called.derivative(request, row, None)[0]
            except Exception as raised:
                hear(raised)
                # as Python `f` may raise where the compiled `f` returns infinity or NaN, but no number
                if np.isfinite(compiled(*row)):
                    votes.append(False)
                continue
            with np.errstate(all="ignore"):
                gap = abs(compiled(*row) * 1.0 - wanted * 1.0) if np.ndim(wanted) == 0 else np.inf
                votes.append(bool(gap <= 1e-3 * abs(wanted) or not np.isfinite(gap)))
        return 2 * sum(votes) >= len(votes)


def _of_fixed_arity(reading: Reading, nargs: int) -> Any:
    """Return what was read with exactly `nargs` arguments: Numba types defaults and ``*args`` only where called.

    Captured values come first.
    """
    f, first = reading.linked, ["captured"] if reading.captured else []
    code = f.__code__
    if code.co_argcount == nargs and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return f
    late = code.co_varnames[nargs : code.co_argcount]
    named = "".join(f", {name}=captured[{k}]" for name, k in reading.defaults.items() if name in late)
    names = ", ".join([*first, *(f"x{i}" for i in range(nargs))])
    return function_from(f"def fixed({names}):\n    return f({names}{named})\n", "fixed", {"f": jit(f)})


def _size(operands: list[Any]) -> int:
    """How many points operands have together; 0 if all are numbers."""
    shapes = {o.shape for o in operands if isinstance(o, np.ndarray)}
    return prod(np.broadcast_shapes(*shapes)) if len(shapes) > 1 else prod(shapes.pop()) if shapes else 0


def _nan_where(bad: Any, result: Any) -> Any:
    """Set `result` to NaN where `bad`, in place if it is an array."""
    if isinstance(result, np.ndarray):
        np.copyto(result, np.nan, where=bad)
        return result
    return type(result)(np.nan) if bad else result
