"""Digits of certified standard errors and of fitted parameters, by fastgrad's rules and by other libraries.

Libraries are imported when they are called, and keep their own settings.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from types import FunctionType
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from .._typing import FloatArray
from ..differentiation.first_derivatives import jacobian
from ._regressions import Regression, digits, standard_errors

#: From a regression and parameters to the jacobian of its residuals there.
Jacobian = Callable[[Regression, FloatArray], FloatArray]

#: Digits from which on a standard error, and a fitted parameter, counts as reached. A fit stops where the sum of
#: squares no longer changes: the square of what the parameters still change by.
ERRORS, PARAMETERS = 8, 6


def exact(data: Regression, b: FloatArray) -> FloatArray:
    """Return the jacobian by the complex step, exact to the rounding of the model."""
    columns = []
    for j, size in enumerate(np.abs(b)):
        h = 1e-30 * (size or 1.0)
        columns.append(np.imag(data.model(b + 1j * h * (np.arange(b.size) == j), data.x)) / h)
    return np.stack(columns, axis=1)


def _scipy(data: Regression, b: FloatArray) -> Any:
    from scipy.optimize._numdiff import approx_derivative

    return approx_derivative(data.residuals, b, method="3-point")


def _numdifftools(data: Regression, b: FloatArray) -> Any:
    import numdifftools as nd

    return nd.Jacobian(data.residuals)(b)


def _jacobi(data: Regression, b: FloatArray) -> Any:
    from jacobi import jacobi

    return jacobi(data.residuals, b)[0]


def _jax(data: Regression, b: FloatArray) -> FloatArray:
    import jax

    with jax.enable_x64(True):
        formula = FunctionType(data.model.__code__, {"np": jax.numpy})
        return np.asarray(jax.jacfwd(formula)(b, data.x))


@dataclass(frozen=True)
class JacobianMethod:
    """A way to a jacobian: its name, how to compute it, the library it needs, and whether to fit with it."""

    name: str
    jacobian: Jacobian
    library: str = "numpy"
    fits: bool = False


METHODS = (
    JacobianMethod("adaptive", lambda data, b: jacobian(data.residuals, b, method="adaptive"), fits=True),
    JacobianMethod("central", lambda data, b: jacobian(data.residuals, b, method="central"), fits=True),
    JacobianMethod("exact", exact, fits=True),
    JacobianMethod("SciPy", _scipy, "scipy"),
    JacobianMethod("ndtools", _numdifftools, "numdifftools"),
    JacobianMethod("jacobi", _jacobi, "jacobi"),
    JacobianMethod("JAX", _jax, "jax"),
)


def installed() -> tuple[JacobianMethod, ...]:
    """Return those of `METHODS` whose library is installed."""
    return tuple(way for way in METHODS if find_spec(way.library))


@dataclass(frozen=True)
class Row:
    """Digits that one way gets on one regression: of standard errors, and of parameters fitted from both starts."""

    regression: str
    way: str
    errors: float
    parameters: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def compare(data: Regression, ways: Sequence[JacobianMethod]) -> list[Row]:
    """Compare ways to the jacobian on one regression; only the rules and the exact jacobian also fit it."""
    rows = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # far steps of other libraries overflow
        for way in ways:
            errors = digits(standard_errors(way.jacobian(data, data.parameters), data.s), data.errors)
            fits = [digits(fit(data, start, way.jacobian), data.parameters) for start in data.starts if way.fits]
            rows.append(Row(data.name, way.name, errors, tuple(fits)))
    return rows


def fit(data: Regression, start: FloatArray, jacobian: Jacobian) -> FloatArray:
    """Fit parameters by ``scipy.optimize.least_squares`` from a start, as closely as it goes."""
    result = least_squares(
        data.residuals, start, lambda b: jacobian(data, b), x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15,
        max_nfev=3000,
    )  # fmt: skip
    return np.asarray(result.x)
