"""What the commands have in common: how they are registered, options, and how they print."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from math import nan
from pathlib import Path
from textwrap import fill
from typing import Any

from ..report.extras import MissingExtra
from .errors import Mistake

Run = Callable[[argparse.Namespace], int]

POINTS = "take the points from a file (.npy, .csv, .parquet): one column for each argument"
DOMAIN = "draw the points from this interval; once for each argument"


def command(commands: Any, name: str, summary: str, description: str, examples: str, run: Run) -> Any:
    """Register a command, its examples below its options, and return its parser."""
    parser = commands.add_parser(
        name, help=summary, description=fill(description, 79), epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    # argparse takes -1e-3 for an option; -5 it understands
    parser._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    parser.set_defaults(run=run)
    return parser


def add_json(parser: Any, what: str) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def add_points(parser: Any, points: str = POINTS, domain: str = DOMAIN) -> None:
    """Add ``--domain`` and ``--points``."""
    parser.add_argument("--domain", nargs=2, type=float, action="append", metavar=("LOW", "HIGH"), default=[],
                        help=domain)  # fmt: skip
    parser.add_argument("--points", type=Path, metavar="FILE", help=points)


def whole(text: str) -> int:
    """Read a count, 1e6 too."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number; got {text}")
    return int(value)


def count_of(given: argparse.Namespace, default: int, least: int, words: str) -> int:
    """Read how many points are asked for."""
    count = default if given.points_count is None else int(given.points_count)
    if count < least:
        raise Mistake(f"-n must be at least {least}; got {count}. Leave it out for {words}.")
    return count


@contextmanager
def aside() -> Iterator[None]:
    """Lead what the caller's own code prints to standard error: on standard output it would spoil JSON and tables."""
    with redirect_stdout(sys.stderr):
        yield


def say(text: str | None, show: Callable[[], None] = lambda: None) -> None:
    """Print `text`, or whatever `show` prints where there is none."""
    if text is None:
        show()
    else:
        sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def extras() -> Iterator[None]:
    """Tell of a missing extra as a mistake of the caller's, who can install it."""
    try:
        yield
    except MissingExtra as missing:
        raise Mistake(str(missing)) from missing
