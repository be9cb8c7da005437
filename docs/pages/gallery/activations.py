r"""
Machine learning: activation functions and their slopes
=======================================================

Five activation functions with their derivatives. The dots are numerical, the lines are the exact partials of the
gates.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg
from fastgrad import gates

x = np.linspace(-4, 4, 401)
coarse = x[::20]
figure, axes = plt.subplots(1, 2, figsize=(6.6, 3.2))
for gate in (gates.sigmoid, gates.tanh, gates.softplus, gates.relu):
    (line,) = axes[0].plot(x, gate(x), label=gate.__name__)
    axes[1].plot(x, gate.partials[0](x), color=line.get_color())
    axes[1].plot(
        coarse,
        fg.derivative(gate, coarse),
        "o",
        markersize=3.5,
        color=line.get_color(),
    )
axes[0].set(title="value", xlabel="x", ylim=(-1.2, 4))
axes[1].set(title="derivative", xlabel="x")
axes[0].legend()
