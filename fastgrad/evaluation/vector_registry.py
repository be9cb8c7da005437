"""What is known about functions of vectors: found out once, and shared among functions of the same code.

Functions of the same code that capture values of the same kinds and shapes, as fresh closures do, share what was found
out about one of them, and its machine code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ..compilation.kernels import LOCK
from ..compilation.references import read
from .request import weak
from .result_shape import Form
from .row_call import Single
from .vector_code import code_of

#: Forms that are remembered, of one function and of all: a whole number among the arguments makes one of its own.
_FORMS, _ALL_FORMS = 64, 1024

#: Keys of what Numba compiles only with its captured values as constants.
_constant: set[bytes] = set()

#: Code of functions whose machine code was compared with Python, by the key of what was read.
_trusted: dict[bytes, WeakSet[Any]] = {}

#: What was found out about functions as machine code, by the key of what was read and that of the arguments.
_forms: dict[tuple[bytes, Any], Form] = {}


class Known:
    """What is remembered about one function of the caller's; it is not kept alive, nor what it refers to."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.f = weak(f)
        self.one = Single(f, nargs)
        self.origin = code_of(f)
        self.warned = False
        self.lock = threading.RLock()  # `f` may differentiate itself
        self._read(True)

    def _read(self, captures: bool) -> None:
        """Read the function, with captured values as arguments of its machine code or as parts of it."""
        self._forms: dict[Any, Form] = {}
        self.reading, self.current = read(self.f(), captures)
        if self.reading is not None and self.reading.key in _constant:
            self._read(False)

    def read_as_constants(self) -> None:
        """Read the function, and others of the same content, with captured values as parts of its machine code."""
        if self.reading is not None:
            _constant.add(self.reading.key)
        self._read(False)

    def form(self, key: Any) -> Form | None:
        """Return what was found out for arguments of a key, about this function or another of the same code."""
        form = self._forms.get(key)
        if form is not None or self.reading is None:
            return form
        form = _forms.get((self.reading.key, key))
        if form is None or self.origin not in _trusted.get(self.reading.key, ()):
            return None
        self._forms[key] = form = form.copy()
        return form

    def remember(self, key: Any, form: Form) -> None:
        """Remember what was found out, for this function and others of the same code."""
        if len(self._forms) >= _FORMS:
            self._forms.clear()
        self._forms[key] = form
        if self.reading is not None and form.is_compiled:
            with LOCK:
                _forms[self.reading.key, key] = form.copy()
                while len(_forms) > _ALL_FORMS:
                    del _forms[next(iter(_forms))]

    def trust(self) -> None:
        """Trust machine code of the same key for other functions of the same code."""
        if self.reading is not None and self.origin is not None:
            _trusted.setdefault(self.reading.key, WeakSet()).add(self.origin)


_functions: dict[tuple[int, int], tuple[Any, Known]] = {}


def known_of(f: Any, nargs: int) -> tuple[Known, list[Any]]:
    """Find or make what is known about `f`; return it, and the values that `f` captures now."""
    key = id(f), nargs
    remembered = _functions.get(key)
    if remembered is not None and remembered[0]() is f:
        data = remembered[1].current()
        if data is not None:
            return remembered[1], data
    with LOCK:
        known = Known(f, nargs)
        _functions[key] = (weak(f, lambda _: _functions.pop(key, None)), known)
        data = known.current()
        if data is None:
            if known.reading is not None and known.reading.captured:  # it changes while it is read
                known._read(False)
            data = []
        return known, data
