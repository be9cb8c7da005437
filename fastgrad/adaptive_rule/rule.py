"""The adaptive rule as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Side = Literal["left", "both", "right"]

SIDES: dict[str, int] = {"left": -1, "both": 0, "right": 1}
HIGHEST = 8
"""Highest order of the derivative: beyond, rounding leaves too little."""


@dataclass(frozen=True, eq=False)
class Adaptive:
    """The adaptive rule as a value; made by `adaptive`, which explains the method.

    Attributes
    ----------
    n : int
        Order of the derivative, 1 to 8.
    side : {"left", "both", "right"} or ndarray of such
        Where the function is evaluated.
    rtol, atol : float
        The tolerance, that of the local slope scale if `rtol` is None.
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
            raise ValueError(f'`side` must be "left", "both" or "right"; got {self.side!r}.')
        if self.rtol is not None and not (_is_real(self.rtol) and 0 <= self.rtol < math.inf):
            raise ValueError(
                f"`rtol` must be finite and not negative; got {self.rtol!r}. "
                "Leave it out to have the bar compared with the local slope."
            )
        if not (_is_real(self.atol) and 0 <= self.atol < math.inf):
            raise ValueError(f"`atol` must be finite and not negative; got {self.atol!r}. Leave it out for none.")

    def _key(self) -> tuple[Any, ...]:
        side = self.side if isinstance(self.side, str) else (self.side.shape, self.side.tobytes())
        return self.n, side, self.rtol, self.atol

    def __eq__(self, other: object) -> bool:
        """Whether the other is the same rule."""
        return isinstance(other, Adaptive) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of what rules are compared by."""
        return hash(self._key())

    def __repr__(self) -> str:
        """Print the call that makes it, without the defaults."""
        parts = [f"{name}={getattr(self, name)!r}" for name in ("n", "side", "rtol", "atol")]
        values = zip(parts, self._key(), (1, "both", None, 0.0), strict=True)
        return f"adaptive({', '.join(part for part, value, default in values if value != default)})"

    @property
    def sign(self) -> int:
        """-1, 0 or 1 for left, both and right."""
        if not isinstance(self.side, str):
            raise ValueError(
                '`side` must be one of "left", "both" and "right" here; got an array. '
                "Only `derivative` takes a side for every point."
            )
        return SIDES[self.side]

    def one_sided(self) -> list[tuple[Adaptive, Any]]:
        """For an array of sides: the rule of every side there is, and where it applies."""
        return [(replace(self, side=name), self.side == name) for name in SIDES if (self.side == name).any()]


def _is_real(value: Any) -> bool:
    """Whether a number that can be compared."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _array_of_sides(side: Any) -> Any:
    """Return sides, words or signs, as an array of words; one side as a word."""
    given = np.asarray(side)
    names = np.array(list(SIDES))
    if given.dtype.kind in "iuf" and np.isin(given, (-1, 0, 1)).all() and not isinstance(side, bool):
        given = names[given.astype(np.int64) + 1]
    if given.dtype.kind not in "UO" or not np.isin(given, names).all():
        raise ValueError(f'`side` must be "left", "both" or "right"; got {side!r:.80}.')
    given = given.astype(names.dtype)
    if given.ndim == 0:
        return str(given)
    given.flags.writeable = False
    return given


def adaptive(n: int = 1, side: Side | ArrayLike = "both", rtol: float | None = None, atol: float = 0.0) -> Adaptive:
    r"""Make the adaptive rule: the step is found at every point, and the result comes with an error bound.

    Parameters
    ----------
    n : int, default 1
        Order of the derivative, 1 to 8.
    side : {"left", "both", "right"} or array_like of them, default "both"
        A one-sided derivative never evaluates the function on the other side. An array, of words or of -1, 0 and 1,
        broadcasts with the points of `derivative`.
    rtol : float, optional
        A point has converged when its bound is at most ``max(atol, rtol * abs(df))``. Without it, when the bound is at
        most `atol` or 1e-6 of the local slope scale: the size of the derivative, or of the secants over the steps
        used where that is larger, as at an extremum.
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
    *Evaluations.* Steps are powers of two, times a factor, times the scale ``max(|x|, 1)``. The first round is the same
    for all points: six steps from 1/8 to 1/128 of the scale and a probe at 2^-17 of it, fifteen evaluations with
    ``f(x)``. One side takes eight steps from 1/16 and three probes, twelve evaluations; higher orders 13 to 25. Most
    points of most functions need no more. Where the steps were too wide, at most four rounds of finer steps follow, of
    as many evaluations; near 0 and near the edge of a domain they begin at the size of the point or where there are
    values. What they do not settle (noise, kinks, flat places) is searched at 28 levels from the scale down, and where
    these leave a point open at coarser or at finer ones: 71 to 200 evaluations. Points that have noise down to the
    finest levels are settled first: the window with the shortest bound for that noise is taken if all finer levels
    deviate from it as noise does.

    *Extrapolation.* For odd `n` the quotients are ``(f(x + h) - f(x - h)) / 2h``, for even `n`
    ``(f(x + h) - 2 f(x) + f(x - h)) / 2h^2``, power series in ``h^2``; for one side ``(f(x + h) - f(x)) / h``, one in
    ``h``. Windows of neighbouring levels are extrapolated to the coefficient that belongs to `n`, with exact rational
    weights (Richardson 1911, Ridders 1982).

    *Noise.* The polynomial of a window predicts the quotients of the finer levels, of both parities. The largest
    deviation there is taken for the noise of one value, never less than the rounding of `f` and of its argument.
    Cancellation in `f`, float32 in `f`, an iteration stopped early: all show up in it (compare Hamming's difference
    tables and ECnoise, More and Wild 2011), as do kinks, jumps and aliases, which raise it for good. In the last search
    the digits of the values bound it from below: those of float32 have 24 bits, and ``exp(x) - 1`` beside 0 has none
    below 2^-53.

    *The bound* is 4 standard deviations of that noise, 6.5 for one side, times the noise gain of the extrapolation,
    plus the truncation: what the finest level of the window changed, times the rate at which such changes had been
    shrinking (compare Berntsen and Espelid 1991). Among windows whose bound is below 1e-6 of the local slope the
    shortest bound wins, otherwise the smallest ratio of bound to slope.

    *Noise or structure.* A function that is smooth at fine and at coarse levels with different slopes is either rounded
    or truly has two scales. It is taken for noise where the deviation is small against the change of `f` (2^-7, or
    2^-10 where the fine levels are exactly flat), as loud at all levels over six to eight octaves, and of changing
    sign. Where both readings are open, the bound reaches from one to the other and the point has not converged: as it
    is for waves shorter than 2^-14 of the scale, which may be a ripple or what a hash of the argument adds.

    *Sides.* Where one side has no values the other is extrapolated alone. Where both are sharp and differ, down to the
    finest level at which they could be told apart, there is a kink, for `n` of 2 and more one of a lower derivative:
    `df` is the mean. Secants that grow without bound, as at a jump or at the foot of a square root, give NaN.

    *What can still go wrong.* A kink or a feature nearer to the point than rounding can resolve, or narrower than the
    gap between the probe and the first six steps while smooth at both, is not seen. A function whose values are smooth
    but wrong (a quadrature with fixed nodes, a table, an iteration that stops after the same number of steps all
    around) has the derivative of what it computes, and the bound is about that. A staircase of more than about a
    hundred steps within the range of the point is taken for a rounded function.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> fg.adaptive()
    adaptive()
    >>> fg.adaptive(n=2, side="right")
    adaptive(n=2, side='right')
    >>> x = np.linspace(-3, 3, 101)
    >>> found = fg.derivative(np.sin, x, method=fg.adaptive(n=2), full_output=True)
    >>> float(abs(found.df + np.sin(x)).max()) < 1e-9, bool((abs(found.df + np.sin(x)) <= found.error).all())
    (True, True)
    """
    return Adaptive(n, side, rtol, atol)
