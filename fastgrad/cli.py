"""The command line: ``fastgrad report``, ``check``, ``derivative``, ``bench``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from ._commands import bench, check, derivative, report
from ._commands.mistakes import Mistake, reason


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 for a mistake of the caller's, else what the command says."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(given.run(given))
    except Mistake as mistake:
        print(f"fastgrad: {mistake}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the pipe went away, as `head` does
        _write_no_more()
        return 0
    except OSError as problem:  # of standard output: the commands look after files of their own
        _write_no_more()
        print(f"fastgrad: cannot write to standard output: {reason(problem)}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fastgrad: interrupted", file=sys.stderr)
        return 130


def _write_no_more() -> None:
    """Lead standard output nowhere, lest Python complains again when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastgrad", description="Derivatives of functions over batches of points.",
        epilog="fastgrad COMMAND --help shows examples.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"fastgrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    for room in (derivative, check, report, bench):
        room.register(commands)
    return parser
