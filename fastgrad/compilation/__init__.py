"""From Python functions to machine code and NumPy ufuncs: references, captured data, kernels kept on disk.

Imports `elementary` only. Begin reading in `references`, then `kernels`; `scan` for loops over rows of numbers.
"""
