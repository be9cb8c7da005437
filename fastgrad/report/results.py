"""Results of measurements, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..corpus import Figures

#: Relative error beyond which a point counts as wrong.
TOLERANCE = 1e-6

#: Allowance for the rounding of a truth in closed form, relative to the local slope.
SLACK = 2.0**-48

#: What the errors of a report are relative to.
DEFINITION = (
    "Errors are relative to the local slope: the largest of |f'(x)|, the mean of |f'| at x (1 - 2^-10) and "
    "x (1 + 2^-10), and 1e-9 |f(x)| / max(|x|, 1), which is the slope that rounding alone can feign. A derivative "
    "that comes back NaN or infinite counts as an infinite error. A point is wrong when its error exceeds 1e-6. "
    "An ulp is the distance from the local slope to the next floating-point number."
)

#: Multiples of the error bar at which the share of errors within is counted.
FACTORS: tuple[float, ...] = tuple(10.0 ** (k / 4) for k in range(-8, 9))


@dataclass(frozen=True)
class Point:
    """One point of a row: all arguments, the derivative of the method, the true one, the error and its bar."""

    args: tuple[float, ...]
    df: float
    truth: float
    error: float
    bar: float = nan


@dataclass(frozen=True)
class Row:
    """One method on one function; the figures are NaN where the method raised an exception."""

    function: str
    group: str
    method: str
    #: Title of the method's column.
    label: str
    #: Source of the true derivative.
    truth: str
    #: Count of points at which the error was taken, and of points of the timed run.
    points: int = 0
    timed: int = 0
    #: Relative errors: see `DEFINITION`.
    max_error: float = nan
    p99_error: float = nan
    median_error: float = nan
    #: The same in units of the last place of the local slope.
    max_ulp: float = nan
    p99_ulp: float = nan
    median_ulp: float = nan
    #: Share of points with an error beyond `TOLERANCE`.
    off: float = nan
    #: Count of points where the result is NaN or infinite although the derivative exists.
    missing: int = 0
    #: Errors in units of `f` over units of its argument.
    max_absolute: float = nan
    median_absolute: float = nan
    #: Points with the largest relative errors, the largest first.
    worst: tuple[Point, ...] = ()
    #: Evaluations of `f` per point.
    evaluations: float = nan
    #: Time per point, best of a few runs, on all cores that the method uses.
    nanoseconds: float = nan
    #: Share of points whose error is within the method's error bar plus `SLACK`; NaN without a bar.
    covered: float = nan
    #: Share of points whose error is within `FACTORS` times the bar; empty without a bar.
    calibration: tuple[float, ...] = ()
    #: Arguments at the first few points where the result is missing.
    missing_at: tuple[tuple[float, ...], ...] = ()
    #: Source text of the function where it is short, else empty.
    formula: str = ""
    #: The exception, when the method raised one.
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
    """Largest and median relative error of one method in each interval between `edges`; NaN without a point."""

    function: str
    method: str
    label: str
    edges: tuple[float, ...]
    worst: tuple[float, ...]
    median: tuple[float, ...]


@dataclass(frozen=True)
class Pace:
    """Speed of a method, measured in turns with the others: medians over a few functions."""

    nanoseconds: float = nan
    #: Points of the largest run.
    points: int = 0
    #: Ratio to `scipy.differentiate`.
    speedup: float = nan


@dataclass(frozen=True)
class CorpusVerdict:
    """One method over the development corpus, every truth of which is right to the last digit."""

    method: str
    label: str
    figures: Figures
    pace: Pace = Pace()
