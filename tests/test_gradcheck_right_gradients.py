"""No false alarm over right gradients of many kinds, and no wrong one among them that agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

from right_gradients import Right, right_gradients

from fastgrad import Verdict
from fastgrad.gradcheck import check

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
RIGHT = right_gradients()

#: Entries below this share of the largest of a point may be rounding.
CLEAR = 1e-6


def test_there_are_many_kinds() -> None:
    assert len(RIGHT) > 400 and len({case.name for case in RIGHT}) == len(RIGHT)


def alarms(cases: list[Right]) -> tuple[list[Any], float]:
    """Return the checks that call a right gradient wrong or decide nothing, and the share of undecided entries."""
    results = [check(case.f, case.df, case.x, of=case.of) for case in cases]
    undecided = sum(result.counts["UNDECIDED"] for result in results) / sum(result.verdict.size for result in results)
    return [(case.name, result) for case, result in zip(cases, results, strict=True) if not result], undecided


@pytest.mark.parametrize("case", RIGHT[::7], ids=lambda case: case.name)
def test_right_gradients_pass(case: Right) -> None:
    wrong, _ = alarms([case])
    assert not wrong, wrong


@pytest.mark.parametrize("case", RIGHT[::14], ids=lambda case: case.name)
def test_a_wrong_sign_or_factor_never_agrees(case: Right) -> None:
    factor = (-1.0, 3.0, 1 / 3)[RIGHT.index(case) % 3]
    result = check(case.f, lambda x: factor * case.df(x), case.x, of=case.of)
    size = np.abs(result.analytic)
    clear = size > CLEAR * size.max(axis=tuple(range(1, size.ndim)), keepdims=True)
    assert not np.any(clear & (result.verdict == Verdict.AGREES)), result
    assert result.counts["DISAGREES"] or not clear.any() or "large constant" in case.name, result


@pytest.mark.slow
def test_all_right_gradients_pass() -> None:
    """At six points each, other ones than those of the fast tests."""
    wrong, undecided = alarms(right_gradients(6))
    assert not wrong, wrong
    assert undecided < 0.2
