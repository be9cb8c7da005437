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

#: Beside points between these sizes the step is smaller, 2^-60 of the point; up to 2^-30 of it where products of that
#: with numbers would underflow and lose digits. Points below count as 0.
_TINY, _SMALL_POINT, _LEAST_STEP = 2.0**-1000, 2.0**-200, 2.0**-960

#: Imaginary parts below so much of the real one are those of a step. Above, they may be the value itself, as that of
#: ``sqrt(-1)`` is: then their quotient with a shorter step is larger, by more than the second of these.
_SMALL, _LARGER = 2.0**-64, 1 + 2.0**-40

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
    """Differentiate by a complex step at `x`; NaN where a point, or the derivative, is not finite.

    `f` maps ``x + i h`` to values of the shape of `x`, or with further axes at the end.
    """
    size = np.abs(x)
    near = np.clip(_LEAST_STEP, size * 2.0**-60, size * 2.0**-30)
    h = np.where((size > _TINY) & (size < _SMALL_POINT), near, _STEP)
    try:
        with np.errstate(all="ignore"):
            values, df = _quotients(f, x, h)
            unsure = np.abs(np.imag(values)) > _SMALL * np.abs(np.real(values))
            if unsure.any():
                closer = _quotients(f, x, h / 4)[1]
                df[unsure & ~(np.abs(closer) <= _LARGER * np.abs(df))] = np.nan
    except TypeError as err:
        raise TypeError(
            f"`f` must accept complex numbers for the complex step; it raised {err}. "
            'Write it with NumPy functions, or use method="adaptive".'
        ) from err
    except ValueError as err:
        err.add_note('The complex step calls `f` with arrays of complex numbers; else use method="adaptive".')
        raise
    return df


def _quotients(f: Callable[[ComplexArray], ArrayLike], x: FloatArray, h: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Return values at ``x + i h``, and their imaginary parts over `h`."""
    values = np.asarray(f(x + 1j * h))
    shape = np.shape(x) + (1,) * (values.ndim - np.ndim(x))
    return values, np.where(np.isfinite(x).reshape(shape), np.imag(values) / h.reshape(shape), np.nan)


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
            f"{reference.df[i]}. Look for abs, max, comparisons, real parts or complex values in it, or use "
            'method="adaptive".'
        )
