"""The report as one HTML page: no network, no scripts, plots inside, light and dark, readable when printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import MissingExtra
from .plots import pictures
from .tables import DETAILED, is_summary, notes, style, tables

if TYPE_CHECKING:
    from .results import AccuracyReport

TEMPLATES = Path(__file__).with_name("templates")


def require() -> None:
    """Raise at once, and not after two minutes, when jinja2 is missing."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise MissingExtra("jinja2") from None


def page(report: AccuracyReport) -> str:
    """Write the page: summary first, then plots, then function by function."""
    require()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = list(tables(report))
    first = found if len(found) <= DETAILED else [table for table in found if is_summary(table)]
    house = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    setting, *others = notes(report)
    return house.get_template("report.html").render(
        setting=setting,
        first=first,
        rest=[table for table in found if table not in first],
        plots=pictures(report),
        notes=others,
        definition=report.to_dict()["errors"],
        style=style,
    )
