"""What a case of the corpus is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["smooth", "noisy", "kink"]
Floats = NDArray[np.float64]

# TypeError: a negative number to a fractional power is complex in plain Python, and `math` refuses that
DOMAIN_ERRORS = (ValueError, ZeroDivisionError, OverflowError, TypeError)


@dataclass(frozen=True)
class Case:
    """One function of one real variable, its points, and the same function for mpmath.

    Parameters
    ----------
    name, family : str
        A unique name, and the family (the module) the case belongs to.
    f : callable
        The function as a user would write it. It may take arrays or only one number at a time.
    points : tuple of float
        Where the derivative is asked for.
    exact : callable
        ``exact(m, x)``: the function in mpmath, ``m`` the module and ``x`` an mpf. For a noisy function it is
        the smooth function underneath.
    tolerance : float
        The error, relative to the local slope scale, beyond which a derivative counts as missed.
    kind : {"smooth", "noisy", "kink"}
        A kink means that the function has kinks or steps somewhere, not that a point lies on one.
    source : str
        Where the function comes from.
    slope : callable, optional
        ``slope(m, x)``: the derivative in closed form, to check `exact` against.
    agree : float
        How well ``f`` and ``exact`` agree in float64, relative to ``max(|f|, |x f'|)``.
    """

    name: str
    family: str
    f: Callable[[Any], Any]
    points: tuple[float, ...]
    exact: Callable[[Any, Any], Any]
    tolerance: float = 1e-6
    kind: Kind = "smooth"
    source: str = ""
    slope: Callable[[Any, Any], Any] | None = None
    agree: float = 1e-13

    @property
    def x(self) -> Floats:
        """The points as an array."""
        return np.array(self.points, dtype=np.float64)


def pointwise(f: Callable[[Any], Any]) -> Callable[[Any], Floats]:
    """Wrap `f` so that it takes arrays; where it raises a domain error, the value is NaN."""

    def one(x: float) -> float:
        try:
            value = f(x)
        except DOMAIN_ERRORS:
            return float("nan")
        return float("nan") if isinstance(value, complex) else float(value)

    def many(x: Any) -> Floats:
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            return np.array([one(v) for v in x.ravel().tolist()], dtype=np.float64).reshape(x.shape)

    return many


def batched(f: Callable[[Any], Any]) -> Callable[[Any], Floats]:
    """Return `f` itself if it takes arrays elementwise, else `pointwise(f)`.

    Found by comparing one call with three points to three calls with one.
    """
    single = pointwise(f)

    def whole(x: Any) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(f(np.asarray(x, dtype=np.float64)), dtype=np.float64)

    probe = np.array([0.37, 0.61, 1.43])
    try:
        together = whole(probe)
    except Exception:  # whatever a function written for one number does with an array
        return single
    same = together.shape == probe.shape and np.allclose(
        together, single(probe), rtol=1e-9, atol=0, equal_nan=True
    )
    return whole if same else single
