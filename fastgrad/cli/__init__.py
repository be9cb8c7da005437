"""The command line: ``fastgrad report``, ``check``, ``derivative``, ``bench``, one module each.

May import every other package. Begin reading in `entry`.
"""

from .entry import main

__all__ = ["main"]
