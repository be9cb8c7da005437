"""Handlers of signals: what they raise, a timeout or Ctrl-C, comes up wherever Python is, and must come out of there.

Whoever catches all exceptions of somebody else's function lets `hear` look at them first: what a handler raised says
nothing about that function. And in the midst of LLVM nothing may come up at all: there handlers are `held_back`.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


def hear(error: Exception) -> None:
    """Raise what a handler raised, if `error` is that or was made of it."""
    codes = _codes_of_handlers()
    found: BaseException | None = None
    chain: list[BaseException] = [error]
    for here in chain:
        trace = here.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in codes:
                found = here  # the last of the chain, of which the others were made
            trace = trace.tb_next
        chain += [e for e in (here.__cause__, here.__context__) if e is not None and e not in chain]
    if found is not None:
        raise found


@contextmanager
def held_back() -> Iterator[None]:
    """Let handlers wait until the end of the block.

    What they raise while LLVM calls Python back would be printed and dropped, and between two lines of llvmlite it
    leaves memory that is freed twice: one in a hundred interrupts of a compilation ended the process. Handlers run in
    the main thread alone, so in others there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Any] = {}
    waiting: list[tuple[int, Any]] = []

    def wait(number: int, frame: Any) -> None:
        waiting.append((number, frame))

    def catch_up() -> None:
        with ExitStack() as stack:
            for number, frame in reversed(waiting):
                stack.callback(handlers[number], number, frame)

    with ExitStack() as stack:  # makes all calls, the last first, whatever one of them raises
        stack.callback(catch_up)
        for number in signal.valid_signals():
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                stack.callback(signal.signal, number, handler)
                signal.signal(number, wait)
        yield


def _codes_of_handlers() -> set[Any]:
    """Find the code of all handlers that are set."""
    found = {None}
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        while isinstance(handler, functools.partial):
            handler = handler.func
        function = getattr(handler, "__func__", handler)  # of a method
        found |= {getattr(f, "__code__", None) for f in (function, type(handler).__call__) if callable(handler)}
    return found - {None}
