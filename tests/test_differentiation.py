"""`derivative`: the laws of differencing, known cases, every kind of input, bad input."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import EPS, Opaque, engine_of, run_script
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special

import fastgrad as fg
from fastgrad import gates
from fastgrad.rules.stencils import Stencil

pytestmark = pytest.mark.machine_code

RULES = [fg.forward(), fg.backward(), fg.central(), fg.forward(2), fg.central(4), fg.backward(3, 2), fg.central(2, 2)]
EVERY = [
    make(order, n) for make in (fg.forward, fg.backward, fg.central) for order in (1, 2, 3, 4, 6) for n in (1, 2, 3)
]

numbers = st.floats(-1e3, 1e3).map(lambda v: v + 0.0)
batches = st.lists(numbers, min_size=1, max_size=9).map(np.array)


def polynomial(x: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Polynomial of degree 4 by Horner's rule."""
    return a + x * (b + x * (c + x * (d + x * e)))


def wave(x: Any) -> Any:
    """A function of a few operations that every engine rounds alike."""
    return x * x / (1.0 + x * x) - 0.5 * x


def wave_slope(x: Any) -> Any:
    return 2.0 * x / (1.0 + x * x) ** 2 - 0.5


def slope_bound(stencil: Stencil, x: float, size: float) -> float:
    """What rounding may do to a derivative: values of `size` known to an ulp each, weighed and divided by the step."""
    h = stencil.step_for(EPS) * 2.0 ** math.floor(math.log2(max(abs(x), 1.0)))
    ulp = max(EPS * size, 2.0**-1074)
    return ulp * sum(abs(w) for w in stencil.weights) / h**stencil.n


# Laws -----------------------------------------------------------------------------------------------------------------


def exact_on_polynomials(f: Callable[..., Any], stencil: Stencil, x: float, coefficients: list[float]) -> None:
    degree = min(4, stencil.order + stencil.n - 1)
    coefficients = [c if k <= degree else 0.0 for k, c in enumerate(coefficients)]
    exact = Fraction(0)
    for k, c in enumerate(coefficients):
        if k >= stencil.n:
            exact += Fraction(c) * math.perm(k, stencil.n) * Fraction(x) ** (k - stencil.n)
    reach = abs(x) + float(max(map(abs, stencil.offsets))) * stencil.step_for(EPS) * max(abs(x), 1.0)
    size = sum(abs(c) * reach**k for k, c in enumerate(coefficients))
    got = fg.derivative(f, x, *coefficients, method=stencil)
    # 2 * degree roundings by Horner's rule, degree more through the rounding of x + k h, one each for the sums.
    roundings = 3 * degree + len(stencil.offsets) + 2
    bound = roundings * slope_bound(stencil, x, size) + abs(exact) * 8 * EPS
    assert abs(Fraction(float(got)) - exact) <= bound, stencil


@settings(max_examples=max(25, settings.default.max_examples // 4))
@given(x=numbers, coefficients=st.lists(numbers, min_size=5, max_size=5))
def test_exact_on_polynomials_called(x: float, coefficients: list[float]) -> None:
    for stencil in EVERY:
        exact_on_polynomials(Opaque(polynomial), stencil, x, coefficients)


@given(x=numbers, coefficients=st.lists(numbers, min_size=5, max_size=5))
@example(x=0.0, coefficients=[0.0, 2.333159046258059e-302, 0.0, 0.0, 0.0])  # its values at the offsets are subnormal
def test_exact_on_polynomials_compiled(x: float, coefficients: list[float]) -> None:
    assert engine_of(polynomial, 6) == "compiled"
    for stencil in RULES:
        exact_on_polynomials(polynomial, stencil, x, coefficients)


@given(batches)
def test_backward_mirrors_forward(x: np.ndarray) -> None:
    for order in (1, 2, 4):
        for n in (1, 2):
            forward, backward = fg.forward(order, n), fg.backward(order, n)
            left = fg.derivative(Opaque(wave), x, method=backward)
            right = (-1) ** n * fg.derivative(Opaque(lambda t: wave(-t)), -x, method=forward)
            # The two sums run in opposite order; of two terms there is but one order.
            if order + n == 2:
                assert np.array_equal(left, right)
            bound = [4 * slope_bound(forward, v, 2 + abs(v)) for v in x]
            assert np.all(abs(left - right) <= bound)


@pytest.mark.parametrize("method", ["adaptive", "central", fg.central(4)], ids=repr)
@given(x=batches)
def test_even_rules_mirror_themselves(method: Any, x: np.ndarray) -> None:
    left = fg.derivative(wave, -x, method=method)
    right = fg.derivative(Opaque(lambda t: wave(-t)), x, method=method)
    assert np.array_equal(left, -right)


@pytest.mark.parametrize("method", ["forward", "backward", "central", fg.central(4)], ids=repr)
@given(x=batches)
def test_batch_equals_loop_bit_for_bit(method: Any, x: np.ndarray) -> None:
    for f in (wave, Opaque(wave)):
        batch = fg.derivative(f, x, method=method)
        assert batch.tolist() == [fg.derivative(f, float(v), method=method) for v in x]


@given(batches, st.randoms(use_true_random=False))
def test_permuting_a_batch_permutes_the_result(x: np.ndarray, random: Any) -> None:
    order = list(range(x.size))
    random.shuffle(order)
    for f in (gates.sigmoid, Opaque(wave)):
        assert np.array_equal(fg.derivative(f, x[order]), fg.derivative(f, x)[order])


@given(batches, numbers)
def test_broadcasting_equals_repeating(x: np.ndarray, y: float) -> None:
    full = np.full(x.shape, y)
    for f in (gates.sum_square, Opaque(gates.sum_square.formula)):
        for wrt in (0, 1):
            wanted = fg.derivative(f, x, full, wrt=wrt)
            assert np.array_equal(fg.derivative(f, x, y, wrt=wrt), wanted)
            assert np.array_equal(fg.derivative(f, x[:, None], full[None, :1], wrt=wrt)[:, 0], wanted)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("make", [fg.forward, fg.backward, fg.central])
def test_observed_order_of_convergence(make: Any, order: int, n: int) -> None:
    stencil = make(order, n)
    coarse = 2.0**-4 if stencil.order < 5 else 2.0**-3

    def error(h: float) -> float:
        return abs(fg.derivative(Opaque(np.exp), 0.25, method=stencil, step=h) - math.exp(0.25))

    assert math.log2(error(coarse) / error(coarse / 2)) == pytest.approx(stencil.order, abs=0.35)


@given(batches, st.integers(-30, 30), st.integers(-30, 30))
def test_powers_of_two_scale_exactly(x: np.ndarray, j: int, k: int) -> None:
    s, c = 2.0**j, 2.0**k
    plain = fg.derivative(Opaque(wave), x, step=2.0**-10, method="central")
    scaled = fg.derivative(Opaque(lambda t: wave(t * s)), x / s, step=2.0**-10 / s, method="central")
    assert np.array_equal(scaled, plain * s)
    assert np.array_equal(fg.derivative(Opaque(lambda t: c * wave(t)), x), c * fg.derivative(Opaque(wave), x))


def powers(x: Any, c: Any) -> Any:
    return c * wave(x)


@given(batches, st.integers(-60, 60))
def test_powers_of_two_scale_exactly_compiled(x: np.ndarray, k: int) -> None:
    assert np.array_equal(fg.derivative(powers, x, 2.0**k), 2.0**k * fg.derivative(powers, x, 1.0))


@given(x=batches)
def test_compiled_agrees_with_called(x: np.ndarray) -> None:
    assert engine_of(wave) == "compiled"
    assert engine_of(Opaque(wave)) == "called"
    for stencil in RULES:
        for step in ({}, {"step": 1e-4}, {"rel_step": 1e-4}) if stencil.n == 1 and stencil.order < 3 else ({},):
            compiled, called = (fg.derivative(f, x, method=stencil, **step) for f in (wave, Opaque(wave)))
            bound = [4 * slope_bound(stencil, v, 2 + abs(v)) for v in x]
            assert np.all(abs(compiled - called) <= bound), stencil


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_default_step_serves_every_magnitude(x: float) -> None:
    """No overflow, no zero step, from the subnormals to the largest float."""
    for f in (lambda t: 3.0 * t, Opaque(lambda t: 3.0 * t)):
        if abs(x) < 5e307:
            assert fg.derivative(f, x) == pytest.approx(3.0, rel=1e-9)


@pytest.mark.parametrize("stencil", [fg.forward(), fg.central(), fg.central(4), fg.central(6)], ids=repr)
def test_default_step_is_near_the_best(stencil: Stencil) -> None:
    """The error at the chosen step is within a factor of ten of the best over all powers of two."""
    x = np.linspace(0.5, 2.0, 301)

    def error(**step: float) -> float:
        return float(np.max(abs(fg.derivative(Opaque(np.exp), x, method=stencil, **step) - np.exp(x)) / np.exp(x)))

    assert error() <= 10 * min(error(step=2.0**-k) for k in range(1, 45))


# Known cases ----------------------------------------------------------------------------------------------------------


def test_cases_of_the_first_issue() -> None:
    rule = {"method": "backward", "step": 1e-5}
    assert fg.derivative(gates.multiply, 5.0, -6.0, **rule) == pytest.approx(-6, abs=1e-9)
    assert fg.derivative(gates.multiply, 5.0, -6.0, wrt=1, **rule) == pytest.approx(5, abs=1e-9)
    assert fg.derivative(gates.sum_square, 5.0, -6.0, **rule) == pytest.approx(-2, abs=2e-5)
    assert round(float(fg.derivative(gates.sigmoid, 0.0, **rule)), 3) == 0.25


def test_step_given_is_the_step_taken() -> None:
    """The difference quotient of a square is ``2x + h`` forward, ``2x - h`` backward."""
    for f in (lambda x: x * x, Opaque(lambda x: x * x)):
        assert fg.derivative(f, 3.0, method="forward", step=0.5) == 6.5
        assert fg.derivative(f, 3.0, method="backward", step=0.5) == 5.5
        assert fg.derivative(f, 8.0, method="forward", rel_step=0.5) == 20.0
        assert fg.derivative(f, 0.125, method="forward", rel_step=0.5) == 0.75
        steps = fg.derivative(f, 3.0, method="forward", step=[[0.5], [0.25]])
        assert steps.tolist() == [[6.5], [6.25]]


def test_wrt_tuple_gives_a_tuple() -> None:
    x, y = np.array([1.0, 2.0]), 3.0
    fx, fy = fg.derivative(gates.multiply, x, y, wrt=(0, 1))
    assert np.array_equal(fx, fg.derivative(gates.multiply, x, y))
    assert np.array_equal(fy, fg.derivative(gates.multiply, x, y, wrt=1))
    assert fg.derivative(gates.multiply, x, y, wrt=()) == ()
    assert np.array_equal(fg.derivative(gates.multiply, x, y, wrt=-1), fy)
    outs = np.empty(2), np.empty(2)
    assert fg.derivative(gates.multiply, x, y, wrt=(0, 1), out=outs)[1] is outs[1]
    assert np.array_equal(outs[0], fx)


@pytest.mark.parametrize("f", [
    lambda x: 5.0, lambda x: 5, Opaque(lambda x: 5.0), Opaque(lambda x: np.full(np.shape(x), 1e300)),
])  # fmt: skip
def test_constants_have_derivative_zero(f: Any) -> None:
    assert fg.derivative(f, np.linspace(-3, 1e5, 7)).tolist() == [0.0] * 7
    assert fg.derivative(f, 2.0, method=fg.forward(3, 2)) == 0.0


# Every kind of input --------------------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("f", [gates.square, Opaque(lambda x: x * x)], ids=["compiled", "called"])


def unaligned(values: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"_" + values.tobytes(), np.uint8)[1:].view(values.dtype)


@BOTH
@pytest.mark.parametrize("view", [
    lambda x: x, lambda x: np.repeat(x, 3)[::3], lambda x: x[::-1].copy()[::-1], lambda x: x.astype(">f8"),
    unaligned, list, tuple, lambda x: np.stack([x, x], 1)[:, 0], lambda x: x.astype(np.longdouble),
    lambda x: np.ma.array(x).data, lambda x: memoryview(x), lambda x: x.astype(np.int8), lambda x: x.astype(np.uint64),
    lambda x: [int(v) for v in x], lambda x: x.astype(np.int32)[::-1].copy()[::-1],
])  # fmt: skip
def test_forms_of_the_same_points(f: Any, view: Any) -> None:
    x = np.arange(1.0, 8.0)
    given_ = view(x)
    before = np.array(given_)
    if isinstance(given_, np.ndarray):
        given_.flags.writeable = False
    got = fg.derivative(f, given_)
    assert got.dtype == np.float64
    assert got.tolist() == (2 * x).tolist()
    assert np.array_equal(np.array(given_), before)


@BOTH
def test_stride_zero_and_many_axes(f: Any) -> None:
    x = np.broadcast_to(np.float64(3.0), (4, 5))
    assert fg.derivative(f, x).tolist() == [[6.0] * 5] * 4
    cube = np.arange(24.0).reshape(2, 3, 4)
    for view in (cube, cube.T, cube[:, ::2, ::-1], np.asfortranarray(cube)):
        assert np.array_equal(fg.derivative(f, view), 2 * view)
    assert fg.derivative(f, np.array(3.0)).shape == ()


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_small_floats_stay_and_are_accurate(f: Any, dtype: Any) -> None:
    x = np.linspace(0.5, 4, 9).astype(dtype)
    got = fg.derivative(f, x)
    assert got.dtype == dtype
    assert np.array_equal(got, (2 * x.astype(np.float64)).astype(dtype))
    assert fg.derivative(f, x[0]).dtype == dtype
    assert fg.derivative(f, x, step=1e-3).dtype == dtype
    assert fg.derivative(gates.multiply, x, 2.0).dtype == dtype
    assert fg.derivative(gates.multiply, x, np.ones(9)).dtype == np.float64


@pytest.mark.parametrize("method", ["adaptive", "central"])
@pytest.mark.parametrize("f", [lambda x: x**20, Opaque(lambda x: x**20)])
def test_too_large_for_its_type_is_no_success(f: Any, method: str) -> None:
    found = fg.derivative(f, np.array([1.0, 1e3], np.float32), method=method, full_output=True)
    assert found.df.tolist() == [20.0, np.inf] and found.error[1] == np.inf
    assert found.success.tolist() == [True, False] and found.status[1] == fg.Status.TOLERANCE_NOT_REACHED


@pytest.mark.parametrize("f", [lambda x: 1e30 * x * x, Opaque(lambda x: 1e30 * x * x)], ids=["compiled", "called"])
@pytest.mark.parametrize("size", [1, 5, 2**19 + 1])
def test_what_overflows_a_small_float_is_silently_infinite(f: Any, size: int) -> None:
    x = np.full(size, 1e10, np.float32)
    assert np.isinf(fg.derivative(f, x)).all()
    assert np.isinf(fg.derivative(f, x.astype(np.float64), out=np.empty(size, np.float32))).all()
    assert np.isinf(fg.derivative(f, x[0]))


@BOTH
def test_bools_and_huge_integers_count_as_floats(f: Any) -> None:
    assert fg.derivative(f, np.array([True, False])).tolist() == [2.0, 0.0]
    assert fg.derivative(f, True) == 2.0
    for huge in (2**53, 2**63, 2**64 + 1, 10**30, -(10**30)):
        assert fg.derivative(f, huge) == pytest.approx(2.0 * huge, rel=1e-9)
    assert fg.derivative(f, np.array([2**64 - 1], np.uint64))[0] == pytest.approx(2.0**65, rel=1e-9)


@BOTH
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_gives_empty(f: Any, shape: tuple[int, ...]) -> None:
    for dtype in (np.float64, np.float32, np.int8):
        got = fg.derivative(f, np.empty(shape, dtype))
        assert got.shape == shape
        assert got.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert fg.derivative(f, []).shape == (0,)
    out = np.empty(shape)
    assert fg.derivative(f, np.empty(shape), out=out) is out
    sides = fg.adaptive(side=np.empty(shape, str))
    assert fg.derivative(f, np.empty(shape), method=sides).shape == shape
    assert fg.derivative(f, np.empty(shape), method=sides, full_output=True).error.shape == shape


@pytest.mark.parametrize(("f", "method"), [
    *itertools.product([wave, Opaque(wave), np.tanh], [fg.forward(), fg.central(), fg.backward(3, 2)]),
    (gates.sigmoid, fg.forward()), (special.erf, fg.central()), (Opaque(np.tanh), fg.backward(3, 2)),
    (lambda x: 5.0, fg.central()), (Opaque(lambda x: 5.0), fg.central()), (np.nan_to_num, fg.central()),
    (Opaque(lambda x: np.where(x > 0, 1.0, 0.0)), fg.central()), (lambda x: 1.0 if x > 0 else 0.0, fg.forward()),
])  # fmt: skip
def test_nan_and_infinite_points_give_nan_there_only(f: Any, method: Any) -> None:
    x = np.array([1.0, np.nan, 2.0, np.inf, 3.0, -np.inf, 4.0])
    got = fg.derivative(f, x, method=method)
    assert np.isnan(got).tolist() == [False, True, False, True, False, True, False]
    good = np.isfinite(x)
    assert np.array_equal(got[good], fg.derivative(f, x[good], method=method))


def test_nan_and_infinite_points_with_a_step_given() -> None:
    x = np.array([1.0, np.nan, 2.0, np.inf, 3.0, -np.inf, 4.0])
    for f in (np.tanh, Opaque(np.tanh), lambda x: 5.0, Opaque(lambda x: 5.0)):
        for step in ({"step": 1e-3}, {"rel_step": 1e-3}):
            assert np.isnan(fg.derivative(f, x, **step)).tolist() == np.logical_not(np.isfinite(x)).tolist()


def test_one_bad_value_of_f_spoils_one_point() -> None:
    for f in (lambda x: 1.0 / x, Opaque(lambda x: 1.0 / x)):
        got = fg.derivative(f, np.array([-1.0, 0.0, 1.0]), method="forward")
        assert np.isfinite(got).tolist() == [True, False, True]


# Output ---------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.longdouble, ">f8", np.complex128])
def test_out_of_other_types(f: Any, dtype: Any) -> None:
    out = np.empty(3, dtype)
    assert fg.derivative(f, [1.0, 2.0, 3.0], out=out) is out
    assert out.tolist() == [2.0, 4.0, 6.0]


@BOTH
def test_out_strided_and_reversed(f: Any) -> None:
    whole = np.full(12, -1.0)
    fg.derivative(f, np.arange(4.0), out=whole[::3])
    assert whole[::3].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert set(whole[1::3]) | set(whole[2::3]) == {-1.0}
    fg.derivative(f, np.arange(4.0), out=whole[3::-1])
    assert whole[:4].tolist() == [6.0, 4.0, 2.0, 0.0]


OVERLAPS = {
    "itself": lambda b: (b[:-1], b[:-1]),
    "reversed": lambda b: (b[:-1], b[-2::-1]),
    "shifted up": lambda b: (b[:-1], b[1:]),
    "shifted down": lambda b: (b[1:], b[:-1]),
}


@BOTH
@pytest.mark.parametrize("size", [7, 2**20])
@pytest.mark.parametrize("overlap", OVERLAPS)
def test_out_may_overlap_the_points(f: Any, size: int, overlap: str) -> None:
    x, out = OVERLAPS[overlap](np.linspace(0.0, 1.0, size + 1))
    wanted = fg.derivative(f, x)
    assert fg.derivative(f, x, out=out) is out
    assert np.array_equal(out, wanted)


@pytest.mark.parametrize("named", [{"bounds": (-5.0, 5.0), "method": "central"}, {"method": "complex"}], ids=str)
def test_out_where_the_result_is_made_first(named: Any) -> None:
    """At bounds the imaginary part was dropped, and what overflows a smaller type gave a warning."""
    out = np.empty(2, np.float32)
    assert fg.derivative(lambda x: 1e38 * x * x, [0.5, 4.0], out=out, **named) is out
    assert out.tolist() == [np.float32(1e38), np.inf]
    if "bounds" in named:
        for kind in (np.float64, np.float32):
            with pytest.raises(TypeError, match="`out` must be complex"):
                fg.derivative(turning, np.ones(2, kind), out=np.empty(2, kind), **named)


def test_out_may_be_the_step() -> None:
    step = np.full(5, 0.25)
    fg.derivative(gates.square, np.arange(5.0), method="forward", step=step, out=step)
    assert step.tolist() == [0.25, 2.25, 4.25, 6.25, 8.25]


# Complex, float32 and boolean functions -------------------------------------------------------------------------------


def turning(x: Any) -> Any:
    return np.exp(1j * x)


@pytest.mark.parametrize("f", [turning, Opaque(turning)], ids=["compiled", "called"])
def test_complex_valued_functions(f: Any) -> None:
    x = np.linspace(-3, 3, 11)
    got = fg.derivative(f, x)
    assert got.dtype == np.complex128
    assert np.max(abs(got - 1j * np.exp(1j * x))) < 1e-9
    assert fg.derivative(f, x.astype(np.float32)).dtype == np.complex64
    assert fg.derivative(f, 0.5) == pytest.approx(1j * np.exp(0.5j), abs=1e-9)
    out = np.empty(11, np.complex128)
    assert fg.derivative(f, x, out=out) is out
    assert np.array_equal(out, got)
    assert np.array_equal(fg.derivative(f, x[::-1]), got[::-1])
    with pytest.raises(TypeError, match="`out`"):
        fg.derivative(f, x, out=np.empty(11))


def test_function_that_turns_complex_late() -> None:
    """Real at the points that are tried first, complex in the middle of the batch."""
    f = Opaque(lambda x: x * x if np.all(np.real(x) < 1e5) else x * x + 0j)
    x = np.arange(200_000.0)
    got = fg.derivative(f, np.r_[x, 0.0])
    assert got.dtype == np.complex128
    assert np.allclose(got[:-1], 2 * x, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("method", ["adaptive", "central", fg.central(4), fg.adaptive(side="left")], ids=repr)
def test_bars_cover_the_rounding_of_the_derivative_to_a_smaller_type(dtype: Any, method: Any) -> None:
    # cos(x) in float32 is off by up to 3e-8; the bars of 1e-14 covered none of 7 points
    x = np.linspace(0.1, 2, 23).astype(dtype)
    exact = np.cos(x.astype(np.float64))
    for f in (np.sin, Opaque(np.sin), Opaque(lambda x: np.sin(x) + 1j * x)):
        found = fg.derivative(f, x, method=method, full_output=True)
        assert found.error.dtype == dtype
        assert np.all(abs(found.df - (exact if found.df.dtype.kind == "f" else exact + 1j)) <= found.error)
        assert np.all(found.error < 2 * np.finfo(dtype).eps)
    points = np.stack([x, np.ones_like(x)], axis=1)
    made = fg.gradient(lambda v: np.sin(v[0]) * v[1], points, method=method, full_output=True)
    assert np.all(abs(made.df[:, 0].astype(np.float64) - exact) <= made.error[:, 0])
    assert np.all(made.error[:, 0] < 2 * np.finfo(dtype).eps)


def test_functions_that_return_float32_get_steps_for_float32() -> None:
    def narrow(x: Any) -> Any:
        return np.float32(np.sin(x))

    x = np.linspace(-1, 1, 41)
    for f in (narrow, Opaque(lambda x: np.sin(x).astype(np.float32))):
        got = fg.derivative(f, x)
        assert got.dtype == np.float64
        assert np.max(abs(got - np.cos(x))) < 1e-3
    naive = (narrow(x + 2.0**-18) - narrow(x - 2.0**-18)) / 2.0**-17
    assert np.max(abs(naive - np.cos(x))) > 1e-3


def test_boolean_functions_step_by_one() -> None:
    for f in (lambda x: x > 0.25, Opaque(lambda x: x > 0.25)):
        assert fg.derivative(f, np.array([0.0, 0.5, 1.0])).tolist() == [0.0, 0.0, 0.0]
        assert fg.derivative(f, 0.25, step=0.5, method="central") == 1.0


# Bad input ------------------------------------------------------------------------------------------------------------


def sq(x: Any) -> Any:
    return x * x


def readonly(shape: Any) -> np.ndarray:
    array = np.empty(shape)
    array.flags.writeable = False
    return array


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "not callable": (lambda: fg.derivative(3.0, 1.0), TypeError, "f"),
    "called already": (lambda: fg.derivative(np.ones(3), 1.0), TypeError, "f"),
    "no points": (lambda: fg.derivative(lambda *x: 1.0), TypeError, "args"),
    "too few arguments": (lambda: fg.derivative(lambda x, y: x, 1.0), TypeError, "f"),
    "too many arguments": (lambda: fg.derivative(sq, 1.0, 2.0), TypeError, "f"),
    "too many for a ufunc": (lambda: fg.derivative(np.sin, 1.0, 2.0), TypeError, "f"),
    "too few for a ufunc": (lambda: fg.derivative(np.add, 1.0), TypeError, "f"),
    "too many for scipy": (lambda: fg.derivative(special.erf, 1.0, 2.0), TypeError, "f"),
    "too many for a gate": (lambda: fg.derivative(gates.square, 1.0, 2.0), TypeError, "f"),
    "keyword-only": (lambda: fg.derivative(lambda x, *, k: x, 1.0), TypeError, "f"),
    "shapes": (lambda: fg.derivative(gates.add, np.ones(2), np.ones(3)), ValueError, "args"),
    "shapes of an estimate": (
        lambda: fg.derivative(gates.add, np.ones(2), np.ones(3), full_output=True), ValueError, "args",
    ),
    "shape of the step": (lambda: fg.derivative(sq, np.ones(2), step=np.ones(3)), ValueError, "args"),
    "step zero": (lambda: fg.derivative(sq, 1.0, step=0.0), ValueError, "step"),
    "step zero int": (lambda: fg.derivative(sq, 1.0, step=0), ValueError, "step"),
    "step negative": (lambda: fg.derivative(sq, 1.0, step=-0.1), ValueError, "step"),
    "step nan": (lambda: fg.derivative(sq, 1.0, step=np.nan), ValueError, "step"),
    "step inf": (lambda: fg.derivative(sq, 1.0, step=np.inf), ValueError, "step"),
    "one step bad": (lambda: fg.derivative(sq, np.ones(2), step=[0.1, -1.0]), ValueError, "step"),
    "step text": (lambda: fg.derivative(sq, 1.0, step="big"), TypeError, "step"),
    "step complex": (lambda: fg.derivative(sq, 1.0, step=1e-3j), TypeError, "step"),
    "step bool": (lambda: fg.derivative(sq, 1.0, step=True), TypeError, "step"),
    "step ragged": (lambda: fg.derivative(sq, 1.0, step=[[1.0], [1.0, 2.0]]), ValueError, "step"),
    "rel_step zero": (lambda: fg.derivative(sq, 1.0, rel_step=0.0), ValueError, "rel_step"),
    "rel_step nan": (lambda: fg.derivative(sq, 1.0, rel_step=[np.nan]), ValueError, "rel_step"),
    "both steps": (lambda: fg.derivative(sq, 1.0, step=0.1, rel_step=0.1), ValueError, "rel_step"),
    "unknown method": (lambda: fg.derivative(sq, 1.0, method="centrall"), ValueError, "method"),
    "method not a rule": (lambda: fg.derivative(sq, 1.0, method=fg.central), TypeError, "method"),
    "method none": (lambda: fg.derivative(sq, 1.0, method=None), TypeError, "method"),
    "method unhashable": (lambda: fg.derivative(sq, 1.0, method=[1]), TypeError, "method"),
    "objects": (lambda: fg.derivative(sq, np.array([1.0, None])), TypeError, r"args\[0\]"),
    "fractions": (lambda: fg.derivative(gates.add, 1.0, Fraction(1, 2)), TypeError, r"args\[1\]"),
    "text": (lambda: fg.derivative(sq, np.array(["1.0"])), TypeError, r"args\[0\]"),
    "word": (lambda: fg.derivative(sq, "1.0"), TypeError, r"args\[0\]"),
    "none": (lambda: fg.derivative(sq, None), TypeError, r"args\[0\]"),
    "complex point": (lambda: fg.derivative(sq, 1j), TypeError, r"args\[0\]"),
    "complex points": (lambda: fg.derivative(gates.add, 1.0, np.array([1j])), TypeError, r"args\[1\]"),
    "dates": (lambda: fg.derivative(sq, np.array(["2020-01-01"], "datetime64[D]")), TypeError, r"args\[0\]"),
    "ragged": (lambda: fg.derivative(sq, [[1.0], [1.0, 2.0]]), ValueError, r"args\[0\]"),
    "integer beyond floats": (lambda: fg.derivative(sq, 10**400), ValueError, r"args\[0\]"),
    "structured": (lambda: fg.derivative(sq, np.zeros(2, [("a", float)])), TypeError, r"args\[0\]"),
    "out of wrong shape": (lambda: fg.derivative(sq, np.ones(2), out=np.empty(3)), ValueError, "out"),
    "out that would broadcast": (lambda: fg.derivative(sq, np.ones(2), out=np.empty((2, 2))), ValueError, "out"),
    "out of integers": (lambda: fg.derivative(sq, np.ones(2), out=np.empty(2, int)), TypeError, "out"),
    "out of objects": (lambda: fg.derivative(sq, np.ones(2), out=np.empty(2, object)), TypeError, "out"),
    "out list": (lambda: fg.derivative(sq, np.ones(2), out=[0.0, 0.0]), TypeError, "out"),
    "out read-only": (lambda: fg.derivative(sq, np.ones(2), out=readonly(2)), ValueError, "out"),
    "out not a tuple": (lambda: fg.derivative(sq, np.ones(2), wrt=(0,), out=np.empty(2)), ValueError, "out"),
    "outs too few": (lambda: fg.derivative(gates.add, 1.0, 1.0, wrt=(0, 1), out=(None,)), ValueError, "out"),
    "wrt too large": (lambda: fg.derivative(sq, 1.0, wrt=1), ValueError, "wrt"),
    "wrt too small": (lambda: fg.derivative(sq, 1.0, wrt=-2), ValueError, "wrt"),
    "wrt float": (lambda: fg.derivative(sq, 1.0, wrt=0.0), TypeError, "wrt"),
    "wrt bool": (lambda: fg.derivative(sq, 1.0, wrt=False), TypeError, "wrt"),
    "wrt list": (lambda: fg.derivative(sq, 1.0, wrt=[0]), TypeError, "wrt"),
    "workers zero": (lambda: fg.derivative(sq, 1.0, workers=0), ValueError, "workers"),
    "workers float": (lambda: fg.derivative(sq, 1.0, workers=1.5), TypeError, "workers"),
    "f of wrong shape": (lambda: fg.derivative(lambda x: np.convolve(x, [1, 2, 1], "same"), [1.0]), ValueError, "f"),
    "f returns none": (lambda: fg.derivative(lambda x: None, np.ones(9)), TypeError, "f"),
    "f returns text": (lambda: fg.derivative(lambda x: "no", np.ones(9)), TypeError, "f"),
    "f returns objects": (lambda: fg.derivative(Opaque(lambda x: np.array([None] * np.size(x))), 1.0), TypeError, "f"),
    "logic gate": (lambda: fg.derivative(gates.logical_xor, 1.0, 0.0), TypeError, "soft_xor"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_argument(name: str) -> None:
    call, error, argument = BAD[name]
    with pytest.raises(error, match=f"`{argument}`") as raised:
        call()
    text = str(raised.value)
    assert text.count(". ") >= 1, f"no remedy in: {text}"


# Size: threads and memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [gates.sigmoid, Opaque(special.expit)], ids=["compiled", "called"])
def test_workers_change_nothing(f: Any) -> None:
    x = np.random.default_rng(1).normal(size=2**19)
    serial = fg.derivative(f, x, workers=1)
    for workers in (None, 2, 3):
        assert np.array_equal(fg.derivative(f, x, workers=workers), serial)
    assert np.array_equal(fg.derivative(f, x.astype(np.float32), workers=2),
                          fg.derivative(f, x.astype(np.float32), workers=1))  # fmt: skip
    wide = x.reshape(4, -1).T
    assert np.array_equal(fg.derivative(f, wide), serial.reshape(4, -1).T)


@pytest.mark.parametrize("f", [gates.sigmoid, Opaque(special.expit)], ids=["compiled", "called"])
def test_many_threads_at_once(f: Any) -> None:
    """Concurrent calls, large enough that each of them spreads over threads in turn."""
    x = np.linspace(-5, 5, 2**19 + 3)
    wanted = fg.derivative(f, x, workers=1)
    results: dict[int, Any] = {}

    def work(i: int) -> None:
        results[i] = [fg.derivative(f, x), fg.derivative(f, x[i])]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(6))
    for i, (batch, single) in results.items():
        assert np.array_equal(batch, wanted)
        assert single == wanted[i]


def test_nested_inside_threads() -> None:
    """A function that differentiates, differentiated over threads."""
    inner = Opaque(lambda x: fg.derivative(np.sin, x, method=fg.central(8), workers=2))
    x = np.linspace(-1, 1, 2**19 + 1)
    assert np.max(abs(fg.derivative(inner, x, method=fg.central(4)) + np.sin(x))) < 1e-7


def test_fork_after_threads() -> None:
    script = """
import os, numpy as np, fastgrad as fg
x = np.linspace(-5, 5, 2**20)
wanted = fg.derivative(fg.gates.sigmoid, x, workers=2)
import warnings
warnings.simplefilter("ignore")  # newer Pythons warn of threads at a fork
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(fg.derivative(fg.gates.sigmoid, x, workers=2), wanted) else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("no fork here")
    assert run_script(script) == "0"


MEMORY = """
import resource, sys
import numpy as np, fastgrad as fg
from scipy import special
class Opaque:
    def __call__(self, x):
        return special.expit(x)
f = {f}
fg.derivative(f, np.linspace(-1, 1, 3))
x = np.linspace(-5, 5, {size})
{before}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
result = fg.derivative(f, x, **given)
print((peak() - before - (0 if "out" in given else result.nbytes)) / 2**20)
"""


@pytest.mark.parametrize(("f", "size"), [("fg.gates.sigmoid", 10**7), ("Opaque()", 2 * 10**6)])
@pytest.mark.parametrize("before", [
    "out = np.ones_like(x); given = {'out': out}",
    "given = {}",
    "x = x.astype(np.float32); given = {}",
])  # fmt: skip
def test_ten_million_points_in_64_mebibytes(f: str, size: int, before: str) -> None:
    """A called function gets fewer points in less memory: an array of all of them would not fit either."""
    pytest.importorskip("resource")
    assert float(run_script(MEMORY.format(f=f, size=size, before=before))) < 64 * size / 10**7


# Regressions ----------------------------------------------------------------------------------------------------------


def test_hidden_exception_behind_many_nans() -> None:
    """Only the first thousand NaN were searched for the point that raised."""

    class Mine(Exception):
        pass

    def f(x: Any) -> Any:
        if x > 5:
            raise Mine("too large")
        return x * x

    assert engine_of(f) == "compiled"
    with pytest.raises(Mine, match="too large"):
        fg.derivative(f, np.r_[np.full(3000, np.nan), 6.0])
    x = np.array([1.0, 6.0])
    with pytest.raises(Mine, match="too large"):
        fg.derivative(f, x, out=x)


def test_flat_at_infinity_is_not_a_slope() -> None:
    """A constant, and tanh at infinity, gave 0 at points that are not finite."""
    for f in (np.tanh, Opaque(np.tanh), lambda x: 1.0):
        assert np.isnan(fg.derivative(f, np.array([np.inf, -np.inf, np.nan]))).all()


# One point, the second time -------------------------------------------------------------------------------------------

SLOPE = 2.0


def steep(x: float, y: float = 1.0) -> float:
    if x > 100.0:
        raise ArithmeticError("beyond 100")
    return SLOPE * x * y if x > -50.0 else math.nan


@pytest.mark.parametrize("method", ["adaptive", "central", fg.central(4), fg.adaptive(side="left")])
def test_a_point_that_was_asked_for_before(method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast path for one point: the same bits, and everything unusual takes the general path."""
    for _ in range(3):
        first = fg.derivative(steep, 0.3, 2.0, method=method, workers=1)
        again = fg.derivative(steep, 0.3, 2.0, method=method)
        assert type(first) is type(again) is np.float64
        assert first == again == fg.derivative(steep, np.array([0.3]), 2.0, method=method)[0] == pytest.approx(4.0)
        assert fg.derivative(steep, 0.3, 2.0, wrt=1, method=method) == pytest.approx(0.6)
        assert fg.derivative(steep, 0.3, 2.0, wrt=-1, method=method) == pytest.approx(0.6)
        for x in (math.nan, math.inf, -math.inf, -60.0):
            if x < 100:
                assert np.isnan(fg.derivative(steep, x, 2.0, method=method))
        with pytest.raises(ArithmeticError, match="beyond 100"):
            fg.derivative(steep, 101.0, 2.0, method=method)
    flat = lambda x: 3.0  # noqa: E731
    for _ in range(2):
        assert fg.derivative(flat, 1.0, method=method) == 0.0
        assert np.isnan(fg.derivative(flat, math.inf, method=method))
    monkeypatch.setitem(globals(), "SLOPE", 5.0)
    assert fg.derivative(steep, 0.3, 2.0, method=method) == pytest.approx(10.0)
    with pytest.raises(TypeError, match="`wrt`"):
        fg.derivative(steep, 0.3, 2.0, wrt=True, method=method)
    with pytest.raises(ValueError, match="`workers`"):
        fg.derivative(steep, 0.3, 2.0, method=method, workers=0)
    with pytest.raises(TypeError, match="`method`"):
        fg.derivative(steep, 0.3, 2.0, method=[method])  # type: ignore[arg-type]


def test_an_edge_of_the_domain_is_found_the_second_time_too() -> None:
    f = lambda x: math.sqrt(x)  # noqa: E731
    for method in ("central", "adaptive"):
        assert fg.derivative(f, 1.0, method=method) == pytest.approx(0.5)
        for _ in range(2):
            assert fg.derivative(f, 1e-12, method=method) == pytest.approx(5e5, rel=1e-6)


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
def test_a_number_of_numpy_is_a_number(method: str) -> None:
    """The same bits as for Python's own, at the first call and after it; what overflows is no warning."""
    f = lambda x: np.exp(2.0 * x)  # noqa: E731
    for x in (0.3, -2.0, 354.85, 354.9, 400.0, math.inf, math.nan):
        found = [fg.derivative(f, kind(x), method=method) for kind in (float, np.float64) for _ in range(3)]
        assert {type(value) for value in found} == {np.float64}
        assert len({value.tobytes() for value in found if not np.isnan(value)}) <= 1
        assert len({np.isnan(value) for value in found}) == 1
