"""Derivatives of ordinary functions over large batches of points, with an error bar that holds.

Functions of numbers, at every point of a batch
    derivative      the derivative of `f` in one of its arguments, or in several

Functions of a vector: the last axis is the vector, the batch stands in front
    gradient        of a function with one result
    jacobian        of a function with several results; with `sparsity=`, a sparse matrix
    hessian         second derivatives in all pairs of coordinates, or the diagonal
    directional     the jacobian times a vector, without the jacobian
    hessian_vector  the hessian times a vector, without the hessian
    sparsity        which results depend on which coordinates: the pattern for `jacobian`

Rules: what `method=` takes beside words
    adaptive        finds the step at every point; the default. It makes an Adaptive
    central         evaluates both sides evenly; two evaluations. These three make a Stencil
    forward         evaluates the right side only
    backward        evaluates the left side only
    complex_step    exact to rounding for analytic functions of complex numbers. It makes a ComplexStep
    Stencil         a difference rule with the offsets that you give
    weights         finite-difference weights on nodes that you give

What comes back with `full_output=True`
    Estimate        derivative, error bar, status, evaluations, left and right derivative
    Status          CONVERGED, TOLERANCE_NOT_REACHED, NONFINITE or KINK

Trust
    check           compares a derivative of yours with the numerical one and its bar. It returns a Check
    Verdict         AGREES, DISAGREES, UNDECIDED or KINK: what a Check says of an entry
    accuracy        compares methods on your function, or on all that fastgrad knows; the report prints as a table
    plot_error      plots the error at one point against the step, with levels and bar; needs matplotlib

Exact derivatives
    gates           some forty formulas with their partial derivatives, called like NumPy's functions
    gate            makes a gate of a formula and partial derivatives of yours
    circuit         traces a function for its exact derivatives by the chain rule
    where           a choice between two values that can be traced

Memory
    clear_cache     forgets compiled functions and unloads their machine code

PerformanceWarning says that a function runs slowly, and how to make it fast. The command line is ``fastgrad --help``.
`fastgrad.comparison` holds what `accuracy` takes beside functions and rules, `fastgrad.corpus` functions whose
derivatives are known, `fastgrad.nist` certified regressions, `fastgrad.elementary` what compiles to vector code.
"""

import importlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import gates
    from .adaptive_rule import Adaptive, adaptive
    from .circuits import circuit, where
    from .comparison import accuracy
    from .compilation.caches import clear_cache
    from .differentiation.first_derivatives import directional, jacobian
    from .differentiation.second_derivatives import hessian, hessian_vector
    from .differentiation.sparsity_pattern import sparsity
    from .estimates import Estimate, Status
    from .evaluation.signatures import PerformanceWarning
    from .gates import gate
    from .gradcheck import Check, Verdict, check
    from .numba_support import derivative, gradient
    from .report.error_plot import plot_error
    from .rules.complexstep import ComplexStep, complex_step
    from .rules.finite_difference_weights import weights
    from .rules.stencils import Stencil, backward, central, forward

__version__ = "0.2.0"

#: Modules and the public names that they define; a name is imported when it is first used. `import fastgrad` alone thus
#: loads neither Numba (half a second) nor NumPy.
_DEFINITIONS = {
    ".adaptive_rule": ("Adaptive", "adaptive"),
    ".circuits": ("circuit", "where"),
    ".comparison": ("accuracy",),
    ".compilation.caches": ("clear_cache",),
    ".differentiation.first_derivatives": ("directional", "jacobian"),
    ".differentiation.second_derivatives": ("hessian", "hessian_vector"),
    ".differentiation.sparsity_pattern": ("sparsity",),
    ".estimates": ("Estimate", "Status"),
    ".evaluation.signatures": ("PerformanceWarning",),
    ".gates": ("gate",),
    ".gradcheck": ("Check", "Verdict", "check"),
    ".numba_support": ("derivative", "gradient"),
    ".report.error_plot": ("plot_error",),
    ".rules.complexstep": ("ComplexStep", "complex_step"),
    ".rules.finite_difference_weights": ("weights",),
    ".rules.stencils": ("Stencil", "backward", "central", "forward"),
}
_MODULE_OF = {name: module for module, names in _DEFINITIONS.items() for name in names}

#: Numba's modules import one another in a circle: threads that begin at several of them see modules half imported.
_IMPORTING = threading.RLock()

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
    "clear_cache",
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
    "plot_error",
    "sparsity",
    "weights",
    "where",
]


def __getattr__(name: str) -> Any:
    """Import a public name, or a public module."""
    if name not in _MODULE_OF and name not in ("comparison", "corpus", "elementary", "gates", "nist"):
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    with _IMPORTING:
        value = importlib.import_module(_MODULE_OF.get(name, f".{name}"), __name__)
        value = getattr(value, name) if name in _MODULE_OF else value
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what is public, without the modules behind it."""
    return [*__all__, "__version__"]
