r"""
How a function is evaluated
===========================

A method needs many values of your function. This page explains how fastgrad gets them, and why it may call your function
in ways that you did not expect.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import special

import fastgrad as fg

# %%
# Three ways
# ----------
#
# .. list-table::
#    :header-rows: 1
#
#    * - way
#      - for functions
#      - speed
#    * - compiled
#      - that Numba can compile: NumPy, `math`, plain Python
#      - a few nanoseconds per value
#    * - called with arrays
#      - that take arrays: SciPy, other libraries
#      - that of the library
#    * - called with one number at a time
#      - that take one number and cannot be compiled
#      - a microsecond or more per value, with a warning
#
# The way is found out at the first call and kept with the function. Each way is verified at a few of your points against
# the function as it is. The first calls at up to 32 points call the function as it is, until compiling it pays.
count = 200_000
x = np.linspace(0.1, 5, count)


class Opaque:
    """A function that Numba cannot compile, and that takes one number."""

    def __call__(self, x):
        return float(np.sin(float(x)))


def per_point(f, points):
    fg.derivative(f, points, method="central")
    start = time.perf_counter()
    fg.derivative(f, points, method="central")
    return (time.perf_counter() - start) / points.size * 1e9


times = {
    "compiled: np.sin": per_point(lambda x: np.sin(x), x),
    "with arrays: scipy.special.j0": per_point(special.j0, x),
    "one by one": per_point(np.vectorize(Opaque()), x[:2000]),
}
plt.figure(figsize=(5.4, 2.2))
plt.barh(list(times), list(times.values()))
plt.xscale("log")
plt.xlabel("nanoseconds per derivative, central")
plt.gca().invert_yaxis()

# %%
# Data that a function captures
# -----------------------------
#
# A function may use numbers and arrays from outside. They are passed to the compiled code as hidden arguments, so their
# values may change without a new compilation, and a change is seen:


def scaled(factor):
    return lambda x: factor * np.sin(x)


for factor in (1.0, 2.0, 3.0):
    value = fg.derivative(scaled(factor), 0.0)
    print(f"factor {factor}: derivative {value:.3f}")

# %%
# Errors
# ------
#
# An exception *at* your point is raised as it is. An arithmetic, value or lookup error or a failed assertion *beside* it
# means that the domain ends there: the derivative is taken from the other side. NaN and infinity count in the same way.


def root(x):
    if x < 0:
        raise ValueError("negative")
    return x**0.5


print(f"{fg.derivative(root, 1e-9):.6g}")

# %%
# Threads
# -------
#
# Compiled code and ufuncs of NumPy and SciPy run on all cores for large batches. Any other function that is called runs
# on the calling thread, unless you pass `workers`.
#
# What a function must not do
# ---------------------------
#
# - Its value at a point must not depend on the other points of the batch. ``x / np.sum(x)`` does; fastgrad notices it
#   and differentiates it as a function of one number, with a warning.
# - It should not depend on how often it was called.
