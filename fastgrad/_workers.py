"""Processes that share the work of the default report.

Numba compiles one function at a time in a process, and matplotlib draws one picture. What a task has compiled stays in
its process, where a later task can time it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

T = TypeVar("T")
Task = Callable[[], T]


class Workers:
    """Some processes, each of which calls `initializer` first; none run the tasks in this one.

    Starting a process may raise `OSError`, and one that ends raises `BrokenExecutor`.
    """

    def __init__(self, count: int, initializer: Callable[[], None] | None = None) -> None:
        self._others = set(active_children())
        context = get_context("spawn")  # a fork of a process that has threads may hang
        self._pools = [ProcessPoolExecutor(1, context, initializer) for _ in range(count)]

    def __enter__(self) -> Workers:
        """Return the workers."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes; after an exception, Ctrl-C for one, their tasks are not worth waiting for."""
        for pool in self._pools:
            pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for child in set(active_children()) - self._others:
                child.terminate()

    def spread(
        self, tasks: Sequence[Task[T]], started: Callable[[int, int], None] = lambda done, number: None
    ) -> Iterator[tuple[int, int, T]]:
        """Run tasks on all workers, and yield the number of the task, that of the worker, and the result.

        ``started(done, number)`` is called when a task starts, with the count of those that are done.
        """
        if not self._pools:
            for number, task in enumerate(tasks):
                started(number, number)
                yield number, 0, task()
            return
        remaining = enumerate(tasks)
        running: dict[Future[T], tuple[int, int]] = {}

        def start(worker: int) -> None:
            number, task = next(remaining, (0, None))
            if task is not None:
                started(number - len(running), number)
                running[self._submit(worker, task)] = number, worker

        for worker in range(len(self._pools)):
            start(worker)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, worker = running.pop(future)
                start(worker)
                yield number, worker, future.result()

    def run(self, worker: int, task: Task[T]) -> T:
        """Run a task on one worker while the others are idle, and return its result."""
        return self._submit(worker, task).result() if self._pools else task()

    def _submit(self, worker: int, task: Task[T]) -> Future[T]:
        with _interrupts_ignored():  # the first task starts the process
            return self._pools[worker].submit(task)


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
