"""The adaptive rule: steps chosen at every point, and a derivative with an error bound that holds.

Imports nothing but `compilation` and the types of results.
Begin reading in `driver`, then `judge`, `rounds` and `decisions`.
"""

from .batch import Evaluate
from .driver import EVALUATIONS, complete, estimate
from .native import FIXED, first_round, round_kernels
from .rows import RoundResult
from .rule import HIGHEST, Adaptive, Side, adaptive

__all__ = [
    "EVALUATIONS",
    "FIXED",
    "HIGHEST",
    "Adaptive",
    "Evaluate",
    "RoundResult",
    "Side",
    "adaptive",
    "complete",
    "estimate",
    "first_round",
    "round_kernels",
]
