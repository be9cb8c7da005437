r"""
Standard errors of a fit
========================

After a nonlinear fit you want to know how well each parameter is determined. The standard errors follow from the
jacobian :math:`J` of the residuals at the solution and from the residual standard deviation :math:`s`:

.. math::

    \sigma_i = s \sqrt{\left( (J^T J)^{-1} \right)_{ii}}
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import least_squares

import fastgrad as fg

# %%
# The data: a reaction whose rate saturates, with 3 % of noise.
rng = np.random.default_rng(1)
concentration = np.linspace(0.1, 5, 25)
rate = (
    2.0 * concentration / (0.7 + concentration) * (1 + 0.03 * rng.normal(size=25))
)


def model(b, c):
    return b[0] * c / (b[1] + c)


def residuals(b):
    return model(b, concentration) - rate


# %%
# The fit, and the jacobian at the solution. `full_output=True` gives error bars, which say whether the jacobian is good
# enough.
fit = least_squares(residuals, [1.0, 1.0])
J = fg.jacobian(residuals, fit.x, full_output=True)
print(
    f"largest relative bar of an entry: below 1e-8: {np.max(J.error / abs(J.df)) < 1e-8}"
)

s = np.sqrt(np.sum(residuals(fit.x) ** 2) / (rate.size - fit.x.size))
covariance = s**2 * np.linalg.inv(J.df.T @ J.df)
for name, value, error in zip(
    ("largest rate", "half saturation"),
    fit.x,
    np.sqrt(np.diag(covariance)),
    strict=True,
):
    print(f"{name:16} {value:.3f} +- {error:.3f}")

# %%
# The uncertainty of the curve follows from the gradient of the model in its parameters, at every concentration.
c = np.linspace(0, 6, 200)
gradient = fg.jacobian(lambda b: model(b, c), fit.x)
sigma = np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance, gradient))
plt.figure()
plt.fill_between(
    c,
    model(fit.x, c) - 2 * sigma,
    model(fit.x, c) + 2 * sigma,
    alpha=0.3,
    label="two standard errors",
)
plt.plot(c, model(fit.x, c), label="fit")
plt.plot(concentration, rate, ".", color="C3", label="data")
plt.xlabel("concentration")
plt.ylabel("rate")
plt.legend()

# %%
# How good is this? ``fastgrad report --nist`` compares the standard errors of 27 regressions with certified values.
