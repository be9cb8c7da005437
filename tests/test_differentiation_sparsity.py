"""Sparse jacobians and patterns: the same numbers as dense ones, few evaluations, nothing missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import fastgrad as fg

pytestmark = pytest.mark.machine_code

RULES = ("adaptive", "central", fg.forward(order=2), "complex")
RNG = np.random.default_rng(11)


def broyden(x: Any) -> Any:
    """Tridiagonal function of Broyden (1965)."""
    y = (3.0 - 2.0 * x) * x + 1.0
    y[1:] -= x[:-1]
    y[:-1] -= 2.0 * x[1:]
    return y


def broyden_jacobian(x: Any) -> sparse.csr_array:
    ones = np.ones(x.size - 1)
    return sparse.csr_array(sparse.diags_array([-ones, 3 - 4 * x, -2 * ones], offsets=[-1, 0, 1]))


def ring(x: Any) -> Any:
    return np.exp(np.sin(x) * np.roll(x, 1)) + np.roll(x, 7) ** 2


def same(left: Any, right: Any) -> bool:
    """Whether two sparse arrays agree in structure and to the last bit."""
    return (
        np.array_equal(left.indptr, right.indptr)
        and np.array_equal(left.indices, right.indices)
        and np.array_equal(left.data, right.data, equal_nan=left.data.dtype.kind in "fc")
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("f", [ring, Opaque(ring)])
def test_entries_are_those_of_the_dense_jacobian(f: Any, rule: Any) -> None:
    x = RNG.normal(size=40)
    pattern = fg.sparsity(f, x)
    dense = fg.jacobian(f, x, method=rule)
    assert np.array_equal(pattern.toarray(), dense != 0)
    found = fg.jacobian(f, x, sparsity=pattern, method=rule)
    assert isinstance(found, sparse.csr_array)
    # the numbers of columns that move at the same time may change the rounding inside vectorised functions, no more
    np.testing.assert_allclose(found.toarray(), dense, rtol=0, atol=1e-13 if rule == "complex" else 1e-9)
    if f is ring:  # one compiled function, every entry by the same operations
        assert np.array_equal(found.toarray(), dense)


@pytest.mark.parametrize("rule", ["adaptive", "central"])
def test_full_output_is_an_estimate_of_sparse_arrays(rule: str) -> None:
    x = RNG.normal(size=12)
    pattern = fg.sparsity(broyden, x)
    found = fg.jacobian(broyden, x, sparsity=pattern, method=rule, full_output=True)
    dense = fg.jacobian(broyden, x, method=rule, full_output=True)
    row, column = pattern.nonzero()
    for ours, theirs in zip(found, dense, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        assert np.array_equal(ours.indices, pattern.indices) and np.array_equal(ours.indptr, pattern.indptr)
        assert np.array_equal(ours.data, theirs[row, column])
    assert found.success.data.all()
    truth = broyden_jacobian(x)
    assert np.array_equal(truth.indices, found.df.indices)
    assert np.all(np.abs(found.df.data - truth.data) <= found.error.data)
    found.df.eliminate_zeros()  # belongs to the caller, and to no other array
    found.df.data[:] = 0
    assert found.error.data.all()


def test_broyden_with_a_hundred_thousand_variables() -> None:
    x = np.random.default_rng(5).normal(size=100_000)
    pattern = fg.sparsity(broyden, x)
    truth = broyden_jacobian(x)
    assert np.array_equal(pattern.indices, truth.indices) and np.array_equal(pattern.indptr, truth.indptr)
    for rule, within in (("adaptive", 1e-11), ("central", 1e-8), ("complex", 1e-14)):
        assert abs(fg.jacobian(broyden, x, sparsity=pattern, method=rule) - truth).max() < within


@pytest.mark.parametrize(("rule", "positions"), [("central", 2), (fg.central(order=4), 4), ("forward", 1)])
def test_evaluations_are_colours_times_positions(rule: Any, positions: int) -> None:
    counted, x = Opaque(broyden), np.linspace(-1, 1, 200)
    pattern = fg.sparsity(counted, x)
    counted.sizes.clear()
    fg.jacobian(counted, x, sparsity=pattern, method=rule)
    assert len(counted.sizes) <= 3 * positions + 1


def test_detection_costs_the_logarithm() -> None:
    costs = []
    for d in (1000, 32_000):
        counted = Opaque(broyden)
        fg.sparsity(counted, np.linspace(-1, 1, d))
        costs.append(len(counted.sizes))
    assert costs[1] - costs[0] < 5 * 3 * 6 * 2


@given(st.integers(1, 25), st.integers(1, 25), st.floats(0, 0.4), st.integers(0, 2**32 - 1))
def test_patterns_of_linear_maps_are_found(m: int, d: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = sparse.csr_array(np.where(rng.random((m, d)) < density, rng.normal(size=(m, d)), 0.0))
    f = Opaque(lambda x: matrix @ x)
    x = rng.normal(size=d)
    pattern = fg.sparsity(f, x)
    assert np.array_equal(pattern.toarray(), matrix.toarray() != 0)
    found = fg.jacobian(f, x, sparsity=pattern, method="central")
    np.testing.assert_allclose(found.toarray(), matrix.toarray(), atol=1e-8)


def refuses_nan(x: Any) -> Any:
    if np.isnan(x).any():
        raise ValueError("NaN")
    return np.maximum(x, np.roll(x, 1))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 0, x, 0.0) * np.where(np.roll(x, 1) > 0, 2.0, 1.0),
        lambda x: np.fmax(x, np.roll(x, 1)),
        lambda x: np.log(x) - np.sqrt(np.roll(x, 1)),
        lambda x: np.floor(x) + np.roll(x, 1),
        lambda x: x * np.roll(x, 1) + np.random.default_rng().normal(size=x.size),
        refuses_nan,
    ],
    ids=["relu", "fmax", "log", "floor", "noisy", "refuses NaN"],
)
def test_dependence_shows_where_nan_does_not(f: Any) -> None:
    d = 100
    wanted = np.eye(d, dtype=bool)
    wanted |= np.roll(wanted, -1, axis=1)
    found = fg.sparsity(Opaque(f), np.random.default_rng(2).uniform(0.1, 2, d))
    assert np.array_equal(found.toarray(), wanted)


def test_zeros_of_a_dense_matrix_are_not_structural() -> None:
    """Zero times NaN is NaN: too much, which costs evaluations and nothing else."""
    matrix, x = np.diag([1.0, 2.0, 3.0]), np.ones(3)
    pattern = fg.sparsity(Opaque(lambda x: matrix @ x), x)
    assert pattern.nnz == 9
    found = fg.jacobian(Opaque(lambda x: matrix @ x), x, sparsity=pattern)
    np.testing.assert_allclose(found.toarray(), matrix, atol=1e-12)
    assert found.nnz == 9


PATTERN = np.eye(5, dtype=bool) | np.eye(5, k=1, dtype=bool) | np.eye(5, k=-1, dtype=bool)


@pytest.mark.parametrize(
    "pattern",
    [PATTERN, PATTERN.tolist(), PATTERN * -2.5, sparse.coo_array(PATTERN), sparse.csc_array(PATTERN * 3),
     sparse.csr_matrix(PATTERN), sparse.csr_array((np.zeros(PATTERN.sum()), PATTERN.nonzero()), shape=(5, 5))],
    ids=["bool", "list", "float", "coo", "csc", "matrix", "stored zeros"],
)  # fmt: skip
def test_any_form_of_a_pattern(pattern: Any) -> None:
    x = np.arange(5.0)
    before = pattern.copy()
    found = fg.jacobian(broyden, x, sparsity=pattern)
    assert abs(found - broyden_jacobian(x)).max() < 1e-12
    assert found.nnz == PATTERN.sum()
    after, before = (sparse.csr_array(p).toarray() for p in (pattern, before))
    assert np.array_equal(after, before)


def test_the_numbers_do_not_depend_on_the_pattern() -> None:
    x = RNG.normal(size=5)
    tight, loose = (fg.jacobian(broyden, x, sparsity=p).toarray() for p in (PATTERN, np.ones((5, 5))))
    assert np.array_equal(tight[PATTERN], loose[PATTERN])
    assert not loose[~PATTERN].any()


def test_each_coordinate_has_its_own_scale() -> None:
    x = np.ldexp(RNG.uniform(1, 2, size=60), RNG.integers(-30, 30, size=60))
    found = fg.jacobian(lambda x: np.append(x[1:] * x[:-1], x[0]), x, sparsity=np.eye(60) + np.eye(60, k=1) +
                        np.eye(60, k=-59))  # fmt: skip
    truth = np.diag(np.append(x[1:], 0.0)) + np.diag(x[:-1], 1)
    truth[-1, 0] = 1
    assert np.max(np.abs(found.toarray() - truth) / np.maximum(truth, 1e-300), where=truth != 0, initial=0) < 1e-9


def test_bounds_and_steps() -> None:
    x = np.array([0.0, 1.0, 2.0])

    def roots(x: Any) -> Any:
        assert x.min() >= 0 and x.max() <= 2
        return np.sqrt(1 + x) * np.roll(x, 1)

    f = Opaque(roots)
    pattern = np.eye(3) + np.roll(np.eye(3), -1, axis=1)
    truth = np.diag(np.roll(x, 1) / (2 * np.sqrt(1 + x))) + np.roll(np.diag(np.sqrt(1 + x)), -1, axis=1)
    for rule in ("adaptive", "central"):
        found = fg.jacobian(f, x, sparsity=pattern, method=rule, bounds=(0, 2))
        np.testing.assert_allclose(found.toarray(), truth, atol=1e-8)
        found = fg.jacobian(f, x, sparsity=pattern, method=rule, bounds=(0.5, 2))
        assert np.isnan(found.data).all()
    steps = fg.jacobian(lambda x: x**2, x, sparsity=np.eye(3), method="forward", step=[0.25, 0.5, 1.0])
    assert np.array_equal(steps.data, 2 * x + [0.25, 0.5, 1.0])


def test_types() -> None:
    x = np.linspace(0, 1, 4, dtype=np.float32)
    assert fg.jacobian(broyden, x, sparsity=np.ones((4, 4))).dtype == np.float32
    found = fg.jacobian(Opaque(lambda x: np.exp(1j * x)), x.astype(float), sparsity=np.eye(4))
    np.testing.assert_allclose(found.data, 1j * np.exp(1j * x.astype(float)), atol=1e-12)
    empty = fg.jacobian(Opaque(lambda x: np.ones(2)), [1.0, 2.0, 3.0], sparsity=np.zeros((2, 3)))
    assert empty.shape == (2, 3) and empty.nnz == 0


def test_a_row_at_the_end_of_its_domain_leaves_the_others_alone() -> None:
    x = np.array([0.0, 1.0, 4.0])
    found = fg.jacobian(lambda x: np.log(x), x, sparsity=np.eye(3), full_output=True)
    assert np.isnan(found.df.data[0]) and found.status.data[0] == fg.Status.NONFINITE
    np.testing.assert_allclose(found.df.data[1:], 1 / x[1:], rtol=1e-12)
    central = fg.jacobian(lambda x: np.sqrt(x) * x, x, sparsity=np.eye(3), method="central")
    np.testing.assert_allclose(central.data, 1.5 * np.sqrt(x), atol=1e-6)  # repaired at 0, and only there


def test_exceptions_and_arrays_are_the_callers() -> None:
    class Mine(Exception):
        pass

    def f(x: Any) -> Any:
        raise Mine("no")

    for call in (lambda: fg.sparsity(f, [1.0]), lambda: fg.jacobian(f, [1.0], sparsity=[[1]])):
        with pytest.raises(Mine, match="no"):
            call()
    x = np.arange(5.0)

    def spoils(x: Any) -> Any:
        y = broyden(x)
        x[:] = 99
        return y

    found = fg.jacobian(Opaque(spoils), x, sparsity=fg.sparsity(Opaque(spoils), x))
    assert abs(found - broyden_jacobian(x)).max() < 1e-9
    assert np.array_equal(x, np.arange(5.0))


@pytest.mark.parametrize(
    ("pattern", "error", "words"),
    [(np.eye(4), ValueError, r"shape of the jacobian, \(5, 5\); got \(4, 4\)"), (np.ones(5), ValueError, r"\(5,\)"),
     ("dense", TypeError, "got str"), ([[1], [1, 2]], ValueError, "`sparsity` must be a matrix"),
     (sparse.eye_array(6), ValueError, r"\(6, 6\)"), (np.full((5, 5), None), TypeError, "NoneType|object"),
     (np.ma.masked_less(np.eye(5), 0.5), TypeError, "must be known for every entry; got masked ones")],
)  # fmt: skip
def test_patterns_that_do_not_fit(pattern: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        fg.jacobian(broyden, np.ones(5), sparsity=pattern)


def test_nothing_in_and_nothing_out() -> None:
    assert fg.sparsity(Opaque(lambda x: np.ones(2)), []).shape == (2, 0)
    assert fg.sparsity(Opaque(lambda x: x), []).shape == (0, 0)
    assert fg.jacobian(Opaque(lambda x: x), [], sparsity=np.zeros((0, 0))).shape == (0, 0)
    assert fg.jacobian(lambda x: np.sum(x**2), [1, 2], sparsity=[[1, 1]]).data == pytest.approx([2.0, 4.0])


def test_batches_and_bad_points_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`x` must be one vector .* got shape \(2, 5\)"):
        fg.jacobian(broyden, np.ones((2, 5)), sparsity=PATTERN)
    with pytest.raises(ValueError, match="one vector"):
        fg.sparsity(Opaque(broyden), np.ones((2, 5)))
    with pytest.raises(ValueError, match="`x` must be finite"):
        fg.sparsity(broyden, [1.0, np.nan])
    with pytest.raises(ValueError, match="`f` must be finite"):
        fg.sparsity(Opaque(lambda x: x * np.nan), [1.0, 2.0])


def test_relative_steps_of_sparse_jacobians_are_relative() -> None:
    """They were taken as absolute: 1e-3 instead of 10 at 1e4."""
    x = np.linspace(1.0, 1e4, 40)
    sparse = fg.jacobian(lambda v: np.sin(v / 1e4), x, sparsity=np.eye(40), method="forward", rel_step=1e-3)
    dense = fg.jacobian(lambda v: np.sin(v / 1e4), x, method="forward", rel_step=1e-3)
    assert np.array_equal(sparse.toarray(), dense)
