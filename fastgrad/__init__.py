"""fastgrad: derivatives of ordinary functions over large batches of points."""

from . import gates
from ._engines import PerformanceWarning
from .derivatives import derivative
from .estimates import Estimate, Status
from .gate import gate
from .stencils import Stencil, backward, central, forward, weights

__version__ = "0.1.0"
__all__ = [
    "Estimate",
    "PerformanceWarning",
    "Status",
    "Stencil",
    "backward",
    "central",
    "derivative",
    "forward",
    "gate",
    "gates",
    "weights",
]
