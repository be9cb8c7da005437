"""What rules know about the caller's function: an `Evaluator`."""

from __future__ import annotations

from typing import Any, Protocol

from .vector_machine import Machine


class Evaluator(Protocol):
    """Values of a function at the points of a batch, however the function is run.

    `functions.ElementwiseValues` is one, where a point is a number, and `vector_values.VectorValues`.
    """

    @property
    def dim(self) -> int:
        """Coordinates of a point; 0 where a point is a number."""

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Shape of the value at one point."""

    @property
    def kind(self) -> str:
        """Letter of NumPy's type for values: ``"d"``, ``"f"`` or ``"D"``."""

    @property
    def is_compiled(self) -> bool:
        """Whether the function runs as machine code."""

    def threads(self, workers: int, explicit: bool) -> int:
        """How many threads may be inside the function at once; `explicit` if the caller gave `workers`."""

    def values(self, x: Any, index: Any = None, beside: bool = False) -> Any:
        """Evaluate at points.

        Parameters
        ----------
        x : ndarray, shape (m,) or (m, dim)
            Where to evaluate; values of vectors have shape (m, outputs).
        index : ndarray of int, shape (m,), or None
            Point of the batch that each row belongs to. It selects other arguments that differ between points.
        beside : bool
            Whether `x` are positions beside the points; decides what exceptions mean, see `user_calls`.
        """


class VectorEvaluator(Evaluator, Protocol):
    """Values of a function of vectors."""

    @property
    def outputs(self) -> int:
        """How many numbers the function returns for a vector."""

    @property
    def block_machine(self) -> Machine | None:
        """Machine code that goes through blocks of points, if there is any."""
