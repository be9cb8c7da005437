"""The command line: ``fastgrad report``, ``check``, ``derivative``, ``bench``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from .. import __version__
from . import bench, check, derivative, report
from .errors import Mistake, Stopped, reason


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: what the command says, or 2 when it could not say anything."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(given.run(given))
    except Mistake as mistake:
        return _told(str(mistake))
    except Stopped as signal:
        return signal.status
    except KeyboardInterrupt:
        return _told("interrupted", 130)
    except SystemExit as end:  # a check that ended with status 0 would pass
        return _told(f"the function, or its module, called sys.exit({end.code!r}), and nothing is decided.")
    except MemoryError as problem:
        return _told(f"there is not enough memory: {problem}.")
    except BrokenPipeError:  # the reader of the pipe went away, as `head` does
        _write_no_more()
        return 0
    except OSError as problem:  # of standard output: the commands look after files of their own
        _write_no_more()
        return _told(f"cannot write to standard output: {reason(problem)}.")
    except Exception:  # status 1, Python's own, says that a derivative is wrong
        traceback.print_exc()
        return _told("this is a mistake of fastgrad's, not of yours; please report it.")


def _told(text: str, status: int = 2) -> int:
    print(f"fastgrad: {text}", file=sys.stderr)
    return status


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
