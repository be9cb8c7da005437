"""Engines: what `f` may do without harm, exceptions, one point at a time."""

from __future__ import annotations

import functools
import gc
import math
import re
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, complete_script, engine_of, run_script
from scipy import special

import fastgrad as fg
from fastgrad import gates
from fastgrad.differentiation import batch, jacobians
from fastgrad.differentiation.elementwise import LARGE
from fastgrad.evaluation import registry

pytestmark = pytest.mark.machine_code

X = np.linspace(-2.0, 2.0, 41)


class Mine(Exception):
    """An exception of the user's own."""

    def __init__(self, at: Any) -> None:
        super().__init__(f"at {at}")
        self.at = at


def fragile(x: Any) -> Any:
    if x > 1.5:
        raise Mine(1.5)
    return x * x


def fragile_arrays(x: Any) -> Any:
    if np.any(x > 1.5):
        raise Mine(1.5)
    return x * x


# What `f` may do ------------------------------------------------------------------------------------------------------


def overwriting(x: Any) -> Any:
    x *= x
    x += 1.0
    return x


def test_f_may_overwrite_its_arguments() -> None:
    """Neither the caller's arrays nor the result change, whichever argument is overwritten."""

    def first(x: Any, y: Any) -> Any:
        x *= y
        return x

    def second(x: Any, y: Any) -> Any:
        y *= x
        return y

    for size in (1, 5, 50_000):
        x, y = np.linspace(1, 2, size), np.linspace(3, 4, size)
        x.flags.writeable = y.flags.writeable = False
        assert np.allclose(fg.derivative(Opaque(overwriting), x), 2 * x, rtol=1e-9)
        for f in (first, second):
            for method in ("forward", "central", fg.central(4)):
                fx, fy = fg.derivative(Opaque(f), x, y, wrt=(0, 1), method=method)
                assert np.allclose(fx, y, rtol=1e-6)
                assert np.allclose(fy, x, rtol=1e-6)
        assert np.array_equal(x, np.linspace(1, 2, size))
    writeable = X.copy()
    fg.derivative(Opaque(overwriting), writeable)
    assert np.array_equal(writeable, X)


@pytest.mark.parametrize("size", [1, 2, 5, 50_000, 2**20])
def test_f_may_reuse_its_buffer(size: int) -> None:
    """One buffer for all calls, recognised without a warning and never shared by threads."""
    buffer = np.empty(1 << 17)

    def f(x: Any) -> Any:
        out = buffer[: np.size(x)]
        np.multiply(x, x, out=out)
        return out

    x = np.linspace(1, 2, size)
    for method in ("forward", "central", fg.central(4)):
        assert np.allclose(fg.derivative(Opaque(f), x, method=method), 2 * x, rtol=1e-6)


def test_f_may_return_its_argument() -> None:
    assert fg.derivative(Opaque(lambda x: x), X).tolist() == [1.0] * X.size
    assert fg.derivative(Opaque(lambda x: x[::-1][::-1] if np.ndim(x) else x), X).tolist() == [1.0] * X.size


def test_f_may_use_scratch_memory_of_its_own() -> None:
    """`f` hands out fresh arrays but works in one piece of memory: two threads inside it would mix their points."""
    scratch = np.empty(1 << 17)

    def f(x: Any) -> Any:
        work = scratch[: np.size(x)]
        np.multiply(x, x, out=work)
        for _ in range(3):
            np.sqrt(work, out=work)
            np.multiply(work, work, out=work)
        return work + 0.0

    x = np.linspace(1, 2, 2**21)
    assert np.allclose(fg.derivative(Opaque(f), x), 2 * x, rtol=1e-6)


def test_scalar_arguments_stay_what_they_are() -> None:
    """An int may be an index, an order or a count."""
    seen = set()

    def f(x: Any, n: Any) -> Any:
        seen.add(type(n))
        return special.jv(n, x) if isinstance(n, int) else np.nan

    assert np.allclose(fg.derivative(Opaque(f), X, 2), special.jvp(2, X), atol=1e-9)
    assert seen == {int}


TABLE = np.array([2.0, -3.0, 5.0])


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint32, np.bool_, ">i4"])
@pytest.mark.parametrize("given", [
    {}, {"method": "central"}, {"method": "central", "step": 1e-3}, {"full_output": True}, {"method": "complex"},
    {"method": "central", "full_output": True},
])  # fmt: skip
def test_arrays_of_whole_numbers_beside_the_point_stay_what_they_are(kind: Any, given: dict[str, Any]) -> None:
    """They may be indices: ``table[k]`` got floats, and raised."""
    for f in (lambda x, k: TABLE[k.astype(int) if k.dtype == bool else k] * x, Opaque(lambda x, k: TABLE[1 * k] * x)):
        for size in (1, 5, 40_000):
            x, k = np.linspace(1, 2, size), (np.arange(size) % 3).astype(kind)
            found = fg.derivative(f, x, k, **given)
            df = found.df if isinstance(found, fg.Estimate) else found
            assert df.dtype == np.float64
            np.testing.assert_allclose(df, TABLE[k.astype(int)], rtol=1e-9)
    grid = fg.derivative(Opaque(lambda x, k: TABLE[k] * x), np.linspace(1, 2, 4)[:, None], np.arange(3)[::-1])
    assert grid == pytest.approx(np.tile(TABLE[::-1], (4, 1)), rel=1e-9)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32])
def test_narrow_whole_numbers_beside_the_point_do_not_wrap(kind: Any) -> None:
    """The square of 100 was 16 in int8, without a word, and 10,000 as soon as the function was compiled."""
    k = np.full(5, min(np.iinfo(kind).max, 50_000) // 2, kind)
    for f in (lambda x, k: k**2 * x, Opaque(lambda x, k: k**2 * x)):
        for method in ("adaptive", "central", "complex"):
            assert fg.derivative(f, X[:5], k, method=method) == pytest.approx(float(k[0]) ** 2, rel=1e-8)


def test_whole_numbers_are_float64_where_they_are_the_point() -> None:
    seen = set()

    def f(k: Any, x: Any) -> Any:
        seen.add((np.asarray(k).dtype.char, np.asarray(x).dtype.char))
        return k * k * x

    k, x = np.arange(1, 6), np.arange(5, 0, -1)
    dk, dx = fg.derivative(Opaque(f), k, x, wrt=(0, 1), method="central")
    assert dk == pytest.approx(2.0 * k * x, rel=1e-9) and dx == pytest.approx(1.0 * k * k, rel=1e-9)
    assert seen == {("d", np.dtype(int).char), (np.dtype(int).char, "d")}


def test_f_sees_flat_float64_arrays_of_bounded_size() -> None:
    shapes = set()

    def f(x: Any) -> Any:
        if np.ndim(x):
            shapes.add((x.dtype.str, x.ndim, x.flags.c_contiguous and x.flags.writeable))
        return x * x

    opaque = Opaque(f)
    grid = np.arange(90_000, dtype=np.int32).reshape(300, 300).T
    assert np.allclose(fg.derivative(opaque, grid), 2.0 * grid, rtol=1e-9)
    assert shapes == {("<f8" if np.little_endian else ">f8", 1, True)}
    assert max(opaque.sizes) <= 1 << 14


def test_f_may_differentiate_itself() -> None:
    """The lock around the first probes of a function was not one that the same thread may take again."""
    done: list[Any] = []

    def f(x: Any) -> Any:
        return fg.derivative(opaque, x / 4) * x if np.all(x >= 1) else x * special.j0(0.0)

    opaque = Opaque(f)
    thread = threading.Thread(target=lambda: done.append(fg.derivative(opaque, 2.0)), daemon=True)
    thread.start()
    thread.join(60)
    assert done == [pytest.approx(1.0)]


def test_derivative_of_a_derivative() -> None:
    second = fg.derivative(lambda x: fg.derivative(np.sin, x, method=fg.central(8)), X, method=fg.central(4))
    assert np.max(abs(second + np.sin(X))) < 1e-7


# Whole numbers --------------------------------------------------------------------------------------------------------


def test_overflow_of_whole_numbers_is_python() -> None:
    """Compiled Python wraps around at 64 bits."""

    def f(x: Any) -> Any:
        product = 1
        for i in range(1, 26):
            product *= i
        return product * x

    def g(x: Any) -> Any:
        return x * float(10**10) / (10**10 * 10**10) * 10**10

    assert fg.derivative(f, X) == pytest.approx([float(math.factorial(25))] * X.size, rel=1e-9)
    assert fg.derivative(f, 3.0) == pytest.approx(float(math.factorial(25)), rel=1e-9)
    assert fg.derivative(g, X) == pytest.approx([1.0] * X.size, rel=1e-9)


def growing(x: Any) -> Any:
    product = 1
    for i in range(1, int(x) + 1):
        product *= i
    return product * x


def fibonacci(x: Any) -> Any:
    a, b = 0, 1
    for _ in range(int(x)):
        a, b = b, a + b
    return a * x


def tower(x: Any) -> Any:
    return float(int(x) ** 20) * x


def shifted(x: Any) -> Any:
    return float(1 << int(x)) * x


@pytest.mark.parametrize(("f", "small", "large", "wanted"), [
    (growing, 3.5, 25.5, math.factorial(25)), (fibonacci, 3.5, 120.5, 5358359254990966640871840),
    (tower, 2.5, 12.5, 12**20), (shifted, 2.5, 70.5, 2**70),
])  # fmt: skip
def test_overflow_of_whole_numbers_at_some_points(f: Any, small: float, large: float, wanted: int) -> None:
    """The comparison with Python is made once, at a few points, and here they are harmless: arithmetic decides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fg.PerformanceWarning)
        fg.derivative(f, small)
        assert fg.derivative(f, large) == pytest.approx(float(wanted), rel=1e-9)
        assert fg.derivative(f, np.array([small] * 30 + [large] + [small] * 30))[30] == pytest.approx(float(wanted))


@pytest.mark.parametrize("f", [
    lambda x: x * (5 // int(x)), lambda x: x * (5 % int(x)), lambda x: x * (int(x) // int(x)), lambda x: 1 / 0 * x,
    lambda x: x * (1 // 0), lambda x: divided(x, int(x)),
])  # fmt: skip
def test_whole_numbers_divided_by_zero_raise_as_in_python(f: Any) -> None:
    """Compiled, ``5 // 0`` is 0: the slope at one point of many was wrong without a word."""
    for x in (0.5, np.array([2.5] * 5 + [0.5] + [2.5] * 9), np.r_[np.full(2**19, 2.5), 0.5]):
        with pytest.raises(ZeroDivisionError):
            fg.derivative(f, x)


def divided(x: Any, n: int) -> Any:
    total = 7
    total //= n
    total %= n
    return total * x


def test_divisions_that_do_not_raise_stay_compiled() -> None:
    table = np.array([2.0, -3.0, 5.0])
    x = np.array([0.3, 1.6, 7.9, -4.4])
    for f, wanted in (
        (lambda x: table[int(x) % len(table)] * x, table[x.astype(int) % 3]), (lambda x: x % 2.0 + x // 2, np.ones(4)),
        (lambda x: x % (x * 0.0 + 7.0), np.ones(4)), (lambda x: (x > 0) / 2 + x, np.ones(4)),
        (lambda x: divided(x, int(x) + 10), [float(7 // n % n) for n in x.astype(int) + 10]),
    ):  # fmt: skip
        assert fg.derivative(f, x, method="central") == pytest.approx(wanted, abs=1e-9)
        assert engine_of(f) == "compiled"


# Exceptions -----------------------------------------------------------------------------------------------------------


def pointwise_fragile(x: Any) -> Any:
    return fragile(float(x))


@pytest.mark.parametrize(("f", "engine"), [
    (fragile, "compiled"), (Opaque(fragile_arrays), "called"), (Opaque(pointwise_fragile), "pointwise"),
], ids=["compiled", "called", "pointwise"])  # fmt: skip
@pytest.mark.parametrize("x", [2.0, np.array([0.0, 2.0]), np.r_[np.zeros(2**19), 2.0, np.zeros(2**19)]], ids=np.size)
def test_exceptions_reach_the_caller_unchanged(f: Any, engine: str, x: Any) -> None:
    if engine == "pointwise" and np.size(x) > 2:
        x = x[:: 2**8]
        x[-1] = 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fg.PerformanceWarning)
        with pytest.raises(Mine) as raised:
            fg.derivative(f, x)
        assert type(raised.value) is Mine
        assert raised.value.at == 1.5
        assert fg.derivative(f, 1.0) == pytest.approx(2.0)  # the next call is none the worse
        for workers in (1, 2):
            with pytest.raises(Mine):
                fg.derivative(f, x, workers=workers)


def test_exceptions_of_one_name_are_told_apart() -> None:
    """Functions of equal content share machine code, but each raises what it names."""

    def make() -> tuple[Any, type[Exception]]:
        class Local(Exception):
            pass

        def f(x: Any) -> Any:
            if x > 1.0:
                raise Local("beyond 1")
            return x

        return f, Local

    for f, error in (make(), make(), make()):
        with pytest.raises(error, match="beyond 1"):
            fg.derivative(f, 2.0)
        assert engine_of(f) == "compiled"


def test_python_errors_of_arithmetic() -> None:
    """NumPy's rules apply to arithmetic: dividing by zero gives infinity or NaN, silently, in every engine."""
    for f in (lambda x: 1.0 / x, Opaque(lambda x: 1.0 / x), lambda x: np.log(x), Opaque(np.log)):
        assert not np.isfinite(fg.derivative(f, np.array([0.0]), method="backward"))[0]
    with pytest.raises(ValueError, match="seven"):
        fg.derivative(raising_value_error, 1.0)


def raising_value_error(x: Any) -> Any:
    if x < 7:
        raise ValueError("seven at least")
    return x


# One point at a time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [
    Opaque(lambda x: math.sin(x)), Opaque(lambda x: x * x if x > 0 else 0.0), Opaque(lambda x: float(x) ** 2),
    Opaque(lambda x: max(x, 0.0)), Opaque(lambda x: x * special.j0(0.0) if x > 0 else 0.0 * x),
])  # fmt: skip
def test_pointwise_functions_warn_once(f: Any) -> None:
    f = Opaque(f)
    x = np.linspace(0.1, 1.5, 15)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            got = fg.derivative(f, x)
            fg.derivative(f, 0.5, method="forward")
    assert [w.category for w in caught] == [fg.PerformanceWarning]
    assert caught[0].filename == __file__
    assert "one point at a time" in str(caught[0].message)
    assert "Numba" in str(caught[0].message)
    assert got.tolist() == [fg.derivative(f, float(v)) for v in x]
    assert max(f.sizes) <= 2


def test_array_functions_do_not_warn() -> None:
    for f in (np.sin, special.j0, lambda x: x * special.j0(x), Opaque(lambda x: 5.0), Opaque(lambda x: np.float32(x)),
              Opaque(lambda x: np.where(x > 0, x, np.nan)), Opaque(lambda x: np.asarray(x).astype(int))):  # fmt: skip
        assert np.shape(fg.derivative(f, X)) == X.shape


def test_functions_that_take_arrays_only() -> None:
    f = Opaque(lambda x: x * len(x) ** 0)
    assert np.allclose(fg.derivative(f, X), 1.0)
    assert fg.derivative(f, 1.0) == pytest.approx(1.0)


# Values of gates: the same engines ------------------------------------------------------------------------------------


def test_gate_that_raises() -> None:
    @fg.gate(partials=lambda x: 2.0 * x)
    def picky(x: float) -> float:
        if x > 1.5:
            raise Mine(1.5)
        return x * x

    assert np.array_equal(picky([1.0, -3.0]), [1.0, 9.0])
    with pytest.raises(Mine):
        picky(np.linspace(0, 2, 100))
    with pytest.raises(Mine):
        fg.derivative(picky, np.linspace(0, 2, 100))
    assert gates.square(3.0) == 9.0


def test_error_bars_do_not_swallow_what_f_raises() -> None:
    """The compiled adaptive rule with error bars gave NaN where `f` raised, and said nothing."""

    def f(x: float) -> float:
        if x > 2:
            raise Mine(1.5)
        return x * x

    for points in (2.5, np.array([1.0, 2.5]), np.linspace(0, 3, 40_000)):
        for given in ({}, {"full_output": True}, {"full_output": True, "method": "central"}):
            with pytest.raises(Mine):
                fg.derivative(f, points, **given)
    with pytest.raises(Mine):  # beside the point, and no error by which a domain ends
        fg.derivative(f, [2.0], full_output=True)


def test_the_adaptive_rule_over_threads_gives_the_same_bits() -> None:
    def f(x: float) -> float:
        return math.sin(3 * x) if x < 1 else math.nan

    x = np.linspace(-2, 2, 50_001)
    x[7] = np.inf
    alone = fg.derivative(f, x, full_output=True, workers=1)
    together = fg.derivative(f, x, full_output=True, workers=3)
    for a, b in zip(alone, together, strict=True):
        assert np.array_equal(a, b, equal_nan=True)
    assert np.array_equal(fg.derivative(f, x, workers=3), alone.df, equal_nan=True)
    assert alone.success.sum() > 37_000


@pytest.mark.parametrize(("f", "workers", "threads"), [
    (special.j0, None, 3), (np.vectorize(special.j0), None, 1), (Opaque(np.sin), None, 1), (Opaque(np.sin), 2, 2),
    (lambda x: special.j0(x), None, 1), (functools.partial(special.jv, 0), None, 1), (special.j0, 1, 1),
])  # fmt: skip
def test_who_meets_several_threads(monkeypatch: pytest.MonkeyPatch, f: Any, workers: Any, threads: int) -> None:
    """Ufuncs of NumPy and SciPy passed as they are; every other called function only if the caller asks for it."""
    spread = []
    over_pieces = batch.over_pieces

    def watched(work: Any, shape: Any, workers: int, **named: Any) -> None:
        spread.append(workers)
        over_pieces(work, shape, workers, **named)

    monkeypatch.setattr(batch, "over_pieces", watched)
    monkeypatch.setattr("fastgrad.arguments.cores", lambda: 3)
    x = np.linspace(-2, 2, LARGE + 1001)
    together = fg.derivative(f, x, method="central", workers=workers)
    assert spread == [threads] * (threads > 1)
    assert np.array_equal(together, fg.derivative(f, x, method="central", workers=1))


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_functions_of_vectors_meet_several_threads_if_asked(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    spread = []
    over_pieces = jacobians.over_pieces

    def watched(work: Any, shape: Any, workers: int, *rest: Any, **named: Any) -> None:
        spread.append(workers)
        over_pieces(work, shape, workers, *rest, **named)

    monkeypatch.setattr(jacobians, "over_pieces", watched)
    monkeypatch.setattr("fastgrad.arguments.cores", lambda: 3)
    x, f = np.random.default_rng(8).uniform(-2, 2, (4000, 6)), Opaque(lambda v: np.sum(np.sin(v), axis=-1))
    alone, together = fg.gradient(f, x, method=method), fg.gradient(f, x, method=method, workers=2)
    assert spread == [1, 2]
    assert np.array_equal(alone, together)
    np.testing.assert_allclose(together, np.cos(x), atol=1e-9)


@pytest.mark.parametrize(("method", "given"), [
    ("forward", {"step": 1e-4}), ("central", {}), ("central", {"rel_step": 1e-4}), (fg.central(4), {"step": 1e-4}),
    (fg.central(n=2), {}), (fg.Stencil([-1, 0, 3]), {"rel_step": 1e-4}),
])  # fmt: skip
def test_large_batches_give_the_bits_of_small_ones(method: Any, given: dict[str, float]) -> None:
    """A large batch of a called function takes compiled loops for the steps and the sum, a small one NumPy."""
    x = np.linspace(-3, 3, LARGE + 5) * np.exp2(np.arange(LARGE + 5) % 40 - 20.0)
    x[::1000] = np.resize([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 5e-324], x[::1000].size)
    for f in (Opaque(lambda x: 1.0 / (1.0 + np.exp(-x))), Opaque(lambda x: 3.0), Opaque(lambda x: np.float32(x) ** 2)):
        large = fg.derivative(f, x, method=method, **given)
        part = slice(4000, 9000)
        assert np.array_equal(large[part], fg.derivative(f, x[part], method=method, **given), equal_nan=True)
        assert np.isnan(large[~np.isfinite(x)]).all()


INTERRUPTED = """
import math, os, signal, threading, time
import numpy as np
import fastgrad as fg
from scipy import special

def waves(x):
    return math.sin(1000 * x)

def slow(x):
    total = 0.0
    for k in range(2000):
        total += math.sin(k * x)
    return total

def called(x):
    for k in range(200):
        x = np.sin(x)
    return x * special.j0(0.0)

x = np.linspace(0, 3, {size})
fg.derivative({f}, x[:300], {given})  # compiles
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.process_time()
try:
    fg.derivative({f}, x, {given})
except KeyboardInterrupt:
    print("interrupted" if time.process_time() - start < 10.0 else "at the end")
"""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("f", "size", "given"), [
    ("waves", 4_000_000, "full_output=False"), ("waves", 4_000_000, "full_output=True"),
    ("slow", 2**22, "method='central'"), ("called", 2**25, "method='central'"), ("called", 2**22, "full_output=True"),
])  # fmt: skip
def test_control_c_interrupts(f: str, size: int, given: str, workers: int) -> None:
    """All points would take a minute; the process ends when it is told to."""
    script = INTERRUPTED.format(f=f, size=size, given=f"{given}, workers={workers}")
    done = complete_script(script)
    assert done.stdout.strip() == "interrupted", done.stderr


def test_one_worker_never_starts_a_thread() -> None:
    script = """
import threading
import numpy as np
import fastgrad as fg
from scipy import special

before = threading.active_count()
x = np.linspace(-2, 2, 2**21)
for f in (lambda x: x * x, lambda x: x * special.j0(x)):
    fg.derivative(f, x, method="central", workers=1)
    fg.derivative(f, x[: 2**16], workers=1)
assert threading.active_count() == before
fg.derivative(np.sin, x, method="central", workers=2)
assert before < threading.active_count() <= before + 2
"""
    assert run_script(script) == ""


def test_callers_on_many_threads_share_one_pool() -> None:
    """However many threads call at once, no more threads work for them than one of them would have."""
    x = np.linspace(-2, 2, 2**21)
    exact = fg.derivative(np.sin, x, method="central", workers=1)
    found: list[Any] = []

    def ours() -> set[int | None]:
        return {t.ident for t in threading.enumerate() if t.name.startswith("fastgrad")}

    before = ours()
    callers = [
        threading.Thread(target=lambda: found.append(fg.derivative(np.sin, x, method="central", workers=2)))
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 8 and all(np.array_equal(exact, values) for values in found)
    assert len(ours() - before) <= 2


MIXING: dict[str, Callable[[Any], Any]] = {
    "cumsum": lambda x: np.cumsum(x), "cumsum method": lambda x: x.cumsum(), "centred": lambda x: x - x.mean(),
    "sorted": lambda x: np.sort(x), "rolled": lambda x: np.roll(x, 1), "flipped": lambda x: np.flip(x),
    "normed": lambda x: x / np.linalg.norm(x), "softmax": lambda x: special.softmax(x),
    "share": lambda x: x / np.sum(x),
    "gradient": lambda x: np.gradient(x), "convolved": lambda x: np.convolve(x, [1.0, 2.0, 1.0], mode="same"),
    "diff": lambda x: np.diff(x, prepend=0.0), "index": lambda x: np.arange(x.size) * x, "size": lambda x: x.size * x,
    "sum": lambda x: np.sum(x**2), "logsumexp": lambda x: special.logsumexp(x), "from first": lambda x: x - x[0],
    "running": lambda x: np.maximum.accumulate(x), "rank": lambda x: np.argsort(np.argsort(x)) * x,
    "matrix": lambda x: x @ np.triu(np.ones((np.size(x), np.size(x)))),
    "numbers alone": lambda x: x - np.mean(x) + x * x,
}  # fmt: skip


#: Those that are the identity of a single number; the others are constant.
IDENTITIES = ["cumsum", "cumsum method", "sorted", "rolled", "flipped", "size", "logsumexp", "running", "matrix"]


@pytest.mark.parametrize("method", ["adaptive", "central"])
@pytest.mark.parametrize("name", MIXING)
def test_functions_that_mix_points_say_so(name: str, method: Any) -> None:
    """A running total of all offsets of all points had slopes of a hundred thousand, without a word.

    Every call sees a function it has not met; what is returned is the derivative of a function of one number.
    """
    falling = np.linspace(3.0, 1.0, 5) ** 1.5
    for x in (falling, falling[::-1], np.linspace(0.0, 1.0, 5), np.array([2.0, 3.0]), np.linspace(0.1, 1.0, 700)):
        f = Opaque(MIXING[name])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                got = fg.derivative(f, x, method=method)
            except (ValueError, IndexError) as refusal:
                assert re.search("elementwise|one value per point|matmul", str(refusal))
                continue
        assert [w for w in caught if "`gradient` or `jacobian`" in str(w.message)], x
        exact = {"sum": 2 * x, "numbers alone": 2 * x}.get(name, np.isin(name, IDENTITIES) * np.ones_like(x))
        assert got[1:3] == pytest.approx(exact[1:3], rel=1e-6, abs=1e-7)  # a share of 0 is 0 / 0


@pytest.mark.parametrize("name", MIXING)
def test_a_single_point_does_not_mix_with_its_own_offsets(name: str) -> None:
    """What such a function is of one number, it is; or it says that it is none."""
    f = Opaque(MIXING[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            got = fg.derivative(f, np.array([0.3]), method="central")
        except (ValueError, IndexError) as refusal:
            assert re.search("elementwise|one value per point|matmul", str(refusal))
            return
    one = [float(np.ravel(MIXING[name](np.float64(t)))[0]) for t in (0.3 - 2**-17, 0.3 + 2**-17)]
    assert got[0] == pytest.approx((one[1] - one[0]) * 2**16, abs=1e-9)


@pytest.mark.parametrize("method", ["adaptive", "central"])
def test_compiled_functions_that_mix_points_say_so(method: Any) -> None:
    """Compiled for one number a softmax is 1, and its derivative was 0 without a word; so after a single point."""
    for f in (
        lambda x: np.exp(x) / np.sum(np.exp(x)), lambda x: np.sum(x**2), lambda x: x - np.mean(x),
        lambda x: np.cumsum(x), lambda x: x - np.max(x),
    ):  # fmt: skip
        for points in ([1.0, 2.0, 3.0], [1.0, 2.0]):
            g = functools.partial(f)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fg.derivative(g, points[0], method=method)
            with pytest.warns(UserWarning, match="`gradient` or `jacobian`"):
                fg.derivative(g, np.array(points), method=method)
            assert engine_of(g) == "compiled"


class Counting:
    """Adds the number of its calls, times a little."""

    def __init__(self, little: float) -> None:
        self.calls, self.little = 0, little

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return np.sin(x) + self.little * self.calls


def _bisected(x: Any) -> Any:
    """Square root by bisection until all points are done."""
    low, high = np.zeros_like(x), np.maximum(x, 1.0)
    while np.max(high - low) > 1e-11:
        middle = (low + high) / 2
        low, high = np.where(middle**2 < x, middle, low), np.where(middle**2 < x, high, middle)
    return (low + high) / 2


def _honest() -> dict[str, Callable[[Any], Any]]:
    rng = np.random.default_rng(1)
    table = np.linspace(-4, 4, 101)
    return {
        "special": special.j0, "noise": lambda x: np.sin(x) + 1e-6 * rng.normal(size=np.shape(x)),
        "much noise": lambda x: rng.normal(size=np.shape(x)), "one noise": lambda x: np.sin(x) + 0.1 * rng.normal(),
        "counter": Counting(0.0), "drifting": Counting(1e-3), "solver": _bisected, "constant": lambda x: 2.0,
        "root": lambda x: special.j0(x) - special.j0(0.7), "tiny": lambda x: 1e-200 * special.j0(x),
        "single": lambda x: np.sin(np.asarray(x, np.float32)), "table": lambda x: np.interp(x, table, table**3),
        "matrix": lambda x: np.exp(np.multiply.outer(x, np.arange(3.0))) @ np.ones(3),
        "steps": lambda x: np.floor(3 * x),
        "hidden single": lambda x: np.sin(np.asarray(x, np.float32)).astype(np.float64), "poles": special.gamma,
        "masked": lambda x: np.where(x > 0.5, special.j0(x), np.nan), "square": lambda x: x * x + 0 * special.j0(x),
        "arrays only": lambda x: np.array([special.j0(v) for v in x[:]]), "writes": lambda x: np.add(x, 1.0, out=x),
    }  # fmt: skip


@pytest.mark.parametrize("method", ["adaptive", "central", "forward"])
@pytest.mark.parametrize("name", _honest())
def test_honest_functions_are_not_said_to_mix(name: str, method: Any) -> None:
    """Noise, a state, a tolerance, a value near zero: none of it is another point. Warnings are errors here."""
    for x in (np.array([0.3]), np.array([0.3, 0.7]), np.linspace(0.0, 2.0, 9), np.linspace(0.1, 3.0, 700), 0.7):
        f = Opaque(_honest()[name])
        if name != "arrays only" or np.ndim(x):
            fg.derivative(f, x, method=method)


@pytest.mark.parametrize("points", [2, 5, 1000])
def test_telling_whether_points_are_mixed_costs_three_calls_once(points: int) -> None:
    f = Opaque(special.j0)
    fg.derivative(f, np.linspace(0.1, 1.0, points), method="central")
    first = len(f.sizes)
    fg.derivative(f, np.linspace(0.1, 1.0, points), method="central")
    assert len(f.sizes) == first + 1
    tests = 1 if points < 16 else 2  # the first few points go first: they tell what a point costs
    assert first <= 4 + (2 * tests - 1) + 3 * tests and sum(f.sizes) - 2 * 2 * points <= 6 + (1 + 7) * tests


def test_functions_of_one_number_that_hold_a_vector_mix_nothing() -> None:
    waves = np.array([1.0, 2.0, 3.0])
    x = np.array([0.5, 1.0, 2.0])

    def chord(x: float) -> float:
        total = 0.0
        for w in waves:
            total += math.sin(w * x)
        return total

    exact = np.sum(waves * np.cos(np.outer(x, waves)), axis=1)
    assert fg.derivative(chord, x) == pytest.approx(exact, rel=1e-11)
    assert fg.derivative(lambda x: np.sum(np.sin(waves * x)), 0.5) == pytest.approx(exact[0], rel=1e-11)
    assert np.array_equal(fg.derivative(lambda x: 2.0, x), np.zeros(3))


def test_functions_and_what_they_hold_are_let_go() -> None:
    """Every lambda that was ever differentiated stayed alive, with the data it held."""

    class Data:
        def __init__(self) -> None:
            self.slope = np.ones(10)

    kept = []
    before = len(registry._functions)
    for i in range(20):
        data = Data()
        called, compiled = (lambda x, data=data: x * data.slope[0]), (lambda x, a=float(i % 3): a * x)
        assert fg.derivative(called, 1.0) == pytest.approx(1.0)
        assert fg.derivative(compiled, 1.0) == pytest.approx(i % 3)
        kept += [weakref.ref(data), weakref.ref(called), weakref.ref(compiled)]
    del data, called, compiled
    gc.collect()
    assert [r() for r in kept] == [None] * len(kept)
    assert len(registry._functions) <= before
