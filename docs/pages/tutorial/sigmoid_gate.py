r"""
The sigmoid
===========

The sigmoid maps every number to a number between 0 and 1:

.. math::

    s(x) = \frac{1}{1 + e^{-x}}

It is used where a probability is wanted. This page writes its derivative in two ways. On paper they are equal. On a
computer one is better.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg
from fastgrad import gates


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


x = np.linspace(-8, 8, 401)
plt.figure()
plt.plot(x, sigmoid(x), label="s(x)")
plt.plot(x, fg.derivative(sigmoid, x), label="its derivative")
plt.xlabel("x")
plt.legend()

# %%
# The derivative from the definition
# ----------------------------------
#
# The largest slope is at 0:
print(f"{fg.derivative(sigmoid, 0.0):.12f}")

# %%
# The derivative from the chain rule
# ----------------------------------
#
# The circuit of the sigmoid has a negation, an exponential, a sum and a quotient.
c = fg.circuit(lambda x: 1 / (1 + np.exp(-x)))
c.to_svg(0.0)

# %%
# Multiplying along the path gives
#
# .. math::
#
#     s'(x) = \frac{e^{-x}}{(1 + e^{-x})^2}
#
# This can be rewritten with the value itself: :math:`s'(x) = s(x) (1 - s(x))`. At 0 it is 0.5 times 0.5, which is 0.25.
#
# Why the second form is better
# -----------------------------
#
# It costs one product once the value is known, and it does not overflow:


def first_form(x):
    return np.exp(-x) / (1 + np.exp(-x)) ** 2


def second_form(x):
    s = sigmoid(x)
    return s * (1 - s)


with np.errstate(over="ignore", invalid="ignore"):
    for point in (0.0, -5.0, -400.0, -800.0):
        print(
            f"x = {point:6.0f}   first form: {first_form(point):.6g}   second form: {second_form(point):.6g}"
        )

# %%
# At -800 the first form is infinity divided by infinity, which is not a number. At -400 it is zero, although the
# derivative is about 2e-174: the square in the denominator overflowed.
#
# The second form has a weakness on the other side. Where `s` is close to 1, the difference ``1 - s`` loses digits:
for point in (10.0, 30.0, 40.0):
    exact = gates.sigmoid.partials[0](point)
    print(
        f"x = {point:.0f}   relative error of s (1 - s): {abs(second_form(point) / exact - 1):.0e}"
    )

# %%
# The gate in fastgrad uses ``s(x) * s(-x)``, because :math:`1 - s(x) = s(-x)`. It has neither weakness.
#
# A gate of your own
# ------------------
#
# A gate keeps a formula and its derivative side by side. It can check itself.


@fg.gate(partials=lambda x: math.exp(-abs(x)) / (1 + math.exp(-abs(x))) ** 2)
def my_sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


print(bool(fg.check(my_sigmoid)), my_sigmoid.partials(0.0)[0])

# %%
# Exercises
# ---------
#
# **1.** Write a gate ``tanh`` with the derivative :math:`1 - \tanh^2(x)`, and check it.
#
# .. dropdown:: Answer
#
#     >>> import math, fastgrad as fg
#     >>> tanh = fg.gate(lambda x: math.tanh(x), partials=lambda x: 1 - math.tanh(x) ** 2)
#     >>> comparison = fg.check(tanh, tanh.partials[0], [-2.0, 0.0, 0.5, 2.0])
#     >>> bool(comparison)
#     True
#
# **2.** What goes wrong with that derivative at 20?
#
# .. dropdown:: Answer
#
#     ``math.tanh(20)`` is 1 to sixteen digits, so the derivative comes out as 0. The true one is about 1.7e-17. A form
#     without cancellation is :math:`1 / \cosh^2(x)`.
#
#     >>> 1 - math.tanh(20.0) ** 2, f"{1 / math.cosh(20.0) ** 2:.1e}"
#     (0.0, '1.7e-17')
#
# **3.** A colleague writes the derivative of the sigmoid as ``s * (1 + s)``. Does a check find it?
#
# .. dropdown:: Answer
#
#     Yes, at every point.
#
#     >>> import numpy as np
#     >>> s = lambda x: 1 / (1 + np.exp(-x))
#     >>> bool(fg.check(s, lambda x: s(x) * (1 + s(x)), np.linspace(-3, 3, 9)))
#     False
