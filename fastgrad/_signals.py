"""Exceptions that handlers of signals raise, a timeout or Ctrl-C, reach the caller.

Code that catches all exceptions of the caller's function passes them to `reraise_if_signal` first: what a handler
raised says nothing about that function. While LLVM works no handler may run: see `deferred_signals`.
"""

from __future__ import annotations

# The module `signal` makes an enumeration of every handler, which takes 50 times as long.
import _signal  # type: ignore[import-not-found]
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType

Handler = Callable[[int, FrameType | None], object]

_NUMBERS = tuple(map(int, signal.valid_signals()))


def reraise_if_signal(error: Exception) -> None:
    """Raise what a handler raised, if `error` is that or has it in its chain of causes."""
    codes = _codes_of_handlers()
    raised: BaseException | None = None
    chain: list[BaseException] = [error]
    for link in chain:
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in codes:
                raised = link  # the last of the chain, from which the others were raised
            trace = trace.tb_next
        chain += [e for e in (link.__cause__, link.__context__) if e is not None and e not in chain]
    if raised is not None:
        raise raised


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Run handlers at the end of the block only.

    What a handler raises while LLVM calls Python back would be printed and dropped, and between two lines of llvmlite
    it leaves memory that is freed twice: one in a hundred interrupts of a compilation ended the process. Handlers run
    in the main thread alone, so in other threads nothing is deferred.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Handler] = {}
    waiting: list[tuple[int, FrameType | None]] = []

    def wait(number: int, frame: FrameType | None) -> None:
        waiting.append((number, frame))

    def run_handlers() -> None:
        with ExitStack() as stack:
            for number, frame in reversed(waiting):
                stack.callback(handlers[number], number, frame)

    with ExitStack() as stack:  # makes all calls, the last first, whatever one of them raises
        stack.callback(run_handlers)
        for number in signal.valid_signals():
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                stack.callback(signal.signal, number, handler)
                signal.signal(number, wait)
        yield


_latest: tuple[list[object], set[CodeType | None]] = [], set()
"""The handlers that were set the last time, and their code."""


def _codes_of_handlers() -> set[CodeType | None]:
    """Code of all handlers that are set; a function may raise a million times where its domain ends."""
    global _latest
    handlers, codes = _latest
    current: list[object] = [*map(_signal.getsignal, _NUMBERS)]
    if current != handlers:
        codes = set()
        for handler in filter(callable, current):
            while isinstance(handler, functools.partial):
                handler = handler.func
            function = getattr(handler, "__func__", handler)  # of a method
            codes |= {getattr(f, "__code__", None) for f in (function, type(handler).__call__)}
        codes -= {None}
        _latest = current, codes
    return codes
