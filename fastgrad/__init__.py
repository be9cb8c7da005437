"""fastgrad: derivatives of ordinary functions over large batches of points."""

from . import _jitted as _jitted  # tells Numba how to compile calls of ours
from . import gates
from ._engines import PerformanceWarning
from .checks import Check, Verdict, check
from .circuits import circuit, where
from .comparison import accuracy
from .complexstep import ComplexStep, complex_step
from .derivatives import derivative
from .estimates import Estimate, Status
from .gate import gate
from .ladder import Adaptive, adaptive
from .multivariate import directional, gradient, hessian, hessian_vector, jacobian
from .sparsity import sparsity
from .stencils import Stencil, backward, central, forward, weights

__version__ = "0.1.0"
__all__ = [
    "Adaptive",
    "Check",
    "ComplexStep",
    "Estimate",
    "PerformanceWarning",
    "Status",
    "Stencil",
    "Verdict",
    "accuracy",
    "adaptive",
    "backward",
    "central",
    "check",
    "circuit",
    "complex_step",
    "derivative",
    "directional",
    "forward",
    "gate",
    "gates",
    "gradient",
    "hessian",
    "hessian_vector",
    "jacobian",
    "sparsity",
    "weights",
    "where",
]
