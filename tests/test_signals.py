"""Handlers of signals: a timeout or Ctrl-C comes out of everything that catches exceptions, and never into LLVM."""

from __future__ import annotations

import functools
import math
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, complete_script, run_script

import fastgrad as fg
from fastgrad._signals import deferred_signals, reraise_if_signal

pytestmark = [pytest.mark.machine_code, pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")]


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
from fastgrad.evaluation.functions import function
from fastgrad.evaluation.trials import compile_at_first_call

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
def test_what_a_handler_raises_while_f_is_probed_comes_out(alarm: Any, handler: str) -> None:
    """At whichever call of `f`: the first ones, which find out how it can be called, took it for one of `f`."""
    calls, last = 0, 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == last:
            signal.raise_signal(signal.SIGALRM)
        return np.sin(x)

    alarm(HANDLERS[handler], 0)
    fg.derivative(Opaque(f), [0.5, 0.7])
    assert calls > 3
    for call in range(1, calls + 1):
        calls, last = 0, call
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


class Slow(Opaque):
    """A function that raises a signal at a late call, and counts its calls after that."""

    def __init__(self, f: Any) -> None:
        super().__init__(f)
        self.after, self.last = -1, 0

    def __call__(self, *args: Any) -> Any:
        if self.after >= 0 or len(self.sizes) == self.last:
            self.after += 1
        if self.after == 0:
            signal.raise_signal(signal.SIGALRM)
        return super().__call__(*args)


V = np.linspace(0.5, 2.0, 6).reshape(2, 3)

#: Every public function that calls `f`, and a function that it takes.
INTERRUPTED: dict[str, tuple[Any, Any]] = {
    "derivative": (lambda f: fg.derivative(f, V), np.sin),
    "derivative, two numbers": (lambda f: fg.derivative(f, 0.5, 0.7, wrt=(0, 1)), lambda x, y: x * y),
    "central": (lambda f: fg.derivative(f, V, method="central"), np.sin),
    "numbers only": (lambda f: fg.derivative(f, V), lambda x: math.sin(float(x))),
    "gradient": (lambda f: fg.gradient(f, V), lambda v: float(np.dot(v, v))),
    "jacobian": (lambda f: fg.jacobian(f, V), lambda v: np.array([v[0] * v[1], v[2]])),
    "hessian": (lambda f: fg.hessian(f, V), lambda v: float(np.dot(v, v) ** 2)),
    "directional": (lambda f: fg.directional(f, V, np.ones(3)), lambda v: float(np.dot(v, v))),
    "hessian_vector": (lambda f: fg.hessian_vector(f, V, np.ones(3)), lambda v: float(np.dot(v, v) ** 2)),
    "sparsity": (lambda f: fg.sparsity(f, V[0]), lambda v: np.array([v[0] * v[1], v[2]])),
    "check": (lambda f: fg.check(f, np.cos, V), np.sin),
    "check, wrong": (lambda f: fg.check(f, lambda x: -np.cos(x), V), np.sin),
    "check of a gradient": (lambda f: fg.check(f, lambda v: 3 * v, V, of="gradient"), lambda v: float(np.dot(v, v))),
    "accuracy": (lambda f: fg.accuracy(f, ["central"], V.ravel()), lambda x: x * x),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupted_function_is_not_called_again(alarm: Any, name: str) -> None:
    """At its first, second and last call, and some between: what a handler raises ends every public function."""
    call, f = INTERRUPTED[name]
    counting = Slow(f)
    counting.last = -1
    call(counting)
    alarm(raising, 0)
    count = len(counting.sizes)
    assert count
    for last in {0, min(1, count - 1), count // 2, count - 1}:
        interrupted = Slow(f)
        interrupted.last = last
        with pytest.raises(Mine):
            call(interrupted)
        assert interrupted.after == 0


COMPILED = """
import signal, sys, time
import numpy as np
import fastgrad as fg
from fastgrad.evaluation.trials import compile_at_first_call

compile_at_first_call()

def heavy(x):
    total = 0.0
    for k in range(300_000):
        total += np.sin(x + k)
    return total

def of_vector(v):
    return heavy(v[0]) * v[1] + v[2]

class Opaque:
    def __call__(self, x):
        return np.sin(np.asarray(x)[..., None] + np.arange(10_000.0)).sum(axis=-1)

class OfVectors(Opaque):
    def __call__(self, v):
        return super().__call__(np.sum(v, axis=-1))

signal.signal(signal.SIGALRM, signal.default_int_handler)
x = np.linspace(0.1, 1, 3000)
v, long = x.reshape(-1, 3), x.reshape(1, -1)
calls = {
    "adaptive": (lambda x: fg.derivative(heavy, x), x),
    "few points": (lambda x: fg.derivative(heavy, x, full_output=True), np.repeat(x[:30], 10)),
    "central": (lambda x: fg.derivative(heavy, x, method="central"), x),
    "arrays": (lambda x: fg.derivative(Opaque(), x, method="central"), np.repeat(x, 20)),
    "arrays, adaptive": (lambda x: fg.derivative(Opaque(), x), np.repeat(x, 20)),
    "arrays, complex": (lambda x: fg.derivative(Opaque(), x, method="complex"), np.repeat(x, 20)),
    "arrays of vectors": (lambda x: fg.directional(OfVectors(), x, np.ones(3)), np.repeat(v, 20, axis=0)),
    "gradient": (lambda x: fg.gradient(of_vector, x, method="central"), v),
    "one long vector": (lambda x: fg.gradient(of_vector, x, method="central"), long),
    "hessian": (lambda x: fg.hessian(of_vector, x, method="central"), v),
    "directional": (lambda x: fg.directional(of_vector, x, np.ones(3)), v),
    "hessian_vector": (lambda x: fg.hessian_vector(of_vector, x, np.ones(3)), v),
    "check": (lambda x: fg.check(heavy, np.cos, x), x),
}
call, points = calls[sys.argv[1]]
call(points[:1])
signal.setitimer(signal.ITIMER_REAL, 0.5)
start = time.perf_counter()
try:
    call(points)
    print("not interrupted")
except KeyboardInterrupt:
    print(time.perf_counter() - start - 0.5 < 1.0)
"""

LONG_CALLS = [
    "adaptive", "few points", "central", "arrays", "arrays, adaptive", "arrays, complex", "arrays of vectors",
    "gradient", "one long vector", "hessian", "directional", "hessian_vector", "check",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG_CALLS)
def test_ctrl_c_ends_long_calls_within_a_second(name: str, tmp_path: Path) -> None:
    """Calls of minutes, of points that take a millisecond and more each: the promise is a second."""
    done = complete_script(COMPILED, name, FASTGRAD_CACHE_DIR=str(tmp_path))
    assert done.stdout.split() == ["True"], done.stderr


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
