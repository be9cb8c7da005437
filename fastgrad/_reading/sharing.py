"""Which functions two threads may be inside at once: those that are read and found to write to nothing they share.

Nobody can see from outside whether a function works in memory of its own: a scratch buffer, a memo, a counter. So its
code is read the way Numba reads it, and every value in it is followed: what the function was given and what it makes
is its own; what it refers to (globals, closure, defaults, attributes, all as they are now) is shared, and so is every
view of it. A function passes if it writes to nothing shared and calls nothing but functions known to do the same:
NumPy's and SciPy's ufuncs, a list of NumPy's functions, Python functions that pass in turn. Whatever is not understood
does not pass, and costs a second thread, no more.
"""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from numba.core.compiler import run_frontend

from .._compiling.kernels import quiet
from .._signals import hear
from .belongings import (
    HELD,
    OWN,
    Bound,
    Known,
    Method,
    Plain,
    Row,
    Unproven,
    any_shared,
    attribute_of_class,
    plain,
)
from .following import SILENCE, Frame
from .harmless import KEYWORDS, called, is_ufunc, method
from .watching import Watch

#: Statements looked at before a function counts as too large to read, and calls within calls.
_STATEMENTS, _DEPTH = 20_000, 16


class Proof:
    """What reading a function has shown; `holds` tells whether what was read is still there.

    Parameters
    ----------
    f : callable
        The function.
    nargs : int
        How many arguments it gets: numbers, and arrays that nobody else has.
    shared : int
        How many more after those: numbers, and arrays that all calls get.
    """

    def __init__(self, f: Callable[..., Any], nargs: int, shared: int = 0) -> None:
        self.watch = Watch()
        self._read: dict[FunctionType, Any] = {}
        self.statements_left = _STATEMENTS
        self._under_way: list[FunctionType] = []
        self.obstacle = ""
        """Why it was not found."""
        try:
            with quiet():
                given = [OWN] * nargs + [Plain(True, True)] * shared
                plain(self.call(Known(f), given, {}), self.watch)
        except Exception as err:  # Numba's reader knows many ways to refuse, and none of them is the user's concern
            hear(err)
            self.obstacle = f"{type(err).__name__}: {err}"
        self._read.clear()

    @property
    def found(self) -> bool:
        """Whether the function was found to share nothing that it writes to."""
        return not self.obstacle

    def holds(self) -> bool:
        """Tell whether everything that was read is still what it was."""
        return self.watch.holds()

    # Functions --------------------------------------------------------------------------------------------------------

    def _function(self, f: FunctionType, given: list[Any], named: dict[str, Any]) -> Any:
        """Follow a Python function from its arguments to what it returns."""
        if f in self._under_way or len(self._under_way) >= _DEPTH:
            raise Unproven(f"`{f.__qualname__}` calls itself, or too deep")
        self.watch.function(f)
        if f.__kwdefaults__:
            self.watch.holder(f.__kwdefaults__)
        signature = inspect.signature(f, follow_wrapped=False)
        bound = signature.bind(*given, **named).arguments
        values: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_POSITIONAL:
                values[name] = Row(bound.get(name, ()))
            elif parameter.kind is parameter.VAR_KEYWORD:
                if bound.get(name):
                    raise Unproven(f"`{f.__qualname__}` takes any keyword")
                values[name] = HELD
            else:
                values[name] = bound[name] if name in bound else Known(parameter.default)
        if f not in self._read:
            _refuse_writing(f.__code__)
            self._read[f] = run_frontend(f)
        self._under_way.append(f)
        try:
            return Frame(self, f, values).run(self._read[f])
        finally:
            self._under_way.pop()

    def call(self, f: Any, given: list[Any], named: dict[str, Any]) -> Any:
        """Follow a call."""
        if isinstance(f, Method):
            self._arguments(given, named)
            return method(f, len(given))
        if isinstance(f, Bound):
            return self.call(f.function, [f.owner, *given], named)
        if not isinstance(f, Known):
            raise Unproven("calls what it has computed")
        value = f.value
        if isinstance(value, MethodType):
            return self.call(Known(value.__func__), [Known(value.__self__), *given], named)
        if type(value) is functools.partial:
            self.watch.holder(value.keywords)
            more = {name: Known(v) for name, v in value.keywords.items()}
            return self.call(Known(value.func), [*map(Known, value.args), *given], {**more, **named})
        if value is np.errstate:
            if given or not all(isinstance(v, Known) and type(v.value) is str for v in named.values()):
                raise Unproven("`numpy.errstate` with more than words")
            return SILENCE
        if value is isinstance and len(given) == 2 and isinstance(given[1], Known) and not named:
            plain(given[0], self.watch)
            kinds = given[1].value if type(given[1].value) is tuple else (given[1].value,)
            if all(type(k) is type and k.__module__ in ("builtins", "numpy") for k in kinds):
                return OWN
            raise Unproven("`isinstance` of a class of its own")
        if is_ufunc(value):
            return self._ufunc(value, given, named)
        known = called(value)
        if known is not None:
            by_name, most, result = known
            arguments = self._arguments(given, named)
            if len(given) > most or (named and not by_name):
                raise Unproven(f"`{value.__name__}` may be told where to write")
            return Plain(any_shared(arguments), result.numeric) if result.shared else result
        if isinstance(value, FunctionType):
            return self._function(value, given, named)
        call = attribute_of_class(type(value), "__call__", self.watch) if type(type(value)) is type else None
        if isinstance(call, FunctionType):
            return self._function(call, [f, *given], named)
        raise Unproven(f"calls {value!r:.80}")

    def _arguments(self, given: list[Any], named: dict[str, Any]) -> list[Plain]:
        """Look at the arguments of a function that is not read."""
        if not KEYWORDS.issuperset(named):
            raise Unproven(f"is called with {sorted(named)}")
        return [self._argument(a) for a in (*given, *named.values())]

    def _argument(self, value: Any) -> Plain:
        if isinstance(value, Known) and type(value.value) is str:
            try:
                objects = np.dtype(value.value).hasobject
            except TypeError:  # "right", "valid"
                objects = False
            if objects:
                raise Unproven("makes an array of objects")
            return HELD
        return plain(value, self.watch)

    def _ufunc(self, f: Any, given: list[Any], named: dict[str, Any]) -> Any:
        """Follow a call of a ufunc, which may be given places for its results."""
        named = dict(named)
        places, out = given[f.nin :], named.pop("out", None)
        if out is not None:
            places += out.items if isinstance(out, Row) else [out]
        self._arguments(given[: f.nin], named)
        for place in places:
            if place != Known(None) and place != OWN:
                raise Unproven(f"`{f.__name__}` writes into what may be shared")
        return OWN if f.nout == 1 else Row((OWN,) * f.nout)


def _refuse_writing(code: CodeType) -> None:
    """Raise where code writes outside its own variables, or is not run at once: what Numba's reader may pass over."""
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise Unproven("is a generator")
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if not name.startswith(("STORE_", "DELETE_", "IMPORT_")):
            continue
        if name.startswith(("STORE_FAST", "STORE_SUBSCR", "STORE_SLICE", "DELETE_FAST")):
            continue
        if name == "STORE_DEREF" and instruction.argval not in code.co_freevars:
            continue
        raise Unproven(f"does {name}")
