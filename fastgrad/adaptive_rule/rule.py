"""The adaptive rule as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .._typing import Mask

Side = Literal["left", "both", "right"]

_SIDE = '`side` must be "left", "both" or "right"; got {!r:.80}. Leave it out for both.'

SIDES: dict[str, int] = {"left": -1, "both": 0, "right": 1}
HIGHEST = 8
"""Highest order of the derivative: beyond, rounding leaves too little."""


@dataclass(frozen=True, eq=False)
class Adaptive:
    """The adaptive rule as a value, made by `adaptive`.

    Attributes
    ----------
    n : int
        Order of the derivative.
    side : str or ndarray of int
        Side that is evaluated, or -1, 0 and 1 for the left, both and the right of every point.
    rtol, atol : float
        Tolerances for success; without `rtol`, 1e-6 of the local scale of the slope.
    """

    n: int = 1
    side: Any = "both"
    rtol: float | None = None
    atol: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if isinstance(self.n, bool) or not isinstance(self.n, int | np.integer) or not 1 <= self.n <= HIGHEST:
            raise ValueError(
                f"`n` must be a whole number from 1 to {HIGHEST}; got {self.n!r}. "
                "Differentiate a derivative again for higher orders."
            )
        if not isinstance(self.side, str):
            object.__setattr__(self, "side", _array_of_sides(self.side))
        if isinstance(self.side, str) and self.side not in SIDES:
            raise ValueError(_SIDE.format(self.side))
        if self.rtol is not None and not (_is_real(self.rtol) and 0 <= self.rtol < math.inf):
            raise ValueError(
                f"`rtol` must be finite and not negative; got {self.rtol!r}. "
                "Leave it out to have the bar compared with the local slope."
            )
        if not (_is_real(self.atol) and 0 <= self.atol < math.inf):
            raise ValueError(f"`atol` must be finite and not negative; got {self.atol!r}. Leave it out for none.")

    def _key(self) -> tuple[object, ...]:
        side = self.side if isinstance(self.side, str) else (self.side.shape, self.side.tobytes())
        return self.n, side, self.rtol, self.atol

    def __eq__(self, other: object) -> bool:
        """Whether all attributes are equal."""
        return isinstance(other, Adaptive) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of all attributes."""
        return hash(self._key())

    def __repr__(self) -> str:
        """Print the call that makes the rule, without defaults."""
        parts = [f"{name}={getattr(self, name)!r}" for name in ("n", "side", "rtol", "atol")]
        values = zip(parts, self._key(), (1, "both", None, 0.0), strict=True)
        return f"adaptive({', '.join(part for part, value, default in values if value != default)})"

    @property
    def sign(self) -> int:
        """Sign of the side: -1 for left, 0 for both, 1 for right."""
        if not isinstance(self.side, str):
            raise ValueError(
                '`side` must be one of "left", "both" and "right" here; got an array. '
                "Only `derivative` takes a side for every point."
            )
        return SIDES[self.side]

    def one_sided(self) -> list[tuple[Adaptive, Mask | bool]]:
        """Return for an array of sides the rule of each side in it, with a mask of its points."""
        return [(replace(self, side=name), self.side == name) for name in SIDES if (self.side == name).any()]


def _is_real(value: object) -> bool:
    """Whether a value is a real number."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _array_of_sides(side: ArrayLike) -> str | NDArray[np.str_]:
    """Return names or signs of sides as an array of names, a single one as a string."""
    sides = np.asarray(side)
    names = np.array(list(SIDES))
    if sides.dtype.kind in "iuf" and np.isin(sides, (-1, 0, 1)).all() and not isinstance(side, bool):
        sides = names[sides.astype(np.int64) + 1]
    if sides.dtype.kind not in "UO" or not np.isin(sides, names).all():
        raise ValueError(_SIDE.format(side))
    sides = sides.astype(names.dtype)
    if sides.ndim == 0:
        return str(sides)
    sides.flags.writeable = False
    return sides


def adaptive(n: int = 1, side: Side | ArrayLike = "both", rtol: float | None = None, atol: float = 0.0) -> Adaptive:
    r"""Make the adaptive rule: it chooses the steps at every point and bounds the error.

    Parameters
    ----------
    n : int, default 1
        Order of the derivative, 1 to 8.
    side : {"left", "both", "right"} or array_like of them, default "both"
        A one-sided derivative never evaluates the function on the other side. An array, of words or of -1, 0 and 1,
        broadcasts with the points of `derivative`.
    rtol : float, optional
        A point has converged when its bound is at most ``max(atol, rtol * abs(df))``. Without `rtol` the limit is
        `atol` or 1e-6 of the local slope scale. That scale is the size of the derivative, or of the secants over the
        steps used where that is larger, as at an extremum.
    atol : float, default 0.0
        See `rtol`.

    Returns
    -------
    Adaptive
        The rule, a small frozen value.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    *Evaluations.* The first round takes fifteen for ``n=1`` from both sides, twelve from one side, 13 to 25 for higher
    orders. Most points of most functions need no more. Up to four rounds of finer steps follow, one for noise, and one
    for features that are narrow beside the steps. With the last search they are 60 to 480 in all,
    of one side 300 at most.

    *Method.* Difference quotients at steps that are powers of two times ``max(|x|, 1)`` are extrapolated with exact
    weights (Richardson 1911, Ridders 1982). The deviation of finer steps from the extrapolating polynomial measures the
    noise of the values (compare More and Wild 2011). The bound is 4 standard deviations of the noise, 6.5 from one
    side, times the noise gain, plus the truncation error by the rate of convergence (compare Berntsen and Espelid
    1991). The page "The adaptive rule" of the documentation has all rules.

    *Special points.* Where one side has no values, the other is extrapolated alone. At a kink `df` is the mean of both
    sides, for ``n >= 2`` also at one of a lower derivative. At a jump or at the foot of a square root `df` is NaN.
    At a step of a staircase, as ``floor(x)`` is at 1, `df` is about the slope of the line that it follows, without
    success.

    *Limits.* The rule does not see a kink or a feature nearer to the point than rounding resolves, nor one narrower
    than the gap between the first steps and the finest of them while the function is smooth at both. A function whose
    values are smooth but wrong, as a quadrature with fixed nodes or a table, has the derivative of what it computes.
    A staircase of more than about a hundred steps within the range of the point is taken for a rounded function.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> fg.adaptive()
    adaptive()
    >>> fg.adaptive(n=2, side="right")
    adaptive(n=2, side='right')
    >>> x = np.linspace(-3, 3, 101)
    >>> result = fg.derivative(np.sin, x, method=fg.adaptive(n=2), full_output=True)
    >>> float(abs(result.df + np.sin(x)).max()) < 1e-9, bool((abs(result.df + np.sin(x)) <= result.error).all())
    (True, True)
    """
    return Adaptive(n, side, rtol, atol)
