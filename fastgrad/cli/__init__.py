"""The command line: ``fastgrad report``, ``check``, ``derivative``, ``bench``, one module each.

May import every other package. Begin reading in `entry`.
"""
