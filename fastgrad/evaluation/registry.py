"""What is remembered about the caller's functions, as long as they live and refer to the same things.

Functions of the same code that capture values of the same kinds and shapes, as fresh closures do, share what was learnt
about one of them, and its machine code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import partial
from types import CodeType
from typing import Any, TypeVar
from weakref import WeakSet

from .._parallel import CallSize, CostEstimate
from .._typing import Function
from ..compilation.caches import KEPT, Recent, clearable
from ..compilation.dependencies import weak
from ..compilation.kernels import LOCK
from ..compilation.references import Reading, read
from .called import RowCall
from .results import Form
from .signatures import code_of

#: Tests that functions pass: machine code agrees with Python, and no point changes the value at another.
AGREES, ELEMENTWISE = "agrees", "elementwise"

#: Forms that are remembered, of one function and of all: a whole number among the arguments makes one of its own.
_FORMS, _FORMS_OF_ALL = 64, 256

#: Code of functions that passed a test, by kind of record, name of the test, key of what was read, number of arguments.
_passed: dict[tuple[type, str, bytes, int], WeakSet[CodeType]] = clearable(Recent(8 * KEPT))

#: Kinds of records and keys of what Numba compiles only with captured values as constants.
_constants: set[tuple[type, bytes]] = clearable(set())

#: Forms of functions that run as machine code, by the key of what was read and that of the arguments.
_forms: dict[tuple[bytes, Hashable], Form] = clearable(Recent(_FORMS_OF_ALL))


class FunctionRecord:
    """What is remembered about one function; neither it nor what it refers to is kept alive.

    `nargs` counts its arguments, or those after the vector.
    """

    def __init__(self, f: Function, nargs: int) -> None:
        self.f, self.nargs, self.origin = weak(f), nargs, code_of(f)
        self.costs: dict[Hashable, CostEstimate] = {}
        """What a point costs, by what is computed."""
        self.call_size = CallSize()
        self.reading: Reading | None = None
        self.key: bytes | None = None
        """Key of what was read with captured values as arguments."""
        self.captured_values: Callable[[], list[object] | None]
        """Captured values as they are now, None when the function is to be read again."""
        self.read(True)

    def cost(self, key: Hashable) -> CostEstimate:
        """Return what a point has cost for what `key` stands for."""
        return self.costs.setdefault(key, CostEstimate())

    def read(self, captures: bool) -> None:
        """Read the function, with captured values as arguments of its machine code or as parts of it."""
        self.reading, self.captured_values = read(self.f(), captures)
        if captures:
            self.key = None if self.reading is None else self.reading.key
        if self.reading is not None and self.reading.captured and (type(self), self.reading.key) in _constants:
            self.reading, self.captured_values = read(self.f(), False)

    def read_as_constants(self) -> None:
        """Read the function, and others of the same content, with captured values as parts of its machine code."""
        if self.key is not None:
            _constants.add((type(self), self.key))
        self.read(False)

    def note(self, test: str) -> None:
        """Note that the function passed a test, for all functions of the same code and key."""
        if self.reading is not None and self.origin is not None:
            key = type(self), test, self.reading.key, self.nargs
            _passed[key] = codes = _passed.get(key) or WeakSet()
            codes.add(self.origin)

    def has_passed(self, test: str) -> bool:
        """Tell whether a function of the same code and key passed a test."""
        if self.reading is None:
            return False
        return self.origin in _passed.get((type(self), test, self.reading.key, self.nargs), ())


class VectorRecord(FunctionRecord):
    """What is remembered about one function of a vector."""

    def __init__(self, f: Function, nargs: int) -> None:
        self.one = RowCall(f, nargs)
        self.is_warned = False
        self.lock = threading.RLock()  # `f` may differentiate itself
        super().__init__(f, nargs)

    def read(self, captures: bool) -> None:
        """Read the function, and forget its forms."""
        self._forms: dict[Hashable, Form] = Recent(_FORMS)
        super().read(captures)

    def form(self, key: Hashable) -> Form | None:
        """Return the form for arguments of a key, of this function or another of the same code."""
        form = self._forms.get(key)
        if form is not None or self.reading is None:
            return form
        form = _forms.get((self.reading.key, key))
        if form is None or not self.has_passed(AGREES):
            return None
        self._forms[key] = form = form.copy()
        return form

    def remember(self, key: Hashable, form: Form) -> None:
        """Remember a form, for this function and others of the same code."""
        self._forms[key] = form
        if self.reading is not None and form.is_compiled:
            with LOCK:
                _forms[self.reading.key, key] = form.copy()


_K = TypeVar("_K", bound=FunctionRecord)

#: By kind, identity and number of arguments: a weak reference, which tells whether it is still the same function, and
#: what is remembered.
_functions: dict[tuple[type, int, int], tuple[Callable[[], Any], Any]] = clearable({})


def record_of(kind: type[_K], f: Function, nargs: int) -> tuple[_K, list[object]]:
    """Find or make what is remembered about `f`; return it, and the values that `f` captures now."""
    key = kind, id(f), nargs
    entry = _functions.get(key)
    if entry is not None and entry[0]() is f:
        values = entry[1].captured_values()
        if values is not None:
            return entry[1], values
    with LOCK:
        function = kind(f, nargs)
        # no function of Python: a signal's exception would be lost in it
        _functions[key] = (weak(f, partial(_functions.pop, key)), function)
        values = function.captured_values()
        if values is None:
            if function.reading is not None and function.reading.captured:  # it changes while it is read
                function.read(False)
            values = []
        return function, values
