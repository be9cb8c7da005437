"""The test that machine code does what the caller's function does, at a few of the caller's points.

Compiled Python is not always Python: whole numbers wrap around at 64 bits where Python's grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .results import numbers
from .user_calls import probe

#: Points of a batch that are compared.
_POINTS = 4


def sample(operands: list[Any]) -> Iterator[list[Any]]:
    """Rows of operands that broadcast together, at a few points spread over the batch."""
    shape = np.broadcast_shapes(*map(np.shape, operands))
    size = int(np.prod(shape))
    for i in sorted({(k * size) // (_POINTS - 1) - (k == _POINTS - 1) for k in range(_POINTS)}) if size else []:
        where = np.unravel_index(i, shape)
        yield [np.broadcast_to(o, shape)[where] for o in operands]


def is_close(value: Any, truth: Any, tolerance: float, strict: bool = False) -> bool:
    """Whether values agree relative to the largest; `strict` if they must be finite at the same places."""
    value, truth = np.ravel(value), numbers(truth).ravel()
    if value.size != truth.size or (truth.dtype.kind == "c" and value.dtype.kind != "c"):
        return False
    finite = np.isfinite(truth)
    if strict and (np.isfinite(value) != finite).any():
        return False
    size = float(np.max(np.abs(truth), initial=0.0, where=finite))
    with np.errstate(all="ignore"):
        return not (np.abs(value * 1.0 - truth * 1.0) > tolerance * size).any()  # NaN where both are infinite


def agrees(compiled: Callable[..., Any], python: Callable[..., Any], rows: Iterator[list[Any]]) -> bool:
    """Tell whether compiled code and Python agree at most of the `rows`.

    At most and not at all, because values of noise, or slopes at a kink, may differ by chance.
    """
    votes = []
    with np.errstate(all="ignore"):
        for row in rows:
            truth, error = probe(python, *row)
            value = compiled(*row)
            if error is not None:  # as Python it may raise where compiled it returns infinity or NaN, but no number
                if np.isfinite(value):
                    votes.append(False)
            else:
                votes.append(is_close(value, truth, 1e-3))
    return 2 * sum(votes) >= len(votes)
