r"""
Why the step matters
====================

The page before used a step of 1e-5. This page shows what a larger and a smaller step do, and why there is a best one.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

x = 1.0
steps = 10.0 ** -np.arange(1, 16)
forward = (np.sin(x + steps) - np.sin(x)) / steps
for h, quotient in zip(steps, forward, strict=True):
    print(
        f"h = {h:.0e}   quotient = {quotient:.10f}   error = {abs(quotient - np.cos(x)):.0e}"
    )

# %%
# The exact derivative is cos(1) = 0.5403023059. Down to a step of about 1e-8 the error shrinks. Below that it grows.
#
# Two errors
# ----------
#
# *Truncation* comes from the step being finite. The Taylor series
#
# .. math::
#
#     \frac{f(x + h) - f(x)}{h} = f'(x) + \frac{h}{2} f''(x) + \cdots
#
# shows that the error of the forward difference is proportional to :math:`h`. In the central difference the terms with
# odd powers cancel, and its error is proportional to :math:`h^2`.
#
# *Rounding* comes from the numbers. A double has 16 digits, so `f(x)` is wrong by about :math:`10^{-16}`. The
# difference of two values has this error too, and dividing by :math:`h` enlarges it to about :math:`10^{-16} / h`.
#
# On logarithmic scales truncation is a rising line and rounding is a falling line. Together they form a V.
central = (np.sin(x + steps) - np.sin(x - steps)) / (2 * steps)
plt.figure()
plt.loglog(steps, abs(forward - np.cos(x)), "o-", label="forward difference")
plt.loglog(steps, abs(central - np.cos(x)), "s-", label="central difference")
plt.loglog(steps, 1e-16 / steps, ":", label="1e-16 / h")
plt.xlabel("step h")
plt.ylabel("error")
plt.legend()

# %%
# The best step of the forward difference is near :math:`10^{-8}`, the square root of the rounding error. That of the
# central difference is near :math:`10^{-5}`, the cube root. The best errors are about :math:`10^{-8}` and
# :math:`10^{-11}`: half and two thirds of the digits.
#
# The best step depends on the function
# -------------------------------------
#
# The function below changes over lengths of a millionth. A step of 1e-5 is much too wide for it.


def fast(x):
    return np.sin(1e6 * x)


exact = 1e6 * np.cos(1e6 * x)
quotient = (fast(x + 1e-5) - fast(x - 1e-5)) / 2e-5
print(f"step 1e-5: relative error {abs(quotient / exact - 1):.0e}")

# %%
# The default of fastgrad is an *adaptive* rule. It evaluates the function at several steps, combines the quotients so
# that their truncation cancels, measures the noise of the values, and says how far the result can be off.
result = fg.derivative(fast, x, full_output=True)
print(f"adaptive: relative error below 1e-7: {abs(result.df / exact - 1) < 1e-7}")
print(f"error within the bar: {abs(result.df - exact) <= result.error}")

# %%
# :func:`fastgrad.plot_error` draws the V of three differences for any function and point. The dots are the steps that
# fastgrad chooses for each difference. The grey band ends at the error bar of the adaptive rule.
fg.plot_error(np.sin, 1.0, truth=np.cos)

# %%
# Exercises
# ---------
#
# **1.** What is the best step of the central difference of ``np.exp`` at 0, to the nearest power of ten?
#
# .. dropdown:: Answer
#
#     Near the cube root of the rounding error, 1e-5 (1e-6 is as good in some cases).
#
#     >>> import numpy as np, fastgrad as fg
#     >>> steps = 10.0 ** -np.arange(1, 12)
#     >>> error = abs(fg.derivative(np.exp, np.zeros(11), method="central", step=steps) - 1)
#     >>> bool(1e-7 < steps[error.argmin()] < 1e-4)
#     True
#
# **2.** The second derivative is :math:`(f(x + h) - 2 f(x) + f(x - h)) / h^2`. How does rounding grow as the step
# shrinks, and which step is best?
#
# .. dropdown:: Answer
#
#     Rounding is divided by :math:`h^2`, so it grows as :math:`10^{-16} / h^2`. Truncation is proportional to
#     :math:`h^2`. They balance where :math:`h^4 = 10^{-16}`, at 1e-4, with an error near 1e-8.
#
#     >>> error = abs(fg.derivative(np.exp, np.zeros(11), method=fg.central(n=2), step=steps) - 1)
#     >>> bool(1e-5 < steps[error.argmin()] < 1e-2 and error.min() < 1e-7)
#     True
#
# **3.** Values of a simulation are good to six digits only. Which step is best for the forward difference?
#
# .. dropdown:: Answer
#
#     The square root of the error of the values: about 1e-3.
