"""What was found when methods were measured: values, with nothing but their names to explain."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from typing import Any

import numpy as np

#: A point counts as off when its relative error is beyond this.
TOLERANCE = 1e-6

#: What the errors of a report are relative to.
DEFINITION = (
    "Errors are relative to the local slope: the largest of |f'(x)|, the mean of |f'| at x (1 - 2^-10) and "
    "x (1 + 2^-10), and 1e-9 |f(x)| / max(|x|, 1), which is the slope that rounding alone can feign. A derivative "
    "that comes back NaN or infinite counts as an infinite error. A point is off when its error exceeds 1e-6."
)


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
    off : float
        Share of points with an error beyond `TOLERANCE`.
    missing : int
        Points at which the result is NaN or infinite though the derivative exists.
    max_absolute, median_absolute : float
        Errors in units of `f` over units of its argument.
    worst : float
        Where the relative error is largest.
    evaluations : float
        Evaluations of `f` per point.
    nanoseconds : float
        Time per point, best of a few runs, on all cores that the method uses.
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
    off: float = nan
    missing: int = 0
    max_absolute: float = nan
    median_absolute: float = nan
    worst: float = nan
    evaluations: float = nan
    nanoseconds: float = nan
    failure: str = ""


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


@dataclass(frozen=True)
class Summary:
    """One method over all functions of a group: medians over the functions, and the worst of them."""

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


@dataclass(frozen=True)
class Results:
    """Rows, curves, and where and with what they were measured."""

    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()
    about: dict[str, str] = field(default_factory=dict)

    def summary(self) -> tuple[Summary, ...]:
        """One line for each group and method, in their order."""
        keys = dict.fromkeys((row.group, row.method) for row in self.rows)
        return tuple(_summary([r for r in self.rows if (r.group, r.method) == key]) for key in keys)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers; what is not finite becomes None."""
        parts: dict[str, tuple[Any, ...]] = {"rows": self.rows, "summary": self.summary(), "curves": self.curves}
        found: dict[str, Any] = {"about": self.about, "errors": DEFINITION}
        return found | {key: [_plain(asdict(value)) for value in values] for key, values in parts.items()}


def _summary(rows: list[Row]) -> Summary:
    good = [r for r in rows if not r.failure]
    worst = max(good, key=lambda r: r.max_error, default=rows[0])

    def median(name: str) -> float:
        return float(np.median([getattr(r, name) for r in good])) if good else nan

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
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value
