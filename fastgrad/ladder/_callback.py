"""A Python function as the evaluator that the ladder calls: what it raises is carried over the machine code."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: An evaluator: addresses of the points, of the indices of their owners, how many, where the values go, a context.
EVALUATOR = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, ctypes.c_int64, *[ctypes.c_void_p] * 2)


@contextmanager
def hearing(callback: Any, failure: list[BaseException]) -> Iterator[None]:
    """Keep what is raised as a callback begins, before its own `try`: Ctrl-C, which ctypes would print and drop.

    Signals are heard by the main thread alone, so no other one touches the hook.
    """
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if lost.object is callback:
            failure.append(lost.exc_value or KeyboardInterrupt())
        else:
            before(lost)

    alone = threading.current_thread() is not threading.main_thread()
    try:
        if not alone:
            sys.unraisablehook = hook
        yield
    finally:
        if not alone:
            sys.unraisablehook = before
