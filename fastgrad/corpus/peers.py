"""Other libraries in the form that `measure` takes; imported only when called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Floats, batched

Answer = tuple[Floats, Floats, Floats, Floats]


class _Counted:
    """A function that takes arrays and counts the points it is asked for."""

    def __init__(self, f: Callable[[Any], Any]) -> None:
        """Wrap `f`, whatever it takes."""
        self.f = batched(f)
        self.count = 0

    def __call__(self, x: Any) -> Floats:
        """Evaluate and count."""
        self.count += np.size(x)
        return self.f(x)


def scipy_differentiate(f: Callable[[Any], Any], x: Floats) -> Answer:
    """``scipy.differentiate.derivative`` as it comes."""
    from scipy.differentiate import derivative

    found = derivative(batched(f), x)
    return found.df, found.error, found.success.astype(float), found.nfev.astype(float)


def _one_by_one(differentiate: Callable[[_Counted, float], tuple[float, float]], f: Any, x: Floats) -> Answer:
    """Call a library at one point after the other, so that each point has the library's full attention."""
    df, error, nfev = np.full((3, x.size), np.nan)
    for i, point in enumerate(x.tolist()):
        counted = _Counted(f)
        try:
            df[i], error[i] = differentiate(counted, point)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # a NaN value makes some of them fail
            df[i] = error[i] = np.nan
        nfev[i] = counted.count
    return df, error, np.isfinite(df).astype(float), nfev


def numdifftools(f: Callable[[Any], Any], x: Floats) -> Answer:
    """``numdifftools.Derivative`` as it comes."""
    import numdifftools as nd

    def one(g: _Counted, point: float) -> tuple[float, float]:
        found = nd.Derivative(g, full_output=True)(point)
        # up to 0.9 a pair (value, info), since then one record that holds both
        value, info = (found.estimate, found) if hasattr(found, "estimate") else found
        return float(np.squeeze(value)), float(np.squeeze(info.error_estimate))

    return _one_by_one(one, f, x)


def jacobi(f: Callable[[Any], Any], x: Floats) -> Answer:
    """``jacobi.jacobi`` as it comes."""
    from jacobi import jacobi as jac

    def one(g: _Counted, point: float) -> tuple[float, float]:
        # from 2^-81 down the powers of its steps underflow, and its least-squares fit never returns
        if 0 < abs(point) < 2.0**-80:
            return float("nan"), float("nan")
        value, error = jac(g, point)
        return float(np.squeeze(value)), float(np.squeeze(error))

    return _one_by_one(one, f, x)


def naive_central(f: Callable[[Any], Any], x: Floats) -> Answer:
    """Evaluate the central difference with a step of 1e-6, and the error it claims: none."""
    g = batched(f)
    df = (g(x + 1e-6) - g(x - 1e-6)) / 2e-6
    return df, np.zeros_like(x), np.ones_like(x), np.full_like(x, 2.0)
