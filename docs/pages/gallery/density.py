r"""
Statistics: a density from a distribution function
==================================================

The density is the derivative of the distribution function. SciPy computes the distribution function
of the normal inverse Gaussian distribution by quadrature. The lower picture
compares the error of the derivative with its bar. In the left tail the error is larger: there the quadrature is
smooth but not exact, and no bar can see that.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import fastgrad as fg

distribution = stats.norminvgauss(2.0, 1.0)
x = np.linspace(-2, 5, 60)
estimate = fg.derivative(distribution.cdf, x, full_output=True)

figure, axes = plt.subplots(2, 1, sharex=True, figsize=(5.4, 4.6))
axes[0].plot(
    x,
    estimate.df,
    "o",
    markersize=3.5,
    label="derivative of the distribution function",
)
axes[0].plot(x, distribution.pdf(x), label="density by formula")
axes[0].set(title="Normal inverse Gaussian distribution", ylabel="density")
axes[0].legend(fontsize="small")
axes[1].semilogy(
    x, np.maximum(abs(estimate.df - distribution.pdf(x)), 1e-18), ".", label="error"
)
axes[1].semilogy(x, estimate.error, label="error bar")
axes[1].set(xlabel="x")
axes[1].legend(fontsize="small")
