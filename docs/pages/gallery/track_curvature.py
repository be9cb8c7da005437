r"""
Engineering: the curvature of a track
=====================================

The curvature of a plane curve :math:`(x(t), y(t))` is

.. math::

    \kappa = \frac{x' y'' - y' x''}{(x'^2 + y'^2)^{3/2}}

On a race track it gives the highest speed at which the tyres hold.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def x(t):
    return 300 * np.cos(t) + 60 * np.cos(3 * t)


def y(t):
    return 200 * np.sin(t) + 40 * np.sin(2 * t)


t = np.linspace(0, 2 * np.pi, 800)
second = fg.adaptive(n=2)
dx, dy = fg.derivative(x, t), fg.derivative(y, t)
curvature = (
    dx * fg.derivative(y, t, method=second)
    - dy * fg.derivative(x, t, method=second)
) / np.hypot(dx, dy) ** 3
speed = (
    np.minimum(np.sqrt(1.5 * 9.81 / np.maximum(abs(curvature), 1e-9)), 80) * 3.6
)

plt.figure()
plt.scatter(x(t), y(t), c=speed, s=9, cmap="viridis")
plt.colorbar(label="highest speed in km/h")
plt.gca().set_aspect("equal")
plt.xlabel("metres")
plt.ylabel("metres")
plt.title("Speed limit from curvature")
