"""
Parameter trees, results of any shape, and other libraries
==========================================================

Models keep their parameters in dictionaries, lists and dataclasses. A gradient comes in the same structure.
"""

import numpy as np

import fastgrad as fg

inputs = np.array([[0.5, -1.0, 2.0], [1.0, 0.3, -0.7]])
targets = np.array([0.2, 0.9])


def loss(parameters):
    hidden = np.tanh(inputs @ parameters["W"] + parameters["b"])
    return np.mean((hidden.sum(axis=1) - targets) ** 2)


parameters = {"W": np.array([[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]]), "b": np.array([0.0, 0.1])}
slopes = fg.gradient(loss, parameters)
slopes["b"].round(6)

# %%
# Trees
# -----
#
# A tree is a dictionary, a list, a tuple, a named tuple or a dataclass of arrays, numbers or further trees; `None` has no
# numbers. It is one point: there are no batches of trees. Your function gets a tree of float64 arrays of its own.
# `step`, `rel_step` and `bounds` are numbers, or trees of the same structure.
#
# A list or tuple of plain numbers is a vector, and a list of such lists a batch. A list that holds arrays is a tree. For
# a batch of vectors, stack them: ``np.stack(rows)``.
#
# The jacobian of a tree has leaves of the shape of the result followed by that of the parameter:
jacobian = fg.jacobian(lambda p: np.tanh(inputs @ p["W"] + p["b"]), parameters)
{name: leaf.shape for name, leaf in jacobian.items()}


# %%
# A check names the leaf and the entry. Here the derivative in `b` has a wrong sign:
def gradient(parameters):
    hidden = np.tanh(inputs @ parameters["W"] + parameters["b"])
    residual = 2 * (hidden.sum(axis=1) - targets) / len(targets)
    inner = residual[:, None] * (1 - hidden**2)
    return {"W": inputs.T @ inner, "b": -inner.sum(axis=0)}


fg.check(loss, gradient, parameters)


# %%
# Results of any shape
# --------------------
#
# The batch stands first, then the result of your function, then the coordinates. A function of one number may return an
# array for each point:
def position(t):
    return np.array([np.cos(t), np.sin(t)])


fg.derivative(position, np.linspace(0, 1, 5)).shape

# %%
# Matrices have jacobians, and several results have several hessians:
x = np.ones((4, 3))
fg.jacobian(lambda v: np.outer(v, v), x).shape, fg.hessian(lambda v: (v[0] * v[1], v[2] ** 3), x).shape

# %%
# How a function is told from an elementwise one: it is called with a single number. One that returns a number is
# elementwise; one that returns an array has that many results for each point, whatever the length of the batch.
#
# JAX, PyTorch, CuPy
# ------------------
#
# Where the points are arrays of another library, your function gets such arrays, on the same device, and so do you. The
# differencing runs in float64: weights inside the function must be float64, too (``model.double()``).
#
# .. code-block:: python
#
#     import torch
#
#     def energy(x):
#         return torch.sum(torch.tanh(x) ** 2)
#
#     x = torch.linspace(-1, 1, 5)
#     fg.gradient(energy, x)                                                # a tensor of float32, as `x` is
#     fg.check(energy, torch.func.grad(energy), x, of="gradient").raise_if_wrong()
#
# JAX rounds float64 to float32 unless told otherwise. Points that are rounded give wrong differences, so arrays of JAX
# are refused until float64 is switched on:
#
# .. code-block:: python
#
#     import jax
#     import jax.numpy as jnp
#
#     jax.config.update("jax_enable_x64", True)
#     weights = {"w": jnp.arange(3.0), "b": jnp.float32(1.0)}
#     fg.check(loss, jax.grad(loss), weights).raise_if_wrong()
#
# An array of NumPy's with a function of JAX's works without that: its values count as rounded to float32, and the error
# bounds of the adaptive rule are as wide as that.
