"""The check: right derivatives pass, planted mistakes are found and named, bad input is told so."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from hypothesis import given
from hypothesis import strategies as st

from fastgrad import Verdict, gates
from fastgrad.corpus import CASES, batched, sides, truth
from fastgrad.gradcheck import check

pytestmark = pytest.mark.machine_code

X = np.linspace(-4.0, 5.0, 40)
Y = X[::-1] + 0.55
POSITIVE = np.linspace(0.3, 9.0, 50)


def wave(x: Any) -> Any:
    return np.exp(-0.3 * x) * np.sin(3 * x)


def wave_slope(x: Any) -> Any:
    return np.exp(-0.3 * x) * (3 * np.cos(3 * x) - 0.3 * np.sin(3 * x))


def small(x: Any) -> Any:
    return 1e-8 * x**2


def decay(x: Any, y: Any) -> Any:
    return x**2 * np.exp(-y)


def chirp(x: Any) -> Any:
    return np.sin(x * x)


def decimal(x: Any) -> Any:
    return np.log10(x)


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def logistic_slope(x: Any) -> Any:
    return logistic(x) * logistic(-x)


def loss(w: Any, x: Any, b: Any) -> Any:
    return (w * x + b - 1.0) ** 2


def bump(x: Any) -> Any:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def ramp(x: Any) -> Any:
    return np.maximum(x, 0.0)


class Stale:
    """A gradient that is computed once, and then remembered."""

    def __init__(self) -> None:
        self.kept: Any = None

    def __call__(self, x: Any) -> Any:
        self.kept = wave_slope(x) if self.kept is None else self.kept
        return self.kept


def one_off(index: int, by: float) -> Callable[[Any], Any]:
    def slope(x: Any) -> Any:
        found = wave_slope(x)
        found[index] *= 1 + by
        return found

    return slope


# What is right passes -------------------------------------------------------------------------------------------------

RIGHT: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "wave": (wave, wave_slope, (X,)),
    "small": (small, lambda x: 2e-8 * x, (X,)),
    "decay in both": (decay, lambda x, y: 2 * x * np.exp(-y), (X, Y)),
    "chirp": (chirp, lambda x: 2 * x * np.cos(x * x), (X,)),
    "log10": (decimal, lambda x: 1 / (x * math.log(10)), (POSITIVE,)),
    "logistic": (logistic, logistic_slope, (X,)),
    "loss": (loss, lambda w, x, b: 2 * x * (w * x + b - 1), (0.3, X, 2)),
    "bump": (bump, lambda x: -x * bump(x), (X,)),
    "ramp": (ramp, lambda x: x > 0, (X,)),
    "numbers only": (wave, lambda x: math.exp(-0.3 * x) * (3 * math.cos(3 * x) - 0.3 * math.sin(3 * x)), (X[:5],)),
    "one number": (wave, wave_slope, (0.7,)),
    "whole numbers": (wave, wave_slope, ([1, 2, 3],)),
    "two axes": (wave, wave_slope, (X.reshape(2, 5, 4),)),
    "broadcast": (decay, lambda x, y: 2 * x * np.exp(-y), (X[:6, None], Y[:5])),
    "values": (wave, wave_slope(X), (X,)),
    "constant": (lambda x: 3.0 * x, lambda x: 3.0, (X,)),
    "float32 arguments": (wave, wave_slope, (X.astype(np.float32),)),
    "called as it is": (Opaque(wave), wave_slope, (X,)),
    "complex values": (Opaque(lambda x: np.exp(1j * x)), lambda x: 1j * np.exp(1j * x), (X,)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_agree(name: str) -> None:
    f, df, args = RIGHT[name]
    found = check(f, df, *args)
    assert found, found
    assert found.counts["AGREES"] == found.verdict.size, found
    assert found.verdict.shape == np.broadcast_shapes(*map(np.shape, args))
    assert found.patterns == ()


def test_wrong_values_of_the_corpus_are_those_of_inexact_functions() -> None:
    """Exact derivatives of all cases: what disagrees is where the code of `f` computes something else."""
    inexact = {"kepler_1e-8", "newton_sqrt_1e-6", "simpson", "rk2_logistic", "cubic_table"}
    # values that hold no digit of the derivative: noise, constants to the last digit, jumps
    dark = {"noise_1e-3", "rounding_step", "one_plus_tiny", "tanh_saturated", "floor", "staircase"}
    seen = undecided = 0
    for case in CASES:
        exact, (left, right) = truth(case), sides(case)
        here = np.isfinite(exact)
        both = np.isfinite(left) & np.isfinite(right) & ~here
        exact = np.where(here, exact, np.where(both, (left + right) / 2, np.nan))
        found = check(Opaque(batched(case.f)), exact, case.x)
        assert not found.counts["DISAGREES"] or case.name in inexact, found
        seen += found.verdict.size
        undecided += found.counts["UNDECIDED"] if case.name not in dark else 0
        if case.name in inexact:
            assert not found.counts["DISAGREES"] or "`f` itself is inexact" in repr(found), found
    assert seen == 5483
    assert undecided < 0.005 * seen


def table(x: Any, slope: bool = False) -> Any:
    """Catmull-Rom interpolation in a table of sines with spacing 0.05, and the slope of that."""
    i = np.floor(x / 0.05).astype(int)
    t = x / 0.05 - i
    a, b, c, d = (np.sin(0.05 * (i + k)) for k in (-1, 0, 1, 2))
    p, q, r = c - a, 2 * a - 5 * b + 4 * c - d, 3 * (b - c) + d - a
    return (p + 2 * t * q + 3 * t * t * r) / 0.1 if slope else b + 0.5 * t * (p + t * (q + t * r))


def test_the_derivative_of_what_is_computed_is_the_right_one() -> None:
    """A table of sines has a derivative of its own, which is the cosine only roughly."""
    x = np.linspace(0.513, 2.613, 30)
    assert check(Opaque(table), lambda x: table(x, slope=True), x).counts["AGREES"] == 30
    found = check(Opaque(table), np.cos, x)
    assert found.counts["DISAGREES"] > 20
    assert "`f` itself is inexact" in repr(found)


def test_a_second_estimate_is_heard_before_anything_is_called_wrong() -> None:
    cases = {case.name: case for case in CASES}
    for name, where in (("saturating_exp", -9.00974441108249e-08), ("x2_sin_one_over_x", 0.0)):
        case = cases[name]
        i = int(np.argmin(np.abs(case.x - where)))
        assert not check(Opaque(batched(case.f)), truth(case)[i], case.x[i]).counts["DISAGREES"], name


def test_a_wide_second_estimate_does_not_acquit() -> None:
    """Off by a thousandth at bars of 1e-13, where narrower steps know little."""
    assert not check(lambda x: (1 - np.exp(-x)) ** 2, lambda x: 1.001 * 2 * np.exp(-x) * (1 - np.exp(-x)), [2.5e-10])


def cancelling(x: Any) -> Any:
    return np.sin(x) / x


def test_rounding_of_the_analytic_value_is_no_mistake() -> None:
    """(x cos x - sin x) / x^2 keeps five digits at 1e-5: the formula is right, and its noise is measured."""
    x = np.geomspace(1e-6, 1e-3, 60)

    def slope(x: Any) -> Any:
        return (x * np.cos(x) - np.sin(x)) / x**2

    assert abs(slope(x) / (-x / 3) - 1).max() > 1e-6
    found = check(cancelling, slope, x)
    assert found, found
    wrong = check(cancelling, lambda x: 1.1 * slope(x), x)
    assert np.count_nonzero(wrong.verdict == Verdict.DISAGREES) > 20, wrong


#: Formulas that lose their digits near 0, and the series of their derivatives.
CANCELLING: dict[str, tuple[Callable[[float], float], Callable[[Any], Any]]] = {
    "x cos x - sin x": (lambda x: (x * math.cos(x) - math.sin(x)) / (x * x), lambda x: -1 / 3 + x**2 / 10 - x**4 / 168),
    "1 - cos": (lambda x: (1 - math.cos(x)) / (x * x), lambda x: -x / 12 + x**3 / 180 - x**5 / 6720),
    "x - sin": (lambda x: (x - math.sin(x)) / (x * x * x), lambda x: -x / 60 + x**3 / 1260 - x**5 / 60480),
    "exp - 1": (lambda x: (math.exp(x) - 1) / x, lambda x: 1 / 2 + x / 3 + x**2 / 8 + x**3 / 30 + x**4 / 144),
    "log": (lambda x: math.log(1 + x) / x, lambda x: -1 / 2 + 2 * x / 3 - 3 * x**2 / 4 + 4 * x**3 / 5),
    "exp - 1 - x": (lambda x: (math.exp(x) - 1 - x) / (x * x), lambda x: 1 / 6 + x / 12 + x**2 / 40 + x**3 / 180),
}


@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
def test_rounding_inside_f_is_no_mistake() -> None:
    """Estimates follow the rounded values, which are smooth over a short way: a constant over ``x * x``.

    Every tenth point was called wrong. One of a hundred may be: narrower than the secants is the way in these.
    """
    alarms: list[Any] = []
    agreeing = noticed = 0
    for name, (f, df) in CANCELLING.items():
        x = np.append(np.geomspace(1e-9, 1e-4, 16), -np.geomspace(1e-7, 1e-4, 6))
        result = check(Opaque(f), df, x)
        alarms += [(name, x) for x in x[result.verdict == Verdict.DISAGREES]]
        wrong = check(Opaque(f), lambda x, df=df: -df(x), x)
        assert not wrong.counts["AGREES"], wrong
        agreeing += result.counts["AGREES"]
        noticed += np.count_nonzero((result.verdict == Verdict.AGREES) & (wrong.verdict == Verdict.DISAGREES))
    assert noticed >= 0.95 * agreeing > 50, (noticed, agreeing)
    assert len(alarms) <= 0.01 * 22 * len(CANCELLING), alarms


STEEP: dict[str, tuple[Any, Any, Any]] = {
    "step": (lambda x: np.tanh(1e6 * x), lambda x: 1e6 / np.cosh(1e6 * x) ** 2, [1e-7, -3e-7]),
    "waves": (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), [1e-7, 0.3]),
    "pole": (lambda x: 1 / x, lambda x: -1 / x**2, [1e-9, -1e-9, 1e-3]),
    "pole of order 3": (lambda x: 1 / x**3, lambda x: -3 / x**4, [1e-9, -1e-5]),
    "logarithm": (np.log, lambda x: 1 / x, [1e-9, 1e-5]),
    "root": (np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-9, 1e-5]),
    "peak": (lambda x: 1 / (1e-12 + x * x), lambda x: -2 * x / (1e-12 + x * x) ** 2, [1e-6, -3e-7]),
    "beside a kink": (lambda x: np.maximum(x - 1e-4, 0) + x, lambda x: np.where(x > 1e-4, 2.0, 1.0), [0.0, 2e-4]),
    "beside a jump": (lambda x: np.where(x > 1e-4, 3.0, 0) + x, lambda x: 0 * x + 1, [0.0, 2e-4]),
}


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1e-6, 3.0, 1 / 3])
@pytest.mark.parametrize("name", STEEP)
def test_a_mistake_where_f_is_steep_is_none_of_rounding(name: str, factor: float) -> None:
    """Wider secants agree with the wrong value here, but the values of `f` follow the estimates."""
    f, df, x = STEEP[name]
    x = np.array(x)
    assert check(f, df, x).counts["AGREES"] == x.size
    result = check(f, lambda x: factor * df(x), x)
    assert result.counts["DISAGREES"] == x.size, result


# Planted mistakes -----------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(5)
MANY = np.sort(RNG.uniform(-4, 5, 10_000))

#: Function, wrong derivative, arguments, and what the patterns have to say.
PLANTED: dict[str, tuple[Any, Any, tuple[Any, ...], tuple[str, ...]]] = {
    "factor 3 at scale 1e-8": (small, lambda x: 6e-8 * x, (X,), ("off by the factor 3 ",)),
    "one of 10^4 off by 1e-6": (wave, one_off(4711, 1e-6), (MANY,), ("only at point 4711",)),
    "wrong only for x > 3": (wave, lambda x: wave_slope(x) * np.where(x > 3, 1.5, 1), (X,), ("x > 3 ", "factor 3/2")),
    "sign": (wave, lambda x: -wave_slope(x), (X,), ("sign flipped",)),
    "swapped arguments": (decay, lambda y, x: 2 * x * np.exp(-y), (X, Y), ("x and y exchanged",)),
    "float32 truncation": (wave, lambda x: wave_slope(x).astype(np.float32), (X,), ("float32 numbers",)),
    "float32 inside": (wave, lambda x: wave_slope(x.astype(np.float32)).astype(float) * 1.0, (X,), ("float32",)),
    "float32 on the way": (wave, lambda x: np.float64(np.float32(x)) * 0 + np.exp(-0.3 * np.float32(x)).astype(float)
                           * (3 * np.cos(3 * x) - 0.3 * np.sin(3 * x)), (X,), ("float32 somewhere",)),
    "factor 2": (wave, lambda x: 2 * wave_slope(x), (X,), ("off by the factor 2 ",)),
    "factor 1/2": (decay, lambda x, y: x * np.exp(-y), (X, Y), ("off by the factor 1/2 ",)),
    "mean for a sum": (wave, lambda x: wave_slope(x) / x.size, (X,), ("1/40, one over the number of points",)),
    "sum for a mean": (wave, lambda x: wave_slope(x) * x.size, (X,), ("40, the number of points",)),
    "degrees": (wave, lambda x: np.radians(wave_slope(x)), (X,), ("1/(180/pi",)),
    "2 pi": (wave, lambda x: 2 * np.pi * wave_slope(x), (X,), ("factor 2 pi",)),
    "norm of the bump": (bump, lambda x: -x * np.exp(-x * x / 2), (X,), ("sqrt(2 pi)",)),
    "base of the logarithm": (decimal, lambda x: 1 / x, (POSITIVE,), ("factor log(10)",)),
    "base the wrong way": (decimal, lambda x: math.log(10) / x, (POSITIVE,), ("off by the factor 5.3018",)),
    "no chain factor": (chirp, lambda x: np.cos(x * x), (X,), ("the factor 2 * x is missing",)),
    "no inner constant": (wave, lambda x: np.exp(-0.3 * x) * (np.cos(3 * x) - 0.3 * np.sin(3 * x)), (X,), ()),
    "forgot the product rule": (wave, lambda x: 3 * np.exp(-0.3 * x) * np.cos(3 * x), (X,), ()),
    "sign of cos": (wave, lambda x: np.exp(-0.3 * x) * (-3 * np.cos(3 * x) - 0.3 * np.sin(3 * x)), (X,), ()),
    "one x too many": (decay, lambda x, y: 2 * x**2 * np.exp(-y), (X, Y), ("the factor x is too much",)),
    "shifted by one": (wave, lambda x: np.roll(wave_slope(x), 1), (X,), ("points are shifted by one",)),
    "in reverse": (wave, lambda x: wave_slope(x)[::-1], (X,), ("points are in reverse order",)),
    "forgot the bias": (loss, lambda w, x, b: 2 * x * (w * x - 1), (0.3, X, 2.0), ()),
    "derivative in another argument": (loss, lambda w, x, b: 2 * w * (w * x + b - 1), (0.3, X, 2.0), ()),
    "one too much": (wave, lambda x: wave_slope(x) + 1, (X,), ("1 too much",)),
    "two too little": (wave, lambda x: wave_slope(x) - 2, (X,), ("2 too little",)),
    "detached from a line": (lambda x: 3.0 * x, lambda x: 0.0 * x, (X,), ("is 0 wherever it is wrong",)),
    "at one point only": (wave, one_off(7, 0.5), (X,), ("only at point 7",)),
    "at the last point only": (wave, one_off(-1, -1.0), (X,), ("only at point 39",)),
    "one nan": (wave, one_off(3, math.nan), (X,), ("NaN at 1 of 40", "only at point 3")),
    "stale": (wave, Stale(), (X,), ("it remembers the first",)),
    "negative x": (wave, lambda x: wave_slope(np.abs(x)), (X,), ("wrong only for x < 0",)),
    "magnitude": (wave, lambda x: np.where(abs(x) > 2.5, 0.0, wave_slope(x)), (X,), ("is 0 wherever", "|x| > 2.5")),
    "clipped": (wave, lambda x: np.clip(wave_slope(x), None, 2.0), (X,), ("is 2 wherever it is wrong",)),
    "off by 1e-9": (wave, lambda x: wave_slope(x) * (1 + 1e-9), (X,), ("off by 1.0e-09 of the value",)),
    "rounded pi": (lambda x: np.cos(np.pi * x), lambda x: -3.14159 * np.sin(3.14159 * x), (X,), ()),
    "saturation": (logistic, lambda x: np.exp(x * 200) / (1 + np.exp(x * 200)) * 0 + logistic_slope(x), (X,),
                   ("NaN at", "wrong only for x > ")),
    "infinite": (wave, lambda x: np.where(x < -3, np.inf, wave_slope(x)), (X,), ("infinite at", "for x < -3")),
    "relu on the wrong side": (ramp, lambda x: x < 0, (X,), ()),
    "relu at 0": (ramp, lambda x: np.where(x == 0, 2.0, x > 0), (np.arange(-3, 4),), ("only at kinks (1 of 1)",)),
    "nan at the kink": (np.abs, lambda x: x / np.abs(x), (np.arange(-3.0, 4),), ("NaN at 1 of 7", "only at kinks")),
    "second derivative": (bump, lambda x: (x * x - 1) * bump(x), (X,), ()),
    "the function itself": (logistic, logistic, (X,), ()),
    "forgot one factor of the logistic": (logistic, lambda x: 1 - logistic(x), (X,), ()),
    "the sum": (wave, lambda x: np.sum(wave_slope(x)), (X,), ("wherever it is wrong",)),
    "wrong broadcasting": (decay, lambda x, y: 2 * x * np.exp(-y.T), (X[:4, None] + X[:4], Y[:4, None] * X[:4]), ()),
    "of the wrong type": (wave, lambda x: np.rint(wave_slope(x)).astype(int), (X,), ()),
    "imaginary part": (Opaque(lambda x: np.exp(1j * x)), lambda x: np.exp(1j * x), (X,), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_mistakes_are_found_and_named(name: str) -> None:
    f, df, args, said = PLANTED[name]
    found = check(f, df, *args)
    assert not found, found
    assert found.counts["DISAGREES"] > 0
    assert "DISAGREES" in repr(found)
    for words in said:
        assert any(words in pattern for pattern in found.patterns), found


def test_only_what_is_wrong_disagrees() -> None:
    found = check(wave, lambda x: wave_slope(x) * np.where(x > 3, 1.5, 1), X)
    assert np.array_equal(found.verdict == Verdict.DISAGREES, X > 3)
    found = check(wave, one_off(4711, 1e-6), MANY)
    assert np.flatnonzero(found.verdict == Verdict.DISAGREES).tolist() == [4711]


# Laws -----------------------------------------------------------------------------------------------------------------

EXPONENTS = st.integers(-200, 200)


@given(EXPONENTS, st.sampled_from(["wave", "small", "decay in both", "loss"]), st.sampled_from([0.0, 1e-9, 1e-3, 2.0]))
def test_multiplying_f_by_a_power_of_two_changes_no_verdict(k: int, name: str, off: float) -> None:
    f, df, args = RIGHT[name]
    factor = 2.0**k

    def there(*args: Any) -> Any:
        return factor * f(*args)

    plain = check(Opaque(f), lambda *args: df(*args) * (1 + off), *args)
    scaled = check(Opaque(there), lambda *args: factor * df(*args) * (1 + off), *args)
    assert np.array_equal(plain.verdict, scaled.verdict)
    assert np.array_equal(plain.excess, scaled.excess)
    assert bool(plain) == (off == 0)


@given(st.integers(-25, 25), st.sampled_from([0.0, 1e-3, 2.0, -2.0]))
def test_measuring_x_in_another_unit_changes_no_verdict(k: int, off: float) -> None:
    unit = 2.0**k
    x = np.linspace(0.5, 4.0, 15)
    found = check(Opaque(lambda x: wave(x / unit)), lambda x: wave_slope(x / unit) / unit * (1 + off), unit * x)
    assert np.all(found.verdict == (Verdict.DISAGREES if off else Verdict.AGREES)), found


@given(st.permutations(range(12)))
def test_permuting_the_points_permutes_the_verdicts(order: list[int]) -> None:
    x = X[:12]
    for df in (wave_slope, lambda x: np.where(x < -2, 1.1, 1.0) * wave_slope(x)):
        there, here = check(wave, df, x[order]), check(wave, df, x)
        assert np.array_equal(there.verdict, here.verdict[order])
        assert np.array_equal(there.numerical, here.numerical[order])


# Bad input ------------------------------------------------------------------------------------------------------------


def doubling(x: Any) -> Any:
    x *= 2
    return wave_slope(x / 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check(wave, lambda x: x[:-1], X), ValueError, r"of the derivative, \(40,\); <lambda> gives \(39,"),
        (lambda: check(wave, lambda x: x[:, None], X), ValueError, r"\(40,\); <lambda> gives \(40, 1\)"),
        (lambda: check(wave, wave_slope(X)[1:], X), ValueError, "the values given gives"),
        (lambda: check(wave, doubling, X), ValueError, r"its arguments as they are; doubling changes args\[0\]"),
        (lambda: check(wave, lambda x: None, X), TypeError, "must return numbers; <lambda> gives None"),
        (lambda: check(wave, lambda x: ["a"] * 40, X), TypeError, "must return numbers"),
        (lambda: check(wave, "wave_slope", X), TypeError, "must return numbers"),
        (lambda: check(wave, lambda x: (x, [1, 2]), X), ValueError, "one array for wrt=0; <lambda> gives a tuple of 2"),
        (lambda: check(decay, lambda x, y: (x, y), X, Y), ValueError, r"Pass wrt=\(0, 1\)"),
        (lambda: check(decay, lambda x, y: x, X, Y, wrt=(0, 1)), ValueError, "a tuple of 2.*gives 40"),
        (lambda: check(decay, lambda x, y: (x,), X, Y, wrt=(0, 1)), ValueError, "gives 1 of them"),
        (lambda: check(wave, wave_slope), TypeError, "`args` must hold the points"),
        (lambda: check(wave, wave_slope, []), ValueError, r"at least one point; got shapes \(0,\)"),
        (lambda: check(wave, wave_slope, 1j), TypeError, "real numbers"),
        (lambda: check(wave, wave_slope, X, wrt=1), ValueError, "`wrt` must be from -1 to 0"),
        (lambda: check(wave, wave_slope, X, of="slope"), ValueError, "`of` must be one of 'derivative', 'gradient'"),
        (lambda: check(wave), TypeError, "`analytic` must be given for a function"),
        (lambda: check(3.0, wave_slope, X), TypeError, "`f` must be callable"),
        (lambda: check(wave, wave_slope, X, of="gradient", wrt=1), ValueError, "`wrt` must be left out"),
        (lambda: check(wave, wave_slope, 1.0, of="gradient"), ValueError, "last axis is the vector; got the number"),
        (lambda: check(gates.logical_or), TypeError, "Use the differentiable `soft_or`"),
        (lambda: check(gates.add, of="gradient"), ValueError, "`of` must be left out for add"),
    ],
)  # fmt: skip
def test_bad_input_is_told(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("problem", [ValueError("no way"), TypeError("no way"), ZeroDivisionError(), KeyError("k")])
def test_an_exception_of_the_analytic_function_comes_through(problem: Exception) -> None:
    def refuse(x: Any) -> Any:
        raise problem

    for x in (X, 1.0):
        with pytest.raises(type(problem)) as caught:
            check(wave, refuse, x)
        assert caught.value is problem


def test_an_exception_where_nobody_asked_does_not_come_through() -> None:
    """Rounding is measured beside the points, and swapped arguments are tried: neither is the caller's business."""

    def picky(x: Any, y: Any) -> Any:
        if np.any(x > 1) or np.any(y < 2) or np.asarray(x).dtype != np.float64:
            raise RuntimeError("out of range")
        return 2.5 * x * np.exp(-y)

    found = check(decay, picky, np.linspace(0.5, 1, 5), np.linspace(2, 3, 5))
    assert found.counts["DISAGREES"] == 5
    assert "factor 1.25 " in found.patterns[0]


def test_where_f_raises_beside_the_points_mistakes_are_still_found() -> None:
    def near_one(v: Any) -> Any:
        if np.abs(v - 1.0).max() > 1e-4:
            raise ValueError("outside")
        return np.array([v[0] * v[1] ** 2, v[0] + v[1]])

    x = np.array([1.0, 1.0])
    result = check(near_one, lambda v: np.array([[v[1] ** 2, 2.5 * v[0] * v[1]], [1.0, 1.0]]), x, of="jacobian")
    np.testing.assert_array_equal(result.verdict == Verdict.DISAGREES, [[False, True], [False, False]])
    points = np.array([[0.99, 1.0], [0.5, 2.0], [0.3, 0.4]])  # the arc cosine ends at 1
    result = check(
        lambda v: math.acos(v[0]) * v[1], lambda v: np.array([-v[1] / math.sqrt(1.0 - v[0] ** 2), v[0]]), points,
        of="gradient",
    )  # fmt: skip
    np.testing.assert_array_equal(result.verdict == Verdict.DISAGREES, [[False, True]] * 3)


def test_the_callers_arrays_stay_as_they_were() -> None:
    x, y, values = X.copy(), Y.copy(), wave_slope(X)
    kept: list[Any] = []

    def keeps(x: Any) -> Any:
        kept.append(x)
        return wave_slope(x)

    assert check(wave, keeps, x)
    for array in kept:
        array[...] = 0
    with pytest.raises(ValueError, match="changes args"):
        check(wave, doubling, x)
    assert check(wave, values, x)
    assert not check(decay, lambda x, y: x, x, y)
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    assert np.array_equal(values, wave_slope(X))


def test_a_result_that_is_its_argument_or_a_buffer() -> None:
    buffer = np.empty(40)
    assert check(lambda x: x * x / 2, lambda x: x, X)
    assert check(wave, lambda x: np.copyto(buffer, wave_slope(x)) or buffer, X)


# Vectors --------------------------------------------------------------------------------------------------------------

V = RNG.normal(size=(12, 5))
W = RNG.normal(size=(5, 5))


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2, axis=-1)


def rosenbrock_gradient(x: Any) -> Any:
    inner = x[..., 1:] - x[..., :-1] ** 2
    found = np.zeros_like(x)
    found[..., :-1] = -400 * x[..., :-1] * inner - 2 * (1 - x[..., :-1])
    found[..., 1:] += 200 * inner
    return found


def surprise(z: Any) -> Any:
    return np.log(np.sum(np.exp(z), axis=-1)) - z[..., 1]


def softmax(z: Any, axis: Any = -1) -> Any:
    return np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True)


def layer(x: Any) -> Any:
    return np.tanh(x @ W.T)


def layer_jacobian(x: Any) -> Any:
    return (1 - np.tanh(x @ W.T) ** 2)[..., None] * W


def cubes(x: Any) -> Any:
    return np.sum(x**3, axis=-1) + x[..., 0] * x[..., 1]


def cubes_hessian(x: Any) -> Any:
    found = 6 * x[..., None] * np.eye(x.shape[-1])
    found[..., 0, 1] = found[..., 1, 0] = 1.0
    return found


def changed(slope: Callable[[Any], Any], where: Any, factor: float) -> Callable[[Any], Any]:
    def wrong(x: Any) -> Any:
        found = slope(x)
        found[where] *= factor
        return found

    return wrong


@pytest.mark.parametrize("x", [V, V[0], V.reshape(3, 4, 5)], ids=["batch", "one", "two axes"])
def test_right_gradients_jacobians_and_hessians_agree(x: Any) -> None:
    for f, df, of in ((rosenbrock, rosenbrock_gradient, "gradient"), (layer, layer_jacobian, "jacobian"),
                      (cubes, cubes_hessian, "hessian")):  # fmt: skip
        found = check(f, df, x, of=of)
        assert found.counts["AGREES"] == found.verdict.size, found
        assert found.verdict.shape == df(x).shape


ALL = Ellipsis
PLANTED_VECTORS: dict[str, tuple[Any, Any, str, tuple[str, ...]]] = {
    "one coordinate": (rosenbrock, changed(rosenbrock_gradient, (ALL, 3), 1.5), "gradient", ("only at coordinate 3",)),
    "one vector": (rosenbrock, changed(rosenbrock_gradient, 7, -1.0), "gradient", ("sign", "only at point 7")),
    "one entry": (rosenbrock, changed(rosenbrock_gradient, (7, 2), 1 + 1e-6), "gradient", ("point 7, coordinate 2",)),
    "coordinates shifted": (rosenbrock, lambda x: np.roll(rosenbrock_gradient(x), 1, -1), "gradient", ("shifted",)),
    "mean over coordinates": (rosenbrock, lambda x: rosenbrock_gradient(x) / 5, "gradient", ("1/5, one over",)),
    "sum over the batch": (rosenbrock, lambda x: rosenbrock_gradient(x) / 12, "gradient", ("number of points",)),
    "takes no batch": (rosenbrock, lambda x: rosenbrock_gradient(x.T).T if x.ndim > 1 else rosenbrock_gradient(x),
                       "gradient", ("one vector at a time",)),
    "forgot the label": (surprise, softmax, "gradient", ("1 too much", "only at coordinate 1")),
    "sums over the batch": (surprise, lambda z: softmax(z, None if z.ndim == 1 else (0, 1)) - np.eye(5)[1], "gradient",
                            ("one vector at a time",)),
    "transposed": (layer, lambda x: np.swapaxes(layer_jacobian(x), -1, -2), "jacobian", ("transposed",)),
    "transposed weights": (layer, lambda x: (1 - np.tanh(x @ W.T) ** 2)[..., None] * W.T, "jacobian", ()),
    "transposed input": (layer, lambda x: (1 - np.tanh(x @ W) ** 2)[..., None] * W, "jacobian", ()),
    "no chain factor": (layer, lambda x: (1 - np.tanh(x @ W.T) ** 2)[..., None] * np.ones_like(W), "jacobian", ()),
    "one row": (layer, changed(layer_jacobian, (ALL, 2, slice(None)), 0.0), "jacobian", ("is 0 wherever", "at row 2")),
    "one column": (layer, changed(layer_jacobian, (ALL, 4), -1.0), "jacobian", ("sign flipped", "at column 4")),
    "sign of the jacobian": (layer, lambda x: -layer_jacobian(x), "jacobian", ("sign flipped",)),
    "diagonal of the hessian": (cubes, lambda x: 3 * x[..., None] * np.eye(5), "hessian", ()),
    "half the hessian": (cubes, lambda x: np.triu(cubes_hessian(x)), "hessian", ("row 1, column 0",)),
    "beyond a threshold": (rosenbrock, lambda x: rosenbrock_gradient(x) * (1 + (x[..., 2:3] > 0.25)), "gradient",
                           ("factor 2 ", "for x[2] > 0 ")),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED_VECTORS)
def test_planted_mistakes_in_vectors_are_found_and_named(name: str) -> None:
    f, df, of, said = PLANTED_VECTORS[name]
    found = check(f, df, V, of=of)
    assert not found, found
    for words in said:
        assert any(words in pattern for pattern in found.patterns), found


def test_kinks_of_a_gradient() -> None:
    def rectified(x: Any) -> Any:
        return np.sum(np.maximum(x, 0.0), axis=-1)

    x = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0]])
    found = check(rectified, lambda x: x > 0, x, of="gradient")
    assert found.verdict.tolist() == [[3, 0, 0], [0, 3, 3]], found
    assert not check(rectified, lambda x: np.where(x == 0, -0.5, x > 0), x, of="gradient")
    found = check(rectified, lambda x: np.where(x == 0, np.nan, x > 0), x, of="gradient")
    assert found.counts["DISAGREES"] == 3
    assert "wrong only at kinks (3 of 3)" in found.patterns


def test_a_function_of_one_vector_is_called_with_one() -> None:
    def one(x: Any) -> Any:
        assert x.ndim == 1
        return rosenbrock_gradient(x)

    with pytest.raises(AssertionError):
        check(rosenbrock, one, V, of="gradient")

    def shape_of_its_own(x: Any) -> Any:
        return np.array([rosenbrock_gradient(np.array(x))[i] for i in range(5)])

    assert check(rosenbrock, shape_of_its_own, V, of="gradient")


def test_a_transposed_jacobian_that_is_not_square_is_told() -> None:
    with pytest.raises(ValueError, match=r"\(12, 3, 5\); <lambda> gives \(12, 5, 3\). It looks transposed"):
        check(lambda x: np.tanh(x @ W[:3].T), lambda x: np.zeros((12, 5, 3)), V, of="jacobian")


def test_further_arguments_reach_both() -> None:
    def scaled(x: Any, a: float) -> Any:
        return a * np.sum(x * x, axis=-1)

    assert check(scaled, lambda x, a: 2 * a * x, V, 3.0, of="gradient")
    assert not check(scaled, lambda x, a: 2 * x, V, 3.0, of="gradient")


def test_a_gradient_of_one_vector_may_fit_a_batch_by_chance() -> None:
    """Six vectors of six: the mask picks rows of the batch, and the result has the right shape."""
    mask, weights = np.array([1, 0, 1, 1, 0, 1]) > 0, np.arange(1.0, 7.0)

    def masked(x: Any) -> Any:
        return np.sum(weights * x**2) + np.prod(x[mask])

    def masked_gradient(x: Any) -> Any:
        found = 2 * weights * x
        for k in np.flatnonzero(mask):
            found[k] += np.prod([x[j] for j in np.flatnonzero(mask) if j != k])
        return found

    x = np.random.default_rng(0).normal(size=(6, 6))
    assert check(masked, masked_gradient, x, of="gradient").counts["AGREES"] == 36
    assert check(masked, lambda x: -masked_gradient(x), x, of="gradient").counts["DISAGREES"] == 36


def test_a_derivative_whose_decorator_adds_an_argument_is_called_as_it_is() -> None:
    """Its signature is that of the function inside, which takes one more."""

    def with_factor(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*args: Any) -> Any:
            return function(3.0, *args)

        return called

    @with_factor
    def slope(factor: float, x: Any) -> Any:
        return 2 * factor * x

    assert check(lambda x: 3 * x * x, slope, X)
