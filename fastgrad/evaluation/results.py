"""What the caller's functions return, as arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np


def numbers(values: Any) -> np.ndarray[Any, Any]:
    """Values that `f` returned, as an array of numbers; those of mpmath, fractions and decimals are converted."""
    array = np.asarray(unmask(values))
    if array.dtype == object and array.size:
        real = all(hasattr(v, "__float__") for v in array.flat)
        if real or all(hasattr(v, "__float__") or hasattr(v, "__complex__") for v in array.flat):
            try:
                return array.astype(np.float64 if real else np.complex128)
            except (TypeError, ValueError):  # a symbol, a row of another length
                pass
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"`f` must return numbers; got {type(values).__name__} of {array.dtype}. Return an array.")
    return array


def unmask(values: Any) -> Any:
    """Values that `f` returned, with NaN where it masked them."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "fiubc":
        kind = values.dtype if values.dtype.kind in "fc" else np.float64
        return np.ma.filled(values.astype(kind), np.nan)
    if isinstance(values, (list, tuple)) and any(isinstance(v, np.ma.MaskedArray) for v in values):
        return [unmask(v) for v in values]
    return values


def as_rows(value: Any) -> Any:
    """Make an array of what `f` returned for vectors: lists and tuples are stacked, numbers among arrays repeated."""
    if value is None:
        raise TypeError(
            "`f` must return numbers; got None. Return the result, or take one more argument, `out`, to fill."
        )
    value = unmask(value)
    if isinstance(value, (tuple, list)) and len(value) and any(np.ndim(v) for v in value):
        try:
            value = np.stack(np.broadcast_arrays(*value))
        except ValueError:
            shapes = " and ".join(dict.fromkeys(str(np.shape(v)) for v in value))
            raise ValueError(
                f"`f` must return parts of one shape; got {shapes}. Join them: `np.concatenate(parts)`."
            ) from None
    return numbers(value)


def letter_of(values: Any) -> str:
    """NumPy's letter for what `f` returns, as far as it matters to rules: ``"d"``, ``"f"`` or ``"D"``."""
    if values.dtype.kind == "c":
        return "D"
    return "f" if values.dtype in (np.float32, np.float16) else "d"


class BecameComplex(Exception):
    """A function that had returned real numbers returned complex ones."""
