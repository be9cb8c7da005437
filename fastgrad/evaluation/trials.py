"""First calls at a few points: they do not compile where calling the function as it is takes less time."""

from __future__ import annotations

from ..compilation.caches import KEPT, Recent, clearable

#: Points up to which a function without machine code is called.
FEW = 32

#: Expected number of evaluations for each derivative.
_EVALUATIONS = 20


class Trial:
    """How long functions have been called for want of machine code, by the key of what was read.

    They are called for so many `seconds`: a quarter of what compiling takes.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._spent: dict[bytes, float] = clearable(Recent(8 * KEPT))

    def allows(self, key: bytes, derivatives: int, seconds: float = 0.0) -> bool:
        """Tell whether a function is to be called for so many derivatives, where a call takes so many seconds."""
        return self._spent.get(key, 0.0) + seconds * derivatives * _EVALUATIONS < self.seconds

    def spend(self, key: bytes, seconds: float) -> None:
        """Add up the time of a call; it counts as a twentieth at most: it may wait for what all functions share."""
        self._spent[key] = self._spent.get(key, 0.0) + min(seconds, self.seconds / 20)


#: Of elementwise functions, and of functions of vectors, whose loops take seconds to compile in an empty cache.
ELEMENTWISE, VECTORS = Trial(0.1), Trial(0.5)


def compile_at_first_call() -> None:
    """Compile at the first call from now on: for benchmarks, tests, and processes that fill the cache."""
    ELEMENTWISE.seconds = VECTORS.seconds = 0.0
