"""Tables, plots and pages out of the results of `accuracy`; nothing here computes anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .page import markdown
from .tables import plain_text

if TYPE_CHECKING:
    from ..results import Results

__all__ = ["MissingExtra", "json_text", "markdown", "plain_text", "write"]


class MissingExtra(ImportError):
    """A library that only reports need is not installed; the message says how to get it."""

    def __init__(self, library: str) -> None:
        super().__init__(f'the report needs {library}, which is not installed: pip install "fastgrad[report]"')


def json_text(report: Results) -> str:
    """Write the report for machines; what is not finite becomes null."""
    return json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n"


def write(report: Results, directory: Path) -> list[Path]:
    """Write ``report.md``, ``report.json`` and the plots; return what was written."""
    from .plots import draw

    directory.mkdir(parents=True, exist_ok=True)
    plots = draw(report, directory)
    pages = {
        directory / "report.md": markdown(report, [path.name for path in plots if path.suffix == ".png"]),
        directory / "report.json": json_text(report),
    }
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return [*pages, *plots]
