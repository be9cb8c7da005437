"""An analytic and a numerical derivative side by side: what patterns are read from."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from .._typing import Array, FloatArray, Mask
from ..estimates import Estimate
from ._analytic import Analytic
from ._problem import CheckProblem
from ._verdicts import Judgement, Verdict

#: Two values count as the same mistake when they are this close; smaller differences may be rounding.
ALIKE = 1e-6

#: Coordinates of a vector that a place may be described by.
COORDINATES = 50

#: Indices, factors or coordinates that are listed.
LISTED = 3

#: Factors that are often forgotten, and their names.
FACTORS: dict[str, float] = {
    **{str(k): float(k) for k in range(2, 13)}, "pi": math.pi, "2 pi": 2 * math.pi, "4 pi": 4 * math.pi,
    "sqrt(pi)": math.sqrt(math.pi), "sqrt(2 pi)": math.sqrt(2 * math.pi), "sqrt(2)": math.sqrt(2), "e": math.e,
    "log(2)": math.log(2), "log(10)": math.log(10), "180/pi, degrees for radians": 180 / math.pi,
    "100, percent": 100.0, "1000": 1000.0, "3/2": 1.5, "4/3": 4 / 3, "1e6": 1e6,
}  # fmt: skip

#: Integers up to here are named as such, or as one over them: a count that is missing, or one too much.
LARGEST = 10_000


class Comparison:
    """A problem, its analytic derivative `values`, its numerical derivative `df`, and the verdicts."""

    def __init__(self, problem: CheckProblem, analytic: Analytic, numerical: Estimate, judgement: Judgement) -> None:
        self.problem, self.analytic, self.numerical, self.judgement = problem, analytic, numerical, judgement
        self.values, self.df, self.inner = analytic.values, numerical.df, problem.inner
        verdict, is_finite = judgement.verdict, np.isfinite(self.values) & np.isfinite(self.df)
        #: Where something is wrong, NaN and infinity included.
        self.disagrees = verdict == Verdict.DISAGREES
        #: Where both values are finite and disagree; where they do so in the first six digits.
        self.wrong = self.disagrees & is_finite
        self.gross = self.wrong & ~self.like(self.values)
        #: Where something could be decided.
        self.decided = (verdict != Verdict.UNDECIDED) & is_finite
        #: Where the analytic value is right and not 0: a zero may be right by chance.
        with np.errstate(all="ignore"):
            is_zero = np.abs(self.values) <= judgement.allowed
        self.right = (verdict == Verdict.KINK) | ((verdict == Verdict.AGREES) & ~is_zero)
        #: What each axis of the entries counts.
        inner = {"derivative": [], "gradient": ["coordinate"]}.get(problem.of, ["row", "column"])
        self.axes = ["argument"] * problem.stacked + ["point"] * len(problem.batch) + inner

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the arguments, as far as the function tells them."""
        f, count = self.problem.f, len(self.problem.args)
        try:
            parameters = inspect.signature(getattr(f, "__formula__", f)).parameters.values()
            names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (TypeError, ValueError):
            names = []
        own = names[:count] if len(names) >= count and not isinstance(f, np.ufunc) else []
        return tuple(own) or (("x",) if count == 1 else tuple(f"args[{i}]" for i in range(count)))

    def like(self, values: Array) -> Mask:
        """Where `values` would be right to six digits, or as far as the bounds tell."""
        with np.errstate(all="ignore"):
            size = np.maximum(np.abs(values), np.abs(self.df))
            close: Mask = np.abs(values - self.df) <= ALIKE * size + self.judgement.allowed
        return close


#: A pattern returns its text where it fits.
Pattern = Callable[[Comparison], str | None]


def coordinates(comparison: Comparison) -> Iterator[tuple[str, FloatArray]]:
    """Yield every number that a place may be described by, in a shape that broadcasts with the entries."""
    problem = comparison.problem
    if problem.of == "derivative":
        for name, arg in zip(comparison.names, problem.args, strict=True):
            yield name, np.broadcast_to(arg, problem.batch)
        return
    x, name = problem.args[0], comparison.names[0]
    if problem.of == "gradient":
        yield f"{name}[i]", x
    if problem.of == "jacobian":
        yield f"{name}[column]", x[..., None, :]
    for k in range(min(x.shape[-1], COORDINATES)):
        yield f"{name}[{k}]", x[(..., k, *[None] * comparison.inner)]


def median(ratios: Array) -> float | None:
    """Return the middle one, so that a few outliers do not count; None for 0, infinity and complex numbers."""
    if np.iscomplexobj(ratios) or not ratios.size:
        return None
    middle = float(np.sort(ratios)[ratios.size // 2])
    return middle if middle and math.isfinite(middle) else None


def join(items: Sequence[object]) -> str:
    """List the first few items."""
    return ", ".join(map(str, items[:LISTED])) + (", ..." if len(items) > LISTED else "")


def describe_factor(value: float, c: Comparison) -> str | None:
    """Name a factor: counts of this batch, constants that are forgotten, arguments that are one number, integers."""
    problem, size, minus = c.problem, abs(value), "-" if value < 0 else ""
    counts = {"the number of points": math.prod(problem.batch)}
    if problem.of != "derivative":
        counts["the number of coordinates"] = problem.args[0].shape[-1]
    if problem.of == "jacobian":
        counts["the number of components"] = c.values.shape[-2]
    # a factor of 2 is that, also where there are two points
    named = {f"{count}, {what}": float(count) for what, count in counts.items() if count > 2} | FACTORS
    if problem.of == "derivative":  # an argument that is one number: a scale is easily forgotten
        numbers = {name: abs(float(a)) for name, a in zip(c.names, problem.args, strict=True) if not np.ndim(a)}
        named |= {name: number for name, number in numbers.items() if 0 < number < math.inf and number != 1}
    for name, constant in named.items():
        if abs(size / constant - 1) < ALIKE:
            return f"{minus}{name}"
        if abs(size * constant - 1) < ALIKE:
            number, comma, meaning = name.replace("the number", "one over the number").partition(",")
            return f"{minus}1/{number if number.isalnum() else f'({number})'}{comma}{meaning}"
    for candidate, form in ((size, "{}{}"), (1 / size, "{}1/{}")):
        if 1 < round(candidate) <= LARGEST and abs(candidate / round(candidate) - 1) < ALIKE:
            return form.format(minus, round(candidate))
    return None
