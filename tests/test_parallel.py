"""Batches in pieces: every point once, whatever it costs and whoever works on it."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _parallel as _blocks
from fastgrad._parallel import CostEstimate, over_pieces

pytestmark = pytest.mark.machine_code


def costing(seconds: float, shape: tuple[int, ...], pace: CostEstimate | None = None) -> list[int]:
    """Points of the pieces that one thread works on, by a clock that only the points move."""
    seen: list[int] = []
    points = np.empty(shape, np.int8)

    def work(piece: Any) -> None:
        seen.append(points[piece].size)
        clock[0] += seconds * seen[-1]

    clock = [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "perf_counter", lambda: clock[0])
        over_pieces(work, shape, 1, pace=pace)
    assert sum(seen) == points.size
    return seen


def test_pieces_are_neither_long_nor_many() -> None:
    cheap, dear = costing(1e-9, (10**7,)), costing(1e-4, (2**19,))
    assert max(cheap) == _blocks.PIECE and len(cheap) < 10**7 // _blocks.PIECE + 16
    assert max(dear) * 1e-4 < 0.9
    assert costing(10.0, (3,)) == [1, 1, 1]
    assert max(costing(1e-4, (7, 2**16, 2))) * 1e-4 < 0.9


def test_what_a_point_cost_is_remembered() -> None:
    pace = CostEstimate()
    assert pace.worth(2)  # nobody knows
    first, again = costing(1e-4, (2**16,), pace), costing(1e-4, (2**16,), pace)
    assert pace.seconds == pytest.approx(1e-4)
    assert pace.worth(100) and not pace.worth(2)
    assert first[0] > 200 >= max(again)
    costing(1e-9, (10,), pace)  # too short to tell
    assert pace.seconds == pytest.approx(1e-4)
    costing(1e-9, (2**16,), pace)
    assert pace.seconds == pytest.approx(1e-9)


def test_a_few_points_do_not_tell_for_good() -> None:
    """What it takes to start counted as the cost of five points, and gave threads to a hundred cheap ones for good."""
    pace, clock = CostEstimate(), [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "perf_counter", lambda: clock[0])
        for points in (5, 40, 300, 2000):
            began, clock[0] = clock[0], clock[0] + 1e-5 + 1e-8 * points
            pace.took(points, began)
    assert pace.seconds < 2e-8 and not pace.worth(10_000)


def test_a_delay_is_not_remembered_for_good() -> None:
    """Five cheap points that another process had delayed were handed to threads, one by one, ever after."""
    pace, clock = CostEstimate(), [0.0]

    def work(piece: Any) -> None:
        clock[0] += 1e-6 * (piece[0].stop - piece[0].start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "perf_counter", lambda: clock[0])
        pace.took(5, -0.005)
        assert pace.worth(5)
        over_pieces(work, (5,), 2, pace=pace)
    assert pace.seconds < 1e-5 and not pace.worth(5)


@pytest.mark.parametrize("workers", [1, 3])
def test_no_piece_is_shorter_than_is_worth_it(workers: int) -> None:
    """But the last."""
    seen: list[int] = []

    def work(piece: Any) -> None:
        seen.append(piece[0].stop - piece[0].start)
        threading.Event().wait(0.001)

    over_pieces(work, (10_050,), workers, least=100)
    assert sum(seen) == 10_050
    assert sum(points < 100 for points in seen) <= 1
    threads: set[int] = set()
    over_pieces(lambda piece: threads.add(threading.get_ident()), (199,), workers, least=100)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 70_001), (70_001, 3), (2, 1, 90_000)])
def test_every_point_once_on_every_thread(shape: tuple[int, ...]) -> None:
    seen, threads = np.zeros(shape, int), set()

    def work(piece: Any) -> None:
        threads.add(threading.get_ident())
        seen[piece] += 1
        threading.Event().wait(0.001)

    for workers in (1, 2, 5):
        threads.clear()
        over_pieces(work, shape, workers)
        assert (seen == 1).all()
        assert len(threads) <= workers
        assert workers == 1 or seen.size < 100 or len(threads) > 1
        seen[:] = 0


def test_a_helper_works_until_nothing_is_left() -> None:
    seen, pieces, caller = np.zeros(10_000, int), {True: 0, False: 0}, threading.get_ident()

    def work(piece: Any) -> None:
        threading.Event().wait(0.001)
        pieces[threading.get_ident() == caller] += 1
        seen[piece] += 1

    pace = CostEstimate()
    pace.took(1, -1.0)
    over_pieces(work, seen.shape, 2, most=100, pace=pace)
    assert (seen == 1).all()
    assert pieces[False] > 1


def test_a_worker_asks_no_others() -> None:
    """Neither the helpers nor the thread that started them; and afterwards it may start others."""
    mixed: list[bool] = []

    def inner(piece: Any) -> None:
        threading.Event().wait(0.001)
        inside.add(threading.get_ident())

    def outer(piece: Any) -> None:
        inside.clear()
        over_pieces(inner, (1000,), 3)

    inside: set[int] = set()
    for _ in range(2):
        over_pieces(lambda piece: outer(piece), (1,), 3)
        mixed.append(len(inside) > 1)
    assert mixed == [False, False]
    outer(None)
    assert len(inside) > 1


def test_nothing_is_kept_for_helpers_that_came_too_late() -> None:
    """They lay in their queue with the result, so that the next call had to ask the system for new memory."""
    busy, pool, pace = threading.Event(), _blocks._pool(1), CostEstimate()
    pace.took(1, -1.0)
    held = pool.submit(busy.wait)

    class Work:
        def __call__(self, piece: Any) -> None:
            pass

    work = Work()
    known = weakref.ref(work)
    try:
        over_pieces(work, (1000,), 2, pace=pace)
        del work
        assert known() is None
    finally:
        busy.set()
        held.result()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_exception_of_the_first_point_is_raised(workers: int) -> None:
    """As a loop over the points would; and nothing is written after it."""
    finished: list[int] = []

    def work(piece: Any) -> None:
        threading.Event().wait(0.001)
        for i in range(piece[0].start, piece[0].stop):
            if i in (300, 301, 700, 999):
                raise ValueError(i)
        finished.append(piece[0].stop)

    for _ in range(5):
        with pytest.raises(ValueError, match=r"^300$"):
            over_pieces(work, (1000,), workers)
        count = len(finished)
        threading.Event().wait(0.01)
        assert len(finished) == count


def test_arguments_that_broadcast_to_many_points_are_many() -> None:
    """A large batch can be made of two short arrays; it is cut like any other."""
    x, y = np.linspace(-1, 1, 700)[:, None], np.linspace(0, 1, 900)
    alone = fg.derivative(lambda x, y: np.sin(x * y) + np.exp(x), x, y, method="central", workers=1)
    for _ in range(2):
        assert np.array_equal(fg.derivative(lambda x, y: np.sin(x * y) + np.exp(x), x, y, method="central"), alone)
    assert np.max(abs(alone - (y * np.cos(x * y) + np.exp(x)))) < 1e-9


def noisy(x: Any) -> Any:
    hashed = np.sin(x * 12.9898e5) * 43758.5453
    return np.sin(3.0 * x) + 1e-8 * (hashed - np.floor(hashed) - 0.5)


def test_threads_share_the_rounds_of_the_adaptive_rule_to_the_same_bits() -> None:
    """Finer rounds, those for noise, and those along lines."""
    x = np.random.default_rng(8).uniform(-4.0, 4.0, 40_000)
    for f in (noisy, lambda x: np.sin(300.0 * x)):
        one, two = (fg.derivative(f, x, workers=n, full_output=True) for n in (1, 2))
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    vectors = x.reshape(-1, 5)
    for _ in range(2):  # the second time the cost of a point is known
        one, two = (fg.gradient(lambda v: np.sum(noisy(v) * v[0]), vectors, workers=n) for n in (1, 2))
        np.testing.assert_array_equal(one, two)


def test_blocks_are_as_small_as_other_tests_believe() -> None:
    """Three blocks in `test_evaluation_exceptions` are three blocks."""
    assert _blocks.BLOCK <= 1 << 14
