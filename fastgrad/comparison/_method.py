"""What a method is: a way to differentiate on arrays, and to say how far the result is to be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..rules.stencils import Stencil


class Answer(NamedTuple):
    """What a method says at every point of a batch: arrays of one shape."""

    df: Any
    #: Its error bar; NaN where it gives none.
    error: Any
    #: Whether it believes itself; True where it has no such flag.
    success: Any
    nfev: Any


Elementwise = Callable[..., Any]


class Counted:
    """A function that counts its evaluations; as an object it is called with arrays, whatever is inside."""

    def __init__(self, f: Elementwise) -> None:
        self._f = f
        self.count = 0

    def __call__(self, *args: Any) -> Any:
        """Evaluate and count."""
        self.count += max(np.size(a) for a in args)
        return self._f(*args)


@dataclass(frozen=True)
class Method:
    """A way to differentiate an elementwise function on arrays.

    Parameters
    ----------
    name : str
        What a caller would write.
    label : str
        What stands over a column; at most nine letters a line.
    run : callable
        ``run(f, args, wrt)`` returns the derivative at every point, as fast as the method can.
    estimate : callable, optional
        ``estimate(f, args, wrt)`` returns an `Answer`.
    ours : bool
        Whether fastgrad runs it; other libraries get a version of `f` that takes arrays.
    limit : int, optional
        Most points it is run on, because it is slow.
    barred : int
        Points at which it is asked for its error bar.
    traced : bool
        Whether it reads the formula of `f` instead of calling it: it gets `f` as it is, and evaluates nothing.
    stencil : Stencil, optional
        The rule, where there is one with a fixed step: it gets a curve of error against step.
    """

    name: str
    label: str
    run: Callable[[Elementwise, tuple[Any, ...], int], Any]
    estimate: Callable[[Elementwise, tuple[Any, ...], int], Answer] | None = field(default=None, compare=False)
    ours: bool = True
    limit: int | None = None
    barred: int = 1000
    traced: bool = False
    stencil: Stencil | None = field(default=None, compare=False)
