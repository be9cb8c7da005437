"""The caller's functions: each is looked at once, given an engine, and found again at the next call."""

from __future__ import annotations

import inspect
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ._bars import with_bars
from ._blocks import blocks
from ._compile import LOCK, Uncompilable
from ._engines import Called, Compiled, Request, TurnedComplex, with_complex
from ._references import Reading
from .estimates import Estimate

#: Compiled versions of one piece of code before it is called as it is: code whose captured values keep changing
#: (``lambda x: a * x`` in a loop over `a`) would otherwise be compiled anew every time.
_VERSIONS = 16


class Function:
    """One function of the caller's, and the engine that runs it."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        _check_call(f, nargs)
        f_itself = getattr(f, "__formula__", f)
        self.reading: Reading | None = None
        self._refusal: str | None = getattr(f, "__not_differentiable__", None)
        self._checked = False
        self._engine: Compiled | Called
        try:
            self.reading = Reading(f)
            self._engine = _compiled(f_itself, self.reading, nargs)
        except Uncompilable:
            self._engine = Called(f_itself)

    @property
    def engine(self) -> str:
        """How the function is run: ``"compiled"`` or ``"called"``."""
        return type(self._engine).__name__.lower()

    def holds(self) -> bool:
        """Tell whether the function is still what it was when it was read."""
        return self.reading is None or self.reading.holds()

    def derivative(self, request: Request, operands: list[Any], out: Any) -> Any:
        """Differentiate at `operands`: the arguments, and the step unless the request's mode is ``"auto"``."""
        if out is not None:  # threads, and the search for what raised, read points after results have been written
            operands = [o.copy() if isinstance(o, np.ndarray) and np.may_share_memory(o, out) else o for o in operands]
        return self._settled(request, operands).derivative(request, operands, out)

    def estimate(self, request: Request, operands: list[Any], bounds: tuple[Any, Any] | None) -> Estimate:
        """Differentiate with error bars, block by block."""
        engine = self._settled(request, operands)
        limits = [] if bounds is None else list(bounds)
        shape = np.broadcast_shapes(*map(np.shape, [*operands, *limits]))
        with np.errstate(all="ignore"):
            if isinstance(engine, Called) and 0 not in shape:
                engine.find_out(request, operands)
            try:
                return self._walk(engine, request, operands, limits, shape)
            except TurnedComplex:
                engine.result = "D"  # type: ignore[misc]
                return self._walk(engine, request, operands, limits, shape)

    def _walk(
        self, engine: Compiled | Called, request: Request, operands: list[Any], limits: list[Any], shape: Any
    ) -> Estimate:
        """Fill the arrays of an estimate, one block after the other."""
        stencil, wrt, mode, kind, _ = request
        nargs = len(operands) - (mode != "auto")
        outer = with_complex(kind, engine.result)
        inner = np.complex128 if engine.result == "D" else np.float64
        arrays = [np.empty(shape, k) for k in (outer, kind, np.int8, np.bool_, np.int32, outer, outer)]
        kinds = (inner, np.float64, np.int8, np.bool_, np.int32, inner, inner)
        if 0 not in shape:
            walked = [i for i, o in enumerate(operands) if i in (wrt, nargs) or np.ndim(o)]
            inputs = [operands[i] for i in walked] + limits
            for parts, targets in blocks(inputs, arrays, shape, kinds):
                here = dict(zip(walked, parts, strict=False))
                low, high = parts[len(walked) :] or (None, None)

                def f(points: Any, index: Any, here: dict[int, Any] = here) -> Any:
                    rest = [here[i][index] if i in here else operands[i] for i in range(nargs)]
                    rest[wrt] = points
                    return engine.evaluate(rest)

                made = with_bars(f, stencil, engine.result, here[wrt], here.get(nargs), mode, low, high)
                for target, values in zip(targets, made, strict=True):
                    target[...] = values
        return Estimate(*(array[()] for array in arrays))

    def _settled(self, request: Request, operands: list[Any]) -> Compiled | Called:
        """Return the engine, after the first request has shown that the compiled function can be trusted."""
        if not self._checked:
            if self._refusal:
                raise TypeError(self._refusal)
            try:
                trusted = not isinstance(self._engine, Compiled) or self._engine.agrees(request, operands)
            except Uncompilable:
                trusted = False
            if not trusted:
                self._engine = Called(self._engine.f())
            self._checked = True
        return self._engine

    def values(self, operands: list[Any], out: Any) -> Any:
        """Evaluate `f` itself, compiled; `Uncompilable` when it is not."""
        if not isinstance(self._engine, Compiled):
            raise Uncompilable("it is called as it is")
        return self._engine.evaluate(operands, out)

    @property
    def ufunc(self) -> Any:
        """`f` as a NumPy ufunc."""
        if not isinstance(self._engine, Compiled):
            raise Uncompilable("it is called as it is")
        return self._engine.values().call


_functions: dict[tuple[int, int], tuple[Any, Function]] = {}
_engines: dict[tuple[bytes, int], Compiled] = {}
_versions: Counter[Any] = Counter()


def function(f: Callable[..., Any], nargs: int) -> Function:
    """Find or make the `Function` of `f`; it is found again as long as nothing it refers to has changed."""
    known = _functions.get((id(f), nargs))
    if known is not None and known[0]() is f and known[1].holds():
        return known[1]
    with LOCK:
        made = Function(f, nargs)
        key = id(f), nargs
        try:
            reference: Any = weakref.ref(f, lambda _: _functions.pop(key, None))
        except TypeError:  # a builtin that lives as long as the process

            def reference() -> Any:
                return f

        _functions[key] = (reference, made)
        return made


def _compiled(f: Callable[..., Any], reading: Reading, nargs: int) -> Compiled:
    """Find or make the compiled engine of what was read: one for all functions of the same content."""
    engine = _engines.get((reading.key, nargs))
    if engine is None:
        origin = getattr(f, "func", f)  # all partials share the code of their wrapper, all builtins too
        origin = getattr(origin, "__code__", origin)
        _versions[origin] += 1
        if _versions[origin] > _VERSIONS:
            raise Uncompilable("it captures other values every time")
        engine = _engines[reading.key, nargs] = Compiled(f, reading, nargs)
    return engine.of(f)


def _check_call(f: Any, nargs: int) -> None:
    """Raise unless `f` can be called with `nargs` arguments."""
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r:.80}. Pass the function itself, not its value.")
    if isinstance(f, np.ufunc) and f.nin != nargs:  # its signature counts `out` too
        raise TypeError(f"`f` must take {nargs} arguments; got {f.__name__} of {f.nin}. Pass one array for each.")
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some builtins do not tell
        return
    try:
        signature.bind(*[0.0] * nargs)
    except TypeError as err:
        name = getattr(f, "__name__", "f")
        raise TypeError(
            f"`f` must take {nargs} argument{'s' * (nargs != 1)}, one for each array given; "
            f"got {name}{signature} ({err}). Pass as many arrays as it has arguments."
        ) from None
