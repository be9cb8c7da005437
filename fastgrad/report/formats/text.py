"""Text for `repr`, pipes and terminals: the last lines are what a reader sees, hence the summary stands last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from textwrap import fill
from typing import Any

from ..document import Document, Items, Legend, Section, Table, style

#: Least width in columns: the names of functions and their figures fit.
NARROWEST = 80

#: Escape sequences of the styles of texts.
CODES = {"bad": "31", "good": "32", "bold": "1", "dim": "2"}


class Text:
    """Writers for a width in columns, None for any; with or without escape sequences for colours."""

    def __init__(self, width: int | None = None, is_coloured: bool = False) -> None:
        self._width = width
        self._gap = 2 if width is None or width >= 100 else 1
        self._is_coloured = is_coloured

    def tables(self) -> dict[type, Callable[[Any], str]]:
        """Return the writer of tables alone."""
        return {Table: self._table}

    def elements(self) -> dict[type, Callable[[Any], str]]:
        """Return the writers of all elements but pictures."""
        return {Table: self._table, Items: self._items, Legend: self._legend}

    def page(self, document: Document, sections: list[Section], texts: list[str]) -> str:
        """Write the sections, then what to use."""
        last = [self._filled(line) for line in document.recommendation]
        if self._width is not None and document.setting:
            texts = [self._painted(self._filled(document.setting), "dim"), *texts]
        page = "\n\n".join([*texts, "\n".join(last)]).rstrip()
        return page if self._width is None else page + "\n"

    def _filled(self, line: str) -> str:
        return line if self._width is None else fill(line, self._width)

    def _painted(self, words: str, name: str) -> str:
        return f"\x1b[{CODES[name]}m{words}\x1b[0m" if self._is_coloured and name and words.strip() else words

    def _items(self, items: Items) -> str:
        return self._painted("\n".join(map(self._filled, items.lines)), "dim")

    def _legend(self, legend: Legend) -> str:
        lines = (self._filled(f"{name}: {meaning}") for name, meaning in legend.entries)
        return self._painted("\n".join(lines), "dim")

    def _table(self, table: Table) -> str:
        parts = "\n\n".join("\n".join(self._lines(part)) for part in self._fitting(table))
        note = self._width is not None and table.note
        return f"{parts}\n{self._painted(self._filled(table.note), 'dim')}" if note else parts

    def _lines(self, table: Table) -> Iterator[str]:
        """Write the title, the header in two lines where a label has two words, and the cells."""
        heads = [_head(name) for name in table.header]
        widths = [_width(table, i) for i in range(len(table.header))]
        yield self._painted(table.title, "bold")
        for line in (0, 1):
            names = [head[line] for head in heads]
            if any(names):
                yield self._aligned(names, widths)
        for cells in table.cells:
            texts = [cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True))]
            paints = (self._painted(t, style(table, i, cells[i])) for i, t in enumerate(texts))
            yield (" " * self._gap).join(paints).rstrip()

    def _aligned(self, texts: list[str], widths: list[int]) -> str:
        first, *others = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
        return (" " * self._gap).join([first.strip().ljust(widths[0]), *others]).rstrip()

    def _fitting(self, table: Table) -> Iterator[Table]:
        """Cut a table that is too wide into several, each with the first column."""
        widths = [_width(table, i) + self._gap for i in range(len(table.header))]
        first, title = 1, table.title
        while first < len(widths):
            last, total = first + 1, widths[0] + widths[first] - self._gap
            while last < len(widths) and (self._width is None or total + widths[last] <= self._width):
                total += widths[last]
                last += 1
            chosen = [0, *range(first, last)]
            cells = tuple(tuple(line[k] for k in chosen) for line in table.cells)
            yield replace(table, title=title, header=tuple(table.header[k] for k in chosen), cells=cells)
            first, title = last, f"{table.title}, continued"


def _head(name: str) -> tuple[str, str]:
    """Split a label such as ``central 4`` into two lines, which leaves width for the figures."""
    first, blank, last = name.rpartition(" ")
    return (first, last) if blank else ("", name)


def _width(table: Table, column: int) -> int:
    return max(map(len, (*_head(table.header[column]), *(cells[column] for cells in table.cells))))


def section(section: Section, texts: list[str]) -> str:
    """Write the elements of a section; tables have titles of their own."""
    return "\n\n".join(texts)


def order(document: Document) -> list[Section]:
    """Return the short sections, the last first."""
    return [section for section in reversed(document.sections) if not section.is_long]
