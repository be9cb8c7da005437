"""Tables, plots and pages out of the results of `accuracy`; nothing here computes anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .page import markdown
from .tables import plain_text

if TYPE_CHECKING:
    from .results import AccuracyReport

__all__ = ["MissingExtra", "markdown", "plain_text", "write"]


class MissingExtra(ImportError):
    """A library that only reports need is not installed; the message says how to get it."""

    def __init__(self, library: str) -> None:
        super().__init__(f'the report needs {library}, which is not installed: pip install "fastgrad[report]"')


def write(report: AccuracyReport, directory: Path) -> list[Path]:
    """Write ``report.md``, ``report.html``, ``report.json`` and the plots; return what was written."""
    from .html import page
    from .plots import draw

    directory.mkdir(parents=True, exist_ok=True)
    plots = draw(report, directory)
    pages = {
        directory / "report.md": markdown(report, [path.name for path in plots if path.suffix == ".png"]),
        directory / "report.html": page(report),
        directory / "report.json": report.to_json(),
    }
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return [*pages, *plots]
