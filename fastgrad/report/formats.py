"""Formats of a document: text, a terminal, Markdown, HTML.

A format is a table from types of elements to functions that write them; a type that is missing is left out. While a
command measures, a line on the terminal says how far it is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import starmap
from textwrap import fill
from time import monotonic
from typing import Any

from . import html
from .document import Document, Items, Legend, Picture, Section, Table, style

#: Least width in columns: the names of functions and their figures fit.
NARROWEST = 80

#: Columns of a terminal: a line that is longer could not be replaced.
WIDTH = 80

#: Escape sequences of the styles of texts.
CODES = {"bad": "31", "good": "32", "bold": "1", "dim": "2"}


@dataclass(frozen=True)
class Format:
    """How to write a document."""

    #: Writers by the type of element.
    elements: dict[type, Callable[[Any], str]]
    #: Writes a section around the texts of its elements.
    section: Callable[[Section, list[str]], str]
    #: Writes the page around the texts of its sections.
    page: Callable[[Document, list[Section], list[str]], str]
    #: Returns the sections to write, in their order.
    order: Callable[[Document], list[Section]] = lambda document: list(document.sections)


class Text:
    """Text for a width in columns, None for any; with or without escape sequences for colours.

    The last lines are what a reader of a terminal sees: the last sections come first, what to use comes last.
    """

    def __init__(self, width: int | None = None, is_coloured: bool = False) -> None:
        self._width = width
        self._gap = 2 if width is None or width >= 100 else 1
        self._is_coloured = is_coloured

    def format(self, *elements: type) -> Format:
        """Return the format that writes these types of elements."""
        writers: dict[type, Callable[[Any], str]] = {Table: self._table, Items: self._items, Legend: self._legend}
        return Format(
            {element: writers[element] for element in elements},
            lambda section, texts: "\n\n".join(texts),
            self._page,
            lambda document: [section for section in reversed(document.sections) if not section.is_long],
        )

    def _page(self, document: Document, sections: list[Section], texts: list[str]) -> str:
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
        """Write a table, and its note; one that is too wide becomes several, each with the first column."""
        columns = [_column(table, i) for i in range(len(table.header))]
        parts, title = [], table.title
        for chosen in self._fitting([len(column[0][0]) for column in columns]):
            lines = [self._painted(title, "bold")]
            for cells in zip(*(columns[i] for i in chosen), strict=True):
                if any(text.strip() for text, _ in cells):
                    lines.append((" " * self._gap).join(starmap(self._painted, cells)).rstrip())
            parts.append("\n".join(lines))
            title = f"{table.title}, continued"
        note = [self._painted(self._filled(table.note), "dim")] if self._width is not None and table.note else []
        return "\n".join(["\n\n".join(parts), *note])

    def _fitting(self, widths: list[int]) -> Iterator[list[int]]:
        """Yield the columns of each part: the first, and as many as fit beside it."""
        chosen = [0]
        for i in range(1, len(widths)):
            total = sum(widths[k] + self._gap for k in chosen) + widths[i]
            if len(chosen) > 1 and self._width is not None and total > self._width:
                yield chosen
                chosen = [0]
            chosen.append(i)
        yield chosen


def _column(table: Table, i: int) -> list[tuple[str, str]]:
    """Align the texts of a column, with the styles of each, below its label in two lines, which take less width."""
    first, _, last = table.header[i].rpartition(" ")
    cells = [cells[i] for cells in table.cells]
    texts, styles = [first, last, *cells], ["", "", *(style(table, i, cell) for cell in cells)]
    width = max(map(len, texts))
    return [(t.rjust(width) if i else t.ljust(width), name) for t, name in zip(texts, styles, strict=True)]


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_table(table: Table) -> str:
    alignment = ["---"] + ["---:"] * (len(table.header) - 1)
    lines = "\n".join(map(_markdown_line, (table.header, alignment, *table.cells)))
    return f"### {table.title}\n\n{lines}" + (f"\n\n{table.note}" if table.note else "")


def _markdown_legend(legend: Legend) -> str:
    mark = "`" if legend.code else ""
    return "\n".join(f"- **{name}**: {mark}{meaning}{mark}" for name, meaning in legend.entries)


def _markdown_section(section: Section, texts: list[str]) -> str:
    return "\n\n".join([f"## {section.title}", *([section.text] if section.text else []), *texts])


def _markdown_page(document: Document, sections: list[Section], texts: list[str]) -> str:
    formula = [f"`{document.formula}`"] if document.formula else []
    use = "\n".join(f"- {line}" for line in document.recommendation)
    return "\n\n".join([f"# {document.title}", *formula, use, *texts, document.setting]) + "\n"


_MARKDOWN = Format(
    {Table: _markdown_table, Items: lambda items: "\n".join(f"- {line}" for line in items.lines),
     Legend: _markdown_legend},
    _markdown_section, _markdown_page,
)  # fmt: skip
_WITH_PICTURES = {Picture: lambda picture: f"![{picture.label}]({picture.name}.png)"}


def _terminal() -> Format:
    """Fit the standard output: its width, at least 80, and its colours."""
    width = max(shutil.get_terminal_size().columns, NARROWEST)
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Text(width, is_coloured).format(Table, Items, Legend)


#: Formats by name, made when they are used: a terminal may change its width.
FORMATS: dict[str, Callable[[], Format]] = {
    "text": lambda: Text().format(Table),
    "terminal": _terminal,
    "markdown": lambda: _MARKDOWN,
    "markdown with pictures": lambda: replace(_MARKDOWN, elements=_MARKDOWN.elements | _WITH_PICTURES),
    "html": lambda: Format(html.ELEMENTS, html.section, html.page),
}


def render(document: Document, name: str) -> str:
    """Write a document in the format of a name."""
    form = FORMATS[name]()
    sections, texts = [], []
    for section in form.order(document):
        writers = [(form.elements[type(e)], e) for e in section.elements if type(e) in form.elements]
        if writers:
            sections.append(section)
            texts.append(form.section(section, [write(element) for write, element in writers]))
    return form.page(document, sections, texts)


@contextmanager
def status_line() -> Iterator[Callable[[str], None] | None]:
    """Give a function that replaces the last line of standard error; None where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return

    def write(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    try:
        yield write
    finally:
        write("")


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a function that shows a count, the total, seconds and a name; None where standard error is no terminal."""
    start = monotonic()
    with status_line() as write:

        def show(done: int, total: int, name: str) -> None:
            if write:
                write(f"{done} of {total}, {monotonic() - start:.0f} s  {name}"[: WIDTH - 1])

        yield show if write else None
