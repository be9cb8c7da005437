"""What the benchmarks share: sizes that shrink when nothing is timed, a warm-up, error and yardstick beside a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numba
import numpy as np
import pytest

import fastgrad as fg
from fastgrad.evaluation.trials import compile_at_first_call


def pytest_configure(config: pytest.Config) -> None:
    """Keep machine code beside pytest's own cache."""
    if "FASTGRAD_CACHE_DIR" not in os.environ:
        cache = getattr(config, "cache", None)
        os.environ["FASTGRAD_CACHE_DIR"] = str(cache.mkdir("kernels")) if cache else tempfile.mkdtemp()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes gigabytes, unless it is asked for by ``-m slow``."""
    if "slow" not in (config.getoption("-m") or ""):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="gigabytes; run with -m slow"))


@pytest.fixture
def points(request: pytest.FixtureRequest) -> Callable[..., list[np.ndarray]]:
    """Arrays of seeded points, one for each interval; a thousand at most when nothing is timed."""

    def make(size: int, *intervals: tuple[float, float]) -> list[np.ndarray]:
        if request.config.getoption("benchmark_disable"):
            size = min(size, 1000)
        random = np.random.default_rng(2024)
        return [random.uniform(low, high, size) for low, high in intervals]

    return make


@numba.njit(error_model="numpy")
def reference(x: np.ndarray, out: np.ndarray) -> None:
    """Evaluate a polynomial and a quotient at every point: what the machine gives to a plain loop."""
    for i in range(x.size):
        y = x[i]
        value = 1.0
        for k in range(12):
            value = value * y + k
        out[i] = value / (1.0 + y * y)


_X = np.linspace(-1.0, 1.0, 100_000)
_OUT = np.empty_like(_X)

#: Seconds of the longest turn: ten of them for each benchmark.
_LONGEST = 0.05


def yardstick(seconds: float, turns: int = 5) -> float:
    """Seconds of the reference loop, the best of a few turns that take about as long as what it is compared with.

    Others on the same cores let short turns pass and cut into long ones: a loop of a tenth of a millisecond, on a
    machine at four times its load, made everything that takes ten milliseconds look up to eight times slower.
    """
    reference(_X, _OUT)
    best = np.inf
    for _ in range(turns):
        start, count = perf_counter(), 0
        while count == 0 or perf_counter() - start < min(seconds, _LONGEST):
            reference(_X, _OUT)
            count += 1
        best = min(best, (perf_counter() - start) / count)
    return best


@pytest.fixture(scope="session", autouse=True)
def _the_adaptive_rule(request: pytest.FixtureRequest) -> None:
    """Have the adaptive rule compiled: until it is, Python stands in for it where there are few points."""
    if not request.config.getoption("benchmark_disable"):
        compile_at_first_call()
        fg.derivative(np.sin, np.linspace(0.0, 1.0, 1000))


@pytest.fixture
def timed(benchmark: Any) -> Callable[..., None]:
    """Time a call after one call to warm up; keep its largest error, the time per point, and the reference loop's."""

    def run(group: str, call: Callable[[], Any], exact: Any, rounds: int) -> None:
        benchmark.group = group
        error = float(np.max(np.abs(np.asarray(call()) - exact)))
        start = perf_counter()
        call()
        seconds = perf_counter() - start
        before = yardstick(seconds)
        benchmark.pedantic(call, rounds=rounds, iterations=1)
        benchmark.extra_info["max_error"] = error
        benchmark.extra_info["points"] = int(np.size(exact))
        benchmark.extra_info["reference"] = min(before, yardstick(seconds))
        if benchmark.stats:
            benchmark.extra_info["ns_per_point"] = round(benchmark.stats.stats.min * 1e9 / np.size(exact), 3)
        assert not np.isnan(error)

    return run
