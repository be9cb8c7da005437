r"""
Chemistry: force and stiffness of a bond
========================================

The force between two atoms is minus the derivative of their energy. The second derivative at the minimum is the
stiffness, from which the frequency of the vibration follows. The example is argon, with the Lennard-Jones potential.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

EPSILON, SIGMA = 0.0103, 3.40  # electronvolt, angstrom


def energy(r):
    return 4 * EPSILON * ((SIGMA / r) ** 12 - (SIGMA / r) ** 6)


r = np.linspace(3.3, 7, 300)
force = -fg.derivative(energy, r)
nearest = 2 ** (1 / 6) * SIGMA
stiffness = fg.derivative(
    energy, nearest, method=fg.adaptive(n=2), full_output=True
)
print(
    f"stiffness {stiffness.df:.6f} eV / A^2, exact {72 * EPSILON / nearest**2:.6f}"
)

figure, axes = plt.subplots(2, 1, sharex=True, figsize=(5.4, 4.6))
axes[0].plot(r, 1000 * energy(r))
axes[0].set(ylabel="energy in meV", ylim=(-12, 15), title="Two atoms of argon")
axes[1].plot(r, 1000 * force)
axes[1].axvline(nearest, color="C7", linestyle=":")
axes[1].set(
    xlabel="distance in angstrom",
    ylabel="force in meV / angstrom",
    ylim=(-12, 30),
)
