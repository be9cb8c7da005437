"""Functions of vectors that are traced: the same values as the function itself, and never where it takes its way."""

from __future__ import annotations

import functools
import math
import random
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

import fastgrad as fg
from fastgrad.compilation.operators import Uncompilable
from fastgrad.evaluation.vector_functions import vector_function

pytestmark = pytest.mark.machine_code

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 2.0, (70, 4))


def is_traced(f: Any, x: Any = X, args: tuple[Any, ...] = ()) -> bool:
    """Whether `f` is traced at vectors like those of `x`."""
    return vector_function(f, len(args)).evaluator(x, args).form.is_traced


A = RNG.normal(size=(6, 4))
B = RNG.normal(size=6)
RATE = 1.75


def residuals(v: Any) -> Any:
    return A @ v - B


def rotated(v: Any) -> Any:
    angle = np.sqrt(np.sum(v[:3] * v[:3]))
    k = v[:3] / angle
    crossed = np.stack((k[1] * v[3] - k[2], k[2] * v[3] - k[0], k[0] - k[1]))
    return k * np.cos(angle) + crossed * np.sin(angle)


def rosenbrock(v: Any) -> Any:
    total = 0.0
    for i in range(v.size - 1):
        total += 100.0 * (v[i + 1] - v[i] * v[i]) ** 2 + (1.0 - v[i]) ** 2
    return total


def chosen(v: Any) -> Any:
    return np.where(v[0] > 1.0, np.exp(v[1]), v[2] * v[3]) + max(v[0], v[1]) + fg.where(v[2] > 1.2, v[3], 0.0)


def with_helper(v: Any) -> Any:
    return [scaled(v[0]), math.sin(v[1]) * RATE, fg.gates.sigmoid(v[2]) + np.linalg.norm(v)]


def scaled(x: Any, by: float = 3.0) -> Any:
    return by * x**2


def filling(v: Any, out: Any) -> None:
    out[:] = v * v[::-1]


def of_batches(v: Any) -> Any:
    return np.stack([v[:, 0] * v[:, 1], v[:, 2] - v[:, 3]], axis=1)


TRACED: list[Any] = [
    residuals, rotated, rosenbrock, chosen, with_helper, filling, of_batches, functools.partial(scaled, by=0.5),
    np.tanh, lambda v: np.einsum("i,ij,j", v, A[:4], v), lambda v: np.concatenate([v[:2], v[2:].cumsum()]),
]  # fmt: skip


@pytest.mark.parametrize("f", TRACED)
def test_what_is_traced_has_the_values_of_the_function(f: Any) -> None:
    assert is_traced(f)
    found = vector_function(f, 0).evaluator(X, ()).values(X)
    as_it_is = vector_function(f, 0).evaluator(X, (), compiled=False)
    wanted = np.concatenate([as_it_is.values(row[None]) for row in X])
    assert np.max(abs(found - wanted)) <= 8 * np.finfo(float).eps * np.max(abs(wanted))


@pytest.mark.parametrize("f", TRACED)
@pytest.mark.parametrize("rule", ["central", "forward", "adaptive"])
def test_derivatives_are_those_of_the_function_that_is_called(f: Any, rule: Any) -> None:
    x = X[:5]
    found = fg.jacobian(f, x, method=rule)
    wanted = fg.jacobian(Opaque(f if f is not filling else f_of_filling), x, method=rule)
    slack = {"adaptive": 1e-12, "forward": 1e-6}.get(rule, 1e-9)  # as much as the step makes of rounding
    assert np.max(abs(found - wanted)) <= slack * max(np.max(abs(wanted)), 1.0)


def f_of_filling(v: Any) -> Any:
    return v * v[::-1]


@pytest.mark.parametrize("rule", ["central", fg.central(order=4), "adaptive"])
@pytest.mark.parametrize("f", [residuals, rotated, rosenbrock, chosen])
def test_a_batch_has_the_bits_of_its_vectors_alone(f: Any, rule: Any) -> None:
    x = X[:35]
    found = fg.jacobian(f, x, method=rule)
    assert all((fg.jacobian(f, row, method=rule) == one).all() for row, one in zip(x, found, strict=True))


@pytest.mark.parametrize("rule", ["central", fg.central(order=4), "forward"])
def test_hessians_are_those_of_the_function_that_is_called(rule: Any) -> None:
    for f in (rosenbrock, lambda v: np.sum((A @ v - B) ** 2), lambda v: np.prod(np.sin(v))):
        assert is_traced(f)
        found, wanted = (fg.hessian(g, X, method=rule) for g in (f, Opaque(f)))
        assert np.max(abs(found - wanted)) <= 1e-4 * np.max(abs(wanted))
        assert (found == found.swapaxes(1, 2)).all()
        assert (found[7] == fg.hessian(f, X[7], method=rule)).all()


def test_one_bad_vector_alone() -> None:
    x = X.copy()
    x[3, 1] = np.nan
    x[40, 0] = np.inf
    clean = fg.jacobian(residuals, X, method="central")
    found = fg.jacobian(residuals, x, method="central")
    others = np.setdiff1d(np.arange(len(x)), [3, 40])
    assert (found[others] == clean[others]).all()
    assert np.isnan(found[3]).all()
    for rule in ("central", "adaptive"):
        assert np.isnan(fg.hessian(rosenbrock, x, method=rule)[3]).all()


def test_the_end_of_a_domain() -> None:
    def f(v: Any) -> Any:
        return np.sqrt(v[0]) * v[1] + v[2] * v[3]

    x = np.array([[1e-9, 2.0, 1.0, 3.0], [0.5, 2.0, 1.0, 3.0]])
    assert is_traced(f, x)
    found = fg.gradient(f, x, method="central")
    exact = np.stack([x[:, 1] / (2 * np.sqrt(x[:, 0])), np.sqrt(x[:, 0]), x[:, 3], x[:, 2]], axis=1)
    assert np.max(abs(found / exact - 1)) < 1e-6


def test_what_f_raises_at_a_vector_reaches_the_caller() -> None:
    def f(v: Any) -> Any:
        return math.sqrt(v[0]) + v[1]

    x = np.array([[1.0, 1.0], [2.0, 1.0], [-1.0, 1.0]])
    for rule in ("central", "adaptive"):
        with pytest.raises(ValueError, match="math domain"):
            fg.gradient(f, x, method=rule)


def test_values_that_are_complex_at_some_vectors_only() -> None:
    def f(v: Any) -> Any:
        return (math.sin(v[0]) ** 0.5) * v[1]  # of Python's numbers: complex where the sine is negative

    x = np.array([[1.0, 2.0], [-1.0, 2.0]])
    exact = np.stack([np.cos(x[:, 0]) * (np.sin(x[:, 0]) + 0j) ** -0.5, (np.sin(x[:, 0]) + 0j) ** 0.5], axis=1)
    for rule in ("central", "adaptive"):
        assert np.max(abs(fg.gradient(f, x, method=rule) - exact)) < 1e-8


# Captured data ------------------------------------------------------------------------------------------------------


def test_captured_data_are_read_at_every_call() -> None:
    rate, table, numbers = 2.0, np.array([1.0, 2.0, 3.0, 4.0]), np.arange(4)

    def f(v: Any) -> Any:
        return rate * np.sum(table * v[numbers])

    def found() -> Any:
        return fg.gradient(f, X[0], method="central")

    assert is_traced(f)
    assert found() == pytest.approx(2.0 * table)
    table[1] = -7.0
    assert found() == pytest.approx(2.0 * table)
    rate = 0.25
    assert found() == pytest.approx(0.25 * table)
    table = np.array([4.0, 3.0, 2.0, 1.0])
    assert found() == pytest.approx(0.25 * table)
    numbers[:] = numbers[::-1].copy()
    assert found() == pytest.approx(0.25 * table[::-1])
    table = np.array([4, 3, 2, 1])  # type: ignore[assignment]
    assert found() == pytest.approx(0.25 * table[::-1])


def test_globals_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fg.jacobian(with_helper, X[0], method="central")
    monkeypatch.setitem(globals(), "RATE", 2 * RATE)
    after = fg.jacobian(with_helper, X[0], method="central")
    assert after[1] == pytest.approx(2 * before[1])
    assert (after[[0, 2]] == before[[0, 2]]).all()


def test_fresh_closures_share_one_program() -> None:
    def made(a: Any, b: Any) -> Any:
        return lambda v: np.sum((a @ v - b) ** 2)

    keys = set()
    for _ in range(5):
        a, b = RNG.normal(size=(3, 4)), RNG.normal(size=3)
        f = made(a, b)
        assert fg.gradient(f, X[:3], method="central") == pytest.approx(2 * (X[:3] @ a.T - b) @ a, rel=1e-7)
        keys.add(vector_function(f, 0).evaluator(X, ()).form.program.key)
    assert len(keys) == 1


def test_whole_numbers_in_arrays_become_arguments_once_they_change() -> None:
    """A program contains them; traced anew for every array, closures were compiled sixteen times."""

    def made(table: Any) -> Any:
        return lambda v: np.sum(table * v * v)

    for first in range(4):
        table = np.arange(first, first + 4)
        f = made(table)
        assert fg.gradient(f, X[:3], method="central") == pytest.approx(2 * table * X[:3], rel=1e-7, abs=1e-7)
        assert is_traced(f) is (first == 0)


def test_whole_numbers_that_change_do_not_compile_for_ever() -> None:
    def f(v: Any, n: int) -> Any:
        return v[0] * n + v[1]

    assert [fg.gradient(f, X[0], args=(n,), method="central")[0] for n in range(40)] == pytest.approx(range(40))
    assert not is_traced(f, X, (41,))


def test_arguments_are_inputs() -> None:
    def f(v: Any, a: Any, by: Any) -> Any:
        return a @ v * by

    for by in (1.0, 2.5):
        a = RNG.normal(size=(3, 4))
        assert is_traced(f, X, (a, by))
        assert fg.jacobian(f, X[0], args=(a, by), method="central") == pytest.approx(a * by, rel=1e-8)


# What takes its way by values ---------------------------------------------------------------------------------------

STATE = [0]
COUNT = 0


def branch_far_away(v: Any) -> Any:
    return v[0] * v[1] if v[0] < 100.0 else v[0]


def loop_of_values(v: Any) -> Any:
    total, k = 0.0, 0
    while k < v[0] + 1.0:
        total, k = total + v[1], k + 1
    return total


def handler(v: Any) -> Any:
    try:
        return math.exp(v[0])
    except OverflowError:
        return v[1]


def refusal_caught(v: Any) -> Any:
    try:
        if v[0] > 100.0:
            return v[1]
    except TypeError:
        pass
    return v[0]


def counting(v: Any) -> Any:
    global COUNT
    COUNT += 1
    return v[0] * COUNT


def enclosed() -> Any:
    count = 0

    def f(v: Any) -> Any:
        nonlocal count
        count += 1
        return v[0] * count

    return f


def listing(v: Any) -> Any:
    STATE[0] += 1
    return v[0] * STATE[0]


def written(v: Any) -> Any:
    A[0, 0] += 0.0
    return A[0, 0] * v[0]


NOT_TRACED: dict[str, Any] = {
    "branch": branch_far_away, "while": loop_of_values, "handler": handler, "caught": refusal_caught,
    "global": counting, "nonlocal": enclosed(), "list": listing, "captured array written": written,
    "and": lambda v: (v[0] < 100.0 and v[1]) or v[2],
    "comparison chain": lambda v: v[0] * (0.0 < v[0] < 100.0),
    "int": lambda v: v[int(v[0]) % 2],
    "floor to index": lambda v: v[math.floor(v[0]) % 2],
    "float": lambda v: float(v[0]) ** 2,
    "round": lambda v: v[0] * round(v[1]),
    "argmax": lambda v: v[np.argmax(v)], "argsort": lambda v: v[np.argsort(v)][0], "sort": lambda v: np.sort(v)[0],
    "method sort": lambda v: (v.sort(), v[0])[1], "sorted": lambda v: sorted(v)[0], "unique": lambda v: np.unique(v)[0],
    "median": lambda v: np.median(v), "mask": lambda v: v[v > 0.7].sum(), "nonzero": lambda v: v[np.nonzero(v)].sum(),
    "searchsorted": lambda v: v[0] * np.searchsorted(np.arange(200.0), v[1]),
    "any": lambda v: v[0] if np.any(v > 100.0) else v[1], "in": lambda v: v[0] * (v[1] in (1.0, 100.0)),
    "dictionary": lambda v: {100.0: 1.0}.get(v[0], 2.0) * v[1], "set": lambda v: len({v[0], 1.0, 100.0}) * v[1],
    "hash": lambda v: v[0] if hash(v[1]) else v[1], "text": lambda v: v[0] if str(v[1]) == "100.0" else v[1],
    "format": lambda v: v[0] if f"{v[1]}" == "100.0" else v[1],
    "isinstance": lambda v: v[0] if isinstance(v[0], float) and v[0] > 100.0 else v[1],
    "type": lambda v: v[0] if type(v[0]) is float else v[1],
    "random": lambda v: v[0] * (1.0 if random.random() < 2.0 else 0.0),
    "numpy.random": lambda v: v[0] * (1.0 if np.random.random() < 2.0 else 0.0),
    "float32": lambda v: v.astype(np.float32)[0] * v[1], "float32 by name": lambda v: v.astype("f4")[0] * v[1],
    "array float32": lambda v: np.array(v, dtype="f4")[0] * v[1], "sum float32": lambda v: np.sum(v, dtype="f4"),
    "whole division": lambda v: v[0] // 0.1, "whole division of arrays": lambda v: (v // 0.1)[0],
    "divmod": lambda v: divmod(v[0], 0.1)[1],
    "nan_to_num": lambda v: np.nan_to_num(v[0]), "nancumsum": lambda v: np.nancumsum(v)[-1],
    "bits": lambda v: v.view(np.int64)[0] * 1.0, "dtype": lambda v: v[0] if v.dtype == np.float64 else v[1],
    "fsum": lambda v: math.fsum(v), "is_integer": lambda v: v[0] if v[0].is_integer() else v[1],
    "tolist": lambda v: v.tolist()[0] ** 0.5, "item": lambda v: v[0].item() ** 0.5,
    "id": lambda v: v[0] * (id(v) > 0), "match": lambda v: _matched(v),
}  # fmt: skip


def _matched(v: Any) -> Any:
    match v[0]:
        case 100.0:
            return v[1]
        case _:
            return v[2]


@pytest.mark.parametrize("name", NOT_TRACED)
def test_what_takes_its_way_by_values_is_never_traced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise Uncompilable("what is not traced would be compiled next, in a second each")

    monkeypatch.setattr("fastgrad.evaluation.vector_functions.machine_code", refuse)
    f = functools.partial(NOT_TRACED[name])  # what is found out here is remembered with the partial
    try:
        assert not is_traced(f)
    except (TypeError, ValueError, AttributeError) as err:  # as Python it refuses, too
        with pytest.raises(type(err)):
            f(X[0].copy())


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_a_branch_that_no_probe_has_seen_is_taken(method: str) -> None:
    x = np.concatenate([X[:30], X[:1] + 200.0, X[:30]])
    found = fg.gradient(branch_far_away, x, method=method)
    assert found[30] == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=1e-6)
    assert found[0] == pytest.approx([X[0, 1], X[0, 0], 0.0, 0.0], abs=1e-6)


def test_a_function_that_keeps_state_is_called_every_time() -> None:
    seen = []

    def f(v: Any) -> Any:
        seen.append(v[0])
        return v[0] ** 2

    fg.gradient(f, X[:1], method="central")
    before = len(seen)
    fg.gradient(f, X[:1], method="central")
    assert len(seen) > before
    assert all(np.asarray(s).dtype.kind == "f" for s in seen)  # numbers or rows of them, never symbols
