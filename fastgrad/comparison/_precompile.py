"""Compiling for the default report on all cores, before anything is timed.

Numba compiles one function at a time in a process; some 600 of them take most of a first report. Child processes share
the work through the cache on disk. Where the cache cannot be written, the report takes longer.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context

import numpy as np

from .._parallel import cores
from ..differentiation.derivatives import derivative
from ..evaluation.functions import compile_at_first_call
from ._catalogue import standard_functions
from ._methods import standard_methods
from ._problems import Problem
from ._timing import quietly

#: Starting processes costs two seconds: a few functions are compiled sooner without.
FEWEST = 12

#: Points at which a function is compiled and nothing else; points that are worth compiling the adaptive kernels for.
FEW, MANY = 2, 1000


def precompile(
    names: Sequence[str], curves: Sequence[str] = (), progress: Callable[[int, int, str], None] | None = None
) -> None:
    """Compile what the standard methods need for functions of the default report, by their names.

    Those named in `curves` get curves of error against step.
    """
    if len(names) < FEWEST or cores() < 2:
        return
    try:
        # spawned, since a fork of a process that has threads may hang
        with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
            others = active_children()
            with _interrupts_ignored():
                tasks = [pool.submit(_compile_adaptive), *(pool.submit(_compile, n, n in curves) for n in names)]
            try:
                for done, _ in enumerate(as_completed(tasks)):
                    if progress:
                        progress(done, len(tasks), "compiling")
            except BaseException:  # Ctrl-C: the running compilations are not worth waiting for
                pool.shutdown(wait=False, cancel_futures=True)
                for child in set(active_children()) - set(others):
                    child.terminate()
                raise
    except (OSError, BrokenExecutor):
        pass  # where processes cannot be started the report takes longer


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start processes that ignore Ctrl-C: each of them would print a traceback of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _compile(name: str, curves: bool) -> None:
    """Compile one function, in a child process: run the methods of fastgrad once on two points."""
    compile_at_first_call()
    with quietly():
        for problem in (f for f in standard_functions() if f.name == name):
            if not isinstance(problem, Problem):  # a case of the corpus
                with suppress(Exception):
                    derivative(problem.f, problem.x[:FEW])
                continue
            args = problem.points(FEW)
            for method in (m for m in standard_methods() if m.ours):
                with suppress(Exception):  # the report gives the reason
                    method.run(problem.f, args, problem.wrt)
                    if curves and method.stencil is not None:
                        derivative(problem.f, *args, wrt=problem.wrt, method=method.stencil, rel_step=1e-3)


def _compile_adaptive() -> None:
    """Compile the kernels of the adaptive rule, which a batch does."""
    derivative(np.sin, np.linspace(0.0, 1.0, MANY))
