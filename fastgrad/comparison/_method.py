"""A method: how to differentiate on arrays, and how far the result is to be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..rules.stencils import Stencil

Elementwise = Callable[..., Any]
Args = tuple[Any, ...]


class Answer(NamedTuple):
    """Estimates of a method at every point of a batch: arrays of one shape."""

    df: Any
    #: Error bound; NaN where the method gives none.
    error: Any
    #: Whether the method reports success; True where it has no such flag.
    success: Any
    nfev: Any


class Counted:
    """A function that counts its evaluations; it is an object, hence not compiled."""

    def __init__(self, f: Elementwise) -> None:
        self._f = f
        self.count = 0

    def __call__(self, *args: Any) -> Any:
        """Evaluate and count."""
        self.count += max(np.size(a) for a in args)
        return self._f(*args)


@dataclass(frozen=True)
class Method:
    """A way to differentiate an elementwise function on arrays."""

    name: str
    #: Head of a column; at most nine letters a line.
    label: str
    #: ``run(f, args, wrt)`` returns the derivative at every point, as fast as the method can.
    run: Callable[[Elementwise, Args, int], Any]
    #: ``estimate(f, args, wrt)`` returns an `Answer`.
    estimate: Callable[[Elementwise, Args, int], Answer] | None = field(default=None, compare=False)
    #: Whether fastgrad runs it; other libraries get a version of `f` that takes arrays.
    ours: bool = True
    #: Most points of a run, for a slow method.
    limit: int | None = None
    #: Points at which `estimate` is called.
    barred: int = 1000
    #: Whether it reads the formula of `f` instead of calling it: it gets `f` as it is, and evaluates nothing.
    traced: bool = False
    #: The rule, where its step is fixed: it gets a curve of error against step.
    stencil: Stencil | None = field(default=None, compare=False)
