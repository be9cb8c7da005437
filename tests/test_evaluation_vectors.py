"""How functions of a vector are called: forms, layouts, machine code and Python, and what cannot be mistaken."""

from __future__ import annotations

import math
import signal
import time
import warnings
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg
from fastgrad.evaluation.vector_functions import VectorFunction, vector_function
from fastgrad.evaluation.vector_machine import Machine

pytestmark = pytest.mark.machine_code

X = np.random.default_rng(3).uniform(0.5, 2.0, (3, 4))


def form_of(f: Any, x: Any = X, args: tuple[Any, ...] = ()) -> Any:
    return vector_function(f, len(args)).evaluator(x, args).form


def test_an_empty_batch_decides_nothing() -> None:
    """A function that met no points first was called one vector at a time for good."""
    f: Any
    for first, f in (
        (np.empty((0, 4)), lambda v: np.sum(v * v) * v[1]),
        (np.full((2, 4), np.nan), lambda v: np.sum(v * v) * v[2]),
    ):
        assert form_of(f, first).is_compiled is False
        assert form_of(f).is_compiled


@pytest.mark.parametrize(
    ("f", "layout", "outputs"),
    [
        (lambda v: np.sum(v * v, axis=-1), "rows", 1),
        (lambda v: v[..., 0] * v[..., 1], "rows", 1),
        (lambda v: v * v[..., :1], "rows", 4),
        (lambda v: (v[..., 0], 2.0 * v[..., 1]), "rows", 2),
        (lambda v: v[0] * v[1] + v[3], "columns", 1),
        (lambda v: [v[0] * v[1], v[2], 1.0], "columns", 3),
        (lambda v: np.arange(8.0).reshape(2, 4) @ v, "columns", 2),
        (lambda v: np.sum(v * v), "single", 1),
        (lambda v: v / v.sum(), "single", 4),
        (lambda v: v / v.max(), "single", 4),
        (lambda v: math.exp(v[0]) * v[1], "single", 1),
        (lambda v: v[0] if v[1] > 0 else v[2], "single", 1),
        (lambda v: 3.0, "single", 1),
    ],
)
def test_layouts(f: Any, layout: str, outputs: int) -> None:
    form = form_of(Opaque(f))
    assert (form.layout, form.outputs, form.program) == (layout, outputs, None)
    vectors = np.random.default_rng(4).uniform(0.5, 2.0, (50, 4))
    opaque = Opaque(f)
    together = vector_function(opaque, 0).evaluator(X, ()).values(vectors)
    apart = [np.ravel(np.array(f(v), dtype=float)) for v in vectors]
    np.testing.assert_allclose(together, apart, rtol=1e-14)


@pytest.mark.parametrize("d", range(1, 7))
def test_no_length_is_mistaken_for_a_batch(d: int) -> None:
    # sums over everything, over the wrong axis, of a square matrix: shapes that fit when there are d vectors
    x = np.random.default_rng(d).uniform(0.5, 2.0, (d, d))
    for f in (lambda v: np.sum(v**2, axis=0), lambda v: v.T @ v, lambda v: np.sort(v, axis=0)[0]):
        opaque = Opaque(f)
        if np.ndim(f(x[0])) == 0:
            found = fg.gradient(opaque, x)
            alone = np.array([fg.gradient(opaque, row) for row in x])
            np.testing.assert_array_equal(found, alone)


class Model:
    """What fits itself to rows of variables, and takes nothing else."""

    def predict(self, rows: Any) -> Any:
        if np.ndim(rows) != 2:
            raise ValueError("Expected 2D array, got 1D array instead")
        return rows[:, 0] ** 2 * rows[:, 1]

    def probabilities(self, rows: Any) -> Any:
        return np.stack([self.predict(rows), 1 - self.predict(rows)], axis=1)


@pytest.mark.parametrize("method", ["adaptive", "central", "complex"])
def test_functions_of_batches_only(method: str) -> None:
    model, x = Model(), X[:, :2]
    slope = np.stack([2 * x[:, 0] * x[:, 1], x[:, 0] ** 2], axis=-1)
    for points, wanted in ((x, slope), (x[0], slope[0]), (x[:1], slope[:1])):
        for f in (model.predict, Model().predict, lambda rows: rows[:, 0] ** 2 * rows[:, 1]):
            np.testing.assert_allclose(fg.gradient(f, points, method=method), wanted, rtol=1e-8)
        found = fg.jacobian(model.probabilities, points, method=method)
        np.testing.assert_allclose(found, np.stack([wanted, -wanted], axis=-2), rtol=1e-8)
    along = fg.directional(model.predict, x, x, method=method)
    np.testing.assert_allclose(along, np.sum(slope * x, axis=-1), rtol=1e-8)
    if method != "complex":
        np.testing.assert_allclose(fg.hessian(model.predict, x, method=method)[:, 0, 1], 2 * x[:, 0], rtol=1e-5)
    assert fg.sparsity(model.probabilities, x[0]).nnz == 4
    assert fg.jacobian(Model().probabilities, np.empty((0, 2)), method=method).shape == (0, 2, 2)


def test_a_function_of_vectors_that_raises_is_not_taken_for_one_of_batches() -> None:
    class Mine(Exception):
        pass

    def f(v: Any) -> Any:
        if np.ndim(v) == 1 and v[0] > 1.0:
            raise Mine
        return np.sum(v * v)

    opaque = Opaque(f)
    with pytest.raises(Mine):
        fg.gradient(opaque, [2.0, 1.0])
    np.testing.assert_allclose(fg.gradient(opaque, [0.5, 1.0]), [1.0, 2.0], rtol=1e-9)
    with pytest.raises(Mine):
        fg.gradient(opaque, [2.0, 1.0])


def test_probes_stay_inside_bounds() -> None:
    seen: list[np.ndarray] = []

    def f(v: Any) -> Any:
        seen.append(np.array(v))
        return np.sum(v * v, axis=-1)

    low, high = np.array([0.0, 0.5, 1.0, 1.9]), np.array([2.0, 2.0, 1.0, 2.0])
    x = np.array([[0.0, 0.5, 1.0, 2.0], [2.0, 2.0, 1.0, 1.9]])
    fg.gradient(Opaque(f), x, bounds=(low, high))
    fg.hessian(Opaque(f), x, bounds=(low, high))
    for vectors in map(np.atleast_2d, seen):
        vectors = vectors if vectors.shape[-1] == 4 else vectors.T
        assert np.all((vectors >= low) & (vectors <= high))


@pytest.mark.parametrize("opaque", [False, True])
def test_forms_of_results(opaque: bool) -> None:
    def fills(v: Any, out: Any) -> None:
        out[0] = v[0] * v[1]
        out[1] = v[1]
        out[2] = 0.0
        out[3] = v[3] * 2

    class Fills:
        def __call__(self, v: Any, out: Any) -> None:
            fills(v, out)

    def made(f: Any) -> Any:
        return Opaque(f) if opaque else f

    exact = np.zeros((4, 4))
    exact[0, :2], exact[1, 1], exact[3, 3] = X[0, [1, 0]], 1.0, 2.0
    for f, rows in (
        (Fills() if opaque else fills, 4),
        (made(lambda v: (v[0] * v[1], v[1])), 2),
        (made(lambda v: [v[0] * v[1], v[1]]), 2),
        (made(lambda v: np.array([v[0] * v[1], v[1]])), 2),
        (made(lambda v: v[0] * v[1]), 1),
    ):
        found = fg.jacobian(f, X[0])
        assert found.shape == (rows, 4)
        np.testing.assert_allclose(found, exact[:rows], atol=1e-12)
        assert (form_of(f).is_compiled is False) == opaque


@pytest.mark.parametrize("opaque", [False, True])
def test_an_argument_left_out_is_no_array_to_fill(opaque: bool) -> None:
    """The jacobian was NaN without a word: `f` had filled nothing."""

    def scaled(v: Any, a: float, b: Any) -> Any:
        return v * a * b

    class Scaled:
        def __call__(self, v: Any, a: float, b: Any) -> Any:
            return scaled(v, a, b)

    for call in (fg.jacobian, fg.gradient):
        with pytest.raises(TypeError, match=r"`f` must take the vector and 1 more argument, or fill one more"):
            call(Scaled() if opaque else scaled, X[0], args=(3.0,))

    def fills(v: Any, out: Any) -> Any:
        return np.multiply(v, 2.0, out)

    assert np.allclose(fg.jacobian(fills, X[0]), 2 * np.eye(4), atol=1e-12)


@pytest.mark.parametrize("opaque", [False, True])
def test_a_function_that_spoils_its_argument(opaque: bool) -> None:
    def f(v: Any) -> Any:
        v *= 2.0
        v[0] += v[1]
        return v[0] * v[1]

    g, x = Opaque(f) if opaque else f, X.copy()
    found = fg.gradient(g, x)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(found[:, :2], 4 * np.stack([x[:, 1], x[:, 0] + 2 * x[:, 1]], axis=-1), rtol=1e-12)


def test_arguments_reach_f_as_they_are() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    truth = X @ (matrix + matrix.T) * 3
    np.testing.assert_allclose(fg.gradient(lambda v, a, k: k * (v @ a @ v), X, args=(matrix, 3)), truth, rtol=1e-12)
    for order in (matrix, np.asfortranarray(matrix)):
        found = fg.gradient(Opaque(lambda v, a, k: k["factor"] * (v @ a @ v)), X[0], args=(order, {"factor": 3}))
        np.testing.assert_allclose(found, truth[0], rtol=1e-12)
    assert fg.gradient(lambda v, n: v[0] ** n, [2.0], args=3) == pytest.approx(12.0, rel=1e-13)


def test_captured_values_are_followed() -> None:
    scale = np.array([2.0])

    def f(v: Any) -> Any:
        return scale[0] * v[0]

    assert fg.gradient(f, [1.0])[0] == pytest.approx(2.0)
    scale[0] = 5.0
    assert fg.gradient(f, [1.0])[0] == pytest.approx(5.0)


def test_code_that_is_not_what_python_does_is_not_used() -> None:
    def f(v: Any) -> Any:
        total = 1
        for _ in range(70):
            total = total * 2
        return v[0] * total if v[0] > -1e9 else 0.0

    assert form_of(f).is_compiled is False
    assert fg.gradient(f, [1.0])[0] == pytest.approx(2.0**70)


def test_an_exception_reaches_the_caller() -> None:
    class Mine(Exception):
        pass

    def f(v: Any) -> Any:
        if v[0] > 1.9:
            raise Mine
        return v[0] * v[1]

    for g in (f, Opaque(f)):
        for rule in ("adaptive", "central"):
            assert np.all(np.isfinite(fg.gradient(g, [1.0, 2.0], method=rule)))
            with pytest.raises(Mine):
                fg.gradient(g, [[1.0, 2.0], [2.0, 2.0]], method=rule)


class Interrupted:
    """A function during whose `at`-th call a signal comes."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def __call__(self, v: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            signal.raise_signal(signal.SIGTERM)
        return np.stack([v[..., 0] * v[..., 1], np.exp(v[..., 2])], axis=-1)


@pytest.mark.parametrize("call", [fg.jacobian, fg.sparsity], ids=["jacobian", "sparsity"])
def test_what_a_handler_raises_comes_out_of_every_call_of_f(call: Any) -> None:
    """The first calls, which find out what `f` makes of vectors, and all of `sparsity` took it for a refusal of `f`."""

    class Mine(Exception):
        pass

    def handler(number: int, frame: Any) -> None:
        raise Mine

    never, x = Interrupted(0), X[0, :3]
    call(never, x)
    before = signal.signal(signal.SIGTERM, handler)
    try:
        for at in range(1, never.calls + 1):
            with pytest.raises(Mine):
                call(Interrupted(at), x)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_index_beyond_the_vector() -> None:
    with pytest.raises(IndexError):
        fg.gradient(lambda v: v[5], [1.0, 2.0])


def test_warning_only_for_many_vectors() -> None:
    def one_at_a_time() -> Opaque:
        return Opaque(lambda v: math.exp(v[0]) * v[1])

    fg.gradient(one_at_a_time(), [1.0, 2.0])  # warnings are errors
    with pytest.warns(fg.PerformanceWarning, match="one vector at a time"):
        fg.gradient(one_at_a_time(), np.ones((1500, 2)), method="central")
    slow = Opaque(lambda v: time.sleep(1e-4) or math.exp(v[0]) * v[1])
    with pytest.warns(fg.PerformanceWarning, match="one vector at a time"):
        fg.gradient(slow, np.ones((600, 2)), method="central")


def test_complex_values_that_come_late() -> None:
    f = Opaque(lambda v: np.array([v[0] * 1j if v[0] > 1.5 else v[0], v[1]]))
    found = fg.jacobian(f, [[1.0, 2.0], [2.0, 3.0]])
    np.testing.assert_allclose(found, [[[1, 0], [0, 1]], [[1j, 0], [0, 1]]], atol=1e-13)


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (3, TypeError, "callable"),
        (lambda v, a, b, c: v, TypeError, "`args`"),
        (lambda v: None, TypeError, "None"),
        (lambda v: "word", TypeError, "numbers"),
    ],
)
def test_refusals(f: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fg.jacobian(f, [1.0, 2.0])


def test_functions_are_not_kept_alive() -> None:
    import gc
    import weakref

    f = Opaque(lambda v: v[0])
    fg.gradient(f, [1.0])
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_different_numbers_of_results() -> None:
    f = Opaque(lambda v: v[: 1 + int(v[0] > 1.0)])
    with warnings.catch_warnings(), pytest.raises(ValueError, match="as many values"):
        fg.jacobian(f, [[0.5, 1.0], [2.0, 1.0]])
    assert isinstance(vector_function(f, 0), VectorFunction)


@pytest.mark.parametrize(
    "arg",
    [2.5, np.float32(0.1), 3, -7, True, np.int32(4), np.arange(6).reshape(2, 3),
     np.ones((2, 2, 2), dtype=np.float32)[:, ::-1], np.array([True, False])],
    ids=repr,
)  # fmt: skip
def test_arguments_in_machine_code(arg: Any) -> None:
    def f(v: Any, a: Any) -> Any:
        return v[0] * np.sum(np.asarray(a) * 1.0)

    def of_number(v: Any, a: Any) -> Any:
        return v[0] * a

    g = f if isinstance(arg, np.ndarray) else of_number
    assert form_of(g, X, (arg,)).is_compiled
    assert fg.gradient(g, [3.0], args=(arg,))[0] == pytest.approx(float(np.sum(arg * 1.0)), rel=1e-13)


@pytest.mark.parametrize("arg", ["word", None, (1.0, 2.0), [1.0], 1 << 70, np.array(["a"])], ids=repr)
def test_arguments_that_machine_code_does_not_take(arg: Any) -> None:
    def f(v: Any, a: Any) -> Any:
        return v[0] * 2.0 if a is arg else np.nan

    assert form_of(f, X, (arg,)).is_compiled is False
    assert fg.gradient(f, [3.0], args=(arg,))[0] == pytest.approx(2.0)


def branching(v: Any) -> Any:
    out = np.empty(3)
    for i in range(3):
        out[i] = v[i] * np.sin(v[i + 1]) if v[i] > 1.0 else v[i] ** 2 * v[-1]
    return out


@pytest.mark.parametrize("rule", ["central", "forward", fg.central(order=4)])
@pytest.mark.parametrize("count", [2, 5, 40])
def test_functions_compiled_for_one_vector_give_the_same_alone_and_in_a_batch(rule: Any, count: int) -> None:
    """They run in the lanes of traced functions, where the last block is not full."""
    x = np.random.default_rng(count).uniform(0.5, 2.0, (count, 5))
    x[-1, 2] = np.nan
    assert form_of(branching, x).is_compiled and not form_of(branching, x).is_traced
    for derivative in (fg.jacobian, fg.hessian):
        found = derivative(branching, x, method=rule)
        apart = np.array([derivative(branching, row, method=rule) for row in x])
        np.testing.assert_array_equal(found, apart)
        assert np.isnan(found[-1]).all() and np.isfinite(found[:-1]).all()
        called = derivative(Opaque(branching), x[:2], method=rule)
        slack = 1e-2 if rule == "forward" else 1e-4
        np.testing.assert_allclose(found[:2], called, rtol=slack, atol=slack)


@pytest.mark.parametrize("rule", ["central", "forward", fg.central(order=4)])
def test_slow_functions_have_the_derivatives_of_fast_ones(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one point takes so long that a signal would wait, its evaluations are calls of their own."""
    x = np.random.default_rng(0).normal(size=(7, 5)) * [1e-3, 1.0, 10.0, 1e3, 1.0]
    expected = [derivative(branching, x, method=rule) for derivative in (fg.jacobian, fg.hessian)]
    monkeypatch.setattr(Machine, "is_slow", lambda *_: True)
    for derivative, fast in zip((fg.jacobian, fg.hessian), expected, strict=True):
        np.testing.assert_array_equal(derivative(branching, x, method=rule), fast)
