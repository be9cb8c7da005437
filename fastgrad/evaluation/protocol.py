"""What rules know about the caller's function: an `Evaluator`."""

from __future__ import annotations

from typing import Any, Protocol


class Evaluator(Protocol):
    """Values of a function at the points of a batch, however the function is run.

    `functions.ElementwiseValues` is one, for functions that are compiled, called with arrays or called point by point.
    `vector_functions.VectorFunction.rows` evaluates functions of vectors with the same policy for exceptions.
    """

    @property
    def dim(self) -> int:
        """Coordinates of a point; 0 where a point is a number."""

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Shape of the value at one point."""

    @property
    def is_complex(self) -> bool:
        """Whether values are complex numbers."""

    @property
    def is_compiled(self) -> bool:
        """Whether the function runs as machine code."""

    def threads(self, workers: int, explicit: bool) -> int:
        """How many threads may be inside the function at once; `explicit` if the caller gave `workers`."""

    def values(self, x: Any, index: Any, beside: bool = False) -> Any:
        """Evaluate at points, shape ``(m,)`` or ``(m, dim)``.

        Parameters
        ----------
        x : ndarray
            Where to evaluate.
        index : ndarray of int, shape (m,)
            Point of the batch that each row belongs to: it selects the other arguments.
        beside : bool
            Whether `x` are positions beside the points; decides what exceptions mean, see `user_calls`.
        """
