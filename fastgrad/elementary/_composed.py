"""Functions made of the kernels: within a few ulp, and vectorised like them."""

from __future__ import annotations

import math

import numpy as np

from ._exp import LN_2, exp
from ._inverse import arctan
from ._log import log, log1p
from ._overload import composed
from ._power import sqrt
from ._trig import sin

_HUGE = 1e150  # its square is still finite


@composed(np.hypot, math.hypot)
def hypot(x: float, y: float) -> float:
    """Length ``sqrt(x**2 + y**2)`` without overflow."""
    x, y = abs(np.float64(x)), abs(np.float64(y))
    large, small = (x, y) if x >= y or y != y else (y, x)
    ratio = small / large if large > 0.0 else 0.0
    length = large * sqrt(1.0 + ratio * ratio) + (0.0 * x + 0.0 * y)  # NaN if either is
    return np.inf if x == np.inf or y == np.inf else length


@composed(np.arctan2, math.atan2)
def arctan2(y: float, x: float) -> float:
    """Angle of the point (x, y), from -pi to pi."""
    y, x = np.float64(y), np.float64(x)
    a, b = abs(y), abs(x)
    large, small = (a, b) if a >= b else (b, a)
    ratio = 1.0 if small == np.inf else small / large if large != 0.0 else 0.0
    angle = arctan(ratio)
    # pi in two parts: the second is what the first rounds off
    angle = (1.5707963267948966 - angle) + 6.123233995736766e-17 if a > b else angle
    angle = (3.141592653589793 - angle) + 1.2246467991473532e-16 if math.copysign(1.0, x) < 0.0 else angle
    return math.copysign(angle, y) + 0.0 * (x + y) if x != x or y != y else math.copysign(angle, y)


@composed(np.logaddexp)
def logaddexp(x: float, y: float) -> float:
    """Logarithm of ``exp(x) + exp(y)`` without overflow."""
    x, y = np.float64(x), np.float64(y)
    return x + LN_2 if x == y else (x if x > y else y) + log1p(exp(-abs(x - y)))


@composed(np.arcsinh, math.asinh)
def arcsinh(x: float) -> float:
    """Inverse hyperbolic sine."""
    x = np.float64(x)
    size = abs(x)
    inner = size if size < _HUGE else 1.0
    near = log1p(inner + inner * inner / (1.0 + sqrt(inner * inner + 1.0)))
    return math.copysign(near if size < _HUGE else log(size) + LN_2, x)


@composed(np.arccosh, math.acosh)
def arccosh(x: float) -> float:
    """Inverse hyperbolic cosine; NaN below 1."""
    x = np.float64(x)
    beyond = (x if x < _HUGE else 1.0) - 1.0
    value = log1p(beyond + sqrt(beyond * (beyond + 2.0))) if x < _HUGE else log(x) + LN_2
    return np.nan if x < 1.0 else value


@composed(np.arctanh, math.atanh)
def arctanh(x: float) -> float:
    """Inverse hyperbolic tangent; NaN outside -1 to 1."""
    x = np.float64(x)
    size = abs(x)
    return math.copysign(0.5 * log1p(2.0 * size / (1.0 - size)), x) if size <= 1.0 else np.nan


@composed(np.sinc)
def sinc(x: float) -> float:
    """Return ``sin(pi x) / (pi x)``, 1 at 0."""
    angle = np.pi * np.float64(x)
    return 1.0 if angle == 0.0 else sin(angle) / angle


@composed(np.heaviside)
def heaviside(x: float, middle: float) -> float:
    """Step from 0 to 1, `middle` at 0."""
    x = np.float64(x)
    return x if x != x else 0.0 if x < 0.0 else 1.0 if x > 0.0 else np.float64(middle)


@composed(np.where)
def where(condition: bool, x: float, y: float) -> float:
    """One of two values; Numba's own makes three arrays even of three scalars."""
    return x if condition else y


@composed(np.clip)
def clip(x: float, low: float, high: float) -> float:
    """Clip a number to an interval; NaN for NaN."""
    return low if x < low else high if x > high else x
