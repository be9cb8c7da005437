"""Which functions two threads may be inside at once: those that are read and found to write to nothing they share.

Nobody can see from outside whether a function works in memory of its own: a scratch buffer, a memo, a counter. So its
code is read the way Numba reads it, and every value in it is followed: what the function was given and what it makes
is its own; what it refers to (globals, closure, defaults, attributes, all as they are now) is shared, and so is every
view of it. A function passes if it writes to nothing shared and calls nothing but functions known to do the same:
NumPy's and SciPy's ufuncs, a list of NumPy's functions, Python functions that pass in turn. Whatever is not understood
does not pass, and costs a second thread, no more.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import operator
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from numba.core import ir
from numba.core.compiler import run_frontend

from ._belongings import (
    HELD,
    OWN,
    Bound,
    Known,
    Method,
    Plain,
    Row,
    Unproven,
    any_shared,
    attribute,
    attribute_of_class,
    elements,
    join,
    plain,
)
from ._compile import quiet
from ._harmless import KEYWORDS, called, is_ufunc, method
from ._watching import ABSENT, Watch

#: Statements looked at before a function counts as too large to read, and calls within calls.
_STATEMENTS, _DEPTH = 20_000, 16

_SILENCE = "numpy.errstate"


class Proof:
    """What reading a function has shown; `holds` tells whether what was read is still there.

    Parameters
    ----------
    f : callable
        The function.
    nargs : int
        How many arguments it gets: numbers, and arrays that nobody else has.
    """

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.watch = Watch()
        self._read: dict[FunctionType, Any] = {}
        self.left = _STATEMENTS
        self._under_way: list[FunctionType] = []
        self.obstacle = ""
        """Why it was not found."""
        try:
            with quiet():
                plain(self.call(Known(f), [OWN] * nargs, {}), self.watch)
        except Exception as err:  # Numba's reader knows many ways to refuse, and none of them is the user's concern
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
            return _Frame(self, f, values).run(self._read[f])
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
            return _SILENCE
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


class _Frame:
    """One function as it is followed: what its variables may be."""

    def __init__(self, proof: Proof, f: FunctionType, given: dict[str, Any]) -> None:
        self._proof, self._f, self._given = proof, f, given
        self._variables: dict[str, Any] = {}
        self._returned: Any = None
        self._changed = False

    def run(self, read: Any) -> Any:
        """Follow all statements until nothing changes; values only ever become less known."""
        while True:
            self._changed = False
            for block in read.blocks.values():
                for statement in block.body:
                    self._proof.left -= 1
                    if self._proof.left < 0:
                        raise Unproven("is too large to read")
                    self._statement(statement)
            if not self._changed:
                break
        if self._returned is None:
            raise Unproven("never returns")
        return self._returned

    def _statement(self, s: Any) -> None:
        if isinstance(s, ir.Assign):
            value = self._value(s.value)
            if value is not None:
                known = self._variables.get(s.target.name)
                made = value if known is None else join(known, value, self._proof.watch)
                if made != known:
                    self._variables[s.target.name], self._changed = made, True
        elif isinstance(s, ir.Return):
            value = self._get(s.value)
            if value is not None:
                made = value if self._returned is None else join(self._returned, value, self._proof.watch)
                self._changed |= made != self._returned
                self._returned = made
        elif isinstance(s, ir.SetItem):
            target, index, value = self._get(s.target), self._get(s.index), self._get(s.value)
            if target is not None and index is not None and value is not None:
                plain(index, self._proof.watch)
                self._write(target, value)
        elif isinstance(s, ir.EnterWith):
            if self._get(s.contextmanager) not in (None, _SILENCE):
                raise Unproven("enters a context")
        elif not isinstance(s, ir.Del | ir.Jump | ir.Branch | ir.PopBlock | ir.Raise | ir.StaticRaise):
            raise Unproven(f"does `{s}`")

    def _write(self, target: Any, value: Any) -> None:
        """Write something into something, which both must be its own."""
        watch = self._proof.watch
        if isinstance(target, Known) or plain(target, watch).shared:
            raise Unproven("writes into what it shares")
        if plain(value, watch).shared:
            raise Unproven("keeps what it shares")

    def _get(self, variable: Any) -> Any:
        """Value of a variable, None as long as nothing is known about it."""
        return self._variables.get(variable.name)

    def _value(self, e: Any) -> Any:
        """Follow the right-hand side of an assignment; None as long as its parts are not known."""
        watch = self._proof.watch
        if isinstance(e, ir.Var):
            return self._get(e)
        if isinstance(e, ir.Arg):
            return self._given[e.name]
        if isinstance(e, ir.Const):
            return Known(e.value)
        if isinstance(e, ir.Global):
            names = self._f.__globals__
            if e.name in names:
                watch.name(names, e.name, names[e.name])
                return Known(names[e.name])
            watch.name(names, e.name, ABSENT)
            return Known(getattr(builtins, e.name))
        if isinstance(e, ir.FreeVar):
            cell = (self._f.__closure__ or ())[self._f.__code__.co_freevars.index(e.name)]
            watch.cell(cell, cell.cell_contents)
            return Known(cell.cell_contents)
        if not isinstance(e, ir.Expr):
            raise Unproven(f"holds `{e}`")
        if e.op == "undef":
            return None
        operands = [self._get(v) for v in e.list_vars()]
        if any(value is None for value in operands):
            return None
        if e.op == "call":
            return self._called(e)
        if e.op == "getattr":
            return attribute(self._get(e.value), e.attr, watch)
        if e.op == "build_tuple":
            return Row(tuple(operands))
        if e.op in ("cast", "iternext", "pair_first", "exhaust_iter"):
            return operands[0]
        if e.op == "pair_second":
            return OWN
        if e.op in ("getitem", "static_getitem"):
            return self._item(e)
        if e.op == "getiter":
            return elements(operands[0], watch)
        if e.op == "inplace_binop":
            return self._in_place(self._get(e.lhs), self._get(e.rhs))
        found = [plain(v, watch) for v in operands]
        if e.op in ("binop", "unary"):
            numeric = all(v.numeric for v in found)
            return OWN if numeric or e.fn in _COMPARISONS else Plain(any_shared(found), False)
        if e.op in ("build_list", "build_set", "build_map"):
            return Plain(any_shared(found), False)
        raise Unproven(f"does `{e.op}`")

    def _called(self, e: Any) -> Any:
        given = [self._get(v) for v in e.args]
        if e.vararg is not None:
            more = self._get(e.vararg)
            if not isinstance(more, Row):
                raise Unproven("calls with arguments it has computed")
            given += more.items
        if e.varkwarg is not None and self._get(e.varkwarg) != HELD:
            raise Unproven("calls with keywords it has computed")
        f = self._get(e.func)
        if isinstance(f, Method) and not f.of.numeric:
            if f.name != "append" or len(given) != 1 or e.kws:
                raise Unproven(f"calls `.{f.name}`")
            self._write(f.of, given[0])
            return Known(None)
        return self._proof.call(f, given, {name: self._get(v) for name, v in e.kws})

    def _item(self, e: Any) -> Any:
        watch, value = self._proof.watch, self._get(e.value)
        if isinstance(value, Row):
            index = e.index if e.op == "static_getitem" else getattr(self._get(e.index), "value", None)
            if type(index) is int and -len(value.items) <= index < len(value.items):
                return value.items[index]
        if e.op == "getitem":
            plain(self._get(e.index), watch)
        return elements(value, watch)

    def _in_place(self, left: Any, right: Any) -> Plain:
        watch = self._proof.watch
        to, of = plain(left, watch), plain(right, watch)
        if to.shared or (isinstance(left, Known) and to != OWN):  # a number that is known is not written into
            raise Unproven("writes into what it shares")
        if to.numeric and of.numeric:
            return OWN
        if not to.numeric:
            self._write(left, right)
        return Plain(of.shared, False)  # a number times a list is a list


_COMPARISONS = {operator.is_, operator.is_not, operator.eq, operator.ne, operator.lt, operator.le, operator.gt,
                operator.ge, operator.contains, operator.not_}  # fmt: skip


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
