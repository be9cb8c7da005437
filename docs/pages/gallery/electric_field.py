r"""
Physics: the field of three charges
===================================

The electric field is minus the gradient of the potential. The potential is computed at 40,000 points, and all gradients
in one call.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

charges = ((1.0, -1.0, -0.6), (1.0, 1.0, -0.6), (-2.0, 0.0, 0.9))


def potential(r):
    total = 0.0
    for q, x, y in charges:
        total = total + q / np.sqrt((r[..., 0] - x) ** 2 + (r[..., 1] - y) ** 2)
    return total


x, y = np.meshgrid(np.linspace(-2.5, 2.5, 200), np.linspace(-2, 2, 200))
points = np.stack([x, y], -1)
field = -fg.gradient(potential, points)

plt.figure(figsize=(5.4, 4.2))
plt.streamplot(
    x,
    y,
    field[..., 0],
    field[..., 1],
    density=1.3,
    linewidth=0.7,
    arrowsize=0.8,
    color="C0",
)
for q, at_x, at_y in charges:
    plt.plot(
        at_x, at_y, "o", markersize=5 + 3 * abs(q), color="C1" if q > 0 else "C2"
    )
plt.gca().set_aspect("equal")
plt.xlabel("x")
plt.ylabel("y")
plt.title("Field lines from a gradient")
