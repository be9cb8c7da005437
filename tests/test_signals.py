"""Handlers of signals: a timeout or Ctrl-C comes out of everything that catches exceptions, and never into LLVM."""

from __future__ import annotations

import functools
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, run_script

import fastgrad as fg
from fastgrad._signals import deferred_signals, reraise_if_signal

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")


class Mine(Exception):
    """What a handler raises."""


def raising(number: int, frame: Any) -> None:
    raise Mine


class Caller:
    def method(self, number: int, frame: Any) -> None:
        raise Mine

    __call__ = method


HANDLERS = {
    "function": raising, "method": Caller().method, "object": Caller(),
    "partial": functools.partial(lambda more, number, frame: raising(number, frame), None),
}  # fmt: skip


@pytest.fixture
def alarm() -> Iterator[Any]:
    """Set a handler, and a timer for it."""
    before = signal.getsignal(signal.SIGALRM)

    def start(handler: Any, seconds: float) -> None:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


COMPILING = """
import random, signal
import numpy as np
import fastgrad as fg
from fastgrad.evaluation.functions import compile_at_first_call, function

compile_at_first_call()

class Mine({kind}):
    pass

def handler(number, frame):
    raise Mine

def made(i):
    scope = {{"np": np}}
    exec(f"def f(x):\\n    return np.sin(x * {{i}}.5) + np.exp(x)\\n", scope)
    return scope["f"]

random.seed({seed})
signal.signal(signal.SIGALRM, handler)
raised_count = 0
for i in range(12):
    f = made(i)
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.1))
    try:
        fg.derivative(f, 0.5, method="central")
        assert signal.setitimer(signal.ITIMER_REAL, 0)[0] > 0, "lost"
    except Mine:
        raised_count += 1
    gap = fg.derivative(f, 0.5, method="central") - (i + 0.5) * np.cos(0.5 * (i + 0.5)) - np.exp(0.5)
    assert abs(gap) < 1e-6, gap
    assert function(f, 1).engine == "compiled"
print(raised_count)
"""


@pytest.mark.parametrize("kind", ["Exception", "KeyboardInterrupt"])
def test_what_a_handler_raises_while_numba_compiles_comes_out(kind: str, tmp_path: Path) -> None:
    """It was taken for a refusal of Numba's, always; or ctypes dropped it, or the process ended."""
    script = COMPILING.format(kind=kind, seed=len(kind))
    assert int(run_script(script, FASTGRAD_CACHE_DIR=str(tmp_path))) > 0


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("seconds", [0.005, 0.03, 0.05, 0.07])
def test_what_a_handler_raises_while_f_is_probed_comes_out(alarm: Any, handler: str, seconds: float) -> None:
    """The first calls, which find out how `f` can be called, took it for an exception of `f`."""

    def f(x: Any) -> Any:
        time.sleep(0.02)
        return np.sin(x)

    alarm(HANDLERS[handler], seconds)
    with pytest.raises(Mine):
        fg.derivative(Opaque(f), [0.5, 0.7])


@pytest.mark.parametrize("whole", [True, False], ids=["batches", "one point"])
def test_what_a_handler_raises_in_the_analytic_function_of_a_check_comes_out(alarm: Any, whole: bool) -> None:
    """At whichever of its calls: a check tries it in more ways than one."""
    x, calls, last = np.linspace(0.5, 2.0, 5), 0, 0

    def analytic(x: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == last:
            signal.raise_signal(signal.SIGALRM)
        return 2 * np.cos(x) if whole else 2 * float(np.cos(float(x)))  # wrong, so that it is tried elsewhere, too

    alarm(raising, 0)
    assert not fg.check(np.sin, analytic, x)
    assert calls > 1
    for call in range(1, calls + 1):
        calls, last = 0, call
        with pytest.raises(Mine):
            fg.check(np.sin, analytic, x)


def test_exceptions_of_f_are_not_those_of_handlers(alarm: Any) -> None:
    alarm(raising, 100.0)
    for error in (ValueError("one"), Mine("another")):
        reraise_if_signal(error)
    try:
        try:
            raising(0, None)
        except Mine as raised:
            raise ValueError("made of it") from raised
    except ValueError as error:
        with pytest.raises(Mine):
            reraise_if_signal(error)


def test_handlers_wait_until_the_end(alarm: Any) -> None:
    called: list[int] = []

    def first(number: int, frame: Any) -> None:
        called.append(1)
        raise Mine

    alarm(first, 100.0)
    before = signal.signal(signal.SIGTERM, lambda number, frame: called.append(2))
    try:
        handlers = [signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)]
        with pytest.raises(Mine), deferred_signals():
            signal.raise_signal(signal.SIGALRM)
            signal.raise_signal(signal.SIGTERM)
            assert called == []
        assert called == [1, 2]
        assert handlers == [signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)]
        with pytest.raises(ValueError, match="mine"), deferred_signals():
            raise ValueError("mine")
        assert handlers[0] is signal.getsignal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_hold_nothing_back() -> None:
    done: list[Any] = []

    def work() -> None:
        with deferred_signals():
            done.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]
