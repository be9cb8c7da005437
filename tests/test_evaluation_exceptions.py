"""The policy for exceptions of the caller's function: the same for every rule, way to run it and place in the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg

pytestmark = pytest.mark.machine_code

RULES = [fg.adaptive(), fg.central(), fg.forward(order=2), fg.central(n=2)]

#: More points than a block takes, which `test_parallel` asserts.
BLOCK = 1 << 14

#: In the first, the second and the last block of a batch.
SIZE = 2 * BLOCK + 100
PLACES = [10, BLOCK + 10, SIZE - 1]

#: Where it raises, and whether a bar is wanted.
CALLS = [(10, True), (BLOCK + 10, False), (SIZE - 1, True), (SIZE - 1, False)]


def raising(kind: type[Exception], low: float, high: float) -> Callable[[Any], Any]:
    """A function that raises between two numbers, for one number at a time; Numba compiles it."""

    def f(x: Any) -> Any:
        if low < x < high:
            raise kind
        return x * x * x

    return f


def of_arrays(f: Callable[[Any], Any]) -> Opaque:
    """The same for arrays: it raises if one of the numbers does, and nobody can compile it."""

    def g(x: Any) -> Any:
        if np.ndim(x):
            for one in np.ravel(x)[np.ravel(f.low < x) & np.ravel(x < f.high)]:  # type: ignore[attr-defined]
                f(one)
            return x * x * x
        return f(x)

    return Opaque(g)


def in_way(way: str, kind: type[Exception], low: float, high: float) -> Callable[[Any], Any]:
    f = raising(kind, low, high)
    if way == "compiled":
        return f
    if way == "pointwise":
        return Opaque(lambda x: f(float(x)))
    f.low, f.high = low, high  # type: ignore[attr-defined]
    return of_arrays(f)


WAYS = ["compiled", "arrays", "pointwise"]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_at_a_point_it_is_raised(way: str, rule: Any, kind: type[Exception]) -> None:
    size = SIZE if way != "pointwise" else 40
    x = np.linspace(1.0, 2.0, size)
    for place, full in CALLS if way != "pointwise" else ((0, False), (39, True)):
        f = in_way(way, kind, x[place] - 0.2, x[place] + 0.2)
        points = np.full(size, 5.0)
        points[place] = x[place]
        with pytest.raises(kind):
            fg.derivative(f, points, method=rule, full_output=full)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_beside_a_point_the_domain_ends_or_it_is_raised(way: str, rule: Any, kind: type[Exception]) -> None:
    size = SIZE if way != "pointwise" else 40
    f = in_way(way, kind, 2.0, 3.0)
    for place, full in CALLS if way != "pointwise" else ((0, False), (39, True)):
        points = np.full(size, 5.0)
        points[place] = 2.0
        if kind is RuntimeError:
            with pytest.raises(kind):
                fg.derivative(f, points, method=rule, full_output=full)
            continue
        df = fg.derivative(f, points, method=rule, full_output=full)
        df = df.df if full else df
        exact = 3 * points**2 if rule.n == 1 else 6 * points
        assert np.max(abs(df - exact)) < 1e-3


@pytest.mark.parametrize("kind", [ValueError, ZeroDivisionError, IndexError, AssertionError])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
def test_exceptions_that_end_a_domain(way: str, kind: type[Exception]) -> None:
    assert abs(fg.derivative(in_way(way, kind, 2.0, 3.0), np.array([1.0, 2.0]))[1] - 12.0) < 1e-3


@pytest.mark.parametrize("place", PLACES)
def test_complex_step_at_a_point(place: int) -> None:
    def f(x: Any) -> Any:
        if np.any(x.real == 2.0):
            raise ValueError
        return x * x

    points = np.full(SIZE, 5.0)
    points[place] = 2.0
    with pytest.raises(ValueError):
        fg.derivative(f, points, method="complex")


@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
def test_exceptions_of_handlers_are_not_the_end_of_a_domain() -> None:
    """A timeout that is a ValueError, raised while `f` runs beside a point."""
    import signal

    class Timeout(ValueError):
        """What the handler raises."""

    def handler(number: int, frame: Any) -> None:
        raise Timeout

    before = signal.signal(signal.SIGALRM, handler)
    try:
        f = Opaque(lambda x: (signal.raise_signal(signal.SIGALRM) if x > 2.0 else None, x * x)[1])
        with pytest.raises(Timeout):
            fg.derivative(f, np.array([1.0, 2.0]))
    finally:
        signal.signal(signal.SIGALRM, before)
