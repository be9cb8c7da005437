"""Python as people write it: compiled or called, a function has the same derivative and the same exceptions."""

from __future__ import annotations

import collections
import decimal
import fractions
import functools
import itertools
import math
import random
import warnings
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from conftest import Opaque
from scipy import integrate, interpolate, optimize, sparse, special, stats

import fastgrad as fg

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")

X = np.array([0.33, 0.77, 1.13])
TABLE = np.linspace(0.0, 1.2, 13) ** 2


def of_whole_numbers_beyond_64_bits(x: float) -> float:
    product = 1
    for k in range(1, 26):
        product *= k
    return x * product / 1e25


def of_a_growing_default(x: float, seen: list[float] = []) -> float:  # noqa: B006
    seen.append(1.0)
    return x * x


def with_stack(x: float) -> float:
    stack = [x]
    for _ in range(3):
        stack.append(stack[-1] * x)
    return stack.pop() + sum(stack)


def with_break(x: float) -> float:
    y = x
    for _ in range(100):
        better = 0.5 * (y + x / y)
        if abs(better - y) < 1e-15 * better:
            break
        y = better
    else:
        return -1.0
    return y


def with_integers_in_an_array(x: float) -> float:
    whole = np.zeros(2, np.int64)
    whole[0] = x * 10  # cuts off
    return float(whole[0] * x)


def with_seed(x: float) -> float:
    random.seed(3)
    return x * random.random()


def between_points_of_a_table(x: float) -> float:
    i = int(x * 10)
    return (1 - (x * 10 - i)) * TABLE[i] + (x * 10 - i) * TABLE[i + 1]


def caught_beyond_a_table(x: float) -> float:
    try:
        return float(TABLE[int(20 * x)] * x)
    except IndexError:
        return 9 * x


def mutually(n: int, x: float) -> float:
    return x if n == 0 else recursive(n - 1, x) * x


def recursive(n: int, x: float) -> float:
    return 1.0 if n == 0 else mutually(n - 1, x) + 1


def generated(x: float) -> Any:
    for k in range(4):
        yield x**k


class Dual:
    """A number with its derivative, as in every lecture on automatic differentiation."""

    def __init__(self, value: float, slope: float = 0.0) -> None:
        self.value, self.slope = value, slope

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)


def through_dual_numbers(x: float) -> float:
    return (Dual(x, 1.0) * Dual(x, 1.0) * Dual(x, 1.0)).slope


def of_a_matched_word(x: float, word: str = "cube") -> float:
    match word:
        case "square":
            return x * x
        case _:
            return x**3


Pair = collections.namedtuple("Pair", "a b")
PAIR = Pair(2.0, 3.0)
FUNCTIONS = [math.sin, math.cos, math.exp]


def through_a_list_of_functions(x: float) -> float:
    for function in FUNCTIONS:
        x = function(x)
    return x


WRITTEN: dict[str, Any] = {
    "whole numbers beyond 64 bits": of_whole_numbers_beyond_64_bits,
    "large constant": lambda x: x * 10**20 / 1e20,
    "factorials": lambda x: sum(x**k / math.factorial(k) for k in range(25)),
    "floor and remainder of whole numbers": lambda x: (-7 // 2) * x + (-7 % 3) * x**2,
    "remainder": lambda x: (x % 0.25) * x,
    "fmod": lambda x: math.fmod(-x, 0.25) * x,
    "divmod": lambda x: divmod(x, 0.25)[0] * x,
    "round": lambda x: round(x, 1) * x,
    "trunc": lambda x: math.trunc(3 * x) * x + math.ceil(-x) * x,
    "whole power": lambda x: 2**-1 * x + x**-2,
    "branches of two types": lambda x: 0 if x < 0.5 else x,
    "and": lambda x: x > 0 and x * x,
    "or": lambda x: (x or 1.0) * x,
    "growing default": of_a_growing_default,
    "stack": with_stack,
    "sorted": lambda x: sorted([x, 0.5, 1.0])[1],
    "largest and least": lambda x: max([x, 0.5]) + min(x, 0.6, 0.2),
    "dictionary of powers": lambda x: sum({k: k * x for k in (1, 2)}.values()),
    "nested tuple": lambda x: ((x, 2.0), (3.0, x))[1][1] ** 2,
    "any": lambda x: x * x if any(t < x for t in (0.1,)) else x,
    "for, break, else": with_break,
    "integers in an array": with_integers_in_an_array,
    "array of its own": lambda x: float(np.dot(np.array([1.0, 2.0]), np.array([x, x * x]))),
    "sum over a grid": lambda x: float(np.sum(np.exp(-x * np.linspace(0, 1, 11)))),
    "seed": with_seed,
    "complex": lambda x: (1j * x * x).imag + abs(complex(x, 1)),
    "bits": lambda x: (5 & 3) * x + (1 << 4) * x * x + ~2 * x,
    "mutual recursion": functools.partial(mutually, 4),
    "map and reduce": lambda x: sum(map(lambda k: x**k, range(4))) + functools.reduce(lambda a, b: a * b, [x, x]),
    "itertools": lambda x: sum(a * b for a, b in itertools.product([x, 1], [x, 2])),
    "generator": lambda x: sum(generated(x)),
    "deque": lambda x: sum(collections.deque([x, x * x])),
    "named tuple": lambda x: PAIR.a * x + PAIR.b * x**2,
    "dual numbers": through_dual_numbers,
    "match": of_a_matched_word,
    "list of functions": through_a_list_of_functions,
    "walrus": lambda x: (y := x * x) + y,
    "fractions": lambda x: fractions.Fraction(float(x)) ** 2,
    "decimals": lambda x: decimal.Decimal(float(x)) ** 2,
    "mpmath": lambda x: mpmath.zeta(2 + x),
    "table": between_points_of_a_table,
    "caught beyond a table": caught_beyond_a_table,
}


def pointwise(f: Any) -> Any:
    """Make of `f`, a function of one Python number, one that can only be called."""
    return Opaque(lambda x: f(float(x)) if np.ndim(x) == 0 else np.array([float(f(float(v))) for v in x]))


@pytest.mark.parametrize("name", WRITTEN)
def test_compiled_or_called(name: str) -> None:
    f = WRITTEN[name]
    found, wanted = fg.derivative(f, X), fg.derivative(pointwise(f), X)
    assert np.all(abs(found - wanted) <= 1e-8 * np.maximum(1, abs(wanted))) and np.isfinite(wanted).all()


# Exceptions -----------------------------------------------------------------------------------------------------------


def beyond_a_table(x: float) -> float:
    return float(TABLE[int(10 * x)] * x)


def before_a_table(x: float) -> float:
    return float(TABLE[-20] * x)


def fills_beyond_its_results(v: Any) -> Any:
    out = np.zeros(2)
    out[int(3 * v[0])] = v[1]
    return out


@pytest.mark.parametrize("x", [0.5, [0.5, 0.7, 40.0]], ids=["one", "many"])
def test_memory_beyond_a_table_is_not_read(x: Any) -> None:
    """Machine code without a check of its indices reads, and writes, what happens to lie there."""
    with pytest.raises(IndexError):
        fg.derivative(before_a_table, x)
    if np.ndim(x):
        for method in ("adaptive", "central"):
            with pytest.raises(IndexError):
                fg.derivative(beyond_a_table, x, method=method)
    with pytest.raises(IndexError):
        fg.jacobian(fills_beyond_its_results, [[0.1, 2.0], [40.0, 2.0]])
    with pytest.raises(IndexError):
        fg.gradient(lambda v: v[int(v[0])] * 2.0, [[0.5, 1.0], [7.0, 1.0]])


@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("refusal", [IndexError, KeyError, AssertionError, ValueError, OverflowError])
def test_a_refusal_beside_a_point_ends_the_domain(refusal: type[Exception], called: bool) -> None:
    def f(x: float) -> float:
        if x > 1:
            raise refusal
        return math.sin(x)

    for x in (1.0, 0.97):
        found = fg.derivative(pointwise(f) if called else f, x, full_output=True)
        assert abs(found.df - math.cos(x)) <= found.error < 1e-6
    with pytest.raises(refusal):
        fg.derivative(pointwise(f) if called else f, [0.5, 1.5])


def test_the_end_of_a_table_is_the_end_of_the_domain() -> None:
    for f in (between_points_of_a_table, pointwise(between_points_of_a_table)):
        found = fg.derivative(f, 1.17, full_output=True)
        assert abs(found.df - 2.3) <= found.error < 1e-9


def test_what_python_refuses_is_not_a_number_when_compiled() -> None:
    """The compiled quotient of whole numbers by zero is zero."""
    with pytest.raises(ZeroDivisionError):
        fg.derivative(lambda x: x * (1 // 0), X)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, RecursionError, OSError])
def test_what_has_nothing_to_do_with_the_point_is_raised(raised: type[BaseException]) -> None:
    def f(x: Any) -> Any:
        if np.any(x > 0.31):
            raise raised
        return np.sin(x)

    with pytest.raises(raised):
        fg.derivative(Opaque(f), 0.3)


async def awaited(x: float) -> float:
    return x


@pytest.mark.parametrize("call", [fg.derivative, fg.gradient])
def test_coroutines_are_refused(call: Any) -> None:
    with pytest.raises(TypeError, match="`f` must return numbers; got the coroutine"):
        call(awaited, [1.0, 2.0])


# Warnings and time ----------------------------------------------------------------------------------------------------


J1 = special.j1(0.5) + 2 * special.j1(1.0)


def test_nobody_is_warned_of_one_point() -> None:
    """A solver inside `f` takes one number, and one was asked for."""

    def f(a: float) -> float:
        return float(optimize.brentq(lambda y: y**3 + y - a, -5, 5, xtol=1e-14))

    y = f(0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert abs(fg.derivative(f, 0.5) - 1 / (3 * y * y + 1)) < 1e-8
        assert abs(fg.derivative(lambda t: special.j0(np.array([t, 2 * t])).sum(), 0.5) + J1) < 1e-11
    with pytest.warns(fg.PerformanceWarning):
        fg.derivative(f, [0.5, 0.6])


# Libraries inside `f` -------------------------------------------------------------------------------------------------


GRID = np.linspace(0, 2, 40)
NORMAL = stats.norm(1, 2)
INSIDE: dict[str, tuple[Any, Any]] = {
    "cubic spline": (s := interpolate.CubicSpline(GRID, np.sin(GRID)), s.derivative()),
    "monotone spline": (s := interpolate.PchipInterpolator(GRID, np.sin(GRID)), s.derivative()),
    "quintic spline": (s := interpolate.make_interp_spline(GRID, np.sin(GRID), k=5), s.derivative()),
    "interpolation": (lambda x: np.interp(x, GRID, GRID**2), lambda x: (2 * np.floor(x * 19.5) + 1) / 19.5),
    "distribution": (NORMAL.cdf, NORMAL.pdf),
    "quadrature": (
        lambda a: integrate.quad(lambda t: math.exp(-a * t), 0, 1)[0],
        lambda a: np.exp(-a) / a + np.expm1(-a) / a**2,
    ),
    "solver of equations": (
        lambda a: integrate.solve_ivp(lambda _, y: -a * y, (0, 1), [1.0], rtol=1e-12, atol=1e-14).y[0, -1],
        lambda a: -np.exp(-a),
    ),
    "select": (
        lambda x: np.select([x < 0.5, x < 1], [x**2, x**3], x**4),
        lambda x: np.select([x < 0.5, x < 1], [2 * x, 3 * x**2], 4 * x**3),
    ),
    "piecewise": (
        lambda x: np.piecewise(x, [x < 0.5, x >= 0.5], [lambda t: t**2, lambda t: t**3]),
        lambda x: np.where(x < 0.5, 2 * x, 3 * x**2),
    ),
    "sum over an axis of its own": (
        lambda x: np.sum(np.sin(x[..., None] * GRID), -1),
        lambda x: np.sum(GRID * np.cos(x[..., None] * GRID), -1),
    ),
    "masked assignment": (lambda x: _halves(x), lambda x: np.where(x > 0.5, 2 * x, 1)),
}


@pytest.mark.parametrize("method", ["adaptive", "central", "forward", "backward"])
def test_one_point_is_the_first(method: str) -> None:
    """Nothing is known yet of a function that shares nothing and could have threads."""
    found = fg.derivative(lambda x: special.j0(x) * x, 0.3, method=method)
    assert np.ndim(found) == 0 and abs(found - special.j0(0.3) + 0.3 * special.j1(0.3)) < 1e-6


def _halves(x: Any) -> Any:
    y, large = np.zeros_like(x), x > 0.5
    y[large], y[~large] = x[large] ** 2, x[~large]
    return y


@pytest.mark.parametrize("name", INSIDE)
def test_libraries_inside(name: str) -> None:
    f, slope = INSIDE[name]
    x = np.array([0.33, 0.71])
    found = fg.derivative(f, x, full_output=True)
    assert np.all(abs(found.df - slope(x)) <= np.maximum(1e-8, 3 * found.error)) and np.all(found.error < 1e-3)


@numba.guvectorize(["(float64[:],float64[:])"], "(n)->()")
def generalised(v: Any, out: Any) -> None:
    out[0] = (v * v).sum()


def weighted(v: Any) -> Any:
    return np.einsum("i,ij,j->", v, np.arange(9.0).reshape(3, 3), v)


DIAGONAL = sparse.diags_array([1.0, 2.0, 3.0])
VECTORS: dict[str, tuple[Any, Any]] = {
    "gufunc": (generalised, lambda v: 2 * v),
    "einsum": (weighted, lambda v: (np.arange(9.0).reshape(3, 3) + np.arange(9.0).reshape(3, 3).T) @ v),
    "variance": (lambda v: v.var(ddof=1), lambda v: v - v.mean()),
    "product": (lambda v: v.prod(), lambda v: v.prod() / v),
    "unpacked": (lambda v: (lambda a, *rest: a * sum(rest))(*v), lambda v: [v[1] + v[2], v[0], v[0]]),
    "sparse matrix": (
        lambda v: v @ (DIAGONAL @ v),
        lambda v: 2 * v * [1, 2, 3],
    ),
    "log determinant": (
        lambda v: np.linalg.slogdet(np.diag([2.0, 3.0, 4.0]) + 0.1 + np.diag(v))[1],
        lambda v: np.diag(np.linalg.inv(np.diag([2.0, 3.0, 4.0]) + 0.1 + np.diag(v))),
    ),
    "density": (stats.multivariate_normal(np.zeros(3), np.eye(3)).logpdf, lambda v: -v),
    "mpmath": (lambda v: mpmath.sin(v[0]) * mpmath.cos(v[1]) + v[2], lambda v: _of_sines(v)),
    "in place": (lambda v: np.add(v, v, out=v).sum(), lambda v: np.full(3, 2.0)),
    "spectrum": (lambda v: float(np.sum(abs(np.fft.fft(v)) ** 2)), lambda v: 6 * v),
}


def _of_sines(v: Any) -> Any:
    return [math.cos(v[0]) * math.cos(v[1]), -math.sin(v[0]) * math.sin(v[1]), 1.0]


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_in_libraries(name: str) -> None:
    f, slope = VECTORS[name]
    assert np.all(abs(fg.gradient(f, X) - slope(X)) < 1e-9)


# Arguments ------------------------------------------------------------------------------------------------------------


def test_bounds_of_scipy() -> None:
    bounds = optimize.Bounds(0, 1)
    assert abs(fg.derivative(np.sqrt, 0.5, bounds=bounds) - 0.5 / math.sqrt(0.5)) < 1e-11
    assert np.isnan(fg.derivative(np.sin, [0.5, 2.0], bounds=bounds)).tolist() == [False, True]
    assert np.all(abs(fg.gradient(lambda v: (v**2).sum(), [0.0, 1.0], bounds=bounds) - [0, 2]) < 1e-10)


@pytest.mark.parametrize("pairs", [[(0, 1), (2, 3)], [(0, 1), (2, 3), (0, 9)], [(0, 1)]])
def test_pairs_of_scipy_are_not_taken_for_low_and_high(pairs: Any) -> None:
    with pytest.raises(TypeError, match=r"`bounds` .* pass tuple\(zip\(\*bounds\)\)"):
        fg.gradient(np.sum, np.full(len(pairs), 0.5), bounds=pairs)
    assert np.isfinite(fg.gradient(np.sum, [0.5, 2.5, 1.0][: len(pairs)], bounds=tuple(zip(*pairs, strict=True)))).all()


def test_masked_nodes_are_refused() -> None:
    with pytest.raises(TypeError, match="`nodes` must be an array without a mask"):
        fg.weights(np.ma.masked_array([0.0, 1.0, 2.0], [False, True, False]))


def test_checks_of_sparse_jacobians() -> None:
    def squares(v: Any) -> Any:
        return v**2

    assert fg.check(squares, lambda v: sparse.diags_array(2 * v), X, of="jacobian")
    assert not fg.check(squares, lambda v: sparse.diags_array(3 * v).tocsr(), X, of="jacobian")
