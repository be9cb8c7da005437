r"""
Jacobians for stiff ODEs and DAEs
=================================

Stiff solvers need the jacobian of the right-hand side. This page passes one to `solve_ivp`, a sparse one for a
discretised PDE, and one to Newton's method for a system with an algebraic equation.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import spsolve

import fastgrad as fg

# %%
# A stiff system
# --------------
#
# `solve_ivp` calls the right-hand side as ``rhs(t, y)``. The jacobian is wanted in `y`, so turn the arguments round.


def robertson(t, y):
    a, b, c = y
    return np.array(
        [-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2]
    )


def in_y(y, t):
    return robertson(t, y)


def jacobian(t, y):
    return fg.jacobian(in_y, y, args=(t,))


solved = solve_ivp(
    robertson,
    (0, 1e5),
    [1.0, 0.0, 0.0],
    method="Radau",
    jac=jacobian,
    rtol=1e-8,
    atol=1e-12,
)
print(
    solved.success,
    f"sum of concentrations - 1: below 1e-9: {abs(solved.y[:, -1].sum() - 1) < 1e-9}",
)
plt.figure()
plt.semilogx(solved.t[1:], solved.y[0, 1:], label="A")
plt.semilogx(solved.t[1:], 1e4 * solved.y[1, 1:], label="B, times 10000")
plt.semilogx(solved.t[1:], solved.y[2, 1:], label="C")
plt.xlabel("time in seconds")
plt.ylabel("concentration")
plt.title("Three reactions with rates from 0.04 to 3e7")
plt.legend()

# %%
# A sparse jacobian
# -----------------
#
# In a discretised PDE each unknown depends on its neighbours only. :func:`fastgrad.sparsity` detects the pattern, and
# `jacobian` with a pattern needs as many evaluations as the pattern has colours, not as many as there are unknowns.
size = 500


def diffusion(u):
    left, right = np.append(0.0, u[:-1]), np.append(u[1:], 0.0)
    return (left - 2 * u + right) * size**2 * 1e-3 + u * (1 - u)


u = np.full(size, 0.1)
pattern = fg.sparsity(diffusion, u)
print(f"{pattern.nnz} of {size**2} entries are not zero")
J = fg.jacobian(diffusion, u, sparsity=pattern)
print(type(J).__name__, J.shape)

solved = solve_ivp(
    lambda t, u: diffusion(u),
    (0, 5),
    u,
    method="BDF",
    jac=lambda t, u: fg.jacobian(diffusion, u, sparsity=pattern),
)
print(solved.success, f"{solved.njev} jacobians")

# %%
# An algebraic equation
# ---------------------
#
# A *DAE* has equations without a derivative. Backward Euler turns one step into a system
# :math:`M (y - y_0) / h = g(y)`, where rows of zeros in :math:`M` are the algebraic equations. Newton's method solves it.
# Here a pendulum is kept at its length by a force.
h, mass = 0.01, np.diag([1.0, 1.0, 1.0, 1.0, 0.0])


def pendulum(y):
    px, py, vx, vy, force = y
    return np.array(
        [
            vx,
            vy,
            -force * px,
            -force * py - 9.81,
            vx**2 + vy**2 - force * (px**2 + py**2) - 9.81 * py,
        ]
    )


def step(y0):
    """One step of backward Euler."""
    y = y0.copy()

    def equations(y):
        return mass @ (y - y0) / h - pendulum(y)

    for _ in range(10):
        y = y - np.linalg.solve(fg.jacobian(equations, y), equations(y))
    return y, abs(equations(y)).max()


y, residual = step(np.array([1.0, 0.0, 0.0, 0.0, 0.0]))
print(f"residual after Newton's method: below 1e-9: {residual < 1e-9}")

# %%
# The sparse jacobian works with SciPy's sparse solvers as it is:
correction = spsolve(J.tocsc(), diffusion(u))
print(correction.shape)
