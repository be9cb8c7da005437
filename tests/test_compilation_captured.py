"""Captured data are arguments: closures give what `args=` would, are compiled once, seen at every call, and freed."""

from __future__ import annotations

import builtins
import functools
import gc
import itertools
import math
import threading
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from conftest import Opaque, engine_of, run_script

import fastgrad as fg
from fastgrad import gates

pytestmark = pytest.mark.machine_code

RATE = 2.0
RNG = np.random.default_rng(3)
X = np.linspace(-2.0, 2.0, 23)
V = RNG.normal(size=(7, 3))


# Closures equal arguments ---------------------------------------------------------------------------------------------

ELEMENTWISE: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = {
    "floats": (lambda x, a, b: a * x * x + b, lambda a, b: lambda x: a * x * x + b, (1.25, -0.7)),
    "NumPy scalars": (lambda x, a, b: a * x * x + b, lambda a, b: lambda x: a * x * x + b, (np.float64(1.25), -0.7)),
    "exponent": (lambda x, p, b: abs(x) ** p + b * x, lambda p, b: lambda x: abs(x) ** p + b * x, (2.5, 1.0)),
    "root": (lambda x, p, b: (x * x + b) ** p, lambda p, b: lambda x: (x * x + b) ** p, (0.5, 1.0)),
    "zero is false": (lambda x, a, b: x * x if a else b * x, lambda a, b: lambda x: x * x if a else b * x, (0.0, 3.0)),
    "one is true": (lambda x, a, b: x * x if a else b * x, lambda a, b: lambda x: x * x if a else b * x, (1.0, 3.0)),
    "infinity": (lambda x, a, b: min(a, b * x), lambda a, b: lambda x: min(a, b * x), (math.inf, 3.0)),
    "division": (lambda x, a, b: (x - a) / b, lambda a, b: lambda x: (x - a) / b, (0.3, 4.0)),
}


@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize(("case", "method"), [
    *itertools.product(ELEMENTWISE, ["central", "adaptive"]), ("floats", fg.central(n=2)), ("floats", "forward"),
])  # fmt: skip
def test_closures_give_what_arguments_give(case: str, method: Any) -> None:
    with_arguments, make, data = ELEMENTWISE[case]
    wanted = fg.derivative(Opaque(with_arguments), X, *(float(d) for d in data), method=method)
    f = make(*data)
    np.testing.assert_allclose(fg.derivative(f, X, method=method), wanted, rtol=1e-9, atol=1e-9)
    assert fg.derivative(f, X[3], method=method) == fg.derivative(f, X, method=method)[3]
    assert engine_of(f) == "compiled"


VECTORS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "least squares": (lambda v, a, b: np.sum((a @ v - b) ** 2), lambda a, b: lambda v: np.sum((a @ v - b) ** 2)),
    "residuals": (lambda v, a, b: a @ v - b, lambda a, b: lambda v: a @ v - b),
    "items": (lambda v, a, b: v[0] * a[1, 2] + v[2] * b[3], lambda a, b: lambda v: v[0] * a[1, 2] + v[2] * b[3]),
}
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda a: a,
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "float32": lambda a: a.astype(np.float32),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", VECTORS)
def test_captured_arrays_of_any_layout(case: str, layout: str, method: str) -> None:
    with_arguments, make = VECTORS[case]
    a, b = LAYOUTS[layout](RNG.normal(size=(4, 3))), LAYOUTS[layout](RNG.normal(size=4))
    plain = tuple(np.array(d, dtype=np.float64) for d in (a, b))
    wanted = fg.jacobian(with_arguments, V, args=plain, method=method)
    tolerance = 1e-6 if layout == "float32" else 1e-9
    np.testing.assert_allclose(fg.jacobian(make(a, b), V, method=method), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("find", "exact"), [
    (lambda f: fg.hessian(f, V), lambda slope, curved: np.broadcast_to(curved, (7, 3, 3))),
    (lambda f: fg.gradient(f, V), lambda slope, curved: slope),
    (lambda f: fg.directional(f, V, [1.0, -1.0, 2.0]), lambda slope, curved: slope @ [1.0, -1.0, 2.0]),
    (lambda f: fg.circuit(f, n=3).gradient(V), lambda slope, curved: slope),
], ids=["hessian", "gradient", "directional", "circuit"])  # fmt: skip
def test_all_of_vectors_take_captured_arrays(find: Any, exact: Any) -> None:
    def make(a: Any, b: Any, c: float) -> Callable[[Any], Any]:
        return lambda v: c * np.sum((a @ v - b) ** 2)

    for _ in range(3):
        a, b, c = RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal()
        wanted = exact(2 * c * (V @ a.T - b) @ a, 2 * c * a.T @ a)
        np.testing.assert_allclose(find(make(a, b, c)), wanted, rtol=1e-7, atol=1e-7)


def holder(k: float) -> Any:
    module = types.ModuleType("constants")
    module.k = k  # type: ignore[attr-defined]
    module.table = np.array([k, 1.0])  # type: ignore[attr-defined]
    return module


def scaled(x: float, k: float = 1.0) -> float:
    return RATE * k * x


def in_helper(k: float) -> Callable[[Any], Any]:
    def inner(x: float) -> float:
        return k * x

    return lambda x: inner(x) + 0.0 * k


def of_helpers(k: float) -> Callable[[Any], Any]:
    def one(x: float) -> float:
        return k * x

    def two(x: float, y: float = 0.0) -> float:
        return one(x) + y * k

    return lambda x: 0.5 * (one(x) + two(x, y=0.0))


HOLDERS: dict[str, Callable[[float], Callable[[Any], Any]]] = {
    "cell": lambda k: lambda x: k * x,
    "default": lambda k: lambda x, k=k: k * x,
    "default behind a default": lambda k: lambda x, n=1, k=k: n * k * x,
    "keyword": lambda k: functools.partial(lambda x, k: k * x, k=k),
    "partial": lambda k: functools.partial(lambda k, x: k * x, k),
    "partial of arrays": lambda k: functools.partial(lambda k, x: k[0] * x, np.array([k])),
    "partial of a closure": lambda k: functools.partial(lambda x, n: n * k * x, n=1.0),
    "array": lambda k: (lambda a: lambda x: a[1] * x)(np.array([0.0, k])),
    "array of no axes": lambda k: (lambda a: lambda x: a[()] * x)(np.array(k)),
    "tuple": lambda k: (lambda t: lambda x: t[1] * x)((0.5, k)),
    "tuple of arrays": lambda k: (lambda t: lambda x: t[1][0] * x)((np.zeros(2), np.array([k]))),
    "unpacked tuple": lambda k: (lambda t: lambda x: sum([a * x for a in t]))((0.0, k)),
    "module": lambda k: (lambda m: lambda x: m.k * x)(holder(k)),
    "array of a module": lambda k: (lambda m: lambda x: m.table[0] * x)(holder(k)),
    "helper": in_helper,
    "helpers of helpers": of_helpers,
    "comprehension": lambda k: lambda x: sum([k * x / 4 for _ in range(4)]),
    "generator": lambda k: lambda x: sum(k * x / 4 for _ in range(4)),
    "inner function": lambda k: lambda x: (lambda y: k * y)(x),
    "njit": lambda k: numba.njit(lambda x: k * x),
    "helper by njit": lambda k: (lambda h: lambda x: h(x))(numba.njit(lambda x: k * x)),
    "helper chosen": lambda k: (lambda g, h: lambda x: (g if x > 0 else h)(x))(lambda x: k * x, lambda x: x * k),
    "helper handed on": lambda k: (lambda g, h: lambda x: g(h, x))(lambda h, x: h(x), lambda x: k * x),
    "star": lambda k: lambda *x: k * x[0],
    "float32": lambda k: (lambda k: lambda x: k * x)(np.float32(k)),
    "dictionary": lambda k: (lambda d: lambda x: d["k"] * x)({"k": k}),
    "object": lambda k: (lambda o: lambda x: o.k * x)(types.SimpleNamespace(k=k)),
    "subclass": lambda k: (lambda k: lambda x: k * x)(type("Metres", (float,), {})(k)),
    "gate": lambda k: fg.gate(lambda x: k * x, partials=lambda x: k),
}


@pytest.mark.parametrize("where", HOLDERS)
def test_fresh_closures_over_anything(where: str) -> None:
    for k in (2.0, -3.5, 0.0, 1e30):
        f = HOLDERS[where](k)
        wanted = np.float32(k) if where == "float32" else k
        assert fg.derivative(f, 0.5, method="central") == pytest.approx(wanted, rel=1e-6)
        assert fg.derivative(f, X, method="central") == pytest.approx(np.full(X.size, wanted), rel=1e-6, abs=1e-9)


def test_complex_numbers() -> None:
    def make(c: complex, t: Any) -> Callable[[Any], Any]:
        return lambda x: c * x + t[1] * x * x

    for c in (2j, 1.0 - 3j, np.complex128(0.5 + 1j)):
        t = np.array([0.0, c * 2])
        assert fg.derivative(make(c, t), 1.5, method="central") == pytest.approx(c + 2 * t[1] * 1.5, rel=1e-8)


# Changed data are seen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_data_changed_between_calls(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    a, table, pair = 2.0, np.array([1.0, 2.0, 3.0]), (1.0, 2.0)
    f = lambda x: a * x + table[1] * x * x + pair[1] * x + scaled(x)  # noqa: E731

    def slope(at: float) -> float:
        return a + 2 * table[1] * at + pair[1] + RATE

    def check() -> None:
        for at in (0.5, -1.0):
            assert fg.derivative(f, at, method=method) == pytest.approx(slope(at), rel=1e-9)
        assert fg.derivative(f, X, method=method) == pytest.approx(slope(X), rel=1e-9, abs=1e-9)

    check()
    a = -5.0
    check()
    table[1] = 7.0
    check()
    table = np.array([0.0, -1.0])
    check()
    pair = (3.0, np.float64(4.5))
    check()
    monkeypatch.setitem(globals(), "RATE", 11.0)
    check()
    table = np.arange(12.0)[::3]
    check()
    a = 3
    check()
    table = np.array([1, 2, 3])
    check()
    table = np.array([1.0, 2j, 0.5]).real.astype(">f8")
    check()


@pytest.mark.parametrize("change", [
    lambda a: setattr(a, "dtype", np.int64), lambda a: setattr(a, "shape", (2, 2)), lambda a: a.fill(3.0),
    lambda a: a.resize((8,), refcheck=False), lambda a: a.sort(), lambda a: a.setflags(write=False),
])  # fmt: skip
def test_arrays_changed_in_place(change: Any) -> None:
    a = np.array([4.0, 3.0, 2.0, 1.5])
    f = lambda x: np.sum(a) * x + a.size * x * x  # noqa: E731
    for _ in range(2):
        for method in ("central", "adaptive"):
            wanted = float(np.sum(a)) + 2 * a.size * 0.5
            assert fg.derivative(f, 0.5, method=method) == pytest.approx(wanted, rel=1e-9)
        change(a)


def test_more_results_after_a_change() -> None:
    end, count, a = 1.0, np.array([2]), np.ones((4, 2))
    f = lambda v: np.arange(0.0, end, 0.25) * v[0]  # noqa: E731
    g = lambda v: np.ones(count[0]) * v[1]  # noqa: E731
    h = lambda v: a @ v  # noqa: E731
    for method in ("central", "adaptive"):
        shapes = [fg.jacobian(k, [1.0, 2.0], method=method).shape for k in (f, g, h)]
        assert shapes == [(4, 2), (2, 2), (4, 2)]
        end, count[0], a = 1.5, 5, np.ones((9, 2))
        shapes = [fg.jacobian(k, [[1.0, 2.0]], method=method).shape for k in (f, g, h)]
        assert shapes == [(1, 6, 2), (1, 5, 2), (1, 9, 2)]
        end, count[0], a = 1.0, 2, np.ones((4, 2))


def test_threads_with_data_of_their_own() -> None:
    """Many threads run one piece of machine code, each over its own data."""
    wrong = []

    def make(k: float, a: Any) -> Callable[[Any], Any]:
        return lambda x: k * x + a[0] * x * x

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            k, a = rng.normal(), rng.normal(size=3)
            x = rng.normal(size=2000)
            found = fg.derivative(make(k, a), x, method="central")
            if not np.allclose(found, k + 2 * a[0] * x, rtol=1e-6, atol=1e-6):
                wrong.append(seed)
            if not math.isclose(fg.derivative(make(k, a), 1.0), k + 2 * a[0], rel_tol=1e-9, abs_tol=1e-9):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", ["matrix", "memmap", "record", "recarray", "value in builtins", "wrapped gate"])
def test_what_was_compiled_in_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Each of these gave the derivative of what it had been at the first call."""
    set_to: Callable[[float], Any]
    if kind == "value in builtins":
        def set_to(k: float) -> Any:
            return monkeypatch.setattr(builtins, "slope_of_all", k, raising=False)

        set_to(2.0)
        f = lambda x: slope_of_all * x  # type: ignore[name-defined] # noqa: E731, F821
    elif kind == "wrapped gate":
        slopes = [2.0]
        set_to = functools.partial(slopes.__setitem__, 0)
        f = functools.wraps(gates.tanh)(lambda x: slopes[0] * x)
    else:
        plain = np.array([2.0, 1.0])
        held: Any = {
            "matrix": lambda: np.matrix(plain), "memmap": lambda: np.memmap(tmp_path / "m", float, "w+", shape=2),
            "record": lambda: np.array([(2.0,)], [("k", float)])[0],
            "recarray": lambda: np.rec.array([(2.0,)], [("k", float)]),
        }[kind]()  # fmt: skip
        if kind in ("matrix", "memmap"):
            def set_to(k: float) -> Any:
                held[..., 0] = k

            f = lambda x: np.sum(held[..., 0]) * x  # noqa: E731
        else:
            def set_to(k: float) -> Any:
                held["k"] = k

            f = lambda x: np.sum(held["k"]) * x  # noqa: E731
    for k in (2.0, 5.0, -1.0):
        set_to(k)
        assert fg.derivative(f, 0.5, method="central") == pytest.approx(k)
        assert fg.derivative(f, 0.5) == pytest.approx(k)
        assert fg.gradient(lambda v: f(v[0]), [0.5, 1.0])[0] == pytest.approx(k)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64, bool])
def test_whole_numbers_that_wrap_around_do_so(kind: Any) -> None:
    """Trusted after data whose sum fits, machine code would give another number for data whose sum does not."""

    def make(a: Any) -> Callable[[Any], Any]:
        return lambda x: (a[0] + a[1]) * x

    for a in ([1, 0], [1, 1], [200, 100], [30_000, 30_000], [1, 1]):
        if max(a) <= (1 if kind is bool else np.iinfo(kind).max):
            f = make(np.array(a, kind))
            with np.errstate(all="ignore"):
                assert fg.derivative(f, 0.5) == pytest.approx(float(f(1.0)), rel=1e-9)


# Compiled once --------------------------------------------------------------------------------------------------------

COUNTING = """
import os, numpy as np, fastgrad as fg
from fastgrad.compilation import scan
from fastgrad.evaluation.trials import compile_at_first_call
from pathlib import Path
compile_at_first_call()
scan.PATIENCE = 1e9  # code of the rule itself, for all functions, is compiled once that pays
rng = np.random.default_rng(0)
def scalar():
    a, k, w = rng.normal(), np.sort(rng.normal(size=9)), rng.normal(size=9)
    return lambda x: a * x * x + np.interp(x, k, w)
def squares():
    A, b = rng.normal(size=(20, 5)), rng.normal(size=20)
    return lambda v: np.sum((A @ v - b) ** 2)
def residual():
    A, b, a = rng.normal(size=(20, 5)), rng.normal(size=20), rng.normal()
    return lambda v: a * (A @ v - b)
v = np.linspace(0.1, 1.0, 5)
def once():
    for method in ("central", "adaptive"):
        fg.derivative(scalar(), 0.5, method=method)
        fg.derivative(scalar(), np.linspace(0, 1, 5), method=method)
        fg.gradient(squares(), v, method=method)
        fg.jacobian(residual(), v, method=method)
    fg.hessian(squares(), v, method="central")
    f = scalar()
    fg.check(f, lambda x: fg.derivative(f, x), 0.3)
def count():
    return len(list(Path(os.environ["FASTGRAD_CACHE_DIR"]).glob("*.fg")))
once()
before = count()
for _ in range(25):
    once()
print(before > 3, count() - before)
"""


def test_fresh_closures_compile_nothing(tmp_path: Path) -> None:
    """Every piece of machine code is kept on disk, so the directory counts compilations."""
    assert run_script(COUNTING, FASTGRAD_CACHE_DIR=str(tmp_path)).split() == ["True", "0"]


# Nothing is kept alive ------------------------------------------------------------------------------------------------


class Model:
    """An object that holds the function which refers to it."""

    def __init__(self) -> None:
        self.k, self.table = 3.0, np.ones(1000)
        self.f = lambda x: self.k * x + np.sin(x)
        self.g = lambda v: self.k * v[0] + np.sum(self.table) * v[1]
        table, k = self.table, self.k
        self.closure = lambda x: k * x * table[3]
        self.vector_closure = lambda v: np.sum(v) * table[1] * k
        self.helper = lambda x: self.closure(x) + self.k
        self.default = lambda x, model=self: model.k * x
        self.partial = functools.partial(lambda model, x: model.k * x, self)

    def method(self, x: Any) -> Any:
        return self.k * x


@pytest.mark.parametrize("use", [
    lambda m: fg.derivative(m.f, 0.5), lambda m: fg.derivative(m.f, X, method="central"),
    lambda m: fg.gradient(m.g, [0.5, 1.0]), lambda m: fg.gradient(m.g, [0.5, 1.0], method="central"),
    lambda m: fg.check(m.f, lambda x: m.k + np.cos(x), 0.5), lambda m: fg.derivative(m.closure, 0.5),
    lambda m: fg.derivative(m.closure, X, method="central"), lambda m: fg.jacobian(m.vector_closure, V),
    lambda m: fg.hessian(m.vector_closure, V), lambda m: fg.derivative(m.helper, 0.5),
    lambda m: fg.derivative(m.default, 0.5), lambda m: fg.derivative(m.partial, 0.5),
    lambda m: fg.derivative(m.method, 0.5), lambda m: fg.circuit(m.vector_closure, n=3).gradient(V),
    lambda m: fg.derivative(m.f, X, full_output=True), lambda m: fg.sparsity(m.vector_closure, V[0]),
])  # fmt: skip
def test_objects_that_hold_their_function_are_freed(use: Any) -> None:
    models = [Model() for _ in range(3)]
    for model in models:
        use(model)
    kept = [weakref.ref(model) for model in models] + [weakref.ref(model.table) for model in models]
    del models, model
    gc.collect()
    assert [r() for r in kept] == [None] * len(kept)


def test_arrays_bound_anew_are_freed() -> None:
    a = np.ones(10)
    f = lambda x: a[2] * x  # noqa: E731
    for method in ("central", "adaptive"):
        fg.derivative(f, 0.5, method=method)
        known = weakref.ref(a)
        a = np.full(10, 2.0)
        assert known() is None
        assert fg.derivative(f, 0.5, method=method) == pytest.approx(2.0)


def test_functions_of_captured_entries_alone_are_computed_once() -> None:
    """LLVM took minutes: it went through what depends on no point again for every use, as a store might change it."""
    table = np.array([1.5, -0.5, 0.25])

    def f(x):  # type: ignore[no-untyped-def]
        return math.tanh((np.exp(-abs(table[0])) // 1.25) * 0.138 + math.sinh(np.log1p(abs(table[1])))) * x

    x = np.linspace(0.1, 3, 300)
    for method in ("central", "adaptive"):
        np.testing.assert_allclose(fg.derivative(f, x, method=method), f(1.0), rtol=1e-9)
