r"""
Mathematics: which root does Newton's method find?
==================================================

Newton's method for two equations needs their jacobian at every step. Here it runs from 40,000 starting points at the
same time: the jacobians form a batch of matrices.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def equations(v):
    x, y = v[..., 0], v[..., 1]
    return np.stack([x**3 - 3 * x * y**2 - 1, 3 * x**2 * y - y**3], axis=-1)


x, y = np.meshgrid(np.linspace(-1.5, 1.5, 200), np.linspace(-1.5, 1.5, 200))
v = np.stack([x, y], -1).reshape(-1, 2) + 1e-9
for _ in range(25):
    jacobian = fg.jacobian(equations, v, method="central")
    v = v - np.linalg.solve(jacobian, equations(v)[..., None])[..., 0]

angle = np.arctan2(v[:, 1], v[:, 0]).reshape(x.shape)
plt.figure(figsize=(4.6, 4.2))
plt.imshow(angle, extent=(-1.5, 1.5, -1.5, 1.5), origin="lower", cmap="viridis")
plt.xlabel("x")
plt.ylabel("y")
plt.title("Starting points by the root they lead to")
plt.grid(False)
