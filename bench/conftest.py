"""What the benchmarks share: sizes that shrink when nothing is timed, a warm-up, the error beside the time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Keep machine code beside pytest's own cache."""
    if "FASTGRAD_CACHE_DIR" not in os.environ:
        cache = getattr(config, "cache", None)
        os.environ["FASTGRAD_CACHE_DIR"] = str(cache.mkdir("kernels")) if cache else tempfile.mkdtemp()


@pytest.fixture
def points(request: pytest.FixtureRequest) -> Callable[..., list[np.ndarray]]:
    """Arrays of seeded points, one for each interval; a thousand at most when nothing is timed."""

    def make(size: int, *intervals: tuple[float, float]) -> list[np.ndarray]:
        if request.config.getoption("benchmark_disable"):
            size = min(size, 1000)
        random = np.random.default_rng(2024)
        return [random.uniform(low, high, size) for low, high in intervals]

    return make


@pytest.fixture
def timed(benchmark: Any) -> Callable[..., None]:
    """Time a call after one call to warm up, and keep its largest error and the nanoseconds per point."""

    def run(group: str, call: Callable[[], Any], exact: Any, rounds: int) -> None:
        benchmark.group = group
        error = float(np.max(np.abs(np.asarray(call()) - exact)))
        benchmark.pedantic(call, rounds=rounds, iterations=1)
        benchmark.extra_info["max_error"] = error
        if benchmark.stats:
            benchmark.extra_info["ns_per_point"] = round(benchmark.stats.stats.min * 1e9 / np.size(exact), 3)
        assert np.isfinite(error)

    return run
