"""A function that was written for floats, copied for mpmath's numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ._translation import Translator

# Where the names differ, or where a function of one name is not quite the other.
_RENAMED = {
    "abs": "fabs", "absolute": "fabs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh",
    "arctan": "atan", "arctan2": "atan2", "arctanh": "atanh", "lgamma": "loggamma", "gammaln": "loggamma",
    "psi": "digamma", "ndtr": "ncdf", "jv": "besselj", "iv": "besseli", "kv": "besselk", "yv": "bessely",
    "expi": "ei", "pow": "power", "float_power": "power",
}  # fmt: skip
_SAME = (
    "acos acosh asin asinh atan atan2 atanh ceil cos cosh digamma ellipe ellipk erf erfc exp expm1 fabs floor gamma "
    "hypot log log10 log1p power sign sin sinh sqrt tan tanh zeta beta erfi isfinite isnan isinf fsum"
).split()


def _table() -> dict[str, Callable[..., Any]]:
    """Return what replaces the functions of `math`, NumPy and `scipy.special`, by their names."""
    import mpmath as m

    table: dict[str, Callable[..., Any]] = {name: getattr(m, name) for name in _SAME}
    return table | {name: getattr(m, other) for name, other in _RENAMED.items()} | {
        "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y, "true_divide": lambda x, y: x / y, "negative": lambda x: -x,
        "positive": lambda x: x, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
        "cbrt": lambda x: m.sign(x) * m.cbrt(abs(x)), "exp2": lambda x: m.mpf(2) ** x, "log2": lambda x: m.log(x, 2),
        "maximum": max, "minimum": min, "fmax": max, "fmin": min, "clip": lambda x, lo, hi: min(max(x, lo), hi),
        "where": lambda yes, x, y: x if yes else y, "heaviside": lambda x, y: y if x == 0 else m.mpf(x > 0),
        "logaddexp": lambda x, y: m.log(m.exp(x) + m.exp(y)), "copysign": lambda x, y: abs(x) * (-1 if y < 0 else 1),
        "expit": lambda x: 1 / (1 + m.exp(-x)), "logit": lambda p: m.log(p / (1 - p)),
        "log_ndtr": lambda x: m.log(m.ncdf(x)), "xlogy": lambda x, y: x and x * m.log(y),
        "erfcx": lambda x: m.exp(x * x) * m.erfc(x), "j0": lambda x: m.besselj(0, x), "j1": lambda x: m.besselj(1, x),
        "i0": lambda x: m.besseli(0, x), "i1": lambda x: m.besseli(1, x), "real": lambda x: x, "float64": m.mpf,
        "asarray": lambda x, *_, **__: x, "asanyarray": lambda x, *_, **__: x, "atleast_1d": lambda x: x,
        "zeros_like": lambda x, *_, **__: m.mpf(0), "ones_like": lambda x, *_, **__: m.mpf(1),
        "errstate": lambda **_: contextlib.nullcontext(),
    }  # fmt: skip


def for_mpmath(f: Callable[..., Any]) -> Callable[..., Any]:
    """Copy `f` for mpmath's numbers.

    Raises
    ------
    Untranslatable
        When `f` uses something that mpmath has no equal for.
    """
    import mpmath

    return Translator(_table().get, {"float": mpmath.mpf}, lambda array: array.astype(object), "mpmath").copied(f)
