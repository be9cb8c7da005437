"""What the caller's functions return: arrays of numbers, and the forms of results of functions of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._typing import Array, FloatArray, Shape
from .vector_machine import PerVector, Traced


def numbers(values: object) -> Array:
    """Values that `f` returned, as an array of numbers; those of mpmath, fractions and decimals are converted."""
    array = as_array(values)
    if array.dtype == object and array.size:
        real = all(hasattr(v, "__float__") for v in array.flat)
        if real or all(hasattr(v, "__float__") or hasattr(v, "__complex__") for v in array.flat):
            try:
                return array.astype(np.float64 if real else np.complex128)
            except (TypeError, ValueError):  # a symbol, a row of another length
                pass
    if array.dtype.kind not in "fiubc":
        got = "None" if values is None else f"a value of type {type(values).__name__}"
        items = f" with items of dtype {array.dtype}" if array.ndim or isinstance(values, np.ndarray) else ""
        raise TypeError(f"`f` must return numbers; got {got}{items}. Return a number or an array.")
    return array


def as_array(values: Any) -> np.ndarray[Any, Any]:
    """Values that `f` returned, as an array of any type."""
    try:
        return np.asarray(unmask(values))
    except ValueError:
        raise ValueError(
            f"`f` must return parts of one shape; got a {type(values).__name__} of different ones. "
            "Join them: `np.concatenate(parts)`."
        ) from None


def unmask(values: Any) -> Any:
    """Values that `f` returned, with NaN where it masked them."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "fiubc":
        kind = values.dtype if values.dtype.kind in "fc" else np.float64
        return np.ma.filled(values.astype(kind), np.nan)
    if isinstance(values, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in values):
        return [unmask(v) for v in values]
    return values


def as_rows(value: object) -> Array:
    """Make an array of what `f` returned for vectors: lists and tuples are stacked, numbers among arrays repeated."""
    if value is None:
        raise TypeError(
            "`f` must return numbers; got None. Return the result, or take one more argument, `out`, to fill."
        )
    value = unmask(value)
    parts = value if isinstance(value, (tuple, list)) else ()
    shapes = dict.fromkeys(np.shape(v) for v in parts if np.ndim(v))
    if len(shapes) > 1:  # (1,) and (2,) would broadcast, which is not what who joins pieces of a vector means
        raise ValueError(
            f"`f` must return parts of one shape; got {' and '.join(map(str, shapes))}. "
            "Join them: `np.concatenate(parts)`."
        )
    if shapes:
        value = np.stack(np.broadcast_arrays(*parts))
    return numbers(value)


def as_row(value: object) -> Array:
    """Make an array of what `f` returned for one vector; there a number among arrays is no part of a batch."""
    row = as_rows(value)
    if row.ndim > 1 and isinstance(value, (tuple, list)) and row.size != sum(map(np.size, value)):
        shapes = dict.fromkeys(map(np.shape, value))
        raise ValueError(
            f"`f` must return parts of one shape; got {' and '.join(map(str, shapes))}. "
            "Return one of them, or join them: `np.hstack(parts)`."
        )
    return row


def letter_of(values: Array) -> str:
    """NumPy's letter for what `f` returns, as far as it matters to rules: ``"d"``, ``"f"`` or ``"D"``."""
    if values.dtype.kind == "c":
        return "D"
    return "f" if values.dtype in (np.float32, np.float16) else "d"


class BecameComplex(Exception):
    """A function that had returned real numbers returned complex ones."""


VectorLayout = Literal["rows", "columns", "single"]


@dataclass
class Form:
    """Results of a function for vectors of one length, and how it is run for them."""

    outputs: int
    shape: Shape
    """Shape of the result for one vector; one row or one column of numbers has one axis."""
    scalar: bool
    """Whether it returns a number, and not an array of one."""
    kind: str
    """Letter of NumPy's type for what it returns: ``"d"``, ``"f"`` or ``"D"``."""
    layout: VectorLayout = "single"
    """Vectors as rows ``(k, d)``, as columns ``(d, k)``, or one at a time."""
    turned: bool = False
    """Whether the outputs come first: ``(m, k)``."""
    program: Traced | PerVector | None = None
    """Its program, if it runs as machine code; the layout then does not matter."""
    numbers: list[object] | None = None
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


def form_of(value: Array) -> Form:
    """Form of a function that returned `value` for one vector."""
    is_row = value.ndim > 0 and value.size == max(value.shape)
    return Form(value.size, (value.size,) if is_row else value.shape, value.ndim == 0, letter_of(value))


def arrange(values: Array, count: int, form: Form, turned: bool) -> Array | None:
    """Values for `count` vectors as an array (count, m), or None if they have another shape."""
    if form.scalar:
        return values.reshape(count, 1) if values.shape == (count,) and not turned else None
    if turned:
        return values.reshape(-1, count).T if values.shape == (*form.shape, count) else None
    return values.reshape(count, -1) if values.shape == (count, *form.shape) else None


def scatter(rows: FloatArray, spread: float) -> FloatArray:
    """Move every number of `rows` away from zero by up to `spread` of itself, each by its own share."""
    share: FloatArray = np.modf(np.arange(1, rows.size + 1) * 0.6180339887498949)[0].reshape(rows.shape)
    moved: FloatArray = rows + spread * share * np.where(rows == 0, 1.0, rows)
    return moved


def same(together: Array, apart: Array) -> bool:
    """Tell whether two ways to call `f` gave the same values, up to the order of sums inside it."""
    rounding = 1e-5 if together.dtype in (np.float32, np.float16) else 1e-9
    finite = np.abs(apart[np.isfinite(apart)])
    size = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(together, apart, rtol=rounding, atol=1e-3 * rounding * size, equal_nan=True))
