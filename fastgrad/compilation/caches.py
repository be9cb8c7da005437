"""What is remembered from call to call and can be forgotten: every such table is registered here."""

from __future__ import annotations

import gc
import linecache
from collections.abc import Callable
from types import CodeType
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary


class _Table(Protocol):
    def clear(self) -> None: ...


_T = TypeVar("_T", bound=_Table)
_K = TypeVar("_K")
_V = TypeVar("_V")

#: Functions whose machine code stays although they are gone: fresh closures over the same code find it again.
KEPT = 128

_tables: list[_Table] = []
_after: list[Callable[[], None]] = []


def after_clearing(function: Callable[[], None]) -> Callable[[], None]:
    """Decorate a function that `clear_cache` calls once all tables are empty."""
    _after.append(function)
    return function


def clearable(table: _T) -> _T:
    """Register a dictionary or a set that `clear_cache` empties; return it."""
    _tables.append(table)
    return table


class Recent(dict[_K, _V]):
    """A dictionary of at most `size` entries: a new one replaces the oldest."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __setitem__(self, key: _K, value: _V) -> None:
        """Add an entry, or make it the newest."""
        self.pop(key, None)
        super().__setitem__(key, value)
        while len(self) > self._size:
            self.pop(next(iter(self)), None)


class Versions:
    """Keys of machine code by the code of a function, as long as that lives.

    Code whose constants keep changing, whole numbers in a loop over `n`, is compiled a few times, then called.
    """

    #: Versions of one piece of code.
    MOST = 16

    def __init__(self) -> None:
        self._keys: WeakKeyDictionary[CodeType, set[bytes]] = clearable(WeakKeyDictionary())

    def admit(self, code: CodeType | None, key: bytes) -> bool:
        """Tell whether a version of the code is to be compiled; all are where the code is unknown, None."""
        keys = set() if code is None else self._keys.setdefault(code, set())
        if key not in keys and len(keys) >= self.MOST:
            return False
        keys.add(key)
        return True


def clear_cache() -> None:
    """Forget all functions that were compiled or probed, and unload their machine code.

    The next call of a function reads, compiles or loads it again, as in a new process. Kernels on disk stay. Without
    this call, machine code is unloaded when its function is gone and 128 others have been compiled since.

    Returns
    -------
    None
        Nothing.

    Raises
    ------
    RuntimeError
        When another thread registers a function meanwhile: no other thread may be inside a function of this package.

    Notes
    -----
    Ufuncs of gates, circuits, and functions of your own that Numba has compiled with derivatives inside keep their
    machine code. Numba and LLVM keep some tens of kilobytes for every function that they compile in this process, and
    nothing for those whose machine code is on disk. The first calls of a function at up to 32 points compile nothing.

    Examples
    --------
    >>> import fastgrad as fg
    >>> float(fg.derivative(lambda x: x * x, 3.0, method="central"))
    6.0
    >>> fg.clear_cache()
    """
    for table in _tables:
        table.clear()
    for name in [name for name in linecache.cache if name.startswith("<fastgrad ")]:
        del linecache.cache[name]
    gc.collect()  # what Numba makes of a function refers to itself
    for function in _after:
        function()
