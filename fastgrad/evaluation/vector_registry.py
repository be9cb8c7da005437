"""What is remembered about functions of vectors, shared among functions of the same code.

Functions of the same code that capture values of the same kinds and shapes, as fresh closures do, share what was learnt
about one of them, and its machine code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ..compilation.caches import Recent, clearable
from ..compilation.kernels import LOCK
from .registry import Record
from .result_shape import Form
from .row_call import RowCall

#: Forms that are remembered, of one function and of all: a whole number among the arguments makes one of its own.
_FORMS, _FORMS_OF_ALL = 64, 256

#: Code of functions whose machine code was compared with Python, by the key of what was read.
_trusted: dict[bytes, WeakSet[Any]] = clearable(Recent(_FORMS_OF_ALL))

#: Forms of functions that run as machine code, by the key of what was read and that of the arguments.
_forms: dict[tuple[bytes, Any], Form] = clearable(Recent(_FORMS_OF_ALL))


class VectorRecord(Record):
    """What is remembered about one function of a vector."""

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.one = RowCall(f, nargs)
        self.is_warned = False
        self.lock = threading.RLock()  # `f` may differentiate itself
        super().__init__(f, nargs)

    def read(self, captures: bool) -> None:
        """Read the function, and forget its forms."""
        self._forms: dict[Any, Form] = Recent(_FORMS)
        super().read(captures)

    def form(self, key: Any) -> Form | None:
        """Return the form for arguments of a key, of this function or another of the same code."""
        form = self._forms.get(key)
        if form is not None or self.reading is None:
            return form
        form = _forms.get((self.reading.key, key))
        if form is None or self.origin not in _trusted.get(self.reading.key, ()):
            return None
        self._forms[key] = form = form.copy()
        return form

    def remember(self, key: Any, form: Form) -> None:
        """Remember a form, for this function and others of the same code."""
        self._forms[key] = form
        if self.reading is not None and form.is_compiled:
            with LOCK:
                _forms[self.reading.key, key] = form.copy()

    def trust(self) -> None:
        """Trust machine code of the same key for other functions of the same code."""
        if self.reading is not None and self.origin is not None:
            codes = _trusted[self.reading.key] = _trusted.get(self.reading.key) or WeakSet()
            codes.add(self.origin)
