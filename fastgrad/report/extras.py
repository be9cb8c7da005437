"""Libraries that only reports need, and what is said when one of them is not there."""

from __future__ import annotations

from importlib import import_module


class MissingExtra(ImportError):
    """A library that only reports need is not installed; the message says how to get it."""

    def __init__(self, library: str) -> None:
        super().__init__(f'this needs {library}, which is not installed: pip install "fastgrad[report]"')


def need(library: str) -> None:
    """Raise at once, and not after two minutes of measuring, when a library is missing."""
    try:
        import_module(library)
    except ImportError:
        raise MissingExtra(library) from None
