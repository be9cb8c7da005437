r"""
Functions of many variables
===========================

The vector is the last axis, the batch stands in front. The function may be written for one vector or for whole batches.
"""

import numpy as np

import fastgrad as fg


def f(v):
    return v[0] ** 2 * np.sin(v[1]) + v[2]


points = np.random.default_rng(0).normal(size=(1000, 3))

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - call
#      - shape of the result
#      - what it is
#    * - ``gradient(f, x)``
#      - ``(..., d)``
#      - all first derivatives of a function with one result
#    * - ``jacobian(f, x)``
#      - ``(..., m, d)``
#      - all first derivatives of a function with m results
#    * - ``hessian(f, x)``
#      - ``(..., d, d)``
#      - all second derivatives
#    * - ``hessian(f, x, diagonal=True)``
#      - ``(..., d)``
#      - the unmixed second derivatives only
#    * - ``directional(f, x, v)``
#      - ``(..., m)``
#      - :math:`J(x) v` without the matrix
#    * - ``hessian_vector(f, x, v)``
#      - ``(..., d)``
#      - :math:`H(x) v` without the matrix
print(fg.gradient(f, points).shape)
print(fg.jacobian(lambda v: np.array([v[0] * v[1], v[2]]), points).shape)
print(fg.hessian(f, points[:10]).shape)

# %%
# Error bars come for every entry:
result = fg.gradient(f, points, full_output=True)
exact = np.stack(
    [
        2 * points[:, 0] * np.sin(points[:, 1]),
        points[:, 0] ** 2 * np.cos(points[:, 1]),
        np.ones(1000),
    ],
    -1,
)
print(f"within the bar: {np.mean(abs(result.df - exact) <= result.error):.1%}")

# %%
# :func:`fastgrad.directional` costs as much as one coordinate, whatever the length of the vector. The cost of
# :func:`fastgrad.hessian_vector` grows with the length, not with its square:
large = np.linspace(-1, 1, 200)
direction = np.ones(200)
product = fg.hessian_vector(lambda v: np.sum(v**4), large, direction)
print(bool(abs(product - 12 * large**2).max() < 1e-6))

# %%
# Variables of different size
# ---------------------------
#
# The default finds the step for every entry. Coordinates of 1e-10 may stand beside others of 1e10.
mixed = np.array([1e-10, 1.0, 1e10])
gradient = fg.gradient(lambda v: np.sum(np.log(v)), mixed)
print(bool(abs(gradient * mixed - 1).max() < 1e-10))
