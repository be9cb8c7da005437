"""The document of a report: which sections it has, in the order of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import Document, Element, Items, Legend, Section
from .notes import notes, recommendation, setting
from .plots import TEXTS, pictures
from .results import DEFINITION
from .tables import LEGEND, tables

if TYPE_CHECKING:
    from .model import AccuracyReport


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
