"""The commands ``fastgrad derivative``, ``check``, ``report`` and ``bench``, one module each.

Imports every other package. Begin reading in `entry`.
"""

from .entry import main

__all__ = ["main"]
