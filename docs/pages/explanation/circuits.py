r"""
Circuits and the chain rule
===========================

:func:`fastgrad.circuit` gives exact derivatives. This page explains how.

Tracing
-------

The function is run once on *symbols* instead of numbers. Each operation on a symbol records a gate. The result is a list
of gates in the order of evaluation, a straight-line program.
"""

import math
import time

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def neuron(x, w, b):
    return math.tanh(w * x + b) * math.exp(-x * x)


c = fg.circuit(neuron)
print(c)

# %%
# Every gate brings its partial derivatives. They are written beside its formula, in one table, and checked against
# numerical derivatives by the tests of fastgrad.
#
# Accumulation
# ------------
#
# The chain rule can be applied in two directions.
#
# - *Reverse*: start at the result with 1, go backwards, and add up for each gate what flows in from its users. One pass
#   gives the derivatives of one result in all inputs.
# - *Forward*: start at one input with 1 and go forwards. One pass gives the derivatives of all results in one input.
#
# fastgrad takes the direction that needs fewer passes (Griewank and Walther 2008). The drawing shows values in the gates
# and partial derivatives on the edges:
c.to_svg(0.5, 2.0, -0.25)

# %%
# One program
# -----------
#
# Value and all derivatives are one program, which is simplified and compiled to one loop over the batch. Common terms
# are computed once. For a sum over 20 coordinates the circuit costs a few evaluations; a central
# difference costs 40.


def f(v):
    return np.sum(np.exp(-v * v) * np.sin(v))


x = np.random.default_rng(0).normal(size=(2000, 20))
traced = fg.circuit(f, n=20)
seconds = {}
for name, call in {
    "circuit": lambda: traced.gradient(x),
    "central": lambda: fg.gradient(f, x, method="central"),
}.items():
    call()
    start = time.perf_counter()
    call()
    seconds[name] = time.perf_counter() - start
    print(
        f"{name:8} {seconds[name] / len(x) * 1e6:.2f} microseconds per gradient"
    )

# %%
# Exact to rounding
# -----------------
#
# Exact means: without truncation. Rounding remains, and it can be amplified by a formula that cancels. The picture
# compares the relative errors of three derivatives of ``log(1 + exp(x))``, whose derivative is the sigmoid.
x = np.linspace(-30, 30, 601)
exact = np.where(
    x > 0, 1 / (1 + np.exp(-abs(x))), np.exp(-abs(x)) / (1 + np.exp(-abs(x)))
)
softplus = lambda x: np.log(1 + np.exp(x))
plt.figure()
for name, df in {
    "circuit": fg.circuit(softplus).partials(x)[0],
    "adaptive": fg.derivative(softplus, x),
    "central": fg.derivative(softplus, x, method="central"),
}.items():
    plt.semilogy(
        x, np.maximum(abs(df / exact - 1), 1e-17), ".", markersize=3, label=name
    )
plt.xlabel("x")
plt.ylabel("relative error")
plt.legend()

# %%
# What can be traced
# ------------------
#
# Arithmetic, NumPy's and `math`'s functions, loops of fixed length, slices, sums and products of arrays. A branch on a
# value cannot be traced, because a symbol has no value; write it as a choice:


def clipped(x):
    return fg.where(x < 1, x**2, 2 * x - 1)


print([float(fg.circuit(clipped).partials(point)[0]) for point in (0.5, 3.0)])

# %%
# Where tracing fails, the error names the line and the remedy.
try:
    fg.circuit(lambda x: x**2 if x < 1 else 2 * x - 1)
except TypeError as error:
    print(str(error).rpartition("`: ")[2])
