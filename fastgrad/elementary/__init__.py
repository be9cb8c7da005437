"""Elementary functions that LLVM can vectorise.

Inside Numba ``math.exp`` and ``np.exp`` call libm once per number. The kernels here are straight-line arithmetic, so a
loop over them becomes packed instructions. They are right everywhere: at zeros, infinities, NaN, subnormals, overflow,
and at any argument of the circular functions.

Each takes real scalars (int, bool and float32 too: computed and returned as float64), from Python or from compiled
code; arrays and, where Numba's own function does, complex numbers as well. Errors are in units in the last place of the
true result, the largest that ``tests/test_elementary.py`` finds against mpmath, with and without fused multiply-add.
Polynomials are minimax (Remez exchange in 50 digits), rounded to float64; the error stated beside each is that before
rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._composed import arccosh, arcsinh, arctan2, arctanh, clip, heaviside, hypot, logaddexp, sinc, where
from ._error import erf, erfc
from ._exp import exp, exp2, expm1, sigmoid
from ._hyperbolic import cosh, sinh, tanh
from ._inverse import arccos, arcsin, arctan
from ._log import log, log1p, log2, log10
from ._overload import Kernel
from ._power import cbrt, power, sqrt
from ._trig import cos, sin, tan

__all__ = [
    "Kernel",
    "REPLACEMENTS",
    "SCIPY_SPECIAL",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "clip",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "heaviside",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "power",
    "sigmoid",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
]

#: What to put in place of which function of `numpy` and `math`.
REPLACEMENTS: dict[Callable[..., Any], Kernel] = {
    np.exp: exp, np.exp2: exp2, np.expm1: expm1,
    np.log: log, np.log1p: log1p, np.log2: log2, np.log10: log10,
    np.sin: sin, np.cos: cos, np.tan: tan, np.arcsin: arcsin, np.arccos: arccos, np.arctan: arctan,
    np.sinh: sinh, np.cosh: cosh, np.tanh: tanh,
    np.sqrt: sqrt, np.cbrt: cbrt, np.power: power, np.float_power: power,
    np.arcsinh: arcsinh, np.arccosh: arccosh, np.arctanh: arctanh, np.arctan2: arctan2, np.hypot: hypot,
    np.logaddexp: logaddexp, np.sinc: sinc, np.heaviside: heaviside, np.where: where, np.clip: clip,
    math.exp: exp, math.exp2: exp2, math.expm1: expm1,
    math.log: log, math.log1p: log1p, math.log2: log2, math.log10: log10,
    math.sin: sin, math.cos: cos, math.tan: tan, math.asin: arcsin, math.acos: arccos, math.atan: arctan,
    math.sinh: sinh, math.cosh: cosh, math.tanh: tanh,
    math.asinh: arcsinh, math.acosh: arccosh, math.atanh: arctanh, math.atan2: arctan2, math.hypot: hypot,
    math.sqrt: sqrt, math.cbrt: cbrt, math.pow: power, math.erf: erf, math.erfc: erfc,
}  # fmt: skip

#: The same by name for `scipy.special`, which is not imported here: it would take longer than all the rest.
SCIPY_SPECIAL: dict[str, Kernel] = {
    "expit": sigmoid, "erf": erf, "erfc": erfc, "exp2": exp2, "expm1": expm1, "log1p": log1p, "cbrt": cbrt,
}  # fmt: skip
