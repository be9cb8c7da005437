"""The complex step: derivatives of analytic functions without any difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._typing import FloatArray
from ..estimates import Estimate

ComplexArray = NDArray[np.complex128]

#: Its square underflows beside any number, its products with numbers do not.
_STEP = 2.0**-333

#: Relative difference from the adaptive rule that is allowed beyond its bound.
_SLACK = 1e-6

#: Derivatives that are compared with the adaptive rule.
_SAMPLE = 16


@dataclass(frozen=True)
class ComplexStep:
    """The complex-step rule as a value, made by `complex_step`.

    Attributes
    ----------
    n : int
        Order of the derivative: 1, the only one that is exact.
    """

    n: int = 1

    def __repr__(self) -> str:
        """Print the call that makes the rule."""
        return "complex_step()"


def complex_step() -> ComplexStep:
    """Make the complex-step rule: exact to rounding, for functions that accept complex numbers.

    ``imag(f(x + i h)) / h`` is the derivative up to ``h^2``. There is no subtraction, so `h` can be so small that its
    square underflows. `f` is called with complex arrays, one evaluation for each point. It must be analytic: ``abs``,
    ``max``, a conjugate or a cast to real inside `f` give a wrong result. So the result at a sample of the points is
    compared with that of `adaptive`.

    Returns
    -------
    ComplexStep
        The rule, a small frozen value.

    Raises
    ------
    TypeError, ValueError
        By `derivative`: when `f` does not accept complex numbers, or is not analytic at the points compared.

    References
    ----------
    W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Rev. 40 (1998)
    110-112.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.linspace(-3, 3, 7)
    >>> float(np.max(abs(fg.derivative(np.sin, x, method=fg.complex_step()) - np.cos(x)))) < 1e-15
    True
    """
    return ComplexStep()


def slopes(f: Callable[[ComplexArray], ArrayLike], x: FloatArray) -> FloatArray:
    """Differentiate by a complex step at `x`; NaN where a point is not finite.

    `f` maps ``x + i h`` to values of the shape of `x`, or with further axes at the end.
    """
    size = np.abs(x)
    h = np.where((size > 0.0) & (size < 2.0**-200), size * 2.0**-60, _STEP)
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(f(x + 1j * h))
    except TypeError as err:
        raise TypeError(
            f"`f` must accept complex numbers for the complex step; it raised {err}. "
            'Write it with NumPy functions, or use method="adaptive".'
        ) from err
    shape = np.shape(x) + (1,) * (values.ndim - np.ndim(x))
    return np.where(np.isfinite(x).reshape(shape), np.imag(values) / h.reshape(shape), np.nan)


def compare_sample(df: FloatArray, x: FloatArray, trusted: Callable[[NDArray[np.intp]], Estimate]) -> None:
    """Raise where derivatives by the complex step and the adaptive rule differ, at a sample of the points `x`.

    `df` has one derivative, or an array of them, for each point; `trusted` maps indices of points to estimates.
    """
    if not df.size:
        return
    count, each = len(df), df.size // len(df)
    some = np.unique(np.linspace(0, count - 1, max(1, min(_SAMPLE // each, count))).astype(int))
    reference, df = Estimate(*map(np.ravel, trusted(some))), df[some].ravel()
    with np.errstate(all="ignore"):  # both may be infinite where they overflow a smaller type
        allowed = 10 * reference.error + _SLACK * (np.abs(df) + np.abs(reference.df))
        wrong = np.isfinite(reference.df) & reference.success & ~(np.abs(df - reference.df) <= allowed)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"`f` must be analytic for the complex step; at {x[some[i // each]]} it gives {df[i]}, differences give "
            f'{reference.df[i]}. Look for abs, max, comparisons or real parts in it, or use method="adaptive".'
        )
