"""Derivatives of functions of numbers that return an array for each point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._signals import reraise_if_signal
from .._typing import Array, FloatArray, Function, Operand, Shape
from ..arguments import SeveralResults
from .jacobians import entries
from .problem import Derived, reshaped, retry_complex, vector_problem


def array_derivative(
    f: Function, operands: Sequence[Operand], wrt: int, options: dict[str, Any], dtype: DTypeLike,
    refusal: SeveralResults,
) -> Derived:  # fmt: skip
    """Differentiate ``f(*operands)`` in the argument `wrt`, by `options` of `derivative`: ``x.shape + result shape``.

    The arguments that differ from point to point become the coordinates of vectors, of which `f` is a function.
    Raises `refusal` where `f` returns a number for every number of an array, but not for a number alone.
    """
    varying = [i for i, o in enumerate(operands) if i == wrt or np.ndim(o)]
    arrays = [operands[i] for i in varying]
    parts = [options[name] for name in ("step", "rel_step") if options[name] is not None]
    shape = np.broadcast_shapes(*map(np.shape, [*arrays, *parts, *(options["bounds"] or ())]))
    x = np.stack([np.broadcast_to(np.asarray(a, np.float64), shape) for a in arrays], axis=-1)
    k, own = varying.index(wrt), dict(options)
    for name in ("step", "rel_step"):
        if own[name] is not None:
            own[name] = np.expand_dims(own[name], -1)
    if own["bounds"] is not None:
        low, high = own["bounds"]
        own["bounds"] = _at_coordinate(low, k, x.shape, -np.inf), _at_coordinate(high, k, x.shape, np.inf)
    of_vectors = _OfVectors(f, operands, varying, wrt)
    problem = vector_problem(of_vectors, x, (), **own)._replace(dtype=dtype)
    if _treats_arrays_elementwise(of_vectors, x, problem.evaluator.result_shape):
        raise refusal
    full_output = own["full_output"]
    return reshaped(retry_complex(lambda: entries(problem, full_output, k)), (*shape, *problem.evaluator.result_shape))


def _at_coordinate(bound: Operand, k: int, shape: Shape, end: float) -> FloatArray:
    """Bound for coordinate `k` alone."""
    bounds = np.full(shape, end)
    bounds[..., k] = bound
    return bounds


class _OfVectors:
    """A function of numbers as one of vectors, or of several in the rows of an array.

    The arguments `varying` are the coordinates; the others are the same for all points.
    """

    def __init__(self, f: Function, operands: Sequence[Operand], varying: list[int], wrt: int) -> None:
        self._f, self._operands, self._varying, self._wrt = f, operands, varying, wrt
        self.__name__ = getattr(f, "__name__", type(f).__name__)

    def __call__(self, x: Array) -> Any:
        """Value of the function; integers beside the argument stay integers, because they may be indices."""
        args = list(self._operands)
        for k, i in enumerate(self._varying):
            kind = getattr(args[i], "dtype", x.dtype)
            column = x[..., k][()]
            if kind.kind in "iub" and i != self._wrt:
                column = np.rint(column.real).astype(bool if kind.kind == "b" else np.int64)
            args[i] = column
        return self._f(*args)


def _treats_arrays_elementwise(f: _OfVectors, x: FloatArray, shape: Shape) -> bool:
    """Tell whether `f` returns one number for each of several points, as many as no axis of its result has."""
    size = next(k for k in range(7, 99) if k not in shape)
    try:
        with np.errstate(all="ignore"):
            return bool(np.shape(f(np.resize(x, (size, x.shape[-1])))) == (size,))
    except Exception as raised:
        reraise_if_signal(raised)
        return False
