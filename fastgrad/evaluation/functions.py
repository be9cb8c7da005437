"""Elementwise functions: how each is run, decided once and remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from time import thread_time
from types import CodeType, FunctionType
from typing import TypeVar

import numpy as np

from .. import _typing
from .._parallel import CostEstimate
from .._typing import Array, Operand, Selection
from ..compilation.caches import KEPT, Recent, Versions, clearable
from ..compilation.dependencies import weak
from ..compilation.operators import Uncompilable
from ..compilation.references import Reading
from ..compilation.ufuncs import Ufunc, body_needs_compiling
from . import trials
from .agreement import Pair, agrees, sample, warn_of_mixing
from .called import Called, argument_kinds
from .compiled import Code, Compiled
from .registry import AGREES, ELEMENTWISE, FunctionRecord, record_of
from .results import letter_of, numbers
from .signatures import check_call, select
from .user_calls import call

#: The scalar call of what was not computed before, and what it takes after the arguments.
_NO_CALL: tuple[_typing.Function | None, tuple[float, ...]] = None, ()

_T = TypeVar("_T")

#: Makes a pair for `agrees` of machine code.
MakePair = Callable[[Compiled], Pair]


class _Elementwise(FunctionRecord):
    """What is remembered about one elementwise function."""

    def __init__(self, f: _typing.Function, nargs: int) -> None:
        check_call(f, nargs)
        self.refusal: str | None = None if isinstance(f, FunctionType) else getattr(f, "__not_differentiable__", None)
        self.f_itself = weak(f if isinstance(f, FunctionType) else getattr(f, "__formula__", f))
        self.is_checked = self.is_compared = False
        self.code: Code | None
        self.called: Called | None
        super().__init__(f, nargs)
        self.function = ElementwiseFunction(self, [])
        """For calls without captured values."""

    def read(self, captures: bool) -> None:
        """Read the function and find its machine code."""
        super().read(captures)
        reading = self.reading
        if (self.key, self.nargs) in _called:
            reading = None
        self.code = None if reading is None else _code(self.origin, reading, self.nargs)
        self.called = Called(self.f_itself()) if self.code is None else None
        self.is_checked = self.refusal is None and self.code is not None and self.has_passed(AGREES)

    def compile_less(self) -> None:
        """Make captured values parts of the machine code, as Numba wants some; else call the function as it is."""
        if self.code is not None and self.code.captured:
            self.read_as_constants()
        else:
            _called.add((self.key, self.nargs))
            self.call()

    def call(self) -> None:
        """Call the function as it is from now on."""
        self.code, self.called = None, Called(self.f_itself())


class _CalledAtFirst(Called):
    """A function that is called point by point before it is worth compiling."""

    def __init__(self, f: _typing.Function, code: Code, result: str, began: float) -> None:
        super().__init__(f, pointwise=True)
        self.result, self._code, self._began = result, code, began

    def close(self) -> None:
        """End the call."""
        trials.ELEMENTWISE.spend(self._code.key, thread_time() - self._began)


class ElementwiseFunction:
    """One elementwise function: what is remembered about it, and the `data` that it captures now."""

    __slots__ = ("_data", "_record")

    def __init__(self, record: _Elementwise, data: Sequence[object]) -> None:
        self._record, self._data = record, data

    @property
    def engine(self) -> str:
        """How the function is run: ``"compiled"`` or ``"called"``."""
        return "called" if self._record.called else "compiled"

    @property
    def f(self) -> _typing.Function:
        """The function, or the formula of a gate."""
        f: _typing.Function = self._record.f_itself()
        return f

    def cost(self, key: Hashable) -> CostEstimate:
        """Return what a point has cost for what `key` stands for."""
        return self._record.cost(key)

    def scalar_call(self, key: Hashable, args: tuple[float, ...]) -> float | None:
        """Compute what `key` stands for at one point of numbers by the ufunc that did so before; None if none did.

        Python's checks of arguments take longer than machine code takes for the derivative.
        """
        record = self._record
        code = record.code
        if code is None or not record.is_checked:
            return None
        compiled = code.of(record.f_itself, self._data)
        ufunc, tail = compiled.scalar_calls.get(key, _NO_CALL)
        value = None if ufunc is None else ufunc(*args, *tail)
        compiled.close()
        return value

    def evaluator(
        self, operands: Sequence[Operand], wrt: int, pair: MakePair | None = None, program: Hashable = "values"
    ) -> Compiled | Called:
        """Return what runs the function for one call; the first call compares machine code with Python.

        The two functions that `pair` makes of machine code must agree at `operands`; by default they are the values.
        `program` is compiled first. The first calls at a few points do not compile, where calling takes less time:
        their results are within the error bounds of compiled ones, but may differ in the last bits.
        """
        record, trial = self._record, None
        if not record.is_checked:
            if record.refusal:
                raise TypeError(record.refusal)
            trial = self._trial(operands, wrt, program)
            if trial is None:
                self._check(operands, pair or _values)
                record.is_checked = True
        if record.code is not None and not record.is_compared:
            if record.has_passed(ELEMENTWISE):
                record.is_compared = True
            elif any(isinstance(o, np.ndarray) and o.size > 1 for o in operands):  # one point has nothing to mix with
                record.is_compared = True
                if not warn_of_mixing(record.f_itself(), operands[: record.nargs], wrt):
                    record.note(ELEMENTWISE)
        return trial or record.called or record.code.of(record.f_itself, self._data)  # type: ignore[union-attr]

    def _trial(self, operands: Sequence[Operand], wrt: int, program: Hashable) -> _CalledAtFirst | None:
        """Return what calls the function at a few points, None where compiling it pays, or nothing is to compile."""
        record = self._record
        code, sizes, trial = record.code, list(map(np.size, operands)), trials.ELEMENTWISE
        points = max(sizes)
        if code is None or min(sizes) == 0 or points > trials.FEW or not trial.allows(code.key, points):
            return None
        if not body_needs_compiling(code.key_of(program), len(operands) if program != "values" else record.nargs):
            return None
        arguments = operands[: record.nargs]
        if not all(np.isfinite(a).all() for a in arguments):  # compiled code says nothing of points that are none
            return None
        kinds = argument_kinds(arguments, wrt)
        first = [
            np.ravel(a)[:1].astype(kind)[0] if i == wrt or np.ndim(a) else a
            for i, (a, kind) in enumerate(zip(arguments, kinds, strict=True))
        ]
        began = thread_time()
        with np.errstate(all="ignore"):
            returned = call(record.f_itself(), *first)
        seconds = thread_time() - began
        value = numbers(returned)
        if value.size != 1 or not trial.allows(code.key, points, seconds):
            return None
        return _CalledAtFirst(record.f_itself(), code, letter_of(value), began)

    def _check(self, operands: Sequence[Operand], pair: MakePair) -> None:
        """Compare the compiled function with Python."""
        try:
            is_trusted = self._with_machine(lambda machine: agrees(*pair(machine), sample(operands)))
        except Uncompilable:
            return
        if is_trusted:
            self._record.note(AGREES)
        else:
            self._record.call()

    def _with_machine(self, work: Callable[[Compiled], _T]) -> _T:
        """Do work with machine code; where Numba refuses, with captured values as parts of it, else `Uncompilable`."""
        record = self._record
        while record.code is not None:
            machine = record.code.of(record.f_itself, self._data)
            try:
                return work(machine)
            except Uncompilable:
                record.compile_less()
            finally:
                machine.close()
        raise Uncompilable("it is called as it is")

    def values(self, operands: Sequence[Operand], out: Array | None) -> Array:
        """Evaluate `f` itself, compiled; `Uncompilable` when it is not."""
        return self._with_machine(lambda machine: machine.evaluate(operands, out))

    @property
    def ufunc(self) -> np.ufunc:
        """`f` as a NumPy ufunc; it refers to no captured values, and lives as long as the process."""
        record = self._record
        if record.code is None or record.code.captured:
            raise Uncompilable("it is called as it is")
        machine = record.code.of(record.f_itself, self._data)
        ufunc = machine.values()
        machine.close()
        _exposed[id(ufunc)] = ufunc
        call: np.ufunc = ufunc.call
        return call


def _values(machine: Compiled) -> Pair:
    nargs, f = machine.code.nargs, machine.f()
    compiled = machine.values().call
    return lambda *row: compiled(*row[:nargs]), lambda *row: f(*row[:nargs])


class ElementwiseValues:
    """Values of an elementwise function where the argument `wrt` moves: an `Evaluator`.

    The other `arguments` are arrays, one item for each point, or the same for all points.
    """

    def __init__(self, evaluator: Compiled | Called, arguments: Sequence[Operand], wrt: int) -> None:
        self.kind, self._evaluate, self._arguments, self._wrt = evaluator.result, evaluator.evaluate, arguments, wrt

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at positions `x` of the points `index`; see `Evaluator`."""
        arguments = [a if index is None else select(a, index) for a in self._arguments]
        arguments[self._wrt] = x
        return self._evaluate(arguments, beside=beside)


#: Machine code by what was read and the number of arguments: the latest, and what functions in use hold.
_codes: dict[tuple[bytes, int], Code] = clearable(Recent(KEPT))
_versions = Versions()
#: Keys of what Numba does not compile at all, with the number of arguments.
_called: set[tuple[bytes | None, int]] = clearable(set())
#: Ufuncs that callers hold.
_exposed: dict[int, Ufunc] = {}


def function(f: _typing.Function, nargs: int) -> ElementwiseFunction:
    """Return the `ElementwiseFunction` of `f`; it is kept as long as nothing that `f` refers to has changed."""
    elementwise, data = record_of(_Elementwise, f, nargs)
    return ElementwiseFunction(elementwise, data) if data else elementwise.function


def _code(origin: CodeType | None, reading: Reading, nargs: int) -> Code | None:
    """Find or make the machine code of a reading; None if the values that are part of it change every time."""
    code = _codes.get((reading.key, nargs))
    if code is None:
        if not _versions.admit(origin, reading.key):
            return None
        code = Code(reading, nargs)
    _codes[reading.key, nargs] = code
    return code
