"""What was found when methods were measured: values, with nothing but their names to explain."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import isfinite, isnan, log10, nan
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..corpus.measure import Figures

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
class Summary:
    """One method over all functions of a group: medians over the functions (`covered`: mean), the worst of them."""

    group: str
    method: str
    functions: int
    median_error: float
    off: float
    max_error: float
    worst: str
    evaluations: float
    nanoseconds: float
    failures: int
    median_ulp: float = nan
    p99_error: float = nan
    covered: float = nan


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


@dataclass(frozen=True, repr=False)
class AccuracyReport:
    """What `accuracy` found: rows, curves, profiles, with what they were measured, verdicts on the corpus."""

    rows: tuple[Row, ...] = ()
    curves: tuple[Curve, ...] = ()
    about: dict[str, str] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    profiles: tuple[Profile, ...] = ()

    def summary(self) -> tuple[Summary, ...]:
        """One line for each group and method, in their order."""
        keys = dict.fromkeys((row.group, row.method) for row in self.rows)
        return tuple(_summary([r for r in self.rows if (r.group, r.method) == key]) for key in keys)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers; what is not finite becomes None."""
        return {
            "about": self.about,
            "errors": DEFINITION,
            "factors": FACTORS,
            "rows": [plain(asdict(row) | {"digits": row.digits}) for row in self.rows],
            "summary": [plain(asdict(line)) for line in self.summary()],
            "curves": [plain(asdict(c) | dict(zip(("best_step", "best_error"), c.best, strict=True)))
                       for c in self.curves],
            "profiles": [plain(asdict(profile)) for profile in self.profiles],
            "corpus": [plain(asdict(verdict)) for verdict in self.verdicts],
        }  # fmt: skip

    def to_json(self) -> str:
        """Write the report for machines; what is not finite becomes null."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Write the report as a page of Markdown."""
        from .page import markdown

        return markdown(self)

    def to_html(self) -> str:
        """Write the report as one page that needs nothing else: no network, no scripts, plots inside."""
        from .html import page

        return page(self)

    def to_dataframe(self) -> Any:
        """Put the rows into a `pandas.DataFrame`, one line for each function and method.

        The column ``worst`` holds the arguments of the worst point, ``missing_at`` those of points without a result.

        Raises
        ------
        ImportError
            When pandas is not installed.
        """
        import pandas

        lines = [
            asdict(row) | {"digits": row.digits, "worst": row.worst[0].args if row.worst else ()} for row in self.rows
        ]
        return pandas.DataFrame(lines)

    def __repr__(self) -> str:
        """Print the report as a table."""
        from .tables import plain_text

        return plain_text(self)


def _summary(rows: list[Row]) -> Summary:
    good = [r for r in rows if not r.failure]
    worst = max(good, key=lambda r: r.max_error, default=rows[0])
    held = [r.covered for r in good if not isnan(r.covered)]

    def median(name: str) -> float:
        values = [value for r in good if not isnan(value := getattr(r, name))]
        return float(np.median(values)) if values else nan

    return Summary(
        group=rows[0].group,
        method=rows[0].method,
        functions=len(rows),
        median_error=median("median_error"),
        off=float(np.mean([r.off for r in good])) if good else nan,
        max_error=worst.max_error,
        worst=worst.function,
        evaluations=median("evaluations"),
        nanoseconds=median("nanoseconds"),
        failures=len(rows) - len(good),
        median_ulp=median("median_ulp"),
        p99_error=median("p99_error"),
        covered=float(np.mean(held)) if held else nan,
    )


def plain(value: Any) -> Any:
    """Make plain dictionaries, lists and numbers; what is not finite becomes None."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value
