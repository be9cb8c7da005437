"""Where the wings meet: how accurate, how fast and how costly methods are, against derivatives that are known."""

from .accuracy import accuracy

__all__ = ["accuracy"]
