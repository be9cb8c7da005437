"""The one place that calls the caller's functions, and the policy for what they raise.

- *At a point* every exception is raised, unchanged.
- *Beside a point*, where only a rule evaluates, an arithmetic, a value or a lookup error or a failed assertion means
  that the domain of `f` ends there: the value is NaN. All other exceptions are raised, unchanged.
- *In a probe*, which finds out how `f` can be called, every exception is an answer.

What the handler of a signal raises inside `f` says nothing about `f`: it is raised in all three cases.
Machine code that raises gives NaN and counts the exception. Its callers then call `f` itself at those points, here.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

from .._signals import reraise_if_signal
from .._typing import Function

#: What `f` raises beside a point where its domain ends: a value that it does not take, an index beyond a table.
DOMAIN_ERRORS = (ArithmeticError, ValueError, LookupError, AssertionError)

#: Stands for the value of `f` outside its domain.
OUTSIDE: Any = object()


def call(f: Function, *args: object, beside: bool = False) -> Any:
    """Call `f` at a point, or `beside` one: `OUTSIDE` where its domain ends."""
    if not beside:
        return f(*args)
    try:
        return f(*args)
    except DOMAIN_ERRORS as error:
        reraise_if_signal(error)
        return OUTSIDE


def probe(f: Function, *args: object) -> tuple[Any, Exception | None]:
    """Call `f` to find out whether it takes such arguments: what it returned, or what it raised."""
    try:
        return f(*args), None
    except Exception as error:
        reraise_if_signal(error)
        return None, error


def add_note_inside(code: CodeType | None, error: Exception, note: str) -> None:
    """Add a note to what was raised inside a function of this code, or by what that calls."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code and note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        trace = trace.tb_next
