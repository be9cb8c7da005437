"""The command line: ``fastgrad report``, ``check``, ``derivative``, ``bench``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .commands import bench, check, derivative, report
from .commands.mistakes import Mistake


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 for a mistake of the caller's, else what the command says."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except Mistake as mistake:
        print(f"fastgrad: {mistake}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the pipe went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("fastgrad: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    from importlib.metadata import version

    parser = argparse.ArgumentParser(prog="fastgrad", description="Derivatives of functions over batches of points.")
    parser.add_argument("--version", action="version", version=f"fastgrad {version('fastgrad')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for room in (derivative, check, report, bench):
        room.register(commands)
    return parser
