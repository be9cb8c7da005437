"""The complex step: exact where it applies, refused where it does not."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

pytestmark = pytest.mark.machine_code

X = np.linspace(-2, 2, 41)


def test_exact_to_rounding_for_analytic_functions() -> None:
    for f, df in ((np.exp, np.exp), (np.sin, np.cos), (lambda x: x**3 - x, lambda x: 3 * x**2 - 1)):
        error = abs(fg.derivative(f, X, method="complex") - df(X))
        assert np.max(error / np.maximum(abs(df(X)), 1)) < 4e-16


def test_the_example_of_squire_and_trapp() -> None:
    def f(x: Any) -> Any:
        return np.exp(x) / (np.cos(x) ** 3 + np.sin(x) ** 3)

    assert fg.derivative(f, 1.5, method=fg.complex_step()) == pytest.approx(3.6220337007163259, rel=1e-15)


def test_arguments_broadcast_and_the_others_stay_real() -> None:
    found = fg.derivative(lambda x, y: x * x * y, X[:, None], np.arange(3.0), wrt=1, method="complex")
    assert np.array_equal(found, np.broadcast_to(X[:, None] ** 2, (41, 3)))
    assert fg.derivative(np.sin, np.empty((0, 3)), method="complex").shape == (0, 3)
    assert np.isnan(fg.derivative(np.exp, [math.nan, math.inf, 0.0], method="complex")).tolist() == [True, True, False]
    assert fg.derivative(np.log, 1e-250, method="complex") == pytest.approx(1e250, rel=1e-15)


@pytest.mark.parametrize("f", [np.abs, lambda x: np.maximum(np.real(x), 0) + 0 * x, np.real, lambda x: x * np.conj(x)])
def test_functions_that_are_not_analytic_are_refused(f: Any) -> None:
    with pytest.raises(ValueError, match="`f` must be analytic"):
        fg.derivative(f, X, method="complex")


@pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")  # before NumPy 2.4, of math.exp
def test_functions_that_take_real_numbers_only_are_refused() -> None:
    with pytest.raises(TypeError, match="`f` must accept complex numbers"):
        fg.derivative(lambda x: math.exp(x), 0.5, method="complex")


def test_step_and_bar_do_not_go_with_it() -> None:
    for given in ({"step": 1e-3}, {"full_output": True}):
        with pytest.raises(ValueError, match="`step` and `full_output`"):
            fg.derivative(np.sin, X, method="complex", **given)


def test_the_rule_is_a_value() -> None:
    rule = fg.complex_step()
    assert repr(rule) == "complex_step()" and eval(repr(rule), vars(fg)) == rule == pickle.loads(pickle.dumps(rule))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_that_are_not_real_were_taken_for_slopes() -> None:
    """The root of -1 has the imaginary part 1, and its derivative was 1e100."""
    for f in (np.sqrt, np.log):
        assert np.isnan(fg.derivative(f, [-1.0, 0.0, 4.0], method="complex")).tolist() == [True, True, False]
    assert np.isnan(fg.gradient(lambda v: np.sqrt(v[0]) + v[1], [-1.0, 2.0], method="complex")).all()
    with pytest.raises(ValueError, match="complex values in it"):
        fg.derivative(lambda x: np.exp(1j * x), X, method="complex")


def test_zeros_keep_their_slopes() -> None:
    """A value of 0 is small beside the step."""
    assert fg.derivative(lambda x: 3 * x, 0.0, method="complex") == 3
    assert abs(fg.derivative(lambda x: x**1.5, 0.0, method="complex")) < 1e-40
    assert np.array_equal(fg.jacobian(lambda v: v - 1.0, np.ones(2), method="complex"), np.eye(2))


@pytest.mark.parametrize("x", [1e-295, 1e-300, 1e-305, 1e-310, 5e-324])
def test_products_with_steps_beside_tiny_points_keep_their_digits(x: float) -> None:
    """Steps of 2^-60 of the point lost digits below 1e-290, and were 0 below 1e-306."""
    assert fg.derivative(lambda t: 0.3 * t, x, method="complex") == pytest.approx(0.3, rel=1e-14)
    assert fg.derivative(np.sin, x, method="complex") == 1


def test_points_on_a_bound_keep_the_complex_step() -> None:
    """A complex number was clipped to the bound, and lost its imaginary part: the coordinate did not count."""
    x, v = [0.5, 1.0], [1.0, 2.0]
    found = fg.directional(lambda v: np.sum(np.exp(v), axis=-1), x, v, method="complex", bounds=(0, 1))
    assert found == pytest.approx(np.exp(0.5) + 2 * np.exp(1.0), rel=1e-15)
