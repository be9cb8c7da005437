r"""
Gates and their derivatives
===========================

A *gate* is a small function: it takes one or two numbers and returns one. Addition and multiplication are gates.
"""

import numpy as np

import fastgrad as fg


def multiply(x, y):
    return x * y


print(multiply(5, -6))

# %%
# The definition
# --------------
#
# The derivative says how the value changes when an argument changes a little. Its definition is a limit:
#
# .. math::
#
#     \frac{\partial f}{\partial x}(x, y) = \lim_{h \to 0} \frac{f(x + h, y) - f(x, y)}{h}
#
# A computer cannot take the limit, but it can take a small step. With the step on the other side of the point, the
# quotient is called a *backward difference*:
h = 1e-5
x, y = 5.0, -6.0
by_x = (multiply(x, y) - multiply(x - h, y)) / h
by_y = (multiply(x, y) - multiply(x, y - h)) / h
print(f"{by_x:.6f}, {by_y:.6f}")

# %%
# The derivative in `x` is -6, which is `y`. The derivative in `y` is 5, which is `x`. This is what the rules of
# calculus give for a product. The list of both is called the *gradient*. It points in the direction in which the value
# grows fastest.
#
# The same with fastgrad
# ----------------------
#
# :func:`fastgrad.derivative` takes the function and the point. `wrt` says in which argument to differentiate.
print(fg.derivative(multiply, x, y, wrt=0, method="backward"))
print(fg.derivative(multiply, x, y, wrt=1, method="backward"))

# %%
# Three differences have names. The *forward* difference steps to the right, the *backward* difference to the left, and
# the *central* difference to both sides.
#
# .. list-table::
#    :header-rows: 1
#
#    * - difference
#      - formula
#    * - forward
#      - :math:`(f(x + h) - f(x)) / h`
#    * - backward
#      - :math:`(f(x) - f(x - h)) / h`
#    * - central
#      - :math:`(f(x + h) - f(x - h)) / 2h`
#
# What the derivative is good for
# -------------------------------
#
# Move the arguments a little in the direction of the gradient, and the value grows. This is how models are trained,
# with the opposite sign, because there the value is an error that should shrink.
gradient = np.array([by_x, by_y])
moved = np.array([x, y]) + 0.01 * gradient
print(f"before: {multiply(x, y):.4f}, after: {multiply(*moved):.4f}")

# %%
# Exercises
# ---------
#
# **1.** Predict the gradient of ``add(x, y) = x + y`` at (5, -6). Then compute it.
#
# .. dropdown:: Answer
#
#     Both derivatives are 1 at every point: the sum changes as much as an argument does.
#
#     >>> import fastgrad as fg
#     >>> def add(x, y):
#     ...     return x + y
#     >>> [round(float(df), 9) for df in fg.derivative(add, 5.0, -6.0, wrt=(0, 1))]
#     [1.0, 1.0]
#
# **2.** Predict the gradient of ``maximum(x, y)`` at (5, -6). What happens at (3, 3)?
#
# .. dropdown:: Answer
#
#     At (5, -6) the value is `x`, so the derivatives are 1 and 0. At (3, 3) the function has a kink: the derivative in
#     `x` is 0 from the left and 1 from the right. fastgrad reports both.
#
#     >>> [round(float(df), 9) for df in fg.derivative(max, 5.0, -6.0, wrt=(0, 1))]
#     [1.0, 0.0]
#     >>> at_tie = fg.derivative(max, 3.0, 3.0, full_output=True)
#     >>> fg.Status(at_tie.status).name, float(at_tie.left), float(at_tie.right)
#     ('KINK', 0.0, 1.0)
#
# **3.** What is the derivative of ``divide(x, y) = x / y`` in `y` at (1, 4)?
#
# .. dropdown:: Answer
#
#     It is :math:`-x / y^2`, which is -1/16.
#
#     >>> round(float(fg.derivative(lambda x, y: x / y, 1.0, 4.0, wrt=1)), 9)
#     -0.0625
