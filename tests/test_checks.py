"""The check: right derivatives pass, planted mistakes are found and named, bad input is told so."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque

from fastgrad import Verdict
from fastgrad.checks import check
from fastgrad.corpus import CASES, batched, sides, truth

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
    seen = undecided = 0
    for case in CASES:
        exact, (left, right) = truth(case), sides(case)
        here = np.isfinite(exact)
        both = np.isfinite(left) & np.isfinite(right) & ~here
        exact = np.where(here, exact, np.where(both, (left + right) / 2, np.nan))
        found = check(Opaque(batched(case.f)), exact, case.x)
        assert found or case.name in inexact, found
        seen += found.verdict.size
        undecided += found.counts["UNDECIDED"]
        if case.name in inexact:
            assert found or "`f` itself is inexact" in repr(found), found
    assert seen == 5483
    assert undecided < 0.015 * seen


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
    "at one point only": (wave, one_off(7, 0.5), (X,), ("only at point 7",)),
    "at the last point only": (wave, one_off(-1, -1.0), (X,), ("only at point 39",)),
    "one nan": (wave, one_off(3, math.nan), (X,), ("NaN at 1 of 40", "only at point 3")),
    "stale": (wave, Stale(), (X,), ("remembers",)),
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
