"""NIST's certified regressions: data and models against each other, and what the jacobians are worth there."""

from __future__ import annotations

import numpy as np
import pytest

from fastgrad.nist import (
    ERRORS,
    METHODS,
    PARAMETERS,
    PRINTED,
    Regression,
    compare,
    digits,
    exact,
    regressions,
    standard_errors,
)  # fmt: skip

SETS = {data.name: data for data in regressions()}
OURS = {way.name: way for way in METHODS if way.fits}


def jacobian(data: Regression) -> np.ndarray:
    return exact(data, data.parameters)


def test_all_sets_are_there() -> None:
    assert len(SETS) == 27
    assert SETS["Nelson"].x.shape == (128, 2)
    assert all(len(data.starts[0]) == len(data.starts[1]) == data.parameters.size for data in SETS.values())


@pytest.mark.parametrize("name", SETS)
def test_models_leave_the_certified_residual(name: str) -> None:
    data = SETS[name]
    residuals = data.residuals(data.parameters)
    # Lanczos1 was made of its model: what is left of it is smaller than the last digit printed of its parameters
    assert digits(residuals @ residuals, data.rss) > 9 or (name == "Lanczos1" and abs(residuals).max() < 1e-10)
    assert digits(np.sqrt(data.rss / (data.y.size - data.parameters.size)), data.s) > 9


@pytest.mark.parametrize("name", SETS)
def test_exact_jacobians_give_the_certified_errors(name: str) -> None:
    """The data, the models and `standard_errors` fit together to the last digits that eleven can carry."""
    data = SETS[name]
    assert digits(standard_errors(jacobian(data), data.s), data.errors) > 9.2


def test_normal_equations_would_not_do() -> None:
    """Why the jacobian is factored as it is: squared, the condition of Bennett5 takes the digits away."""
    data = SETS["Bennett5"]
    factor = jacobian(data)
    squared = data.s * np.sqrt(np.diag(np.linalg.inv(factor.T @ factor)))
    assert digits(squared, data.errors) < digits(standard_errors(factor, data.s), data.errors) - 2


def test_standard_errors_scale_with_the_parameters_to_the_last_bit() -> None:
    data = SETS["MGH10"]
    factor, unit = jacobian(data), 2.0 ** np.array([-300, 0, 40])
    assert np.array_equal(standard_errors(factor * unit, data.s) * unit, standard_errors(factor, data.s))


def test_digits() -> None:
    assert digits([1.0, 2.0], np.array([1.0, 2.0])) == PRINTED
    assert digits([1.0, 2.002], np.array([1.0, 2.0])) == pytest.approx(3.0)
    assert digits([1.0, np.nan], np.array([1.0, 2.0])) == digits([5.0], np.array([1.0])) == 0.0


def test_standard_errors_of_what_is_no_jacobian() -> None:
    assert np.isnan(standard_errors([[1.0, 0.0], [0.0, np.nan]], 1.0)).all()
    assert np.isinf(standard_errors([[1.0, 0.0], [1.0, 0.0]], 1.0)).all()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in ("MGH17", "ENSO", "Gauss2") else ()) for name in SETS]
)
def test_the_adaptive_rule_reaches_what_the_exact_jacobian_does(name: str) -> None:
    """Eight digits of every standard error, and the certified parameters from both starts."""
    found = {row.way: row for row in compare(SETS[name], [OURS["adaptive"], OURS["exact"]])}
    assert found["adaptive"].errors >= ERRORS
    for ours, wanted in zip(found["adaptive"].parameters, found["exact"].parameters, strict=True):
        assert ours >= PARAMETERS or wanted < PARAMETERS


def test_exact_jacobians_fit_all() -> None:
    """So the law above leaves nothing out; here with two of the hardest."""
    for name in ("Bennett5", "MGH17"):
        (row,) = compare(SETS[name], [OURS["exact"]])
        assert min(row.parameters) >= PARAMETERS
