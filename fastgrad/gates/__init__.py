"""The table of gates: formulas of a few numbers with their exact partial derivatives beside them.

A gate is called like a NumPy ufunc, ``gates.power(x, y)``: arguments broadcast, ``out=`` takes the result, results of
float32 and float16 have the same type, all others are float64. NaN marks undefined values, without a warning. The
derivatives are ``gates.power.partials(x, y)``, a tuple of one for each argument, of the same shape and type.
`fastgrad.gate` makes more gates; ``help(type(gates.add))`` lists their attributes. A gate of fastgrad is added here.
Imports `evaluation` and what is below it.

At a tie or a kink the partials are those of the branch that the formula takes: ``maximum(x, x)`` takes the first
argument, so its partials there are 1 and 0; `absolute` and `relu` are flat at 0.

Logic gates take any number but 0 for true, return booleans and have no derivative. Soft gates equal them at 0 and 1 and
are polynomials between: the probability that the logic gate is true when its arguments are those of independent bits
(as in the networks of F. Petersen, C. Borgelt, H. Kuehne and O. Deussen 2022).

Examples
--------
>>> import numpy as np
>>> from fastgrad import gates
>>> x = np.linspace(-3, 3, 1001)
>>> float(np.max(abs(gates.tanh.partials[0](x) - (1 - np.tanh(x) ** 2)))) < 1e-15
True
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ._gate import Gate as Gate
from ._gate import gate as gate

# Arithmetic ------------------------------------------------------------------------------------------------------


@gate(partials=(lambda x, y: 1.0, lambda x, y: 1.0))
def add(x: float, y: float) -> float:
    """Sum ``x + y``."""
    return x + y


@gate(partials=(lambda x, y: 1.0, lambda x, y: -1.0))
def subtract(x: float, y: float) -> float:
    """Difference ``x - y``."""
    return x - y


@gate(partials=(lambda x, y: y, lambda x, y: x))
def multiply(x: float, y: float) -> float:
    """Product ``x * y``."""
    return x * y


@gate(partials=(lambda x, y: 1.0 / y, lambda x, y: -x / y / y))
def divide(x: float, y: float) -> float:
    """Quotient ``x / y``; infinite or NaN at ``y = 0``."""
    return x / y


@gate(partials=lambda x: -1.0)
def negative(x: float) -> float:
    """Negative ``-x``."""
    return -x


@gate(partials=lambda x: 2.0 * x)
def square(x: float) -> float:
    """Square ``x * x``."""
    return x * x


@gate(partials=(lambda x, y: 2.0 * (x + y), lambda x, y: 2.0 * (x + y)))
def sum_square(x: float, y: float) -> float:
    """Square of the sum, ``(x + y)**2``."""
    return square(add(x, y))  # type: ignore[no-any-return]


def _power_by_base(x: float, y: float) -> float:
    return y * math.pow(x, y - 1.0) if y != 0.0 else 0.0


def _power_by_exponent(x: float, y: float) -> float:
    return math.pow(x, y) * math.log(x) if x != 0.0 or y < 0.0 else 0.0


@gate(partials=(_power_by_base, _power_by_exponent), domain=((0.0, math.inf), (-math.inf, math.inf)))
def power(x: float, y: float) -> float:
    """Power ``x**y``; for negative `x` only at whole `y`."""
    return math.pow(x, y)


# Smooth ----------------------------------------------------------------------------------------------------------


def _sigmoid_slope(x: float) -> float:
    small = math.exp(-abs(x))
    return small / (1.0 + small) / (1.0 + small)


@gate(partials=_sigmoid_slope)
def sigmoid(x: float) -> float:
    """Logistic function ``1 / (1 + exp(-x))``, accurate and silent in both tails."""
    small = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else small) / (1.0 + small)


@gate(partials=lambda x: 1.0 / math.cosh(x) / math.cosh(x))
def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    return math.tanh(x)


@gate(partials=lambda x: sigmoid(x))
def softplus(x: float) -> float:
    """Smooth ramp ``log(1 + exp(x))``, without overflow."""
    return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-abs(x)))


@gate(partials=lambda x: np.exp(x))
def exp(x: float) -> float:
    """Exponential function."""
    return math.exp(x)


@gate(partials=lambda x: 1.0 / x if x > 0.0 else math.nan, domain=(0.0, math.inf))
def log(x: float) -> float:
    """Natural logarithm."""
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


@gate(partials=lambda x: 0.5 / np.sqrt(x), domain=(0.0, math.inf))
def sqrt(x: float) -> float:
    """Square root."""
    return math.sqrt(x)


@gate(partials=lambda x: np.cos(x))
def sin(x: float) -> float:
    """Sine, `x` in radians."""
    return math.sin(x)


@gate(partials=lambda x: -np.sin(x))
def cos(x: float) -> float:
    """Cosine, `x` in radians."""
    return math.cos(x)


# Kinked ----------------------------------------------------------------------------------------------------------


def _step(yes: bool, x: float, y: float) -> float:
    """1 or 0, or NaN where an argument is NaN."""
    return math.nan if x != x or y != y else 1.0 if yes else 0.0


@gate(partials=(lambda x, y: _step(x >= y, x, y), lambda x, y: _step(x < y, x, y)))
def maximum(x: float, y: float) -> float:
    """Take the larger argument, the first at a tie; NaN if either is."""
    return x + y if x != x or y != y else x if x >= y else y


@gate(partials=(lambda x, y: _step(x <= y, x, y), lambda x, y: _step(x > y, x, y)))
def minimum(x: float, y: float) -> float:
    """Take the smaller argument, the first at a tie; NaN if either is."""
    return x + y if x != x or y != y else x if x <= y else y


@gate(partials=lambda x: _step(x > 0.0, x, x) - _step(x < 0.0, x, x))
def absolute(x: float) -> float:
    """Absolute value; its partial at 0 is 0."""
    return abs(x)


@gate(partials=lambda x: _step(x > 0.0, x, x))
def relu(x: float) -> float:
    """Rectifier: `x` where positive, else 0; its partial at 0 is 0."""
    return x if x > 0.0 or x != x else 0.0


@gate(partials=lambda x, decimals=0.0: 0.0 * x)
def round_half_up(x: float, decimals: float = 0.0) -> float:
    """Round to `decimals` decimal places, halves upwards: 2.5 to 3, -2.5 to -2.

    The exact binary value decides: 2.675 is stored a little below the half, so two decimals give 2.67.
    """
    scale = 10.0 ** abs(decimals)
    scaled = x * scale if decimals >= 0.0 else x / scale
    if not abs(scaled) < 4503599627370496.0:
        return x  # beyond 2**52 every number is whole; infinities and NaN are returned
    # The scaling was rounded: its exact error (Dekker 1971) tells a half from what rounds to a half.
    y = x if decimals >= 0.0 else scaled
    product = y * scale
    ys, ss = y * 134217729.0, scale * 134217729.0
    y1, s1 = ys - (ys - y), ss - (ss - scale)
    y2, s2 = y - y1, scale - s1
    error = ((y1 * s1 - product) + y1 * s2 + y2 * s1) + y2 * s2
    if decimals < 0.0:
        error = (x - product) - error
    whole = math.floor(scaled)
    excess = scaled - whole - 0.5
    up = excess > 0.0 or (excess == 0.0 and not error < 0.0)
    rounded = whole + (1.0 if up else 0.0)
    return float(rounded / scale if decimals >= 0.0 else rounded * scale)


# Logic -----------------------------------------------------------------------------------------------------------


def _logic(soft: str) -> Callable[[Callable[..., bool]], Gate]:
    """Make a logic gate; `soft` is its differentiable relaxation."""
    return lambda formula: Gate(formula, soft=soft)


@_logic("soft_not")
def logical_not(x: float) -> bool:
    """Be true where `x` is zero."""
    return x == 0.0


@_logic("soft_or")
def logical_or(x: float, y: float) -> bool:
    """Be true where one of them is not zero."""
    return (x != 0.0) | (y != 0.0)


@_logic("soft_and")
def logical_and(x: float, y: float) -> bool:
    """Be true where both are not zero."""
    return (x != 0.0) & (y != 0.0)


@_logic("soft_xand")
def logical_xand(x: float, y: float) -> bool:
    """Be true where `x` is not zero and `y` is."""
    return logical_and(x, logical_not(y))  # type: ignore[no-any-return]


@_logic("soft_xor")
def logical_xor(x: float, y: float) -> bool:
    """Be true where exactly one of them is not zero."""
    return logical_or(logical_xand(x, y), logical_xand(y, x))  # type: ignore[no-any-return]


@_logic("soft_and")
def logical_nand(x: float, y: float) -> bool:
    """Be false where both are not zero."""
    return logical_not(logical_and(x, y))  # type: ignore[no-any-return]


@_logic("soft_or")
def logical_nor(x: float, y: float) -> bool:
    """Be true where both are zero."""
    return logical_not(logical_or(x, y))  # type: ignore[no-any-return]


@_logic("soft_xor")
def logical_xnor(x: float, y: float) -> bool:
    """Be true where both or none are zero."""
    return logical_not(logical_xor(x, y))  # type: ignore[no-any-return]


# Differentiable relaxations of the logic gates: products and sums that equal the truth table at 0 and 1 ----------


@gate(partials=lambda x: -1.0)
def soft_not(x: float) -> float:
    """Differentiable `logical_not`: ``1 - x``."""
    return 1.0 - x


@gate(partials=(lambda x, y: 1.0 - y, lambda x, y: 1.0 - x))
def soft_or(x: float, y: float) -> float:
    """Differentiable `logical_or`: ``x + y - x y``."""
    return x + y - x * y


@gate(partials=(lambda x, y: y, lambda x, y: x))
def soft_and(x: float, y: float) -> float:
    """Differentiable `logical_and`: ``x y``."""
    return x * y


@gate(partials=(lambda x, y: 1.0 - 2.0 * y, lambda x, y: 1.0 - 2.0 * x))
def soft_xor(x: float, y: float) -> float:
    """Differentiable `logical_xor`: ``x + y - 2 x y``."""
    return x + y - 2.0 * x * y


@gate(partials=(lambda x, y: 1.0 - y, lambda x, y: -x))
def soft_xand(x: float, y: float) -> float:
    """Differentiable `logical_xand`: ``x (1 - y)``."""
    return x * (1.0 - y)


#: Every gate of this module, in the order of the text.
GATES: tuple[Gate, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Gate))
__all__ = ["GATES", *(g.__name__ for g in GATES)]
