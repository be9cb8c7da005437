"""Formats of a document: text, a terminal, Markdown, HTML.

A format is a table from types of elements to functions that write them; a type that is missing is left out.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..document import Document, Section
from . import html, markdown, text


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


def _terminal() -> Format:
    """Fit the standard output: its width, at least 80, and its colours."""
    width = max(shutil.get_terminal_size().columns, text.NARROWEST)
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    writer = text.Text(width, is_coloured)
    return Format(writer.elements(), text.section, writer.page, text.order)


#: Formats by name, made when they are used: a terminal may change its width.
FORMATS: dict[str, Callable[[], Format]] = {
    "text": lambda: Format(text.Text().tables(), text.section, text.Text().page, text.order),
    "terminal": _terminal,
    "markdown": lambda: Format(markdown.ELEMENTS, markdown.section, markdown.page),
    "markdown with pictures": lambda: Format(markdown.WITH_PICTURES, markdown.section, markdown.page),
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
