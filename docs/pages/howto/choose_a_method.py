r"""
Choose a method
===============

The default is right in most cases. This page says when another method is better.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

# %%
# .. list-table::
#    :header-rows: 1
#
#    * - method
#      - evaluations
#      - take it when
#    * - ``"adaptive"`` (default)
#      - 15, more where it is hard
#      - nothing speaks against it: the step is found at every point
#    * - ``"central"``
#      - 2
#      - speed counts, and six to ten digits of a smooth function of ordinary scale are enough
#    * - ``fg.central(order=4)``, ``fg.central(order=6)``
#      - 4, 6
#      - the function is smooth over a hundredth of ``max(abs(x), 1)`` around every point
#    * - ``"forward"``, ``"backward"``
#      - 2
#      - the function may be evaluated on one side of the point only
#    * - ``fg.adaptive(side="left")``
#      - 12, more where it is hard
#      - you want a one-sided derivative; `side` may be an array
#    * - ``fg.adaptive(n=2)``
#      - 19, more where it is hard
#      - you want a second derivative; `n` goes up to 8
#    * - ``"complex"``
#      - 1
#      - the function is analytic and takes complex numbers: exact to rounding
#    * - ``fg.circuit(f)``
#      - none
#      - the function can be traced: exact to rounding, by the chain rule
#    * - ``fg.Stencil([-1, 0, 3])``
#      - 3
#      - you want certain offsets
#
# Measure it on your own function
# -------------------------------
#
# :func:`fastgrad.accuracy` compares methods with the true derivative. The picture shows accuracy against time: down and
# to the left is better.


def f(x):
    return np.exp(-0.3 * x) * np.sin(3 * x)


report = fg.accuracy(
    f,
    ["forward", "central", fg.central(4), fg.central(6), "adaptive"],
    100_000,
    domain=[(-5, 5)],
)
plt.figure()
for row in report.rows:
    plt.loglog(
        row.nanoseconds, row.median_error, "o", markersize=8, label=row.label
    )
plt.xlabel("nanoseconds per point, on the machine that builds this page")
plt.ylabel("median relative error")
plt.legend()

# %%
# What can go wrong with a fixed step
# -----------------------------------
#
# A difference with a fixed step does not know the scale of the function. Here the function changes over a length of
# 1e-6, and the step of `central` is wider:
fast = lambda x: np.sin(1e6 * x)
x = np.linspace(0.1, 1, 1000)
exact = 1e6 * np.cos(1e6 * x)
for method in ("central", "adaptive"):
    error = abs(fg.derivative(fast, x, method=method) - exact) / 1e6
    print(f"{method:8}  largest error, relative to the slope: {error.max():.0e}")

# %%
# `step` gives `central` the right step, if you know it:
error = abs(fg.derivative(fast, x, method="central", step=1e-11) - exact) / 1e6
print(f"central, step 1e-11: {error.max():.0e}")

# %%
# Edges of the domain
# -------------------
#
# With `bounds` the function is never evaluated outside. Without them, NaN or an exception beside the point ends the
# domain too, and the derivative is taken from the inside.
print(
    f"{fg.derivative(np.sqrt, 1e-6):.6g}",
    f"{fg.derivative(np.arcsin, 1.0 - 1e-9):.6g}",
)
print(f"{fg.derivative(lambda x: x**1.5, 0.25, bounds=(0.25, 1)):.9f}")
