"""Compiling for the default report on all cores, before anything is timed.

Numba compiles one function at a time in a process; some 700 of them take two thirds of a first report. Child processes
share the work through the cache on disk. Without a cache that can be written the report still comes out, only later.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context

from .._blocks import cores
from ..corpus import CASES
from .catalogue import FUNCTIONS
from .measuring import Bench
from .methods import judged_methods, standard_methods
from .problems import gate_problems
from .verdicts import verdict

#: Starting processes costs two seconds: a few functions are compiled sooner without.
FEWEST = 12


def compile_ahead(
    names: Sequence[str], curves: Sequence[str] = (), progress: Callable[[int, int, str], None] | None = None
) -> None:
    """Compile what the standard methods need for problems of the default report, given by name.

    `curves` are the names of those that get curves of error against step.
    """
    if len(names) < FEWEST or cores() < 2:
        return
    try:
        # spawned, since a fork of a process that has threads may hang
        with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
            others = active_children()
            with _left_alone():
                tasks = [pool.submit(_compile, name, name in curves) for name in names]
            try:
                for done, _ in enumerate(as_completed(tasks)):
                    if progress:
                        progress(done, len(names), "compiling")
            except BaseException:  # Ctrl-C: what they are at is not worth waiting for
                pool.shutdown(wait=False, cancel_futures=True)
                for child in set(active_children()) - set(others):
                    child.terminate()
                raise
    except (OSError, BrokenExecutor):
        pass  # where processes cannot be had it only takes longer


@contextmanager
def _left_alone() -> Iterator[None]:
    """Let processes that are started here not hear Ctrl-C: each of them would print a traceback of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _compile(name: str, curves: bool) -> None:
    """Compile what goes by a name, in a child process: run everything once on a few points."""
    for problem in (p for p in gate_problems() + FUNCTIONS if p.name == name):
        bench = Bench(problem, 64)
        for method in standard_methods():
            if method.ours:
                bench.row(method)
                if curves:
                    bench.curve(method)
    cases = [case for case in CASES if case.name == name]
    for method in judged_methods() if cases else ():
        if method.ours:
            verdict(method, cases)
