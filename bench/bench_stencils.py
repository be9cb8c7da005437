"""Stencils: what order costs, what one call costs, what it costs to make one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numba
import numpy as np
import pytest

import fastgrad as fg
from fastgrad import gates
from fastgrad.rules.stencils import Stencil

H = fg.central().step_for(float(np.finfo(float).eps))


@numba.njit(error_model="numpy")
def by_hand(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Central difference of a square, with the same step: the binade of ``max(|x|, 1)`` by its exponent bits."""
    for i in range(x.size):
        here = x[i]
        binade = np.float64(max(abs(here), 1.0)).view(np.int64) & np.int64(0x7FF << 52)
        h = np.int64(binade).view(np.float64) * H
        per_h = np.int64(np.int64(2046 << 52) - binade).view(np.float64) / H
        right, left = here + h, here - h
        out[i] = 0.5 * (right * right - left * left) * per_h
    return out


@pytest.mark.parametrize("library", ["fastgrad", "by hand"])
@pytest.mark.parametrize("size", [10**3, 10**6, 10**7])
def test_polynomial_beside_a_loop_by_hand(size: int, library: str, points: Any, timed: Any) -> None:
    (x,) = points(size, (-4, 4))
    out = np.empty_like(x)
    calls = {
        "fastgrad": lambda: fg.derivative(gates.square, x, out=out, workers=1),
        "by hand": lambda: by_hand(x, out),
    }
    timed(f"central of a square on one thread, {size:.0e} points", calls[library], 2 * x, 20)


@pytest.mark.parametrize("order", [2, 4, 6, 8, 10])
def test_order(order: int, points: Any, timed: Any) -> None:
    (x,) = points(10**6, (-8, 8))
    call = partial(fg.derivative, gates.sigmoid, x, method=fg.central(order))
    timed("order of a central difference of sigmoid, 1e+06 points", call, gates.sigmoid.partials[0](x), 20)


@pytest.mark.parametrize("library", ["fastgrad", "python"])
def test_one_point(library: str, timed: Any) -> None:
    f = gates.sigmoid.formula
    calls = {
        "fastgrad": lambda: fg.derivative(gates.sigmoid, 0.5),
        "python": lambda: (f(0.5 + 1e-5) - f(0.5 - 1e-5)) / 2e-5,
    }
    timed("one call on one point", calls[library], gates.sigmoid.partials[0](0.5), 2000)


@pytest.mark.parametrize("order", [2, 10])
def test_making_a_stencil(order: int, benchmark: Any) -> None:
    benchmark.group = "exact weights of a stencil"
    made = benchmark(lambda: Stencil(range(order + 1)).weights)
    assert made == fg.forward(order).weights
