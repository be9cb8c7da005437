"""What a caller of the command line can put right."""

from __future__ import annotations


class Mistake(Exception):
    """Something the caller can put right; shown in one line."""


def reason(problem: OSError) -> str:
    """Say in the system's words why a file could not be had."""
    return problem.strerror or str(problem)
