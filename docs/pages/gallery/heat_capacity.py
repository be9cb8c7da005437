r"""
Physics: heat capacity from a partition function
================================================

The logarithm of the partition function :math:`Z(\beta)` of a system holds its thermodynamics. With
:math:`\beta = 1 / kT`, the heat capacity is :math:`k \beta^2 \, d^2 \ln Z / d\beta^2`. The system is a molecule that
rotates: its levels are :math:`j (j + 1)`, each with :math:`2j + 1` states.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

j = np.arange(60)


def log_z(beta):
    return np.log(
        np.sum(
            (2 * j + 1) * np.exp(-np.multiply.outer(beta, j * (j + 1))), axis=-1
        )
    )


temperature = np.geomspace(0.15, 20, 200)
result = fg.derivative(
    log_z, 1 / temperature, method=fg.adaptive(n=2), full_output=True
)
capacity = result.df / temperature**2

plt.figure()
plt.semilogx(temperature, capacity)
plt.axhline(1, color="C7", linestyle=":", label="classical limit")
plt.xlabel("temperature, in units of the rotational constant")
plt.ylabel("heat capacity, in units of k")
plt.title("A rotating molecule: second derivative of ln Z")
plt.legend()
print(f"largest bar of the capacity: {np.max(result.error / temperature**2):.0e}")
