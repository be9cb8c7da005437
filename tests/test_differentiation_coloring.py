"""Colours of columns: laws on random patterns, counts where the best is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from fastgrad.differentiation.coloring import colours

pytestmark = pytest.mark.machine_code


def separates(pattern: sparse.csr_array, colour: np.ndarray) -> bool:
    """Whether no row has two entries of one colour."""
    pattern = sparse.csr_array(pattern)
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return len({*zip(row.tolist(), colour[pattern.indices].tolist(), strict=True)}) == pattern.nnz


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0, 0.5), st.integers(0, 2**32 - 1))
def test_no_row_sees_a_colour_twice(m: int, d: int, density: float, seed: int) -> None:
    pattern = sparse.csr_array(np.random.default_rng(seed).random((m, d)) < density)
    found = colours(pattern)
    assert found.shape == (d,)
    assert separates(pattern, found)
    assert set(found.tolist()) == set(range(found.max(initial=-1) + 1))
    busiest = np.diff(pattern.indptr).max(initial=0)
    assert busiest <= found.max(initial=-1) + 1 <= max(d, busiest)


@pytest.mark.parametrize("width", [0, 1, 2, 5])
@pytest.mark.parametrize("d", [1, 7, 1000])
def test_bands_take_as_few_as_can_be(d: int, width: int) -> None:
    band = range(-min(width, d - 1), min(width, d - 1) + 1)
    pattern = sparse.diags_array([np.ones(d - abs(k)) for k in band], offsets=list(band), shape=(d, d))
    assert colours(pattern).max() + 1 == min(2 * width + 1, d)


def test_the_order_of_columns_does_not_matter_to_a_band() -> None:
    order = np.random.default_rng(3).permutation(500)
    pattern = sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(500, 500)).tocsr()[:, order][order]
    found = colours(pattern)
    assert separates(pattern, found)
    assert found.max() + 1 == 3


def test_a_full_row_and_no_rows() -> None:
    full = sparse.csr_array(np.vstack([np.ones(200_000, bool), np.zeros(200_000, bool)]))
    assert np.array_equal(colours(full), np.arange(200_000))  # at once: counting neighbours would take minutes
    assert np.array_equal(colours(sparse.csr_array((0, 3))), [0, 0, 0])
    assert colours(sparse.csr_array((3, 0))).size == 0
