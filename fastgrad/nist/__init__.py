"""NIST's certified nonlinear regressions: jacobians compared where the right answer is known to eleven digits.

The Statistical Reference Datasets of the National Institute of Standards and Technology (public domain) hold 27
regressions with data, two starting values, and parameters, standard errors and residuals that were computed in 500
digits. The standard error of parameter `i` is ``s sqrt(((J^T J)^-1)_ii)``: all digits of it come from the jacobian `J`
of the model. Data are in ``strd.json``, where their source is named; ``fastgrad report --nist`` compares. Imports
`differentiation`. Begin reading in `_regressions`.
"""

from ._comparison import ERRORS, METHODS, PARAMETERS, Row, compare, exact, installed
from ._regressions import PRINTED, Regression, digits, regressions, standard_errors

__all__ = ["ERRORS", "METHODS", "PARAMETERS", "PRINTED", "Regression", "Row", "compare", "digits", "exact", "installed",
           "regressions", "standard_errors"]  # fmt: skip
