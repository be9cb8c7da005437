"""The report as one HTML page: no network, plots inside, light and dark, readable when printed.

One script sorts tables by the column that is clicked; without it everything is there, in the order of the report.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from .drawing import variables
from .extras import need
from .notes import in_short, notes
from .plots import TEXTS, Picture, pictures
from .results import DEFINITION
from .tables import LEGEND, Table, style, tables

if TYPE_CHECKING:
    from .model import AccuracyReport

TEMPLATES = Path(__file__).with_name("templates")


def page(report: AccuracyReport) -> str:
    """Write the page: what to use, then plots, the summary, worst points, and function by function."""
    need("jinja2")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    parts: dict[str, list[Table]] = {"summary": [], "worst": [], "detail": []}
    for table in tables(report):
        parts[table.part].append(table)
    drawn: dict[str, list[Picture]] = {}
    for picture in pictures(report):
        drawn.setdefault(picture.part, []).append(picture)
    house = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    setting, _, *others = notes(report)  # the second explains the columns, as the legend of the page does
    script = (TEMPLATES / "sort.js").read_text(encoding="utf-8")
    formulas = {row.function: row.formula for row in report.rows if row.formula}
    return house.get_template("report.html").render(
        title=_title(report), setting=setting, gist=in_short(report), parts=parts, drawn=drawn, texts=TEXTS,
        notes=others, definition=DEFINITION, style=style, variables=variables(), legend=LEGEND, formulas=formulas,
        script=script, digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        alone=all(len(plots) == 1 for plots in drawn.values()),
    )  # fmt: skip


def _title(report: AccuracyReport) -> str:
    """Name the function when there is one, for a browser's tabs."""
    names = list(dict.fromkeys(row.function for row in report.rows))
    if len(names) == 1 and not report.verdicts:
        return f"The derivative of {names[0]}: accuracy, speed and cost"
    return "fastgrad: accuracy, speed and cost of methods"
