"""One vector at a time: the ways in which a function may take it, and give its value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .._signals import hear
from .request import check_callable, takes, weak
from .result_shape import stacked


class Single:
    """A function of the caller's as one of a single vector.

    It is called as ``f(x, *args)``; as ``f(x, *args, out)``, if it takes that many arguments; or, if it refuses a
    vector but not a batch of one, with that. It gets copies, because it may write into its argument.
    """

    def __init__(self, f: Callable[..., Any], nargs: int) -> None:
        self.fills = _fills(f, nargs)
        """Whether it fills an array, of as many results as coordinates."""
        self._f = weak(f)
        self._batched: bool | None = None
        """Whether it takes batches only, of shape (k, d); None while nobody knows."""

    @property
    def is_batched(self) -> bool:
        """Whether it takes batches only."""
        return bool(self._batched)

    def __call__(self, vector: Any, args: tuple[Any, ...]) -> Any:
        """Value of `f` at a vector."""
        if self.fills:
            return self._filled(vector, args)
        if self._batched:
            return stacked(self._f()(vector[None].copy(), *args))[0]
        try:
            value = stacked(self._f()(vector.copy(), *args))
        except Exception as raised:
            hear(raised)
            if self._batched is None and (value := self._alone_in_a_batch(vector, args)) is not None:
                return value
            raise
        self._batched = False
        return value

    def _filled(self, vector: Any, args: tuple[Any, ...]) -> Any:
        """Have an array filled."""
        out = np.full(vector.size, np.nan)
        returned = self._f()(vector.copy(), *args, out)
        if returned is not None and returned is not out:
            raise TypeError(
                f"`f` must take the vector and {len(args)} more argument{'s' * (len(args) != 1)}, or fill one more and "
                f"return None; got one that takes one more and returns a {type(returned).__name__}. Pass it in `args`."
            )
        return out

    def _alone_in_a_batch(self, vector: Any, args: tuple[Any, ...]) -> Any:
        """Value of `f` at a batch of one vector, as models of statistics and learning want it; None if it refuses."""
        try:
            values = stacked(self._f()(vector[None].copy(), *args))
        except Exception as raised:
            hear(raised)
            return None
        if values.ndim == 0 or len(values) != 1:
            return None
        self._batched = True
        return values[0]


def _fills(f: Any, nargs: int) -> bool:
    """Check that `f` takes a vector and `nargs` more arguments; tell whether it wants an array to fill besides."""
    if takes(f, 1 + nargs):
        return False
    check_callable(f)
    if isinstance(getattr(f, "signature", None), str):  # Numba's gufunc shows the function it was made of
        return False
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some builtins do not tell
        return False
    for extra in (0, 1):
        try:
            signature.bind(*[None] * (1 + nargs + extra))
        except TypeError:
            continue
        return bool(extra)
    raise TypeError(
        f"`f` must take the vector and {nargs} more argument{'s' * (nargs != 1)}; got "
        f"{getattr(f, '__name__', 'f')}{signature}. Pass what else it takes as `args`."
    )
