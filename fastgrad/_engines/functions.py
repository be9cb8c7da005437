"""The caller's functions: each is looked at once, given an engine, and found again at the next call."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np

from .._adaptive import Adaptive
from .._blocks import Pace, blocks
from .._compiling.kernels import LOCK
from .._compiling.operators import Uncompilable
from .._reading.references import Reading, read
from ..complexstep import SAMPLE, compare, slope
from ..estimates import Estimate, rounded
from ..stencils import Stencil
from .bars import substitute
from .called import Called
from .compiled import Compiled
from .engine import ADAPTIVE, Request, check_callable, weak
from .filling import begins_in_machine_code, fill
from .mixing import warn_of_mixing

#: Compiled versions of one piece of code before it is called as it is: code whose captured values keep changing
#: (``lambda x: a * x`` in a loop over `a`) would otherwise be compiled anew every time.
_VERSIONS = 16

#: What a request without steps and bounds adds to the arguments.
_TAILS: dict[str, tuple[float, ...]] = {"auto": (), ADAPTIVE: (inf, -inf, inf)}


class Function:
    """One function of the caller's, and the engine that runs it."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        check_call(f, nargs)
        f_itself = getattr(f, "__formula__", f)
        reading, self.holds = read(f)
        """How it is found out whether the function is still what it was when it was read."""
        self._refusal: str | None = getattr(f, "__not_differentiable__", None)
        self._checked = self._compared = False
        self._ready: dict[tuple[Any, int], tuple[Callable[..., Any], tuple[float, ...]]] = {}
        self._paces: dict[Any, Pace] = {}
        self._engine: Compiled | Called
        self._engine = _compiled(f_itself, reading, nargs) if reading else Called(f_itself)

    @property
    def engine(self) -> str:
        """How the function is run: ``"compiled"`` or ``"called"``."""
        return type(self._engine).__name__.lower()

    def derivative(self, request: Request, operands: list[Any], out: Any) -> Any:
        """Differentiate at `operands`: the arguments, and what the request's mode adds to them."""
        if out is not None:  # threads, and the search for what raised, read points after results have been written
            operands = [o.copy() if isinstance(o, np.ndarray) and np.may_share_memory(o, out) else o for o in operands]
        engine = self._settled(request, operands)
        if request.mode == ADAPTIVE and not begins_in_machine_code(engine):
            return fill(engine, self._pace(request), request, operands, [], out)
        result, doubtful = engine.derivative(request, operands, out)
        if doubtful and request.mode == ADAPTIVE:
            return self._completed(request, operands, result)
        if doubtful and request.mode == "auto":
            return self._repaired(request, operands, result)
        if type(result) is np.float64 and request.mode in _TAILS and isinstance(engine, Compiled):
            self._ready[request.rule, request.wrt] = engine.slope(*request[:3]).call, _TAILS[request.mode]
        return result

    def at_once(self, rule: Any, wrt: int, args: tuple[float, ...]) -> Any:
        """Differentiate at one point, numbers all, by the ufunc that did so before; None if that is not enough.

        Python's checks of arguments that are not there take longer than machine code takes for the derivative.
        """
        ready = self._ready.get((rule, wrt))
        if ready is None:
            return None
        call, tail = ready
        value = call(*args, *tail)
        return value if isfinite(value) and isfinite(args[wrt]) else None  # what is not finite has to be looked into

    def _completed(self, request: Request, operands: list[Any], result: Any) -> Any:
        """Differentiate at the points that the first round of the adaptive rule has left open."""
        shape = np.shape(result)
        where = np.nonzero(np.atleast_1d(np.isnan(result)))
        nargs = request.arguments(operands)
        points = [
            np.atleast_1d(np.broadcast_to(o, shape))[where] if np.ndim(o) or i in (request.wrt, nargs) else o
            for i, o in enumerate(operands)
        ]
        better = fill(self._engine, self._pace(request), request, points, [], None, again=True)
        if not shape:
            return type(result)(better[0])
        result[where] = better
        return result

    def _repaired(self, request: Request, operands: list[Any], result: Any) -> Any:
        """Let the adaptive rule take the points whose stencil left the domain of `f`; no other point moves."""
        rule = substitute(request.rule) if isinstance(request.rule, Stencil) else None
        shape = np.shape(result)
        whole = [np.broadcast_to(o, shape) for o in operands]
        where = np.nonzero(np.atleast_1d(~np.isfinite(result) & np.all([np.isfinite(o) for o in whole], axis=0)))
        if rule is None or not where[0].size:
            return result
        points = [np.atleast_1d(w)[where] if np.ndim(o) else o for o, w in zip(operands, whole, strict=True)]
        points[request.wrt] = np.atleast_1d(whole[request.wrt])[where]
        better = self.derivative(request._replace(rule=rule, mode=ADAPTIVE), [*points, inf, -inf, inf], None)
        if not shape:
            return better[0]
        result[where] = better
        return result

    def complex_step(self, request: Request, operands: list[Any]) -> Any:
        """Differentiate by the complex step, and compare a sample of the points with the adaptive rule."""
        check, wrt = request._replace(rule=Adaptive(), mode=ADAPTIVE), request.wrt
        f = self._settled(check, [*operands, inf, -inf, inf]).f()
        shape = np.broadcast_shapes(*map(np.shape, operands))
        result = np.empty(shape, request.kind)
        walked = [i for i, o in enumerate(operands) if i == wrt or np.ndim(o)]
        every = request.kinds(operands)
        kinds = [*(every[i] for i in walked), np.float64]
        if 0 in shape:
            return result
        with np.errstate(all="ignore"):
            for parts, (target,) in blocks([operands[i] for i in walked], [result], shape, kinds):
                here = dict(zip(walked, parts, strict=True))

                def moved(z: Any, here: dict[int, Any] = here) -> Any:
                    return f(*[z if i == wrt else here[i].copy() if i in here else o for i, o in enumerate(operands)])

                target[...] = slope(moved, here[wrt])
        flat = np.unique(np.linspace(0, result.size - 1, min(SAMPLE, result.size)).astype(int))
        rows = [np.broadcast_to(o, shape).ravel()[flat] if i in walked else o for i, o in enumerate(operands)]
        trusted = self.estimate(check, [*rows, inf, -inf, inf], [])
        compare(result.ravel()[flat], trusted, rows[wrt])
        return result[()]

    def estimate(self, request: Request, operands: list[Any], limits: list[Any]) -> Estimate:
        """Differentiate with error bars; `limits` are the bounds for a stencil."""
        engine = self._settled(request, operands)
        return rounded(Estimate(*fill(engine, self._pace(request), request, operands, limits, None, lean=False)))

    def _pace(self, request: Request) -> Pace:
        """Return what a point of such a request has cost."""
        return self._paces.setdefault((request.rule, request.wrt, request.mode), Pace())

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
        if not self._compared and isinstance(self._engine, Compiled):
            if any(isinstance(o, np.ndarray) and o.size > 1 for o in operands):  # one point has nothing to mix with
                self._compared = True
                warn_of_mixing(self._engine.f(), operands[: request.arguments(operands)], request.wrt)
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


#: Functions by identity and number of arguments, beside a weak reference that tells whether it is still the same one.
_functions: dict[tuple[int, int], tuple[Callable[[], Any], Function]] = {}
#: Engines by what was read and the number of arguments, and how many of them there are for one piece of code.
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
        _functions[key] = (weak(f, lambda _: _functions.pop(key, None)), made)
        return made


def _compiled(f: Callable[..., Any], reading: Reading, nargs: int) -> Compiled | Called:
    """Find or make the compiled engine of what was read: one for all functions of the same content."""
    engine = _engines.get((reading.key, nargs))
    if engine is None:
        origin = getattr(f, "func", f)  # all partials share the code of their wrapper, all builtins too
        origin = getattr(origin, "__code__", origin)
        _versions[origin] += 1
        if _versions[origin] > _VERSIONS:
            return Called(f)  # it captures other values every time
        engine = _engines[reading.key, nargs] = Compiled(f, reading, nargs)
    return engine.of(f)


def check_call(f: Any, nargs: int) -> None:
    """Raise unless `f` can be called with `nargs` arguments."""
    check_callable(f)
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
