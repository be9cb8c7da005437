"""Calls of the caller's function with one vector at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .results import as_rows
from .signatures import fills_output, weak
from .user_calls import DOMAIN_ERRORS, OUTSIDE, call, probe


class RowCall:
    """A function of the caller's as one of a single vector.

    It is called as ``f(x, *args)``; as ``f(x, *args, out)``, if it takes that many arguments; or, if it refuses a
    vector but not a batch of one, with that. It gets copies, because it may write into its argument.
    """

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.fills = fills_output(f, nargs)
        """Whether it fills an array, of as many results as coordinates."""
        self._f = weak(f)
        self._batched: bool | None = None
        """Whether it takes batches only, of shape (k, d); None before the first call."""

    @property
    def is_batched(self) -> bool:
        """Whether it takes batches only."""
        return bool(self._batched)

    def __call__(self, vector: Any, args: tuple[Any, ...], beside: bool = False) -> Any:
        """Value of `f` at a vector, an array; `OUTSIDE` where its domain ends."""
        if self.fills:
            return self._fill(vector, args, beside)
        if self._batched:
            values = call(self._f(), vector[None].copy(), *args, beside=beside)
            return values if values is OUTSIDE else as_rows(values)[0]
        if self._batched is None:
            return self._first(vector, args, beside)
        value = call(self._f(), vector.copy(), *args, beside=beside)
        return value if value is OUTSIDE else as_rows(value)

    def _first(self, vector: Any, args: tuple[Any, ...], beside: bool) -> Any:
        """Call it for the first time, with a vector, or with a batch of one as models of statistics want it."""
        value, error = probe(lambda: as_rows(self._f()(vector.copy(), *args)))
        if error is None:
            self._batched = False
            return value
        values, refusal = probe(lambda: as_rows(self._f()(vector[None].copy(), *args)))
        if refusal is not None or values.ndim == 0 or len(values) != 1:
            if beside and isinstance(error, DOMAIN_ERRORS):
                return OUTSIDE
            raise error
        self._batched = True
        return values[0]

    def _fill(self, vector: Any, args: tuple[Any, ...], beside: bool) -> Any:
        """Have an array filled."""
        out = np.full(vector.size, np.nan)
        returned = call(self._f(), vector.copy(), *args, out, beside=beside)
        if returned is OUTSIDE:
            return OUTSIDE
        if returned is not None and returned is not out:
            raise TypeError(
                f"`f` must take the vector and {len(args)} more argument{'s' * (len(args) != 1)}, or fill one more and "
                f"return None; got one that takes one more and returns a {type(returned).__name__}. Pass it in `args`."
            )
        return out
