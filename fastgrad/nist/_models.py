"""The models of NIST's nonlinear regression sets, as NIST prints them: formulas of the parameters `b` and of `x`.

Nelson's set has two predictors, the columns of `x`, and its model is of the logarithm of the response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def enso(b: Any, x: Any) -> Any:
    """Differences of atmospheric pressure: a cycle of a year and two of unknown length."""
    year = b[0] + b[1] * np.cos(2 * np.pi * x / 12) + b[2] * np.sin(2 * np.pi * x / 12)
    first = b[4] * np.cos(2 * np.pi * x / b[3]) + b[5] * np.sin(2 * np.pi * x / b[3])
    return year + first + b[7] * np.cos(2 * np.pi * x / b[6]) + b[8] * np.sin(2 * np.pi * x / b[6])


def gauss(b: Any, x: Any) -> Any:
    """Two Gaussians on a decaying exponential."""
    first = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
    return b[0] * np.exp(-b[1] * x) + first + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)


#: The models, and the sets that each is for.
FORMULAS: tuple[tuple[Callable[[Any, Any], Any], str], ...] = (
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
