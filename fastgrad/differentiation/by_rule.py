"""Functions of a number differentiated by any rule: the one place that tells what a rule requests.

A stencil or the complex step evaluates the functions of all points together, at one position after the other. The
adaptive rule and error bounds request positions for each function apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from .._typing import Array, Index, Mask
from ..adaptive_rule import HIGHEST, Adaptive, estimate
from ..estimates import Estimate
from ..rules.complexstep import ComplexStep, slopes
from ..rules.selection import Rule
from ..rules.stencil_codegen import combine, steps
from ..rules.stencils import Stencil
from .error_bounds import Points, PointValues, estimate_by_stencil
from .problem import Derived

_R = TypeVar("_R")


@dataclass(frozen=True)
class Functions:
    """Functions of a number, one for each point, or `outputs` of them that are evaluated together."""

    together: Callable[[Array], Array]
    """Maps one position for each point to values, shape (points,) or (points, outputs)."""
    apart: PointValues
    """Values of single functions, of which ``point * outputs + output`` is the number."""
    kind: str
    outputs: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    """What `estimate` takes besides."""

    def by_rule(self, rule: Rule, points: Points, full_output: bool, has_fallback: bool = True) -> Derived:
        """Differentiate all functions in the order of their numbers: the derivative, or an `Estimate`.

        With `has_fallback` the adaptive rule takes over where a stencil leaves the domain; else the result is NaN.
        """
        if isinstance(rule, ComplexStep):
            return np.ravel(slopes(self.together, points.x))
        x = points.x
        if isinstance(rule, Adaptive) or full_output or points.low is not None:
            estimated = self._estimate(rule, points, np.arange(x.size * self.outputs), has_fallback)
            df: Array = estimated.df
            return estimated if full_output else df
        with np.errstate(all="ignore"):
            h = steps(rule, self.kind, x, points.step, points.mode)
            values = [self.together(x + o * h if o else x.copy()) for o in rule.positions]
            df = combine(rule, values, h.reshape(h.shape + (1,) * (values[0].ndim - 1))).ravel()
        if not has_fallback or points.mode != "auto":
            return df
        missing = ~np.isfinite(df) & np.repeat(np.isfinite(x), self.outputs)
        return replace_missing(df, missing, rule, lambda rule, some: self._estimate(rule, points, some).df)

    def _estimate(self, rule: Rule, points: Points, some: Index, has_fallback: bool = True) -> Estimate:
        """Differentiate some of the functions, with error bounds."""
        return estimate_by_rule(
            lambda positions, index, beside: self.apart(positions, some[index], beside),
            rule, self.kind, points.at(some // self.outputs), has_fallback, **self.options,
        )  # fmt: skip


def estimate_by_rule(
    f: PointValues, rule: Rule, kind: str, points: Points, has_fallback: bool = True, **options: Any
) -> Estimate:
    """Differentiate by a stencil or by the adaptive rule, with error bounds; `options` as of `estimate`.

    With `has_fallback` the adaptive rule computes the points whose stencil leaves the domain or the bounds; else they
    are NaN.
    """
    if isinstance(rule, Adaptive):
        return estimate(
            lambda positions, index: f(positions, index, True),
            points.x, rule, points.absolute_step, points.low, points.high, kind=kind,
            at=lambda positions, index: f(positions, index, False), **options,
        )  # fmt: skip
    assert isinstance(rule, Stencil)
    with np.errstate(all="ignore"):
        estimated, outside = estimate_by_stencil(f, rule, kind, points)

    def again(rule: Adaptive, where: Index) -> Estimate:
        return estimate_by_rule(
            lambda positions, index, beside: f(positions, where[index], beside), rule, kind, points.at(where), **options
        )

    return replace_missing(estimated, outside & has_fallback, rule, again)


def replace_missing(results: _R, missing: Mask, rule: Rule, again: Callable[[Adaptive, Index], Derived]) -> _R:
    """Have the adaptive rule compute the `missing` entries of a rule's results, in place unless they are a number.

    `again` maps the adaptive rule and the numbers of entries to their results. For a stencil the adaptive rule
    evaluates on both sides: at an upper bound a forward difference has nothing ahead.
    """
    where = np.flatnonzero(missing)
    if isinstance(rule, Stencil) and rule.n <= HIGHEST:
        rule = Adaptive(rule.n)
    if not where.size or not isinstance(rule, Adaptive):
        return results
    better = again(rule, where)
    if isinstance(results, Estimate):
        for field, values in zip(results, better, strict=True):
            field.reshape(-1)[where] = values
        return results
    if not isinstance(results, np.ndarray):
        number: Callable[[complex], _R] = type(results)
        return number(better[0])
    results[np.unravel_index(where, results.shape)] = better
    return results
