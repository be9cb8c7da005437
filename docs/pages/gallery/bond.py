r"""
Finance: duration and convexity of a bond
=========================================

The price of a bond falls when the yield rises. The first derivative gives the *duration*, the second the *convexity*.
Together they approximate the price at another yield.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def price(y):
    """20 years, a coupon of 4 % a year, in percent of the face value."""
    years = np.arange(1, 21)
    return np.sum(
        4 * np.exp(-np.multiply.outer(y, years)), axis=-1
    ) + 100 * np.exp(-20 * y)


at = 0.04
first = fg.derivative(price, at, full_output=True)
second = fg.derivative(price, at, method=fg.adaptive(n=2))
print(
    f"price {price(at):.2f}, duration {-first.df / price(at):.3f} years, convexity {second / price(at):.1f}"
)

y = np.linspace(0.0, 0.1, 200)
move = y - at
plt.figure()
plt.plot(100 * y, price(y), label="price")
plt.plot(100 * y, price(at) + first.df * move, "--", label="with duration")
plt.plot(
    100 * y,
    price(at) + first.df * move + second * move**2 / 2,
    ":",
    label="with convexity",
)
plt.xlabel("yield in %")
plt.ylabel("price")
plt.title("A bond around a yield of 4 %")
plt.legend()
