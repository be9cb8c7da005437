"""
Inside Numba functions
======================

`derivative` and `gradient` may be called inside functions that Numba compiles. There is no call back to Python.
"""

import numba
import numpy as np

import fastgrad as fg

# %%
# Newton's method in machine code, for a million equations :math:`x e^x = c`:


@numba.njit
def f(x):
    return x * np.exp(x)


@numba.njit
def newton(c, x):
    for _ in range(60):
        correction = (f(x) - c) / fg.derivative(f, x, method="central")
        x -= correction
        if abs(correction) < 1e-14 * (1 + abs(x)):
            break
    return x


@numba.njit(parallel=False)
def solve(c):
    x = np.empty_like(c)
    for i in range(c.size):
        x[i] = newton(c[i], 1.0)
    return x


c = np.linspace(0.1, 10, 100_000)
x = solve(c)
print(f"largest residual below 1e-12: {abs(x * np.exp(x) - c).max() < 1e-12}")

# %%
# The function of Lambert is the inverse of :math:`x e^x`, so SciPy can confirm the result:
from scipy.special import lambertw

print(bool(abs(x - lambertw(c).real).max() < 1e-12))

# %%
# A gradient inside compiled code takes one vector:


@numba.njit
def energy(v):
    return np.sum(v**2) + v[0] * v[1]


@numba.njit
def descend(v):
    for _ in range(200):
        v = v - 0.1 * fg.gradient(energy, v, method="central")
    return v


print(bool(abs(descend(np.array([1.0, -2.0, 3.0]))).max() < 1e-6))

# %%
# Gates of `fastgrad.gates` are compiled functions too and can be called in the same way.
