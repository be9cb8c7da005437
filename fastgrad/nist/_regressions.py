"""The regressions with their models as NIST prints them, and the standard errors that follow from a jacobian.

Models are formulas of the parameters `b` and of the predictors `x`. Nelson's set has two, the columns of `x`, and its
model is of the logarithm of the response.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from .._typing import Argument, FloatArray

#: A function of parameters and predictors: arrays of NumPy, complex for the complex step, or of JAX.
Model = Callable[[Argument, Argument], Argument]


def enso(b: Argument, x: Argument) -> Argument:
    """Differences of atmospheric pressure: a cycle of a year and two of unknown length."""
    year = b[0] + b[1] * np.cos(2 * np.pi * x / 12) + b[2] * np.sin(2 * np.pi * x / 12)
    first = b[4] * np.cos(2 * np.pi * x / b[3]) + b[5] * np.sin(2 * np.pi * x / b[3])
    return year + first + b[7] * np.cos(2 * np.pi * x / b[6]) + b[8] * np.sin(2 * np.pi * x / b[6])


def gauss(b: Argument, x: Argument) -> Argument:
    """Two Gaussians on a decaying exponential."""
    first = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
    return b[0] * np.exp(-b[1] * x) + first + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)


#: The models, and the sets that each is for.
FORMULAS: tuple[tuple[Model, str], ...] = (
    (lambda b, x: b[0] * (b[1] + x) ** (-1 / b[2]), "Bennett5"),
    (lambda b, x: b[0] * (1 - np.exp(-b[1] * x)), "BoxBOD Misra1a"),
    (lambda b, x: np.exp(-b[0] * x) / (b[1] + b[2] * x), "Chwirut1 Chwirut2"),
    (lambda b, x: b[0] * x ** b[1], "DanWood"),
    (enso, "ENSO"),
    (lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2), "Eckerle4"),
    (gauss, "Gauss1 Gauss2 Gauss3"),
    (lambda b, x: (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3),
     "Hahn1 Thurber"),
    (lambda b, x: (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2), "Kirby2"),
    (lambda b, x: b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x),
     "Lanczos1 Lanczos2 Lanczos3"),
    (lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]), "MGH09"),
    (lambda b, x: b[0] * np.exp(b[1] / (x + b[2])), "MGH10"),
    (lambda b, x: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]), "MGH17"),
    (lambda b, x: b[0] * (1 - (1 + b[1] * x / 2) ** (-2)), "Misra1b"),
    (lambda b, x: b[0] * (1 - (1 + 2 * b[1] * x) ** (-0.5)), "Misra1c"),
    (lambda b, x: b[0] * b[1] * x / (1 + b[1] * x), "Misra1d"),
    (lambda b, x: b[0] - b[1] * x[:, 0] * np.exp(-b[2] * x[:, 1]), "Nelson"),
    (lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)), "Rat42"),
    (lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]), "Rat43"),
    (lambda b, x: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi, "Roszman1"),
)  # fmt: skip

#: Model of each set.
MODELS = {name: model for model, names in FORMULAS for name in names.split()}



#: Digits of the certified values; more cannot agree.
PRINTED = 11.0


@dataclass(frozen=True)
class Regression:
    """One of the sets, under NIST's name."""

    name: str
    #: ``model(b, x)``, the response at predictors `x` for parameters `b`.
    model: Model
    #: The data; `x` has two columns for Nelson, where `y` is the logarithm that the model is of.
    x: FloatArray
    y: FloatArray
    #: Both starting values, the first one far off.
    starts: tuple[FloatArray, FloatArray]
    #: Certified parameters and standard errors.
    parameters: FloatArray
    errors: FloatArray
    #: Certified residual sum of squares and residual standard deviation.
    rss: float
    s: float

    def residuals(self, b: Argument) -> Argument:
        """Subtract the data from the model at parameters `b`; the jacobian is that of the model."""
        return self.model(b, self.x) - self.y


@functools.cache
def regressions() -> tuple[Regression, ...]:
    """Read all sets.

    Examples
    --------
    >>> from fastgrad.nist import regressions
    >>> len(regressions())
    27
    """
    sets = json.loads(Path(__file__).with_name("strd.json").read_text(encoding="utf-8"))["sets"]
    table = []
    for name, row in sets.items():
        arrays = {key: np.array(row[key]) for key in ("x", "y", "parameters", "errors")}
        if name == "Nelson":
            arrays["y"] = np.log(arrays["y"])
        starts = (np.array(row["starts"][0]), np.array(row["starts"][1]))
        table.append(Regression(name, MODELS[name], starts=starts, rss=row["rss"], s=row["s"], **arrays))
    return tuple(table)


def standard_errors(jacobian: ArrayLike, s: float) -> FloatArray:
    """Return the standard errors of parameters, ``s sqrt(diag((J^T J)^-1))``.

    `jacobian` has the shape ``(m, d)``, ``m >= d``. `s` is the residual standard deviation; to judge a jacobian take
    the certified one, since residuals of 1e-14 of the data (Lanczos1) have no digits left in double precision. The
    errors are NaN for a jacobian with NaN, and infinite for one of less than full rank.

    The columns are scaled to one binade, by powers of two, and the matrix is factored as it is: the normal equations
    would square its condition, which is 6e4 for Bennett5 after scaling and far more before.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgrad.nist import standard_errors
    >>> line = np.vander([0.0, 1.0, 2.0, 3.0, 4.0], 2)
    >>> expected = np.sqrt(np.diag(np.linalg.inv(line.T @ line)))
    >>> bool(np.max(abs(standard_errors(line, 1.0) - expected)) < 1e-15)
    True
    """
    jacobian = np.asarray(jacobian, dtype=np.float64)
    if not np.isfinite(jacobian).all():
        return np.full(jacobian.shape[1], np.nan)
    unit = np.ldexp(1.0, -np.frexp(np.linalg.norm(jacobian, axis=0))[1])
    triangle = np.linalg.qr(jacobian * unit, mode="r")
    if not np.diag(triangle).all():
        return np.full(jacobian.shape[1], np.inf)
    inverse = solve_triangular(triangle, np.eye(len(triangle)))
    return np.asarray(s * np.linalg.norm(inverse, axis=1) * unit)


def digits(values: ArrayLike, certified: ArrayLike) -> float:
    """Count the decimal digits to which all `values` agree with certified ones, at most `PRINTED`."""
    with np.errstate(divide="ignore"):
        gap = np.abs(np.asarray(values) - certified) / np.abs(certified)
        worst = -np.log10(np.max(gap))
    return float(np.clip(worst, 0.0, PRINTED)) if np.isfinite(gap).all() else 0.0
