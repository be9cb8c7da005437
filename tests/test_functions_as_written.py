"""Functions as people write them: compiled or called, with the same derivative and the same exceptions."""

from __future__ import annotations

import collections
import decimal
import fractions
import functools
import itertools
import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from conftest import Opaque
from scipy import integrate, interpolate, optimize, sparse, special, stats

import fastgrad as fg

pytestmark = [pytest.mark.machine_code, pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")]

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


# The sine of 2 x, in every form that a function can have --------------------------------------------------------------


class Model:
    """A bound method, and a callable object with a state."""

    def __init__(self, a: float) -> None:
        self.a = a
        self.calls = 0

    def value(self, x: Any) -> Any:
        return np.sin(self.a * x)

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return np.sin(self.a * x)


def decorated(f: Any) -> Any:
    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    return wrapper


@decorated
def behind_a_wrapper(x: Any) -> Any:
    return np.sin(2 * x)


def with_default(x: Any, a: float = 2.0) -> Any:
    return np.sin(a * x)


def with_star(*args: Any) -> Any:
    return np.sin(2 * args[0])


def keyword_only(x: Any, *, a: float = 2.0) -> Any:
    return np.sin(a * x)


def calls_itself(x: float, depth: int = 3) -> Any:
    return calls_itself(x, depth - 1) if depth else np.sin(2 * x)


def with_generator(x: Any) -> Any:
    return np.sin(sum(x for _ in range(2)))


def with_try(x: Any) -> Any:
    try:
        return math.sin(2 * x)
    except TypeError:
        return np.sin(2 * x)


def with_text(x: Any) -> Any:
    text = f"{2:d}"
    return np.sin(int(text) * x)


def with_dictionary(x: Any) -> Any:
    return np.sin({"a": 2.0, "b": 3.0}["a"] * x)


def with_branches(x: float) -> float:
    if x > 100:
        return 0.0
    elif x < -100:
        return 1.0
    return math.sin(2 * x)


def with_loop(x: Any) -> Any:
    total = 0.0
    for _ in range(2):
        total = total + x
    return np.sin(total)


def with_print(x: Any) -> Any:
    print(end="")
    return np.sin(2 * x)


def with_list(x: Any) -> Any:
    return [math.sin(2 * v) for v in np.atleast_1d(x)]


def with_column(x: Any) -> Any:
    return np.sin(2 * np.asarray(x)).reshape(-1, 1)[:, 0]


def python_float(x: Any) -> float:
    return float(np.sin(2 * x))


@functools.lru_cache
def cached(x: float) -> float:
    return math.sin(2 * x)


def sine_slope(x: Any) -> Any:
    return 2 * np.cos(2 * x)


POLYNOMIAL = np.polynomial.Polynomial([0.0, 2.0, 0.0, -8 / 6, 0.0, 64 / 240])

#: Functions and their derivatives; without one the function has to have the same derivative compiled and called.
WRITTEN: dict[str, tuple[Any, Any]] = {
    "lambda": (lambda x: np.sin(2 * x), sine_slope),
    "bound method": (Model(2.0).value, sine_slope),
    "callable object": (Model(2.0), sine_slope),
    "partial": (functools.partial(with_default, a=2.0), sine_slope),
    "partial of a keyword": (functools.partial(keyword_only, a=2.0), sine_slope),
    "decorated": (behind_a_wrapper, sine_slope),
    "default": (with_default, sine_slope),
    "star": (with_star, sine_slope),
    "keyword only": (keyword_only, sine_slope),
    "recursive": (calls_itself, sine_slope),
    "generator": (with_generator, sine_slope),
    "try": (with_try, sine_slope),
    "text": (with_text, sine_slope),
    "dictionary": (with_dictionary, sine_slope),
    "branches": (with_branches, sine_slope),
    "loop": (with_loop, sine_slope),
    "print": (with_print, sine_slope),
    "list": (with_list, sine_slope),
    "column": (with_column, sine_slope),
    "float": (python_float, sine_slope),
    "cached": (cached, sine_slope),
    "vectorize": (np.vectorize(lambda x: math.sin(2 * x)), sine_slope),
    "frompyfunc": (np.frompyfunc(lambda x: math.sin(2 * x), 1, 1), sine_slope),
    "ufunc of a ufunc": (lambda x: np.sin(np.multiply(2.0, x)), sine_slope),
    "static method": (staticmethod(with_default).__func__, sine_slope),
    "polynomial object": (POLYNOMIAL, POLYNOMIAL.deriv()),
    "whole numbers beyond 64 bits": (of_whole_numbers_beyond_64_bits, None),
    "large constant": (lambda x: x * 10**20 / 1e20, None),
    "factorials": (lambda x: sum(x**k / math.factorial(k) for k in range(25)), None),
    "floor and remainder of whole numbers": (lambda x: (-7 // 2) * x + (-7 % 3) * x**2, None),
    "remainder": (lambda x: (x % 0.25) * x, None),
    "fmod": (lambda x: math.fmod(-x, 0.25) * x, None),
    "divmod": (lambda x: divmod(x, 0.25)[0] * x, None),
    "round": (lambda x: round(x, 1) * x, None),
    "trunc": (lambda x: math.trunc(3 * x) * x + math.ceil(-x) * x, None),
    "whole power": (lambda x: 2**-1 * x + x**-2, None),
    "branches of two types": (lambda x: 0 if x < 0.5 else x, None),
    "and": (lambda x: x > 0 and x * x, None),
    "or": (lambda x: (x or 1.0) * x, None),
    "growing default": (of_a_growing_default, None),
    "stack": (with_stack, None),
    "sorted": (lambda x: sorted([x, 0.5, 1.0])[1], None),
    "largest and least": (lambda x: max([x, 0.5]) + min(x, 0.6, 0.2), None),
    "dictionary of powers": (lambda x: sum({k: k * x for k in (1, 2)}.values()), None),
    "nested tuple": (lambda x: ((x, 2.0), (3.0, x))[1][1] ** 2, None),
    "any": (lambda x: x * x if any(t < x for t in (0.1,)) else x, None),
    "for, break, else": (with_break, None),
    "integers in an array": (with_integers_in_an_array, None),
    "array of its own": (lambda x: float(np.dot(np.array([1.0, 2.0]), np.array([x, x * x]))), None),
    "sum over a grid": (lambda x: float(np.sum(np.exp(-x * np.linspace(0, 1, 11)))), None),
    "seed": (with_seed, None),
    "complex": (lambda x: (1j * x * x).imag + abs(complex(x, 1)), None),
    "bits": (lambda x: (5 & 3) * x + (1 << 4) * x * x + ~2 * x, None),
    "mutual recursion": (functools.partial(mutually, 4), None),
    "map": (lambda x: sum(map(lambda k: x**k, range(4))), None),
    "reduce": (lambda x: functools.reduce(lambda a, b: a * b, [x, x, x]), None),
    "itertools": (lambda x: sum(a * b for a, b in itertools.product([x, 1], [x, 2])), None),
    "generator of powers": (lambda x: sum(generated(x)), None),
    "deque": (lambda x: sum(collections.deque([x, x * x])), None),
    "named tuple": (lambda x: PAIR.a * x + PAIR.b * x**2, None),
    "dual numbers": (through_dual_numbers, None),
    "match": (of_a_matched_word, None),
    "list of functions": (through_a_list_of_functions, None),
    "walrus": (lambda x: (y := x * x) + y, None),
    "fractions": (lambda x: fractions.Fraction(float(x)) ** 2, None),
    "decimals": (lambda x: decimal.Decimal(float(x)) ** 2, None),
    "mpmath": (lambda x: mpmath.zeta(2 + x), None),
    "table": (between_points_of_a_table, None),
    "caught beyond a table": (caught_beyond_a_table, None),
}


def pointwise(f: Any) -> Any:
    """Make of `f`, a function of one Python number, one that can only be called."""
    return Opaque(lambda x: f(float(x)) if np.ndim(x) == 0 else np.array([float(f(float(v))) for v in x]))


@pytest.mark.parametrize("method", ["adaptive", pytest.param("central", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WRITTEN)
def test_functions_as_people_write_them(name: str, method: str) -> None:
    f, slope = WRITTEN[name]
    expected = slope(X) if slope else fg.derivative(pointwise(f), X)
    tolerance = (1e-11 if slope and method == "adaptive" else 1e-8) * np.maximum(1, abs(expected))
    df, one = fg.derivative(f, X, method=method), fg.derivative(f, X[0], method=method)
    assert df.shape == X.shape and np.ndim(one) == 0
    assert np.all(abs(df - expected) <= tolerance) and abs(one - expected[0]) <= tolerance[0]
    full = fg.derivative(f, X, method=method, full_output=True)
    assert np.all(abs(full.df - expected) <= 10 * full.error + (0 if slope else tolerance))
    assert np.all(full.error < 1e-3)


# State, and values that are not those of one formula ------------------------------------------------------------------


def test_state_that_changes_between_calls_is_seen() -> None:
    for f, change in _changing():
        for value in (2.0, 3.0, 2.0, -1.5):
            change(value)
            for method in ("adaptive", "central"):
                assert abs(fg.derivative(f, 0.4, method=method) - value * math.cos(value * 0.4)) < 1e-8
            assert abs(fg.gradient(lambda v, f=f: f(v[0]), [0.4])[0] - value * math.cos(value * 0.4)) < 1e-8


SCALE = 1.0
WORDS = {"a": 1.0}
LIST = [1.0]
ARRAY = np.array([1.0])


def _changing() -> Any:
    captured = 1.0

    def by_global(x: Any) -> Any:
        return np.sin(SCALE * x)

    def set_global(value: float) -> None:
        global SCALE
        SCALE = value

    def by_closure(x: Any) -> Any:
        return np.sin(captured * x)

    def set_closure(value: float) -> None:
        nonlocal captured
        captured = value

    def by_default(x: Any, a: float = 1.0) -> Any:
        return np.sin(a * x)

    def set_default(value: float) -> None:
        by_default.__defaults__ = (value,)

    def by_attribute(x: Any) -> Any:
        return np.sin(by_attribute.a * x)  # type: ignore[attr-defined]

    model = Model(1.0)
    helper_scale = [1.0]

    def helper(x: Any) -> Any:
        return helper_scale[0] * x

    yield by_global, set_global
    yield by_closure, set_closure
    yield by_default, set_default
    yield by_attribute, functools.partial(setattr, by_attribute, "a")
    yield model.value, functools.partial(setattr, model, "a")
    yield model, functools.partial(setattr, model, "a")
    yield lambda x: np.sin(WORDS["a"] * x), functools.partial(WORDS.__setitem__, "a")
    yield lambda x: np.sin(LIST[0] * x), functools.partial(LIST.__setitem__, 0)
    yield lambda x: np.sin(ARRAY[0] * x), functools.partial(ARRAY.__setitem__, 0)
    yield lambda x: np.sin(helper(x)), functools.partial(helper_scale.__setitem__, 0)


def test_helpers_defined_anew_are_seen() -> None:
    scope: dict[str, Any] = {"np": np}
    exec("def helper(x):\n    return 2.0 * x\ndef f(x):\n    return np.sin(helper(x))", scope)
    assert abs(fg.derivative(scope["f"], 0.4) - 2 * math.cos(0.8)) < 1e-11
    exec("def helper(x):\n    return 3.0 * x", scope)
    assert abs(fg.derivative(scope["f"], 0.4) - 3 * math.cos(1.2)) < 1e-11


def test_random_functions_are_not_called_certain() -> None:
    rng = np.random.default_rng(0)
    own, shared = rng.normal, np.random.normal
    for f in (lambda x: np.sin(x) + 1e-6 * own(size=np.shape(x)), lambda x: np.sin(x) + 1e-6 * shared()):
        found = fg.derivative(f, np.linspace(-1, 1, 30), full_output=True)
        assert np.mean(abs(found.df - np.cos(np.linspace(-1, 1, 30))) <= found.error) > 0.8
        assert 1e-7 < np.median(found.error) < 1e-3


def test_functions_that_raise_at_some_points() -> None:
    def f(x: float) -> float:
        if x < 0:
            raise ValueError("negative")
        return math.sqrt(x)

    with pytest.raises(ValueError, match="negative"):
        fg.derivative(f, np.array([1.0, -1.0]))
    assert abs(fg.derivative(f, 1e-9) - 0.5 / math.sqrt(1e-9)) < 1e-4  # raising beside a point ends the domain

    def g(x: Any) -> Any:
        if np.any(np.asarray(x) > 1):
            raise KeyError("beyond the table")
        return np.sin(x)

    with pytest.raises(KeyError, match="beyond the table"):
        fg.derivative(g, np.array([0.1, 2.0]))


def test_functions_that_keep_or_write_their_argument() -> None:
    kept = []

    def keeps(x: Any) -> Any:
        kept.append(x)
        return np.exp(x) + 0.0 * len(kept)

    def writes(x: Any) -> Any:
        x = np.asarray(x)
        if x.ndim:
            x *= 2
            return np.sin(x) + 0.0 * len(str(x[:0]))
        return np.sin(2 * x)

    x = np.linspace(0, 1, 9)
    before = x.copy()
    assert np.all(abs(fg.derivative(keeps, x) - np.exp(x)) < 1e-11)
    assert np.all(abs(fg.derivative(writes, x) - 2 * np.cos(2 * x)) < 1e-11)
    assert np.all(abs(fg.gradient(lambda v: float(np.sum(keeps(v))), x) - np.exp(x)) < 1e-10)
    assert np.array_equal(x, before)


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
    """A solver inside `f` takes one number, and there is one point."""

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


def weighted(v: Any) -> Any:
    return np.einsum("i,ij,j->", v, np.arange(9.0).reshape(3, 3), v)


DIAGONAL = sparse.diags_array([1.0, 2.0, 3.0])
VECTORS: dict[str, tuple[Any, Any]] = {
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


def test_a_generalised_ufunc() -> None:
    @numba.guvectorize(["(float64[:],float64[:])"], "(n)->()")
    def generalised(v: Any, out: Any) -> None:
        out[0] = (v * v).sum()

    assert np.all(abs(fg.gradient(generalised, X) - 2 * X) < 1e-9)


def with_factor(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds an argument; what it makes shows the signature of the function inside."""

    @functools.wraps(function)
    def called(*args: Any) -> Any:
        return function(3.0, *args)

    return called


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*args: Any) -> Any:
        return function(*args)

    return called


def test_decorators_that_add_an_argument() -> None:
    """They were refused, or taken for functions that fill an array."""
    assert abs(fg.derivative(with_factor(lambda a, x: a * x * x), 2.0) - 12) < 1e-9
    for x in (np.array([1.0, 2.0]), np.random.default_rng(0).normal(size=(50, 2))):
        slopes = fg.gradient(with_factor(lambda a, v: a * v[..., 0] * v[..., 1]), x)
        assert np.allclose(slopes, 3 * x[..., ::-1])
    assert abs(fg.derivative(with_factor(lambda a, x, b: a * b * x * x), 2.0, 5.0) - 60) < 1e-8


def test_decorators_around_functions_that_fill_an_array() -> None:
    def product(v: Any, out: Any) -> None:
        out[0], out[1] = v[0] * v[1], v[0]

    for f in (product, logged(product)):
        assert np.allclose(fg.jacobian(f, [2.0, 3.0]), [[3, 2], [1, 0]])
