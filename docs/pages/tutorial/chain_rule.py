r"""
Circuits and the chain rule
===========================

Gates can be connected: the value of one is an argument of the next. The result is a *circuit*. This page computes its
gradient from the derivatives of its gates.
"""

import fastgrad as fg


def sum_square(x, y):
    total = x + y
    return total * total


print(sum_square(5, -6))

# %%
# The numerical derivative treats the circuit as one function and does not look inside:
x, y = 5.0, -6.0
h = 1e-5
print(f"{(sum_square(x, y) - sum_square(x - h, y)) / h:.4f}")
print(f"{fg.derivative(sum_square, x, y):.9f}")

# %%
# The derivative is -2. The chain rule explains why.
#
# The chain rule
# --------------
#
# The circuit has two gates: a sum :math:`t = x + y` and a product :math:`f = t \cdot t`. Each has a simple derivative
# with respect to its own arguments, the *local* derivative:
#
# .. math::
#
#     \frac{\partial t}{\partial x} = 1, \qquad \frac{d f}{d t} = 2t = -2
#
# The chain rule says: multiply the local derivatives along the path from the result to the argument.
#
# .. math::
#
#     \frac{\partial f}{\partial x} = \frac{d f}{d t} \cdot \frac{\partial t}{\partial x} = -2 \cdot 1 = -2
#
# If there are several paths, add them up. Here both arguments of the product are :math:`t`, which gives two edges.
#
# The drawn circuit
# -----------------
#
# :func:`fastgrad.circuit` runs a function once on symbols and records its gates. Its drawing shows the value of every
# gate, and on every edge the local derivative at the point.
c = fg.circuit(sum_square)
c.to_svg(x, y)

# %%
# Starting at the result with 1, walk to the left. At each edge multiply by the number that stands on it. Where edges
# meet in a gate, add. What arrives at an input is its derivative. This is called *reverse accumulation*; in machine
# learning it is known as backpropagation. One walk gives the derivatives in all inputs.
print([float(df) for df in c.partials(x, y)])

# %%
# A printed circuit is a numbered program, with the local derivative of every gate.
print(c)

# %%
# A circuit with several paths
# ----------------------------
#
# In the next one `x` reaches the result on two paths.


def two_paths(x, y):
    return (x + y) * (x * y)


d = fg.circuit(two_paths)
d.to_svg(2.0, 3.0)

# %%
# The derivative in `x` is the sum over both: :math:`6 \cdot 1 + 5 \cdot 3 = 21`.
print([float(df) for df in d.partials(2.0, 3.0)])

# %%
# Two ways, one answer
# --------------------
#
# The numerical derivative only needs values. The analytic one only needs local derivatives. They share no code, so
# their agreement is evidence that both are right. :func:`fastgrad.check` compares them. For a circuit it chooses the
# points itself.
print(bool(fg.check(d)))

# %%
# Exercises
# ---------
#
# **1.** For :math:`f(x, y, z) = (x + y) z` at (-2, 5, -4), write the local derivatives at the edges and compute the
# gradient by hand.
#
# .. dropdown:: Answer
#
#     The sum is 3, the product -12. The product has the local derivatives -4 (by the sum) and 3 (by `z`). The gradient
#     is (-4, -4, 3).
#
#     >>> import fastgrad as fg
#     >>> c = fg.circuit(lambda x, y, z: (x + y) * z)
#     >>> [float(df) for df in c.partials(-2.0, 5.0, -4.0)]
#     [-4.0, -4.0, 3.0]
#
# **2.** What is the derivative of :math:`x \cdot x \cdot x` at 2, as a circuit of two products?
#
# .. dropdown:: Answer
#
#     There are three paths from the result to `x`. Each contributes 4.
#
#     >>> [float(df) for df in fg.circuit(lambda x: x * x * x).partials(2.0)]
#     [12.0]
#
# **3.** Why does reverse accumulation need one walk for a thousand inputs, and a central difference two thousand
# evaluations?
#
# .. dropdown:: Answer
#
#     The walk visits every edge once, whatever the number of inputs. A difference changes one input at a time and
#     evaluates the whole circuit for each.
