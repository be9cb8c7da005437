"""Exact weights of extrapolation: from quotients at several steps to the derivative, and to finer quotients.

A quotient is a power series in a power of the step. `LevelTable` lists, for one order of the derivative, one side and
one set of steps, the windows of neighbouring levels, the weights that extrapolate each of them to step 0 (Richardson
1911), the weights that predict the finer quotients, and the noise gain of each window. All weights come from rational
arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

DEVIATIONS = 4.0
"""Width of the bound in standard deviations of the noise, which is measured at two values or a few more."""
ONE_SIDED_DEVIATIONS = 6.5
"""The same for one side, whose noise is measured at half as many values."""


def coefficient_weights(nodes: list[Fraction], degree: int) -> list[Fraction]:
    """Return the weights of the values at `nodes` in the coefficient of ``t**degree`` of the interpolant."""
    weights = []
    for j, node in enumerate(nodes):
        polynomial, denominator = [Fraction(1)], Fraction(1)
        for i, other in enumerate(nodes):
            if i != j:
                shifted = [Fraction(0), *polynomial]
                polynomial = [a - other * b for a, b in zip(shifted, [*polynomial, Fraction(0)], strict=True)]
                denominator *= node - other
        weights.append(polynomial[degree] / denominator if degree < len(polynomial) else Fraction(0))
    return weights


def value_weights(nodes: list[Fraction], t: Fraction) -> list[Fraction]:
    """Return the weights of the values at `nodes` in the interpolating polynomial at `t` (Lagrange)."""
    return [
        math.prod(((t - other) / (node - other) for other in nodes if other != node), start=Fraction(1))
        for node in nodes
    ]


def difference_form(weights: list[Fraction]) -> tuple[float, ...]:
    """Return the weights of values less the last one: equal values then give an exact result."""
    return tuple(float(w) for w in weights[:-1])


@dataclass(frozen=True)
class LevelTable:
    """Windows and weights of one level set.

    Attributes
    ----------
    n : int
        Order of the derivative.
    two_sided : bool
        Whether the quotients are those of both sides, in powers of ``h**2``; else of one side, in powers of ``h``.
    steps : tuple of float
        Steps from coarse to fine, in units of the scale of a point.
    extrapolated : int
        Number of steps in windows; the finer ones only show the noise.
    condition : float
        Share of the rounding of the argument that values are assumed to carry.
    starts : int
        Number of levels at which windows may begin; a level set that slides over all levels needs one.
    narrowest : int
        Least number of levels from the first to the last of a window: narrower ones are seldom the best.
    """

    n: int
    two_sided: bool
    steps: tuple[float, ...]
    extrapolated: int
    condition: float = 1.0
    starts: int = 2
    narrowest: int = 0

    @cached_property
    def degree(self) -> int:
        """Which coefficient of the series belongs to the derivative."""
        return (self.n - 1) // 2 if self.two_sided else self.n - 1

    @cached_property
    def nodes(self) -> list[Fraction]:
        """Variable of the power series at every step: `h` or its square."""
        return [Fraction(h) ** (2 if self.two_sided else 1) for h in self.steps]

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """First and last level of the windows, wide enough for three corrections, which estimate the truncation."""
        last, least = self.extrapolated - 1, max(self.degree + 3, self.narrowest)
        pairs = [(a, b) for a in range(self.starts) for b in range(a + least, last + 1)]
        return tuple(sorted(pairs, key=lambda pair: (pair[1], pair[0])))

    @cache  # noqa: B019 (level sets are few, and live as long as the process)
    def value(self, first: int, last: int) -> tuple[float, ...]:
        """Weights of the coefficient of the derivative, in difference form."""
        return difference_form(coefficient_weights(self.nodes[first : last + 1], self.degree))

    @cache  # noqa: B019 (level sets are few, and live as long as the process)
    def prediction(self, first: int, last: int, level: int) -> tuple[float, ...]:
        """Weights of the quotient that a window predicts at a finer level, in difference form."""
        return difference_form(value_weights(self.nodes[first : last + 1], self.nodes[level]))

    @cache  # noqa: B019 (level sets are few, and live as long as the process)
    def noise_gain(self, first: int, last: int) -> float:
        """Bound of the derivative per unit of noise of one value, at scale 1."""
        weights = coefficient_weights(self.nodes[first : last + 1], self.degree)
        power = 2 if self.two_sided and self.n % 2 == 0 else 1
        each = [float(w / Fraction(h) ** power) for w, h in zip(weights, self.steps[first : last + 1], strict=True)]
        squares = math.fsum(w * w for w in each)
        if self.two_sided:
            squares /= 2
        if not (self.two_sided and self.n % 2):  # the value at the point itself is part of every quotient
            squares += math.fsum(each) ** 2
        deviations = DEVIATIONS if self.two_sided else ONE_SIDED_DEVIATIONS
        return deviations * math.factorial(self.n) * math.sqrt(squares)

    @cached_property
    def leading(self) -> tuple[tuple[tuple[float, ...], float], ...]:
        """Weights in the leading coefficient of the finest four levels of the windows and one level more.

        For the first two levels and the finest: weights of the four, and of the level itself.
        """
        four = self.nodes[self.extrapolated - 4 : self.extrapolated]
        levels = (self.nodes[0], self.nodes[1], self.nodes[-1])
        own, *weights = zip(*(map(float, coefficient_weights([node, *four], 4)) for node in levels), strict=True)
        return tuple(zip(zip(*weights, strict=True), own, strict=True))
