"""A report as plain data, before a format is chosen: sections of tables, pictures, lists and definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from .drawing import png, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Header and cells. The first column names the rows; the others are aligned to the right."""

    title: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    note: str = ""
    #: Title of the section.
    part: str = "Function by function"


@dataclass(frozen=True)
class Picture:
    """A plot that is drawn when a format needs it; `name` is the stem of its files and of its identifiers."""

    title: str
    name: str
    draw: Callable[[], Figure]
    part: str

    @property
    def label(self) -> str:
        """Text for readers who do not see the picture."""
        return f"{self.part}: {self.title}"

    @cached_property
    def figure(self) -> Figure:
        """The figure of matplotlib."""
        return self.draw()

    @cached_property
    def svg(self) -> str:
        """The picture as an SVG element."""
        return svg(self.figure, self.name, self.label)

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG file."""
        return png(self.figure)


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Legend:
    """Terms with their meanings; `code` marks meanings that are source text."""

    title: str
    entries: tuple[tuple[str, str], ...]
    code: bool = False


Element = Table | Picture | Items | Legend


@dataclass(frozen=True)
class Section:
    """A heading with the elements below it."""

    title: str
    elements: tuple[Element, ...]
    text: str = ""
    #: Whether a terminal leaves the section out.
    is_long: bool = False


@dataclass(frozen=True)
class Document:
    """A title, the source text of the only function, what to use, and sections in the order of a page."""

    title: str
    sections: tuple[Section, ...]
    recommendation: tuple[str, ...] = ()
    formula: str = ""
    setting: str = ""


def style(table: Table, column: int, cell: str) -> str:
    """Classify a cell: ``"bad"`` for an error of 1e-3 or more, ``"good"`` for eleven right digits, else ``""``."""
    if not column or not any("error" in text and "/" not in text for text in (table.title, table.header[column])):
        return ""
    exponent = cell.partition("e")[2]
    power = int(exponent) if exponent.lstrip("+-").isdigit() else None
    if cell in ("NaN", "> 1", "failed") or (power is not None and power >= -3):
        return "bad"
    return "good" if cell == "0" or (power is not None and power <= -11) else ""
