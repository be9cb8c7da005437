"""Proofs that a function shares nothing it writes to: what must pass, and what must never pass."""

from __future__ import annotations

import functools
import itertools
import math
import time
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from scipy import special

import fastgrad as fg
from fastgrad._engines.called import LARGE
from fastgrad._reading.harmless import FRESH, FRESH_METHODS, VIEW_METHODS, VIEWS
from fastgrad._reading.sharing import Proof

SCALE = 2.0
TABLE = np.linspace(0.0, 1.0, 11)
BUFFER = np.empty(1 << 17)
CALLS: list[Any] = []
MEMO: dict[Any, Any] = {}
COUNT = 0
OBJECTS = np.array([BUFFER, None], dtype=object)
random = np.random.default_rng(0)
numbers = itertools.count()


class Holder:
    """Attributes of all kinds."""

    plain = 3.0

    def __init__(self) -> None:
        self.scale = 2.0
        self.table = TABLE
        self.buffer = BUFFER
        self.weights = [1.0, 2.0, 3.0]
        self.calls = 0
        self.inner = np.tanh

    @property
    def computed(self) -> float:
        self.calls += 1
        return self.scale

    def helper(self, x: Any) -> Any:
        return np.exp(-x) * self.scale


HOLDER = Holder()


def helper(x: Any, power: int = 2, *more: Any, offset: float = 1.0) -> Any:
    return x**power + offset + sum(more)


# What shares nothing --------------------------------------------------------------------------------------------------


class Network(Holder):
    def __call__(self, x: Any) -> Any:
        with np.errstate(all="ignore"):
            y = self.helper(x)
            y += self.plain
            for w in self.weights:
                y = y * x + w
            np.add(y, 1.0, out=y)
            y[x > 1] = 0.0
            return np.where(x > 0, self.inner(y), special.j0(x)) * np.interp(x, self.table, self.table)


def branching(x: Any) -> Any:
    if x.size > 3 and isinstance(x, np.ndarray):
        y = np.zeros_like(x)
        y[x > 0] = np.sqrt(x[x > 0])
    else:
        y = x * math.pi
    return y


def collecting(x: Any) -> Any:
    terms = []
    for k in range(4):
        terms.append(x**k / math.factorial(k))
    total = terms[0]
    for t in terms[1:]:
        total = total + t
    return total


def refusing(x: Any) -> Any:
    if np.any(x > 1e300):
        raise ValueError("too large")
    x *= 2.0
    x.sort()
    return np.maximum(x, 0.0, x)


def unpacking(x: Any) -> Any:
    fraction, whole = np.modf(x)
    a, (b, c) = x, (fraction, whole)
    n = x.shape[0]
    n += 1
    return a * b + c + n


PURE = {
    "expression": lambda x: 1 / (1 + np.exp(-x)),
    "global number and array": lambda x: SCALE * x + np.sum(TABLE) + TABLE[3],
    "ufunc": special.expit,
    "helper": lambda x: helper(x, 3, x, offset=2.0),
    "opaque wrapper": type("Wrapper", (), {"__call__": lambda self, *x: helper(*x)})(),
    "callable object": Network(),
    "bound method": HOLDER.helper,
    "partial": partial(lambda a, x, b: a * x + b, 2.0, b=3.0),
    "branches": branching,
    "list of its own": collecting,
    "overwrites its argument": refusing,
    "unpacks": unpacking,
    "clip": lambda x: np.clip(x, -1, 1).mean() * x.copy().astype(np.float64),
    "returns a shared array": lambda x: TABLE,
    "conditional": lambda x: x if np.all(x > 0) else -x,
    "table": lambda x: TABLE[np.searchsorted(TABLE, x) % 11] * x.reshape(-1, 1)[:, 0],
}


@pytest.mark.parametrize("name", PURE)
def test_functions_that_share_nothing(name: str) -> None:
    proof = Proof(PURE[name], 1)
    assert proof.found, proof.obstacle
    assert proof.holds()


# What shares ----------------------------------------------------------------------------------------------------------


def scratch_in_closure() -> Any:
    buffer = np.empty(1 << 17)

    def f(x: Any) -> Any:
        room = buffer[: x.size]
        np.multiply(x, x, out=room)
        return room + 0.0

    return f


def counting() -> Any:
    count = 0

    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * count

    return f


def counting_globally(x: Any) -> Any:
    global COUNT
    COUNT += 1
    return x * COUNT


def filling(x: Any) -> Any:
    BUFFER[: x.size] = x
    return BUFFER[: x.size] * 2


def default_buffer(x: Any, room: Any = BUFFER) -> Any:
    room[: x.size] = x
    return room[: x.size] * 2


def keyword_default(x: Any, *, room: Any = CALLS) -> Any:
    room.append(x)
    return x


def remembering(x: Any) -> Any:
    if x.size not in MEMO:
        MEMO[x.size] = np.sqrt(x)
    return MEMO[x.size]


def in_place(x: Any) -> Any:
    b = BUFFER
    b *= 2.0
    return x * b[0]


def in_place_of_a_view(x: Any) -> Any:
    b = TABLE.reshape(11, 1).T[0][2:]
    b += 1.0
    return x


def in_place_by_alias(x: Any) -> Any:
    for b in (x, BUFFER):
        b += 1.0
    return x


def in_place_of_a_choice(x: Any) -> Any:
    b = BUFFER if x.size > 3 else x
    b += 1.0
    return x


def in_place_of_the_held(x: Any) -> Any:
    a, b = (BUFFER, x)
    a -= 1.0
    return b


def in_place_through_a_list(x: Any) -> Any:
    rooms = [BUFFER]
    rooms[0] *= 2.0
    return x


def in_place_through_a_product(x: Any) -> Any:
    rooms = x.ndim
    rooms *= [BUFFER]
    rooms[0] *= 2.0
    return x


def in_place_through_another_product(x: Any) -> Any:
    rooms = 1
    rooms *= [BUFFER]
    room = rooms[0]
    room *= 2.0
    return x


def in_place_through_append(x: Any) -> Any:
    rooms: list[Any] = []
    rooms.append(BUFFER)
    rooms[0] *= 2.0
    return x


def in_place_through_objects(x: Any) -> Any:
    rooms = np.empty(1, dtype=object)
    rooms[0] = BUFFER
    rooms[0] *= 2.0
    return x


def in_place_through_objects_by_letter(x: Any) -> Any:
    rooms = np.empty(1, "O")
    rooms[0] = BUFFER
    rooms[0] *= 2.0
    return x


def in_place_through_max(x: Any) -> Any:
    b = max(BUFFER[:1], x[:1])
    b += 1.0
    return x


def in_place_through_float64(x: Any) -> Any:
    b = np.float64(BUFFER)
    b += 1.0
    return x


def in_place_of_a_helper(x: Any) -> Any:
    def inner(a: Any) -> Any:
        a *= 2
        return a

    return x + inner(BUFFER)[0]


def overwrite(a: Any) -> Any:
    a *= 2
    return a


def attribute(x: Any) -> Any:
    HOLDER.calls += 1
    return x


def in_a_property(x: Any) -> Any:
    return x * HOLDER.computed


def tempting(x: Any) -> Any:
    try:
        return np.sqrt(x)
    except ValueError:
        CALLS.clear()
        raise


def generator(x: Any) -> Any:
    return sum(x * k for k in range(3))


def importing(x: Any) -> Any:
    import scipy.linalg

    return x * scipy.linalg.norm([1.0])


def recursive(x: Any, n: int = 3) -> Any:
    return x if n == 0 else recursive(x, n - 1) * x


class Counting(float):
    def __mul__(self, other: Any) -> Any:
        CALLS.append(other)
        return 1.0 * other

    __rmul__ = __mul__


COUNTING = Counting(2.0)


class Dynamic:
    def __getattr__(self, name: str) -> Any:
        CALLS.append(name)
        return 2.0


DYNAMIC = Dynamic()


class Memory(Holder):
    def __call__(self, x: Any) -> Any:
        self.buffer[: x.size] = x
        return self.buffer[: x.size] + 0.0


class Remembering(Holder):
    def __call__(self, x: Any) -> Any:
        self.last = x
        return self.last * 2.0


class Sliced(Holder):
    def __call__(self, x: Any) -> Any:
        return np.exp(x, out=self.buffer[: x.size])


@functools.lru_cache
def cached(n: int) -> Any:
    return np.empty(n)


IMPURE = {
    "scratch in a closure": scratch_in_closure(),
    "counter": counting(),
    "global counter": counting_globally,
    "global buffer": filling,
    "default argument": default_buffer,
    "default keyword": keyword_default,
    "memo": remembering,
    "in place": in_place,
    "in place of a view": in_place_of_a_view,
    "in place by alias": in_place_by_alias,
    "in place of a choice": in_place_of_a_choice,
    "in place of what is unpacked": in_place_of_the_held,
    "in place through a list": in_place_through_a_list,
    "in place through a product": in_place_through_a_product,
    "in place through another product": in_place_through_another_product,
    "in place through append": in_place_through_append,
    "in place through objects": in_place_through_objects,
    "in place through objects by letter": in_place_through_objects_by_letter,
    "in place through max": in_place_through_max,
    "in place through float64": in_place_through_float64,
    "in place in an inner function": in_place_of_a_helper,
    "in place in a helper": lambda x: overwrite(BUFFER)[: x.size] + x,
    "in place in a helper, on a view": lambda x: overwrite(BUFFER[: x.size]) + x,
    "attribute": attribute,
    "property": in_a_property,
    "exception handler": tempting,
    "generator": generator,
    "import": importing,
    "recursion": recursive,
    "number with operators of its own": lambda x: COUNTING * x,
    "attribute by code": lambda x: DYNAMIC.anything * x,
    "out": lambda x: np.add(x, x, out=BUFFER[: x.size]),
    "out, positional": lambda x: np.add(x, x, BUFFER[: x.size]),
    "out of a reduction": lambda x: x * np.sum(x, None, None, BUFFER[:1][0:1].reshape(())),
    "out of a reduction, by name": lambda x: x * np.cumsum(x, out=BUFFER[: x.size]),
    "out of a method": lambda x: x.dot(1.0, BUFFER[: x.size]),
    "out of a method, by name": lambda x: x.clip(0, 1, out=BUFFER[: x.size]),
    "outs": lambda x: np.modf(x, out=(BUFFER[: x.size], None))[0],
    "copyto": lambda x: np.copyto(BUFFER[: x.size], x) or x,
    "put": lambda x: np.put(BUFFER, 0, x[0]) or x,
    "fill": lambda x: BUFFER.fill(1.0) or x,
    "sort": lambda x: BUFFER[: x.size].sort() or x,
    "no copy": lambda x: np.nan_to_num(BUFFER[: x.size], copy=False) + x,
    "no copy, positional": lambda x: np.nan_to_num(BUFFER[: x.size], False) + x,
    "add.at": lambda x: np.add.at(BUFFER, [0], 1.0) or x,
    "append": lambda x: CALLS.append(1) or x,
    "random numbers": lambda x: x + np.random.normal(),
    "random generator": lambda x: x + random.normal(),
    "shuffle": lambda x: np.random.shuffle(BUFFER) or x,
    "iterator": lambda x: x * next(numbers),
    "print": lambda x: print(x) or x,
    "time": lambda x: x + 0 * time.perf_counter(),
    "cache": lambda x: np.multiply(x, x, out=cached(x.size)),
    "setattr": lambda x: setattr(HOLDER, "last", x) or x,
    "globals": lambda x: globals().update(COUNT=1) or x,
    "exec": lambda x: exec("COUNT = 1") or x,
    "walrus in a dictionary": lambda x: MEMO.setdefault(x.size, x),
    "setitem": lambda x: BUFFER.__setitem__(0, 1.0) or x,
    "iadd": lambda x: BUFFER.__iadd__(1.0)[: x.size] + x,
    "base": lambda x: x.view().base,
    "objects": lambda x: OBJECTS[0][: x.size] + x,
    "function from Python": np.frompyfunc(lambda x: x, 1, 1),
    "vectorize": np.vectorize(lambda x: x * 1.0),
    "map": lambda x: np.sum(list(map(CALLS.append, x))) + x,
    "sorted by a function": lambda x: max(x, x, key=CALLS.append) + x,
    "apply": lambda x: np.apply_along_axis(CALLS.append, 0, x) or x,
    "piecewise": lambda x: np.piecewise(x, [x > 0], [CALLS.append]),
    "memory in an attribute": Memory(),
    "memory in an attribute, kept": Remembering(),
    "memory in an attribute, out": Sliced(),
    "records its calls": Opaque(np.sin),
    "keeps nothing but is lazy": lambda x: (lambda: BUFFER.fill(0.0))() or x,
    "partial of a buffer": partial(lambda b, x: np.exp(x, out=b[: x.size]), BUFFER),
    "partial of a list": partial(lambda b, x: b.append(1) or x, CALLS),
    "solver of its own": lambda x: special.logsumexp(x) + x,
}


@pytest.mark.parametrize("name", IMPURE)
def test_functions_that_share_or_are_not_understood(name: str) -> None:
    before = BUFFER.copy(), len(CALLS), COUNT, dict(MEMO)
    assert not Proof(IMPURE[name], 1).found
    assert (len(CALLS), COUNT, MEMO) == before[1:], "reading has run it"
    assert np.array_equal(BUFFER, before[0], equal_nan=True)


# The lists ------------------------------------------------------------------------------------------------------------

SAMPLES = [
    np.linspace(0.5, 2.0, 5), np.arange(5), np.array([True, False]), np.array(1.5), np.ones((1, 1)),
    np.linspace(1, 2, 4) + 0j,
]  # fmt: skip


def shares(found: Any, array: Any) -> bool:
    if isinstance(found, tuple | list):
        return any(shares(part, array) for part in found)
    return isinstance(found, np.ndarray) and np.may_share_memory(found, array)


@pytest.mark.parametrize("f", FRESH, ids=lambda f: f.__name__)
def test_listed_functions_return_memory_of_their_own(f: Any) -> None:
    """And do not write into what they are given, whatever stands beside it."""
    tried = 0
    for array in SAMPLES:
        for rest in ((), ((),), (1,), (array, array), (None, None), (0.5, 1.5)):
            for given in ((array, *rest), (*rest, array), ([array], array), (array > 1, array, array)):
                for named in ({}, {"axis": ()}, {"axis": 0}):
                    kept = array.copy()
                    try:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            found = f(*given[: FRESH[f]], **named)
                    except (TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError):
                        continue
                    tried += 1
                    assert not shares(found, array), (given, named)
                    assert np.array_equal(array, kept)
    assert tried


@pytest.mark.parametrize("name", FRESH_METHODS)
def test_listed_methods_return_memory_of_their_own(name: str) -> None:
    tried = 0
    for array in SAMPLES:
        for given in itertools.product([None, (), 0, 1, array], repeat=min(FRESH_METHODS[name], 2)):
            for count in range(len(given) + 1):
                kept = array.copy()
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        found = getattr(array, name)(*given[:count])
                except (TypeError, ValueError, IndexError, AttributeError):
                    continue
                tried += 1
                assert not shares(found, array), given
                assert np.array_equal(array, kept)
    assert tried


@pytest.mark.parametrize("name", VIEW_METHODS)
def test_methods_that_view_do_not_write(name: str) -> None:
    array = np.linspace(0, 1, 4)
    kept = array.copy()
    getattr(array, name)(*{"astype": (float,), "reshape": (2, 2), "swapaxes": (0, 0)}.get(name, ()))
    assert np.array_equal(array, kept)
    assert not set(VIEWS) & set(FRESH)


# Proofs grow old ------------------------------------------------------------------------------------------------------


def test_a_proof_holds_as_long_as_what_was_read() -> None:
    class Box:
        def __init__(self) -> None:
            self.f: Any = np.exp
            self.list: list[Any] = [1.0]

        def __call__(self, x: Any) -> Any:
            return self.f(x) * self.list[0]

    for change in (
        lambda box: setattr(box, "f", CALLS.append),
        lambda box: box.list.__setitem__(0, COUNTING),
        lambda box: box.list.append(BUFFER),
        lambda box: setattr(Box, "__call__", lambda self, x: CALLS.append(x)),
    ):
        box = Box()
        proof = Proof(box, 1)
        assert proof.found and proof.holds()
        change(box)
        assert not proof.holds()


def test_rebinding_ends_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = Proof(PURE["helper"], 1)
    assert proof.holds()
    monkeypatch.setattr(helper, "__kwdefaults__", {"offset": 3.0})
    assert not proof.holds()
    proof = Proof(lambda x: x * SCALE, 1)
    monkeypatch.setitem(globals(), "SCALE", BUFFER)
    assert not proof.holds()


# What it is for -------------------------------------------------------------------------------------------------------


def test_proven_functions_meet_several_threads_and_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastgrad._engines import called

    spread = []
    over_pieces = called.over_pieces

    def watched(work: Any, shape: Any, workers: int, **named: Any) -> None:
        spread.append(workers)
        over_pieces(work, shape, workers, **named)

    monkeypatch.setattr(called, "over_pieces", watched)
    monkeypatch.setattr("fastgrad._arguments.operands.cores", lambda: 3)
    x = np.linspace(-2, 2, LARGE + 1001)
    for f, pure in ((PURE["callable object"], True), (scratch_in_closure(), False)):
        f = f if pure else (lambda g: type("Hidden", (), {"__call__": lambda self, x: g(x) + 0 * special.j0(x)})())(f)
        spread.clear()
        together = fg.derivative(f, x, method="central")
        assert np.array_equal(together, fg.derivative(f, x, method="central", workers=1), equal_nan=True)
        assert spread == [3 if pure else 1, 1]


def test_the_adaptive_rule_of_a_proven_function_over_threads() -> None:
    """The same bits, and no warning from a thread whose settings of NumPy's errors are its own."""

    def f(x: Any) -> Any:
        return special.j0(x) / np.maximum(x, 0.0)

    assert Proof(f, 1).found
    x = np.linspace(-1, 3, 40_001)
    together = fg.derivative(f, x, full_output=True)
    alone = fg.derivative(f, x, full_output=True, workers=1)
    for a, b in zip(together, alone, strict=True):
        assert np.array_equal(a, b, equal_nan=True)
    assert np.isnan(together.df[0]) and together.success.sum() > 25_000


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_proven_functions_of_vectors_meet_several_threads(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """The same bits, with arguments that all calls get; who writes into those, or into its own, stays on one thread."""
    from fastgrad._vectors import jacobians

    class Hidden:
        def __init__(self, f: Any) -> None:
            self.f = f

        def __call__(self, *args: Any) -> Any:
            return self.f(*args) + 0.0 * special.j0(0.5)

    buffer = np.empty(6)

    def in_place(v: Any, a: Any) -> Any:
        a *= 1.0
        return np.sum(np.sin(v) * a, axis=-1)

    def in_buffer(v: Any, a: Any) -> Any:
        np.multiply(v[..., 0], 1.0, out=buffer[:1] if v.ndim == 1 else None)
        return np.sum(np.sin(v) * a, axis=-1)

    spread = []
    over_pieces = jacobians.over_pieces

    def watched(work: Any, shape: Any, workers: int, *rest: Any, **named: Any) -> None:
        spread.append(workers)
        over_pieces(work, shape, workers, *rest, **named)

    monkeypatch.setattr(jacobians, "over_pieces", watched)
    monkeypatch.setattr("fastgrad._arguments.operands.cores", lambda: 3)
    x, a = np.random.default_rng(8).uniform(-2, 2, (4000, 6)), np.arange(6.0)
    for f, pure in ((lambda v, a: np.sum(np.sin(v) * a, axis=-1), True), (in_place, False), (in_buffer, False)):
        f = Hidden(f)
        spread.clear()
        together = fg.gradient(f, x, args=(a,), method=method)
        assert np.array_equal(together, fg.gradient(f, x, args=(a,), method=method, workers=1))
        assert spread == [3 if pure else 1, 1]
        np.testing.assert_allclose(together, np.cos(x) * a, atol=1e-9)
