"""The report on a terminal, or in a pipe: there without colours and without a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import MissingExtra
from .tables import Table, notes, tables

if TYPE_CHECKING:
    from ..results import Results

#: Narrower, the names of the functions would be cut.
NARROWEST = 80


def require() -> None:
    """Raise at once, and not after two minutes, when rich is missing."""
    try:
        import rich  # noqa: F401
    except ImportError:
        raise MissingExtra("rich") from None


def show(report: Results) -> None:
    """Print all tables of a report, then the notes."""
    draw(tables(report), [*notes(report), report.to_dict()["errors"]])


def draw(drawn: Iterable[Table], texts: Sequence[str]) -> None:
    """Print tables and texts."""
    require()
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if console.width < NARROWEST:
        console = Console(highlight=False, width=NARROWEST)
    for table in drawn:
        console.print()
        console.print(_rich(table, gap=2 if console.width >= 100 else 1))
        if table.note:
            console.print(Text(table.note, "dim"))
    console.print()
    for text in texts[:-1]:
        console.print(Text(text))
    console.print(Text(texts[-1], "dim"))


def _rich(table: Table, gap: int) -> Any:
    from rich import box
    from rich import table as drawing
    from rich.text import Text

    drawn = drawing.Table(
        title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False,
        padding=(0, gap - 1, 0, 0),
    )
    errors = [i for i, name in enumerate(table.header) if "error" in name or ("error" in table.title and i)]
    for i, name in enumerate(table.header):
        # a label such as "central 4" stands in two lines, which leaves room for the figures
        drawn.add_column(name.replace(" ", "\n", 1), justify="right" if i else "left", no_wrap=True)
    for cells in table.cells:
        drawn.add_row(*(Text(cell, _style(cell) if i in errors else "") for i, cell in enumerate(cells)))
    return drawn


def _style(cell: str) -> str:
    """Red for what is plainly wrong, green for what is right to eleven digits."""
    exponent = cell.partition("e")[2]
    if cell in ("NaN", "> 1", "failed") or (exponent and int(exponent) >= -3):
        return "red"
    return "green" if cell == "0" or (exponent and int(exponent) <= -11) else ""


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a function that draws a progress bar on standard error; None when nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    require()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name)
