"""The caller's functions: each is looked at once, given an engine, and found again at the next call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import inf, isfinite, nan
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .._parallel import Pace, blocks
from ..adaptive_rule import Adaptive
from ..compilation.kernels import LOCK
from ..compilation.operators import Uncompilable
from ..compilation.references import Reading, read
from ..estimates import Estimate, rounded
from ..rules.complexstep import SAMPLE, compare, slope
from ..rules.stencils import Stencil
from .batch import begins_in_machine_code, fill
from .called import Called
from .compiled import Code, Compiled
from .elementwise_check import warn_of_mixing
from .error_bounds import substitute
from .request import ADAPTIVE, Request, check_callable, takes, weak

#: Compiled versions of one piece of code before it is called as it is: code whose captured values keep changing
#: (``lambda x: a * x`` in a loop over `a`) would otherwise be compiled anew every time.
_VERSIONS = 16

#: What a request without steps and bounds adds to the arguments.
_TAILS: dict[str, tuple[float, ...]] = {"auto": (), ADAPTIVE: (inf, -inf, inf)}


class _Known:
    """What is remembered about one function of the caller's; it is not kept alive, nor what it refers to."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        check_call(f, nargs)
        self.f = weak(f)
        self.f_itself = weak(f if isinstance(f, FunctionType) else getattr(f, "__formula__", f))
        self.nargs = nargs
        self.refusal: str | None = None if isinstance(f, FunctionType) else getattr(f, "__not_differentiable__", None)
        self.checked = False
        self.compared = False
        self.paces: dict[Any, Pace] = {}
        self.current: Callable[[], list[Any] | None]
        """Captured values as they are now, None when the function is to be read again."""
        self.key: bytes | None = None
        """What was read with captured values as arguments."""
        self.code: Code | None
        self.called: Called | None
        self._read(True)
        self.constant = Function(self, [])
        """For calls without captured values."""

    def _read(self, captures: bool) -> None:
        f = self.f()
        reading, self.current = read(f, captures)
        if reading is not None and reading.captured:
            self.key = reading.key
            if self.key in _constant:
                reading, self.current = read(f, captures=False)
            if self.key in _called:
                reading = None
        self.origin = getattr(getattr(f, "func", f), "__code__", None)
        self.code = None if reading is None else _code(self.origin, reading, self.nargs)
        self.called = Called(self.f_itself()) if self.code is None else None
        self.checked = self.refusal is None and self.code is not None and self.origin in self.code.trusted

    def engine(self, data: list[Any]) -> Compiled | Called:
        """Return what runs the function in one call."""
        return self.called or Compiled(self.f_itself, self.code, data)  # type: ignore[arg-type]

    def compile_less(self) -> None:
        """Make captured values parts of the machine code, as Numba wants some; else call the function as it is."""
        if self.code is not None and self.code.captured:
            _constant.add(self.code.key)
            self._read(False)
        else:
            if self.key is not None:
                _called.add(self.key)
            self.call()

    def call(self) -> None:
        """Call the function as it is from now on."""
        self.code, self.called = None, Called(self.f_itself())


class Function:
    """One function of the caller's, what runs it, and the values that it captures now.

    Parameters
    ----------
    known : _Known
        What is remembered about it.
    data : list
        Captured values.
    """

    __slots__ = ("_data", "_known")

    def __init__(self, known: _Known, data: list[Any]) -> None:
        self._known, self._data = known, data

    @property
    def engine(self) -> str:
        """How the function is run: ``"compiled"`` or ``"called"``."""
        return "called" if self._known.called else "compiled"

    def derivative(self, request: Request, operands: list[Any], out: Any) -> Any:
        """Differentiate at `operands`: the arguments, and what the request's mode adds to them."""
        if out is not None:  # threads, and the search for what raised, read points after results have been written
            operands = [o.copy() if isinstance(o, np.ndarray) and np.may_share_memory(o, out) else o for o in operands]
        engine = self._settled(request, operands)
        try:
            return self._derivative(engine, request, operands, out)
        finally:
            engine.close()

    def _derivative(self, engine: Compiled | Called, request: Request, operands: list[Any], out: Any) -> Any:
        if request.mode == ADAPTIVE and not begins_in_machine_code(engine):
            return fill(engine, self._pace(request), request, operands, [], out)
        result, doubtful = engine.derivative(request, operands, out)
        if doubtful and request.mode == ADAPTIVE:
            return self._completed(engine, request, operands, result)
        if doubtful and request.mode == "auto":
            return self._repaired(engine, request, operands, result)
        if type(result) is np.float64 and request.mode in _TAILS and isinstance(engine, Compiled):
            engine.make_ready(request.rule, request.wrt, request.mode, _TAILS[request.mode])
        return result

    def at_once(self, rule: Any, wrt: int, args: tuple[float, ...]) -> Any:
        """Differentiate at one point, numbers all, by the ufunc that did so before; None if that is not enough.

        Python's checks of arguments that are not there take longer than machine code takes for the derivative.
        """
        known = self._known
        code = known.code
        if code is None or not known.checked:
            return None
        ready = code.ready.get((rule, wrt))
        if ready is None:
            return None
        number, tail = ready
        ufuncs = code.take(self._data)
        call = ufuncs.ready.get(number)
        value = nan if call is None else call(*args, *tail)
        code.give_back(ufuncs)
        return value if isfinite(value) and isfinite(args[wrt]) else None  # what is not finite has to be looked into

    def _completed(self, engine: Any, request: Request, operands: list[Any], result: Any) -> Any:
        """Differentiate at the points that the first round of the adaptive rule has left open."""
        shape = np.shape(result)
        where = np.nonzero(np.atleast_1d(np.isnan(result)))
        nargs = request.arguments(operands)
        points = [
            np.atleast_1d(np.broadcast_to(o, shape))[where] if np.ndim(o) or i in (request.wrt, nargs) else o
            for i, o in enumerate(operands)
        ]
        better = fill(engine, self._pace(request), request, points, [], None, again=True)
        if not shape:
            return type(result)(better[0])
        result[where] = better
        return result

    def _repaired(self, engine: Any, request: Request, operands: list[Any], result: Any) -> Any:
        """Let the adaptive rule take the points whose stencil left the domain of `f`; no other point moves."""
        rule = substitute(request.rule) if isinstance(request.rule, Stencil) else None
        shape = np.shape(result)
        whole = [np.broadcast_to(o, shape) for o in operands]
        where = np.nonzero(np.atleast_1d(~np.isfinite(result) & np.all([np.isfinite(o) for o in whole], axis=0)))
        if rule is None or not where[0].size:
            return result
        points = [np.atleast_1d(w)[where] if np.ndim(o) else o for o, w in zip(operands, whole, strict=True)]
        points[request.wrt] = np.atleast_1d(whole[request.wrt])[where]
        request = request._replace(rule=rule, mode=ADAPTIVE)
        better = self._derivative(engine, request, [*points, inf, -inf, inf], None)
        if not shape:
            return better[0]
        result[where] = better
        return result

    def complex_step(self, request: Request, operands: list[Any]) -> Any:
        """Differentiate by the complex step, and compare a sample of the points with the adaptive rule."""
        check, wrt = request._replace(rule=Adaptive(), mode=ADAPTIVE), request.wrt
        self._settled(check, [*operands, inf, -inf, inf]).close()
        f = self._known.f_itself()
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
        try:
            return rounded(Estimate(*fill(engine, self._pace(request), request, operands, limits, None, lean=False)))
        finally:
            engine.close()

    def _pace(self, request: Request) -> Pace:
        """Return what a point of such a request has cost."""
        return self._known.paces.setdefault((request.rule, request.wrt, request.mode), Pace())

    def _settled(self, request: Request, operands: list[Any]) -> Compiled | Called:
        """Return the engine, after the first request has shown that the compiled function can be trusted."""
        known = self._known
        if not known.checked:
            if known.refusal:
                raise TypeError(known.refusal)
            self._check(request, operands)
            known.checked = True
        code = known.code
        if code is not None and not known.compared:
            if known.origin in code.elementwise:
                known.compared = True
            elif any(isinstance(o, np.ndarray) and o.size > 1 for o in operands):  # one point has nothing to mix with
                known.compared = True
                mixes = warn_of_mixing(known.f_itself(), operands[: request.arguments(operands)], request.wrt)
                if not mixes and known.origin is not None:
                    code.elementwise.add(known.origin)
        return known.engine(self._data)

    def _check(self, request: Request, operands: list[Any]) -> None:
        """Compare the compiled function with Python."""
        known = self._known
        while known.code is not None and not known.checked:
            engine, code = Compiled(known.f_itself, known.code, self._data), known.code
            try:
                trusted = engine.agrees(request, operands)
            except Uncompilable:
                known.compile_less()
                continue
            finally:
                engine.close()
            if not trusted:
                known.call()
            elif known.origin is not None:
                code.trusted.add(known.origin)
            return

    def values(self, operands: list[Any], out: Any) -> Any:
        """Evaluate `f` itself, compiled; `Uncompilable` when it is not."""
        known = self._known
        while True:
            if known.code is None:
                raise Uncompilable("it is called as it is")
            engine = Compiled(known.f_itself, known.code, self._data)
            try:
                return engine.evaluate(operands, out)
            except Uncompilable:
                if not known.code.captured:
                    raise
                known.compile_less()
            finally:
                engine.close()

    @property
    def ufunc(self) -> Any:
        """`f` as a NumPy ufunc; it refers to no captured values."""
        known = self._known
        if known.code is None or known.code.captured:
            raise Uncompilable("it is called as it is")
        return Compiled(known.f_itself, known.code, self._data).values().call


#: Functions by identity and number of arguments, beside a weak reference that tells whether it is still the same one.
_functions: dict[tuple[int, int], tuple[Callable[[], Any], _Known]] = {}
#: Machine code by what was read and the number of arguments, and how many there are for the code of one function.
_codes: dict[tuple[bytes, int], Code] = {}
_versions: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
#: Keys of what Numba compiles only with its captured values as constants.
_constant: set[bytes] = set()
#: Keys of what Numba does not compile at all.
_called: set[bytes] = set()


def function(f: Callable[..., Any], nargs: int) -> Function:
    """Find or make the `Function` of `f`; it is found again as long as nothing it refers to has changed."""
    key = id(f), nargs
    remembered = _functions.get(key)
    if remembered is not None and remembered[0]() is f:
        known = remembered[1]
        data = known.current()
        if data is not None:
            return Function(known, data) if data else known.constant
    with LOCK:
        known = _Known(f, nargs)
        _functions[key] = (weak(f, lambda _: _functions.pop(key, None)), known)
        data = known.current()
        if data is None:
            if known.code is not None and known.code.captured:  # it changes while it is read
                known.call()
            data = []
        return Function(known, data)


def _code(origin: Any, reading: Reading, nargs: int) -> Code | None:
    """Find or make the machine code of what was read; None if the values that are part of it change every time."""
    code = _codes.get((reading.key, nargs))
    if code is None:
        if origin is not None:
            _versions[origin] = _versions.get(origin, 0) + 1
            if _versions[origin] > _VERSIONS:
                return None
        code = _codes[reading.key, nargs] = Code(reading, nargs)
    return code


def check_call(f: Any, nargs: int) -> None:
    """Raise unless `f` can be called with `nargs` arguments."""
    if takes(f, nargs):
        return
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
