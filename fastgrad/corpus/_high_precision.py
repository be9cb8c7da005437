"""True derivatives by mpmath.

At 1000 bits a plain difference quotient with a step of 2^-320 of the argument is right to some 90 digits, on either
side separately, and stays on its own side of every kink that a float64 can be away from.
"""

from __future__ import annotations

import math
from typing import Any

from ._case import Case, Mathematics

Precise = Any
"""A number of mpmath."""

BITS = 1000
STEP_BITS = 320


def evaluate(case: Case, m: Mathematics, x: Precise) -> Precise | None:
    """Evaluate the mpmath function; None where it has no finite real value."""
    try:
        y = case.exact(m, x)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    except TypeError as error:  # complex numbers have no order
        if "mpc" in str(error) or "complex" in str(error):
            return None
        raise
    if isinstance(y, (complex, m.mpc)):
        if y.imag != 0:
            return None
        y = y.real
    y = m.mpf(y)
    return y if m.isfinite(y) else None


def _limit(case: Case, m: Mathematics, x: Precise, y: Precise, h: Precise, quotient: Precise | None) -> Precise | None:
    """Return the limit of a one-sided quotient as the step vanishes: itself, 0, infinity, or None."""
    closer = evaluate(case, m, x + h / 2**40)
    if quotient is None or closer is None:
        return None
    fine = (closer - y) / (h / 2**40)
    if abs(fine - quotient) <= abs(quotient) * m.mpf(2) ** -60:
        return quotient
    return m.mpf(0) if abs(fine) < abs(quotient) else m.inf * m.sign(quotient)


def differentiate(case: Case, m: Mathematics, x: Precise) -> tuple[Precise | None, ...]:
    """Return df, left, right and second derivative of a case at an mpf; None where there is none."""
    h = (abs(x) or m.mpf(2) ** -133) * m.mpf(2) ** -STEP_BITS
    y = evaluate(case, m, x)
    if y is None:
        return None, None, None, None
    below, above = evaluate(case, m, x - h), evaluate(case, m, x + h)
    left = None if below is None else (y - below) / h
    right = None if above is None else (above - y) / h
    # at 0 the step is not small against |x|: an odd function of third order leaves h^2 there on both sides
    if x != 0 and not (left is None or right is None) and abs(left - right) <= abs(left) * m.mpf(2) ** -100:
        middle = (left + right) / 2
        return middle, middle, middle, (right - left) / h
    left, right = _limit(case, m, x, y, -h, left), _limit(case, m, x, y, h, right)
    if left is None or right is None:
        edge = right if left is None else left
        return (edge if edge is not None and m.isfinite(edge) else None), left, right, None
    if m.isfinite(left) and abs(left - right) <= abs(left) * m.mpf(2) ** -60:
        second = None if below is None or above is None else (above - 2 * y + below) / h**2
        return left, left, right, second
    return None, left, right, None


def _float(value: Precise | None) -> float:
    """Round an mpf to float64, None to NaN."""
    return math.nan if value is None else float(value)


def slope_scale(case: Case, m: Mathematics, x: float, y: float, df: float) -> float:
    """Return the local slope scale of a point with value `y` and derivative `df`; `_measure` defines it."""
    delta = m.mpf(abs(x) if x else 1.0) / 1024
    around = [abs(_float(differentiate(case, m, m.mpf(x) + sign * delta)[0])) for sign in (-1, 1)]
    around = [slope for slope in around if math.isfinite(slope)]
    mean = sum(around) / len(around) if around else math.nan
    return max(v for v in (1e-300, 1e-9 * abs(y) / max(abs(x), 1.0), mean, abs(df)) if math.isfinite(v))
