"""The document of a report: its sections in the order of a page, its sentences, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from functools import partial
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

from .._parallel import cores
from .._workers import Workers
from .document import Document, Element, Items, Legend, Picture, Section
from .drawing import alone, need_matplotlib
from .formats import render
from .plots import TEXTS, pictures
from .results import DEFINITION
from .tables import GROUPS, LEGEND, digits, percent, share, tables, time

if TYPE_CHECKING:
    from .model import AccuracyReport, Summary

#: Fewest pictures that are worth starting a process for.
FEWEST = 4

#: Largest share of wrong points of a method that is recommended where speed counts.
MOST_WRONG = 0.01


def recommendation(report: AccuracyReport) -> tuple[str, ...]:
    """Say which method to use, how accurate it is and how fast: one sentence or two for each group."""
    texts = []
    groups = list(dict.fromkeys(row.group for row in report.rows))
    for group in groups:
        lines = [line for line in report.summary() if line.group == group and line.failures < line.functions]
        if lines:
            use = f"{GROUPS[group]}: use" if len(groups) > 1 or report.verdicts else "Use"
            texts.append(f"{use} {_best(lines)}")
    for first in report.verdicts[:1]:
        texts.append(
            f"Development corpus: {first.method} misses {percent(first.figures.missed)} of the attainable points, "
            f"its error bar holds at {percent(first.figures.covered)}, and {percent(first.figures.wrong)} are wrong "
            "without a warning."
        )
    return tuple(texts)


def _best(lines: list[Summary]) -> str:
    """Name the most reliable method, and the fastest with few wrong points."""
    best = min(lines, key=lambda line: (line.failures, line.off, line.median_error))
    reliable = [line for line in lines if line.off <= MOST_WRONG and line.failures == 0 and line.nanoseconds > 0]
    fast = min(reliable, key=lambda line: line.nanoseconds, default=best)
    text = (
        f"{best.method}: {_reliability(best)}, {digits(-log10(max(best.median_error, 1e-16)))} digits at the median "
        "point"
    )
    text += f", {time(best.nanoseconds)} ns a point." if best.nanoseconds > 0 else "."
    if fast is not best:
        text += f" Where speed counts, use {fast.method}: {_reliability(fast)}, {time(fast.nanoseconds)} ns a point."
    return text


def _reliability(line: Summary) -> str:
    wrong = f"{share(line.off)} of the points are wrong by more than 1e-6"
    return "right to 1e-6 at all points" if line.off == 0 else wrong


def setting(report: AccuracyReport) -> str:
    """Say on how many points, with which versions and on which machine the figures were measured."""
    about = report.about
    versions = ", ".join(f"{name} {about[name]}" for name in ("fastgrad", "numpy", "scipy", "numba") if name in about)
    machine = f"{about.get('cores', '?')} cores, {about.get('vectors', '?')}"
    return f"Points: {about.get('points', '?')} a function. {versions}; {machine}."


def notes(report: AccuracyReport) -> Iterator[str]:
    """Yield what a reader must know to judge the figures."""
    yield from _timing(report)
    yield from (
        f"{v.label} on {name} of the corpus: {why}" for v in report.verdicts for name, why in v.figures.raised.items()
    )
    truths = {row.function: row for row in report.rows if row.truth != "closed form" and not row.failure}
    yield from (f"Truth of {name}: {row.truth}, at {row.points:,} points." for name, row in truths.items())
    if any(row.group == "gate" for row in report.rows):
        yield "Logic gates are left out: their values are true and false, they have no derivative."
    if any(row.function in ("maximum", "absolute", "round_half_up") for row in report.rows):
        yield "Within a step of a kink or a jump every difference is wrong, hence the largest errors of some gates."
    failures: dict[tuple[str, str], list[str]] = {}
    for row in report.rows:
        if row.failure:
            failures.setdefault((row.label, row.failure), []).append(row.function)
    yield from (f"{label} on {'; '.join(names)}: {why.rstrip('.')}." for (label, why), names in failures.items())


def _timing(report: AccuracyReport) -> Iterator[str]:
    """Yield which methods were timed on fewer functions, or on fewer points, than the others."""
    most = max((row.timed for row in report.rows), default=0)
    fewer: dict[int, list[str]] = {}
    for label in dict.fromkeys(row.label for row in report.rows):
        rows = [row for row in report.rows if row.label == label and not row.failure]
        counts = [row.timed for row in rows if row.timed]
        if len(counts) < len(rows):
            yield f"{label} was timed on {len(counts)} of the {len(rows)} functions."
        if counts and min(counts) < most:
            fewer.setdefault(min(counts), []).append(label)
    if fewer:
        least = "; ".join(f"{count:,} ({', '.join(labels)})" for count, labels in sorted(fewer.items()))
        yield f"Timed on {most:,} points, slow methods and functions on fewer: at least {least}."
    if report.verdicts:
        most = report.verdicts[0].pace.points
        yield f"Corpus: timed on up to {most:,} points of each of a few compiled functions, in turns."
        slow = [v for v in report.verdicts if 0 < v.pace.points < most]
        yield from (f"{v.label} was timed on up to {v.pace.points:,} points there." for v in slow)


def build_document(report: AccuracyReport) -> Document:
    """Return pictures first, then the summary with its legend, worst points, function by function, notes."""
    parts: dict[str, list[Element]] = {title: [] for title in (*TEXTS, "Summary", "Legend", "Worst points")}
    for picture in pictures(report):
        parts[picture.part].append(picture)
    header: set[str] = set()
    for table in tables(report):
        parts.setdefault(table.part, []).append(table)
        header.update(table.header)
    columns = tuple((name, meaning) for name, meaning in LEGEND.items() if name in header)
    methods = {row.label: row.method for row in report.rows} | {v.label: v.method for v in report.verdicts}
    formulas = {row.function: row.formula for row in report.rows if row.formula}
    parts["Legend"] += [Legend("Columns", columns), Legend("Methods", tuple(methods.items()))]
    functions = list(dict.fromkeys(row.function for row in report.rows))
    is_single = len(functions) == 1 and not report.verdicts
    if formulas and not is_single:
        parts["Formulas"] = [Legend("Formulas", tuple(formulas.items()), code=True)]
    parts["Notes"] = [Items((*notes(report), DEFINITION))]
    return Document(
        title=f"The derivative of {functions[0]}: accuracy, speed and cost" if is_single
        else "fastgrad: accuracy, speed and cost of methods",
        sections=tuple(
            Section(title, tuple(elements), TEXTS.get(title, ""), title in ("Worst points", "Formulas"))
            for title, elements in parts.items() if elements
        ),
        recommendation=recommendation(report),
        formula=formulas.get(functions[0], "") if is_single else "",
        setting=setting(report),
    )  # fmt: skip


#: Pages by the suffix of their name, and the methods of a report that make them.
PAGES = {".html": "to_html", ".md": "to_markdown", ".json": "to_json"}


def require(path: Path) -> None:
    """Raise where `write` cannot write to `path`, before minutes are spent on measuring."""
    if path.suffix not in ("", *PAGES):
        raise ValueError(f"a page ends in {', '.join(PAGES)}, and a directory in none; got {path.name}")
    if path.suffix in ("", ".html"):
        need_matplotlib()


def write(report: AccuracyReport, path: Path) -> list[Path]:
    """Write one page, or all pages and pictures into a directory; return the paths of the files."""
    require(path)
    if path.suffix:
        path.write_text(getattr(report, PAGES[path.suffix])(), encoding="utf-8")
        return [path]
    path.mkdir(parents=True, exist_ok=True)
    page = build_document(report)
    pictures = [e for section in page.sections for e in section.elements if isinstance(e, Picture)]
    _draw(pictures)
    texts = {
        "report.md": render(page, "markdown with pictures"),
        "report.html": render(page, "html"),
        "report.json": report.to_json(),
    }
    texts |= {f"{picture.name}.svg": alone(picture.svg) for picture in pictures}
    for name, text in texts.items():
        (path / name).write_text(text, encoding="utf-8")
    for picture in pictures:
        (path / f"{picture.name}.png").write_bytes(picture.png)
    return [path / name for name in (*texts, *(f"{picture.name}.png" for picture in pictures))]


def _draw(pictures: list[Picture]) -> None:
    """Draw many pictures in several processes, which saves some seconds; where none can start, do nothing."""
    count = min(cores(), len(pictures) // FEWEST)
    if count < 2:
        return
    with suppress(OSError, BrokenExecutor), Workers(count) as workers:
        for number, _, (text, pixels) in workers.spread([partial(_drawn, picture) for picture in pictures]):
            vars(pictures[number]).update(svg=text, png=pixels)


def _drawn(picture: Picture) -> tuple[str, bytes]:
    return picture.svg, picture.png
