"""All results together, summed up and handed on: as a table, a page, JSON, a data frame."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from .results import DEFINITION, FACTORS, Curve, Profile, Row, Verdict


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
        from .markdown import markdown

        return markdown(self)

    def to_html(self) -> str:
        """Write the report as one page that needs nothing else: no network, plots inside."""
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
        from .text import text

        return text(self)


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
