r"""
Economics: elasticity of demand
===============================

The elasticity says by how many percent demand changes when the price rises by one percent. It is the derivative of the
logarithm of demand with respect to the logarithm of the price.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def demand(price):
    """Two groups of customers: one leaves early, one stays."""
    return 700 / (1 + np.exp(1.6 * (price - 3))) + 300 / (
        1 + np.exp(0.8 * (price - 9))
    )


def in_logarithms(log_price):
    return np.log(demand(np.exp(log_price)))


price = np.linspace(0.5, 14, 400)
elasticity = fg.derivative(in_logarithms, np.log(price))
best = price[np.argmax(price * demand(price))]
print(f"revenue is largest at a price of {best:.2f}")

plt.figure()
plt.plot(price, elasticity)
plt.axhline(-1, color="C7", linestyle=":", label="revenue does not change")
plt.axvline(best, color="C1", linestyle="--", label="largest revenue")
plt.xlabel("price")
plt.ylabel("elasticity")
plt.legend()
