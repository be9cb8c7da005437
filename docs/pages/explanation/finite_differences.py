r"""
Finite differences in floating point
====================================

A difference formula combines values at a few points:

.. math::

    f^{(n)}(x) \approx \frac{1}{h^n} \sum_k w_k f(x + c_k h)

The *offsets* :math:`c_k` and the *weights* :math:`w_k` define the formula, called a *stencil*. Weights follow from the
condition that polynomials up to a certain degree are differentiated exactly.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

for rule in (
    fg.forward(),
    fg.central(),
    fg.central(order=4),
    fg.central(order=2, n=2),
):
    print(
        repr(rule),
        [str(c) for c in rule.offsets],
        [str(w) for w in rule.exact_weights],
    )

# %%
# Two errors
# ----------
#
# A stencil of order :math:`p` has a truncation error :math:`C h^p`, where :math:`C` contains a higher derivative. Each
# value has a rounding error of about :math:`\varepsilon |f|` with :math:`\varepsilon = 2^{-53}`, which the division
# turns into :math:`\varepsilon |f| / h^n`. The sum is smallest where both are equal:
#
# .. math::
#
#     h^* \sim \left( \frac{\varepsilon |f|}{|C|} \right)^{1 / (p + n)}
#
# .. list-table::
#    :header-rows: 1
#
#    * - stencil
#      - best step
#      - best error
#    * - forward, order 1
#      - :math:`\varepsilon^{1/2} \approx 10^{-8}`
#      - :math:`\varepsilon^{1/2} \approx 10^{-8}`
#    * - central, order 2
#      - :math:`\varepsilon^{1/3} \approx 10^{-5}`
#      - :math:`\varepsilon^{2/3} \approx 10^{-11}`
#    * - central, order 4
#      - :math:`\varepsilon^{1/5} \approx 10^{-3}`
#      - :math:`\varepsilon^{4/5} \approx 10^{-13}`
#    * - central, order 6
#      - :math:`\varepsilon^{1/7} \approx 10^{-2}`
#      - :math:`\varepsilon^{6/7} \approx 10^{-14}`
#
# The measured curves have these slopes and these minima. Each dot is the step that fastgrad chooses.
steps = 2.0 ** -np.arange(0, 50, 0.5)
x = np.linspace(0.5, 1.5, 41)
plt.figure()
for rule in (fg.forward(), fg.central(), fg.central(4), fg.central(6)):
    df = fg.derivative(np.exp, x, method=rule, step=steps[:, None])
    plt.loglog(
        steps, np.median(abs(df / np.exp(x) - 1), axis=1), label=repr(rule)
    )
    chosen = np.median(abs(fg.derivative(np.exp, x, method=rule) / np.exp(x) - 1))
    plt.plot(
        rule.step_for(2.0**-52),
        chosen,
        "o",
        color=plt.gca().lines[-1].get_color(),
    )
plt.xlabel("step h")
plt.ylabel("median relative error")
plt.title("exp between 0.5 and 1.5")
plt.legend()

# %%
# What the best step depends on
# -----------------------------
#
# - *The scale of the function.* If it varies over a length :math:`L`, the best step is proportional to :math:`L`. A rule
#   with a fixed step has to guess. fastgrad guesses :math:`L = \max(|x|, 1)`.
# - *The noise of the values.* Values in single precision, or of an iteration, have an :math:`\varepsilon` that is larger.
# - *The argument.* ``x + h`` is rounded too. Steps are powers of two, so that for most points they are exact.
#
# How a difference is computed
# ----------------------------
#
# The weighted sum is written as a sum of differences of values, so that a constant cancels exactly.
#
# Weights are exact fractions until the last moment. :func:`fastgrad.weights` gives them for any nodes
# (Fornberg 1988).
print([str(w) for w in fg.Stencil([-1, 0, 3]).exact_weights])

# %%
# The complex step
# ----------------
#
# If the function is analytic and takes complex numbers, :math:`f'(x) = \mathrm{Im} f(x + ih) / h` contains no difference
# and so no cancellation. The step can be tiny and the result is exact to rounding (Squire and Trapp 1998).
df = fg.derivative(
    lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3),
    1.5,
    method="complex",
)
print(f"{df:.14f}")
