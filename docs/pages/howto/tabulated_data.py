r"""
Differentiate tabulated data
============================

You have a table of values, not a function. Make a function first: a spline through exact data, a smoothing spline
through noisy data. Then differentiate it.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.interpolate import (
    CubicSpline,
    make_interp_spline,
    make_smoothing_spline,
)

import fastgrad as fg

# %%
# Exact data
# ----------
t = np.linspace(0, 10, 41)
height = np.exp(-0.2 * t) * np.sin(2 * t)
true = np.exp(-0.2 * t) * (2 * np.cos(2 * t) - 0.2 * np.sin(2 * t))

for degree in (3, 5, 7):
    spline = make_interp_spline(t, height, k=degree)
    error = abs(fg.derivative(spline, t, bounds=(0, 10)) - true)
    print(
        f"degree {degree}: error in the middle {error[5:-5].max():.0e}, at the ends {error.max():.0e}"
    )

# %%
# `bounds` keeps the evaluation inside the table: at its ends fastgrad takes one-sided derivatives, because a spline
# extrapolates badly.
#
# The error bar is about the spline. It does not know how far the spline is from the function behind the table:
spline = CubicSpline(t, height)
result = fg.derivative(spline, t + 0.1, bounds=(0, 10.1), full_output=True)
print(f"median bar below 1e-9: {np.median(result.error) < 1e-9}")

# %%
# Noisy data
# ----------
#
# A spline through noisy data follows the noise, and its derivative is useless. A smoothing spline weighs the distance
# to the data against the curvature.
noisy = height + 0.03 * np.random.default_rng(0).normal(size=t.size)
through, smooth = CubicSpline(t, noisy), make_smoothing_spline(t, noisy, lam=0.01)
fine = np.linspace(0, 10, 400)
plt.figure()
plt.plot(
    fine,
    fg.derivative(through, fine, bounds=(0, 10)),
    linewidth=0.8,
    color="C7",
    label="spline through the data",
)
plt.plot(
    fine, fg.derivative(smooth, fine, bounds=(0, 10)), label="smoothing spline"
)
plt.plot(t, true, ".", color="C1", label="true derivative")
plt.xlabel("t")
plt.ylabel("derivative")
plt.legend()

# %%
# For data on a regular grid that you want differentiated on the same grid, `numpy.gradient` and Savitzky-Golay filters
# (`scipy.signal.savgol_filter`) need no function in between.
