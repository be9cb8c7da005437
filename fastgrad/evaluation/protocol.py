"""What rules know about the caller's function: an `Evaluator`."""

from __future__ import annotations

from typing import Protocol

from .._typing import Array, Selection
from .vector_machine import Machine


class Evaluator(Protocol):
    """Values of a function at the points of a batch, however the function is run.

    `functions.ElementwiseValues` is one, where a point is a number, and `vector_values.VectorValues`.
    """

    @property
    def kind(self) -> str:
        """Letter of NumPy's type for values: ``"d"``, ``"f"`` or ``"D"``."""

    def values(self, x: Array, index: Selection | None = None, beside: bool = False) -> Array:
        """Evaluate at `x`, shape (m,), or (m, dim) for values of shape (m, outputs).

        `index` has the point of the batch that each row belongs to, which selects arguments that differ between points.
        `beside` tells whether `x` are positions beside the points; it decides what exceptions mean, see `user_calls`.
        """


class VectorEvaluator(Evaluator, Protocol):
    """Values of a function of vectors."""

    @property
    def outputs(self) -> int:
        """How many numbers the function returns for a vector."""

    @property
    def block_machine(self) -> Machine | None:
        """Machine code that goes through blocks of points, if there is any."""
