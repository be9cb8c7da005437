"""The report on a terminal, or in a pipe: there without colours and without a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .extras import need
from .notes import in_short, notes
from .results import DEFINITION
from .tables import Table, style, tables

if TYPE_CHECKING:
    from .model import AccuracyReport

#: Narrower, the names of the functions would be cut.
NARROWEST = 80

COLOURS = {"bad": "red", "good": "green", "": ""}


def show(report: AccuracyReport) -> None:
    """Print all tables of a report, then the notes."""
    shown = (table for table in tables(report) if table.part != "worst")
    draw(shown, [*in_short(report), *notes(report), DEFINITION])


def draw(drawn: Iterable[Table], texts: Sequence[str]) -> None:
    """Print tables and texts, the last of them dim."""
    need("rich")
    from rich.text import Text

    console = _console()
    for table in drawn:
        _print(console, table)
    console.print()
    for text in texts[:-1]:
        console.print(Text(text))
    console.print(Text(texts[-1], "dim"))


def show_one(table: Table) -> None:
    """Print one table."""
    need("rich")
    _print(_console(), table)


def _console() -> Any:
    from rich.console import Console

    class Piped(Console):
        """A console that leaves a reader who went away to the command line: rich would end with status 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    console = Piped(highlight=False)
    return console if console.width >= NARROWEST else Piped(highlight=False, width=NARROWEST)


def _print(console: Any, table: Table) -> None:
    from rich.text import Text

    gap = 2 if console.width >= 100 else 1
    for part in _fitting(table, console.width, gap):
        console.print()
        console.print(_rich(part, gap))
    if table.note:
        console.print(Text(table.note, "dim"))


def _fitting(table: Table, width: int, gap: int) -> Iterator[Table]:
    """Cut a table that is too wide into several under each other, each with the first column."""
    widths = [
        max(*(len(part) for part in name.rsplit(" ", 1)), *(len(cells[i]) for cells in table.cells)) + gap
        for i, name in enumerate(table.header)
    ]
    first, taken, title = 1, widths[0], table.title
    for i in range(1, len(widths) + 1):
        if i == len(widths) or (taken + widths[i] > width + gap and i > first):
            chosen = [0, *range(first, i)]
            cells = tuple(tuple(line[k] for k in chosen) for line in table.cells)
            yield replace(table, title=title, header=tuple(table.header[k] for k in chosen), cells=cells)
            first, taken, title = i, widths[0], f"{table.title}, continued"
        if i < len(widths):
            taken += widths[i]


def _rich(table: Table, gap: int) -> Any:
    from rich import box
    from rich import table as drawing
    from rich.text import Text

    drawn = drawing.Table(
        title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False,
        padding=(0, gap - 1, 0, 0),
    )
    for i, name in enumerate(table.header):
        # a label such as "central 4" stands in two lines, which leaves room for the figures
        drawn.add_column("\n".join(name.rsplit(" ", 1)), justify="right" if i else "left", no_wrap=True)
    for cells in table.cells:
        drawn.add_row(*(Text(cell, COLOURS[style(table, i, cell)]) for i, cell in enumerate(cells)))
    return drawn


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a function that draws a progress bar on standard error; None without rich, or when nobody would see it."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name)
