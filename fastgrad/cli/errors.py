"""What ends a command before its end: a mistake of the caller's, or somebody who stops it."""

from __future__ import annotations


class Mistake(Exception):
    """Something the caller can put right; shown in one line."""


class Stopped(BaseException):
    """A signal asked the process to end; it cleans up first, and ends with this status."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number


def reason(problem: OSError) -> str:
    """Say in the system's words why a file could not be had."""
    return problem.strerror or str(problem)
