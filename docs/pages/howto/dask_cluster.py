"""
Dask arrays and clusters
========================

fastgrad takes Dask arrays as they are. Nothing is computed before you call `compute`, and then it runs where Dask runs:
on threads, on processes, or on a cluster.
"""

import dask.array as da
import numpy as np

import fastgrad as fg


def f(x):
    return np.sin(x) * np.exp(-0.1 * x)


x = da.linspace(0, 20, 2_000_000, chunks=500_000)
slope = fg.derivative(f, x)
print(slope.numblocks, slope.dtype)

# %%
# Reductions, slices and other operations of Dask work on the result:
print(f"largest slope: {float(slope.max().compute()):.6f}")

# %%
# Functions of a vector
# ---------------------
#
# The vector must be in one chunk; the batch may have many. fastgrad brings the vector together by itself.
points = da.random.default_rng(0).normal(size=(20_000, 6), chunks=(5_000, 2))


def energy(v):
    return np.sum(v**4, axis=-1)


gradient = fg.gradient(energy, points)
print(gradient.shape, gradient.chunks[1])
print(
    f"largest error below 1e-9: {float(abs(gradient - 4 * points**3).max().compute()) < 1e-9}"
)

# %%
# On a cluster
# ------------
#
# Functions, gates and rules can be pickled and are sent to the workers. Each worker compiles the function once.
#
# .. code-block:: python
#
#     from dask.distributed import Client
#
#     client = Client("scheduler:8786")
#     slope.mean().compute()
