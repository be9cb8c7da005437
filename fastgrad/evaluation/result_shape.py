"""Results of a function of vectors: how many outputs, of which type, and where they are in what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .results import letter_of
from .vector_machine import PerVector, Traced

Layout = Literal["rows", "columns", "single"]


@dataclass
class Form:
    """Results of a function for vectors of one length, and how it is run for them."""

    outputs: int
    shape: tuple[int, ...]
    """Shape of the result for one vector; one row or one column of numbers has one axis."""
    scalar: bool
    """Whether it returns a number, and not an array of one."""
    kind: str
    """Letter of NumPy's type for what it returns: ``"d"``, ``"f"`` or ``"D"``."""
    layout: Layout = "single"
    """Vectors as rows ``(k, d)``, as columns ``(d, k)``, or one at a time."""
    turned: bool = False
    """Whether the outputs come first: ``(m, k)``."""
    program: Traced | PerVector | None = None
    """Its program, if it runs as machine code; the layout then does not matter."""
    numbers: Any = None
    """Captured numbers with which it returned so many results."""

    @property
    def is_compiled(self) -> bool:
        """Whether the function is run as machine code."""
        return self.program is not None

    @property
    def is_traced(self) -> bool:
        """Whether its program was traced."""
        return isinstance(self.program, Traced)

    def copy(self) -> Form:
        """Make one of its own for another function."""
        return Form(**vars(self) | {"numbers": None})

    def become_complex(self) -> None:
        """Have the function called with one vector at a time, for it returns complex numbers."""
        self.program, self.layout, self.kind = None, "single", "D"


def form_of(value: Any) -> Form:
    """Form of a function that returned `value` for one vector."""
    is_row = value.ndim > 0 and value.size == max(value.shape)
    return Form(value.size, (value.size,) if is_row else value.shape, value.ndim == 0, letter_of(value))


def arrange(values: Any, count: int, form: Form, turned: bool) -> Any:
    """Values for `count` vectors as an array (count, m), or None if they have another shape."""
    if form.scalar:
        return values.reshape(count, 1) if values.shape == (count,) and not turned else None
    if turned:
        return values.reshape(-1, count).T if values.shape == (*form.shape, count) else None
    return values.reshape(count, -1) if values.shape == (count, *form.shape) else None


def scatter(rows: Any, spread: float) -> Any:
    """Move every number of `rows` away from zero by up to `spread` of itself, each by its own share."""
    share = np.modf(np.arange(1, rows.size + 1) * 0.6180339887498949)[0].reshape(rows.shape)
    return rows + spread * share * np.where(rows == 0, 1.0, rows)


def same(together: Any, apart: Any) -> bool:
    """Tell whether two ways to call `f` gave the same values, up to the order of sums inside it."""
    rounding = 1e-5 if together.dtype in (np.float32, np.float16) else 1e-9
    finite = np.abs(apart[np.isfinite(apart)])
    size = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(together, apart, rtol=rounding, atol=1e-3 * rounding * size, equal_nan=True))
