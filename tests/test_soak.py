"""Memory stays level over many mixed calls: functions made anew, batches of every size, bars, vectors, mistakes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")


def resident() -> float:
    """Memory of this process in MiB, by Linux's own account."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def kept(x: Any) -> Any:
    return np.exp(-x * x) * np.sin(x)


def vector(v: Any) -> Any:
    return np.sum(v * v, axis=-1)


def opaque(scale: float) -> Opaque:
    """A callable with data of its own, that nobody can compile."""
    data = np.zeros(1000)
    return Opaque(lambda x: np.sin(scale * x) + data[0])


def calls(start: int, stop: int) -> None:
    """Make the calls from one number to another, of ten kinds in turn."""
    sizes = (1, 3, 100, 1000)
    batches = [np.linspace(-1, 1, n) for n in sizes]
    for k in range(start, stop):
        x = batches[(k // 10) % len(sizes)]
        kind = k % 10
        if kind == 0:
            fg.derivative(kept, x)
        elif kind == 1:
            fg.derivative(kept, x, method="central")
        elif kind == 2:
            fg.derivative(opaque(1 + k % 7), x, method="central")
        elif kind == 3:
            scale = float(k)  # a function made anew, with another value in it every time
            fg.derivative(lambda x, scale=scale: np.sin(scale * x), 0.3, method="central")
        elif kind == 4:
            fg.derivative(kept, x, method="forward", full_output=True)
        elif kind == 5:
            fg.gradient(vector, np.ones((1 + k % 5, 3)), method="central")
        elif kind == 6:
            fg.gradient(lambda v: float(np.dot(v, v)), np.array([1.0, 2.0]))
        elif kind == 7:
            try:
                fg.derivative(kept, x, step=-1)
            except ValueError:
                pass
        elif kind == 8:
            fg.derivative(opaque(2.0), 0.5, full_output=True)
        else:
            fg.jacobian(lambda v: v * v, np.array([1.0, 2.0]), method="forward")


def growth(warm: int, count: int) -> tuple[float, float]:
    """Memory that the second half of the calls leaves behind, in MiB: what Python counts, and what the system does."""
    calls(0, warm)
    half = count // 2
    tracemalloc.start()
    try:
        calls(warm, warm + half)
        gc.collect()
        python, system = tracemalloc.get_traced_memory()[0], resident()
        calls(warm + half, warm + 2 * half)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - python) / 2**20, resident() - system
    finally:
        tracemalloc.stop()


def test_memory_stays_level() -> None:
    python, system = growth(400, 1000)
    assert python < 0.25 and system < 8, (python, system)


@pytest.mark.slow
def test_memory_stays_level_over_fifty_thousand_calls() -> None:
    python, system = growth(2_000, 50_000)
    assert python < 0.5 and system < 16, (python, system)
