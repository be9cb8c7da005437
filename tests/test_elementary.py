"""The elementary functions: errors against mpmath, special values, laws, machine code."""

from __future__ import annotations

import math
import pickle
import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from conftest import run_python, run_script
from hypothesis import given
from hypothesis import strategies as st

from fastgrad import elementary
from fastgrad.elementary import REPLACEMENTS, SCIPY_SPECIAL, Kernel

pytestmark = pytest.mark.machine_code

X86 = platform.machine().lower() in ("x86_64", "amd64", "i686")
INF, NAN = math.inf, math.nan
TINY, HUGE = 5e-324, 1.7976931348623157e308

MP = mpmath.mp.clone()
MP.prec = 240

TRUTH = {
    "exp": MP.exp,
    "exp2": lambda x: MP.power(2, x),
    "expm1": MP.expm1,
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "log": MP.log,
    "log1p": lambda x: MP.log1p(x),
    "log2": lambda x: MP.log(x) / MP.ln2,
    "log10": lambda x: MP.log(x) / MP.ln10,
    "sin": MP.sin,
    "cos": MP.cos,
    "tan": MP.tan,
    "sinh": MP.sinh,
    "cosh": MP.cosh,
    "tanh": MP.tanh,
    "arcsin": MP.asin,
    "arccos": MP.acos,
    "arctan": MP.atan,
    "sqrt": MP.sqrt,
    "cbrt": lambda x: MP.sign(x) * MP.cbrt(abs(x)),
    "erf": MP.erf,
    "erfc": MP.erfc,
}
UNARY = sorted(TRUTH)
ODD = ("sin", "tan", "sinh", "tanh", "arcsin", "arctan", "cbrt", "erf")
EVEN = ("cos", "cosh")

# what the docstrings say; the promise is 1, and 2 for tan, erf, erfc and power
BOUND = dict.fromkeys(UNARY, 0.95) | {"tan": 1.25, "erf": 1.3, "erfc": 1.1, "sqrt": 0.5, "cbrt": 0.51}

DOMAIN = {
    "log": (0.0, HUGE),
    "log2": (0.0, HUGE),
    "log10": (0.0, HUGE),
    "log1p": (-1.0, HUGE),
    "sqrt": (0.0, HUGE),
    "arcsin": (-1.0, 1.0),
    "arccos": (-1.0, 1.0),
    "exp": (-746.0, 709.79),
    "exp2": (-1076.0, 1023.99),
    "expm1": (-745.0, 709.79),
    "sinh": (-710.48, 710.48),
    "cosh": (-710.48, 710.48),
    "sigmoid": (-746.0, 746.0),
    "tanh": (-25.0, 25.0),
    "erf": (-6.5, 6.5),
    "erfc": (-7.0, 27.3),
}

# where the arithmetic branches, or rounds with the least margin
EDGES = [
    0.0, 0.5, 1.0, 2.0, math.e, math.pi, math.sqrt(0.5), math.sqrt(2.0), math.log(2.0), 0.65, 5.95, 1e-9, 1e-17,
    math.sqrt(2.0) - 1.0, math.sqrt(2.0) + 1.0, 2.0**30, 709.782712893384, -745.1332191019411, 708.3964185322641,
    710.4758600739439, 18.0, 18.37, 19.0, 19.06, 20.0, 37.0, 40.0, 26.5, 27.2, -708.396, 1e300, 1e18, 2.0**52, 2.0**53,
]  # fmt: skip


@cache
def loop(name: str) -> Any:
    kernel = getattr(elementary, name)

    @numba.njit(error_model="numpy")
    def run(x: Any, out: Any) -> None:
        for i in range(x.size):
            out[i] = kernel(x[i])

    return run


def over(name: str, x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    loop(name)(x, out)
    return out


@numba.njit(error_model="numpy")
def power_loop(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = elementary.power(x[i], y[i])


def ulps(value: float, truth: Any) -> float:
    """Distance of `value` from `truth` in units in the last place of the binade that holds `truth`."""
    if truth == 0 or not math.isfinite(float(truth)):
        return 0.0 if value == float(truth) else INF
    if not math.isfinite(value):
        return INF
    _, exponent = MP.frexp(truth)
    return float(abs(MP.mpf(value) - truth) / MP.ldexp(1, max(int(exponent) - 53, -1074)))


def around(values: np.ndarray, reach: int = 3) -> np.ndarray:
    """Each value and its neighbours among the floats."""
    out = [values]
    up = down = values
    for _ in range(reach):
        up, down = np.nextafter(up, INF), np.nextafter(down, -INF)
        out += [up, down]
    return np.concatenate(out)


@cache
def near_quarter_turns() -> np.ndarray:
    """The float of each binade closest to a multiple of pi/2 (continued fraction of ``2**e 2/pi``)."""
    found = []
    for e in range(-52, 972):
        with MP.workprec(1400):
            rest, before, now = MP.ldexp(2 / MP.pi, e), 0, 1
            while now < 2**53:
                rest = 1 / (rest - MP.floor(rest))
                before, now = now, before + now * int(MP.floor(rest))
        found.append(math.ldexp(before * (2**53 // before), e))
    return np.array(found)


@cache
def points(name: str, n: int) -> np.ndarray:
    """Dense, random and adversarial arguments within the function's domain."""
    rng = np.random.default_rng([n, *name.encode()])
    low, high = DOMAIN.get(name, (-HUGE, HUGE))
    signs = rng.choice([-1.0, 1.0], n)
    binades = around(2.0 ** np.arange(-1074, 1024, 7 if n < 10_000 else 1).astype(float), 1)
    edges = around(np.array(EDGES))
    parts = [
        rng.uniform(-4.0, 4.0, n),
        rng.uniform(max(low, -1e9), min(high, 1e9), n),
        signs * 10.0 ** rng.uniform(-323, 308, n),
        1.0 + signs * 10.0 ** rng.uniform(-16, -0.3, n),
        rng.integers(0, 2**63, n).view(np.float64),
        rng.uniform(-40.0, 40.0, n),
        *(binades, -binades, edges, -edges),
    ]
    if name == "exp2":
        parts.append(around(np.arange(-1080.0, 1024.0, 11)))
    if name in ("exp", "expm1", "sinh", "cosh", "tanh", "sigmoid", "erfc"):  # halfway between multiples of ln 2
        parts.append(around((np.arange(-1075.0, 1025.0, 5) + 0.5) * math.log(2.0), 1))
    if name in ("exp", "sigmoid"):
        parts.append(rng.uniform(-746.0, -708.0, n))
    if name in ("sin", "cos", "tan"):
        parts.append(around(rng.integers(0, 2**29, n) * (math.pi / 2.0), 1))
        parts.append(around(near_quarter_turns(), 1))
    x = np.concatenate(parts)
    return x[(x >= low) & (x <= high)]


def check_errors(name: str, x: np.ndarray, values: np.ndarray) -> None:
    for a, v in zip(x.tolist(), values.tolist(), strict=True):
        error = ulps(v, TRUTH[name](MP.mpf(a)))
        assert error <= BOUND[name], f"{name}({a!r}) is wrong by {error} ulp"


@pytest.mark.parametrize("name", UNARY)
def test_error_in_ulps(name: str) -> None:
    check_errors(name, points(name, 300), over(name, points(name, 300)))


@pytest.mark.slow
@pytest.mark.parametrize("name", UNARY)
def test_error_in_ulps_on_many_points(name: str) -> None:
    check_errors(name, points(name, 30_000), over(name, points(name, 30_000)))


def power_points(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    near_one = 1.0 + rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-15, -0.4, n)
    anywhere = np.exp(rng.uniform(-708, 708, n))
    subnormal = 10.0 ** rng.uniform(-322, -308, n)
    scale = 10.0 ** rng.uniform(-3, 0, n)
    pairs = [
        (rng.uniform(0, 10, n), rng.uniform(-20, 20, n)),
        (near_one, rng.uniform(-745, 709, n) / np.log(near_one)),
        (anywhere, rng.uniform(-745, 709, n) / np.log(anywhere) * scale),
        (anywhere, rng.uniform(-745, -707, n) / np.log(anywhere)),  # into the subnormals
        (anywhere, rng.uniform(690, 709, n) / np.log(anywhere)),
        (subnormal, rng.uniform(-0.99, 0.99, n)),
        (-rng.uniform(0, 10, n), rng.integers(-30, 30, n).astype(float)),
        (rng.uniform(0.5, 2, n), rng.choice([0.5, 1 / 3, 1.0, 1.5, 2.0, 3.0, -1.0, -2.0], n)),
    ]
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def powers(n: int) -> np.ndarray:
    x, y = power_points(n)
    out = np.empty_like(x)
    power_loop(x, y, out)
    return out


def check_power(n: int, values: np.ndarray, chosen: Any = slice(None)) -> None:
    x, y = power_points(n)
    for a, b, v in zip(x[chosen].tolist(), y[chosen].tolist(), values[chosen].tolist(), strict=True):
        error = ulps(v, MP.power(MP.mpf(a), MP.mpf(b)))
        assert error <= 0.95, f"power({a!r}, {b!r}) is wrong by {error} ulp"


def test_error_of_power() -> None:
    check_power(400, powers(400))


@pytest.mark.slow
def test_error_of_power_on_many_points() -> None:
    check_power(30_000, powers(30_000))


SPECIAL = {
    "exp": [
        (0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0.0), (709.79, INF), (-745.14, 0.0), (-745.13, TINY), (1e308, INF),
        (TINY, 1),
    ],
    "exp2": [
        (0.0, 1), (INF, INF), (-INF, 0.0), (1024.0, INF), (-1074.0, TINY), (-1075.0, 0.0), (-1e308, 0.0),
        (1023.0, 2.0**1023),
    ],
    "expm1": [
        (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1), (709.79, INF), (TINY, TINY), (-TINY, -TINY), (-1e308, -1),
    ],
    "sigmoid": [
        (0.0, 0.5), (-0.0, 0.5), (INF, 1), (-INF, 0.0), (-746.0, 0.0), (746.0, 1), (-1e308, 0.0), (-745.13, TINY),
    ],
    "log": [(0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (-1.0, NAN), (1.0, 0.0), (-TINY, NAN)],
    "log1p": [
        (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, NAN), (-1.0, -INF), (-1.5, NAN), (TINY, TINY), (-TINY, -TINY),
    ],
    "log2": [(0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (1.0, 0.0), (TINY, -1074), (2.0**1023, 1023)],
    "log10": [(0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (1.0, 0.0), (1000.0, 3), (1e22, 22)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (TINY, TINY), (-TINY, -TINY)],
    "cos": [(0.0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN), (TINY, 1)],
    "tan": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (TINY, TINY), (-TINY, -TINY)],
    "sinh": [
        (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (710.5, INF), (-710.5, -INF), (TINY, TINY), (-TINY, -TINY),
    ],
    "cosh": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, INF), (710.5, INF), (1e308, INF)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (1e308, 1), (20.0, 1), (TINY, TINY), (-TINY, -TINY)],
    "arcsin": [
        (0.0, 0.0), (-0.0, -0.0), (INF, NAN), (1.0, math.pi / 2), (-1.0, -math.pi / 2), (1.0000000000000002, NAN),
        (TINY, TINY),
    ],
    "arccos": [(0.0, math.pi / 2), (INF, NAN), (1.0, 0.0), (-1.0, math.pi), (1.0000000000000002, NAN), (-2.0, NAN)],
    "arctan": [
        (0.0, 0.0), (-0.0, -0.0), (INF, math.pi / 2), (-INF, -math.pi / 2), (1.0, math.pi / 4), (TINY, TINY),
        (HUGE, math.pi / 2),
    ],
    "sqrt": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-1.0, NAN), (4.0, 2), (-INF, NAN)],
    "cbrt": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (27.0, 3), (-8.0, -2), (1e300, 1e100)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (6.0, 1), (-1e308, -1), (TINY, TINY), (-TINY, -TINY)],
    "erfc": [(0.0, 1), (-0.0, 1), (INF, 0.0), (-INF, 2), (28.0, 0.0), (-6.0, 2), (TINY, 1), (1e308, 0.0)],
}  # fmt: skip


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str) -> None:
    kernel = getattr(elementary, name)
    for x, expected in [*SPECIAL[name], (NAN, NAN)]:
        assert same(kernel(x), expected), f"{name}({x!r}) gives {kernel(x)!r}, not {expected!r}"


def c_power(x: float, y: float) -> float:
    """`math.pow` without its exceptions: C's own rules."""
    odd = y.is_integer() and abs(y) < 2.0**53 and int(y) % 2 == 1
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0 and odd else INF
    except ValueError:  # zero to a negative power, or a root of a negative number
        return (math.copysign(INF, x) if odd else INF) if x == 0 else NAN


def test_special_values_of_power() -> None:
    some = [
        0.0, 1.0, 2.0, 3.0, 0.5, 1.5, INF, TINY, HUGE, 1e300, 2.0**52 - 0.5, 2.0**52 + 1, 2.0**53, 2.0**53 + 2,
    ]  # fmt: skip
    values = [*some, *(-v for v in some), NAN]
    for x in values:
        for y in values:
            value, expected = elementary.power(x, y), c_power(x, y)
            close = math.isfinite(expected) and abs(value - expected) <= 4e-16 * abs(expected)
            assert close or same(value, expected), f"power({x!r}, {y!r}) gives {value!r}, not {expected!r}"


def test_exact_results() -> None:
    k = np.arange(-1074.0, 1024.0)
    np.testing.assert_array_equal(over("exp2", k), np.ldexp(1.0, k.astype(int)))
    np.testing.assert_array_equal(over("log2", np.ldexp(1.0, k.astype(int))), k)
    n = np.arange(-2000.0, 2000.0)
    np.testing.assert_array_equal(over("cbrt", n**3), n)
    tens = np.arange(0.0, 23.0)
    np.testing.assert_array_equal(over("log10", np.array([10.0 ** int(t) for t in tens])), tens)
    x = np.random.default_rng(5).uniform(-1e3, 1e3, 1000)
    out = np.empty_like(x)
    for exponent, expected in ((0.0, np.ones_like(x)), (1.0, x), (-1.0, None)):
        power_loop(x, np.full_like(x, exponent), out)
        if expected is not None:
            np.testing.assert_array_equal(out, expected)
        else:
            np.testing.assert_array_max_ulp(out, 1.0 / x, 1)


@pytest.mark.parametrize("name", [*ODD, *EVEN])
def test_odd_and_even_to_the_bit(name: str) -> None:
    x = points(name, 300)
    right, left = over(name, x), over(name, -x)
    np.testing.assert_array_equal(left.view(np.uint64), (-right if name in ODD else right).view(np.uint64))


RISING = [
    "exp", "exp2", "expm1", "sigmoid", "log", "log1p", "log2", "log10", "sinh", "tanh", "arcsin", "arctan", "sqrt",
    "cbrt", "erf",
]  # fmt: skip


@pytest.mark.parametrize("name", RISING)
def test_never_falls(name: str) -> None:
    """Over steps that move the true value by more than the error, also across the seams of the reduction."""
    x = np.unique(points(name, 300))
    x = x[np.concatenate([[True], np.diff(x) > 8 * np.spacing(np.abs(x[1:]))])]
    value = over(name, x)
    fall = value[:-1] - value[1:]
    assert np.all(fall[np.isfinite(fall)] <= np.spacing(np.abs(value[1:]))[np.isfinite(fall)])


@given(st.floats(-30, 30))
def test_laws(x: float) -> None:
    e = elementary
    assert e.sigmoid(x) + e.sigmoid(-x) == pytest.approx(1.0, abs=4e-16)
    assert e.erfc(x) + e.erfc(-x) == pytest.approx(2.0, abs=1e-15)
    assert e.sin(x) ** 2 + e.cos(x) ** 2 == pytest.approx(1.0, abs=1e-15)
    assert e.log(e.exp(x)) == pytest.approx(x, abs=3e-16, rel=2e-16)
    assert e.tanh(x) == pytest.approx(e.sinh(x) / e.cosh(x), rel=1e-15)


@pytest.mark.parametrize("name", UNARY)
def test_batch_equals_one_by_one(name: str) -> None:
    """Packed lanes, the remainder of a batch and a lone call give the same bits, huge arguments too."""
    rng = np.random.default_rng(11)
    x = rng.uniform(0.01, 0.99, 203)
    x[[0, 17, 18, 100, 202]] = [1e10, 2.0**30, 1e300, -1e22, NAN]
    kernel = getattr(elementary, name)
    expected = np.array([kernel(v) for v in x])
    np.testing.assert_array_equal(over(name, x).view(np.uint64), expected.view(np.uint64))
    order = rng.permutation(x.size)
    np.testing.assert_array_equal(over(name, x[order]), expected[order])


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_one_huge_argument_leaves_its_neighbours_alone(name: str) -> None:
    x = np.linspace(0.1, 3.0, 64)
    calm = over(name, x)
    for i in range(16):
        y = x.copy()
        y[i] = 1e22
        value = over(name, y)
        assert ulps(float(value[i]), TRUTH[name](MP.mpf(10) ** 22)) <= 1.0
        np.testing.assert_array_equal(np.delete(value, i), np.delete(calm, i))


@pytest.mark.skipif(not X86, reason="reads x86 assembly")
@pytest.mark.parametrize("name", [*UNARY, "power"])
def test_loop_is_packed(name: str) -> None:
    if name == "power":
        power_loop(np.ones(1), np.ones(1), np.ones(1))
        run = power_loop
    else:
        over(name, np.ones(1))
        run = loop(name)
    text = run.inspect_asm(run.signatures[0])
    packed = re.findall(r"\sv?(?:mulpd|addpd|subpd|fn?m(?:add|sub)\d+pd)\s", text)
    assert len(packed) >= 10 or (name == "sqrt" and re.search(r"\sv?sqrt[ps]d\s", text))
    assert not re.search(r"[$ ](fma|exp|log|pow|floor|round|rint|nearbyint)(@PLT)?[,\s]", text)
    if name in ("sin", "cos", "tan"):  # libm only behind the branch
        assert re.search(rf"\$?fastgrad_{name}_far_[248]\b", text)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "erfc"])
def test_any_real_scalar(name: str) -> None:
    kernel = getattr(elementary, name)
    for x in (1, True, np.float32(0.5), np.int8(1), np.float64(0.25)):
        assert kernel(x) == kernel(float(x))
        assert isinstance(kernel(x), float)
    assert elementary.power(2, 3) == 8.0


def check_other_types(original: np.ufunc) -> None:
    kernel = REPLACEMENTS[original]

    @numba.njit
    def apply(x: Any) -> Any:
        return kernel(x)

    x = np.asfortranarray(np.linspace(0.1, 0.9, 12).reshape(3, 4)) + (original is np.arccosh)
    np.testing.assert_allclose(apply(x), original(x), rtol=4e-16)
    if "D->D" in original.types:
        assert apply(0.3 + 0.4j) == pytest.approx(original(0.3 + 0.4j), rel=1e-14)


UFUNCS = [f for f in REPLACEMENTS if isinstance(f, np.ufunc) and f.nin == 1]


@pytest.mark.parametrize("original", [np.exp, np.sin, np.cbrt])
def test_arrays_and_complex_numbers_in_compiled_code(original: np.ufunc) -> None:
    check_other_types(original)


@pytest.mark.slow
@pytest.mark.parametrize("original", UFUNCS)
def test_arrays_and_complex_numbers_with_every_kernel(original: np.ufunc) -> None:
    check_other_types(original)


def test_sigmoid_of_a_complex_number() -> None:
    z = 0.3 + 1e-20j
    s = elementary.sigmoid(0.3)
    assert elementary.sigmoid(z).imag * 1e20 == pytest.approx(s * (1 - s), rel=1e-14)


ARGUMENTS = {
    **dict.fromkeys(("power", "arctan2", "hypot", "logaddexp", "heaviside"), (0.7, 1.3)),
    **{"arccosh": (1.7,), "where": (True, 0.7, 1.3), "clip": (0.7, 0.0, 0.5)},
}


def test_replacements_mean_the_same() -> None:
    for original, kernel in REPLACEMENTS.items():
        assert isinstance(kernel, Kernel)
        args = ARGUMENTS.get(kernel.__name__, (0.7,))
        assert kernel(*args) == pytest.approx(original(*args), rel=4e-16)
    special = pytest.importorskip("scipy.special")
    for name, kernel in SCIPY_SPECIAL.items():
        assert kernel(0.7) == pytest.approx(getattr(special, name)(0.7), rel=4e-16)


def test_pickle_by_name() -> None:
    """`where` and `clip` did not travel: they went by the names of what Python calls."""
    for kernel in {*REPLACEMENTS.values(), *SCIPY_SPECIAL.values()}:
        name = kernel.__name__
        assert kernel is getattr(elementary, name)
        assert pickle.loads(pickle.dumps(kernel)) is kernel
        assert kernel.__doc__


def test_a_kernel_cannot_branch() -> None:
    from llvmlite import ir

    from fastgrad.elementary._symbols import DOUBLE, Number, Place, bits, select

    builder = ir.IRBuilder(ir.Function(ir.Module(), ir.FunctionType(DOUBLE, []), "f").append_basic_block())
    x = Number(Place(None, builder), ir.Constant(DOUBLE, 1.0))
    for symbol in (x, x < 2.0, bits(x)):
        with pytest.raises(TypeError, match="select"):
            bool(symbol)
    assert [type(v) for v in select(x < 2.0, (x, 1.0), (3.0, x))] == [Number, Number]


def test_import_compiles_nothing() -> None:
    run_script(
        "from fastgrad import elementary as e\n"
        "assert not any(getattr(e, n).overloads for n in e.__all__ if isinstance(getattr(e, n), e.Kernel))"
    )


@pytest.mark.skipif(not X86, reason="names x86 features")
@pytest.mark.parametrize(
    ("cpu", "features"), [
        ("x86-64", "+sse2"), ("haswell", "+avx,+avx2,+fma"),
        pytest.param("sandybridge", "+avx", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_other_targets(cpu: str, features: str, tmp_path: Path) -> None:
    """Accuracy and packing do not hang on AVX-512 or on fused multiply-add.

    Errors are computed where the values are not the bits of this machine, whose errors `test_error_in_ulps` computes.
    """
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "special or loop_is_packed or exact or odd", __file__]
    file = str(tmp_path / "values.npz")
    run_python(
        f"import pytest; assert pytest.main({arguments!r}) == 0\n"
        "import numpy, test_elementary as t\n"
        "values = {name: t.over(name, t.points(name, 300)) for name in t.UNARY}\n"
        f"numpy.savez({file!r}, **values, power=t.powers(400))",
        NUMBA_CPU_NAME=cpu,
        NUMBA_CPU_FEATURES=features,
    )
    values = np.load(file)
    for name in UNARY:
        x = points(name, 300)
        other = values[name].view(np.uint64) != over(name, x).view(np.uint64)
        check_errors(name, x[other], values[name][other])
    check_power(400, values["power"], values["power"].view(np.uint64) != powers(400).view(np.uint64))


# Functions composed of the kernels -------------------------------------------------------------------------------

_EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1.7e308]


@pytest.mark.parametrize(("name", "ulps"), [("arcsinh", 2), ("arccosh", 2), ("arctanh", 2), ("sinc", 3)])
def test_composed_functions_of_one_argument_follow_numpy(name: str, ulps: int) -> None:
    rng = np.random.default_rng(11)
    wide = [] if name == "sinc" else 10.0 ** rng.uniform(-300, 300, 100) * rng.choice([-1, 1], 100)
    points = np.array([*rng.normal(size=200), *wide, *(_EDGES if name != "sinc" else _EDGES[:2])])
    found = np.array([getattr(elementary, name)(x) for x in points])
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(points)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        finite = np.isfinite(expected)
        assert np.all(abs(found - expected)[finite] <= ulps * np.spacing(abs(expected[finite])))
    np.testing.assert_array_equal(found[np.isinf(expected)], expected[np.isinf(expected)])
    kept = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[kept]), np.signbit(expected[kept]))


@pytest.mark.parametrize(("name", "ulps"), [("hypot", 2), ("arctan2", 2), ("logaddexp", 16), ("heaviside", 0)])
def test_composed_functions_of_two_arguments_follow_numpy(name: str, ulps: int) -> None:
    rng = np.random.default_rng(12)
    pairs = [*rng.normal(size=(200, 2)), *(10.0 ** rng.uniform(-200, 200, (100, 2)))]
    pairs += [(x, y) for x in _EDGES for y in _EDGES]
    found = np.array([getattr(elementary, name)(x, y) for x, y in pairs])
    with np.errstate(all="ignore"):
        expected = np.array([getattr(np, name)(x, y) for x, y in pairs])
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        finite = np.isfinite(expected)
        assert np.all(abs(found - expected)[finite] <= ulps * np.spacing(abs(expected[finite])))
    np.testing.assert_array_equal(found[np.isinf(expected)], expected[np.isinf(expected)])


def test_where_and_clip_take_scalars_and_arrays_alike() -> None:
    @numba.njit
    def apply(x: Any) -> Any:
        return elementary.where(x > 0.0, x, -1.0), elementary.clip(x, -0.5, 0.5)

    x = np.linspace(-1, 1, 5)
    for found, wanted in zip(apply(x), (np.where(x > 0.0, x, -1.0), np.clip(x, -0.5, 0.5)), strict=True):
        assert np.array_equal(found, wanted)
    assert elementary.where(True, 2.0 + 1j, 0.0) == 2.0 + 1j
    assert elementary.where(True, 1.5, 2.0) == 1.5
    assert elementary.where(False, 1.5, 2.0) == 2.0
    assert [elementary.clip(x, 0.0, 1.0) for x in (-3.0, 0.25, 7.0)] == [0.0, 0.25, 1.0]
    assert np.isnan(elementary.clip(np.nan, 0.0, 1.0))
