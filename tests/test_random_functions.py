"""Random functions three ways: compiled, called as they are, and exactly by dual numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from random_functions import Dual, random_function

import fastgrad as fg

pytestmark = [pytest.mark.machine_code, pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")]

POINTS = np.array([-2.3, -1.1, -0.37, 0.13, 0.52, 0.9, 1.41, 1.77, 2.6, 3.05])


def compare(seed: int) -> tuple[int, list[Any]]:
    """Return how many points were compared, and those that are wrong with success."""
    source, f, exact = random_function(seed)
    truth = np.array([exact(Dual(x, 1.0)).slope for x in POINTS])
    values = np.array([exact(Dual(x)).value for x in POINTS])
    assert np.allclose(values, [f(x) for x in POINTS], rtol=1e-9, equal_nan=True), (seed, source)
    wrong: list[Any] = []
    for way, function in (("compiled", f), ("called", Opaque(f))):
        result = fg.derivative(function, POINTS, full_output=True)
        off = np.abs(result.df - truth)
        allowed = 10 * result.error + 1e-9 * np.maximum(np.abs(truth), 1e-3)
        bad = result.success & ~(off <= allowed)
        wrong += [(seed, way, x, d, t, source) for x, d, t in zip(POINTS[bad], result.df[bad], truth[bad], strict=True)]
    return POINTS.size * 2, wrong


def compared(seeds: range) -> tuple[int, list[Any]]:
    results = [compare(seed) for seed in seeds]
    return sum(count for count, _ in results), [case for _, cases in results for case in cases]


def test_dual_numbers_follow_pythons_arithmetic() -> None:
    """The test of the test: the rules of division and remainder, against values known by hand."""
    x = Dual(-2.3, 1.0)
    assert ((x % 1.75).value, (x % 1.75).slope) == (-2.3 % 1.75, 1.0)
    assert ((x // 1.25).value, (x // 1.25).slope, int(x)) == (-2.0, 0.0, -2)
    assert ((x**3).slope, (1 / x).slope) == (3 * 2.3**2, -1 / 2.3**2) or abs((x**3).slope - 15.87) < 1e-12
    assert abs((x * x / (1 + x)).slope - ((2 * -2.3) * (1 - 2.3) - 2.3**2) / (1 - 2.3) ** 2) < 1e-12


def test_random_functions_three_ways() -> None:
    count, wrong = compared(range(20))
    assert count == 400
    assert len(wrong) <= 1, wrong


@pytest.mark.slow
def test_a_thousand_random_functions_three_ways() -> None:
    count, wrong = compared(range(1000))
    assert len(wrong) <= 2e-3 * count, wrong
