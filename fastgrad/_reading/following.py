"""One function followed statement by statement, as Numba reads it: what its variables may be, and what it writes."""

from __future__ import annotations

import builtins
import operator
from types import FunctionType
from typing import Any, Protocol

from numba.core import ir

from .belongings import (
    HELD,
    OWN,
    Known,
    Method,
    Plain,
    Row,
    Unproven,
    any_shared,
    attribute,
    elements,
    join,
    plain,
)
from .watching import ABSENT, Watch

#: What a context manager that silences NumPy is taken for.
SILENCE = "numpy.errstate"


class Reader(Protocol):
    """Who follows a function into those that it calls."""

    watch: Watch
    statements_left: int
    """How many may still be looked at."""

    def call(self, f: Any, given: list[Any], named: dict[str, Any]) -> Any:
        """Follow a call."""


class Frame:
    """One function as it is followed: what its variables may be."""

    def __init__(self, reader: Reader, f: FunctionType, given: dict[str, Any]) -> None:
        self._reader, self._f, self._given = reader, f, given
        self._variables: dict[str, Any] = {}
        self._returned: Any = None
        self._changed = False

    def run(self, read: Any) -> Any:
        """Follow all statements until nothing changes; values only ever become less known."""
        while True:
            self._changed = False
            for block in read.blocks.values():
                for statement in block.body:
                    self._reader.statements_left -= 1
                    if self._reader.statements_left < 0:
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
                made = value if known is None else join(known, value, self._reader.watch)
                if made != known:
                    self._variables[s.target.name], self._changed = made, True
        elif isinstance(s, ir.Return):
            value = self._get(s.value)
            if value is not None:
                made = value if self._returned is None else join(self._returned, value, self._reader.watch)
                self._changed |= made != self._returned
                self._returned = made
        elif isinstance(s, ir.SetItem):
            target, index, value = self._get(s.target), self._get(s.index), self._get(s.value)
            if target is not None and index is not None and value is not None:
                plain(index, self._reader.watch)
                self._write(target, value)
        elif isinstance(s, ir.EnterWith):
            if self._get(s.contextmanager) not in (None, SILENCE):
                raise Unproven("enters a context")
        elif not isinstance(s, ir.Del | ir.Jump | ir.Branch | ir.PopBlock | ir.Raise | ir.StaticRaise):
            raise Unproven(f"does `{s}`")

    def _write(self, target: Any, value: Any) -> None:
        """Write something into something, which both must be its own."""
        watch = self._reader.watch
        if isinstance(target, Known) or plain(target, watch).shared:
            raise Unproven("writes into what it shares")
        if plain(value, watch).shared:
            raise Unproven("keeps what it shares")

    def _get(self, variable: Any) -> Any:
        """Value of a variable, None as long as nothing is known about it."""
        return self._variables.get(variable.name)

    def _value(self, e: Any) -> Any:
        """Follow the right-hand side of an assignment; None as long as its parts are not known."""
        watch = self._reader.watch
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
        return self._reader.call(f, given, {name: self._get(v) for name, v in e.kws})

    def _item(self, e: Any) -> Any:
        watch, value = self._reader.watch, self._get(e.value)
        if isinstance(value, Row):
            index = e.index if e.op == "static_getitem" else getattr(self._get(e.index), "value", None)
            if type(index) is int and -len(value.items) <= index < len(value.items):
                return value.items[index]
        if e.op == "getitem":
            plain(self._get(e.index), watch)
        return elements(value, watch)

    def _in_place(self, left: Any, right: Any) -> Plain:
        watch = self._reader.watch
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
