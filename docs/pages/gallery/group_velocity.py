r"""
Physics: phase and group velocity of water waves
================================================

The dispersion relation of waves on water of depth :math:`d`, with surface tension :math:`\sigma`, is

.. math::

    \omega(k)^2 = \left( g k + \frac{\sigma}{\rho} k^3 \right) \tanh(k d)

Crests move with :math:`\omega / k`, energy with the *group velocity* :math:`d\omega / dk`.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def omega(k):
    return np.sqrt((9.81 * k + 7.3e-5 * k**3) * np.tanh(2.0 * k))


wavelength = np.geomspace(1e-3, 100, 300)
k = 2 * np.pi / wavelength
group = fg.derivative(omega, k, full_output=True)

plt.figure()
plt.loglog(wavelength, omega(k) / k, label="phase velocity")
plt.loglog(wavelength, group.df, label="group velocity")
plt.xlabel("wavelength in metres")
plt.ylabel("velocity in m/s")
plt.title("Waves on water of two metres depth")
plt.legend()
print(f"largest relative bar: {np.max(group.error / group.df):.0e}")
