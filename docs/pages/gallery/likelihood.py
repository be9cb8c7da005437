r"""
Statistics: the score and the information
=========================================

The first derivative of a log-likelihood is the *score*, minus the second one the *observed information*. Its inverse
square root is the standard error. The data are waiting times with a Weibull distribution.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

times = np.random.default_rng(2).weibull(1.7, size=60)


def log_likelihood(shape):
    shape = np.asarray(shape)[..., None]
    return np.sum(
        np.log(shape) + (shape - 1) * np.log(times) - times**shape, axis=-1
    )


shape = 1.5
for _ in range(8):  # Newton's method on the score
    score = fg.derivative(log_likelihood, shape)
    information = -fg.derivative(log_likelihood, shape, method=fg.adaptive(n=2))
    shape = shape + score / information
error = information**-0.5
print(f"shape = {shape:.3f} +- {error:.3f}")

grid = np.linspace(1.4, 3.0, 200)
height = log_likelihood(grid) - log_likelihood(shape)
plt.figure()
plt.plot(grid, height, label="log-likelihood")
plt.plot(
    grid,
    -information * (grid - shape) ** 2 / 2,
    "--",
    label="parabola of the information",
)
plt.axvspan(
    shape - error,
    shape + error,
    alpha=0.15,
    color="C1",
    label="one standard error",
)
plt.xlabel("shape")
plt.ylabel("log-likelihood, below its maximum")
plt.legend()
