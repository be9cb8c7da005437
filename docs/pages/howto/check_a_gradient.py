"""
Check a gradient
================

You have a function and a derivative of it that you or a program wrote. This page compares the two, in NumPy, in JAX, in
PyTorch, and in a test file.
"""

import numpy as np

import fastgrad as fg

# %%
# A function of numbers
# ---------------------
#
# Give the function, the derivative and the points. The result is true when nothing disagrees.
x = np.linspace(0.1, 3, 200)


def f(x):
    return x * np.log(x)


print(bool(fg.check(f, lambda x: np.log(x) + 1, x)))

# %%
# Printed, it is a table of the worst entries, and says what the mistakes have in common.
print(fg.check(f, lambda x: np.log(x), x[::40]))

# %%
# A gradient, a jacobian, a hessian
# ---------------------------------
#
# `of` says what the second function is. The vector is the last axis, so this checks 100 vectors of length 5.


def rosenbrock(x):
    return np.sum(
        100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2,
        axis=-1,
    )


def gradient(x):
    df = np.zeros_like(x)
    df[..., :-1] = -400 * x[..., :-1] * (x[..., 1:] - x[..., :-1] ** 2) - 2 * (
        1 - x[..., :-1]
    )
    df[..., 1:] += 200 * (x[..., 1:] - x[..., :-1] ** 2)
    return df


points = np.random.default_rng(0).normal(size=(100, 5))
print(bool(fg.check(rosenbrock, gradient, points, of="gradient")))

# %%
# A derivative from JAX
# ---------------------
#
# JAX computes in single precision by default. `jax.enable_x64` switches to double precision; without it the check
# compares to seven digits only.
import jax
import jax.numpy as jnp


def energy(v):
    return jnp.sum(jnp.log1p(v**2)) + v[0] * v[1]


with jax.enable_x64(True):
    by_jax = jax.jit(jax.vmap(jax.grad(energy)))
    agrees = fg.check(energy, lambda v: np.asarray(by_jax(v)), points[:10], of="gradient")
print(bool(agrees))

# %%
# A derivative from PyTorch
# -------------------------
#
# `torch.from_numpy` keeps double precision. The machine that builds this page has no PyTorch, so this block is shown
# and not run.
#
# .. code-block:: python
#
#     import torch
#
#     def energy(v):
#         return torch.log1p(v**2).sum() + v[0] * v[1]
#
#     def value(v):
#         return energy(torch.from_numpy(v)).item()
#
#     def gradient(v):
#         t = torch.from_numpy(v).requires_grad_()
#         energy(t).backward()
#         return t.grad.numpy()
#
#     assert fg.check(value, gradient, points, of="gradient")
#
# A test file
# -----------
#
# A check in an assertion is a whole test. `-vv` shows the table of the worst entries when it fails.
#
# .. code-block:: python
#
#     def test_gradient():
#         points = np.random.default_rng(0).normal(size=(100, 5))
#         assert fg.check(rosenbrock, gradient, points, of="gradient")
#
# From the command line
# ---------------------
#
# The exit status is 1 when something disagrees.
#
# .. code-block:: console
#
#     $ fastgrad check model.py:f model.py:df --domain 0.1 3
#     $ fastgrad check model.py:rosenbrock model.py:gradient --of gradient --dimension 5 --domain -2 2
#
# What a verdict means
# --------------------
#
# :doc:`/explanation/verdicts` explains agreement, disagreement, kinks, and entries that cannot be decided.
