"""Exceptions that end a command."""

from __future__ import annotations


class Mistake(Exception):
    """An error that the caller can correct; it is shown in one line."""


class Stopped(BaseException):
    """A signal that ends the process after it has cleaned up."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number


def reason(error: OSError) -> str:
    """Return the system's words for an error of the file system."""
    return error.strerror or str(error)
