r"""
A small network learns xor
==========================

A network is a circuit whose inputs are data and *weights*. Training changes the weights in the direction that makes the
error smaller. This page trains a network of two layers with the gradient of a circuit, and checks that gradient.

The network
-----------

It has two inputs, three hidden values and one output. The weights are one vector of 13 numbers: nine for the hidden
layer and four for the output.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = np.array([0.0, 1.0, 1.0, 0.0])


def network(w, x, y):
    hidden = [
        np.tanh(w[3 * k] * x + w[3 * k + 1] * y + w[3 * k + 2]) for k in range(3)
    ]
    out = w[9] * hidden[0] + w[10] * hidden[1] + w[11] * hidden[2] + w[12]
    return 1 / (1 + np.exp(-out))


def loss(w):
    total = 0.0
    for (x, y), target in zip(inputs, wanted, strict=True):
        total = total + (network(w, x, y) - target) ** 2
    return total


# %%
# The gradient
# ------------
#
# `n=13` says that the argument is a vector of 13 numbers. The function is run once on symbols; from then on value and
# gradient are one compiled program.
c = fg.circuit(loss, n=13)
w = np.random.default_rng(3).normal(size=13)
print(np.round(c.gradient(w), 4))

# %%
# Check it before it is used
# --------------------------
#
# The numerical gradient needs nothing but values of `loss`. :func:`fastgrad.check` compares the two at 50 random vectors
# of weights, 650 entries in all.
points = np.random.default_rng(0).normal(size=(50, 13))
comparison = fg.check(loss, c.gradient, points, of="gradient")
print(bool(comparison), comparison.counts)

# %%
# Train it
# --------
#
# One step of *gradient descent* moves the weights against the gradient.
history = []
for _ in range(3000):
    history.append(c(w))
    w = w - 0.5 * c.gradient(w)

plt.figure()
plt.semilogy(history)
plt.xlabel("step of gradient descent")
plt.ylabel("sum of squared errors")

# %%
# The network has learnt xor:
for (x, y), target in zip(inputs, wanted, strict=True):
    print(f"{x:.0f} xor {y:.0f} = {target:.0f}, network: {network(w, x, y):.2f}")

# %%
# Between the corners it interpolates. The line is where the output is one half.
x, y = np.meshgrid(np.linspace(-0.3, 1.3, 120), np.linspace(-0.3, 1.3, 120))
plt.figure(figsize=(4.2, 3.5))
plt.contourf(x, y, network(w, x, y), levels=np.linspace(0, 1, 11), cmap="viridis")
plt.colorbar(label="output", ticks=[0, 0.5, 1])
plt.contour(x, y, network(w, x, y), levels=[0.5], colors="white")
plt.plot(*inputs[wanted == 1].T, "o", color="white", label="wanted 1")
plt.plot(*inputs[wanted == 0].T, "x", color="white", label="wanted 0")
plt.xlabel("x")
plt.ylabel("y")

# %%
# Exercises
# ---------
#
# **1.** Make a mistake in a gradient on purpose: multiply entry 9 by 1.01. Does the check say which entry is wrong?
#
# .. dropdown:: Answer
#
#     Yes. Only the entries of coordinate 9 disagree.
#
#     >>> import numpy as np, fastgrad as fg
#     >>> def loss(w):
#     ...     return np.sum(np.tanh(w) ** 2, axis=-1)
#     >>> def wrong(w):
#     ...     df = 2 * np.tanh(w) * (1 - np.tanh(w) ** 2)
#     ...     df[..., 9] *= 1.01
#     ...     return df
#     >>> comparison = fg.check(loss, wrong, np.random.default_rng(0).normal(size=(50, 13)), of="gradient")
#     >>> disagrees = np.argwhere(comparison.verdict == fg.Verdict.DISAGREES)
#     >>> bool(comparison), set(disagrees[:, 1].tolist())
#     (False, {9})
#
# **2.** The loss has 13 inputs. How many evaluations does a central difference of its gradient cost, and how many does
# the circuit?
#
# .. dropdown:: Answer
#
#     26 evaluations of the loss. The circuit computes value and gradient in one pass, at a few times the cost of one
#     evaluation.
#
# **3.** Train with ``scipy.optimize.minimize`` instead of gradient descent.
#
# .. dropdown:: Answer
#
#     Pass ``jac=c.gradient``. See :doc:`/howto/optimize_with_scipy`.
