r"""
Machine learning: descent on a landscape
========================================

Gradient descent from four starting points on Himmelblau's function, which has four minima. The gradients of all
starting points are computed in one call.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def f(v):
    return (v[..., 0] ** 2 + v[..., 1] - 11) ** 2 + (
        v[..., 0] + v[..., 1] ** 2 - 7
    ) ** 2


v = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.5, -1.5], [1.0, -1.0]])
path = [v]
for _ in range(200):
    v = v - 0.01 * fg.gradient(f, v)
    path.append(v)
path = np.array(path)

x, y = np.meshgrid(np.linspace(-5, 5, 200), np.linspace(-5, 5, 200))
plt.figure(figsize=(5, 4.2))
plt.contour(
    x,
    y,
    np.log1p(f(np.stack([x, y], -1))),
    levels=14,
    linewidths=0.7,
    cmap="viridis",
)
for k in range(4):
    plt.plot(path[:, k, 0], path[:, k, 1], ".-", markersize=3, color=f"C{k}")
    plt.plot(*path[-1, k], "*", markersize=11, color=f"C{k}")
plt.xlabel("x")
plt.ylabel("y")
plt.title("Four descents, four minima")
print(f"largest slope at the ends: {abs(fg.gradient(f, v)).max():.0e}")
