"""Finite-difference stencils as values: offsets and weights.

The offsets, in steps from the point, and the order of the derivative determine the weights. These are computed in exact
rational arithmetic and rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

import numpy as np

from .finite_difference_weights import HIGHEST, exact_weights, whole


@dataclass(frozen=True)
class Stencil:
    """A difference rule: evaluate at ``x + offset * step``, combine by a weighted sum.

    For offsets that `forward`, `backward` and `central` do not have: with a gap, beside the point, all on one side of a
    place where `f` must not be called. A frozen value: equal when offsets and `n` are, hashable and picklable.

    Parameters
    ----------
    offsets : iterable of int, float or Fraction
        Distinct positions in units of the step, more than `n`; stored as fractions in rising order.
    n : int, default 1
        Order of the derivative, 1 to 10.

    Attributes
    ----------
    weights : tuple of float
        One per offset; ``sum(w * f(x + o * h)) / h**n`` is the derivative.
    exact_weights : tuple of Fraction
        The same before rounding.
    order : int
        Order of accuracy: the error falls like ``h**order``.
    needed : tuple of Fraction
        The offsets at which `f` is evaluated; those of weight 0 are not, unless differences are formed with them.

    Raises
    ------
    TypeError, ValueError
        When offsets are no finite numbers, not distinct or too few, or `n` is not a whole number from 1 to 10.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids",
    Math. Comp. 51 (1988) 699-706.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.central().weights
    (-0.5, 0.0, 0.5)
    >>> fg.Stencil([-1, 0, 3])
    Stencil(offsets=(-1, 0, 3), n=1)
    >>> float(abs(fg.derivative(lambda x: x * x, 3.0, method=fg.Stencil([-1, 0, 3])) - 6.0)) < 1e-9
    True
    """

    offsets: tuple[Fraction, ...]
    n: int = 1

    def __init__(self, offsets: Iterable[int | float | Fraction], n: int = 1) -> None:
        try:
            exact = tuple(sorted(Fraction(o) for o in offsets))
        except (TypeError, ValueError, OverflowError) as err:
            raise TypeError(
                f"`offsets` must be finite numbers in units of the step; got {offsets!r}. Use for instance [-1, 0, 1]."
            ) from err
        n = whole("n", n)
        if len(set(exact)) < len(exact) or len(exact) <= n:
            raise ValueError(
                f"`offsets` must be distinct and more than `n`; got {len(exact)} offsets "
                f"({', '.join(map(str, exact))}) for n={n}. Add or drop offsets."
            )
        object.__setattr__(self, "offsets", exact)
        object.__setattr__(self, "n", n)

    @cached_property
    def _hash(self) -> int:
        return hash((self.offsets, self.n))

    def __hash__(self) -> int:
        """Return the cached hash: every call looks the rule up, and fractions hash slowly."""
        return self._hash

    @cached_property
    def exact_weights(self) -> tuple[Fraction, ...]:
        """The weights as fractions, before the one rounding."""
        return exact_weights(self.offsets, Fraction(0), self.n)

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """One weight per offset, correctly rounded."""
        return tuple(float(w) for w in self.exact_weights)

    @cached_property
    def _moment(self) -> tuple[int, Fraction]:
        """Order of accuracy, and the factor of the truncation error ``factor * f^(n+order)(x) * h**order``."""
        degree, factorial = len(self.offsets), Fraction(1)
        for k in range(1, degree):
            factorial *= k
        while True:
            factorial *= degree
            moment = sum((w * o**degree for w, o in zip(self.exact_weights, self.offsets, strict=True)), Fraction(0))
            if moment:
                return degree - self.n, moment / factorial
            degree += 1

    @property
    def order(self) -> int:
        """Order of accuracy."""
        return self._moment[0]

    @cached_property
    def differences(self) -> tuple[tuple[Fraction, Fraction, Fraction], ...]:
        """The weighted sum in differences: triples of weight, offset, offset subtracted.

        The weights add up to zero, so the sum is the same, but a constant in `f` cancels before it is multiplied. A
        constant function has the derivative 0 exactly.
        """
        pairs = dict(zip(self.offsets, self.exact_weights, strict=True))
        if all(pairs.get(-o) == -w for o, w in pairs.items() if w):
            return tuple((w, o, -o) for o, w in pairs.items() if w and o > 0)
        base = min(pairs, key=abs)
        return tuple((w, o, base) for o, w in pairs.items() if w and o != base)

    @cached_property
    def needed(self) -> tuple[Fraction, ...]:
        """Offsets of the differences, at which `f` is evaluated, in rising order."""
        return tuple(sorted({o for _, *ends in self.differences for o in ends}))

    @cached_property
    def positions(self) -> tuple[float, ...]:
        """The needed offsets as floats: fractions are slow to convert."""
        return tuple(map(float, self.needed))

    @cached_property
    def terms(self) -> tuple[tuple[float, int, int], ...]:
        """The differences with weights as floats and indices into `needed`: fractions are slow to look up."""
        indices = {offset: i for i, offset in enumerate(self.needed)}
        return tuple((float(w), indices[a], indices[b]) for w, a, b in self.differences)

    def step_for(self, eps: float) -> float:
        """Power of two near the best step where `x`, `f` and its derivatives are of size 1.

        It minimises the sum of truncation, ``|factor| h**order``, and rounding, ``eps sum|w| / h**n``, where `eps` is
        the relative rounding of `f`.
        """
        order, factor = self._moment
        rounding = eps * sum(abs(w) for w in self.weights)
        best = (rounding * self.n / (order * abs(float(factor)))) ** (1 / (order + self.n))
        return float(2.0 ** np.round(np.log2(best)))

    def __repr__(self) -> str:
        """Print the stencil as the call that makes it."""
        first, last, count = self.offsets[0], self.offsets[-1], len(self.offsets)
        tail = "" if self.n == 1 else f", n={self.n}"
        if self.offsets == tuple(range(int(first), int(first) + count)):
            make = forward if first == 0 else backward if last == 0 else central
            if max(self.order, self.n) <= HIGHEST and make(self.order, self.n).offsets == self.offsets:
                return f"{make.__name__}(order={self.order}{tail})"
        offsets = (str(o) if Fraction(float(o)) == o else repr(o) for o in self.offsets)
        return f"Stencil(offsets=({', '.join(offsets)}), n={self.n})"


@cache
def _between(first: int, last: int, n: int) -> Stencil:
    return Stencil(range(first, last + 1), n)


def forward(order: int = 1, n: int = 1) -> Stencil:
    """Make the forward difference: ``x, x + h, x + 2h, ...``, for functions that are not defined left of the point.

    Parameters
    ----------
    order : int, default 1
        Order of accuracy, 1 to 10. Order 1 takes two evaluations for each point, order 2 three.
    n : int, default 1
        Order of the derivative, 1 to 10.

    Returns
    -------
    Stencil
        The rule, a small frozen value.

    Raises
    ------
    TypeError, ValueError
        When `order` or `n` is not a whole number from 1 to 10.

    Examples
    --------
    >>> import fastgrad as fg
    >>> float(abs(fg.derivative(lambda x: x * x, 3.0, method=fg.forward(order=2)) - 6.0)) < 1e-9
    True
    """
    order, n = whole("order", order), whole("n", n)
    return _between(0, order + n - 1, n)


def backward(order: int = 1, n: int = 1) -> Stencil:
    """Make the backward difference: ``x, x - h, x - 2h, ...``, the mirror image of `forward`.

    Parameters
    ----------
    order, n : int, default 1
        As in `forward`.

    Returns
    -------
    Stencil
        The rule.

    Raises
    ------
    TypeError, ValueError
        As `forward`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> float(abs(fg.derivative(lambda x: x * x, 3.0, method=fg.backward(order=2)) - 6.0)) < 1e-9
    True
    """
    order, n = whole("order", order), whole("n", n)
    return _between(1 - order - n, 0, n)


def central(order: int = 2, n: int = 1) -> Stencil:
    """Make the central difference: ``x - h, x + h``, and further pairs for higher orders.

    Parameters
    ----------
    order : int, default 2
        Order of accuracy, 1 to 10. Symmetry makes it even: an odd `order` gives the next even one. Order 2 takes two
        evaluations for each point, order 4 four.
    n : int, default 1
        Order of the derivative, 1 to 10.

    Returns
    -------
    Stencil
        The rule.

    Raises
    ------
    TypeError, ValueError
        As `forward`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> float(abs(fg.derivative(lambda x: x * x, 3.0, method=fg.central(order=4)) - 6.0)) < 1e-12
    True
    """
    order, n = whole("order", order), whole("n", n)
    reach = (order + 1) // 2 + (n + 1) // 2 - 1  # the least number of points on each side that reaches the order
    return _between(-reach, reach, n)
