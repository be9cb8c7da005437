"""A report as files: one page, or a directory of all pages and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .content import build_document
from .document import Picture
from .drawing import alone, colour, need
from .formats import render

if TYPE_CHECKING:
    from .model import AccuracyReport

#: Pages by the suffix of their name, and the methods of a report that make them.
PAGES = {".html": "to_html", ".md": "to_markdown", ".json": "to_json"}


def require(path: Path) -> None:
    """Raise where `write` cannot write to `path`, before minutes are spent on measuring."""
    if path.suffix not in ("", *PAGES):
        raise ValueError(f"a page ends in {', '.join(PAGES)}, and a directory in none; got {path.name}")
    if path.suffix in ("", ".html"):
        need("matplotlib")


def write(report: AccuracyReport, path: Path) -> list[Path]:
    """Write one page, or all pages and pictures into a directory; return the paths of the files."""
    require(path)
    if path.suffix:
        path.write_text(getattr(report, PAGES[path.suffix])(), encoding="utf-8")
        return [path]
    path.mkdir(parents=True, exist_ok=True)
    page = build_document(report)
    texts = {
        "report.md": render(page, "markdown with pictures"),
        "report.html": render(page, "html"),
        "report.json": report.to_json(),
    }
    pictures = [e for section in page.sections for e in section.elements if isinstance(e, Picture)]
    texts |= {f"{picture.name}.svg": alone(picture.svg) for picture in pictures}
    for name, text in texts.items():
        (path / name).write_text(text, encoding="utf-8")
    pixels = [path / f"{picture.name}.png" for picture in pictures]
    for picture, file in zip(pictures, pixels, strict=True):
        picture.figure.savefig(file, dpi=144, facecolor=colour("paper"))
    return [*(path / name for name in texts), *pixels]
