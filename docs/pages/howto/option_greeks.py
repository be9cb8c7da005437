r"""
Greeks of an option book
========================

The *greeks* are derivatives of the price of an option: delta in the spot, vega in the volatility, theta in time, gamma
twice in the spot. This page computes them for a hundred thousand options in three ways.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def call(spot, strike, years, rate, volatility):
    spread = volatility * math.sqrt(years)
    d = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    below = lambda z: (1 + math.erf(z / math.sqrt(2))) / 2
    return spot * below(d) - strike * math.exp(-rate * years) * below(d - spread)


rng = np.random.default_rng(0)
count = 100_000
spot, strike = rng.uniform(80, 120, count), rng.uniform(80, 120, count)
years, volatility = rng.uniform(0.1, 2, count), rng.uniform(0.1, 0.4, count)
book = spot, strike, years, 0.03, volatility

# %%
# Exact, with a circuit
# ---------------------
#
# One pass gives the price and all its first derivatives.
c = fg.circuit(call)
price, (delta, _, theta, rho, vega) = c.value_and_partials(*book)
print(f"mean delta {delta.mean():.3f}, mean vega {vega.mean():.1f}")

# %%
# Numerical, with error bars
# --------------------------
#
# A tuple for `wrt` gives several derivatives. Use this when the price comes from code that cannot be traced.
delta_n, vega_n = fg.derivative(call, *book, wrt=(0, 4), full_output=True)
for name, estimate, exact in (("delta", delta_n, delta), ("vega", vega_n, vega)):
    times = abs(estimate.df - exact) / estimate.error
    print(
        f"{name:5}  within the bar: {np.mean(times <= 1):.1%}  within two bars: {np.mean(times <= 2):.1%}"
    )

# %%
# Second derivatives
# ------------------
#
# Gamma is the second derivative in the spot.
spots = np.linspace(60, 140, 300)
plt.figure()
for years_left in (0.05, 0.25, 1.0):
    gamma = fg.derivative(
        call, spots, 100.0, years_left, 0.03, 0.2, method=fg.adaptive(n=2)
    )
    plt.plot(spots, gamma, label=f"{years_left} years left")
plt.xlabel("spot")
plt.ylabel("gamma")
plt.legend()

# %%
# From files
# ----------
#
# .. code-block:: console
#
#     $ fastgrad derivative model.py:call --input book.csv --columns spot strike years rate volatility \
#           --wrt 0 4 --output greeks.parquet
