r"""
Physics: the period of a pendulum
=================================

The period of a pendulum grows with its amplitude :math:`\theta`. In units of the period of small swings it is
:math:`T(\theta) = 2 K(\sin^2(\theta / 2)) / \pi`, where :math:`K` is the complete elliptic integral. How much does it
change when the amplitude changes by one degree?
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import special

import fastgrad as fg


def period(theta):
    return 2 / np.pi * special.ellipk(np.sin(theta / 2) ** 2)


degrees = np.linspace(1, 175, 400)
result = fg.derivative(period, np.radians(degrees), full_output=True)
per_degree = np.radians(1) * result.df

plt.figure()
plt.semilogy(degrees, 100 * per_degree)
plt.xlabel("amplitude in degrees")
plt.ylabel("change of the period in % per degree")
plt.title("Sensitivity of a clock to its amplitude")

# %%
# `scipy.special.ellipk` cannot be compiled by Numba; fastgrad calls it with arrays. All points converged, with error
# bars below:
print(
    f"{result.success.all()}, {np.max(result.error / abs(result.df)):.0e} of the derivative"
)
