r"""
Coming from another library
===========================

This page lists what corresponds to what, and measures the differences on one function.

numdifftools
------------

.. list-table::
   :header-rows: 1

   * - numdifftools
     - fastgrad
   * - ``nd.Derivative(f)(x)``
     - ``fg.derivative(f, x)``
   * - ``nd.Derivative(f, n=2)(x)``
     - ``fg.derivative(f, x, method=fg.adaptive(n=2))``
   * - ``nd.Derivative(f, full_output=True)(x)``
     - ``fg.derivative(f, x, full_output=True)``
   * - ``nd.Derivative(f, method="forward")(x)``
     - ``fg.derivative(f, x, method=fg.adaptive(side="right"))``
   * - ``nd.Gradient(f)(x)``, ``nd.Jacobian(f)(x)``, ``nd.Hessian(f)(x)``
     - ``fg.gradient(f, x)``, ``fg.jacobian(f, x)``, ``fg.hessian(f, x)``
   * - ``nd.Hessdiag(f)(x)``
     - ``fg.hessian(f, x, diagonal=True)``
   * - ``nd.directionaldiff(f, x, v)``
     - ``fg.directional(f, x, v)``; `v` is not normalised

scipy.differentiate
-------------------

.. list-table::
   :header-rows: 1

   * - scipy.differentiate
     - fastgrad
   * - ``derivative(f, x).df``
     - ``fg.derivative(f, x)``
   * - ``derivative(f, x)`` with its `df`, `error`, `status`, `nfev`
     - ``fg.derivative(f, x, full_output=True)``
   * - ``derivative(f, x, step_direction=-1)``
     - ``fg.derivative(f, x, method=fg.adaptive(side="left"))``
   * - ``derivative(f, x, tolerances={"rtol": r})``
     - ``fg.derivative(f, x, method=fg.adaptive(rtol=r))``
   * - ``jacobian(f, x)``: the vector is the first axis
     - ``fg.jacobian(f, x)``: the vector is the last axis

scipy.optimize
--------------

.. list-table::
   :header-rows: 1

   * - scipy.optimize
     - fastgrad
   * - ``approx_fprime(x, f)``
     - ``fg.gradient(f, x)``
   * - ``check_grad(f, df, x) < tolerance``
     - ``fg.check(f, df, x, of="gradient")``

jax.test_util and torch.autograd.gradcheck
------------------------------------------

.. list-table::
   :header-rows: 1

   * - other
     - fastgrad
   * - ``jax.test_util.check_grads(f, (x,), order=1)``
     - ``fg.check(f, jax.grad(f), x, of="gradient")``
   * - ``torch.autograd.gradcheck(f, x, eps, atol, rtol)``
     - ``fg.check(f, df, x)``; there is no tolerance to choose

findiff
-------

findiff differentiates values on a grid. fastgrad differentiates functions. For values on a grid, see
:doc:`tabulated_data`; for weights of difference formulas:

.. list-table::
   :header-rows: 1

   * - findiff
     - fastgrad
   * - ``coefficients(deriv=1, acc=4)["center"]``
     - ``fg.central(order=4).weights``
   * - ``coefficients(deriv=2, offsets=[-2, 1, 0, 4])``
     - ``fg.Stencil([-2, 1, 0, 4], n=2).weights``

Measured differences
--------------------

The function is smooth, with points between 0.1 and 5. `off` is the share of points with a relative
error beyond 1e-6, or without a result.
"""

import time
import warnings

import numdifftools as nd
import numpy as np
from scipy.differentiate import derivative as scipy_derivative
from scipy.optimize import approx_fprime

import fastgrad as fg


def f(x):
    return np.sin(3 * x) * np.exp(-0.5 * x) + np.log(x)


methods = {
    "fastgrad, adaptive": lambda x: fg.derivative(f, x),
    "fastgrad, central": lambda x: fg.derivative(f, x, method="central"),
    "scipy.differentiate": lambda x: scipy_derivative(f, x).df,
    "numdifftools": nd.Derivative(f),
    "scipy.optimize.approx_fprime": lambda x: np.array(
        [approx_fprime([t], lambda v: f(v[0]))[0] for t in x]
    ),
}
for name, method in methods.items():
    x = np.linspace(
        0.1,
        5,
        1000
        if name in ("numdifftools", "scipy.optimize.approx_fprime")
        else 100_000,
    )
    exact = np.exp(-0.5 * x) * (3 * np.cos(3 * x) - 0.5 * np.sin(3 * x)) + 1 / x
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        method(x)
        start = time.perf_counter()
        df = method(x)
        seconds = time.perf_counter() - start
    error = abs(df - exact) / np.maximum(abs(exact), 1e-3)
    wrong = np.mean(~(error <= 1e-6))
    print(
        f"{name:29} median error {np.nanmedian(error):.0e}   off {wrong:5.1%}   {seconds / x.size * 1e9:9.0f} ns per point"
    )

# %%
# A kink: what the libraries say about ``abs(x)`` at 0.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    result = scipy_derivative(np.abs, 0.0)
    print(
        f"scipy.differentiate: {float(result.df)}, success {bool(result.success)}"
    )
    value = nd.Derivative(np.abs)(0.0)
    print(f"numdifftools:        {float(value)}")
ours = fg.derivative(abs, 0.0, full_output=True)
print(
    f"fastgrad:            {ours.df}, {fg.Status(ours.status).name}, left {ours.left}, right {ours.right}"
)

# %%
# The tables on :doc:`/explanation/measurements` compare the libraries on hundreds of functions.
