"""Options, output, and the exceptions that end a command."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from math import isfinite, nan
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING


class Mistake(Exception):
    """An error that the caller can correct; it is shown in one line."""


class Stopped(BaseException):
    """A signal that ends the process after it has cleaned up."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number


def reason(error: OSError) -> str:
    """Return the system's words for an error of the file system."""
    return error.strerror or str(error)


if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

POINTS = "take the points from a file (.npy, .csv, .parquet): one column for each argument"
DOMAIN = "draw the points from this interval; once for each argument"


def command(
    commands: Subcommands, name: str, texts: tuple[str, str, str], run: Callable[[argparse.Namespace], int], json: str
) -> argparse.ArgumentParser:
    """Register a command and return its parser.

    `texts` are its summary, its description and its examples, `json` is what ``--json`` prints.
    """
    summary, description, examples = texts
    parser = commands.add_parser(
        name, help=summary, description=fill(description, 79), epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    # argparse takes -1e-3 for an option, but not -5
    parser._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help=f"print {json} as JSON")
    return parser


def add_points(parser: argparse.ArgumentParser, count: str, points: str = POINTS, domain: str = DOMAIN) -> None:
    """Add ``--domain``, ``--points`` and ``-n``."""
    parser.add_argument("--domain", nargs=2, type=float, action="append", metavar=("LOW", "HIGH"), default=[],
                        help=domain)  # fmt: skip
    parser.add_argument("--points", type=Path, metavar="FILE", help=points)
    add_count(parser, count)


def add_count(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``-n``."""
    parser.add_argument("-n", "--points-count", type=_whole, metavar="N", help=text)


def _whole(text: str) -> int:
    """Convert a count, which may be written as 1e6."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not value.is_integer():
        raise argparse.ArgumentTypeError(f"must be a whole number; got {text}")
    return int(value)


def check_count(args: argparse.Namespace, default: int, least: int, words: str) -> int:
    """Return the count of points of ``-n``."""
    count = default if args.points_count is None else int(args.points_count)
    if count < least:
        raise Mistake(f"-n must be at least {least}; got {count}. Leave it out for {words}.")
    return count


def check_points(args: argparse.Namespace) -> None:
    """Check that the points are given once, and that intervals are finite and not empty."""
    if args.points and args.domain:
        raise Mistake(f"--points and --domain exclude each other; got {args.points} and {args.domain}. Leave one out.")
    for low, high in args.domain:
        if not (low < high and isfinite(high - low)):
            raise Mistake(f"--domain must be two finite numbers, the lower first; got {low:g} {high:g}. Swap them.")


def redirect_prints() -> AbstractContextManager[object]:
    """Redirect what a caller's function prints to standard error: it would spoil JSON and tables."""
    return redirect_stdout(sys.stderr)


def write_output(text: str) -> None:
    """Print and flush: an error of the output is raised here."""
    sys.stdout.write(text)
    sys.stdout.flush()
