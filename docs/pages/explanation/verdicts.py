r"""
Verdicts of a check
===================

:func:`fastgrad.check` compares two derivatives of the same function: yours and the numerical one. Each entry gets one of
four verdicts.

.. list-table::
   :header-rows: 1

   * - verdict
     - meaning
   * - ``AGREES``
     - the two are closer than the error bound and rounding allow, and the bound is narrow
   * - ``DISAGREES``
     - they are further apart, and a second estimate with other steps confirms it
   * - ``UNDECIDED``
     - they are close, but the bound is too wide to tell
   * - ``KINK``
     - left and right derivative differ, and your value lies between them

A check is true when nothing disagrees and something could be decided.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

# %%
# Why there is no tolerance
# -------------------------
#
# With a fixed tolerance of 1e-6 a derivative of 1e-8 that is wrong by a factor of three passes. A check compares with
# the error bound, which has the scale of the derivative:
comparison = fg.check(lambda x: 1e-8 * x**2, lambda x: 6e-8 * x, np.linspace(1, 2, 5))
print(bool(comparison), comparison.patterns)

# %%
# How small a mistake is found
# ----------------------------
#
# The derivative of the sine is multiplied by :math:`1 + \delta`. The picture shows the share of 400 points at which the
# mistake is found, for values in double and in single precision.
x = np.linspace(0.1, 1.4, 400)
sizes = 10.0 ** np.arange(-15.0, -1)
plt.figure()
for name, f in (
    ("double precision", np.sin),
    ("single precision", lambda x: np.float32(np.sin(x))),
):
    shares = []
    for delta in sizes:
        comparison = fg.check(f, lambda x, delta=delta: (1 + delta) * np.cos(x), x)
        shares.append(np.mean(comparison.verdict == fg.Verdict.DISAGREES))
    plt.semilogx(sizes, shares, "o-", label=name)
plt.xlabel("relative size of the mistake")
plt.ylabel("share of points where it is found")
plt.legend()

# %%
# A correct derivative must pass. Here is the number of false alarms among 100,000 points:
x = np.random.default_rng(0).uniform(-20, 20, 100_000)
comparison = fg.check(
    lambda x: np.sin(x) * np.exp(-0.1 * x),
    lambda x: (np.cos(x) - 0.1 * np.sin(x)) * np.exp(-0.1 * x),
    x,
)
print(comparison.counts)

# %%
# Kinks
# -----
#
# At a kink any value between the two sides is accepted, because each is used in practice:
relu = lambda x: np.maximum(x, 0)
for value in (0.0, 0.5, 1.0, 1.5):
    comparison = fg.check(
        relu,
        lambda x, value=value: np.where(x > 0, 1.0, np.where(x < 0, 0.0, value)),
        [0.0],
    )
    print(value, fg.Verdict(comparison.verdict[0]).name)

# %%
# What mistakes have in common
# ----------------------------
#
# A mistake in a formula is wrong in a regular way. The check looks for a factor, a sign, swapped arguments, a threshold,
# a single coordinate, and says what it finds:
points = np.random.default_rng(0).normal(size=(100, 20))
loss = lambda w: np.sum(np.log1p(np.exp(-w)), axis=-1)
for wrong in (
    lambda w: -0.5 / (1 + np.exp(w)),
    lambda w: -1 / (1 + np.exp(w)) / 20,
    lambda w: 1 / (1 + np.exp(w)),
):
    print(fg.check(loss, wrong, points, of="gradient").patterns[0])

# %%
# Beside other checks
# -------------------
#
# Twenty gradients written by hand (layers, likelihoods, physics, finance) get twelve mistakes each: a sign, a factor, a
# missing term, a transposed matrix, float32 inside, an epsilon in the wrong place. Every method runs at its defaults.
# ``python -m bench.mistakes`` measures it anew.
#
# .. list-table:: Found among 240 mistakes, and false alarms on the 20 right gradients. 29 November 2026, JAX 0.10.2,
#    SciPy 1.17.1
#    :header-rows: 1
#
#    * - method
#      - found
#      - named
#      - false alarms
#    * - ``fastgrad.check``
#      - 240
#      - 212
#      - 0
#    * - ``jax.test_util.check_grads``, 32 bits
#      - 202
#      - \-
#      - 0
#    * - ``jax.test_util.check_grads``, 64 bits
#      - 204
#      - \-
#      - 0
#    * - ``scipy.optimize.check_grad`` above 1e-5
#      - 209
#      - \-
#      - 0
#
# What a check cannot decide
# --------------------------
#
# The rounding of a result is that of the largest numbers in it. A partial derivative that is ten thousand billion times
# smaller than another one of the same gradient is below that rounding. It is ``UNDECIDED``, right or wrong:
scales = np.array([1e14, 1.0])
comparison = fg.check(
    lambda x: np.sum(scales * np.sin(x), axis=-1),
    lambda x: scales * np.cos(x) * [1, 3],
    [[0.5, 0.7]],
    of="gradient",
)
print([fg.Verdict(v).name for v in comparison.verdict[0]])

# %%
# So are derivatives where `f` loses all its digits to cancellation. ``1 - cos(x)`` is a multiple of 1.1e-16, and for
# small `x` the quotient jumps between the derivatives of ``0 / x**2``, ``1.1e-16 / x**2`` and so on:
f = lambda x: (1 - np.cos(x)) / x**2
df = lambda x: -x / 12 + x**3 / 180 - x**5 / 6720
comparison = fg.check(f, df, np.array([1e-8, 1e-7, 1e-2, 0.1]))
print([fg.Verdict(v).name for v in comparison.verdict])

# %%
# Check the terms apart, or at points where they are of one size.
