"""`derivative` and `gradient` inside functions that Numba compiles.

Imports `differentiation` and what is below it. Begin reading in `overloads`.
"""
