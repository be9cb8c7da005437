r"""
Astronomy: the speed of a planet
================================

Kepler's equation :math:`M = E - e \sin E` gives the position on an elliptic orbit. It has no solution in closed form; a
solver iterates. The speed is the derivative of the position with respect to time, through the solver.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

ECCENTRICITY = 0.7


def anomaly(m):
    e = m + ECCENTRICITY * np.sin(m)
    for _ in range(30):
        e = e - (e - ECCENTRICITY * np.sin(e) - m) / (
            1 - ECCENTRICITY * np.cos(e)
        )
    return e


def x(m):
    return np.cos(anomaly(m)) - ECCENTRICITY


def y(m):
    return np.sqrt(1 - ECCENTRICITY**2) * np.sin(anomaly(m))


m = np.linspace(0, 2 * np.pi, 61)
speed = np.hypot(fg.derivative(x, m), fg.derivative(y, m))
by_energy = np.sqrt(2 / np.hypot(x(m), y(m)) - 1)
print(
    f"largest difference to the conservation of energy: {abs(speed - by_energy).max():.0e}"
)

plt.figure(figsize=(5.4, 4))
plt.scatter(x(m), y(m), c=speed, s=28, cmap="viridis")
plt.plot(0, 0, "*", color="C1", markersize=14)
plt.colorbar(label="speed, mean motion 1")
plt.gca().set_aspect("equal")
plt.title("Equal times: the planet is fast near its star")
