"""Gates: right at every number there is, partial derivatives included; usable wherever functions are."""

from __future__ import annotations

import functools
import itertools
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numba
import numpy as np
import pytest
from conftest import EPS, Opaque, engine_of
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import gates
from fastgrad.gates import GATES, Gate

pytestmark = pytest.mark.machine_code

LOGIC = [g for g in GATES if hasattr(g, "__not_differentiable__")]
SMOOTH = [g for g in GATES if g not in LOGIC]
NAMES = lambda g: g.__name__ if isinstance(g, Gate) else None  # noqa: E731

#: Points for a gate with two arguments or one: plain numbers, tails, near zero.
GRID = np.array([-30.0, -7.5, -2.0, -1.0, -0.7, -1e-3, -1e-9, 1e-9, 1e-3, 0.3, 1.0, 1.5, 2.0, 7.5, 30.0])
EDGES = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 710.0, -745.0, 2.5, -3.0])


@fg.gate(partials=lambda x: (1 - math.log(x)) / x**2, domain=(0, math.inf))
def log_over_x(x: float) -> float:
    """A gate of a user's own, made at the top of a module."""
    return math.log(x) / x


def truths() -> dict[str, Callable[..., Any]]:
    mp = pytest.importorskip("mpmath").mp
    return {
        "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y, "negative": lambda x: -x, "square": lambda x: x * x,
        "sum_square": lambda x, y: (x + y) ** 2, "power": mp.power, "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "tanh": mp.tanh, "softplus": lambda x: mp.log1p(mp.exp(x)), "exp": mp.exp, "log": mp.log, "sqrt": mp.sqrt,
        "sin": mp.sin, "cos": mp.cos, "maximum": lambda x, y: max(x, y), "minimum": lambda x, y: min(x, y),
        "absolute": abs, "relu": lambda x: max(x, 0), "soft_not": lambda x: 1 - x,
        "soft_or": lambda x, y: x + y - x * y, "soft_and": lambda x, y: x * y,
        "soft_xor": lambda x, y: x + y - 2 * x * y, "soft_xand": lambda x, y: x * (1 - y),
    }  # fmt: skip


def points(gate: Gate) -> list[tuple[float, ...]]:
    inside = [[v for v in GRID.tolist() if low < v < high] for low, high in gate.domain]
    return list(itertools.product(*inside))


def size_of_terms(gate: Gate, at: tuple[float, ...]) -> float:
    """Size of what is added up inside: soft gates cancel."""
    return 1.0 + sum(map(abs, at)) + 2 * math.prod(map(abs, at)) if gate.__name__.startswith("soft_") else 0.0


# Values ---------------------------------------------------------------------------------------------------------------


def test_cases_of_the_first_issue() -> None:
    assert gates.maximum(3, 5) == 5
    assert gates.minimum(3, 5) == 3
    assert gates.multiply(5, 10) == 50
    assert gates.sigmoid(0) == 0.5
    assert gates.sigmoid(1000) == 1.0
    assert gates.sigmoid(-1000) == 0.0


def test_list_of_gates() -> None:
    wanted = """add subtract multiply divide negative square sum_square power sigmoid tanh softplus exp log sqrt sin cos
    maximum minimum absolute relu logical_not logical_or logical_and logical_xor logical_xand logical_nand logical_nor
    logical_xnor soft_not soft_or soft_and soft_xor soft_xand round_half_up""".split()
    assert sorted(g.__name__ for g in GATES) == sorted(wanted)
    assert set(gates.__all__) == {"GATES", *wanted}
    for gate in GATES:
        assert getattr(gates, gate.__name__) is gate
        assert gate.__doc__
        assert len(gate.domain) == gate.nin


@pytest.mark.parametrize("gate", [g for g in SMOOTH if g.__name__ != "round_half_up"], ids=NAMES)
def test_values_against_mpmath(gate: Gate) -> None:
    mp = pytest.importorskip("mpmath").mp
    truth, at = truths()[gate.__name__], points(gate)
    got = gate(*map(np.array, zip(*at, strict=True)))
    # The power of large numbers, and softplus far left, are as accurate as the libraries they are made of.
    with mp.workdps(60):
        for value, point in zip(got.tolist(), at, strict=True):
            exact = truth(*map(mp.mpf, point))
            assert abs(mp.mpf(value) - exact) <= 3 * EPS * abs(exact) + 2 * EPS * size_of_terms(gate, point), point


@pytest.mark.parametrize("gate", [g for g in SMOOTH if g.__name__ != "round_half_up"], ids=NAMES)
def test_partials_against_mpmath(gate: Gate) -> None:
    mp = pytest.importorskip("mpmath").mp
    truth = truths()[gate.__name__]
    at = [p for p in points(gate) if len(set(p)) == len(p)] if gate.__name__ in ("maximum", "minimum") else points(gate)
    at = at[::3] if gate.nin == 2 else at
    columns = list(map(np.array, zip(*at, strict=True)))
    partials = gate.partials(*columns)
    assert len(partials) == len(gate.partials) == gate.nin
    with mp.workdps(60):
        for i, column in enumerate(partials):
            assert np.array_equal(column, gate.partials[i](*columns))
            for value, point in zip(column.tolist(), at, strict=True):
                order = tuple(int(k == i) for k in range(gate.nin))
                exact = mp.diff(truth, tuple(map(mp.mpf, point)), order)
                scale = 8 * EPS * abs(exact) + 4 * EPS * size_of_terms(gate, point)
                assert abs(mp.mpf(value) - exact) <= scale + mp.mpf(10) ** -25, (i, point)


NUMPY: dict[str, tuple[Any, float]] = {
    "add": (np.add, 0), "subtract": (np.subtract, 0), "multiply": (np.multiply, 0), "divide": (np.divide, 0),
    "negative": (np.negative, 0), "square": (np.square, 0), "power": (np.power, 4 * EPS), "tanh": (np.tanh, 4 * EPS),
    "exp": (np.exp, 4 * EPS), "log": (np.log, 4 * EPS), "sqrt": (np.sqrt, 0), "sin": (np.sin, 4 * EPS),
    "cos": (np.cos, 4 * EPS), "maximum": (np.maximum, 0), "minimum": (np.minimum, 0), "absolute": (np.absolute, 0),
    "logical_not": (np.logical_not, 0), "logical_or": (np.logical_or, 0), "logical_and": (np.logical_and, 0),
    "logical_xor": (np.logical_xor, 0), "softplus": (lambda x: np.logaddexp(0.0, x), 4 * EPS),
    "relu": (lambda x: np.maximum(x, 0.0), 0), "sum_square": (lambda x, y: (x + y) * (x + y), 0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 4 * EPS),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPY)
def test_edges_as_in_numpy(name: str) -> None:
    """Zeros of both signs, infinities, NaN, ties, overflow and underflow; never a warning."""
    gate, (reference, rtol) = getattr(gates, name), NUMPY[name]
    at = [a.ravel() for a in np.meshgrid(*[EDGES] * gate.nin)]
    got = gate(*at)
    with np.errstate(all="ignore"):
        wanted = reference(*at)
    assert got.dtype == wanted.dtype
    assert np.allclose(got, wanted, rtol=rtol, atol=5e-324, equal_nan=True)
    assert np.array_equal(got, np.array([gate(*map(float, p)) for p in zip(*at, strict=True)]), equal_nan=True)
    if name in ("add", "subtract", "multiply", "divide", "negative", "square", "sqrt", "sin", "tanh", "absolute"):
        real = ~np.isnan(wanted)
        assert np.array_equal(np.signbit(got)[real], np.signbit(wanted)[real])


def test_ties_take_the_first_argument() -> None:
    for gate in (gates.maximum, gates.minimum):
        assert [float(p) for p in gate.partials(2.0, 2.0)] == [1.0, 0.0]
        assert math.copysign(1.0, gate(0.0, -0.0)) == 1.0
        assert math.copysign(1.0, gate(-0.0, 0.0)) == -1.0
        assert "tie" in gate.__doc__
        for at in ((np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan)):
            assert np.isnan(gate(*at))
            assert np.isnan(gate.partials(*at)).all()
    for gate in (gates.absolute, gates.relu):
        assert gate.partials[0](0.0) == 0.0
        assert np.isnan(gate.partials[0](np.nan))


@pytest.mark.parametrize("gate", SMOOTH, ids=NAMES)
def test_partials_never_warn_and_keep_shape(gate: Gate) -> None:
    at = [a.ravel() for a in np.meshgrid(*[EDGES] * gate.nin)]
    with np.errstate(all="ignore"):
        narrow = [a.astype(np.float32) for a in at]
    assert gate(*narrow).dtype == np.float32
    for partial in gate.partials:
        assert partial(*at).shape == at[0].shape
        assert partial(*narrow).dtype == np.float32
        out = np.empty(at[0].shape)
        assert partial(*at, out=out) is out


def test_tails_of_partials() -> None:
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    for name in ("sigmoid", "tanh"):
        assert getattr(gates, name).partials[0](x).tolist() == [0.0] * 4
    assert gates.softplus.partials[0](x).tolist() == [0.0, 0.0, 1.0, 1.0]
    assert gates.softplus(x).tolist() == [0.0, 0.0, 800.0, 1e4]


# Rounding -------------------------------------------------------------------------------------------------------------


halves = st.integers(-(10**7), 10**7).map(lambda k: k / 2)
decimals = st.decimals(-999, 999, places=3).map(float)


@given(st.one_of(st.floats(-1e6, 1e6), halves, decimals), st.integers(-5, 8))
def test_round_half_up_is_exact(x: float, decimals: int) -> None:
    scale = Fraction(10) ** decimals
    exact = Fraction(math.floor(Fraction(x) * scale + Fraction(1, 2))) / scale
    assert gates.round_half_up(x, decimals) == float(exact)
    assert gates.round_half_up(x) == math.floor(Fraction(x) + Fraction(1, 2))


def test_round_half_up_known() -> None:
    x = np.array([2.5, -2.5, 0.5, -0.5, 1.4999999999999998, 2.675, 0.49999999999999994, 1e300, np.inf, -np.inf, np.nan])
    wanted = [3.0, -2.0, 1.0, 0.0, 1.0, 3.0, 0.0, 1e300, np.inf, -np.inf, np.nan]
    assert np.array_equal(gates.round_half_up(x), wanted, equal_nan=True)
    assert gates.round_half_up(2.675, 2) == 2.67
    assert gates.round_half_up(2.665, decimals=2) == 2.67
    assert gates.round_half_up(25, -1) == 30.0
    assert gates.round_half_up.partials[0](1.25) == 0.0


def test_round_half_up_to_tens_just_below_the_half() -> None:
    """Dividing by ten rounds 24.999999999999996 up to a half that it is not."""
    assert gates.round_half_up(24.999999999999996, -1) == 20.0


# Logic ----------------------------------------------------------------------------------------------------------------

TABLES: dict[str, Callable[..., bool]] = {
    "not": lambda x: not x, "or": lambda x, y: x or y, "and": lambda x, y: x and y, "xor": lambda x, y: x != y,
    "xand": lambda x, y: x and not y, "nand": lambda x, y: not (x and y), "nor": lambda x, y: not (x or y),
    "xnor": lambda x, y: x == y,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_truth_tables(name: str) -> None:
    gate, table = getattr(gates, f"logical_{name}"), TABLES[name]
    for at in itertools.product((False, True), repeat=gate.nin):
        assert gate(*at) == table(*at)
        assert gate(*map(float, at)) == table(*at)
        assert gate(*(7.5 * v for v in at)) == table(*at)
        if name in ("not", "or", "and", "xor", "xand"):
            assert getattr(gates, f"soft_{name}")(*at) == table(*at)
    columns = [np.array(c) for c in zip(*itertools.product((0, 1), repeat=gate.nin), strict=True)]
    assert gate(*columns).dtype == bool
    out = np.empty(columns[0].shape, bool)
    assert gate(*columns, out=out) is out
    assert np.array_equal(out, gate(*columns))


@pytest.mark.parametrize("gate", LOGIC, ids=NAMES)
def test_logic_gates_have_no_derivative(gate: Gate) -> None:
    at = (1.0,) * gate.nin
    for call in (lambda: fg.derivative(gate, *at), lambda: fg.derivative(gate, *at, wrt=-1), lambda: gate.partials):
        with pytest.raises(TypeError, match=r"`soft_\w+`"):
            call()
    soft = gate.__not_differentiable__.split("`")[-2]
    assert isinstance(getattr(gates, soft), Gate)


# Ufunc-style ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", GATES, ids=NAMES)
def test_dtype_rules(gate: Gate) -> None:
    logic = gate in LOGIC
    for dtype, wanted in ((np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float16),
                          (np.int8, np.float64), (np.uint64, np.float64), (bool, np.float64), (">f8", np.float64),
                          (np.longdouble, np.float64)):  # fmt: skip
        at = [np.ones((2, 3), dtype)] * gate.nin
        got = gate(*at)
        assert got.dtype == (bool if logic else wanted)
        assert got.shape == (2, 3)
        assert gate(*[a[0, 0] for a in at]).dtype == got.dtype
    assert gate(*[1] * gate.nin).dtype == gate(*[[1.0]] * gate.nin).dtype == (bool if logic else np.float64)
    assert gate(*[np.empty((0, 2))] * gate.nin).shape == (0, 2)


def test_broadcasting_and_out() -> None:
    x, y = np.arange(3.0)[:, None], np.arange(4.0)
    assert np.array_equal(gates.multiply(x, y), np.multiply(x, y))
    out = np.empty((3, 8))[:, ::2]
    assert gates.multiply(x, y, out=out) is out
    assert np.array_equal(out, np.multiply(x, y))
    b = np.arange(5.0)
    gates.add(b[:-1], b[1:], out=b[1:])
    assert b.tolist() == [0.0, 1.0, 3.0, 5.0, 7.0]
    assert gates.power(x=2.0, y=3.0) == gates.power(2.0, y=3.0) == 8.0
    for call, named in ((lambda: gates.add(x, y, out=np.empty(3)), "out"), (lambda: gates.add(1.0), "f"),
                        (lambda: gates.add(1.0, "a"), r"args\[1\]"), (lambda: gates.add(x, x[:2]), "args"),
                        (lambda: gates.add(x, y, out=np.empty((3, 4), int)), "out")):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=f"`{named}`"):
            call()
    with pytest.raises(TypeError):
        gates.add(1.0, z=2.0)


# The numerical derivative of every gate -------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", [g for g in SMOOTH if g.__name__ != "round_half_up"], ids=NAMES)
def test_every_rule_on_every_gate(gate: Gate) -> None:
    """Gates times rules: the partials are what the differences converge to."""
    random = np.random.default_rng(7)
    low, high = zip(*[(max(a, -4.0) + 0.5, min(b, 4.0) - 0.5) for a, b in gate.domain], strict=True)
    at = [random.uniform(a, b, 200) for a, b in zip(low, high, strict=True)]
    if gate.nin == 2:
        at[1] = np.where(abs(at[0] - at[1]) < 1e-2, at[0] + 0.05, at[1])
        at[1] = np.where(abs(at[1]) < 0.2, 0.2, at[1])
    else:
        at[0] = np.where(abs(at[0]) < 1e-2, 0.05, at[0])
    for wrt in range(gate.nin):
        exact = gate.partials[wrt](*at)
        size = 1 + abs(exact) + abs(gate(*at)) + 10 * abs(gate(*at)) / abs(at[wrt]) ** 3
        for method, bound in (("forward", 1e-6), ("backward", 1e-6), ("central", 1e-9), (fg.central(4), 1e-10)):
            called = fg.derivative(Opaque(gate), *at, wrt=wrt, method=method)
            assert np.all(abs(called - exact) <= bound * size), method
        assert np.all(abs(fg.derivative(gate, *at, wrt=wrt) - exact) <= 1e-9 * size)
    assert engine_of(gate, gate.nin) == "compiled"


# Wherever functions are -----------------------------------------------------------------------------------------------


def squared(gate: Callable[..., Any], x: Any, y: Any) -> Any:
    return gates.square(gate(x, y))


def bound(gate: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: squared(gate, x, y)


@numba.njit
def jitted(x: float, y: float) -> float:
    return gates.sigmoid(x) * gates.maximum(x, y) + gates.sum_square(x, y)


def test_composition_as_plain_python() -> None:
    x, y = np.linspace(-2, 2, 9), 0.75

    def sum_square(x: Any, y: Any) -> Any:
        return gates.square(gates.add(x, y))

    assert np.array_equal(sum_square(x, y), (x + y) ** 2)
    assert np.allclose(fg.derivative(sum_square, x, y), 2 * (x + y), atol=1e-9)
    assert engine_of(sum_square, 2) == "compiled"


def test_composition_of_higher_order() -> None:
    x, y = np.linspace(-2, 2, 9), 0.75
    for gate, slope in ((gates.add, 2 * (x + y)), (gates.multiply, 2 * x * y * y)):
        assert np.array_equal(squared(gate, x, y), gate(x, y) ** 2)
        for f in (functools.partial(squared, gate), bound(gate)):
            assert np.allclose(fg.derivative(f, x, y), slope, atol=1e-8)
            assert engine_of(f, 2) == "compiled"


def test_inside_numba_functions() -> None:
    wanted = gates.sigmoid(0.5) * 0.75 + 1.25**2
    assert jitted(0.5, 0.75) == pytest.approx(wanted, rel=1e-15)
    slope = gates.sigmoid.partials[0](0.5) * 0.75 + 2 * 1.25
    assert fg.derivative(jitted, 0.5, 0.75) == pytest.approx(slope, rel=1e-9)
    assert engine_of(jitted, 2) == "compiled"


@pytest.mark.parametrize("gate", [*GATES, log_over_x], ids=NAMES)
def test_gates_travel(gate: Gate) -> None:
    assert pickle.loads(pickle.dumps(gate)) is gate


def test_gates_of_ones_own() -> None:
    assert log_over_x.partials[0](2.0) == pytest.approx(fg.derivative(log_over_x, 2.0), rel=1e-9)
    assert log_over_x.domain == ((0.0, math.inf),)
    assert log_over_x.__doc__ == "A gate of a user's own, made at the top of a module."

    @fg.gate(partials=lambda x, y: (2 * x * y, x * x))
    def together(x: float, y: float) -> float:
        return x * x * y

    assert [float(p) for p in together.partials(3.0, 5.0)] == [30.0, 9.0]
    assert len(together.partials) == 2
    mixed = lambda x: together(x, gates.square(x))  # noqa: E731
    assert fg.derivative(mixed, 2.0) == pytest.approx(32.0, rel=1e-9)


def test_arguments_by_name() -> None:
    @fg.gate(partials=lambda x, a=1.0, b=2.0: a + 0.0 * b)
    def line(x: float, a: float = 1.0, b: float = 2.0) -> float:
        return a * x + b

    assert line(3.0, b=5.0) == 8.0  # what was left out between them was forgotten, and so was b
    assert line(3.0, a=2.0) == line(x=3.0, b=2.0, a=2.0) == 8.0
    assert [float(p) for p in line.partials(3.0, a=2.0)] == [2.0]
    assert [float(p) for p in gates.power.partials(y=3.0, x=2.0)] == [12.0, pytest.approx(8 * math.log(2.0))]
    assert gates.power.partials[-2](2.0, y=3.0) == 12.0
    with pytest.raises(TypeError):
        gates.power.partials[0:1]


def test_gates_print_what_they_take() -> None:
    assert repr(gates.power) == "<gate power(x, y)>"
    assert repr(gates.round_half_up) == "<gate round_half_up(x, decimals=0.0)>"


def test_a_partial_derivative_travels() -> None:
    slope = pickle.loads(pickle.dumps(gates.sigmoid.partials[0]))
    assert slope(0.0) == 0.25


def test_a_gate_of_a_function_that_exists() -> None:
    arsinh = fg.gate(lambda x: math.asinh(x), partials=lambda x: 1 / math.hypot(1, x))
    assert arsinh(0.5) == pytest.approx(math.asinh(0.5), rel=1e-15)
    assert fg.check(arsinh)


def one(x: float) -> float:
    return 1.0


@pytest.mark.parametrize(("make", "named"), [
    (lambda: fg.gate(one), "partials"),  # `@fg.gate` alone failed at the first call, for a reason nobody had in mind
    (lambda: fg.gate(), "partials"),
    (lambda: fg.gate((one,)), "partials"),
    (lambda: fg.gate(partials=None), "partials"),
    (lambda: fg.gate(partials=2.0)(one), "partials"),
    (lambda: fg.gate(partials={"x": one})(one), "partials"),
    (lambda: fg.gate(partials=(one,))(lambda x, y: x), "partials"),
    (lambda: fg.gate(partials=(one, one))(one), "partials"),
    (lambda: fg.gate(partials=(1.0,))(one), r"partials\[0\]"),
    (lambda: fg.gate(partials=(lambda x, y: y, one))(lambda x, y: x * y), r"partials\[1\]"),
    (lambda: fg.gate(partials=lambda x: (1.0, 1.0))(lambda x, y: x + y), "partials"),
    (lambda: fg.gate(partials=(lambda y, x: y, lambda x, y: x))(lambda x, y: x * y), r"partials\[0\]"),
    (lambda: fg.gate(partials=lambda y, x: (y, x))(lambda x, y: x * y), "partials"),
    (lambda: fg.gate(partials=one, domain=(1, 0))(one), "domain"),
    (lambda: fg.gate(partials=one, domain=(0, math.nan))(one), "domain"),
    (lambda: fg.gate(partials=one, domain=((0, 1), (0, 1)))(one), "domain"),
    (lambda: fg.gate(partials=one, domain=(0, 1, 2))(one), "domain"),
    (lambda: fg.gate(partials=one, domain=3)(one), "domain"),
    (lambda: fg.gate(partials=one, domain=(0, None))(one), "domain"),
    (lambda: fg.gate(partials=one, domain=("a", "b"))(one), "domain"),
    (lambda: fg.gate(partials=lambda x, y: (1.0, 1.0), domain=((0, 1), (0,)))(lambda x, y: x), "domain"),
    (lambda: fg.gate(partials=one)(3.0), "formula"),  # type: ignore[arg-type]
    (lambda: fg.gate(partials=one)(lambda: 1.0), "formula"),
    (lambda: fg.gate(partials=one)(lambda *x: 1.0), "formula"),
    (lambda: fg.gate(partials=one)(lambda x, *, k: k * x), "formula"),
    (lambda: fg.gate(partials=one)(int), "formula"),
])  # fmt: skip
def test_mistakes_are_found_where_the_gate_is_made(make: Callable[[], Any], named: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^`{named}` must"):
        make()


def test_what_numba_cannot_compile_is_said_at_the_call() -> None:
    for gate in (fg.gate(partials=one)(len), fg.gate(partials=one)(lambda x: x.sum())):
        with pytest.raises(TypeError, match=f"`{gate.__name__}` must be a formula that Numba can compile") as caught:
            gate([1.0])
        assert len(str(caught.value).splitlines()) == 1
