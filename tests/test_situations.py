"""Situations of other libraries' tests and threads, points and results of every kind, arguments that are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque, covers
from scipy import optimize, sparse, special

import fastgrad as fg

# Known derivatives at known points, by the library whose users met them -----------------------------------------------

_COSC = -(math.pi**2) / 3


def cosc(x: Any) -> Any:
    """Derivative of sinc, by its series near 0."""
    x = np.asarray(x)
    y = np.where(abs(x) < 0.03, 1.0, x)
    p = math.pi * x
    series = math.pi * (-p / 3 + p**3 / 30 - p**5 / 840 + p**7 / 45360 - p**9 / 3991680)
    return np.where(abs(x) < 0.03, series, np.cos(math.pi * y) / y - np.sin(math.pi * y) / (math.pi * y * y))


KNOWN: dict[str, tuple[Any, float, float]] = {
    "gsl: exp": (np.exp, 1.0, math.e),
    "gsl: x^1.5 at 0.1": (lambda x: x**1.5, 0.1, 1.5 * math.sqrt(0.1)),
    "gsl: sin(1/x)": (lambda x: np.sin(1 / x), 0.45, -math.cos(1 / 0.45) / 0.45**2),
    "gsl: exp(-x^2)": (lambda x: np.exp(-x * x), 0.5, -math.exp(-0.25)),
    "gsl: x^2 at 0": (lambda x: x * x, 0.0, 0.0),
    "gsl: 1/x at 10": (lambda x: 1 / x, 10.0, -0.01),
    "boost: cyl_bessel_j": (lambda x: special.jv(12, x), 3.2, 0.5 * (special.jv(11, 3.2) - special.jv(13, 3.2))),
    "boost: erf": (special.erf, 0.7, 2 / math.sqrt(math.pi) * math.exp(-0.49)),
    "julia: sin at 1": (np.sin, 1.0, math.cos(1.0)),
    "julia: sqrt at 1e-5": (np.sqrt, 1e-5, 0.5 / math.sqrt(1e-5)),
    "julia: cosc at 0": (cosc, 0.0, _COSC),
    "julia: constant beside a huge value": (lambda x: 1e8 + 0 * x, 3.0, 0.0),
    "julia: saturated": (lambda x: 1 / (1 + np.exp(-x)), 30.0, math.exp(-30) / (1 + math.exp(-30)) ** 2),
    "julia: large argument": (lambda x: np.sin(x), 1e5, math.cos(1e5)),
    "calculus: log": (np.log, 3.0, 1 / 3),
    "calculus: x^10 at 0.5": (lambda x: x**10, 0.5, 10 * 0.5**9),
    "numderiv: sin at pi": (np.sin, math.pi, -1.0),
    "numderiv: sin at many": (np.sin, 2.5e0, math.cos(2.5)),
    "numderiv: exp(2x)": (lambda x: np.exp(2 * x), 0.9, 2 * math.exp(1.8)),
    "pracma: sin + x^2": (lambda x: np.sin(x) * x**2, 1.2, math.cos(1.2) * 1.44 + math.sin(1.2) * 2.4),
    "numdifftools: x^3 + x^4 at 1": (lambda x: x**3 + x**4, 1.0, 7.0),
    "numdifftools: cosh at 0": (np.cosh, 0.0, 0.0),
    "numdifftools: log at 0.001": (np.log, 0.001, 1000.0),
    "numdifftools: arctan at 0": (np.arctan, 0.0, 1.0),
    "numdifftools: exp(x) sin(x)": (lambda x: np.exp(x) * np.sin(x), 0.0, 1.0),
    "jacobi: x^2 + 5": (lambda x: x**2 + 5, 0.4, 0.8),
    "jacobi: a step of one size does not do": (lambda x: np.exp(-1e6 * x), 1e-6, -1e6 / math.e),
    "jacobi: huge": (lambda x: x**2, 1e150, 2e150),
    "derivkit: polynomial and offset": (lambda x: 1e3 + 2 * x + 0.5 * x * x, 0.1, 2.1),
    "scipy: ndtr": (special.ndtr, 0.3, math.exp(-0.045) / math.sqrt(2 * math.pi)),
    "scipy: special case of a quadratic": (lambda x: (x - 3) ** 2, 3.0, 0.0),
    "statsmodels: logit likelihood": (lambda x: -np.log1p(np.exp(-3 * x)), -0.4, 3 / (1 + math.exp(-1.2))),
    "tensorflow: x^2 far from 0": (lambda x: x * x, -1e4, -2e4),
    "torch: sigmoid at 0": (lambda x: 1 / (1 + np.exp(-x)), 0.0, 0.25),
    "autograd: tanh far out": (np.tanh, 20.0, 1 / math.cosh(20.0) ** 2),
}


@pytest.mark.machine_code
@pytest.mark.parametrize("opaque", [False, True], ids=["as it is", "opaque"])
@pytest.mark.parametrize("name", KNOWN)
def test_known_derivatives(name: str, opaque: bool) -> None:
    f, x, truth = KNOWN[name]
    found = fg.derivative(Opaque(f) if opaque else f, x, full_output=True)
    size = abs(f(np.float64(x))) / max(abs(x), 1)
    assert abs(found.df - truth) <= max(1e-10 * abs(truth), 2e-14 * size)
    assert abs(found.df - truth) <= found.error and np.isfinite(found.error)


def test_gsl_x_to_three_halves_at_its_end() -> None:
    """The slope at 0 is 0, and there is nothing to the left."""
    for rule in ("adaptive", fg.adaptive(side="right"), "forward"):
        found = fg.derivative(lambda x: x**1.5, 0.0, method=rule, full_output=True)
        assert abs(found.df) <= min(found.error, 1e-3) and np.isfinite(found.error), rule
    assert np.isnan(fg.derivative(np.sqrt, 0.0))  # infinite


def test_julia_forward_from_an_infinite_value() -> None:
    """FiniteDifferences.jl 239: the function is infinite at the point itself; it is not to be called with NaN."""
    seen: list[float] = []

    def f(x: Any) -> Any:
        seen.extend(np.ravel(x))
        x = np.asarray(x, dtype=float)
        return np.where(abs(x) < 1, 1 + x / np.sqrt(np.maximum(1 - x * x, 1e-300)), np.inf * np.sign(x))

    found = fg.derivative(f, -1.0, method=fg.adaptive(side="right"), full_output=True)
    assert np.isnan(found.df) and found.status == fg.Status.NONFINITE
    assert np.isfinite(seen).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_numdifftools_high_orders_of_exp(n: int) -> None:
    found = fg.derivative(np.exp, [0.0, 1.0], method=fg.adaptive(n=n), full_output=True)
    assert np.all(abs(found.df - [1.0, math.e]) <= [1e-6, 1e-6])
    assert covers(found, [1.0, math.e], 1e-7)


def test_findiff_grid_weights() -> None:
    """A grid that is not even; the derivative of a polynomial is exact."""
    nodes = np.array([0.0, 0.3, 1.0, 1.2, 2.5])
    w = fg.weights(nodes, x0=1.0, n=1)
    assert abs(w @ nodes**4 - 4.0) < 1e-12 and abs(w.sum()) < 1e-13


# Functions of vectors -------------------------------------------------------------------------------------------------


def test_scipy_rosen_in_both_layouts() -> None:
    x = np.random.default_rng(0).uniform(-1, 2, (7, 3))
    wanted = np.array([optimize.rosen_der(v) for v in x])
    assert np.allclose(fg.gradient(optimize.rosen, x), wanted, rtol=1e-10)
    one_hessian = fg.hessian(optimize.rosen, x[0])
    assert np.allclose(one_hessian, optimize.rosen_hess(x[0]), rtol=1e-7)
    # agrees with what SciPy itself finds
    from scipy.differentiate import jacobian

    assert np.allclose(fg.gradient(optimize.rosen, x), jacobian(optimize.rosen, x.T).df.T, rtol=1e-6)


def test_scipy_scalar_valued_function_with_shape_assertions() -> None:
    """scipy 22128: the function insists on one vector."""

    def f(x: Any) -> Any:
        assert np.shape(x) == (3,)
        return np.sin(x[0]) + 5 * x[1] + np.log10(x[2])

    x = np.array([2.0, 3.0, 4.0])
    truth = np.array([math.cos(2), 5.0, 1 / (4 * math.log(10))])
    assert np.allclose(fg.gradient(f, x), truth, rtol=1e-11)
    assert np.allclose(fg.jacobian(f, [2, 3, 4]), truth[None], rtol=1e-11)
    assert np.allclose(fg.gradient(f, np.stack([x, x + 1])), [truth, [math.cos(3), 5, 1 / (5 * math.log(10))]])


def test_scipy_equal_bounds_fix_a_parameter() -> None:
    """scipy 12502 and 13031: lower bound = upper bound; the other coordinates must not suffer, and f not leave them."""
    seen = []

    def f(v: Any) -> Any:
        seen.append(np.array(v))
        return float((v[0] - 1) ** 2 * (v[1] - 3) ** 2 + 0 * len(seen))

    for method in ("adaptive", "central", "forward"):
        g = fg.gradient(f, np.array([0.5, 1.0]), bounds=([0.5, -np.inf], [0.5, np.inf]), method=method)
        assert np.isnan(g[0]) and abs(g[1] - 2 * 0.25 * -2) < 1e-6, method
    assert {float(np.ravel(v)[0]) for v in seen} <= {0.5}


def test_scipy_minus_zero_is_within_bounds() -> None:
    """scipy 11367."""
    g = fg.gradient(lambda v: v[0] ** 2 + v[1], np.array([-0.0, 2.0]), bounds=([0.0, 0.0], [1.0, 2.0]))
    assert np.allclose(g, [0.0, 1.0], atol=1e-12)
    assert abs(fg.derivative(np.exp, -0.0, bounds=(0.0, 1.0)) - 1) < 1e-10


@pytest.mark.parametrize(
    "method", ["adaptive", "central", "forward", "backward", fg.central(4), fg.adaptive(side="left")],
)
def test_scipy_bounds_are_never_left(method: Any) -> None:
    low, high = np.array([-1.0, 0.0, 0.2]), np.array([1.0, 1e-9, 0.2 + 1e-3])

    def f(x: Any) -> Any:
        assert np.all(x >= low) and np.all(x <= high)
        return x[0] ** 2 + np.exp(x[1]) + np.sin(x[2]) + 0.0 * len(str(x[0]))

    for x in (low, high, (low + high) / 2):
        found = fg.gradient(f, x, bounds=(low, high), method=method, full_output=True)
        truth = np.array([2 * x[0], np.exp(x[1]), np.cos(x[2])])
        if isinstance(method, fg.Adaptive) and x is low:
            assert np.isnan(found.df).all() and np.isinf(found.error).all()  # nothing lies to the left
        else:
            assert np.all(abs(found.df - truth) <= np.minimum(20 * found.error, 1e-5)) and np.all(found.error < 1e-3)


def test_statsmodels_complex_step_of_a_likelihood() -> None:
    rng = np.random.default_rng(1)
    data, y = rng.normal(size=(50, 3)), rng.normal(size=50)

    def score(b: Any) -> Any:
        return np.sum((y - data @ b) ** 2)

    b = np.array([0.1, -0.4, 2.0])
    truth = -2 * data.T @ (y - data @ b)
    for method in ("complex", "adaptive"):
        assert np.allclose(fg.gradient(score, b, method=method), truth, rtol=1e-12)
    assert np.allclose(fg.hessian(score, b), 2 * data.T @ data, rtol=1e-8)


def test_numdifftools_complex_valued_functions() -> None:
    """numdifftools 72: values 1j * x**2."""
    found = fg.derivative(lambda x: 1j * x**2, 2.0, full_output=True)
    assert abs(found.df - 4j) < 1e-12 and abs(found.df - 4j) <= found.error
    turned = fg.derivative(lambda x: np.exp(1j * x), np.linspace(0, 6, 50))
    assert np.all(abs(turned - 1j * np.exp(1j * np.linspace(0, 6, 50))) < 1e-12)


def test_numdifftools_least_squares_jacobian() -> None:
    t = np.arange(0, 1, 0.1)
    y = 1 + 2 * np.exp(0.75 * t)

    def residuals(c: Any) -> Any:
        return (c[0] + c[1] * np.exp(c[2] * t) - y) ** 2

    assert np.max(abs(fg.jacobian(residuals, [1.0, 2.0, 0.75]))) < 1e-12  # the minimum
    c = np.array([1.1, 1.9, 0.7])
    inner = c[0] + c[1] * np.exp(c[2] * t) - y
    truth = 2 * inner[:, None] * np.stack([np.ones(10), np.exp(c[2] * t), c[1] * t * np.exp(c[2] * t)], axis=1)
    assert np.allclose(fg.jacobian(residuals, c), truth, rtol=1e-9, atol=1e-12)


def test_numdifftools_directional_and_diagonal() -> None:
    x, v = np.array([2.0, 3.0]), np.array([1.0, 2.0]) / math.sqrt(5)
    rosen = optimize.rosen
    assert abs(fg.directional(rosen, x, v) - optimize.rosen_der(x) @ v) < 1e-7
    diagonal = fg.hessian(lambda v: v[0] + v[1] ** 2 + v[2] ** 3, [1.0, 2.0, 3.0], diagonal=True)
    assert np.allclose(diagonal, [0, 2, 18], atol=1e-9)


def test_finitediff_polar_jacobian() -> None:
    """FiniteDiff.jl 39: the determinant is the radius, by every rule."""
    for method in ("forward", "backward", "central", "complex", "adaptive"):
        j = fg.jacobian(lambda v: [v[0] * np.cos(v[1]), v[0] * np.sin(v[1])], [2.0, math.pi], method=method)
        assert abs(np.linalg.det(j) - 2) < 1e-6, method


def test_finitediff_sparse_in_place() -> None:
    def second_difference(x: Any, out: Any) -> None:
        out[0] = x[1] - 2 * x[0]
        for i in range(1, len(x) - 1):
            out[i] = x[i - 1] - 2 * x[i] + x[i + 1]
        out[-1] = x[-2] - 2 * x[-1]

    pattern = sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(30, 30))
    found = fg.jacobian(second_difference, np.random.default_rng(0).normal(size=30), sparsity=pattern)
    assert abs(found - sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(30, 30))).max() < 1e-10


def test_numderiv_genz_like_functions() -> None:
    x = np.array([0.1, 0.2, 0.3])
    j = fg.jacobian(lambda v: np.array([np.exp(v).sum(), (v**2).sum() * v[0], v[2]]), x)
    truth = [np.exp(x), [3 * 0.01 + 0.04 + 0.09, 2 * 0.1 * 0.2, 2 * 0.1 * 0.3], [0, 0, 1]]
    assert np.allclose(j, truth, rtol=1e-11, atol=1e-14)


def test_casadi_and_algopy_linear_algebra_inside() -> None:
    a = np.array([[3.0, 1.0], [1.0, 2.0]])

    def solved(v: Any) -> Any:
        return np.linalg.solve(a + np.diag(v), np.array([1.0, 2.0]))

    x = np.array([0.3, -0.2])
    inverse = np.linalg.inv(a + np.diag(x))
    truth = -inverse * (inverse @ [1.0, 2.0])[None, :]
    assert np.allclose(fg.jacobian(Opaque(solved), x), truth, rtol=1e-10)  # Numba takes eight seconds for `solve`
    assert np.allclose(fg.gradient(lambda v: np.linalg.det(a + np.diag(v)), x), [2 + x[1], 3 + x[0]], rtol=1e-10)
    assert np.allclose(fg.gradient(lambda v: np.linalg.norm(v), [3.0, 4.0]), [0.6, 0.8], rtol=1e-10)


def test_ipopt_hs071_derivatives() -> None:
    x = np.array([1.0, 5.0, 5.0, 1.0])
    g = fg.gradient(lambda v: v[0] * v[3] * (v[0] + v[1] + v[2]) + v[2], x)
    assert np.allclose(g, [12, 1, 2, 11], rtol=1e-11)
    j = fg.jacobian(lambda v: (v[0] * v[1] * v[2] * v[3], v[0] ** 2 + v[1] ** 2 + v[2] ** 2 + v[3] ** 2), x)
    assert np.allclose(j, [[25, 5, 5, 25], [2, 10, 10, 2]], rtol=1e-11)


# Checks ---------------------------------------------------------------------------------------------------------------


PAIR = np.array([1.5, -1.5])


def cubic(v: Any) -> Any:
    return v[0] ** 2 - 0.5 * v[1] ** 3


def mixed(v: Any) -> Any:
    return v[0] ** 2 * v[1]


CHECKS: dict[str, tuple[Any, Any, Any, str, bool]] = {
    "torch: right": (lambda x: np.sin(x), lambda x: np.cos(x), np.linspace(-3, 3, 40), "derivative", True),
    "torch: off by 0.01": (lambda x: x * 1.0, lambda x: np.eye(4) + 0.01, np.ones(4), "jacobian", False),
    "torch: zero gradient forgotten": (lambda x: x * x, lambda x: 0 * x, np.linspace(1, 2, 9), "derivative", False),
    "torch: detached factor": (lambda x: x * np.exp(x), np.exp, np.linspace(-1, 1, 9), "derivative", False),
    "jax: wrong far out": (np.exp, lambda x: np.where(x > 2, 1, np.exp(x)), np.linspace(0, 3, 9), "derivative", False),
    "scipy check_grad: right": (cubic, lambda v: np.array([2 * v[0], -1.5 * v[1] ** 2]), PAIR, "gradient", True),
    "scipy check_grad: wrong": (cubic, lambda v: np.array([2 * v[0], -1.0 * v[1] ** 2]), PAIR, "gradient", False),
    "nlopt: sign": (lambda v: v[0] * v[1], lambda v: -np.array([v[1], v[0]]), PAIR, "gradient", False),
    "ipopt: second ones": (mixed, lambda v: np.array([[2 * v[1], 2 * v[0]], [2 * v[0], 0]]), PAIR, "hessian", True),
    "ipopt: one left out": (mixed, lambda v: np.array([[2 * v[1], 0.0], [0.0, 0.0]]), PAIR, "hessian", False),
}


@pytest.mark.parametrize("name", CHECKS)
def test_checks(name: str) -> None:
    f, analytic, x, of, right = CHECKS[name]
    assert bool(fg.check(f, analytic, x, of=of)) is right


# Points and results of every kind -------------------------------------------------------------------------------------


def _fortran(x: Any) -> Any:
    return np.asfortranarray(x)


def _read_only(x: Any) -> Any:
    x = np.array(x)
    x.flags.writeable = False
    return x


KINDS: dict[str, tuple[Any, Any, Any]] = {
    "float": (0.5, (), np.float64),
    "int": (2, (), np.float64),
    "bool": (True, (), np.float64),
    "numpy scalar": (np.float32(0.5), (), np.float32),
    "0-d": (np.array(0.5), (), np.float64),
    "list": ([0.5, 1, 2.5], (3,), np.float64),
    "nested list": ([[0.5, 1], [2.5, 3]], (2, 2), np.float64),
    "tuple": ((0.5, 1.0), (2,), np.float64),
    "range": (range(1, 4), (3,), np.float64),
    "column": (np.ones((5, 1)), (5, 1), np.float64),
    "empty": (np.empty(0), (0,), np.float64),
    "empty, many axes": (np.empty((3, 0, 2)), (3, 0, 2), np.float64),
    "int8": (np.arange(1, 4, dtype=np.int8), (3,), np.float64),
    "uint64": (np.array([1, 2], dtype=np.uint64), (2,), np.float64),
    "float16": (np.array([0.5, 1.0], dtype=np.float16), (2,), np.float16),
    "float32": (np.array([0.5, 1.0], dtype=np.float32), (2,), np.float32),
    "longdouble": (np.array([0.5, 1.0], dtype=np.longdouble), (2,), np.float64),
    "big-endian": (np.array([0.5, 1.0], dtype=">f8"), (2,), np.float64),
    "Fortran": (_fortran(np.linspace(0, 1, 12).reshape(3, 4)), (3, 4), np.float64),
    "reversed": (np.linspace(0, 1, 9)[::-2], (5,), np.float64),
    "transposed": (np.linspace(0, 1, 12).reshape(3, 4).T, (4, 3), np.float64),
    "read-only": (_read_only([0.5, 1.0]), (2,), np.float64),
    "broadcast": (np.broadcast_to(0.5, (4, 2)), (4, 2), np.float64),
    "not aligned": (np.frombuffer(b"x" + np.array([0.5, 1.0]).tobytes(), dtype=np.float64, offset=1), (2,), np.float64),
    "matrix": (np.linspace(0, 1, 4).reshape(2, 2).view(np.matrix), (2, 2), np.float64),
}


@pytest.mark.machine_code
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("method", ["adaptive", "central"])
@pytest.mark.parametrize("opaque", [False, True], ids=["compiled", "opaque"])
@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_points(name: str, opaque: bool, method: str) -> None:
    x, shape, dtype = KINDS[name]
    f = Opaque(np.exp) if opaque else np.exp
    found = fg.derivative(f, x, method=method)
    assert np.shape(found) == shape and np.asarray(found).dtype == dtype
    wanted = np.exp(np.asarray(x, dtype=np.float64))
    assert np.all(abs(found - wanted) <= max(1e-8, 2 * np.finfo(dtype).eps) * wanted)
    full = fg.derivative(f, x, method=method, full_output=True)
    assert all(np.shape(field) == shape for field in full)


@pytest.mark.parametrize("name", [name for name, (_, shape, _) in KINDS.items() if shape])
def test_kinds_of_vectors(name: str) -> None:
    x, shape, dtype = KINDS[name]
    found = fg.gradient(lambda v: np.sum(np.exp(v)), x)
    assert found.shape == shape and found.dtype == dtype
    wanted = np.exp(np.asarray(x, dtype=np.float64))
    assert np.all(abs(found - wanted) <= max(1e-8, 2 * np.finfo(dtype).eps) * wanted)


@pytest.mark.machine_code
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("opaque", [False, True], ids=["compiled", "opaque"])
def test_what_is_not_finite_stays_alone(value: float, opaque: bool) -> None:
    f = Opaque(np.exp) if opaque else np.exp
    x = np.array([0.1, value, 0.3, 1e3, -1e3])
    for method in ("adaptive", "central", "forward", "backward"):
        found = fg.derivative(f, x, method=method)
        assert np.isnan(found[[1, 3]]).all() and np.all(abs(found[[0, 2]] - np.exp(x[[0, 2]])) < 1e-6) and found[4] == 0
    vectors = np.array([[0.1, 0.2], [value, 0.2], [0.3, 0.4]])
    g = fg.gradient(lambda v: np.exp(v[0]) * v[1], vectors)
    assert np.isnan(g[1]).any() and np.allclose(g[[0, 2]], np.exp(vectors[[0, 2], :1]) * [[0.2, 1], [0.4, 1]])


@pytest.mark.machine_code
@pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
@pytest.mark.parametrize(
    "returned",
    [
        float,
        np.float64,
        np.float32,
        np.array,
        lambda v: [v],
        lambda v: np.array([v]),
        lambda v: np.array([[v]]),
        lambda v: complex(v).real,
        np.longdouble,
    ],
)
def test_kinds_of_values(returned: Any) -> None:
    def f(x: Any) -> Any:
        assert np.ndim(x) == 0
        return returned(math.exp(x))

    eps = 1e-5 if returned is np.float32 else 1e-10
    x = np.array([0.1, 0.5])
    assert np.all(abs(fg.derivative(f, x) - np.exp(x)) < eps)
    g = fg.gradient(lambda v: returned(math.exp(v[0]) * v[1]), [0.1, 2.0])
    assert np.all(abs(g - np.exp(0.1) * np.array([2, 1])) < 2 * eps)


def test_whole_numbers_and_booleans_as_values() -> None:
    x = np.array([0.3, 1.7])
    assert np.array_equal(fg.derivative(lambda x: np.floor(x).astype(int), x), [0, 0])
    assert np.array_equal(fg.derivative(lambda x: x > 1, x), [0, 0])
    assert fg.derivative(lambda x: 7, 0.3) == 0
    assert np.array_equal(fg.gradient(lambda v: 3, [1.0, 2.0]), [0, 0])


def test_columns_and_rows_as_values_of_vectors() -> None:
    """Matrix algebra leaves values of shape (1, 1), or a column."""
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    x = np.array([0.5, -1.0])
    assert np.allclose(fg.gradient(lambda v: v[None, :] @ a @ v[:, None], x), 2 * a @ x, rtol=1e-12)
    assert np.allclose(fg.hessian(lambda v: v[None, :] @ a @ v[:, None], x), 2 * a, rtol=1e-8)
    assert np.allclose(fg.jacobian(lambda v: a @ v[:, None], x), a, rtol=1e-12)
    assert np.allclose(fg.jacobian(lambda v: (a @ v[:, None]).T, x), a, rtol=1e-12)


# Refusals -------------------------------------------------------------------------------------------------------------


#: Beside those that `derivative` refuses, which stand in `test_differentiation`.
REFUSED: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "step inf": (lambda: fg.derivative(np.sin, 1.0, step=np.inf, method="central"), ValueError, "`step`"),
    "both steps": (lambda: fg.derivative(np.sin, 1.0, step=0.1, rel_step=0.1), ValueError, "`step`"),
    "rel_step negative": (lambda: fg.gradient(np.sum, [1.0], rel_step=-1), ValueError, "`rel_step`"),
    "bounds reversed": (lambda: fg.derivative(np.sin, 1.0, bounds=(2, 0)), ValueError, "`bounds`"),
    "bounds nan": (lambda: fg.derivative(np.sin, 1.0, bounds=(np.nan, 2)), ValueError, "`bounds`"),
    "bounds one": (lambda: fg.derivative(np.sin, 1.0, bounds=(1,)), (TypeError, ValueError), "`bounds`"),
    "bounds number": (lambda: fg.derivative(np.sin, 1.0, bounds=3), (TypeError, ValueError), "`bounds`"),
    "wrt text": (lambda: fg.derivative(np.sin, 1.0, wrt="x"), TypeError, "`wrt`"),
    "method": (lambda: fg.derivative(np.sin, 1.0, method="3-point"), ValueError, "`method`"),
    "method number": (lambda: fg.derivative(np.sin, 1.0, method=2), TypeError, "`method`"),
    "ragged": (lambda: fg.derivative(np.sin, [[1.0], [1.0, 2.0]]), (TypeError, ValueError), r"`args\[0\]`"),
    "too many arguments": (lambda: fg.derivative(math.hypot, 1.0, 2.0, 3.0, wrt=3), (ValueError, IndexError), "`wrt`"),
    "shapes": (lambda: fg.derivative(lambda x, y: x * y, np.ones(2), np.ones(3)), ValueError, "broadcast"),
    "vector of numbers": (lambda: fg.gradient(np.sum, 1.0), ValueError, "`x`"),
    "gradient of a vector": (lambda: fg.gradient(lambda v: v * 2, [1.0, 2.0]), ValueError, "`jacobian`"),
    "vector of text": (lambda: fg.gradient(np.sum, ["a"]), TypeError, "`x`"),
    "vector of None": (lambda: fg.jacobian(np.sum, None), (TypeError, ValueError), "`x`"),
    "workers text": (lambda: fg.derivative(np.sin, 1.0, workers="all"), TypeError, "`workers`"),
    "order 0": (lambda: fg.central(0), ValueError, "`order`"),
    "n text": (lambda: fg.central(2, "1"), (TypeError, ValueError), "`n`"),
    "weights of one node twice": (lambda: fg.weights([0.0, 0.0, 1.0]), ValueError, "`nodes`"),
    "weights of too few": (lambda: fg.weights([0.0], n=1), ValueError, "`n`"),
    "weights nan": (lambda: fg.weights([0.0, np.nan]), ValueError, "`nodes`"),
    "check of": (lambda: fg.check(np.sin, np.cos, 1.0, of="slope"), ValueError, "`of`"),
    "direction": (lambda: fg.directional(np.sum, np.ones(3), np.ones(2)), ValueError, "`v`"),
    "sparsity shape": (lambda: fg.jacobian(lambda v: v * 2, np.ones(3), sparsity=np.eye(2)), ValueError, "`sparsity`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_argument(name: str) -> None:
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()


def test_wrt_of_every_kind() -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    f = lambda x, y: x * x * y  # noqa: E731
    assert np.allclose(fg.derivative(f, x, y, wrt=-1), x * x)
    assert np.allclose(fg.derivative(f, x, y, wrt=np.int64(1)), x * x)
    assert all(np.allclose(a, b) for a, b in zip(fg.derivative(f, x, y, wrt=(1, 1)), (x * x, x * x), strict=True))
    assert fg.derivative(f, x, y, wrt=()) == ()


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

    x = np.array([0.33, 0.77, 1.13])
    assert fg.check(squares, lambda v: sparse.diags_array(2 * v), x, of="jacobian")
    assert not fg.check(squares, lambda v: sparse.diags_array(3 * v).tocsr(), x, of="jacobian")
