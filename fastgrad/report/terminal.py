"""One line on a terminal that says how far a command is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

#: Columns of a terminal: a line that is longer could not be replaced.
WIDTH = 80


@contextmanager
def status_line() -> Iterator[Callable[[str], None] | None]:
    """Give a function that replaces the last line of standard error; None where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return

    def write(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    try:
        yield write
    finally:
        write("")


@contextmanager
def progress() -> Iterator[Callable[[int, int, str], None] | None]:
    """Give a function that shows a count, the total, seconds and a name; None where standard error is no terminal."""
    start = monotonic()
    with status_line() as write:

        def show(done: int, total: int, name: str) -> None:
            if write:
                write(f"{done} of {total}, {monotonic() - start:.0f} s  {name}"[: WIDTH - 1])

        yield show if write else None
