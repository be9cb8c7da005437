"""Tables of a report: which figures stand in which columns, and the text of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple

from .document import Document, Items, Section, Table

if TYPE_CHECKING:
    from ..nist import Row as Certified
    from .model import AccuracyReport, Speed
    from .results import CorpusVerdict, Row

Show = Callable[[float], str]


def _finite(show: Show, nan: str = "-", infinite: str = "-") -> Show:
    """Return a formatter of finite numbers, with the texts of NaN and of infinity."""
    return lambda value: show(value) if isfinite(value) else nan if isnan(value) else infinite


#: An error in one digit. Beyond 1 no digit of the derivative is right.
error = _finite(lambda v: "> 1" if v > 1 else "0" if v == 0 else f"{v:.0e}", infinite="NaN")

#: A value that has a unit, in two digits.
size = _finite(lambda v: "0" if v == 0 else f"{v:.1e}", infinite="inf")

#: A time in nanoseconds.
time = _finite(lambda v: f"{v:,.0f}" if v >= 100 else f"{v:.1f}")

#: A count, with a decimal where it is a mean.
evaluations = _finite(lambda v: f"{v:,.0f}" if abs(v - round(v)) < 0.05 else f"{v:,.1f}")

#: A share in per cent; a small share keeps one digit.
share = _finite(lambda v: "0 %" if v == 0 else f"{100 * v:.1g} %" if v < 0.01 else f"{100 * v:.0f} %")

#: A share in per cent, with two decimals near 0 and 1.
percent = _finite(lambda v: f"{100 * v:.1f} %" if 0.01 <= v < 0.99 or v in (0, 1) else f"{100 * v:.2f} %")

#: A ratio, in two digits.
times = _finite(lambda v: f"{v:,.0f}" if v >= 10 else f"{v:.2g}")

#: An error in units of the last place.
ulps = _finite(lambda v: "0" if v == 0 else f"{v:.1f}" if v < 10 else f"{v:.0f}" if v < 1e4 else f"{v:.0e}",
               infinite="NaN")  # fmt: skip

#: A count of correct digits.
digits = _finite(lambda v: f"{max(v, 0.0):.1f}")

#: A value in digits that can be pasted into a call.
number = _finite(lambda v: text if float(text := f"{v:.12g}") == v else repr(v), "NaN", "inf")


GROUPS = {"gate": "Gates", "function": "Functions", "yours": "Your functions"}

#: Largest number of functions that get a table each, with a line for every method.
DETAILED = 3

#: Worst points shown for each method when there are more functions; columns of what it computed there.
WORST, ESTIMATE = 3, ("computed", "true", "bar")


class Column(NamedTuple):
    """A figure of a row or a summary: its name, its meaning, its attribute, its format."""

    name: str
    meaning: str
    attribute: str
    show: Callable[[Any], str]

    def text(self, line: Any) -> str:
        """Return the cell of a row or a summary."""
        return self.show(getattr(line, self.attribute))


COLUMNS = (
    Column("median error", "relative error at the median point", "median_error", error),
    Column("99 % error", "relative error that 99 % of the points stay below", "p99_error", error),
    Column("largest error", "largest relative error", "max_error", error),
    Column("right digits", "correct digits at the median point, 16 at most", "digits", digits),
    Column("median ulp", "error at the median point in units of the last place of the local slope", "median_ulp", ulps),
    Column("largest ulp", "largest error in units of the last place of the local slope", "max_ulp", ulps),
    Column("points wrong", "share of points with a relative error beyond 1e-6", "off", share),
    Column("bar holds", "share of points whose error is within the error bar of the method", "covered", percent),
    Column("ns per point", "time per point in nanoseconds, on all cores that the method uses", "nanoseconds", time),
    Column("calls", "evaluations of the function per point", "evaluations", evaluations),
    Column("fails", "number of functions that the method cannot differentiate", "failures", lambda n: str(n or "")),
)
LEGEND = {column.name: column.meaning for column in COLUMNS}

#: Columns that get a table of functions by methods.
MATRICES = ("largest error", "median error", "ns per point")


def tables(report: AccuracyReport) -> Iterator[Table]:
    """Yield all tables of a report, the summary last."""
    is_detailed = len({(row.group, row.function) for row in report.rows}) <= DETAILED
    groups = _grouped(report.rows, "group")
    for group, rows in groups.items():
        if is_detailed:
            yield from map(_detail, _grouped(rows, "function").values())
        else:
            yield from (_matrix(GROUPS[group], rows, name) for name in MATRICES)
    for group, rows in groups.items():
        if any(row.worst for row in rows):
            yield _worst(GROUPS[group], rows, is_detailed)
    if not is_detailed:
        yield from (_summary(report, group) for group in groups)
    if report.verdicts:
        yield from (make(report.verdicts) for make in (_corpus_worst, _corpus, _families))


def _grouped(rows: Iterable[Row], attribute: str) -> dict[str, list[Row]]:
    """Group rows by an attribute, in the order of their first occurrence."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(getattr(row, attribute), []).append(row)
    return groups


def _matrix(title: str, rows: list[Row], name: str) -> Table:
    """Put functions down and methods across."""
    column = next(column for column in COLUMNS if column.name == name)
    labels = tuple(dict.fromkeys(row.label for row in rows))
    cells = []
    for function, lines in _grouped(rows, "function").items():
        texts = {row.label: "failed" if row.failure else column.text(row) for row in lines}
        cells.append((function, *(texts.get(label, "") for label in labels)))
    return Table(f"{title}: {name}", ("", *labels), tuple(cells))


def _by_method(title: str, lines: dict[str, Any], note: str) -> Table:
    """Put methods down, by their labels, and the figures that rows or summaries have across."""
    columns = [column for column in COLUMNS if hasattr(next(iter(lines.values())), column.attribute)]
    cells = []
    for label, line in lines.items():
        has_failed = getattr(line, "failure", "")
        cells.append((label, *("failed" if has_failed and not i else "" if has_failed else column.text(line)
                               for i, column in enumerate(columns))))  # fmt: skip
    return Table(title, ("", *(column.name for column in columns)), tuple(cells), note, "Summary")


def _detail(rows: list[Row]) -> Table:
    """Show one function, with the places of the largest errors."""
    places: dict[str, list[str]] = {}
    for row in rows:
        for point in row.worst[:1]:
            places.setdefault(", ".join(f"{a:.6g}" for a in point.args), []).append(row.label)
    where = "; ".join(f"{place} ({', '.join(labels)})" for place, labels in places.items())
    return _by_method(rows[0].function, {row.label: row for row in rows}, f"Largest error at {where}." if where else "")


def _summary(report: AccuracyReport, group: str) -> Table:
    """Show all functions of a group together."""
    labels = {row.method: row.label for row in report.rows}
    lines = {labels[line.method]: line for line in report.summary() if line.group == group}
    title = f"{GROUPS[group]}: all {next(iter(lines.values())).functions} together"
    return _by_method(title, lines, "Medians over the functions, but the largest of the largest errors.")


def _worst(title: str, rows: list[Row], is_detailed: bool) -> Table:
    """List the points where each method is furthest from the truth, the worst first."""
    lines: list[tuple[str, ...]] = []
    for label, own in _grouped(rows, "label").items():
        points = sorted(((point, row) for row in own for point in row.worst), key=lambda pair: -pair[0].error)
        lines += [(label, row.function, ", ".join(map(number, p.args)), error(p.error),
                   *_estimate(p.df, p.truth, p.bar))
                  for p, row in points[: None if is_detailed else WORST]]  # fmt: skip
    header: tuple[str, ...] = ("", "function", "at", "error", *ESTIMATE)
    functions = {row.function for row in rows}
    if len(functions) == 1:
        title, header, lines = functions.pop(), ("", *header[2:]), [(line[0], *line[2:]) for line in lines]
    return Table(f"{title}: worst points", header, tuple(lines), "", "Worst points")


def _corpus_worst(verdicts: Sequence[CorpusVerdict]) -> Table:
    """List the points of the corpus with the largest errors in units of the tolerance."""
    lines: list[tuple[str, ...]] = []
    for verdict in verdicts:
        offenders = verdict.figures.offenders.values()
        records = {(r.case, r.x): r for worst in offenders for r in worst if not isnan(r.truth)}
        lines += [(verdict.label, r.case, number(r.x), (times if r.excess < 1e4 else size)(r.excess),
                   *_estimate(r.df, r.truth, r.error))
                  for r in sorted(records.values(), key=lambda r: -r.excess)[:WORST]]  # fmt: skip
    header = ("", "function", "at", "times the tolerance", *ESTIMATE)
    return Table("Development corpus: worst points", header, tuple(lines), "", "Worst points")


def _estimate(df: float, truth: float, bar: float) -> tuple[str, str, str]:
    return number(df), number(truth), size(bar)


#: Figures of a verdict, one line each.
CORPUS: tuple[tuple[str, Callable[[CorpusVerdict], str]], ...] = (
    ("attainable points missed", lambda v: percent(v.figures.missed)),
    ("steady points missed", lambda v: percent(v.figures.missed_steady)),
    ("bar covers the error", lambda v: percent(v.figures.covered)),
    ("wrong beyond ten bars", lambda v: percent(v.figures.wrong)),
    ("NaN where it exists", lambda v: percent(v.figures.nan)),
    ("median relative error", lambda v: error(v.figures.median_error)),
    ("median bar / error", lambda v: times(v.figures.median_bar)),
    ("evaluations, median", lambda v: evaluations(v.figures.median_nfev)),
    ("ns/point", lambda v: time(v.pace.nanoseconds)),
    ("speed relative to SciPy", lambda v: times(v.pace.speedup)),
)


def _corpus(verdicts: Sequence[CorpusVerdict]) -> Table:
    """Put figures down and methods across."""
    figures = verdicts[0].figures
    title = f"Development corpus: {figures.functions} functions, {figures.points:,} points"
    note = (
        "Attainable: some difference of order 2 to 8 gets within a third of the tolerance, which is 1e-6 of the local "
        "slope, more where the function is noisy; steady: at two neighbouring steps. Wrong: beyond the tolerance and "
        "ten times the bar, with success reported."
    )
    cells = tuple((name, *map(show, verdicts)) for name, show in CORPUS)
    return Table(title, ("", *(v.label for v in verdicts)), cells, note, "Summary")


def _families(verdicts: Sequence[CorpusVerdict]) -> Table:
    """Put families of functions down, and across the share of points that each method misses."""
    first = verdicts[0]
    cells = tuple(
        (name, f"{count:,}", *(percent(v.figures.families[name][1]) for v in verdicts), percent(covered))
        for name, (count, _, covered) in first.figures.families.items()
    )
    header = ("", "points", *(v.label for v in verdicts), "bar holds")
    note = f"Attainable points missed; bar holds: that of {first.method}."
    return Table("Development corpus: family by family", header, cells, note, "Summary")


def speeds(speed: Speed) -> Table:
    """Put functions down and methods across, the ratios below."""
    header = ("ns/point", *next(iter(speed.nanoseconds.values())))
    cells = [(name, *map(time, line.values())) for name, line in speed.nanoseconds.items()]
    cells += [(name, *("" if isnan(v) else times(v) for v in line.values())) for name, line in speed.ratios().items()]
    about = speed.about
    promises = " ".join(
        f"{p.method} is {times(p.here)} times as fast as {p.beside} (promised: {times(p.promised)})."
        for p in speed.promises()
    )
    return Table(
        f"Here: {about['points']} points, {about['cores']} cores, {about['vectors']}", header, tuple(cells),
        f"Each time is the best of a few runs taken in turns; the ratios are medians over the functions. {promises}",
    )  # fmt: skip


#: Notes on NIST's regressions.
CERTIFIED = (
    "Digits to which all standard errors s sqrt(diag((J^T J)^-1)) agree with the certified ones, of the eleven that "
    "are printed. J is the jacobian at the certified parameters, s the certified residual standard deviation; the "
    "columns of J are scaled by powers of two and J is factored by QR. Parameters of eleven digits leave 9.3 for an "
    "exact jacobian in the worst case.",
    "Fits are by scipy.optimize.least_squares, x_scale='jac', all tolerances 1e-15.",
    "exact: complex step of the plain formula. SciPy: approx_derivative, 3-point. ndtools: numdifftools.",
)


def certified(rows: Sequence[Certified], errors: float, parameters: float) -> Document:
    """Return the tables of standard errors, and of parameters from both starts.

    `errors` and `parameters` are the digits from which on a regression counts as reached.
    """
    tables = [_digits("Standard errors: digits", rows, lambda row: row.errors, errors)]
    fits = [row for row in rows if row.parameters]
    for start in range(2) if fits else ():
        title = f"Parameters fitted from start {start + 1}: digits"
        tables.append(_digits(title, fits, lambda row, start=start: row.parameters[start], parameters))  # type: ignore[misc]
    return Document("Certified regressions", (Section("Digits", tuple(tables)), Section("Notes", (Items(CERTIFIED),))))


def _digits(title: str, rows: Sequence[Certified], figure: Callable[[Certified], float], least: float) -> Table:
    """Put regressions down, methods across, and the number that reach `least` digits below."""
    ways, names = (tuple(dict.fromkeys(getattr(row, key) for row in rows)) for key in ("way", "regression"))
    values = {(row.regression, row.way): figure(row) for row in rows}
    cells = [(name, *(f"{values[name, way]:.1f}" for way in ways)) for name in names]
    reached = (sum(values[name, way] >= least for name in names) for way in ways)
    cells.append((f"{least} digits reached", *(f"{count}/{len(names)}" for count in reached)))
    return Table(title, ("", *ways), tuple(cells))
