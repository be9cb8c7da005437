"""First calls at a few points do not compile; the caches can be cleared."""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.evaluation import trials
from fastgrad.evaluation.functions import function
from fastgrad.evaluation.vector_functions import vector_function

pytestmark = pytest.mark.machine_code


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a new process with an empty cache directory, but for the loops of this package."""
    monkeypatch.setenv("FASTGRAD_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(trials.ELEMENTWISE, "seconds", 10.0)
    monkeypatch.setattr(trials.VECTORS, "seconds", 10.0)
    fg.clear_cache()
    gc.collect()


def is_compiled(f: Any) -> bool:
    return function(f, 1)._record.is_checked


@pytest.mark.usefixtures("new_process")
@pytest.mark.parametrize("rule", [fg.adaptive(), fg.adaptive(n=2), fg.central(), fg.central(n=2)], ids=str)
def test_tiny_batches_are_called_and_large_ones_compiled(rule: Any) -> None:
    f = lambda x: math.sin(x) * x + 1.25  # noqa: E731
    x = np.linspace(0.5, 3.0, 10)
    called = fg.derivative(f, x, method=rule)
    alone = fg.derivative(f, x[3], method=rule)
    assert alone == called[3]
    assert not is_compiled(f)
    estimate = fg.derivative(f, x, method=rule, full_output=True)
    assert np.array_equal(estimate.df, called)
    compiled = fg.derivative(f, np.resize(x, 100), method=rule)[:10]
    assert is_compiled(f)
    assert (abs(compiled - called) <= 2 * estimate.error).all()


@pytest.mark.usefixtures("new_process")
def test_many_tiny_calls_compile_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials.ELEMENTWISE, "seconds", 0.02)
    f = lambda x: math.cos(x) * x + 1.5  # noqa: E731
    calls = 0
    while not is_compiled(f):
        fg.derivative(f, 1.0)
        calls += 1
    assert 1 < calls < 1000


@pytest.mark.usefixtures("new_process")
def test_points_that_are_none() -> None:
    assert np.isnan(fg.derivative(lambda x: x * int(x) + 5.5, math.nan))


@pytest.mark.usefixtures("new_process")
def test_types_of_results_do_not_depend_on_it() -> None:
    single = fg.derivative(lambda x: np.float32(x) * np.float32(x), 3.0, method="central")
    assert abs(single - 6.0) < 1e-2
    assert np.iscomplexobj(fg.derivative(lambda x: np.exp(1j * x), 1.0))
    single = fg.derivative(lambda x, k: x**k, np.float32(2.0), 3, method="central")
    assert single.dtype == np.float32
    assert abs(single - 12.0) < 1e-5
    with pytest.warns(UserWarning, match="not elementwise"):
        fg.derivative(lambda x: x / np.sum(x) + 2.0, np.array([1.0, 2.0, 4.0]))


def test_clear_cache_forgets_and_unloads() -> None:
    f = lambda x: x * x * x + 3.25  # noqa: E731
    before = fg.derivative(f, 2.0), fg.gradient(f_of_vectors, [1.0, 2.0])
    code = function(f, 1)._record.code
    fg.clear_cache()
    assert function(f, 1)._record.code is not code
    assert fg.derivative(f, 2.0) == before[0]
    assert np.array_equal(fg.gradient(f_of_vectors, [1.0, 2.0]), before[1])
    assert fg.gates.sigmoid(0.0) == 0.5


def f_of_vectors(v: Any) -> Any:
    return v[0] * v[1] + 3.5


def test_ufuncs_of_gates_outlive_it() -> None:
    @fg.gate(partials=lambda x: 2.0 * x + 4.0)
    def shifted(x):  # type: ignore[no-untyped-def]
        return x * x + 4.0 * x

    ufunc = shifted.ufunc
    fg.clear_cache()
    gc.collect()
    assert np.array_equal(ufunc(np.array([1.0, 2.0])), [5.0, 12.0])


@pytest.mark.usefixtures("new_process")
@pytest.mark.parametrize("rule", ["adaptive", fg.adaptive(n=3), "central"], ids=str)
def test_no_points_before_anything_is_compiled(rule: Any) -> None:
    """The first point, at which calling is timed, was taken from an empty array."""
    f = lambda x, y: math.sin(x) * y + 1.75  # noqa: E731
    assert fg.derivative(f, np.empty((0, 3)), 2.0, method=rule).shape == (0, 3)
    assert fg.derivative(f, 2.0, np.empty(0), method=rule, full_output=True).df.shape == (0,)


def is_vector_compiled(f: Any, x: Any) -> bool:
    return vector_function(f, 0).evaluator(x, ()).is_compiled


@pytest.mark.usefixtures("new_process")
@pytest.mark.parametrize("rule", [fg.adaptive(), fg.central()], ids=str)
def test_a_few_vectors_are_called_and_many_compiled(rule: Any) -> None:
    f = lambda v: np.sum(np.sin(v) ** 2) * v[0] + 1.25  # noqa: E731
    x = np.random.default_rng(1).normal(size=(100, 3))
    x[7] = np.nan
    few = fg.gradient(f, x[:10], method=rule, full_output=True)
    assert not is_vector_compiled(f, x[:10])
    assert np.array_equal(fg.gradient(f, x[3], method=rule), fg.gradient(f, x[:10], method=rule)[3])
    many = fg.gradient(f, x, method=rule)[:10]
    assert is_vector_compiled(f, x)
    assert is_vector_compiled(f, x[:1])
    assert np.array_equal(np.isnan(many), np.isnan(few.df))
    good = ~np.isnan(many)
    assert (abs(many - few.df) <= 2 * few.error)[good].all()


@pytest.mark.usefixtures("new_process")
def test_many_calls_with_one_vector_compile_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials.VECTORS, "seconds", 0.02)
    x, calls = np.array([1.0, 2.0]), 0

    def make(k: float) -> Any:  # closures of the same code count together
        return lambda v: v[0] * v[1] * k + 1.5

    while not is_vector_compiled(f := make(float(calls)), x[None]):
        fg.gradient(f, x)
        calls += 1
    assert 1 < calls < 1000


@pytest.mark.usefixtures("new_process")
def test_one_vector_warns_of_nothing_and_may_become_complex() -> None:
    wide = np.linspace(0.1, 1.0, 200)
    assert np.allclose(fg.gradient(lambda v: np.sum(v * v) + 2.5, wide), 2 * wide)
    made = fg.jacobian(lambda v: v if v[0] < 1.0 else 1j * v + 3.5, np.array([1.0 - 2.0**-40, 2.0]))
    assert np.iscomplexobj(made)
