r"""
Read error bars and statuses
============================

With ``full_output=True`` every function returns an estimate with these fields, each an array of the shape of the
result.

.. list-table::
   :header-rows: 1

   * - field
     - meaning
   * - `df`
     - the derivative
   * - `error`
     - the error bar: ``abs(df - truth)`` is expected to be below it
   * - `status`
     - how the derivative came out, see below
   * - `success`
     - true where the status is ``CONVERGED``
   * - `nfev`
     - evaluations of the function
   * - `left`, `right`
     - one-sided derivatives; they differ at a kink

"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

# %%
# Statuses
# --------
#
# .. list-table::
#    :header-rows: 1
#
#    * - status
#      - number
#      - meaning
#      - what to do
#    * - ``CONVERGED``
#      - 0
#      - the bar is below the tolerance
#      - nothing
#    * - ``TOLERANCE_NOT_REACHED``
#      - -1
#      - the best value that could be had; the bar is wider than the tolerance
#      - read the bar: it may be good enough for you
#    * - ``NONFINITE``
#      - -3
#      - the function is not finite at the point or around it; `df` is NaN
#      - look at the function there
#    * - ``KINK``
#      - -5
#      - left and right derivative differ; `df` is their mean
#      - read `left` and `right`


def f(x):
    smooth = np.sin(x)
    kink = abs(x - 2)
    noisy = np.float32(np.cos(x))
    return np.where(
        x < 1,
        smooth,
        np.where(x < 3, kink, np.where(x < 5, noisy, np.sqrt(6 - x))),
    )


x = np.array([0.5, 2.0, 4.0, 6.5])
result = fg.derivative(f, x, full_output=True)
for k, point in enumerate(x):
    print(
        f"x = {point}  df = {result.df[k]:8.5f}  bar = {result.error[k]:.0e}  "
        f"left = {result.left[k]:8.5f}  right = {result.right[k]:8.5f}  {fg.Status(result.status[k]).name}"
    )

# %%
# The tolerance
# -------------
#
# By default a point has converged when its bar is below a millionth of the local slope. `rtol` and `atol` of
# :func:`fastgrad.adaptive` set another tolerance. They do not change the value or the bar, only the status.
for rtol in (1e-12, 1e-3):
    tight = fg.derivative(f, 4.0, method=fg.adaptive(rtol=rtol), full_output=True)
    print(f"rtol = {rtol:.0e}: {fg.Status(tight.status).name}")

# %%
# Use the bar
# -----------
#
# Keep what is known well enough for your purpose, and plot the bar with the value.
x = np.linspace(0, 0.95, 20)
result = fg.derivative(lambda x: np.float32(np.sin(6 * x)), x, full_output=True)
plt.figure()
plt.errorbar(
    x,
    result.df - 6 * np.cos(6 * x),
    result.error,
    fmt="o",
    markersize=4,
    capsize=3,
)
plt.axhline(0, color="C1", linewidth=1)
plt.xlabel("x")
plt.ylabel("derivative minus exact derivative")
plt.title("Values in single precision: every bar reaches zero")
print(
    f"bars that reach the exact derivative: {np.mean(abs(result.df - 6 * np.cos(6 * x)) <= result.error):.0%}"
)

# %%
# A bar of a fixed step
# ---------------------
#
# ``central`` and other stencils give bars too. They cost more evaluations, and their tolerance is a hundredth.
stencil = fg.derivative(np.sin, 1.0, method="central", full_output=True)
print(
    f"error {abs(stencil.df - np.cos(1.0)):.0e}, bar {stencil.error:.0e}, evaluations {stencil.nfev}"
)

# %%
# :doc:`/explanation/promises` says when a bar can be wrong.
