"""What the tables say, before anybody decides how they look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .results import AccuracyReport, Row, Standing, Verdict

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


def percent(value: float) -> str:
    """Show a share in per cent, with two decimals near all and near nothing, where they matter."""
    if isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if 0.01 <= value < 0.99 or value in (0.0, 1.0) else f"{100 * value:.2f} %"


def times(value: float) -> str:
    """Show a ratio of speeds in two digits."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def style(table: Table, column: int, cell: str) -> str:
    """Say what a cell is: ``"bad"`` an error that is plainly wrong, ``"good"`` one right to eleven digits."""
    if not column or not any("error" in text and "/" not in text for text in (table.title, table.header[column])):
        return ""
    exponent = cell.partition("e")[2]
    if cell in ("NaN", "> 1", "failed") or (exponent.lstrip("+-").isdigit() and int(exponent) >= -3):
        return "bad"
    return "good" if cell == "0" or (exponent.lstrip("+-").isdigit() and int(exponent) <= -11) else ""


def is_summary(table: Table) -> bool:
    """Tell the tables that a reader wants to see first."""
    return "together" in table.title or "corpus" in table.title


def tables(report: AccuracyReport) -> Iterator[Table]:
    """All tables of a report, the summary last: there a terminal stops scrolling."""
    functions = list(dict.fromkeys((row.group, row.function) for row in report.rows))
    if len(functions) <= DETAILED:
        for group, name in functions:
            yield _detail([row for row in report.rows if (row.group, row.function) == (group, name)])
    else:
        yield from _matrices(report)
        yield from _summaries(report)
    if report.verdicts:
        yield _corpus(report.verdicts)
        yield _families(report.verdicts)


def _matrices(report: AccuracyReport) -> Iterator[Table]:
    """Functions down and methods across, for each group and figure."""
    for group in dict.fromkeys(row.group for row in report.rows):
        rows = [row for row in report.rows if row.group == group]
        title = GROUPS[group]
        yield _matrix(f"{title}: maximum error", rows, lambda row: error(row.max_error))
        yield _matrix(f"{title}: median error", rows, lambda row: error(row.median_error))
        yield _matrix(f"{title}: nanoseconds per point", rows, lambda row: time(row.nanoseconds))


def notes(report: AccuracyReport) -> list[str]:
    """List what a reader must know to judge the figures."""
    found = [_setting(report)]
    most = max((row.timed for row in report.rows), default=0)
    for label in dict.fromkeys(row.label for row in report.rows):
        counts = [row.timed for row in report.rows if row.label == label and not row.failure]
        if counts and min(counts) < most:
            where = "every function" if max(counts) < most else "functions where it is slow"
            found.append(f"{label} was timed on {min(counts):,} points or more of {where}.")
    slow = {v.label: v.pace.points for v in report.verdicts if 0 < v.pace.points < report.verdicts[0].pace.points}
    if report.verdicts:
        most = report.verdicts[0].pace.points
        found.append(f"Corpus: timed on up to {most:,} points of each of a few compiled functions, in turns.")
        found += [f"{label} took up to {count:,} points there." for label, count in slow.items()]
        found += [f"{v.label} on {name} of the corpus: {why}" for v in report.verdicts
                  for name, why in v.figures.raised.items()]
    judged = {row.function: row for row in report.rows if row.truth != "closed form" and not row.failure}
    found += [f"Truth of {name}: {row.truth}, at {row.points:,} points." for name, row in judged.items()]
    if any(row.group == "gate" for row in report.rows):
        found.append("Logic gates are left out: their values are true and false, they have no derivative.")
    if any(row.function in ("maximum", "absolute", "round_half_up") for row in report.rows):
        found.append("Within a step of a kink or a jump every difference is off, hence the maxima of some gates.")
    found += sorted({f"{r.label} on {r.function}: {r.failure}" for r in report.rows if r.failure})
    return found


def _setting(report: AccuracyReport) -> str:
    about = report.about
    versions = ", ".join(f"{name} {about[name]}" for name in ("fastgrad", "numpy", "scipy", "numba") if name in about)
    machine = f"{about.get('cores', '?')} cores, {about.get('vectors', '?')}"
    return f"Points: {about.get('points', '?')} a function. {versions}; {machine}."


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


def _summaries(report: AccuracyReport) -> Iterator[Table]:
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


def _corpus(verdicts: Sequence[Verdict]) -> Table:
    """Figures down, methods across: is it right, does its bar hold, what does it cost."""
    lines: tuple[tuple[str, Callable[[Verdict], str]], ...] = (
        ("attainable points missed", lambda v: percent(v.figures.missed)),
        ("steady points missed", lambda v: percent(v.figures.missed_steady)),
        ("bar covers the error", lambda v: percent(v.figures.covered)),
        ("wrong beyond ten bars", lambda v: percent(v.figures.wrong)),
        ("NaN, though it exists", lambda v: percent(v.figures.nan)),
        ("median relative error", lambda v: error(v.figures.median_error)),
        ("median bar / error", lambda v: "-" if isnan(v.figures.median_bar) else f"{v.figures.median_bar:.2g}"),
        ("evaluations, median", lambda v: evaluations(v.figures.median_nfev)),
        ("ns/point", lambda v: time(v.pace.nanoseconds)),
        ("speed, SciPy being 1", lambda v: times(v.pace.speedup)),
    )
    first = verdicts[0].figures
    title = f"Development corpus: {first.functions} functions, {first.points:,} points"
    cells = tuple((name, *map(show, verdicts)) for name, show in lines)
    return Table(title, ("", *(v.label for v in verdicts)), cells, CORPUS)


def _families(verdicts: Sequence[Verdict]) -> Table:
    """Share of points missed and covered, family by family."""
    cells = tuple(
        (name, f"{count:,}", *(percent(v.figures.families[name][1]) for v in verdicts),
         percent(verdicts[0].figures.families[name][2]))
        for name, (count, *_) in verdicts[0].figures.families.items()
    )  # fmt: skip
    header = ("", "points", *(v.label for v in verdicts), "bar holds")
    note = f"Attainable points missed; bar holds: that of {verdicts[0].method}."
    return Table("Development corpus: family by family", header, cells, note)


def standing(found: Standing) -> Table:
    """Functions down, what can be done to them across; the ratios that matter below."""
    header = ("ns/point", *next(iter(found.nanoseconds.values())))
    cells = [(name, *map(time, line.values())) for name, line in found.nanoseconds.items()]
    cells += [(name, *("" if isnan(v) else times(v) for v in line.values())) for name, line in found.ratios().items()]
    about = found.about
    return Table(
        f"Here: {about['points']} points, {about['cores']} cores, {about['vectors']}", header, tuple(cells),
        "Each time is the best of a few runs taken in turns; the ratios are medians over the functions.",
    )  # fmt: skip


CORPUS = (
    "Attainable: some difference of order 2 to 8 gets within a third of the tolerance, which is 1e-6 of the local "
    "slope, more where the function is noisy; steady: at two neighbouring steps. Wrong: beyond the tolerance and ten "
    "times the bar, with success reported."
)
MEANING = "Medians over the functions; off: share of points with an error beyond 1e-6; eval: evaluations per point."


def plain_text(report: AccuracyReport) -> str:
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
