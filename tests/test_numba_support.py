"""Derivatives inside functions that Numba compiles: the same bits as outside, or an error that says what to do."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest
from conftest import run_python
from numba.core.errors import TypingError

import fastgrad as fg
from fastgrad import gates

pytestmark = pytest.mark.machine_code

FOURTH = fg.central(order=4)
POINTS = np.append(np.random.default_rng(8).normal(size=200) * 2.0 ** np.arange(-100, 100), [0.0, np.inf, np.nan])


@numba.njit
def wave(x: float) -> float:
    return math.exp(-x * x) * math.sin(3 * x) + abs(x)


@numba.njit
def product(x: float, y: float) -> float:
    return np.tanh(x * y) + y**3


def same(found: Any, wanted: Any) -> bool:
    return np.array_equal(found, np.broadcast_to(wanted, np.shape(found)), equal_nan=True)


def test_stencils_give_the_same_bits_as_outside() -> None:
    @numba.njit
    def inside(x: float) -> Any:
        return (
            fg.derivative(wave, x, method="central"),
            fg.derivative(wave, x, method="forward", step=1e-3),
            fg.derivative(wave, x, method=FOURTH, rel_step=0.01),
            fg.derivative(product, x, 2, method="backward"),
            fg.derivative(product, 0.5, x, method=fg.central(order=4), wrt=-1),
        )

    outside = (
        fg.derivative(wave, POINTS, method="central"),
        fg.derivative(wave, POINTS, method="forward", step=1e-3),
        fg.derivative(wave, POINTS, method=FOURTH, rel_step=0.01),
        fg.derivative(product, POINTS, 2, method="backward"),
        fg.derivative(product, 0.5, POINTS, method=FOURTH, wrt=-1),
    )
    found = np.array([inside(x) for x in POINTS]).T
    for ours, wanted in zip(found, outside, strict=True):
        usual = np.isfinite(wanted)  # outside, another rule may take over where a stencil is not finite
        assert same(ours[usual], wanted[usual])
    assert np.isnan(found[0, -2:]).all()


def test_the_adaptive_rule_too() -> None:
    right = fg.adaptive(side="right")

    @numba.njit
    def inside(x: float) -> Any:
        return (
            fg.derivative(wave, x),
            fg.derivative(product, 0.5, x, wrt=1, step=0.25),
            fg.derivative(wave, x, method=right),
        )

    found = np.array([inside(x) for x in POINTS]).T
    assert same(found[0], fg.derivative(wave, POINTS))
    assert same(found[1], fg.derivative(product, 0.5, POINTS, wrt=1, step=0.25))
    assert same(found[2], fg.derivative(wave, POINTS, method=right))
    assert inside(0.0)[2] == pytest.approx(4.0)  # the right side of the kink


@numba.njit
def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@numba.njit
def valley(x: Any, a: float, b: Any) -> Any:
    return np.array([a * x[0] ** 2 + math.exp(x[1]) * b[0]])


def test_gradients_give_the_same_bits_as_outside() -> None:
    b = np.array([0.5])

    @numba.njit
    def inside(x: Any) -> Any:
        return (
            fg.gradient(rosenbrock, x, method="central"),
            fg.gradient(rosenbrock, x, method=FOURTH, step=0.125),
            fg.gradient(valley, x, args=(3.0, b), method="central"),
        )

    x = np.random.default_rng(9).normal(size=(20, 5)) * 2.0 ** np.arange(-4, 16, 4)
    outside = (
        fg.gradient(rosenbrock, x, method="central"),
        fg.gradient(rosenbrock, x, method=FOURTH, step=0.125),
        fg.gradient(valley, x, args=(3.0, b), method="central"),
    )
    before = x.copy()
    for i, row in enumerate(x):
        for ours, wanted in zip(inside(row), outside, strict=True):
            assert same(ours, wanted[i])
    assert np.array_equal(x, before)
    assert np.isnan(inside(np.array([1.0, np.nan, 2.0]))[0]).all()


def test_gradients_of_arrays_in_reverse() -> None:
    """Numba compiles once more for an array that is not contiguous: for one gradient, not for all."""

    @numba.njit
    def inside(x: Any) -> Any:
        return fg.gradient(rosenbrock, x, method="central")

    x = np.random.default_rng(9).normal(size=5)[::-1]
    assert same(inside(x), fg.gradient(rosenbrock, x, method="central"))


def test_gates_and_functions_of_numpy_and_math() -> None:
    @numba.njit
    def inside(x: float) -> Any:
        return (
            fg.derivative(gates.sigmoid, x, method="central"),
            fg.derivative(np.arctan, x, method="central"),
            fg.derivative(math.sin, x, method="central"),
            fg.derivative(lambda t: t * t * t, x, method="central"),
        )

    def cube(t: float) -> float:
        return t * t * t

    for ours, f in zip(inside(0.3), (gates.sigmoid, np.arctan, math.sin, cube), strict=True):
        assert ours == fg.derivative(f, 0.3, method="central")


def test_functions_and_rules_as_arguments() -> None:
    @numba.njit
    def inside(f: Any, x: float, rule: Any) -> Any:
        return fg.derivative(f, x, method=rule)

    for rule in (FOURTH, fg.forward(), fg.central(n=2)):
        assert inside(wave, 0.7, rule) == fg.derivative(wave, 0.7, method=rule)
    for factor in (2.0, 3.0):  # closures of one text are functions of their own

        @numba.njit
        def scaled(x: float, factor: float = factor) -> float:
            return factor * x

        assert inside(scaled, 1.0, FOURTH) == pytest.approx(factor)


@numba.njit
def fussy(x: float) -> float:
    if x > 1:
        raise ValueError("mine")
    return x


def test_exceptions_of_f() -> None:
    @numba.njit
    def adaptive(x: float) -> Any:
        return fg.derivative(fussy, x)

    @numba.njit
    def central(x: float) -> Any:
        return fg.derivative(fussy, x, method="central")

    for inside in (adaptive, central):
        assert inside(0.0) == pytest.approx(1.0, rel=1e-9)
        with pytest.raises(ValueError, match="mine"):
            inside(2.0)
    assert adaptive(1.0) == pytest.approx(1.0)  # the domain ends beside the point


def plain(x: float) -> float:
    return x


def refused(body: str, *args: Any) -> str:
    """What compiling a function that returns `body` raises."""
    scope = {"fg": fg, "wave": wave, "rosenbrock": rosenbrock, "plain": plain, "COMPLEX": fg.complex_step()}
    exec(f"def inside(x):\n    return {body}\n", scope)
    with pytest.raises((TypingError, ValueError)) as caught:
        numba.njit(scope["inside"])(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("fg.derivative(wave, x, method='centre')", "`method` must be one of 'adaptive'"),
        ("fg.derivative(wave, x, method=COMPLEX)", "must be a stencil or adaptive"),
        ("fg.derivative(wave, x, full_output=True)", "`full_output` must be left out"),
        ("fg.derivative(wave, x, bounds=(0, 1))", "`bounds` must be left out"),
        ("fg.derivative(wave, x, wrt=1)", "`wrt` must be from -1 to 0"),
        ("fg.derivative(wave, x, step=0.1, rel_step=0.1)", "exclude each other"),
        ("fg.derivative(wave, x, step='a')", "`step` must be a number"),
        ("fg.derivative(wave, x, method=fg.central(order=99))", "`order` must be between 1 and 10; got 99"),
        ("fg.derivative(wave, x, method=fg.forward(x))", "`order` must be written out"),
        ("fg.derivative(x, x)", "`f` must be compiled by numba.njit"),
        ("fg.derivative(plain, x)", "Cannot determine Numba type of <class 'function'>"),
        ("fg.gradient(rosenbrock, x, method='central')", "`x` must be a one-dimensional array"),
    ],
)
def test_what_cannot_be_compiled(body: str, words: str) -> None:
    assert words in refused(body, 1.0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("fg.derivative(wave, x)", "Loop over the points"),
        ("fg.gradient(rosenbrock, x)", "`method` must be a stencil where `gradient`"),
    ],
)
def test_what_arrays_cannot_do(body: str, words: str) -> None:
    assert words in refused(body, np.ones(3))


def test_bad_steps_are_refused_at_run_time() -> None:
    @numba.njit
    def inside(x: float, step: float) -> Any:
        return fg.derivative(wave, x, method="central", step=step)

    assert inside(1.0, 0.5) == fg.derivative(wave, 1.0, method="central", step=0.5)
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="`step` must be positive and finite"):
            inside(1.0, bad)


CACHED = """
import warnings, numba, fastgrad as fg
@numba.njit
def f(x): return x * x
@numba.njit(cache=True)
def stencil(x): return fg.derivative(f, x, method="central")
@numba.njit(cache=True)
def adaptive(x): return fg.derivative(f, x)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    value = stencil(3.0)
    print(abs(value - 6) < 1e-9, sum(stencil.stats.cache_hits.values()), [str(w.message) for w in caught])
    value = adaptive(3.0)
    print(abs(value - 6) < 1e-12, ["dynamic globals" in str(w.message) for w in caught])
"""


def test_what_numba_stores_in_its_cache(tmp_path: Any) -> None:
    """Stencils are stored; the adaptive rule, called by an address of this process, is not."""
    (tmp_path / "stored.py").write_text(CACHED)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import stored"
    first, second = (run_python(script, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.splitlines() == ["True 0 []", "True [True]"]
    assert second.splitlines() == ["True 1 []", "True [True]"]
