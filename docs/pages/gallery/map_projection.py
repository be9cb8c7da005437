r"""
Geography: how a map distorts areas
===================================

A map projection is a function of two angles with two results. The determinant of its jacobian, divided by the cosine of
the latitude, is the factor by which areas are enlarged.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def winkel_tripel(v):
    longitude, latitude = v[..., 0], v[..., 1]
    alpha = np.arccos(np.cos(latitude) * np.cos(longitude / 2))
    s = np.sinc(alpha / np.pi)
    x = longitude * 2 / np.pi + 2 * np.cos(latitude) * np.sin(longitude / 2) / s
    y = latitude + np.sin(latitude) / s
    return np.stack([x / 2, y / 2], axis=-1)


longitude, latitude = np.meshgrid(
    np.radians(np.linspace(-179, 179, 120)), np.radians(np.linspace(-85, 85, 70))
)
points = np.stack([longitude, latitude], -1)
jacobian = fg.jacobian(winkel_tripel, points)
area = np.linalg.det(jacobian) / np.cos(latitude)

at = winkel_tripel(points)
plt.figure(figsize=(5.8, 3.4))
plt.contourf(
    at[..., 0],
    at[..., 1],
    area / np.min(area),
    levels=np.linspace(1, 2, 21),
    cmap="viridis",
    extend="max",
)
plt.colorbar(label="enlargement of areas")
plt.gca().set_aspect("equal")
plt.xticks([])
plt.yticks([])
plt.title("Winkel's tripel projection")
