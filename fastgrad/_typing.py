"""Types of the arrays and functions that pass between packages.

`Any` is left for what libraries without types return, and for what callers may pass in any form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
"""Points, values, steps, derivatives and bounds in double precision."""
Index = NDArray[np.intp]
"""Which points of a batch."""
Mask = NDArray[np.bool_]
Array = NDArray[Any]
"""Of any type of numbers: what a function returns, or a caller's array once it is one."""
Operand = Array | float
"""An argument: an array of one item for each point, or a number that is the same for all."""
Selection = Index | Mask | slice
"""Some points of a batch."""
Shape = tuple[int, ...]

Interval = tuple[float, float]

Argument = Any
"""What a function takes, or returns: a number, an array, a number of mpmath, an array of another library."""
Arguments = tuple[Argument, ...]
"""All that a function takes, or what it takes besides a vector."""
Function = Callable[..., Any]
"""A function of the caller's: of numbers, arrays or vectors and further arguments."""
