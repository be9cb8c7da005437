"""Splitting a batch: over threads, and into blocks that stay in cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from math import inf, prod
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._typing import Array, Shape

#: Points that a called function gets at a time: a handful of such arrays stay in the second-level cache.
BLOCK = 1 << 14

#: Most points in a piece of a batch, where nothing else limits it.
PIECE = 1 << 18

#: Seconds of work below which a second thread does not pay: handing out takes 20 to 40 microseconds.
WORTH = 3e-4

#: Seconds that a piece is to take: long against starting it, short for a user who waits.
_LONG, _SHORT = 0.02, 5e-5

#: Seconds that the shortest piece of a batch may take, where a piece has costs of its own.
_LEAST = 0.2

#: Most points of the first piece, and of the first call of a function, where the cost of a point is unknown.
_FIRST, _FIRST_CALL = 1024, 16

_inside = threading.local()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="fastgrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


class CostEstimate:
    """What a point of a function costs, as it was the last time: that decides how a batch is worked on."""

    __slots__ = ("_points", "seconds")

    def __init__(self, seconds: float = inf) -> None:
        self.seconds = seconds
        """Seconds of a point; infinite until it is known. A first guess saves the small piece that measures it."""
        self._points = 0

    def worth(self, points: int) -> bool:
        """Tell whether so many points are to be worked on in pieces, over threads, or must be to find out."""
        return points * self.seconds >= WORTH

    def short(self, points: int) -> bool:
        """Tell whether so many points take less time than a user notices."""
        return points * self.seconds <= _LONG

    def long(self, points: int) -> bool:
        """Tell whether so many points take longer than a signal is to wait, or may, where the cost is unknown."""
        return points * self.seconds > _LEAST

    def wants_pieces(self, points: int, workers: int) -> bool:
        """Tell whether so many points are to be worked on in pieces: over threads, or lest a signal has to wait."""
        return self.long(points) or (workers > 1 and self.worth(points))

    def took(self, points: int, began: float) -> float:
        """Return how long points have taken since `began`, and remember what one cost."""
        seconds = max(perf_counter() - began, 1e-9)
        self.remember(max(points, 1), seconds)
        return seconds

    def remember(self, points: int, seconds: float) -> None:
        """Remember what points cost, unless it is known from more of them.

        Few points cost as much as it takes to start: remembered for good, that gave threads to a hundred cheap points.
        """
        if points >= min(_FIRST, self._points) or seconds >= WORTH:
            self.seconds, self._points = seconds / points, points


class CallSize:
    """How many points a called function gets at a time: signals are handled between two calls only."""

    __slots__ = ("_least", "_measured", "most")

    def __init__(self) -> None:
        self.most = _FIRST_CALL
        """Points of the next call, at most: a power of two, for libraries that compile for every shape."""
        self._least = inf  # seconds of the shortest call: about what a call costs however few points it gets
        self._measured = 0  # bits of the sizes that were measured

    def slices(self, count: int, most: int = PIECE) -> Iterator[slice]:
        """Cut so many points into slices, and measure what is done with each."""
        start = 0
        while start < count:
            stop, began = min(start + min(self.most, most), count), perf_counter()
            yield slice(start, stop)
            self._adapt(stop - start, max(perf_counter() - began, 1e-9))
            start = stop

    def _adapt(self, points: int, seconds: float) -> None:
        """Choose the size of the next call; a first call of a size may have been compiled, and makes none smaller."""
        self._least = min(self._least, seconds)
        is_short = seconds <= _LEAST / 16
        if points < self.most:
            return
        if is_short or seconds <= 2 * self._least:
            self.most = points * (16 if is_short else 4)
        elif self._measured & points:
            share = min(_LEAST / (seconds - self._least), 4.0)
            self.most = 1 << max(int(points * share), 1).bit_length() - 1
        self._measured |= points


@contextmanager
def inner_threads(workers: int) -> Iterator[None]:
    """Let the calling thread share machine code, which it calls within, with other threads, if it may have any."""
    before, _inside.workers = inner_workers(), workers if _may_share() else 1
    try:
        yield
    finally:
        _inside.workers = before


def inner_workers() -> int:
    """How many threads may share the machine code that this thread calls."""
    return getattr(_inside, "workers", 1)


def _may_share() -> bool:
    """Whether this thread may hand out work: one that works on a piece may not, unless it alone works on the batch."""
    return inner_workers() > 1 or not getattr(_inside, "piece", False)


class _Batch:
    """A batch that is cut along its longest axis while it is worked on; each free thread takes the next piece.

    A piece is short enough not to delay signals, which Python handles between two pieces only, nor the other threads at
    the end of the batch. The first pieces measure what a point costs.
    """

    def __init__(
        self,
        work: Callable[[tuple[slice, ...]], object],
        shape: Shape,
        least: int,
        most: int,
        pace: CostEstimate,
    ) -> None:
        self.work, self.pace, self.least, self.most = work, pace, least, most
        self.axis = max(range(len(shape)), key=shape.__getitem__)
        self.begun, self.end = 0, shape[self.axis]
        self.each = prod(shape) // self.end
        """Points behind one index of the axis."""
        unknown = pace.seconds == inf
        first = min(prod(shape) // 64, _FIRST) if unknown else min(int(_LONG / pace.seconds), BLOCK)
        self.width = max(first, 1)
        """Points of the next piece."""
        self.done, self.seconds = 0, 0.0
        """Points that were worked on, and what they took."""
        self.threads = 1
        """How many threads share the batch."""
        self.failure: tuple[int, BaseException] | None = None
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Points that no thread has taken yet."""
        return (self.end - self.begun) * self.each

    def _take(self) -> tuple[int, int]:
        """Take the next piece: from where to where."""
        with self._lock:
            points = min(self.width, self.most)
            if self.threads > 1:
                points = min(points, max(self.left // (2 * self.threads), int(_SHORT / self.pace.seconds)))
            start, least = self.begun, min(self.least, int(_LEAST / self.pace.seconds))
            self.begun = min(start + max(max(points, least) // self.each, 1), self.end)
            return start, self.begun

    def piece(self) -> bool:
        """Work on the next piece; tell whether there was one."""
        start, stop = self._take()
        if start == stop:
            return False
        before, _inside.piece = getattr(_inside, "piece", False), True
        began = perf_counter()
        try:
            with inner_threads(1 if self.threads > 1 else inner_workers()):
                self.work((slice(None),) * self.axis + (slice(start, stop),))
        except BaseException as raised:
            with self._lock:  # pieces begin in order, so an exception of an earlier one is still to come, or has come
                if self.failure is None or start < self.failure[0]:
                    self.failure = start, raised
            self.stop()
            return False
        finally:
            _inside.piece = before
        points = (stop - start) * self.each
        seconds = self.pace.took(points, began)
        with self._lock:
            self.done, self.seconds = self.done + points, self.seconds + seconds
        self.width = max(min(4 * points, int(_LONG * points / seconds)), 1)
        return True

    def pieces(self) -> None:
        """Work on pieces until none is left."""
        while self.piece():
            pass

    def stop(self) -> None:
        """Begin no other piece."""
        with self._lock:
            self.begun = self.end


def over_pieces(
    work: Callable[[tuple[slice, ...]], object],
    shape: Shape,
    workers: int,
    most: int = PIECE,
    pace: CostEstimate | None = None,
    least: int = 1,
) -> None:
    """Do `work` on every piece of an array of `shape`, on `workers` threads if that is worth it.

    The calling thread is one of them: where other processes want the same cores, a thread that only waits gives its
    core away, and the chain of the benchmarks took 44 ns a point instead of 28. Batches inside `work`
    stay on its thread. The exception of the earliest piece stops what has not begun and is raised.

    `work` gets the index of a piece, of `least` to `most` points where that can be; where there are fewer than twice
    the least, one thread does the work. `pace` is the cost of a point, if that is remembered between batches.
    """
    pace = pace or CostEstimate()
    batch, helpers = _Batch(work, shape, least, most, pace), []
    free = workers > 1 and batch.left >= 2 * least and _may_share()
    if free and (pace.seconds < inf or batch.piece()) and pace.worth(batch.left):
        batch.threads = workers
        helpers = [_pool(workers - 1).submit(batch.pieces) for _ in range(workers - 1)]
    try:
        batch.pieces()
    finally:
        batch.stop()
        for helper in helpers:
            if not helper.cancel():
                helper.result()  # waits: nothing may still write into the caller's arrays afterwards
        if 0 < batch.done < _FIRST:  # no piece told: five points that had been delayed once went to threads for good
            pace.remember(batch.done, batch.seconds)
        del batch.work  # a helper that was not needed lies in its queue for a while, and would keep the arrays
    if batch.failure:
        raise batch.failure[1]


def in_steps(work: Callable[[slice], object], count: int, cost: CostEstimate, workers: int = 1, least: int = 1) -> None:
    """Do `work` on all of `count` points, in pieces where that pays on so many threads, or a signal would have to wait.

    A piece has `least` points if that can be.
    """
    if count and cost.wants_pieces(count, workers):
        over_pieces(lambda piece: work(piece[0]), (count,), workers, pace=cost, least=least)
    elif count:
        work(slice(None))


def blocks(
    inputs: Sequence[ArrayLike], outputs: Sequence[Array], shape: Shape, kinds: Sequence[DTypeLike], size: int = BLOCK
) -> Iterator[tuple[tuple[Array, ...], tuple[Array, ...]]]:
    """Walk arrays that broadcast to `shape` in blocks of one dimension, inputs and outputs as the types in `kinds`."""
    walk = np.nditer(  # type: ignore[call-overload]
        [*map(np.asarray, inputs), *outputs],
        flags=["external_loop", "buffered", "copy_if_overlap"],
        op_flags=[["readonly"]] * len(inputs) + [["writeonly"]] * len(outputs),
        op_dtypes=list(kinds),
        casting="same_kind",
        buffersize=size,
        itershape=shape,
    )
    with walk:
        for parts in walk:
            yield parts[: len(inputs)], parts[len(inputs) :]
