"""Our own kernels run by Python itself: a thousand times slower than machine code, but without compiling.

The ladder takes ten seconds to compile, once on a machine. Whoever wants a handful of derivatives shall not wait for
that, so until a batch is worth it the very same text runs here, on the same numbers, to the same bits.
"""

from __future__ import annotations

import builtins
import math
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from .kernels import Inner


class _Record:
    """One record of a structured type: attribute access that costs no view."""

    def __init__(self, kind: Any) -> None:
        for name in kind.names:
            field = kind[name]
            setattr(self, name, np.zeros(field.shape, field.base) if field.shape else field.type(0))


def empty(shape: Any, kind: Any = np.float64) -> Any:
    """Make room as `numpy.empty` does; of structured types a list of records."""
    kind = np.dtype(kind)
    return np.empty(shape, kind) if kind.names is None else [_Record(kind) for _ in range(shape)]


def _ldexp(mantissa: float, exponent: int) -> Any:
    """``mantissa * 2**exponent``, infinite where Python raises."""
    try:
        return np.float64(math.ldexp(mantissa, int(exponent)))
    except OverflowError:
        return np.float64(math.inf)


#: What the text of a kernel means here. Every number is NumPy's, whose division by zero is an infinity.
_MEANINGS: dict[str, Any] = {
    "__builtins__": builtins,
    "np": SimpleNamespace(
        empty=empty, isfinite=math.isfinite, inf=np.float64(np.inf), nan=np.float64(np.nan), int64=np.int64,
        float64=np.float64, floor=np.floor,
    ),
    "math": SimpleNamespace(ldexp=_ldexp, frexp=math.frexp),
    "float": np.float64,
}  # fmt: skip


def interpreted(kernel: Any, replaced: dict[str, Any], made: dict[Any, Any] | None = None) -> Any:
    """Return a kernel, and all that it calls, as Python functions; names in `replaced` mean something else."""
    made = {} if made is None else made
    f = kernel.py_func
    if f not in made:
        names = {**_MEANINGS, **replaced}
        made[f] = FunctionType(f.__code__, names, f.__name__)
        for name in f.__code__.co_names:
            value = f.__globals__.get(name)
            if isinstance(value, Inner):
                names[name] = interpreted(value, replaced, made)
            elif name not in names and name in f.__globals__:
                names[name] = value
    return made[f]
