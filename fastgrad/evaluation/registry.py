"""What is remembered about the caller's functions, as long as they live and refer to the same things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from .._parallel import CostEstimate
from ..compilation.caches import clearable
from ..compilation.kernels import LOCK
from ..compilation.references import Reading, read
from .signatures import code_of, weak


class Record:
    """What is remembered about one function; neither it nor what it refers to is kept alive.

    `nargs` counts its arguments, or those after the vector.
    """

    constants: ClassVar[set[bytes]]
    """Keys of what Numba compiles only with captured values as constants; each subclass has its own."""

    def __init_subclass__(cls) -> None:
        cls.constants = clearable(set())

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.f, self.nargs, self.origin = weak(f), nargs, code_of(f)
        self.costs: dict[Any, CostEstimate] = {}
        """What a point costs, by what is computed."""
        self.reading: Reading | None = None
        self.key: bytes | None = None
        """Key of what was read with captured values as arguments."""
        self.captured_values: Callable[[], list[Any] | None]
        """Captured values as they are now, None when the function is to be read again."""
        self.read(True)

    def cost(self, key: Any) -> CostEstimate:
        """Return what a point has cost for what `key` stands for."""
        return self.costs.setdefault(key, CostEstimate())

    def read(self, captures: bool) -> None:
        """Read the function, with captured values as arguments of its machine code or as parts of it."""
        self.reading, self.captured_values = read(self.f(), captures)
        if captures:
            self.key = None if self.reading is None else self.reading.key
        if self.reading is not None and self.reading.captured and self.reading.key in self.constants:
            self.reading, self.captured_values = read(self.f(), False)

    def read_as_constants(self) -> None:
        """Read the function, and others of the same content, with captured values as parts of its machine code."""
        if self.key is not None:
            self.constants.add(self.key)
        self.read(False)


_K = TypeVar("_K", bound=Record)

#: By kind, identity and number of arguments: a weak reference, which tells whether it is still the same function, and
#: what is remembered.
_functions: dict[tuple[type, int, int], tuple[Callable[[], Any], Any]] = clearable({})


def record_of(kind: type[_K], f: Any, nargs: int) -> tuple[_K, list[Any]]:
    """Find or make what is remembered about `f`; return it, and the values that `f` captures now."""
    key = kind, id(f), nargs
    entry = _functions.get(key)
    if entry is not None and entry[0]() is f:
        values = entry[1].captured_values()
        if values is not None:
            return entry[1], values
    with LOCK:
        function = kind(f, nargs)
        _functions[key] = (weak(f, lambda _: _functions.pop(key, None)), function)
        values = function.captured_values()
        if values is None:
            if function.reading is not None and function.reading.captured:  # it changes while it is read
                function.read(False)
            values = []
        return function, values
