"""
Give SciPy a gradient and a hessian
===================================

`scipy.optimize` uses differences of low accuracy when it gets no gradient. This page passes gradients, jacobians and
hessians of fastgrad to `minimize`, `least_squares` and `root`.
"""

from functools import partial

import numpy as np
from scipy.optimize import least_squares, minimize, root

import fastgrad as fg

# %%
# A minimum
# ---------
#
# ``partial(fg.gradient, f)`` is a function of the point alone, which is what SciPy calls.


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


start = np.full(10, 2.0)
without = minimize(rosenbrock, start, method="BFGS")
result = minimize(
    rosenbrock, start, method="BFGS", jac=partial(fg.gradient, rosenbrock)
)
print(f"without: distance to the minimum {abs(without.x - 1).max():.0e}")
print(f"with:    distance to the minimum {abs(result.x - 1).max():.0e}")

# %%
# With a hessian, Newton's method needs few steps:
gradient, hessian = (
    partial(fg.gradient, rosenbrock),
    partial(fg.hessian, rosenbrock),
)
result = minimize(
    rosenbrock, start, method="trust-exact", jac=gradient, hess=hessian
)
print(f"{result.nit} steps, distance to the minimum {abs(result.x - 1).max():.0e}")

# %%
# An exact gradient
# -----------------
#
# If the function can be traced, :func:`fastgrad.circuit` gives the exact gradient and hessian.
c = fg.circuit(rosenbrock, n=10)
result = minimize(c, start, method="trust-exact", jac=c.gradient, hess=c.hessian)
print(f"{result.nit} steps, distance to the minimum {abs(result.x - 1).max():.0e}")

# %%
# Least squares
# -------------
#
# `least_squares` wants the jacobian of the residuals.
t = np.linspace(0, 4, 40)
y = 2.5 * np.exp(-1.3 * t) + 0.5


def residuals(b):
    return b[0] * np.exp(-b[1] * t) + b[2] - y


fit = least_squares(
    residuals, [1.0, 1.0, 0.0], jac=partial(fg.jacobian, residuals)
)
print(np.round(fit.x, 6))

# %%
# A system of equations
# ---------------------


def system(v):
    x, y = v
    return np.array([x**2 + y**2 - 4, np.exp(x) + y - 1])


solution = root(system, [1.0, -1.0], jac=partial(fg.jacobian, system))
print(solution.success, bool(abs(system(solution.x)).max() < 1e-10))
