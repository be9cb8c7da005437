"""The error of a function that cannot be traced, which names the line and the remedy, and methods that raise it."""

from __future__ import annotations

import inspect
import linecache
import os
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import DTypeLike

R = TypeVar("R")

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_NUMPY = os.path.dirname(np.__file__) + os.sep

#: State of this thread's tracing: `codes` of the caller's function and of its helpers; `inside`, the NumPy function
#: that works on nodes as on objects; `refused`, what was refused, even if `f` catches the error.
running = threading.local()


def is_strict() -> bool:
    """Tell whether `f` has to be a function of its arguments and captured numbers alone."""
    return getattr(running, "refused", None) is not None


def refusal(what: str, remedy: str) -> TypeError:
    """Return an error that names the line of the caller's function that cannot be traced."""
    frames = []
    frame = inspect.currentframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    codes = getattr(running, "codes", None) or ()
    candidates = [f for f in frames if f.f_code in codes]
    candidates += [f for f in frames if not f.f_code.co_filename.startswith((_PACKAGE, _NUMPY))]
    path, line = candidates[0].f_code.co_filename, candidates[0].f_lineno
    text = linecache.getline(path, line).strip()
    if inside := getattr(running, "inside", None):
        what = f"`np.{inside}` asks for {what}"
    where = f"{path}:{line}, `{text}`" if text else f"{path}:{line}"
    if (refused := getattr(running, "refused", None)) is not None:
        refused.append(what)
    return TypeError(f"`f` cannot be traced at {where}: {what}. {remedy}.")


def refuse(what: str, remedy: str) -> Callable[..., NoReturn]:
    """Make a method that refuses."""

    def method(self: object, *_: object) -> NoReturn:
        raise refusal(what, remedy)

    return method


def unless_strict(what: str, remedy: str, method: Callable[..., R]) -> Callable[..., R]:
    """Make a method that refuses where `f` has to be a function of its arguments and captured numbers alone."""

    def checked(self: object, *args: object) -> R:
        if is_strict():
            raise refusal(what, remedy)
        return method(self, *args)

    return checked


def refuse_rounding(dtype: DTypeLike | None) -> None:
    """Refuse any type but float64, where `f` has to be a function of its arguments alone."""
    if is_strict() and dtype is not None and np.dtype(dtype) != np.float64:
        raise refusal(f"values as {np.dtype(dtype)}", "Leave them float64")
