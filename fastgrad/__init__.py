"""fastgrad: derivatives of ordinary functions over large batches of points."""

from . import gates
from ._engines import PerformanceWarning
from .accuracy import accuracy
from .circuits import circuit, where
from .complexstep import ComplexStep, complex_step
from .derivatives import derivative
from .estimates import Estimate, Status
from .gate import gate
from .ladder import Adaptive, adaptive
from .stencils import Stencil, backward, central, forward, weights

__version__ = "0.1.0"
__all__ = [
    "Adaptive",
    "ComplexStep",
    "Estimate",
    "PerformanceWarning",
    "Status",
    "Stencil",
    "accuracy",
    "adaptive",
    "backward",
    "central",
    "circuit",
    "complex_step",
    "derivative",
    "forward",
    "gate",
    "gates",
    "weights",
    "where",
]
