"""The report as plain text: the tables and the gist, which is what it prints as in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .notes import in_short
from .tables import tables

if TYPE_CHECKING:
    from .model import AccuracyReport


def text(report: AccuracyReport) -> str:
    """Lay the tables out with spaces alone."""
    parts = []
    for table in tables(report):
        if table.part == "worst":
            continue
        widths = [max(map(len, column)) for column in zip(table.header, *table.cells, strict=True)]
        parts.append(table.title)
        for line in (table.header, *table.cells):
            first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            parts.append("  ".join([first.strip().ljust(widths[0]), *rest]).rstrip())
        parts.append("")
    return "\n".join([*parts, *in_short(report)]).rstrip()
