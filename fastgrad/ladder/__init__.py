"""The adaptive rule: a ladder of steps at every point, and a derivative with an error bar that holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..estimates import Estimate, Status
from ._climb import climb

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Side = Literal["left", "both", "right"]

_SIDES = {"left": -1, "both": 0, "right": 1}
HIGHEST = 4
"""Highest order of the derivative: beyond, rounding leaves too little."""

TOLERANCE = 1e-6
"""Without `rtol`: what share of the local slope scale the bar may be for a point to count as converged."""


@dataclass(frozen=True)
class Adaptive:
    """The adaptive ladder as a value; made by `adaptive`, which explains the method.

    Attributes
    ----------
    n : int
        Order of the derivative, 1 to 4.
    side : {"left", "both", "right"}
        Where it looks.
    rtol, atol : float
        The tolerance, that of the local slope scale if `rtol` is None.
    """

    n: int = 1
    side: Side = "both"
    rtol: float | None = None
    atol: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if isinstance(self.n, bool) or not isinstance(self.n, int | np.integer) or not 1 <= self.n <= HIGHEST:
            raise ValueError(
                f"`n` must be a whole number from 1 to {HIGHEST}; got {self.n!r}. "
                "Differentiate a derivative again for higher orders."
            )
        if self.side not in _SIDES:
            raise ValueError(f'`side` must be "left", "both" or "right"; got {self.side!r}.')
        if self.rtol is not None and not (_real(self.rtol) and 0 <= self.rtol < math.inf):
            raise ValueError(
                f"`rtol` must be finite and not negative; got {self.rtol!r}. "
                "Leave it out to have the bar compared with the local slope."
            )
        if not (_real(self.atol) and 0 <= self.atol < math.inf):
            raise ValueError(f"`atol` must be finite and not negative; got {self.atol!r}. Leave it out for none.")

    def __repr__(self) -> str:
        """Print the call that makes it, without the defaults."""
        given = [
            f"{name}={getattr(self, name)!r}"
            for name, default in (("n", 1), ("side", "both"), ("rtol", None), ("atol", 0.0))
            if getattr(self, name) != default
        ]
        return f"adaptive({', '.join(given)})"

    @property
    def sign(self) -> int:
        """-1, 0 or 1 for left, both and right."""
        return _SIDES[self.side]


def _real(value: Any) -> bool:
    """Whether a number that can be compared."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def adaptive(n: int = 1, side: Side = "both", rtol: float | None = None, atol: float = 0.0) -> Adaptive:
    r"""Make the adaptive rule: the step is found at every point, and the result comes with an error bar.

    Parameters
    ----------
    n : int, default 1
        Order of the derivative, 1 to 4.
    side : {"left", "both", "right"}, default "both"
        A one-sided derivative never evaluates the function on the other side.
    rtol : float, optional
        A point has converged when its bar is at most ``max(atol, rtol * abs(df))``. Without it, when the bar is at
        most `atol` or 1e-6 of the local slope scale: the size of the derivative, or of the secants over the steps
        used where that is larger, as at an extremum. It also ends the search early where it is met early.
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
    *Evaluations.* The steps of a point are levels of a ladder: powers of two times the scale ``max(|x|, 1)``, and one
    more at 3/32 of it. The first look is the same for all points: six steps from 1/8 to 1/128 of the scale and a fine
    probe at 2^-17 of it, fifteen evaluations with ``f(x)``. Most points of most functions need no more. Where the steps
    were too wide, four finer looks at most follow, of eight to fourteen evaluations each; near 0 and near the edge of a
    domain they begin at the size of the point or where there are values. What they do not settle (noise, kinks, flat
    places) is spread over further levels, and then filled in where the best window was found: finer where truncation
    rules its bar, coarser where noise does. No level is evaluated twice.

    *Extrapolation.* The odd part ``(f(x + h) - f(x - h)) / 2h`` is a power series in ``h^2`` (the even part serves
    ``n = 2, 4``, a one-sided quotient, in ``h``, the sides). Every window of up to eight neighbouring levels is
    extrapolated to ``h = 0`` by Neville's scheme (Richardson 1911, Ridders 1982), carried on to the Taylor coefficient
    that belongs to `n`.

    *Noise.* The polynomial of a window predicts all finer levels, of both parities. The largest deviation there is
    taken for the noise of one value, never less than the rounding of ``f`` and of its argument. Cancellation in
    ``f``, float32 in ``f``, an iteration stopped early: all show up in it (compare Hamming's difference tables and
    ECnoise, More and Wild 2011), as do kinks, jumps and aliases, which raise it for good. The even part, of which a
    first derivative makes no other use, doubles the samples, and the digits of the values bound it from below: those
    of float32 have 24 bits, and ``exp(x) - 1`` beside 0 has none below 2^-53. From 2^-8 of the scale down the steps
    are not powers of two: otherwise rounding inside ``f`` is the same at every level and stays hidden.

    *The bar* is 3.5 standard deviations of that noise times the gain of the extrapolation, plus the truncation: what
    the finest level of the window changed, times the rate at which such changes had been shrinking, provided there were
    three of them (the caution of Berntsen and Espelid 1991 for cubature). Among windows whose bar is below 1e-6 of the
    local slope the shortest bar wins; otherwise the smallest ratio of bar to slope, so that "0, plus or minus the
    height of the step" over a step function is not preferred to what the function does at its own scale.

    *Noise or structure.* A function that is smooth at fine and at coarse levels with different slopes is either
    rounded or truly has two scales. It is taken for noise where the deviation is small against the change of ``f``
    (2^-7, or 2^-10 where the fine levels are exactly flat), as loud at all levels over six to eight octaves, and of
    changing sign. So rounding to six digits is seen through, while the left side of a relu, a clipped wave and a step
    keep their derivative 0. Where the flat levels are neither beyond a kink, down to which `f` is smooth, nor a step
    of a coarse stair, both readings are open: the bar reaches from one to the other, and the point has not converged.
    The bar does so too where finer windows are sure of another slope that the quotients reach smoothly, as below the
    waves of a ripple. Values that are all multiples of 0.1, 0.01 and so on are rounded ones if there are three of them:
    where they are flat the bar allows for one of the last digit over the widest flat step, and the point has not
    converged. Where `f` only trembles about a constant, at all steps alike, the shortest bar wins.

    *Sides.* Where one side has no values the other is extrapolated alone. Where both are sharp and differ, down to
    the finest level at which they could be told apart, there is a kink, for `n` of 2 and more one of a lower
    derivative: `df` is the mean. Secants that grow without bound, as at a jump or at the foot of a square root, give
    NaN.

    *What can still go wrong.* A kink or a feature nearer to the point than rounding can resolve, or narrower than the
    gap between the fine probe and the first six steps while smooth at both, is not seen. A function whose values are
    smooth but wrong (a quadrature with fixed nodes, a table, an iteration that stops after the same number of steps
    all around) has the derivative of what it computes, and the bar is about that. A staircase of more than about a
    hundred steps within the range of the point is taken for a rounded function. Rounding inside ``f`` that is the same
    at all coarse steps can exceed the bar by a small factor.

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


def judged(fields: dict[str, Any], rule: Adaptive) -> Estimate:
    """Turn the fields that the ladder fills into an estimate: judge the bars by the tolerance."""
    df, error, size = fields["df"], fields["error"], fields["size"]
    status = fields["status"].astype(np.int8)
    if rule.rtol is None:
        allowed = np.maximum(rule.atol, TOLERANCE * size)
    else:
        allowed = np.maximum(rule.atol, rule.rtol * np.abs(df))
    # a function that is exactly flat has no slope to compare with: its bar is rounding and nothing else
    wide = (status == Status.CONVERGED) & ~(error <= allowed) & ~((size == 0) & (rule.rtol is None))
    status = np.where(wide, np.int8(Status.TOLERANCE_NOT_REACHED), status)
    success = status == Status.CONVERGED
    return Estimate(df, error, status, success, fields["nfev"].astype(np.int32), fields["left"], fields["right"])


def estimate(
    f: Callable[[NDArray[np.float64], NDArray[np.int64]], ArrayLike],
    x: NDArray[np.float64],
    rule: Adaptive,
    step: Any = None,
    low: Any = None,
    high: Any = None,
    *,
    kind: str = "d",
    together: int | None = None,
) -> Estimate:
    """Differentiate a function of positions and the indices of the points they belong to.

    Parameters
    ----------
    f : callable
        ``f(points, index)``: the values at one-dimensional `points`, of which ``points[k]`` belongs to
        ``x[index[k]]``; NaN where there is none.
    x : ndarray of float64, shape (m,)
        The points.
    rule : Adaptive
        What is asked for.
    step, low, high : array_like, optional
        Largest step and bounds, for all points or each; `f` is never called outside the bounds.
    kind : str, default "d"
        NumPy's letter for what `f` returns; complex values (``"D"``) are differentiated in two parts.
    together : int, optional
        How many points may ask in one call of `f`; by default as many as it takes to spread the call.

    Returns
    -------
    Estimate
        Arrays of shape (m,).
    """
    if kind == "D":
        re = estimate(lambda points, index: np.real(f(points, index)), x, rule, step, low, high, together=together)
        im = estimate(lambda points, index: np.imag(f(points, index)), x, rule, step, low, high, together=together)
        status = np.minimum(re.status, im.status)
        return Estimate(
            re.df + 1j * im.df,
            np.hypot(re.error, im.error),
            status,
            status == Status.CONVERGED,
            re.nfev + im.nfev,
            re.left + 1j * im.left,
            re.right + 1j * im.right,
        )
    limits = (math.inf if step is None else step, -math.inf if low is None else low, math.inf if high is None else high)
    return judged(climb(f, rule, x, *limits, together), rule)
