"""``fastgrad bench``: times a few functions on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from .options import add_count, check_count, command, write_output

EXAMPLES = """\
examples:
  fastgrad bench
  fastgrad bench --json > here.json

exit status: 0; 2 when the call is wrong
"""


def register(commands: Any) -> None:
    """Add the command."""
    description = (
        "Time the central difference and the adaptive rule on a few functions, beside NumPy, SciPy and a plain copy, "
        "in less than a minute."
    )
    texts = ("time a few functions on this machine", description, EXAMPLES)
    add_count(command(commands, "bench", texts, run, "the table"), "points of a run (default: 2000000)")


def run(args: argparse.Namespace) -> int:
    """Time, and print."""
    from ..comparison import SPEED_POINTS as COUNT
    from ..comparison import speed
    from ..report import progress
    from ..report.document import Document, Section
    from ..report.formats import render
    from ..report.tables import speeds

    count = check_count(args, COUNT, 2, "two million points")
    with progress() as show:
        times = speed(count, show)
    page = Document("Speed", (Section("Speed", (speeds(times),)),))
    write_output(times.to_json() if args.json else render(page, "terminal"))
    return 0
