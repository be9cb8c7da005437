"""``fastgrad bench``: how fast this machine is."""

from __future__ import annotations

import argparse
from typing import Any

from .options import add_json, command, count_of, extras, say, whole

EXAMPLES = """\
examples:
  fastgrad bench
  fastgrad bench --json > here.json

exit status: 0; 2 when the call is wrong
"""


def register(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands, "bench", "time a few functions on this machine",
        "Time the central difference and the adaptive rule on a few functions, beside NumPy, SciPy and a plain copy, "
        "in less than a minute.", EXAMPLES, run,
    )  # fmt: skip
    parser.add_argument("-n", "--points-count", type=whole, metavar="N", help="points of a run (default: 2000000)")
    add_json(parser, "the table")


def run(given: argparse.Namespace) -> int:
    """Time, and print."""
    from ..comparison._speed import COUNT, speed
    from ..report import tables, terminal
    from ..report.extras import need

    count = count_of(given, COUNT, 2, "two million points")
    with extras():
        if not given.json:
            need("rich")
        with terminal.progress() as progress:
            found = speed(count, progress)
        say(found.to_json() if given.json else None, lambda: terminal.show_one(tables.speeds(found)))
    return 0
