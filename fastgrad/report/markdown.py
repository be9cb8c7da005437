"""The report as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .notes import CAPTION, in_short, notes
from .results import DEFINITION
from .tables import Table, tables

if TYPE_CHECKING:
    from .model import AccuracyReport


def markdown(report: AccuracyReport, plots: Sequence[str] = ()) -> str:
    """Write the page: summary first, then the curves, then function by function."""
    found = list(tables(report))
    together = [table for table in found if table.part == "summary"]
    lines = ["# fastgrad: accuracy, speed and cost of methods", ""]
    lines += [*(f"- {text}" for text in in_short(report)), ""]
    for table in together:
        lines += [*_section(table), ""]
    if plots:
        lines += ["## Error against step", ""]
        lines += [CAPTION, ""]
        lines += [f"![Error against step]({name})" for name in plots]
        lines.append("")
    for table in found:
        if table not in together:
            lines += [*_section(table), ""]
    lines += ["## Notes", "", *(f"- {note}" for note in [*notes(report), DEFINITION])]
    return "\n".join(lines).rstrip() + "\n"


def _section(table: Table) -> list[str]:
    """Write a heading and the table under it."""
    columns = len(table.header)
    lines = [f"## {table.title}", "", _line(table.header), _line(["---"] + ["---:"] * (columns - 1))]
    lines += [_line(cells) for cells in table.cells]
    return [*lines, "", table.note] if table.note else lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
