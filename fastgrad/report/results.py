"""What was found when methods were measured: values, with nothing but their names to explain."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..corpus._measure import Figures

#: A point counts as off when its relative error is beyond this.
TOLERANCE = 1e-6

#: What a bar is granted for the rounding of a truth in closed form, relative to the local slope.
SLACK = 2.0**-48

#: What the errors of a report are relative to.
DEFINITION = (
    "Errors are relative to the local slope: the largest of |f'(x)|, the mean of |f'| at x (1 - 2^-10) and "
    "x (1 + 2^-10), and 1e-9 |f(x)| / max(|x|, 1), which is the slope that rounding alone can feign. A derivative "
    "that comes back NaN or infinite counts as an infinite error. A point is off when its error exceeds 1e-6. "
    "An ulp is the distance from the local slope to the next floating-point number."
)

#: Multiples of the error bar at which it is counted how many errors lie within.
FACTORS: tuple[float, ...] = tuple(10.0 ** (k / 4) for k in range(-8, 9))


@dataclass(frozen=True)
class Point:
    """One point of a row: all arguments, what was found there, what is true, the error, and the bar given for it."""

    args: tuple[float, ...]
    df: float
    truth: float
    error: float
    bar: float = nan


@dataclass(frozen=True)
class Row:
    """One method on one function.

    Attributes
    ----------
    function, group, method, label : str
        What was measured.
    truth : str
        Where the true derivative is from.
    points : int
        Points at which the error was taken.
    timed : int
        Points of the timed run.
    max_error, p99_error, median_error : float
        Relative errors: see `DEFINITION`.
    max_ulp, p99_ulp, median_ulp : float
        The same in units of the last place of the local slope.
    off : float
        Share of points with an error beyond `TOLERANCE`.
    missing : int
        Points at which the result is NaN or infinite though the derivative exists.
    max_absolute, median_absolute : float
        Errors in units of `f` over units of its argument.
    worst : tuple of Point
        Where the relative error is largest, the worst first.
    evaluations : float
        Evaluations of `f` per point.
    nanoseconds : float
        Time per point, best of a few runs, on all cores that the method uses.
    covered : float
        Share of points whose error is within the method's own error bar, and `SLACK`; NaN for one that gives none.
    calibration : tuple of float
        Share of points whose error is within `FACTORS` times the bar; empty for one that gives none.
    missing_at : tuple of tuple of float
        Where the result is missing: the arguments at the first few points.
    formula : str
        The text of the function, where it has one and it is short.
    failure : str
        The exception, when the method raised one; the figures are NaN then.
    """

    function: str
    group: str
    method: str
    label: str
    truth: str
    points: int = 0
    timed: int = 0
    max_error: float = nan
    p99_error: float = nan
    median_error: float = nan
    max_ulp: float = nan
    p99_ulp: float = nan
    median_ulp: float = nan
    off: float = nan
    missing: int = 0
    max_absolute: float = nan
    median_absolute: float = nan
    worst: tuple[Point, ...] = ()
    evaluations: float = nan
    nanoseconds: float = nan
    covered: float = nan
    calibration: tuple[float, ...] = ()
    missing_at: tuple[tuple[float, ...], ...] = ()
    formula: str = ""
    failure: str = ""

    @property
    def digits(self) -> float:
        """Correct digits at the median point, 16 at most."""
        return -log10(max(self.median_error, 1e-16))


@dataclass(frozen=True)
class Curve:
    """Error against step of one rule on one function; steps are relative to ``max(|x|, 1)``."""

    function: str
    method: str
    label: str
    steps: tuple[float, ...]
    errors: tuple[float, ...]
    chosen_step: float
    chosen_error: float

    @property
    def best(self) -> tuple[float, float]:
        """The step with the least error among those tried, and that error."""
        return min(zip(self.steps, self.errors, strict=True), key=lambda pair: pair[1])


@dataclass(frozen=True)
class Profile:
    """Error of one method along the domain of one function, in parts of it.

    Attributes
    ----------
    edges : tuple of float
        Where the parts begin, and where the last one ends.
    worst, median : tuple of float
        Relative errors in every part; NaN where no point lies.
    """

    function: str
    method: str
    label: str
    edges: tuple[float, ...]
    worst: tuple[float, ...]
    median: tuple[float, ...]


@dataclass(frozen=True)
class Pace:
    """Speed of a method over a few functions, measured in turns with the others.

    Attributes
    ----------
    nanoseconds : float
        Time per point, median over the functions.
    points : int
        Points of a run, where they could be had in bearable time.
    speedup : float
        How many times as fast as `scipy.differentiate` per point, median over the functions.
    """

    nanoseconds: float = nan
    points: int = 0
    speedup: float = nan


@dataclass(frozen=True)
class Verdict:
    """One method over the development corpus, every truth of which is known to the last digit."""

    method: str
    label: str
    figures: Figures
    pace: Pace = Pace()
