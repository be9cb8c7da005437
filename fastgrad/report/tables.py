"""What the tables say, before anybody decides how they look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from .cells import digits, error, evaluations, number, percent, share, size, time, times, ulps

if TYPE_CHECKING:
    from .model import AccuracyReport
    from .results import Row, Verdict
    from .speed import Speed

GROUPS = {"gate": "Gates", "function": "Functions", "yours": "Your functions"}

#: Up to this many functions get a table each, with a line for every method.
DETAILED = 3

#: Of more functions, so many worst points a method are shown.
WORST = 3


@dataclass(frozen=True)
class Table:
    """Header and cells; every column but the first is aligned to the right."""

    title: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    note: str = ""
    part: str = "detail"
    """``"summary"`` for what a reader wants to see first, ``"worst"`` for what would fill a screen."""


def style(table: Table, column: int, cell: str) -> str:
    """Say what a cell is: ``"bad"`` an error that is plainly wrong, ``"good"`` one right to eleven digits."""
    if not column or not any("error" in text and "/" not in text for text in (table.title, table.header[column])):
        return ""
    exponent = cell.partition("e")[2]
    if cell in ("NaN", "> 1", "failed") or (exponent.lstrip("+-").isdigit() and int(exponent) >= -3):
        return "bad"
    return "good" if cell == "0" or (exponent.lstrip("+-").isdigit() and int(exponent) <= -11) else ""


def tables(report: AccuracyReport) -> Iterator[Table]:
    """All tables of a report, the summary last: there a terminal stops scrolling."""
    functions = list(dict.fromkeys((row.group, row.function) for row in report.rows))
    if len(functions) <= DETAILED:
        for group, name in functions:
            yield _detail([row for row in report.rows if (row.group, row.function) == (group, name)])
    else:
        yield from _matrices(report)
    yield from _worst(report)
    if len(functions) > DETAILED:
        yield from _summaries(report)
    if report.verdicts:
        yield _offenders(report.verdicts)
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


def _matrix(title: str, rows: list[Row], show: Callable[[Row], str]) -> Table:
    """Functions down, methods across."""
    labels = tuple(dict.fromkeys(row.label for row in rows))
    found = {(row.function, row.label): "failed" if row.failure else show(row) for row in rows}
    names = dict.fromkeys(row.function for row in rows)
    cells = tuple((name, *(found.get((name, label), "") for label in labels)) for name in names)
    return Table(title, ("", *labels), cells)


def _detail(rows: list[Row]) -> Table:
    """Methods down, figures across, for one function."""
    cells = tuple(
        (row.label, "failed", *[""] * (len(FIGURES) - 1)) if row.failure
        else (row.label, *(show(row) for show in FIGURES.values()))
        for row in rows
    )  # fmt: skip
    places: dict[str, list[str]] = {}
    for row in (row for row in rows if row.worst):
        places.setdefault(", ".join(f"{a:.6g}" for a in row.worst[0].args), []).append(row.label)
    where = "; ".join(f"{place} ({', '.join(labels)})" for place, labels in places.items())
    note = f"Largest error at {where}." if where else ""
    return Table(rows[0].function, ("", *FIGURES), cells, note, "summary")


#: The figures of a row: what stands over a column, and how the figure is shown.
FIGURES: dict[str, Callable[[Row], str]] = {
    "median error": lambda row: error(row.median_error),
    "99 % error": lambda row: error(row.p99_error),
    "largest error": lambda row: error(row.max_error),
    "right digits": lambda row: digits(row.digits),
    "median ulp": lambda row: ulps(row.median_ulp),
    "largest ulp": lambda row: ulps(row.max_ulp),
    "points wrong": lambda row: share(row.off),
    "bar holds": lambda row: percent(row.covered),
    "ns per point": lambda row: time(row.nanoseconds),
    "calls": lambda row: evaluations(row.evaluations),
}

#: What the columns mean, in a sentence without a verb.
LEGEND = {
    "median error": "relative error at the median point",
    "99 % error": "relative error that 99 % of the points stay below",
    "largest error": "largest relative error",
    "right digits": "correct digits at the median point, 16 at most",
    "median ulp": "error at the median point in units of the last place of the local slope",
    "largest ulp": "largest error in units of the last place of the local slope",
    "points wrong": "share of points with a relative error beyond 1e-6",
    "bar holds": "share of points whose error is within the error bar of the method",
    "ns per point": "time per point in nanoseconds, on all cores that the method uses",
    "calls": "evaluations of the function per point",
    "fails": "functions that the method could not do",
}


def _worst(report: AccuracyReport) -> Iterator[Table]:
    """Where every method is at its worst: a few points a function, or a few a method of many functions."""
    for group in dict.fromkeys(row.group for row in report.rows):
        rows = [row for row in report.rows if row.group == group]
        few = len({row.function for row in rows}) <= DETAILED
        header: tuple[str, ...]
        lines: list[tuple[str, ...]] = []
        for label in dict.fromkeys(row.label for row in rows):
            points = [(row, point) for row in rows if row.label == label for point in row.worst]
            points.sort(key=lambda pair: -pair[1].error)
            for row, point in points if few else points[:WORST]:
                lines.append((
                    label, row.function, ", ".join(map(number, point.args)), error(point.error), number(point.df),
                    number(point.truth), "-" if isnan(point.bar) else size(point.bar),
                ))  # fmt: skip
        if lines:
            header, title = ("", "function", "at", "error", "found", "true", "bar"), GROUPS[group]
            if few and len({row.function for row in rows}) == 1:
                header, lines = (header[0], *header[2:]), [(line[0], *line[2:]) for line in lines]
                title = rows[0].function
            yield Table(f"{title}: worst points", header, tuple(lines), "", "worst")


def _offenders(verdicts: Sequence[Verdict]) -> Table:
    """Points of the corpus where every method is furthest from the truth, in units of what is tolerated."""
    lines = []
    for verdict in verdicts:
        records = {(r.case, r.x): r for kept in verdict.figures.offenders.values() for r in kept if not isnan(r.truth)}
        for record in sorted(records.values(), key=lambda r: -r.excess)[:WORST]:
            lines.append((
                verdict.label, record.case, number(record.x), times(record.excess) if record.excess < 1e4 else
                size(record.excess), number(record.df), number(record.truth), "-" if isnan(record.error) else
                size(record.error),
            ))  # fmt: skip
    header = ("", "function", "at", "times the tolerance", "found", "true", "bar")
    return Table("Development corpus: worst points", header, tuple(lines), "", "worst")


def _summaries(report: AccuracyReport) -> Iterator[Table]:
    """One line a method, for each group."""
    header = ("", "median error", "99 % error", "largest error", "median ulp", "points wrong", "bar holds",
              "ns per point", "calls", "fails")  # fmt: skip
    summary = report.summary()
    labels = {row.method: row.label for row in report.rows}
    groups = list(dict.fromkeys(line.group for line in summary))
    for group in groups:
        lines = [line for line in summary if line.group == group]
        cells = tuple(
            (
                labels[line.method], error(line.median_error), error(line.p99_error), error(line.max_error),
                ulps(line.median_ulp), share(line.off), percent(line.covered), time(line.nanoseconds),
                evaluations(line.evaluations), str(line.failures) if line.failures else "",
            )
            for line in lines
        )  # fmt: skip
        title = f"{GROUPS[group]}: all {lines[0].functions} together"
        yield Table(title, header, cells, MEANING if group == groups[-1] else "", "summary")


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
    return Table(title, ("", *(v.label for v in verdicts)), cells, CORPUS, "summary")


def _families(verdicts: Sequence[Verdict]) -> Table:
    """Share of points missed and covered, family by family."""
    cells = tuple(
        (name, f"{count:,}", *(percent(v.figures.families[name][1]) for v in verdicts),
         percent(verdicts[0].figures.families[name][2]))
        for name, (count, *_) in verdicts[0].figures.families.items()
    )  # fmt: skip
    header = ("", "points", *(v.label for v in verdicts), "bar holds")
    note = f"Attainable points missed; bar holds: that of {verdicts[0].method}."
    return Table("Development corpus: family by family", header, cells, note, "summary")


def speeds(found: Speed) -> Table:
    """Functions down, what can be done to them across; the ratios that matter below."""
    header = ("ns/point", *next(iter(found.nanoseconds.values())))
    cells = [(name, *map(time, line.values())) for name, line in found.nanoseconds.items()]
    cells += [(name, *("" if isnan(v) else times(v) for v in line.values())) for name, line in found.ratios().items()]
    about = found.about
    stands = " ".join(
        f"{p.method} is {times(p.here)} times as fast as {p.beside} (promised: {times(p.promised)})."
        for p in found.promises()
    )
    return Table(
        f"Here: {about['points']} points, {about['cores']} cores, {about['vectors']}", header, tuple(cells),
        f"Each time is the best of a few runs taken in turns; the ratios are medians over the functions. {stands}",
    )  # fmt: skip


CORPUS = (
    "Attainable: some difference of order 2 to 8 gets within a third of the tolerance, which is 1e-6 of the local "
    "slope, more where the function is noisy; steady: at two neighbouring steps. Wrong: beyond the tolerance and ten "
    "times the bar, with success reported."
)
MEANING = "Medians over the functions, but the largest of the largest errors."
