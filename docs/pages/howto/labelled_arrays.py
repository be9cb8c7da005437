"""
Labelled arrays: pandas, polars, xarray, masks
==============================================

What is around the numbers stays: labels, coordinates, masks. Your function always gets plain arrays.
"""

import numpy as np
import pandas as pd
import xarray as xr

import fastgrad as fg


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# %%
# pandas
# ------
#
# Rows are points, columns are variables.
points = pd.DataFrame(
    [[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]],
    index=["start", "end"],
    columns=["a", "b", "c"],
)
fg.gradient(rosenbrock, points).round(6)

# %%
# The hessian at one point has the labels on both axes:
fg.hessian(rosenbrock, points.loc["end"]).round(4)

# %%
# Labels that differ are joined as in pandas' arithmetic, with NaN where one is missing. A third axis, as of hessians for
# several rows, becomes a second level of the index.
#
# polars
# ------
#
# A Series or DataFrame of polars gives one of the same names. Nulls are NaN. Tables have two axes, so hessians and
# jacobians of several rows want `x.to_numpy()`.
#
# xarray
# ------
#
# Arrays are aligned by the names of their dimensions, and joined as ``xarray.set_options(arithmetic_join=...)`` says.
# For functions of a vector the last dimension is the vector; a new dimension is called "output", or as the vector's with
# "_2" added. Of a `Dataset` every variable is differentiated.
field = xr.DataArray(
    np.linspace(0, 1, 6).reshape(2, 3),
    dims=("time", "place"),
    coords={"place": ["A", "B", "C"]},
    name="temperature",
)
slope = fg.derivative(np.exp, field)
slope.round(4)

# %%
# Masked arrays
# -------------
#
# A masked point is not evaluated and stays masked. A vector is masked where one of its coordinates is.
masked = np.ma.masked_less(np.array([-1.0, 1.0, 4.0]), 0)
fg.derivative(np.sqrt, masked)

# %%
# Arrays with units are refused by name: strip the unit, differentiate, and attach the unit of the result. Dask's arrays
# have :doc:`a page of their own <dask_cluster>`; their result is lazy, in the chunks of the points.
