"""A matrix of gradients and mistakes: what is right passes, what is wrong is found, and mostly named."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gradients import CASES, MISTAKES, Case, planted
from fastgrad.gradcheck import Check, check

pytestmark = pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")
CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.f.__name__)


def checked(case: Case, mistake: str) -> Check:
    return check(case.f, planted(case, mistake), case.points(), of=case.of)


@CASE
def test_right_gradients_pass(case: Case) -> None:
    result = check(case.f, case.df, case.points(), of=case.of)
    assert result and result.counts["AGREES"] == result.verdict.size, result


@CASE
def test_planted_mistakes_are_found(case: Case) -> None:
    """Three of the twelve for each gradient, all twelve over any four."""
    for mistake in MISTAKES[CASES.index(case) % 4 :: 4]:
        assert checked(case, mistake).counts["DISAGREES"], mistake


@pytest.mark.slow
def test_all_mistakes_are_found_and_most_are_named() -> None:
    results = {(case.f.__name__, mistake): checked(case, mistake) for case in CASES for mistake in MISTAKES}
    missed = [key for key, result in results.items() if not result.counts["DISAGREES"]]
    unnamed = [key for key, result in results.items() if not result.patterns]
    assert len(results) == 240
    assert len(missed) <= 2, missed
    assert len(unnamed) <= 48, unnamed


def test_every_slip_changes_the_gradient() -> None:
    for case in CASES:
        assert set(case.slips) == set(MISTAKES)
        for mistake in MISTAKES:
            wrong = planted(case, mistake)
            off = [np.max(np.abs(wrong(x) - case.df(x))) / np.max(np.abs(case.df(x))) for x in case.points()]
            assert max(off) > 1e-9, (case.f.__name__, mistake)
