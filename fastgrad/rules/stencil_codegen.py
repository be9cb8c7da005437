"""A stencil as a program: choose a step, evaluate around the point, combine the values.

All forms do the same operations in the same order, so results agree to the rounding of `f`, and a large batch has the
bits of a small one. `compiled_point` inlines a compiled function. `loops` are compiled, for a function that is called
with many points. `steps`, `positions` and `combine` use NumPy, for few points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, FloatArray
from ..compilation.kernels import LOCK
from ..compilation.memory import EXPONENT
from ..compilation.pipeline import function_from, jit
from ..compilation.ufuncs import Ufunc, body
from .stencils import Stencil


@cache
def best_step(stencil: Stencil, result: str) -> float:
    """Return the step for points of size 1, a power of two, for results of the NumPy kind `result`."""
    return stencil.step_for(float(np.finfo(np.float32 if result == "f" else np.float64).eps))


def step_lines(stencil: Stencil, result: str, mode: str) -> tuple[list[str], float]:
    """Return the source that chooses the step `h` at a point `x`, and the weight that its reciprocal includes."""
    best = best_step(stencil, result)
    if mode != "auto":
        # The step after rounding of x + step.
        return [f"h = (x + step{' * max(abs(x), 1.0)' if mode == 'relative' else ''}) - x"], 1.0
    # A single weight that is a power of two, as that of the central difference, is part of 1/h.
    weights = [w for w, _, _ in stencil.terms]
    lead = weights[0] if len(weights) == stencil.n == 1 and math.frexp(weights[0])[0] == 0.5 else 1.0
    # The binade of max(|x|, 1) by its exponent bits: h and 1/h are powers of two, and the loop has no division.
    # Inverting the exponent bits of 2^e gives 2^(1-e).
    return [
        f"binade = max(np.float64(x).view(np.int64) & np.int64({EXPONENT}), np.int64({1023 << 52}))",
        f"h = np.int64(binade).view(np.float64) * {best!r}",
        f"per_h = np.int64(binade ^ np.int64({EXPONENT})).view(np.float64) * {0.5 * lead / best!r}",
    ], lead


def _sum_lines(stencil: Stencil, mode: str, lead: float, value: Callable[[int], str]) -> list[str]:
    """Return the source that combines values into the derivative; ``value(i)`` is that of the value at a position."""
    terms = [
        f"{w / lead!r} * ({value(a)} - {value(b)})" if w != lead else f"({value(a)} - {value(b)})"
        for w, a, b in stencil.terms
    ]
    divided = ["total = total * per_h" if mode == "auto" else "total = total / h"] * stencil.n
    return [f"total = {' + '.join(terms)}", *divided, "return total"]


# Seven parameters: all that the source of the kernel depends on; it is made once for each.
def compiled_point(
    kernel: Any, result: str, stencil: Stencil, nargs: int, wrt: int, mode: str, captured: bool = False
) -> tuple[Any, str]:
    """Return the scalar kernel of the derivative of `kernel`, which returns `result`, and its result kind.

    `mode` is ``"auto"``, or ``"absolute"`` or ``"relative"`` where the last argument is the step. With `captured`, the
    first argument of both kernels is the tuple of captured values.
    """
    first = ["captured"] if captured else []
    names = [f"x{i}" for i in range(nargs)]

    def f(i: int) -> str:
        offset = stencil.positions[i]
        moved = f"x + {offset!r} * h" if offset else "x"
        call = f"kernel({', '.join([*first, *(moved if i == wrt else name for i, name in enumerate(names))])})"
        return call if result == "D" else f"{call} * 1.0"  # from bool, int or float32

    parameters = [*first, *names, *([] if mode == "auto" else ["step"])]
    chosen, lead = step_lines(stencil, result, mode)
    lines = [f"def point({', '.join(parameters)}):", f"x = x{wrt}", *chosen, *_sum_lines(stencil, mode, lead, f)]
    point = function_from("\n    ".join(lines) + "\n", "point", {"kernel": kernel})
    return jit(point), "D" if result == "D" else "d"


class StencilLoops(NamedTuple):
    """A stencil as compiled loops, for a function that is called with arrays; NumPy would take a dozen passes."""

    moved: tuple[Ufunc, ...]
    """Position at each needed offset, from the point and, unless automatic, the step."""
    combined: Ufunc
    """The derivative, from the point, the values and, unless automatic, the step."""


@cache
def loops(stencil: Stencil, result: str, mode: str) -> StencilLoops:
    """Compile a stencil for a function that returns real numbers."""
    chosen, lead = step_lines(stencil, result, mode)
    extra = [] if mode == "auto" else ["step"]

    def ufunc(name: str, parameters: list[str], lines: list[str], watched: int | None = None) -> Ufunc:
        text = "\n    ".join([f"def point({', '.join(parameters)}):", *lines]) + "\n"
        code = body(text.encode(), lambda: (jit(function_from(text, "point", {})), "d"), len(parameters), watched)
        return Ufunc(code, len(parameters), name, f"{name} of {stencil}")

    values = [f"v{i}" for i in range(len(stencil.positions))]
    total = _sum_lines(stencil, mode, lead, values.__getitem__)
    with LOCK:
        return StencilLoops(
            tuple(
                ufunc("moved", ["x", *extra], [*chosen, f"return x + {o!r} * h" if o else "return x"])
                for o in stencil.positions
            ),
            ufunc("combined", ["x", *values, *extra], [*chosen, *total], 0),
        )


def steps(stencil: Stencil, result: str, x: FloatArray, step: FloatArray | float | None, mode: str) -> FloatArray:
    """Return the step at every point of an array, by the arithmetic of `compiled_point`; NaN where it overflows.

    It uses the bits of the exponent: `frexp` and `ldexp` took a third of the time of a block.
    """
    if mode != "auto":
        assert step is not None
        return (x + (step * np.maximum(np.abs(x), 1.0) if mode == "relative" else step)) - x
    binade = np.ascontiguousarray(x, np.float64).view(np.int64) & EXPONENT
    h: FloatArray = np.maximum(binade, 1023 << 52, out=binade).view(np.float64).reshape(np.shape(x))
    h *= best_step(stencil, result)
    if not math.isfinite(np.add.reduce(h, axis=None)):  # one pass instead of two; the sum itself overflows rarely
        h[~np.isfinite(h)] = np.nan
    return h


def positions(stencil: Stencil, x: FloatArray, h: FloatArray) -> FloatArray:
    """Return positions at the needed offsets of a stencil in units of `h`, one row for each."""
    moved = np.empty((len(stencil.positions), *np.shape(x)))
    for row, offset in zip(moved, stencil.positions, strict=True):
        np.multiply(h, offset, out=row)
        np.add(row, x, out=row)
    return moved


def combine(stencil: Stencil, values: Sequence[Array] | Array, h: FloatArray, out: Array | None = None) -> Array:
    """Combine values at the needed offsets, in their order, into the derivative; write to `out` unless None."""
    total: Any = None
    for weight, a, b in stencil.terms:
        term = values[a] - values[b]
        if weight != 1.0:
            term *= weight
        total = term if total is None else np.add(total, term, out=total)
    for _ in range(stencil.n - 1):
        total /= h
    df: Array = np.divide(total, h, out=out)
    return df
