"""The command line: its parser, and what ends a command.

The commands ``fastgrad derivative`` and ``check`` have one module each, ``report`` and ``bench`` one together. Imports
every other package. Begin reading in `main`.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from .. import __version__
from ..report.drawing import MissingExtra
from . import check, derivative, report
from .options import Mistake, Stopped, reason

__all__ = ["main"]

#: Exit status of a command that Ctrl-C ended.
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 2 when it cannot decide anything."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(args.run(args))
    except (Mistake, MissingExtra) as error:
        return _fail(str(error))
    except Stopped as stopped:
        return _fail("interrupted", INTERRUPTED) if stopped.status == INTERRUPTED else stopped.status
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except SystemExit as end:  # a check that ended with status 0 would pass
        return _fail(f"the function, or its module, called sys.exit({end.code!r}), and nothing is decided.")
    except MemoryError as error:
        return _fail(f"there is not enough memory: {error}.")
    except BrokenPipeError:  # the reader of the pipe ended, as `head` does
        _close_output()
        return 0
    except OSError as error:  # of standard output: the commands catch those of files
        _close_output()
        return _fail(f"cannot write to standard output: {reason(error)}.")
    except Exception:  # Python's own status, 1, would mean that a derivative is wrong
        traceback.print_exc()
        return _fail("this is a mistake of fastgrad's, not of yours; please report it.")


def _fail(text: str, status: int = 2) -> int:
    print(f"fastgrad: {text}", file=sys.stderr)
    return status


def _close_output() -> None:
    """Redirect standard output to nothing: Python would raise again when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastgrad", description="Derivatives of functions over batches of points.",
        epilog="fastgrad COMMAND --help shows examples.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"fastgrad {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    for module in (derivative, check, report):
        module.register(commands)
    return parser
