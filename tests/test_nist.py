"""NIST's certified regressions: data and models against each other, and what the jacobians are worth there."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad.nist import PRINTED, Regression, digits, regressions, standard_errors

SETS = {set.name: set for set in regressions()}


def exact(set: Regression, b: np.ndarray | None = None) -> np.ndarray:
    """Jacobian by the complex step, to the rounding of the model."""
    b = set.parameters if b is None else b
    columns = []
    for j, size in enumerate(np.abs(b)):
        h = 1e-30 * size
        columns.append(np.imag(set.model(b + 1j * h * (np.arange(b.size) == j), set.x)) / h)
    return np.stack(columns, axis=1)


def test_all_sets_are_there() -> None:
    assert len(SETS) == 27
    assert SETS["Nelson"].x.shape == (128, 2)
    assert all(len(set.starts[0]) == len(set.starts[1]) == set.parameters.size for set in SETS.values())


@pytest.mark.parametrize("name", SETS)
def test_models_leave_the_certified_residual(name: str) -> None:
    set = SETS[name]
    residuals = set.residuals(set.parameters)
    # Lanczos1 was made of its model: what is left of it is smaller than the last digit printed of its parameters
    assert digits(residuals @ residuals, set.rss) > 9 or (name == "Lanczos1" and abs(residuals).max() < 1e-10)
    assert digits(np.sqrt(set.rss / (set.y.size - set.parameters.size)), set.s) > 9


@pytest.mark.parametrize("name", SETS)
def test_exact_jacobians_give_the_certified_errors(name: str) -> None:
    """The data, the models and `standard_errors` fit together to the last digits that eleven can carry."""
    set = SETS[name]
    assert digits(standard_errors(exact(set), set.s), set.errors) > 9.2


def test_normal_equations_would_not_do() -> None:
    """Why the jacobian is factored as it is: squared, the condition of Bennett5 takes the digits away."""
    set = SETS["Bennett5"]
    jacobian = exact(set)
    squared = set.s * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    assert digits(squared, set.errors) < digits(standard_errors(jacobian, set.s), set.errors) - 2


def test_standard_errors_scale_with_the_parameters_to_the_last_bit() -> None:
    set = SETS["MGH10"]
    jacobian, unit = exact(set), 2.0 ** np.array([-300, 0, 40])
    assert np.array_equal(standard_errors(jacobian * unit, set.s) * unit, standard_errors(jacobian, set.s))


def test_digits() -> None:
    assert digits([1.0, 2.0], np.array([1.0, 2.0])) == PRINTED
    assert digits([1.0, 2.002], np.array([1.0, 2.0])) == pytest.approx(3.0)
    assert digits([1.0, np.nan], np.array([1.0, 2.0])) == digits([5.0], np.array([1.0])) == 0.0
