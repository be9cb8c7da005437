"""The adaptive rule: steps chosen at every point, and a derivative with an error bound that holds.

Imports nothing but `compilation` and the types of results.
Begin reading in `driver`, then `judge`, `rounds` and `decisions`.
"""

from .batch import Evaluate
from .decisions import Outcome
from .driver import EVALUATIONS, estimate, judged
from .native import first_round
from .rows import RoundResult
from .rule import HIGHEST, Adaptive, Side, adaptive
from .verdict import DONE

__all__ = [
    "DONE",
    "EVALUATIONS",
    "HIGHEST",
    "Adaptive",
    "Evaluate",
    "Outcome",
    "RoundResult",
    "Side",
    "adaptive",
    "estimate",
    "first_round",
    "judged",
]
