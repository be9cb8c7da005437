"""The true derivative of a function that somebody wrote for floats: the same function, run in mpmath.

Before it is believed its values are compared with those of the original.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..corpus._case import Case
from ..corpus._truths import BITS, differentiate, slope_scale
from ._translation import Translator, Untranslatable

#: How well the copy must agree with the original, relative to ``|f| + |x f'|``: loose, since `f` may cancel.
AGREEMENT = 1e-6

#: Points at which the truth is computed, and how long it may take.
POINTS, SECONDS = 1000, 10.0

# Where the names differ, or where a function of one name is not quite the other.
_RENAMED = {
    "abs": "fabs", "absolute": "fabs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh",
    "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "lgamma": "loggamma", "gammaln": "loggamma",
    "psi": "digamma", "ndtr": "ncdf", "jv": "besselj", "iv": "besseli", "kv": "besselk", "yv": "bessely",
    "expi": "ei", "pow": "power", "float_power": "power",
}  # fmt: skip
_SAME = (
    "acos acosh asin asinh atan atan2 atanh ceil cos cosh digamma ellipe ellipk erf erfc exp expm1 fabs floor gamma "
    "hypot log log10 log1p power sign sin sinh sqrt tan tanh zeta beta erfi"
).split()


def _table() -> dict[str, Callable[..., Any]]:
    """Name what stands in for the functions of `math`, NumPy and `scipy.special`."""
    import mpmath as m

    same: dict[str, Callable[..., Any]] = {name: getattr(m, name) for name in _SAME}
    renamed = {name: getattr(m, other) for name, other in _RENAMED.items()}
    logistic = lambda x: 1 / (1 + m.exp(-x))  # noqa: E731
    own: dict[str, Callable[..., Any]] = {
        "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y, "true_divide": lambda x, y: x / y, "negative": lambda x: -x,
        "positive": lambda x: x, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
        "cbrt": lambda x: m.sign(x) * m.cbrt(abs(x)), "exp2": lambda x: m.mpf(2) ** x, "log2": lambda x: m.log(x, 2),
        "maximum": max, "minimum": min, "fmax": max, "fmin": min, "clip": lambda x, lo, hi: min(max(x, lo), hi),
        "where": lambda yes, x, y: x if yes else y, "heaviside": lambda x, y: y if x == 0 else m.mpf(x > 0),
        "logaddexp": lambda x, y: m.log(m.exp(x) + m.exp(y)), "copysign": lambda x, y: abs(x) * (-1 if y < 0 else 1),
        "expit": logistic, "logit": lambda p: m.log(p / (1 - p)), "log_ndtr": lambda x: m.log(m.ncdf(x)),
        "erfcx": lambda x: m.exp(x * x) * m.erfc(x), "j0": lambda x: m.besselj(0, x), "j1": lambda x: m.besselj(1, x),
        "i0": lambda x: m.besseli(0, x), "i1": lambda x: m.besseli(1, x), "xlogy": lambda x, y: x and x * m.log(y),
        "float64": m.mpf, "asarray": lambda x, *_, **__: x, "asanyarray": lambda x, *_, **__: x,
        "atleast_1d": lambda x: x, "zeros_like": lambda x, *_, **__: m.mpf(0), "real": lambda x: x,
        "ones_like": lambda x, *_, **__: m.mpf(1), "errstate": lambda **_: contextlib.nullcontext(),
        "isfinite": m.isfinite, "isnan": m.isnan, "isinf": m.isinf, "fsum": m.fsum,
    }  # fmt: skip
    return same | renamed | own


def translated(f: Callable[..., Any]) -> Callable[..., Any]:
    """Copy `f` for mpmath's numbers.

    Raises
    ------
    Untranslatable
        When it uses something that has no equal there.
    """
    import mpmath

    return Translator(_table().get, {"float": mpmath.mpf}, lambda array: array.astype(object), "mpmath").copied(f)


def true_derivative(
    f: Callable[..., Any], args: tuple[Any, ...], wrt: int, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differentiate `f` at high precision, at the first points of a batch.

    Parameters
    ----------
    f : callable
        Function of floats or arrays.
    args : tuple of arrays or numbers
        Its arguments.
    wrt : int
        Which argument to differentiate in.
    values : ndarray
        ``f(*args)`` in float64, to check the copy against.

    Returns
    -------
    df, scale : ndarray
        Derivative and slope scale (see `fastgrad.accuracy`) at as many points as `POINTS` and `SECONDS` allow; NaN
        where there is no derivative.

    Raises
    ------
    Untranslatable
        When mpmath cannot evaluate `f`, or gets other values.
    """
    import mpmath as m

    copy = translated(f)
    rows = list(zip(*(a[:POINTS].tolist() for a in np.broadcast_arrays(*args)), strict=True))
    df: list[float] = []
    scale: list[float] = []
    start = perf_counter()
    for row, value in zip(rows, values.tolist(), strict=False):
        case = _case(copy, row, wrt)
        with m.workprec(BITS):
            try:
                exact = _real(m, case.exact(m, m.mpf(row[wrt])))
                slope = differentiate(case, m, m.mpf(row[wrt]))[0]
                df.append(math.nan if slope is None else float(slope))
                scale.append(slope_scale(case, m, row[wrt], value, df[-1]))
            except Untranslatable:
                raise
            except (ValueError, ZeroDivisionError, OverflowError):
                df.append(math.nan)
                scale.append(math.nan)
                continue
            except Exception as problem:  # whatever a function written for floats does with other numbers
                raise Untranslatable(f"mpmath's numbers raise {type(problem).__name__}: {problem}") from problem
        size = abs(value) + abs(row[wrt] * df[-1] if math.isfinite(df[-1]) else 0.0)
        if math.isfinite(value) and not abs(float(exact) - value) <= AGREEMENT * size + 1e-300:
            raise Untranslatable(f"at {row[wrt]:.6g} mpmath gets {float(exact):.10g}, float64 gets {value:.10g}")
        if len(df) % 100 == 0 and perf_counter() - start > SECONDS:
            break
    if not np.isfinite(df).any():
        raise Untranslatable("it has no derivative at any of the points")
    return np.array(df), np.array(scale)


def _real(m: Any, value: Any) -> Any:
    """Make a real number; what is complex lies outside the domain."""
    if isinstance(value, (complex, m.mpc)):
        if value.imag != 0:
            raise ValueError("the value is complex")
        value = value.real
    return m.mpf(value)


def _case(copy: Callable[..., Any], row: tuple[float, ...], wrt: int) -> Case:
    """Freeze all arguments but one."""

    def exact(m: Any, x: Any) -> Any:
        try:
            return copy(*(x if i == wrt else m.mpf(value) for i, value in enumerate(row)))
        except TypeError as problem:  # a comparison of complex numbers: outside the domain
            if "mpc" in str(problem) or "complex" in str(problem):
                raise ValueError(str(problem)) from problem
            raise

    return Case("", "", copy, (), exact)
