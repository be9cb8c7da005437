"""The complex step: derivatives of analytic functions without any difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import SeveralResults

#: So small that its square vanishes beside everything, so large that its products do not.
_STEP = 2.0**-333

#: How many points are checked against the adaptive rule, and by how much it may differ beyond its bar.
SAMPLE = 16
_SLACK = 1e-6


@dataclass(frozen=True)
class ComplexStep:
    """The rule that looks sideways, into the complex plane; made by `complex_step`, which explains it.

    Attributes
    ----------
    n : int
        Order of the derivative: 1, for which alone it is exact.
    """

    n: int = 1

    def __repr__(self) -> str:
        """Print the call that makes it."""
        return "complex_step()"


def complex_step() -> ComplexStep:
    """Make the complex-step rule: exact to rounding, for functions that accept complex numbers.

    ``imag(f(x + i h)) / h`` is the derivative up to ``h^2``. Nothing is subtracted, so `h` can be so small that its
    square vanishes, and no digit is lost. `f` is called with complex arrays, one evaluation a point.

    It is right only where `f` is analytic: ``abs``, ``max``, a conjugate or a cast to real on the way give a wrong
    result without any sign of it. So a sample of the points is compared with `adaptive`.

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


def sideways(x: Any) -> Any:
    """Step into the complex plane at an array of points."""
    size = np.abs(x)
    return np.where((size > 0.0) & (size < 2.0**-200), size * 2.0**-60, _STEP)


def slope(f: Callable[[Any], Any], x: Any) -> Any:
    """Differentiate `f`, from complex to complex arrays, at an array of points."""
    h = sideways(x)
    try:
        values = np.asarray(f(x + 1j * h))
    except TypeError as err:
        raise TypeError(
            f"`f` must accept complex numbers for the complex step; it raised {err}. "
            'Write it with NumPy functions, or use method="adaptive".'
        ) from err
    if values.shape not in (x.shape, ()) or values.dtype.kind not in "fciub":
        raise SeveralResults(
            f"`f` must return one number per point; got shape {values.shape} of {values.dtype} for {x.size} points. "
            "Return an array like the argument."
        )
    return np.where(np.isfinite(x), np.imag(values) / h, np.nan)


def compare(found: Any, trusted: Any, x: Any) -> None:
    """Raise where the complex step and the adaptive rule disagree."""
    with np.errstate(all="ignore"):  # both may be infinite where they overflow a smaller type
        allowed = 10 * trusted.error + _SLACK * (np.abs(found) + np.abs(trusted.df))
        wrong = np.isfinite(trusted.df) & trusted.success & ~(np.abs(found - trusted.df) <= allowed)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"`f` must be analytic for the complex step; at {x[i]} it gives {found[i]}, differences give "
            f"{trusted.df[i]}. Look for abs, max, comparisons or real parts in it, or use method=\"adaptive\"."
        )
