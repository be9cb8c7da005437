"""Splitting a batch: over threads, and into blocks that stay in cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

#: Points that a called function gets at a time: a handful of such arrays stay in the second-level cache.
BLOCK = 1 << 14

#: Points in a piece of a batch: they take a fraction of a millisecond.
PIECE = 1 << 18

#: Points below which a second thread does not pay for cheap functions: handing out a piece costs some 20 microseconds.
LARGE = 4 * PIECE

#: A point of the adaptive rule costs as much as that many of a stencil, and often a hundred times more.
LADDER_POINTS = 32

#: Seconds of a part of a piece below which the next may be longer, and beyond which it must be shorter.
_SHORT, _LONG = 0.02, 0.2

_inside = threading.local()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="fastgrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


def pieces(shape: tuple[int, ...], points: int = PIECE) -> Iterator[tuple[slice, ...]]:
    """Cut an array of `shape` along its longest axis into pieces of about so many points."""
    size = 1
    for length in shape:
        size *= length
    axis = max(range(len(shape)), key=shape.__getitem__)
    width = max(1, points * shape[axis] // size)
    for start in range(0, shape[axis], width):
        yield (slice(None),) * axis + (slice(start, min(start + width, shape[axis])),)


class _Pace:
    """Work on pieces in parts that are neither so small that starting them counts, nor so long that nobody can wait.

    Between two parts Python hears Ctrl-C, and a thread whether it is still wanted. A piece of a function that takes
    ten microseconds a point would take seconds, so the first part is small, and the next are as long as that allows.
    """

    def __init__(self, work: Callable[[tuple[slice, ...]], Any]) -> None:
        self.work = work
        self.stopped = False
        self._share = 1.0 / 64.0

    def __call__(self, piece: tuple[slice, ...]) -> None:
        """Do the work on a piece."""
        *before, along = piece
        start, whole = along.start, along.stop - along.start
        while start < along.stop and not self.stopped:
            stop = min(start + max(int(self._share * whole), 1), along.stop)
            began = perf_counter()
            self.work((*before, slice(start, stop)))
            took, start = perf_counter() - began, stop
            if took < _SHORT:
                self._share = min(4.0 * self._share, 1.0)
            elif took > _LONG:
                self._share = max(self._share / 4.0, 2.0**-40)


def over_pieces(
    work: Callable[[tuple[slice, ...]], Any], shape: tuple[int, ...], workers: int, points: int = PIECE
) -> None:
    """Do `work` on every piece of an array of `shape`, on `workers` threads.

    Inside a worker everything stays on that thread. The first exception stops what has not begun and is raised.
    """
    paced = _Pace(work)
    if workers == 1 or getattr(_inside, "piece", False):
        for piece in pieces(shape, points):
            paced(piece)
        return

    def mark(piece: tuple[slice, ...]) -> None:
        _inside.piece = True
        paced(piece)

    pending: list[Future[None]] = [_pool(workers).submit(mark, piece) for piece in pieces(shape, points)]
    try:
        for future in pending:
            future.result()
    finally:
        paced.stopped = True
        for future in pending:
            future.cancel()
        for future in pending:
            if not future.cancelled():
                future.exception()  # waits: nothing may still write into the caller's arrays afterwards


def blocks(
    inputs: Sequence[Any], outputs: Sequence[Any], shape: tuple[int, ...], kinds: Sequence[Any], size: int = BLOCK
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Walk arrays that broadcast to `shape` in one-dimensional blocks: inputs as float64, outputs as `kinds`."""
    walk: Any = np.nditer(  # type: ignore[call-overload]
        [*map(np.asarray, inputs), *outputs],
        flags=["external_loop", "buffered", "copy_if_overlap"],
        op_flags=[["readonly"]] * len(inputs) + [["writeonly"]] * len(outputs),
        op_dtypes=[np.float64] * len(inputs) + list(kinds),
        casting="same_kind",
        buffersize=size,
        itershape=shape,
    )
    with walk:
        for parts in walk:
            yield parts[: len(inputs)], parts[len(inputs) :]
