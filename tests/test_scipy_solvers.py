"""Where people hand derivatives over: SciPy's optimisers, solvers of equations and of differential equations."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from scipy import sparse
from scipy.integrate import solve_ivp
from scipy.optimize import approx_fprime, least_squares, minimize, root

import fastgrad as fg

pytestmark = pytest.mark.machine_code


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])

GRADIENT = functools.partial(fg.gradient, rosenbrock)
HESSIAN = functools.partial(fg.hessian, rosenbrock)


@pytest.mark.parametrize("rule", ["adaptive", "central"])
def test_minimise_by_bfgs(rule: str) -> None:
    found = minimize(rosenbrock, START, jac=functools.partial(fg.gradient, rosenbrock, method=rule), method="BFGS")
    assert found.success
    assert np.max(np.abs(found.x - 1)) < 1e-5
    differences = minimize(rosenbrock, START, method="BFGS")  # SciPy's own, which stop at their own noise
    assert found.njev == found.nfev < differences.nfev


@pytest.mark.parametrize("method", ["Newton-CG", "trust-exact", "trust-ncg"])
def test_minimise_with_the_hessian(method: str) -> None:
    ends = {"xtol": 1e-10} if method == "Newton-CG" else {"gtol": 1e-7}
    found = minimize(rosenbrock, START, jac=GRADIENT, hess=HESSIAN, method=method, options=ends)
    assert np.max(np.abs(found.x - 1)) < 1e-7


def test_minimise_with_products_of_the_hessian() -> None:
    found = minimize(rosenbrock, START, jac=GRADIENT, hessp=functools.partial(fg.hessian_vector, rosenbrock),
                     method="trust-ncg", options={"gtol": 1e-7})  # fmt: skip
    assert np.max(np.abs(found.x - 1)) < 1e-7


def test_minimise_within_bounds_and_with_arguments() -> None:
    """A function with a parameter; SciPy hands `args` to the derivative as well, one by one."""

    def shifted(x: Any, shift: Any) -> Any:
        return rosenbrock(x - shift)

    def slope(x: Any, *args: Any) -> Any:
        return fg.gradient(shifted, x, args=args)

    found = minimize(shifted, START, args=(0.25,), jac=slope, method="L-BFGS-B", bounds=[(-5, 5)] * 5)
    assert np.max(np.abs(found.x - 1.25)) < 1e-4


TIMES = np.linspace(0.0, 4.0, 30)
TRUTH = np.array([2.0, 0.7, 0.1])


def decay(b: Any) -> Any:
    return b[0] * np.exp(-b[1] * TIMES) + b[2] - (TRUTH[0] * np.exp(-TRUTH[1] * TIMES) + TRUTH[2])


@pytest.mark.parametrize("method", ["lm", "trf", "dogbox"])
def test_least_squares(method: str) -> None:
    jac = functools.partial(fg.jacobian, decay)
    found = least_squares(decay, [1.0, 1.0, 1.0], jac=jac, method=method, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert np.max(np.abs(found.x - TRUTH)) < 1e-12


def broyden(x: Any) -> Any:
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    return y


def test_least_squares_with_a_sparse_jacobian() -> None:
    x = -np.ones(500)
    jac = functools.partial(fg.jacobian, broyden, sparsity=fg.sparsity(broyden, x))
    assert sparse.issparse(jac(x))
    found = least_squares(broyden, x, jac=jac, xtol=1e-15, ftol=1e-15, gtol=1e-12)
    assert np.max(np.abs(found.fun)) < 1e-10
    assert found.njev < 20


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(method: str) -> None:
    found = root(broyden, -np.ones(10), jac=functools.partial(fg.jacobian, broyden), method=method,
                 tol=1e-12)  # fmt: skip
    assert found.success
    assert np.max(np.abs(found.fun)) < 1e-9


def robertson(t: float, y: Any) -> Any:
    r1, r2, r3 = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return np.stack((-r1 + r2, r1 - r2 - r3, r3))


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_stiff_differential_equations(method: str) -> None:
    """SciPy's functions take ``(t, y)``: turned round, the vector comes first and `t` goes into `args`."""

    def turned(y: Any, t: float) -> Any:
        return robertson(t, y)

    def jac(t: float, y: Any) -> Any:
        return fg.jacobian(turned, y, args=(t,))

    found = solve_ivp(robertson, (0, 40), [1.0, 0.0, 0.0], method=method, jac=jac, rtol=1e-8, atol=1e-12)
    # Hairer and Wanner, Solving Ordinary Differential Equations II, at t = 40
    wanted = [0.7158270688, 0.9185534764e-5, 0.2841637457]
    assert found.success
    np.testing.assert_allclose(found.y[:, -1], wanted, rtol=1e-5)


def test_stiff_equations_with_a_sparse_jacobian() -> None:
    """Heat with a reaction on a line; the pattern is found once."""
    d = 100

    def heat(u: Any, t: float) -> Any:
        flow = -2.0 * u
        flow[1:] += u[:-1]
        flow[:-1] += u[1:]
        return 50.0 * flow + u * (1.0 - u) * np.exp(-t)

    start = np.sin(np.linspace(0, np.pi, d))
    pattern = fg.sparsity(heat, start, args=(0.0,))

    def jac(t: float, u: Any) -> Any:
        return fg.jacobian(heat, u, args=(t,), sparsity=pattern)

    found, dense = (solve_ivp(lambda t, u: heat(u, t), (0, 1), start, method="BDF", rtol=1e-8, atol=1e-10, **given)
                    for given in ({"jac": jac}, {}))  # fmt: skip
    assert found.success and pattern.nnz == 3 * d - 2
    np.testing.assert_allclose(found.y[:, -1], dense.y[:, -1], atol=1e-6)
    assert found.nfev < dense.nfev


def test_partials_travel_to_other_processes() -> None:
    for f in (GRADIENT, HESSIAN):
        again = pickle.loads(pickle.dumps(f))
        assert np.array_equal(again(START), f(START))


def test_closer_than_what_scipy_does_by_itself() -> None:
    truth = np.zeros(5)
    gap = START[1:] - START[:-1] ** 2
    truth[:-1] = -400 * START[:-1] * gap - 2 * (1 - START[:-1])
    truth[1:] += 200 * gap
    ours, theirs = GRADIENT(START), approx_fprime(START, rosenbrock)
    assert np.max(np.abs(ours - truth)) < 1e-4 * np.max(np.abs(theirs - truth))
    assert np.max(np.abs(fg.gradient(Opaque(rosenbrock), START) - truth)) < 1e-9
