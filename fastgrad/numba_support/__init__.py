"""`derivative` and `gradient` inside functions that Numba compiles.

Imports `differentiation` and what is below it. Begin reading in `overloads`, which tells Numba about both functions;
callers get them from here, so that Numba knows each function that it meets.
"""

from numba.core.registry import cpu_target

from ..differentiation.derivatives import derivative
from ..differentiation.first_derivatives import gradient
from . import overloads  # noqa: F401 (registers the overloads)

__all__ = ["derivative", "gradient"]

# ``fg.derivative`` may be used for the first time while Numba finds the types of a function that calls it.
cpu_target.typing_context.refresh()
