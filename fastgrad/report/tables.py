"""What the tables say, before anybody decides how they look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..results import Results, Row

GROUPS = {"gate": "Gates", "function": "Functions", "yours": "Your functions"}

#: Up to this many functions get a table each, with a line for every method.
DETAILED = 3


@dataclass(frozen=True)
class Table:
    """Header and cells; every column but the first is aligned to the right."""

    title: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    note: str = ""


def error(value: float) -> str:
    """Show an error in one digit: more would be noise. Beyond 1 no digit of the derivative is right."""
    if isnan(value):
        return "-"
    if not isfinite(value):
        return "NaN"
    if value > 1:
        return "> 1"
    return "0" if value == 0 else f"{value:.0e}"


def size(value: float) -> str:
    """Show a number that has a unit, in two digits."""
    return "NaN" if not isfinite(value) else "0" if value == 0 else f"{value:.1e}"


def time(nanoseconds: float) -> str:
    """Show a time in nanoseconds."""
    if not isfinite(nanoseconds):
        return "-"
    return f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}"


def evaluations(value: float) -> str:
    """Show a count: whole where it is, with a decimal where it is a mean."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def share(value: float) -> str:
    """Show a share in per cent, and tell little from nothing."""
    if isnan(value):
        return "-"
    if value == 0:
        return "0 %"
    return f"{100 * value:.1g} %" if value < 0.01 else f"{100 * value:.0f} %"


def tables(report: Results) -> Iterator[Table]:
    """All tables of a report, the summary last: there a terminal stops scrolling."""
    functions = list(dict.fromkeys((row.group, row.function) for row in report.rows))
    if len(functions) <= DETAILED:
        for group, name in functions:
            yield _detail([row for row in report.rows if (row.group, row.function) == (group, name)])
        return
    for group in dict.fromkeys(row.group for row in report.rows):
        rows = [row for row in report.rows if row.group == group]
        title = GROUPS[group]
        yield _matrix(f"{title}: maximum error", rows, lambda row: error(row.max_error))
        yield _matrix(f"{title}: median error", rows, lambda row: error(row.median_error))
        yield _matrix(f"{title}: nanoseconds per point", rows, lambda row: time(row.nanoseconds))
    yield from _summaries(report)


def notes(report: Results) -> list[str]:
    """List what a reader must know to judge the figures."""
    found = [_setting(report)]
    most = max((row.timed for row in report.rows), default=0)
    fewer = {row.label: row.timed for row in report.rows if not row.failure and row.timed < most}
    found += [f"{label} ran on {count:,} points a function." for label, count in fewer.items()]
    judged = {row.function: row for row in report.rows if row.truth != "closed form" and not row.failure}
    found += [f"Truth of {name}: {row.truth}, at {row.points:,} points." for name, row in judged.items()]
    if any(row.group == "gate" for row in report.rows):
        found.append("Logic gates are left out: their values are true and false, they have no derivative.")
    if any(row.function in ("maximum", "absolute", "round_half_up") for row in report.rows):
        found.append("Within a step of a kink or a jump every difference is off, hence the maxima of some gates.")
    found += sorted({f"{r.label} on {r.function}: {r.failure}" for r in report.rows if r.failure})
    return found


def _setting(report: Results) -> str:
    about = report.about
    versions = ", ".join(f"{name} {about[name]}" for name in ("fastgrad", "numpy", "scipy", "numba") if name in about)
    return f"Points: {about.get('points', '?')} a function. {versions}; {about.get('cores', '?')} cores."


def _matrix(title: str, rows: list[Row], show: Callable[[Row], str]) -> Table:
    """Functions down, methods across."""
    labels = tuple(dict.fromkeys(row.label for row in rows))
    found = {(row.function, row.label): "failed" if row.failure else show(row) for row in rows}
    names = dict.fromkeys(row.function for row in rows)
    cells = tuple((name, *(found.get((name, label), "") for label in labels)) for name in names)
    return Table(title, ("", *labels), cells)


def _detail(rows: list[Row]) -> Table:
    """Methods down, figures across, for one function."""
    header = ("", "max error", "median", "max abs", "median abs", "off", "ns/point", "eval")
    cells = tuple(
        (row.label, "failed", *[""] * 6)
        if row.failure
        else (
            row.label, error(row.max_error), error(row.median_error), size(row.max_absolute),
            size(row.median_absolute), share(row.off), time(row.nanoseconds), evaluations(row.evaluations),
        )
        for row in rows
    )  # fmt: skip
    good = [row for row in rows if not row.failure]
    where = ", ".join(f"{row.label} {row.worst:.6g}" for row in good if row.max_error > 0)
    return Table(rows[0].function, header, cells, f"Largest error at x = {where}." if where else "")


def _summaries(report: Results) -> Iterator[Table]:
    """One line a method, for each group."""
    header = ("", "median error", "off", "max error", "on", "ns/point", "eval")
    summary = report.summary()
    for group in dict.fromkeys(line.group for line in summary):
        lines = [line for line in summary if line.group == group]
        cells = tuple(
            (
                line.method, error(line.median_error), share(line.off), error(line.max_error), line.worst,
                time(line.nanoseconds), evaluations(line.evaluations),
            )
            for line in lines
        )  # fmt: skip
        yield Table(f"{GROUPS[group]}: all {lines[0].functions} together", header, cells, MEANING)


MEANING = "Medians over the functions; off: share of points with an error beyond 1e-6; eval: evaluations per point."


def plain_text(report: Results) -> str:
    """Lay the tables out with spaces alone."""
    parts = []
    for table in tables(report):
        widths = [max(map(len, column)) for column in zip(table.header, *table.cells, strict=True)]
        parts.append(table.title)
        for line in (table.header, *table.cells):
            first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            parts.append("  ".join([first.strip().ljust(widths[0]), *rest]).rstrip())
        parts.append("")
    return "\n".join(parts).rstrip()
