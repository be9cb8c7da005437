r"""
Performance
===========

A derivative by differences needs a few values of the function at each point. This page asks how close fastgrad comes to
the limits of the machine.

The roofline
------------

Two limits apply to a loop over a batch: how fast numbers come from memory, and how fast they are computed with. A loop
that does little arithmetic for each number is limited by memory, another one by arithmetic. The measurements below run
on the machine that builds this page.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

COUNT = 1_000_000
x = np.linspace(0.1, 3, COUNT)
out = np.empty_like(x)


def nanoseconds(call):
    """The shortest of four runs, per point."""
    call()
    times = []
    for _ in range(4):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) / COUNT * 1e9


# %%
# The memory limit is the time of a copy: one number read, one written. It is drawn as the horizontal line. The functions
# do more and more arithmetic: one exponential, three, eight.
copy = nanoseconds(lambda: np.copyto(out, x))


def terms(count):
    """A sum of `count` exponentials."""
    rates = tuple(-0.5 - 0.1 * k for k in range(count))

    def f(x):
        total = 0.0
        for rate in rates:
            total += np.exp(rate * x)
        return total

    return f


counts = (1, 3, 8)
central, numpy = [], []
for count in counts:
    f = terms(count)
    central.append(
        nanoseconds(lambda f=f: fg.derivative(f, x, method="central", out=out))
    )
    numpy.append(nanoseconds(lambda f=f: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5))
plt.figure()
plt.loglog(counts, numpy, "o-", label="NumPy, (f(x + h) - f(x - h)) / 2h")
plt.loglog(counts, central, "s-", label="fastgrad, central")
plt.axhline(copy, color="C7", linestyle=":", label="copy of the array")
plt.xlabel("exponentials in the function")
plt.ylabel("nanoseconds per point")
plt.xticks(counts, [str(count) for count in counts])
plt.minorticks_off()
plt.legend()

# %%
# The line of fastgrad rises with the arithmetic and lies above the copy: it is limited by arithmetic, not by memory.
# NumPy writes and reads an array for every operation.
#
# Why it is fast
# --------------
#
# - *One loop.* Arguments, values and the quotient stay in registers. Nothing but the points is read, nothing but the
#   result is written.
# - *SIMD.* Elementary functions are written without branches, so that the compiler processes four or eight points at a
#   time.
# - *Threads.* Large batches use all cores.
# - *Rounds.* The adaptive rule evaluates the same steps at all points, and judges all of them with the same code without
#   branches. Points that need more are collected and go on together.
#
# What is not done: fastgrad never allows the compiler to reorder floating-point operations (`fastmath`). The results of a
# compiled function are the same for one point and for a million, on one thread and on many.
#
# Measured tables are on :doc:`measurements`.
