"""Tables, plots and pages out of the results of `accuracy`; nothing here computes anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .page import markdown
from .tables import plain_text

if TYPE_CHECKING:
    from .collected import AccuracyReport

__all__ = ["MissingExtra", "markdown", "plain_text", "require", "write"]


#: Pages by the suffix of their name, and how they are made.
PAGES = {".html": "to_html", ".md": "to_markdown", ".json": "to_json"}


class MissingExtra(ImportError):
    """A library that only reports need is not installed; the message says how to get it."""

    def __init__(self, library: str) -> None:
        super().__init__(f'this needs {library}, which is not installed: pip install "fastgrad[report]"')


def require(path: Path) -> None:
    """Raise at once, and not after two minutes, when what `write` needs for `path` is missing.

    Raises
    ------
    MissingExtra
        When a library is not installed.
    ValueError
        When a page of this kind cannot be written.
    """
    from . import html, plots

    if path.suffix not in ("", *PAGES):
        raise ValueError(f"a page ends in {', '.join(PAGES)}, and a directory in none; got {path.name}")
    if path.suffix in ("", ".html"):
        plots.require()
        html.require()


def write(report: AccuracyReport, path: Path) -> list[Path]:
    """Write one page, its kind told by its name, or into a directory all of them and the plots; return what was."""
    require(path)
    if path.suffix:
        path.write_text(getattr(report, PAGES[path.suffix])(), encoding="utf-8")
        return [path]
    from .plots import draw

    path.mkdir(parents=True, exist_ok=True)
    plots = draw(report, path)
    pages = {
        path / "report.md": markdown(report, [plot.name for plot in plots if plot.suffix == ".png"]),
        path / "report.html": report.to_html(),
        path / "report.json": report.to_json(),
    }
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
    return [*pages, *plots]
