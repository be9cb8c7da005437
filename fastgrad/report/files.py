"""A report as files: one page, or a directory of all pages and plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import plots
from .extras import need
from .markdown import markdown

if TYPE_CHECKING:
    from .model import AccuracyReport

#: Pages by the suffix of their name, and how they are made.
PAGES = {".html": "to_html", ".md": "to_markdown", ".json": "to_json"}


def require(path: Path) -> None:
    """Raise at once, and not after two minutes, when what `write` needs for `path` is missing.

    Raises
    ------
    MissingExtra
        When a library is not installed.
    ValueError
        When a page of this kind cannot be written.
    """
    if path.suffix not in ("", *PAGES):
        raise ValueError(f"a page ends in {', '.join(PAGES)}, and a directory in none; got {path.name}")
    if path.suffix in ("", ".html"):
        need("matplotlib")
        need("jinja2")


def write(report: AccuracyReport, path: Path) -> list[Path]:
    """Write one page, its kind told by its name, or into a directory all of them and the plots; return what was."""
    require(path)
    if path.suffix:
        path.write_text(getattr(report, PAGES[path.suffix])(), encoding="utf-8")
        return [path]
    path.mkdir(parents=True, exist_ok=True)
    drawn = plots.draw(report, path)
    pages = {
        path / "report.md": markdown(report, [plot.name for plot in drawn if plot.suffix == ".png"]),
        path / "report.html": report.to_html(),
        path / "report.json": report.to_json(),
    }
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
    return [*pages, *drawn]
