"""Elementwise functions as machine code: ufuncs of their values, and of programs made of these."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from .._typing import Array, Function, Operand
from ..compilation.captured import CapturedKind, Words
from ..compilation.kernels import LOCK
from ..compilation.pipeline import function_from, jit, return_kind
from ..compilation.references import Reading
from ..compilation.ufuncs import Ufunc, body
from .user_calls import call

#: Python is entered by one thread at a time where machine code has raised in several.
_PYTHON = threading.RLock()


class Code:
    """Machine code of a reading, for all functions of the same code with captured values of the same types."""

    def __init__(self, reading: Reading, nargs: int) -> None:
        self.key, self.nargs, self.captured = reading.key, nargs, tuple(reading.captured)
        self.kernel = jit(of_fixed_arity(reading, nargs))
        self.idle: list[Compiled] = []
        """What no call works with."""

    def key_of(self, program: Hashable) -> bytes:
        """Key of the machine code of a program."""
        return self.key + repr((program, self.nargs)).encode()

    def of(self, f: Callable[[], Function], data: Sequence[object]) -> Compiled:
        """Return a function with captured values as machine code, for one call alone until it is closed."""
        try:
            compiled = self.idle.pop()
        except IndexError:
            compiled = Compiled(self.captured)
        compiled.f, compiled.code = f, self
        if self.captured:
            compiled.kept = compiled.words.fill(data)
        return compiled


class Compiled:
    """A function as machine code: ufuncs by what they compute, over the same captured values."""

    __slots__ = ("code", "f", "kept", "programs", "scalar_calls", "words")

    is_compiled = True
    code: Code
    f: Callable[[], Function]

    def __init__(self, captured: Sequence[CapturedKind]) -> None:
        self.programs: dict[Hashable, Ufunc] = {}
        self.scalar_calls: dict[Hashable, tuple[Function, tuple[float, ...]]] = {}
        """By what is computed at one point: the ufunc, and what it takes after the arguments."""
        self.words = Words(captured)
        self.kept: object = None

    def close(self) -> None:
        """End the call."""
        code = self.code
        del self.code, self.f  # nothing is kept alive between calls
        self.kept = None
        code.idle.append(self)

    @property
    def result(self) -> str:
        """Letter of NumPy's type for what `f` returns."""
        return self.values().result

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(getattr(self.f(), "__name__", "f"))

    def threads(self, workers: int, explicit: bool) -> int:
        """How many threads may be inside `f` at once: machine code writes its results only."""
        return workers

    def values(self) -> Ufunc:
        """`f` itself as a ufunc."""
        kernel, nargs = self.code.kernel, self.code.nargs
        return self.ufunc("values", lambda: self.loop("values", lambda result: (kernel, result), nargs))

    def ufunc(self, program: Hashable, make: Callable[[], Ufunc]) -> Ufunc:
        """Return the ufunc of a program, made when it is needed first."""
        ufunc = self.programs.get(program)
        if ufunc is None:
            with LOCK:
                ufunc = self.programs.setdefault(program, make())
        return ufunc

    def loop(
        self, program: Hashable, point: Callable[[str], tuple[Function, str]], nin: int, watched: int | None = None
    ) -> Ufunc:
        """Make the ufunc of a scalar kernel that ``point(result kind)`` makes of the function's; see `ufuncs.body`."""
        code, name, words = self.code, self.name, self.words
        own = (words.address,) if code.captured else ()

        def kernel() -> tuple[Function, str]:
            return point(return_kind(code.kernel, code.nargs, code.captured))

        loop = body(code.key_of(program), kernel, nin, watched, code.captured)
        return Ufunc(loop, nin, name, f"{program} of {name}", own=own, keep=words)

    def evaluate(self, arguments: Sequence[Operand], out: Array | None = None, *, beside: bool = False) -> Array:
        """Evaluate `f` at arguments that broadcast together; what it raises is treated as `user_calls` says."""
        ufunc = self.values()
        before = ufunc.raised
        values: Array = ufunc.apply(*arguments, out=out, casting="unsafe" if ufunc.result == "?" else "same_kind")
        if ufunc.raised != before:
            self.call_where_missing(values, arguments, beside)
        return values

    def call_where_missing(self, values: Array, arguments: Sequence[Operand], beside: bool) -> None:
        """Call `f` itself where machine code has no value, or may have raised, so that its exceptions are raised."""
        shape = np.broadcast_shapes(np.shape(values), *map(np.shape, arguments))
        rows = [np.broadcast_to(a, shape).ravel() for a in arguments]
        missing = np.isnan(np.broadcast_to(values, shape).ravel()) if np.asarray(values).dtype.kind in "fc" else True
        with _PYTHON:
            for row in zip(*(r[missing].ravel() for r in rows), strict=True):
                call(self.f(), *row, beside=beside)


def of_fixed_arity(reading: Reading, nargs: int) -> Function:
    """Return the function of a reading with exactly `nargs` arguments, behind captured values.

    Numba types defaults and ``*args`` only where a function is called.
    """
    f, first = reading.linked, ["captured"] if reading.captured else []
    code = f.__code__
    if code.co_argcount == nargs and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return f
    late = code.co_varnames[nargs : code.co_argcount]
    named = "".join(f", {name}=captured[{k}]" for name, k in reading.defaults.items() if name in late)
    names = ", ".join([*first, *(f"x{i}" for i in range(nargs))])
    fixed: Function = function_from(f"def fixed({names}):\n    return f({names}{named})\n", "fixed", {"f": jit(f)})
    return fixed
