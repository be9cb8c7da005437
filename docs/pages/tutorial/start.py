"""
Start
=====

This page takes five minutes. It shows how to install fastgrad, and then four things: a derivative with its error bar,
a checked gradient, a check in a test file, and a report on a function of your own.

Install
-------

fastgrad needs Python 3.11 or later. NumPy, SciPy and Numba are installed with it. In a copy of the source directory:

.. code-block:: console

    $ pip install .
    $ pip install ".[report]"

The second line also installs matplotlib and what else reports need.
"""

# %%
# A derivative with its error bar
# -------------------------------
#
# Write a function of one number, or of an array of numbers. It is never changed and nothing has to be declared.
import numpy as np

import fastgrad as fg


def f(x):
    return np.exp(-0.3 * x) * np.sin(3 * x)


x = np.array([-2.0, 0.0, 0.5, 3.0])
fg.derivative(f, x)

# %%
# With ``full_output=True`` you get an estimate: the derivative `df`, its error bar `error`, and a `status` for every
# point.
result = fg.derivative(f, x, full_output=True)
for point, df, error, status in zip(
    x, result.df, result.error, result.status, strict=True
):
    print(
        f"x = {point:4.1f}   df = {df:11.8f}   bar = {error:.0e}   {fg.Status(status).name}"
    )

# %%
# The error bar is a bound: the true derivative is expected within `df - error` and `df + error`. Here the exact
# derivative is known, so we can compare.
exact = np.exp(-0.3 * x) * (3 * np.cos(3 * x) - 0.3 * np.sin(3 * x))
print("error within the bar:", abs(result.df - exact) <= result.error)

# %%
# :func:`fastgrad.plot_error` shows what happens at one point. Each difference quotient has its smallest error at a
# different step. The grey band ends at the error bar of the default method, which combines several steps.
fg.plot_error(f, 0.5)

# %%
# The call is the same for a million points. The first call compiles the function, which takes a moment; later calls
# do not.
many = np.linspace(-5, 5, 1_000_000)
slopes = fg.derivative(f, many)
slopes.shape

# %%
# A checked gradient
# ------------------
#
# Suppose you derived a gradient by hand. :func:`fastgrad.check` compares it with the numerical one. There is no
# tolerance to choose: the error bars decide.


def loss(w):
    return np.sum(np.log1p(np.exp(-w)), axis=-1)


def gradient(w):
    return -1 / (1 + np.exp(w))


w = np.random.default_rng(0).normal(size=(100, 20))
print(bool(fg.check(loss, gradient, w, of="gradient")))

# %%
# A wrong gradient gives a false result. It says how many entries are wrong and what the mistakes have in common.


def wrong(w):
    return 1 / (1 + np.exp(w))


comparison = fg.check(loss, wrong, w, of="gradient")
print(bool(comparison), comparison.patterns)

# %%
# A check in a test file
# ----------------------
#
# One assertion is a whole test. Put `f`, `loss` and `gradient` from above into a file ``model.py``, below ``import numpy
# as np``. Save the test beside it as ``test_model.py`` and run ``pytest``:
#
# .. code-block:: python
#
#     import numpy as np
#     import fastgrad as fg
#     from model import loss, gradient
#
#
#     def test_gradient():
#         w = np.random.default_rng(0).normal(size=(100, 20))
#         assert fg.check(loss, gradient, w, of="gradient")
#
# A report on your own function
# -----------------------------
#
# A report compares all methods on your function: how accurate they are, how fast, and where they are wrong. From the
# command line, in the directory of ``model.py``:
#
# .. code-block:: console
#
#     $ fastgrad report model.py:f --domain -5 5 --out report.html
#
# The page ``report.html`` begins with the method to use. It opens in any browser.
#
# The same from Python, with three methods and ten thousand points:
report = fg.accuracy(
    f, ["forward", "central", "adaptive"], 10_000, domain=[(-5, 5)]
)
for row in report.rows:
    print(
        f"{row.label:9}  median error {row.median_error:.0e}  points wrong by more than 1e-6: {row.off:.0%}"
    )

# %%
# What next
# ---------
#
# - :doc:`/howto/choose_a_method` says which method to take.
# - :doc:`/howto/read_results` explains error bars and statuses.
# - :doc:`/explanation/promises` says when not to trust an error bar.
# - :doc:`index` is the tutorial.
