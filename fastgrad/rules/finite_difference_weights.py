"""Weights of finite differences in exact rational arithmetic, rounded once."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Highest order: beyond, weights grow and alternate, and rounding dominates in double precision.
HIGHEST = 10


def exact_weights(nodes: tuple[Fraction, ...], x0: Fraction, n: int) -> tuple[Fraction, ...]:
    """Return the weights of the `n`-th derivative at `x0` from values at `nodes` (the recurrence of Fornberg 1988)."""
    table = [[Fraction(0)] * (n + 1) for _ in nodes]
    table[0][0] = Fraction(1)
    product, to_x0 = Fraction(1), nodes[0] - x0
    for i in range(1, len(nodes)):
        previous, product_here, to_x0_before = product, Fraction(1), to_x0
        to_x0 = nodes[i] - x0
        for j in range(i):
            gap = nodes[i] - nodes[j]
            product_here *= gap
            if j == i - 1:
                for k in range(min(i, n), -1, -1):
                    lower = k * table[i - 1][k - 1] if k else Fraction(0)
                    table[i][k] = previous / product_here * (lower - to_x0_before * table[i - 1][k])
            for k in range(min(i, n), -1, -1):
                lower = k * table[j][k - 1] if k else Fraction(0)
                table[j][k] = (to_x0 * table[j][k] - lower) / gap
        product = product_here
    return tuple(row[n] for row in table)


def weights(nodes: ArrayLike, x0: float = 0.0, n: int = 1) -> NDArray[np.float64]:
    """Finite-difference weights on arbitrary nodes.

    For tabulated values: ``fg.weights(nodes, x0) @ values`` is the derivative at `x0`, exact for every polynomial of
    degree below the number of nodes. For a function use `derivative`.

    Parameters
    ----------
    nodes : array_like, shape (m,)
        Distinct finite positions in any order, ``m > n``.
    x0 : float, default 0.0
        Point of the derivative; it need not be a node.
    n : int, default 1
        Order of the derivative; 0 gives interpolation weights.

    Returns
    -------
    ndarray of float64, shape (m,)
        One weight per node, in units of ``nodes**-n``; computed in rational arithmetic and rounded once.

    Raises
    ------
    TypeError, ValueError
        When nodes are not real, distinct and finite, too few or too close together for weights in float64; when `x0` is
        not a finite number; when `n` is not a whole number from 0 on.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids",
    Math. Comp. 51 (1988) 699-706.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> nodes = np.array([0.0, 0.1, 0.4])
    >>> float(abs(fg.weights(nodes) @ nodes**2 - 0.0)) < 1e-16
    True
    """
    n = whole("n", n, lowest=0, highest=None)
    positions = np.asarray(nodes)
    if isinstance(nodes, np.ma.MaskedArray):
        raise TypeError("`nodes` must be an array without a mask; got a masked one. Pass nodes.compressed().")
    if positions.dtype.kind not in "fiu":
        raise TypeError(f"`nodes` must be real numbers; got an array of {positions.dtype}. Convert it to float64.")
    if positions.ndim != 1:
        raise ValueError(f"`nodes` must be one-dimensional; got shape {positions.shape}. Pass one row of positions.")
    if not isinstance(x0, (int, float, np.integer, np.floating)):
        raise TypeError(f"`x0` must be a real number; got {x0!r:.80}. Pass a float.")
    if not (np.all(np.isfinite(positions)) and isfinite(x0)):
        raise ValueError("`nodes` and `x0` must be finite; got a NaN or an infinity among them. Remove it.")
    exact = tuple(Fraction(*v.as_integer_ratio()) for v in positions.tolist())
    centre = Fraction(*np.asarray(x0).tolist().as_integer_ratio())
    if len(exact) <= n:
        raise ValueError(f"`nodes` must number more than `n`; got {len(exact)} for n={n}. Add nodes or lower `n`.")
    if len(set(exact)) < len(exact):
        raise ValueError(f"`nodes` must be distinct; got {positions.tolist()}. Drop the repeated ones.")
    try:
        return np.array([float(w) for w in exact_weights(exact, centre, n)])
    except OverflowError:
        raise ValueError(
            f"`nodes` must not be so close that a weight of n={n} exceeds 1.8e308; got {positions.tolist()}. "
            "Scale them."
        ) from None


def whole(name: str, value: object, lowest: int = 1, highest: int | None = HIGHEST) -> int:
    """Return `value` as an int, or raise naming the argument and the rule."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"`{name}` must be a whole number; got {value!r}. Pass an int.")
    if value < lowest or (highest is not None and value > highest):
        rule = f"between {lowest} and {highest}" if highest is not None else f"at least {lowest}"
        remedy = f"Take {lowest} or more" if value < lowest else "Rules of low order are the robust ones"
        raise ValueError(f"`{name}` must be {rule}; got {value}. {remedy}.")
    return int(value)
