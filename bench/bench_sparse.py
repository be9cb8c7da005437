"""Jacobians with a pattern of zeros: fastgrad beside SciPy's own differences, on Broyden's tridiagonal function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize._numdiff import approx_derivative

import fastgrad as fg


def broyden(x: Any) -> Any:
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    return y


def exact(x: Any) -> Any:
    ones = np.ones(x.size - 1)
    return sparse.csr_array(sparse.diags_array([-ones, 3 - 4 * x, -2 * ones], offsets=[-1, 0, 1]))


def band(d: int) -> Any:
    return sparse.csr_array(abs(exact(np.full(d, 1.0))) > 0)


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "fastgrad adaptive": lambda x, pattern: fg.jacobian(broyden, x, sparsity=pattern),
    "fastgrad central": lambda x, pattern: fg.jacobian(broyden, x, sparsity=pattern, method="central"),
    "scipy 2-point": lambda x, pattern: approx_derivative(broyden, x, method="2-point", sparsity=pattern),
    "scipy 3-point": lambda x, pattern: approx_derivative(broyden, x, method="3-point", sparsity=pattern),
}


@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("d", [10**3, 10**5])
def test_tridiagonal(d: int, way: str, points: Any, timed: Any) -> None:
    (x,) = points(d, (-1, 1))
    pattern = band(x.size)
    timed(f"tridiagonal jacobian, d = {d:.0e}", lambda: CALLS[way](x, pattern).tocsr().data, exact(x).data, 5)


@pytest.mark.parametrize("d", [10**3, 10**5])
def test_detection(d: int, points: Any, timed: Any) -> None:
    (x,) = points(d, (-1, 1))
    timed(f"pattern, d = {d:.0e}", lambda: fg.sparsity(broyden, x).indices, band(x.size).indices, 3)
