"""The adaptive rule: steps chosen at every point, and a derivative with an error bound that holds.

Imports nothing but `compilation` and the types of results.
Begin reading in `driver`, then `judge`, `rounds` and `decisions`.
"""

from .batch import Evaluate
from .driver import EVALUATIONS, complete, complete_derivatives, estimate
from .native import round_ufunc
from .round_kernels import NO_LIMITS, Round, RoundResult, first_round
from .rule import HIGHEST, Adaptive, Side, adaptive

__all__ = [
    "EVALUATIONS",
    "HIGHEST",
    "NO_LIMITS",
    "Adaptive",
    "Evaluate",
    "Round",
    "RoundResult",
    "Side",
    "adaptive",
    "complete",
    "complete_derivatives",
    "estimate",
    "first_round",
    "round_ufunc",
]
