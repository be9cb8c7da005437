"""All results of a comparison in one value: its summary, and its formats; the speed of a machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from .results import DEFINITION, FACTORS, CorpusVerdict, Curve, Profile, Row


@dataclass(frozen=True)
class Summary:
    """One method over a group of functions: medians, the mean of `off` and `covered`, the largest `max_error`."""

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
    """Results of `accuracy`: rows, curves, profiles, facts about the machine, verdicts on the corpus."""

    rows: tuple[Row, ...] = ()
    curves: tuple[Curve, ...] = ()
    about: dict[str, str] = field(default_factory=dict)
    verdicts: tuple[CorpusVerdict, ...] = ()
    profiles: tuple[Profile, ...] = ()

    def summary(self) -> tuple[Summary, ...]:
        """Return one line for each group and method, in their order."""
        keys = dict.fromkeys((row.group, row.method) for row in self.rows)
        return tuple(_summary([r for r in self.rows if (r.group, r.method) == key]) for key in keys)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers; values that are not finite become None."""
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
        """Return the report as JSON; values that are not finite become null."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Return the report as a page of Markdown, without pictures."""
        return self._rendered("markdown")

    def to_html(self) -> str:
        """Return the report as one HTML page with pictures inside. The page loads nothing and runs no script."""
        return self._rendered("html")

    def to_dataframe(self) -> Any:
        """Return the rows as a `pandas.DataFrame`, one line for each function and method; this needs pandas.

        The column ``worst`` holds the arguments of the worst point, ``missing_at`` those of points without a result.
        """
        import pandas

        lines = [
            asdict(row) | {"digits": row.digits, "worst": row.worst[0].args if row.worst else ()} for row in self.rows
        ]
        return pandas.DataFrame(lines)

    def __repr__(self) -> str:
        """Return the tables as text."""
        return self._rendered("text")

    def _rendered(self, name: str) -> str:
        from .content import build_document
        from .formats import render

        return render(build_document(self), name)


def _summary(rows: list[Row]) -> Summary:
    """Summarize one method over functions; functions where it failed count as failures alone."""
    good = [r for r in rows if not r.failure]
    worst = max(good, key=lambda r: r.max_error, default=rows[0])

    def over(name: str, reduce: Callable[[list[float]], float]) -> float:
        values = [value for r in good if not isnan(value := getattr(r, name))]
        return float(reduce(values)) if values else nan

    medians = ("median_error", "evaluations", "nanoseconds", "median_ulp", "p99_error")
    return Summary(
        group=rows[0].group, method=rows[0].method, functions=len(rows), failures=len(rows) - len(good),
        max_error=worst.max_error, worst=worst.function, off=over("off", np.mean), covered=over("covered", np.mean),
        **{name: over(name, np.median) for name in medians},
    )  # fmt: skip


def plain(value: object) -> Any:
    """Return plain dictionaries, lists and numbers; values that are not finite become None."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value


#: Promised ratios of speed on compiled functions: the method, the other method, the ratio.
PROMISES = (("central 2", "NumPy", 6.0), ("central 2", "SciPy", 100.0), ("adaptive", "SciPy", 5.0))


@dataclass(frozen=True)
class Promise:
    """Ratio of the speeds of two methods, measured here and promised."""

    method: str
    beside: str
    here: float
    promised: float


@dataclass(frozen=True)
class Speed:
    """Nanoseconds per point by function and method, and facts about the machine."""

    nanoseconds: dict[str, dict[str, float]]
    about: dict[str, str] = field(default_factory=dict)

    def ratios(self) -> dict[str, dict[str, float]]:
        """Return the speeds relative to NumPy and SciPy, medians over the functions."""
        lines = self.nanoseconds.values()
        labels = list(next(iter(lines)))
        return {
            f"times as fast as {beside}": {
                label: nan if label == beside else float(np.median([line[beside] / line[label] for line in lines]))
                for label in labels
            }
            for beside in labels
            if beside in ("NumPy", "SciPy")
        }

    def promises(self) -> tuple[Promise, ...]:
        """Return the promised ratios beside those of this machine."""
        ratios = self.ratios()
        return tuple(
            Promise(method, beside, ratios[f"times as fast as {beside}"][method], promised)
            for method, beside, promised in PROMISES
            if method in ratios.get(f"times as fast as {beside}", {})
        )

    def to_json(self) -> str:
        """Return times, ratios and promises as JSON."""
        fields = asdict(self) | {"ratios": self.ratios(), "promises": [asdict(p) for p in self.promises()]}
        return json.dumps(plain(fields), indent=1, allow_nan=False) + "\n"
