"""Error bars of stencils, repair at the edge of a domain, bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, covers
from scipy import special

import fastgrad as fg

pytestmark = pytest.mark.machine_code

X = np.linspace(0.3, 3, 50)
BELL = 2 / math.sqrt(math.pi)
RULES = [fg.forward(), fg.backward(2), fg.central(), fg.central(4), fg.forward(4), fg.central(2, 2)]


class Seen:
    """An opaque function that remembers where it was called."""

    def __init__(self, f: Any) -> None:
        self.f, self.low, self.high = f, math.inf, -math.inf

    def __call__(self, x: Any) -> Any:
        finite = np.asarray(x)[np.isfinite(x)]
        if finite.size:
            self.low, self.high = min(self.low, finite.min()), max(self.high, finite.max())
        return self.f(x)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_bars_of_stencils_cover_the_error(rule: fg.Stencil) -> None:
    for f, first, second in (
        (np.sin, np.cos, lambda x: -np.sin(x)),
        (np.exp, np.exp, np.exp),
        (special.erf, lambda x: BELL * np.exp(-x * x), lambda x: -2 * x * BELL * np.exp(-x * x)),
    ):
        found = fg.derivative(f, X, method=rule, full_output=True)
        truth = (first if rule.n == 1 else second)(X)
        covered = abs(found.df - truth) <= found.error
        assert covered.mean() >= 0.96
        assert np.array_equal(found.df, fg.derivative(f, X, method=rule))
        assert found.success.all() and len(set(found.nfev)) == 1


def test_bars_see_noise_inside_f() -> None:
    found = fg.derivative(lambda x: np.exp(np.float32(x)) * 1.0, X, method="central", step=1e-3, full_output=True)
    assert np.mean(abs(found.df - np.exp(X)) <= found.error) > 0.8  # known from nine probes; the rule knows more
    assert np.median(found.error) > 1e-6


@pytest.mark.parametrize("rule", [fg.central(), fg.central(4), fg.central(6)], ids=repr)
def test_bars_cover_oscillations_that_closely_spaced_points_do_not_resolve(rule: fg.Stencil) -> None:
    """At 612,233.46 the sine looked like noise, and the bar was 1,153 times too narrow."""
    x = np.append(10.0 ** np.random.default_rng(12463).uniform(5, 6, 2000), 612233.4654562395)
    for f in (np.sin, Opaque(np.sin)):
        found = fg.derivative(f, x, method=rule, full_output=True)
        off = abs(found.df - np.cos(x))
        assert np.all(off <= found.error) and not found.success.any()


def test_noise_is_no_oscillation() -> None:
    """The bar of noise is not the slope between its values, however close they are."""
    noise = np.random.default_rng(3)
    f = Opaque(lambda x: np.sin(x) + 1e-6 * noise.normal(size=np.shape(x)))
    found = fg.derivative(f, X, method=fg.central(4), full_output=True)
    assert np.all(found.error < 0.1) and np.mean(abs(found.df - np.cos(X)) <= found.error) > 0.9


@pytest.mark.parametrize("rule", [fg.central(), fg.central(4), fg.central(6), fg.forward(4), fg.backward(6)], ids=repr)
def test_what_a_stencil_steps_over_is_in_the_bar_where_the_probes_beside_the_point_see_it(rule: fg.Stencil) -> None:
    # central(6) of x**2 + 1e-9 sin(2e4 x) is off by 2e-5 and had a bar of 1e-9: the next order steps over it too
    for f, slope in (
        (lambda x: x * x + 1e-9 * np.sin(2e4 * x), lambda x: 2 * x + 2e-5 * np.cos(2e4 * x)),
        (lambda x: np.tanh(1e4 * (x - 1.3)), lambda x: 1e4 * (1 - np.tanh(1e4 * (x - 1.3)) ** 2)),
        (lambda x: np.sin(2e3 * x), lambda x: 2e3 * np.cos(2e3 * x)),
    ):
        x = np.concatenate([X, 1.3 + np.linspace(-1e-3, 1e-3, 50)])
        found = fg.derivative(Opaque(f), x, method=rule, full_output=True)
        assert np.mean(abs(found.df - slope(x)) <= found.error) >= 0.95


@pytest.mark.parametrize("rule", [fg.central(4), fg.central(6)], ids=repr)
def test_bars_of_high_orders_are_not_those_of_a_corner_where_there_is_none(rule: fg.Stencil) -> None:
    for f, slope in ((np.sin, np.cos), (np.exp, np.exp)):
        found = fg.derivative(f, X, method=rule, full_output=True)
        assert np.median(found.error / np.abs(slope(X))) < 1e-9  # 5e-8 and 2e-6 before


def test_values_near_zero_that_come_on_a_grid_are_not_taken_for_exact() -> None:
    # Nine equidistant values of a line rounded alike: no noise in their differences. Bars of 8e-16 and 6e-19.
    for f, x, rule, slope in (
        (lambda x: 1e4 * 1.098e-5 * x - 1, 9.106, fg.central(), 1e4 * 1.098e-5),
        (lambda x: x * 2e-6 - 2, 1e6, fg.forward(), 2e-6),
    ):
        found = fg.derivative(Opaque(f), x, method=rule, full_output=True)
        assert abs(found.df - slope) <= found.error < 1e-7 * slope
    for flat in (6.0, 2.0**40):
        found = fg.derivative(Opaque(lambda x, flat=flat: flat + 0 * x), 1.0, method="central", full_output=True)
        assert found.df == 0 and found.error < flat * 1e-8


def test_a_jump_of_the_second_derivative_is_within_the_bar() -> None:
    # the difference from the fourth order is a third of the error there
    found = fg.derivative(lambda x: np.where(x <= 1.0, x * x / 2, x - 0.5), 1.0, method="central", full_output=True)
    assert covers(found, 1.0, 1e-4)


@pytest.mark.parametrize("rule", [fg.central(), fg.central(4), fg.central(6)], ids=repr)
def test_a_corner_within_the_stencil_widens_the_bar(rule: fg.Stencil) -> None:
    # max(x - 100, 0) at 99.999999 had slope 0.499 +- 0.0014 with success: the corner is nearer than the noise probes
    for distance in 100 * 2.0 ** -np.arange(8, 30):
        for x in (100 - distance, 100 + distance):
            found = fg.derivative(lambda x: np.maximum(x - 100, 0.0), x, method=rule, full_output=True)
            truth = float(x > 100)
            if found.status == fg.Status.KINK:  # nearer than the probes can tell
                assert found.left - found.error <= truth <= found.right + found.error
            else:
                wrong = abs(found.df - truth)
                assert wrong <= 1e-6 or (wrong <= 10 * found.error and not found.success)


def test_bars_of_subnormal_values_are_not_zero() -> None:
    x = np.linspace(0.1, 3, 50)
    found = fg.derivative(lambda x: 1e-308 * np.sin(x), x, method="central", full_output=True)
    assert covers(found, 1e-308 * np.cos(x), 1e-315)


@pytest.mark.parametrize("rule", [fg.forward(), fg.forward(2), fg.central(4)], ids=repr)
def test_bars_beside_a_zero_know_the_rounding_at_the_end_of_the_step(rule: fg.Stencil) -> None:
    x = np.array([2.16e-6, -3e-8, 5e-11])
    found = fg.derivative(lambda x: x * x, x, method=rule, step=2.87e-4, full_output=True)
    assert covers(found, 2 * x, 1e-2)


@pytest.mark.parametrize("offsets", [[-3, 1, 3], [-3, -1, 3], [-2, 2], [-0.5, 0.5], [-2, -1, 0, 2], [-1, 0, 3]])
def test_bars_of_stencils_of_any_offsets(offsets: list[float]) -> None:
    # those that reach as far to both sides without being symmetric raised KeyError
    found = fg.derivative(np.sin, X, method=fg.Stencil(offsets), full_output=True)
    assert np.mean(abs(found.df - np.cos(X)) <= found.error) > 0.96 and found.success.all()


def test_a_symmetric_stencil_at_a_kink_says_so() -> None:
    found = fg.derivative(abs, [-1.0, 0.0, 1.0], method="central", full_output=True)
    assert found.status.tolist() == [fg.Status.CONVERGED, fg.Status.KINK, fg.Status.CONVERGED]
    assert (found.left[1], found.df[1], found.right[1]) == (-1.0, 0.0, 1.0)


@pytest.mark.parametrize("f", [np.log, lambda x: np.log(x), Seen(np.log)])
@pytest.mark.parametrize("rule", [fg.central(), fg.central(6), fg.backward(3)], ids=repr)
def test_stencils_that_leave_the_domain_are_repaired_there_only(f: Any, rule: fg.Stencil) -> None:
    x = np.array([1e-9, 2.0, 3e-7, 5.0, -1.0])
    found = fg.derivative(f, x, method=rule)
    assert found[[0, 2]] == pytest.approx(1 / x[[0, 2]], rel=1e-7)
    assert math.isnan(found[4])
    assert np.array_equal(found[[1, 3]], fg.derivative(f, x[[1, 3]], method=rule))
    assert fg.derivative(f, 1e-9, method=rule) == found[0]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("method", "x"), [("forward", 1.0), ("backward", 0.0), (fg.forward(2), 1.0)])
def test_at_a_bound_a_one_sided_stencil_turns_inside(method: Any, x: float, full: bool) -> None:
    """It kept to its side, where there was nothing, and gave NaN."""
    for f in (lambda x: math.exp(x), Seen(np.exp)):
        found = fg.derivative(f, [x, 0.5], method=method, bounds=(0, 1), full_output=full)
        df = found.df if isinstance(found, fg.Estimate) else found
        assert df == pytest.approx(np.exp([x, 0.5]), rel=1e-6)
    found = fg.gradient(lambda v: math.exp(v[0]) + v[1], [x, 0.5], method=method, bounds=(0, 1))
    assert found == pytest.approx([math.exp(x), 1.0], rel=1e-6)


def test_a_bar_is_a_number_where_the_next_order_leaves_the_domain() -> None:
    found = fg.derivative(lambda x: np.sqrt(1 - x), 1 - np.logspace(-9, -3, 61), method="forward", full_output=True)
    assert not np.isnan(found.error).any()
    assert np.isinf(found.error).any() and not found.success[np.isinf(found.error)].any()


@pytest.mark.parametrize("of", ["derivative", "gradient"])
def test_a_relative_step_is_relative_where_a_bound_cuts_the_stencil(of: str) -> None:
    """The adaptive rule took it as an absolute one: an error of 4e-6 where 1e-11 was possible."""
    x, options = 4e5, {"method": "central", "rel_step": 1e-3, "bounds": (4e5, 1e6), "full_output": True}
    for f in (lambda x: np.sin(1e-5 * x), Opaque(lambda x: np.sin(1e-5 * x))):
        if of == "derivative":
            found = fg.derivative(f, x, **options)
        else:
            found = fg.gradient(lambda v, f=f: f(v[..., 0]), [x], **options)
        assert np.all(found.success)
        assert np.all(abs(found.df - 1e-5 * math.cos(4)) < 1e-15)


def test_a_step_that_was_given_is_taken_as_it_is() -> None:
    assert math.isnan(fg.derivative(np.log, 1e-9, method="central", step=1e-6))


@pytest.mark.parametrize(
    "method", ["adaptive", "central", "forward", "backward", fg.central(6), fg.adaptive(side="left")]
)
def test_bounds_hold_to_the_last_bit(method: Any) -> None:
    for low, high in ((0.0, 1.0), (0.1, 0.3), (1e8, 1e8 + 1)):
        f = Seen(np.sqrt)
        x = np.linspace(low, high, 23)
        found = fg.derivative(f, x, method=method, bounds=(low, high))
        assert f.low >= low and f.high <= high
        inner = slice(5, -5)
        assert found[inner] == pytest.approx(0.5 / np.sqrt(x[inner]), rel=1e-5)


def test_points_outside_the_bounds_are_nan_and_not_evaluated() -> None:
    f = Seen(np.exp)
    found = fg.derivative(f, [-1.0, 0.5, 2.0], bounds=(0, 1), full_output=True)
    assert found.status.tolist() == [fg.Status.NONFINITE, fg.Status.CONVERGED, fg.Status.NONFINITE]
    assert np.isnan(found.df).tolist() == [True, False, True] and abs(found.df[1] - math.exp(0.5)) < 1e-10
    assert f.low >= 0 and f.high <= 1


EDGES: dict[str, Callable[[Any], Any]] = {
    "abs": lambda x: np.abs(x), "relu": lambda x: np.maximum(x, 0.0),
    "corner": lambda x: np.abs(x - 0.5) * x + np.exp(x),
    "pole": lambda x: 1 / x, "double pole": lambda x: 1 / x**2, "log": lambda x: np.log(x),
    "sqrt": lambda x: np.sqrt(x),
    "cusp": lambda x: np.sqrt(np.abs(x)), "steps": lambda x: np.floor(x),
    "smooth": lambda x: np.sin(x) * np.exp(-x * x),
}  # fmt: skip


@pytest.mark.parametrize("rule", [
    fg.forward(), fg.backward(), fg.central(), fg.central(4), fg.central(2, n=2), fg.forward(2),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", EDGES)
def test_a_bar_does_not_change_the_derivative(name: str, rule: fg.Stencil) -> None:
    """A stencil is a stencil: at kinks and poles too it gives what it gives without a bar, to the last bit."""
    rng = np.random.default_rng(5)
    special_points = [0.0, 0.5, 1e-9, -1e-6, 3e-6, 1.0, 2.0, 1e-300, 1e6, np.inf, np.nan]
    x = np.concatenate([special_points, rng.normal(size=60), 0.5 + 1e-6 * rng.normal(size=10)])
    called = Opaque(EDGES[name])
    ways: list[tuple[Any, dict[str, float]]] = [(called, {}), (called, {"step": 1e-3})]
    ways.append((called, {"rel_step": 2.0**-12}))
    if rule == fg.central():
        ways.append((EDGES[name], {}))
    for f, given in ways:
        plain = fg.derivative(f, x, method=rule, **given)
        made = fg.derivative(f, x, method=rule, full_output=True, **given)
        assert np.array_equal(plain, made.df, equal_nan=True)


def test_the_bar_at_a_kink_covers_the_mean_of_both_sides() -> None:
    x = np.concatenate([[0.0], 1e-9 * np.linspace(-1, 1, 7)])
    made = fg.derivative(lambda x: np.abs(x) + x, x, method="central", full_output=True)
    kinks = made.status == fg.Status.KINK
    assert kinks[0]
    assert np.all(np.abs(made.df - (made.left + made.right) / 2)[kinks] <= made.error[kinks])
