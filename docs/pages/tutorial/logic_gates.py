r"""
Logic gates and their soft forms
================================

A logic gate takes true and false, written 1 and 0. Its value jumps, so it has no useful derivative. This page replaces
it by a smooth formula with the same values at 0 and 1.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg
from fastgrad import gates

for x in (0, 1):
    for y in (0, 1):
        print(
            x,
            y,
            "and:",
            int(gates.logical_and(x, y)),
            "or:",
            int(gates.logical_or(x, y)),
            "xor:",
            int(gates.logical_xor(x, y)),
        )

# %%
# From jumps to probabilities
# ---------------------------
#
# Let `x` and `y` be the probabilities that two independent bits are 1. Then the probability that *both* are 1 is
# :math:`x y`. The probability that *at least one* is 1 is :math:`x + y - x y`, and that *exactly one* is 1 is
# :math:`x + y - 2 x y`.
#
# .. list-table::
#    :header-rows: 1
#
#    * - gate
#      - soft form
#      - derivative in x
#      - derivative in y
#    * - not
#      - :math:`1 - x`
#      - :math:`-1`
#      -
#    * - and
#      - :math:`x y`
#      - :math:`y`
#      - :math:`x`
#    * - or
#      - :math:`x + y - x y`
#      - :math:`1 - y`
#      - :math:`1 - x`
#    * - xor
#      - :math:`x + y - 2 x y`
#      - :math:`1 - 2y`
#      - :math:`1 - 2x`
#
# At the corners of the square they agree with the logic gates:
corners = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
for name in ("and", "or", "xor"):
    soft, hard = getattr(gates, f"soft_{name}"), getattr(gates, f"logical_{name}")
    print(name, bool(np.all(soft(*corners) == hard(*corners))))

# %%
# Between the corners they are smooth:
x, y = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60))
figure, axes = plt.subplots(1, 3, figsize=(6.4, 2.5), sharey=True)
for one, name in zip(axes, ("soft_and", "soft_or", "soft_xor"), strict=True):
    drawn = one.contourf(
        x,
        y,
        getattr(gates, name)(x, y),
        levels=np.linspace(0, 1, 11),
        cmap="viridis",
    )
    one.set(title=name, xlabel="x", xticks=[0, 1], yticks=[0, 1])
axes[0].set_ylabel("y")
colorbar = figure.colorbar(drawn, ax=axes, ticks=[0, 0.5, 1])

# %%
# A logic circuit with a gradient
# -------------------------------
#
# A half adder adds two bits: the sum is their exclusive or, the carry is their product. With soft gates it has a
# gradient everywhere.


def half_adder(x, y):
    return gates.soft_xor(x, y), gates.soft_and(x, y)


c = fg.circuit(half_adder)
(sum_x, sum_y), (carry_x, carry_y) = c.partials(1.0, 0.0)
print(f"sum: {sum_x:.0f}, {sum_y:.0f}; carry: {carry_x:.0f}, {carry_y:.0f}")
print(bool(fg.check(c)))

# %%
# Exercises
# ---------
#
# **1.** Write "x and not y" as a soft gate with its derivatives, and check it.
#
# .. dropdown:: Answer
#
#     The formula is :math:`x (1 - y)`.
#
#     >>> import fastgrad as fg
#     >>> but_not = fg.gate(lambda x, y: x * (1 - y), partials=(lambda x, y: 1 - y, lambda x, y: -x))
#     >>> bool(fg.check(but_not))
#     True
#
# **2.** Express xor by the soft forms of *and*, *or* and *not*: "(x or y) and not (x and y)". Is it the same formula?
#
# .. dropdown:: Answer
#
#     No. The two parts are not independent, so the product of their probabilities is not the probability of both. It
#     agrees at the corners only.
#
#     >>> from fastgrad import gates
#     >>> def other(x, y):
#     ...     return gates.soft_and(gates.soft_or(x, y), gates.soft_not(gates.soft_and(x, y)))
#     >>> float(other(1.0, 0.0)), float(other(0.5, 0.5)), float(gates.soft_xor(0.5, 0.5))
#     (1.0, 0.5625, 0.5)
#
# **3.** At which point is the gradient of the soft xor zero?
#
# .. dropdown:: Answer
#
#     At (1/2, 1/2): both derivatives, :math:`1 - 2y` and :math:`1 - 2x`, vanish there.
#
#     >>> [float(df) for df in gates.soft_xor.partials(0.5, 0.5)]
#     [0.0, 0.0]
