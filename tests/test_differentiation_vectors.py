"""Functions of a vector: laws that hold for every rule and engine, layouts, hessians, bounds."""

from __future__ import annotations

import functools
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, covers
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg

pytestmark = pytest.mark.machine_code

EPS = float(np.finfo(float).eps)
RULES = ("adaptive", "central", "forward", "backward", "complex")
SECOND = ("adaptive", "central", "forward", "backward")
WITHIN = {"adaptive": 1e-12, "central": 1e-8, "forward": 1e-5, "backward": 1e-5, "complex": 1e-14}
WITHIN_SECOND = {"adaptive": 1e-10, "central": 1e-6, "forward": 1e-3, "backward": 1e-3}


def rosenbrock(v: Any) -> Any:
    return np.sum(100.0 * (v[..., 1:] - v[..., :-1] ** 2) ** 2 + (1.0 - v[..., :-1]) ** 2, axis=-1)


def rosenbrock_slope(v: Any) -> Any:
    slope = np.zeros_like(v)
    gap = v[..., 1:] - v[..., :-1] ** 2
    slope[..., :-1] = -400 * v[..., :-1] * gap - 2 * (1 - v[..., :-1])
    slope[..., 1:] += 200 * gap
    return slope


def rosenbrock_bend(v: Any) -> Any:
    d = v.shape[-1]
    bend = np.zeros((*v.shape, d))
    i = np.arange(d - 1)
    bend[..., i, i] = 1200 * v[..., :-1] ** 2 - 400 * v[..., 1:] + 2
    bend[..., i + 1, i + 1] += 200
    bend[..., i, i + 1] = bend[..., i + 1, i] = -400 * v[..., :-1]
    return bend


def spiral(v: Any) -> Any:
    return np.stack([v[..., 0] * np.cos(v[..., 1]), np.exp(v[..., 0] * v[..., 2]), v[..., 2] / v[..., 0]], axis=-1)


def spiral_slope(v: Any) -> Any:
    a, b, c = v[..., 0], v[..., 1], v[..., 2]
    e, o = np.exp(a * c), np.zeros_like(a)
    rows = [[np.cos(b), -a * np.sin(b), o], [c * e, o, a * e], [-c / a**2, o, 1 / a]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def plain(v: Any) -> Any:
    """`spiral` as Numba takes it."""
    return v[0] * np.cos(v[1]), np.exp(v[0] * v[2]), v[2] / v[0]


POINTS = np.random.default_rng(7).normal(size=(4, 3, 5))
PLACES = np.random.default_rng(8).uniform(0.5, 2.0, (4, 3, 3))
VECTORS = np.random.default_rng(9).normal(size=(4, 3, 5))
OPAQUE_ROSENBROCK, OPAQUE_SPIRAL = Opaque(rosenbrock), Opaque(spiral)


def off(found: Any, truth: Any) -> float:
    assert found.shape == truth.shape
    return float(np.max(np.abs(found - truth)) / np.max(np.abs(truth)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("f", [rosenbrock, OPAQUE_ROSENBROCK], ids=["compiled", "called"])
def test_gradient(rule: str, f: Any) -> None:
    assert off(fg.gradient(f, POINTS, method=rule), rosenbrock_slope(POINTS)) < WITHIN[rule]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("f", [plain, OPAQUE_SPIRAL], ids=["compiled", "called"])
def test_jacobian(rule: str, f: Any) -> None:
    assert off(fg.jacobian(f, PLACES, method=rule), spiral_slope(PLACES)) < WITHIN[rule]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("f", [plain, OPAQUE_SPIRAL], ids=["compiled", "called"])
def test_directional(rule: str, f: Any) -> None:
    v = VECTORS[..., :3]
    truth = (spiral_slope(PLACES) @ v[..., None])[..., 0]
    assert off(fg.directional(f, PLACES, v, method=rule), truth) < WITHIN[rule]
    for length in (2.0**-40, 2.0**40):  # a power of two changes nothing else
        np.testing.assert_array_equal(
            fg.directional(f, PLACES, v * length, method=rule), length * fg.directional(f, PLACES, v, method=rule)
        )


@pytest.mark.parametrize("rule", SECOND)
@pytest.mark.parametrize("f", [rosenbrock, OPAQUE_ROSENBROCK], ids=["compiled", "called"])
def test_hessian(rule: str, f: Any) -> None:
    truth = rosenbrock_bend(POINTS)
    found = fg.hessian(f, POINTS, method=rule)
    assert off(found, truth) < WITHIN_SECOND[rule]
    np.testing.assert_array_equal(found, np.swapaxes(found, -1, -2))
    diagonal = fg.hessian(f, POINTS, method=rule, diagonal=True)
    np.testing.assert_array_equal(diagonal, np.diagonal(found, axis1=-2, axis2=-1))
    product = fg.hessian_vector(f, POINTS, VECTORS, method=rule)
    assert off(product, (truth @ VECTORS[..., None])[..., 0]) < WITHIN_SECOND[rule]


@pytest.mark.parametrize("rule", ["adaptive", "central", fg.forward(order=3)])
@pytest.mark.parametrize("f", [plain, OPAQUE_SPIRAL], ids=["compiled", "called"])
def test_batch_equals_loop(rule: Any, f: Any) -> None:
    found = fg.jacobian(f, PLACES, method=rule)
    for at in np.ndindex(PLACES.shape[:-1]):
        np.testing.assert_array_equal(found[at], fg.jacobian(f, PLACES[at], method=rule))
    order = np.random.default_rng(1).permutation(12)
    flat = PLACES.reshape(12, 3)
    np.testing.assert_array_equal(fg.jacobian(f, flat[order], method=rule), found.reshape(12, 3, 3)[order])


@pytest.mark.parametrize("rule", ["adaptive", "central", "forward", fg.central(order=4)])
def test_one_coordinate_is_derivative(rule: Any) -> None:
    x = np.random.default_rng(2).uniform(0.1, 30.0, 40)
    found = fg.gradient(Opaque(lambda v: np.sin(v[..., 0])), x[:, None], method=rule)[:, 0]
    np.testing.assert_array_equal(found, fg.derivative(Opaque(np.sin), x, method=rule))


@given(
    st.lists(st.integers(-40, 40), min_size=3, max_size=3),
    st.integers(-30, 30),
    st.sampled_from(["adaptive", "central", "backward"]),
)
def test_linear_functions_are_exact(slopes: list[int], size: int, rule: str) -> None:
    # sums of whole numbers times powers of two: no rounding anywhere but in the adaptive rule's own arithmetic
    a = np.array(slopes, dtype=float)
    x = np.array([1.0, -3.0, 0.5]) * 2.0 ** (size % 8)
    found = fg.gradient(lambda v, a: a[0] * v[0] + a[1] * v[1] + a[2] * v[2], x, args=(a,), method=rule)
    np.testing.assert_allclose(found, a, rtol=0, atol=64 * EPS * 40 * 2.0**8)


@pytest.mark.parametrize("f", [rosenbrock, OPAQUE_ROSENBROCK], ids=["compiled", "called"])
def test_bars_cover(f: Any) -> None:
    for rule in ("adaptive", "central", "forward"):
        found = fg.gradient(f, POINTS, method=rule, full_output=True)
        assert found.df.shape == found.error.shape == found.status.shape == found.nfev.shape == POINTS.shape
        assert np.mean(np.abs(found.df - rosenbrock_slope(POINTS)) <= found.error) > 0.98
    found = fg.hessian(f, POINTS, full_output=True)
    assert np.mean(np.abs(found.df - rosenbrock_bend(POINTS)) <= found.error) > 0.98
    assert found.success.all()


def scales(v: Any) -> Any:
    return v[..., 0] ** 2 * np.sin(1e10 * v[..., 1])


@pytest.mark.parametrize("f", [scales, Opaque(scales)], ids=["compiled", "called"])
def test_tiny_beside_huge(f: Any) -> None:
    x = np.array([1e10, 1e-10])
    np.testing.assert_allclose(fg.gradient(f, x), [2e10 * np.sin(1), 1e30 * np.cos(1)], rtol=1e-12)
    bend = [[2 * np.sin(1), 2e20 * np.cos(1)], [2e20 * np.cos(1), -1e40 * np.sin(1)]]
    np.testing.assert_allclose(fg.hessian(f, x), bend, rtol=1e-10)
    product = fg.hessian_vector(f, x, [1e10, 1e-10])
    np.testing.assert_allclose(product, np.array(bend) @ [1e10, 1e-10], rtol=1e-9)


def test_kinks_and_ends_of_the_domain() -> None:
    found = fg.jacobian(lambda v: (abs(v[0]), np.sqrt(v[1])), [0.0, 0.0], full_output=True)
    assert found.status[0, 0] == fg.Status.KINK
    assert (found.left[0, 0], found.right[0, 0]) == (-1.0, 1.0)
    for f in (lambda v: np.sqrt(v[0]) * v[1], Opaque(lambda v: np.sqrt(v[0]) * v[1])):
        found = fg.gradient(f, [[1e-9, 2.0], [4.0, 1.0]], method="central")
        np.testing.assert_allclose(found[:, 0], [1 / np.sqrt(1e-9), 0.25], rtol=1e-7)
        np.testing.assert_array_equal(found[1], fg.gradient(f, [4.0, 1.0], method="central"))


@pytest.mark.parametrize("opaque", [False, True])
def test_one_bad_point_alone(opaque: bool) -> None:
    def f(v: Any) -> Any:
        return np.where(v[..., 0] > 3.0, np.nan, v[..., 0] ** 2 + v[..., 1])

    x = np.array([[1.0, 2.0], [5.0, 1.0], [np.nan, 1.0], [2.0, 3.0]])
    for rule in ("adaptive", "central"):
        found = fg.gradient(Opaque(f) if opaque else f, x, method=rule)
        np.testing.assert_allclose(found[[0, 3]], [[2.0, 1.0], [4.0, 1.0]], rtol=1e-9)
        assert np.isnan(found[1:3]).all()


def within(seen: list[Any]) -> Any:
    """A function that is defined from 0 to 1 and records where it was evaluated."""

    def f(v: Any) -> Any:
        seen.append(np.array(v))
        return np.sqrt(v[..., 0]) * (2.0 - v[..., 1]) ** 2

    return Opaque(f)


@pytest.mark.parametrize("rule", ["adaptive", "central", "forward"])
def test_bounds(rule: str) -> None:
    seen: list[Any] = []
    f = within(seen)
    x = np.array([[0.25, 1.0], [1.0, 0.5], [0.5, 0.0], [1.0, 1.0]])
    a, b = x[:, 0], 2.0 - x[:, 1]
    slope = np.stack([b**2 / (2 * np.sqrt(a)), -2 * b * np.sqrt(a)], axis=-1)
    found = fg.gradient(f, x, method=rule, bounds=(0.0, 1.0))
    inside = np.isfinite(found) if rule == "forward" else np.ones((4, 2), dtype=bool)
    np.testing.assert_allclose(found[inside], slope[inside], rtol=1e-5)
    assert inside.sum() >= 4
    if rule == "adaptive":
        bend = np.array([[-(b**2) / (4 * a**1.5), -b / np.sqrt(a)], [-b / np.sqrt(a), 2 * np.sqrt(a)]])
        bend = bend.transpose(2, 0, 1)
        np.testing.assert_allclose(fg.hessian(f, x, bounds=([0, 0], [1, 1])), bend, rtol=1e-7)
        np.testing.assert_allclose(fg.directional(f, x, [0.0, 1.0], bounds=(0, 1)), slope[:, 1], rtol=1e-8)
        compiled = fg.hessian(lambda v: np.sqrt(v[0]) * (2.0 - v[1]) ** 2, x, bounds=([0, 0], [1, 1]))
        np.testing.assert_allclose(compiled, bend, rtol=1e-7)
    for v in map(np.atleast_2d, seen):
        assert np.all((v >= 0.0) & (v <= 1.0))


@pytest.mark.parametrize("x", [[[5.0, 0.5]], [[0.5, 0.25], [5.0, 0.5]]])
def test_several_results_at_points_outside_the_bounds(x: list[list[float]]) -> None:
    jacobian = fg.jacobian(lambda v: np.array([v[0] * v[1], v[0]]), x, method="central", bounds=(-1, 1))
    exact = [[[b, a], [1.0, 0.0]] if a < 1 else np.full((2, 2), np.nan) for a, b in x]
    np.testing.assert_allclose(jacobian, exact, atol=1e-9)


def test_outside_the_bounds_f_is_not_called() -> None:
    seen: list[Any] = []
    found = fg.gradient(within(seen), [[0.5, 0.5], [2.0, 0.5]], bounds=(0.0, 1.0))
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[0]).all()
    assert max(np.max(v) for v in seen) <= 1.0


def test_steps_of_every_coordinate() -> None:
    x, cube = [0.5, 2.0], Opaque(lambda v: v[..., 0] ** 3 + v[..., 1] ** 3)
    for f in (cube, cube.f):
        found = fg.gradient(f, x, method="central", step=[0.125, 0.25])
        np.testing.assert_allclose(found, [0.75 + 0.125**2, 12.0 + 0.25**2], rtol=1e-14)
        found = fg.gradient(f, x, method="central", rel_step=0.125)
        np.testing.assert_allclose(found, [0.75 + 0.125**2, 12.0 + 0.25**2], rtol=1e-14)
        found = fg.hessian(f, x, method="central", step=0.125)
        np.testing.assert_allclose(found, [[3.0, 0.0], [0.0, 12.0]], atol=1e-11)
    seen: list[Any] = []
    f = Opaque(lambda v: (seen.append(v), np.sum(v * v, axis=-1))[1])
    fg.gradient(f, x)
    seen.clear()
    fg.gradient(f, x, step=2.0**-10)  # the largest one, for the adaptive rule
    assert 0 < np.max(np.abs(np.concatenate([np.atleast_2d(v) for v in seen]) - x)) <= 2.0**-10


def test_shapes_and_types() -> None:
    def f(v: Any) -> Any:
        return v[..., 0] * v[..., 0]

    for g in (f, Opaque(f)):
        assert fg.gradient(g, [3]).shape == (1,)
        assert fg.gradient(g, np.zeros((0, 2))).shape == (0, 2)
        assert fg.gradient(g, np.zeros((2, 0, 3))).shape == (2, 0, 3)
        assert fg.jacobian(g, np.ones((2, 1))).shape == (2, 1, 1)
        assert fg.hessian(g, np.zeros((0, 2))).shape == (0, 2, 2)
        assert fg.hessian_vector(g, np.zeros((0, 2)), np.ones(2)).shape == (0, 2)
        assert fg.directional(g, np.ones((5, 2)), np.ones(2)).shape == (5,)
        assert fg.directional(g, np.ones(2), np.ones((5, 2))).shape == (5,)
        narrow = fg.gradient(g, np.array([3.0, 4.0], dtype=np.float32))
        assert narrow.dtype == np.float32
        np.testing.assert_array_equal(narrow, np.array([6.0, 0.0], dtype=np.float32))
        strided = np.arange(24.0).reshape(4, 6)[::2, ::-3]
        frozen = strided.copy()
        frozen.setflags(write=False)
        np.testing.assert_array_equal(fg.gradient(g, strided), fg.gradient(g, frozen))
    assert fg.gradient(lambda v: 1.0, np.zeros(0)).shape == (0,)
    assert fg.jacobian(lambda v: np.ones(2), np.zeros((3, 0))).shape == (3, 2, 0)
    assert fg.hessian(lambda v: 1.0, np.zeros(0)).shape == (0, 0)
    assert fg.jacobian(Opaque(lambda v: v[..., :1] * 2.0), [3.0, 4.0]).shape == (1, 2)


def test_product_with_zero() -> None:
    """The first that a solver of equations asks for."""
    points = [[0.5, 0.9], [-1.0, 2.0], [0.5, 0.9]]
    for f in (lambda v: np.log(v[0]) * v[1], Opaque(lambda v: np.log(v[..., 0]) * v[..., 1])):
        found = fg.hessian_vector(f, points, [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]], full_output=True)
        np.testing.assert_allclose(found.df, [[0, 0], [np.nan, np.nan], [-3.6, 2]], rtol=1e-9)
        assert found.success[:, 0].tolist() == [True, False, True] and found.error[0].tolist() == [0, 0]
        assert fg.hessian_vector(f, points[0], [0.0, 0.0], method="central").tolist() == [0, 0]


def test_complex_values() -> None:
    def f(v: Any) -> Any:
        return np.exp(1j * v[0]) * v[1]

    exact = np.array([1j * np.exp(0.5j) * 3.0, np.exp(0.5j)])
    for g in (f, Opaque(f)):
        for rule in ("adaptive", "central"):
            np.testing.assert_allclose(fg.gradient(g, [0.5, 3.0], method=rule), exact, rtol=1e-8)
        found = fg.gradient(g, [0.5, 3.0], full_output=True)
        assert covers(found, exact, 1e-11)


def test_complex_step_is_checked() -> None:
    with pytest.raises(ValueError, match="analytic"):
        fg.gradient(Opaque(lambda v: abs(v[0]) * v[1]), [-2.0, 1.0], method="complex")
    with pytest.raises(ValueError, match="second derivatives"):
        fg.hessian(rosenbrock, POINTS, method="complex")


def test_threads_change_nothing() -> None:
    x = np.random.default_rng(4).normal(size=(40_000, 3)) + 3.0
    for rule in ("adaptive", "central"):
        found = [fg.jacobian(plain, x, method=rule, workers=workers) for workers in (1, 3)]
        np.testing.assert_array_equal(*found)


def test_memory_stays_flat() -> None:
    x = np.random.default_rng(5).normal(size=(4000, 50))
    f = Opaque(lambda v: np.sum(np.sin(v), axis=-1))
    fg.gradient(f, x[:3], method="central")
    for rule, points in (("central", x), ("adaptive", x[:400])):
        tracemalloc.start()
        try:
            found = fg.gradient(f, points, method=rule)
            peak = tracemalloc.get_traced_memory()[1] - found.nbytes
        finally:
            tracemalloc.stop()
        assert peak < 24 * 2**20  # the d-fold batch alone would be 80 million bytes
        np.testing.assert_allclose(found, np.cos(points), atol=1e-8)


@pytest.mark.parametrize("options", [{}, {"bounds": (-2, 2)}, {"full_output": True}])
def test_blocks_of_the_adaptive_rule_use_little_memory(options: dict[str, Any]) -> None:
    """Most entries stay open after the first round; blocks with bounds took 85 MiB."""

    def f(v: Any) -> Any:
        wave = np.sin(np.floor(30 * v[2]) + v[0])
        return np.stack([np.abs(v[0] * v[1]) + wave, np.abs(v[1] - v[2]) ** 0.5])

    x = np.random.default_rng(0).uniform(-1, 1, (140_000, 3))
    fg.jacobian(f, x[:1000], **options)
    tracemalloc.start()
    try:
        found = fg.jacobian(f, x, **options)
        size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None and peak - size < 64 * 2**20


def test_work_of_a_hessian() -> None:
    f = Opaque(rosenbrock)
    fg.hessian(f, np.ones(6))
    f.sizes.clear()
    fg.hessian(f, np.ones(6) * 1.5, method="central")
    assert sum(f.sizes) // 6 <= 4 * 15 + 2 * 6 + 2 * 15 + 6  # four for each pair; the point itself once a line


def test_optimisers_take_it() -> None:
    from scipy.optimize import minimize

    jac, hess = (pickle.loads(pickle.dumps(functools.partial(g, rosenbrock))) for g in (fg.gradient, fg.hessian))
    slope = jac(np.zeros(5))
    assert slope.dtype == np.float64 and slope.shape == (5,)
    found = minimize(rosenbrock, np.zeros(5), jac=jac, hess=hess, method="trust-exact", options={"gtol": 1e-12})
    assert np.max(np.abs(found.x - 1)) < 1e-10


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-200])
@pytest.mark.parametrize("x", [(-0.5, 0.0), (0.0, 1.0), (0.0, 0.0), (3.0, -2.0)])
def test_product_with_a_hessian_where_f_is_flat_along_an_axis(x: Any, scale: float) -> None:
    """The product for ``x y`` at y = 0 was 0 in place of -2, as a success with a bar of 1e147."""
    for f, exact in (
        (lambda v: scale * v[0] * v[1], [[0, 1], [1, 0]]),
        (lambda v: scale * v[0] ** 2 * v[1], [[2 * x[1], 2 * x[0]], [2 * x[0], 0]]),
    ):
        for v in ([2.0, -1.0], [1e-5, 1e5], [0.0, 1.0]):
            found = fg.hessian_vector(f, x, v, full_output=True)
            wanted = scale * np.array(exact) @ v
            assert np.all(abs(found.df - wanted) <= found.error)
            assert np.all(found.error <= 1e-6 * scale * np.max(np.abs(v)))
        hessian = fg.hessian(f, x, full_output=True)
        assert covers(hessian, scale * np.array(exact), 1e-10 * scale)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fg.gradient(rosenbrock, 3.0), ValueError, "`x` must be a vector"),
        (lambda: fg.gradient(rosenbrock, [1j, 2.0]), TypeError, "`x` must be an array of real numbers"),
        (lambda: fg.gradient(lambda v: v, [1.0, 2.0]), ValueError, "Use `jacobian`"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], step=-1.0), ValueError, "`step`"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], step=[1, 2, 3]), ValueError, "`step` must broadcast"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], step=1, rel_step=1), ValueError, "exclude each other"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], bounds=(1, 0)), ValueError, "low <= high"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], bounds=([0, 0, 0], 1)), ValueError, r"`bounds\[0\]`"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], method="newton"), ValueError, "`method`"),
        (lambda: fg.gradient(rosenbrock, [1.0, 2.0], workers=0), ValueError, "`workers`"),
        (lambda: fg.directional(rosenbrock, [1.0, 2.0], [1, 2, 3]), ValueError, "`v` must broadcast"),
        # a number, or one coordinate, was taken for as many equal ones
        (lambda: fg.directional(rosenbrock, 3.0, [1, 2]), ValueError, "`x` must be a vector"),
        (lambda: fg.hessian_vector(rosenbrock, [1.0, 2.0], 1.0), ValueError, "`v` must be a vector"),
        (lambda: fg.directional(rosenbrock, [[1.0], [2.0]], [1, 2]), ValueError, "`v` must broadcast"),
        (lambda: fg.hessian(rosenbrock, [1.0, 2.0], method=fg.central(n=3)), ValueError, "second derivatives"),
    ],
)
def test_refusals(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_mixed_derivatives_that_rounding_hides_say_so() -> None:
    """Beside values of 1e10 the difference was exactly 0, and so was its bar."""

    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = np.array([110.979, 0.00045756, -2.49013e-05, 0.3, 0.2])
    found = fg.hessian(rosenbrock, x, full_output=True)
    assert abs(found.df[1, 2] + 400 * x[1]) <= found.error[1, 2] <= 1e-3


@pytest.mark.parametrize("opaque", [False, True], ids=["compiled", "called"])
@pytest.mark.parametrize("large", [1e2, 1e3, 1e4, 1e5, 1e6])
def test_mixed_derivatives_beside_large_values_are_not_zero(large: float, opaque: bool) -> None:
    """They came out as 0 with success: the adaptive rule took the rounding of 1e8 for that of a difference near 0."""

    def f(v: Any) -> Any:
        return v[0] * v[2] + v[1] ** 2

    g = Opaque(f) if opaque else f
    x = np.array([0.7, large, -1.2])
    wanted = np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 0.0], [1.0, 0.0, 0.0]])
    found = fg.hessian(g, x, full_output=True)
    assert np.all(abs(found.df - wanted) <= np.minimum(found.error, 1e-3))
    for v in ([-1.0, 0.0, 1.0], [-1.0, 0.0, 0.0]):
        product = fg.hessian_vector(g, x, v, full_output=True)
        assert np.all(abs(product.df - wanted @ v) <= np.minimum(product.error, 1e-3))


@pytest.mark.parametrize("full_output", [False, True])
@pytest.mark.parametrize("made", [lambda f: f, Opaque], ids=["compiled", "called"])
def test_a_hessian_whose_stencil_leaves_the_domain_knows_how_far_to_go(made: Any, full_output: bool) -> None:
    # central answered 0 +- 0 and 1 +- 1e-7 with success, for 5.4e9 and 1.6e12: the lengths of the stencil were kept
    for f, x, mixed in (
        (lambda x: x[1] ** 2 * np.exp(x[0] * 1e9), [1e-9, 1.0], 2e9 * np.exp(1.0)),
        (lambda x: np.log(x[0]) * np.sqrt(x[1]) + x[0] * x[1], [1e-20, 1e15], 0.5 / 1e-20 / 1e15**0.5),
    ):
        x = np.array([x, x])
        found = fg.hessian(made(f), x, method="central", full_output=full_output)
        df = found.df if full_output else found
        np.testing.assert_allclose(df[:, 0, 1], mixed, rtol=1e-8)
        product = fg.hessian_vector(made(f), x, x, method="central")
        np.testing.assert_allclose(product, np.einsum("bij,bj->bi", fg.hessian(made(f), x), x), rtol=1e-6)


def test_half_precision_is_not_what_hessians_are_made_of() -> None:
    """Bars on the way overflowed float16, with a warning and steps chosen by them."""
    x = np.array([[0.0, -2.332], [1e4, 3.0]], dtype=np.float16)
    exact = x.astype(np.float64)
    for found, wanted in (
        (fg.hessian(lambda v: v[0] * v[1] ** 2, x, full_output=True).df[:, 0, 1], 2 * exact[:, 1]),
        (fg.hessian_vector(lambda v: v[0] * v[1] ** 2, x, [1.0, 0.0], full_output=True).df[:, 1], 2 * exact[:, 1]),
    ):
        assert found.dtype == np.float16 and np.all(abs(found - wanted) <= 1e-3 * abs(wanted))


def test_a_step_that_is_given_is_the_step_along_a_vector_too() -> None:
    """The product with the hessian went as far as the point along it, whatever the step: 3.25 instead of 3."""
    for f in (cubic := lambda v: v[0] ** 3 * v[1], Opaque(cubic)):
        for v in ([1.0, 0.0], [2.0**-30, 0.0]):
            for named in ({"step": 0.125}, {"rel_step": 0.125}, {"step": [0.125, 0.25]}):
                found = fg.hessian_vector(f, [1.0, 1.0], v, method="central", **named)  # type: ignore[arg-type]
                np.testing.assert_allclose(found / v[0], [6.0, 3.0 + 0.125**2], rtol=1e-12)
        found = fg.hessian_vector(f, [1.0, 1.0], [1.0, 2.0], method="central", step=1e-3)
        np.testing.assert_allclose(found, [12.0, 3.0], rtol=1e-5)


def nothing(v: Any) -> Any:
    return v[0] ** 2 * v[1]


@pytest.mark.parametrize("f", [nothing, Opaque(nothing)], ids=["compiled", "called"])
@pytest.mark.parametrize("method", ["adaptive", "central"])
def test_a_batch_without_a_single_point_that_is_one(f: Any, method: str) -> None:
    """The product with the hessian failed in a reshape of nothing."""
    for call in (
        fg.gradient, fg.jacobian, fg.hessian, functools.partial(fg.directional, v=[1.0, 2.0]),
        functools.partial(fg.hessian_vector, v=[1.0, 2.0]),
    ):  # fmt: skip
        for named in ({"x": [np.nan, 1.0]}, {"x": [3.0, 1.0], "bounds": (0.0, 2.0)}):
            found = call(f, method=method, full_output=True, **named)
            assert np.isnan(found.df).all() and (found.status == fg.Status.NONFINITE).all()


@pytest.mark.parametrize("method", ["adaptive", "central"])
def test_vectors_too_short_to_be_stretched_give_nan(method: str) -> None:
    """With a warning, and the product with the hessian as 0: there is no power of two above 2^1023."""
    for v in ([1e-320, 0.0], [0.0, -1e-310]):
        for call in (fg.directional, fg.hessian_vector):
            found = call(nothing, [[1.0, 2.0], [3.0, 1.0]], [v, [1.0, 0.0]], method=method, full_output=True)
            assert np.isnan(found.df[0]).all() and not found.success[0].any() and np.isfinite(found.df[1]).all()
    found = fg.directional(nothing, [1.0, 2.0], [1e-300, 0.0], method=method)
    assert found == pytest.approx(4e-300, rel=1e-8, abs=0)
