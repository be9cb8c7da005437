"""Ufuncs made of scalar kernels: they behave as NumPy's own."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from conftest import engine_of
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import gates

pytestmark = pytest.mark.machine_code

UFUNC = gates.sum_square.ufunc


def plain(x: Any, y: Any) -> Any:
    return (x + y) * (x + y)


def test_is_a_real_ufunc() -> None:
    assert type(UFUNC) is np.ufunc
    assert (UFUNC.nin, UFUNC.nout, UFUNC.types) == (2, 1, ["dd->d"])
    assert UFUNC.__name__ == "sum_square"
    assert UFUNC(1.0, 2.0) == 9.0
    assert gates.logical_and.ufunc.types == ["dd->?"]


#: Views of 24 numbers as (rows, columns): every mixture of contiguous, strided, reversed and constant axes.
VIEWS = {
    "contiguous": lambda b: b[:24].reshape(4, 6),
    "every third": lambda b: b[:72:3].reshape(4, 6),
    "reversed": lambda b: b[:24][::-1].reshape(4, 6),
    "transposed": lambda b: b[:24].reshape(6, 4).T,
    "constant": lambda b: np.broadcast_to(b[0], (4, 6)),
    "constant rows": lambda b: np.broadcast_to(b[:6], (4, 6)),
    "constant columns": lambda b: np.broadcast_to(b[:4, None], (4, 6)),
    "big-endian": lambda b: b[:24].reshape(4, 6).astype(">f8"),
    "float32": lambda b: b[:24].reshape(4, 6).astype(np.float32),
    "unaligned": lambda b: np.frombuffer(b"_" + b[:24].tobytes(), np.uint8)[1:].view(np.float64).reshape(4, 6),
}


def test_every_pair_of_memory_layouts() -> None:
    buffer = np.arange(80.0)
    for left, right in product(VIEWS, VIEWS):
        x, y = VIEWS[left](buffer), VIEWS[right](buffer[::-1].copy())
        wanted = plain(x.astype(np.float64), y.astype(np.float64))
        assert np.array_equal(UFUNC(x, y), wanted), (left, right)
        for out in (np.empty((4, 6)), np.empty((6, 4)).T, np.empty((4, 12))[:, ::-2], np.empty((4, 6), ">f8")):
            assert UFUNC(x, y, out=out) is out
            assert np.array_equal(out, wanted), (left, right)


@given(st.integers(0, 9000), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_every_length_and_stride(n: int, a: int, b: int, c: int) -> None:
    """Lengths around the stretches in which strided arguments are gathered."""
    x, y, out = np.arange(n * a + 1.0)[1::a][:n], np.arange(n * b + 0.0)[::b], np.full(n * c, -1.0)
    UFUNC(x, y, out=out[::c])
    assert np.array_equal(out[::c], plain(x, y))
    out[::c] = -1.0
    assert np.all(out == -1.0)


# Before NumPy 2.3 its iterator takes 64 arrays: the arguments, three of the rule's own, and the result.
@pytest.mark.parametrize("count", [1, 2, 3, 7, 30, 60])
def test_many_arguments(count: int) -> None:
    scope: dict[str, Any] = {}
    names = [f"a{i}" for i in range(count)]
    exec(f"def f({', '.join(names)}):\n    return {' + '.join(f'{i + 1} * {a}' for i, a in enumerate(names))}\n", scope)
    f = scope["f"]
    strided = [np.arange(200.0 * (1 + i % 3))[:: 1 + i % 3] for i in range(count)]
    got = fg.derivative(f, *strided, wrt=count - 1, workers=1)
    assert got == pytest.approx(np.full(200, float(count)), rel=1e-6)
    assert engine_of(f, count) == "compiled"


def test_ufunc_methods_of_numpy() -> None:
    x = np.arange(1.0, 6.0)
    assert gates.add.ufunc.reduce(x) == 15.0
    assert gates.add.ufunc.reduce(np.ones((500, 9000)), axis=1).tolist() == [9000.0] * 500
    assert gates.add.ufunc.reduce(np.ones((9000, 5))[::2], axis=0).tolist() == [4500.0] * 5
    assert gates.multiply.ufunc.accumulate(x).tolist() == np.cumprod(x).tolist()
    assert np.array_equal(gates.add.ufunc.accumulate(np.ones(9000)[::2]), np.arange(1.0, 4501.0))
    assert gates.add.ufunc.reduceat(x, [0, 2]).tolist() == [3.0, 12.0]
    assert np.array_equal(gates.maximum.ufunc.outer(x, x), np.maximum.outer(x, x))
    assert np.array_equal(UFUNC(x, x, where=x > 2, out=np.zeros(5)), np.where(x > 2, 4 * x * x, 0.0))
    total = np.zeros(3)
    gates.add.ufunc.at(total, [0, 2, 2], 1.0)
    assert total.tolist() == [1.0, 0.0, 2.0]


def test_results_of_every_kind() -> None:
    x = np.linspace(-2, 2, 9000)[::2]
    turning = fg.derivative(lambda x: np.exp(1j * x), x)
    assert np.max(abs(turning - 1j * np.exp(1j * x))) < 1e-9
    strided = np.empty(2 * x.size, complex)[::2]
    fg.derivative(lambda x: np.exp(1j * x), x, out=strided)
    assert np.array_equal(strided, turning)
    truth = gates.logical_and(x > 0, x)
    assert truth.dtype == bool
    assert np.array_equal(truth, x > 0)
    apart = np.zeros(2 * x.size, bool)
    gates.logical_and(x > 0, x, out=apart[::2])
    assert np.array_equal(apart[::2], truth)
    assert not apart[1::2].any()


def test_silent_whatever_the_numbers() -> None:
    """NaN says what went wrong; floating-point flags raised before by others are not reported either."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert np.isnan(gates.divide([0.0], [0.0])[0])
        assert gates.exp(1e4) == np.inf
        assert gates.divide(1.0, 0.0) == np.inf
        assert np.isnan(fg.derivative(gates.log, np.array([-1.0, 0.0]))).all()
        assert fg.derivative(gates.square, 1e200) == np.inf or np.isnan(fg.derivative(gates.square, 1e200))


def test_arguments_are_never_written() -> None:
    x = np.arange(10.0)
    x.flags.writeable = False
    assert np.array_equal(UFUNC(x, x[::-1]), np.full(10, 81.0))
    with pytest.raises(ValueError, match="read-only"):
        UFUNC(x, x, out=x)
