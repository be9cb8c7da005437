r"""
Make it fast
============

Most functions are fast as they are. This page shows what to look at when one is not.
"""

import time
import warnings

import numpy as np
from scipy import special

import fastgrad as fg

x = np.linspace(0.1, 5, 200_000)


def seconds(call):
    """The shortest of three runs, after one to warm up."""
    call()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


# %%
# 1. Let the function be compiled
# -------------------------------
#
# fastgrad compiles with Numba what Numba can compile: NumPy functions, `math`, plain Python. A call of SciPy or of
# another library cannot be compiled; the function is then called with arrays, which is fine. Only a function that takes
# one number at a time and cannot be compiled is slow. fastgrad warns about it:


class Table:
    """Something that Numba does not know."""

    def __call__(self, x):
        return float(special.j0(float(x)))


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fg.derivative(Table(), x[:2000])
print(caught[-1].category.__name__)

# %%
# The same with an array at once:
slow = seconds(lambda: fg.derivative(np.vectorize(Table()), x[:2000])) / 2000
fast = seconds(lambda: fg.derivative(special.j0, x)) / x.size
print(
    f"one number at a time: {slow * 1e9:.0f} ns per point; arrays: {fast * 1e9:.0f} ns per point"
)

# %%
# 2. Take a cheaper method
# ------------------------
#
# The adaptive rule evaluates the function at least 15 times at a point, ``central`` 2 times.


def f(x):
    return np.exp(-0.3 * x) * np.sin(3 * x)


for method in ("adaptive", "central"):
    time_per_point = (
        seconds(lambda method=method: fg.derivative(f, x, method=method)) / x.size
    )
    print(f"{method:8} {time_per_point * 1e9:.1f} ns per point")

# %%
# 3. Give all points in one call
# ------------------------------
#
# A call has a cost of some microseconds. Do not loop in Python.
loop = (
    seconds(
        lambda: [fg.derivative(f, point, method="central") for point in x[:500]]
    )
    / 500
)
batch = seconds(lambda: fg.derivative(f, x, method="central")) / x.size
print(
    f"one call for each point: {loop * 1e9:.0f} ns per point; one call for all: {batch * 1e9:.1f} ns per point"
)

# %%
# 4. Keep the function
# --------------------
#
# The first call compiles. Data in a closure may change without a new compilation; a new piece of code is compiled anew.
# Compiled kernels are kept on disk, see :doc:`/reference/messages`.
#
# 5. Reuse the result array, use threads
# --------------------------------------
#
# `out` avoids a new array. Large batches use all cores when the function is compiled, or is a ufunc of NumPy or SciPy.
# Any other function that is called runs on the calling thread; `workers` asks for more.
out = np.empty_like(x)
print(fg.derivative(f, x, method="central", out=out) is out)

# %%
# 6. Exact derivatives may be cheaper
# -----------------------------------
#
# A circuit computes value and derivative in one pass.
c = fg.circuit(f)
time_per_point = seconds(lambda: c.partials(x)) / x.size
print(f"circuit: {time_per_point * 1e9:.1f} ns per point")

# %%
# 7. Many variables, few dependencies
# -----------------------------------
#
# For a jacobian with many zeros pass `sparsity`: see :doc:`solve_odes`. For products with a vector use
# :func:`fastgrad.directional` and :func:`fastgrad.hessian_vector`.
