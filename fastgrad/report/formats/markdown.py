"""Markdown pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..document import Document, Items, Legend, Picture, Section, Table


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(table: Table) -> str:
    alignment = ["---"] + ["---:"] * (len(table.header) - 1)
    lines = "\n".join(map(_line, (table.header, alignment, *table.cells)))
    return f"### {table.title}\n\n{lines}" + (f"\n\n{table.note}" if table.note else "")


def _items(items: Items) -> str:
    return "\n".join(f"- {line}" for line in items.lines)


def _legend(legend: Legend) -> str:
    mark = "`" if legend.code else ""
    return "\n".join(f"- **{name}**: {mark}{meaning}{mark}" for name, meaning in legend.entries)


def _picture(picture: Picture) -> str:
    return f"![{picture.label}]({picture.name}.png)"


ELEMENTS: dict[type, Callable[[Any], str]] = {Table: _table, Items: _items, Legend: _legend}
WITH_PICTURES = ELEMENTS | {Picture: _picture}


def section(section: Section, texts: list[str]) -> str:
    """Write a heading, its text and its elements."""
    return "\n\n".join([f"## {section.title}", *([section.text] if section.text else []), *texts])


def page(document: Document, sections: list[Section], texts: list[str]) -> str:
    """Write the title, what to use, and the sections."""
    formula = [f"`{document.formula}`"] if document.formula else []
    use = "\n".join(f"- {line}" for line in document.recommendation)
    return "\n\n".join([f"# {document.title}", *formula, use, *texts, document.setting]) + "\n"
