"""The judging kernel of the adaptive rule: NumPy and machine code give the same bits; exact weights."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import run_script

import fastgrad as fg
from fastgrad.adaptive_rule import adaptive, estimate, schedule
from fastgrad.adaptive_rule.extrapolation import DEVIATIONS, LevelTable, coefficient_weights, value_weights
from fastgrad.compilation import scan

pytestmark = pytest.mark.machine_code

POINTS = np.concatenate([np.linspace(-3, 3, 61), [0.0, 1e-9, -1e-12, 1e-300, 1e6, -1e12, 1e250]])
FUNCTIONS = {
    "smooth": lambda x: np.exp(-x / 2) * np.sin(3 * x),
    "edge": lambda x: np.log(x),
    "kink": lambda x: np.abs(x),
    "step": lambda x: np.floor(x),
    "rounded": lambda x: np.float64(np.float32(np.sin(x))),
    "overflow": lambda x: np.exp(x * x),
}


def tables() -> list[LevelTable]:
    """Every level set of every order and side."""
    return [
        make(n, two_sided)
        for n in range(1, 9)
        for two_sided in (True, False)
        for make in (schedule.first, schedule.finer, schedule.sliding)
    ]


def machine_code(monkeypatch: pytest.MonkeyPatch, used: bool) -> None:
    """Let scans run as machine code, or by NumPy."""
    if used:
        monkeypatch.setattr(scan, "PATIENCE", -1)
    else:
        monkeypatch.setattr(scan.Scan, "function", lambda *_: None)


def all_functions(points: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The functions side by side in one batch, each at all of `POINTS`."""
    values, number = np.empty(points.shape), index // POINTS.size
    for k, f in enumerate(FUNCTIONS.values()):
        values[number == k] = f(points[number == k])
    return values


@pytest.mark.parametrize(("side", "n"), [(-1, 1), (0, 1), (1, 2), (0, 5)])
def test_numpy_and_machine_code_give_the_same_bits(side: int, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every round and in the last search: results, bounds and statuses."""
    estimates = []
    for used in (True, False):
        with monkeypatch.context() as patch, np.errstate(all="ignore"):
            machine_code(patch, used)
            estimates.append(estimate(all_functions, np.tile(POINTS, len(FUNCTIONS)), adaptive(n=n, side=side)))
    for name, a, b in zip(estimates[0]._fields, *estimates, strict=True):
        assert np.array_equal(a, b, equal_nan=True), name


def test_weights_are_exact_on_polynomials() -> None:
    """Extrapolation gives the coefficient of every polynomial that a window has levels for; predictions its values."""
    for level_set in tables():
        for a, b in level_set.windows:
            nodes = level_set.nodes[a : b + 1]
            assert b - a + 1 >= level_set.degree + 4  # three successive corrections
            weights = coefficient_weights(nodes, level_set.degree)
            for power in range(len(nodes)):
                assert sum(w * t**power for w, t in zip(weights, nodes, strict=True)) == (power == level_set.degree)
            for level in range(b + 1, len(level_set.steps)):
                at = level_set.nodes[level]
                predicted = value_weights(nodes, at)
                top = len(nodes) - 1
                assert sum(w * t**top for w, t in zip(predicted, nodes, strict=True)) == at**top


def test_the_noise_gain_is_that_of_random_values() -> None:
    """So many standard deviations of the extrapolated derivative of pure noise, by simulation."""
    rng = np.random.default_rng(2)
    level_set = schedule.first(1, True)
    for a, b in level_set.windows:
        weights = [float(w) for w in coefficient_weights(level_set.nodes[a : b + 1], 0)]
        h = np.array(level_set.steps[a : b + 1])
        noise = rng.normal(size=(2, 20_000, h.size))
        slopes = ((noise[0] - noise[1]) / (2 * h)) @ weights
        assert math.isclose(DEVIATIONS * slopes.std(), level_set.noise_gain(a, b), rel_tol=0.03)


def test_a_kernel_cannot_branch() -> None:
    branching = scan.Scan("branching", finish=lambda _select, _state, points: (1.0 if points[0] > 0 else points[0],))
    with pytest.raises(TypeError, match="cannot branch"):
        branching.code(1, 0, 0)


def test_a_kernel_is_compiled_once_numpy_has_taken_many_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for few points, for which NumPy takes less time; at once for many."""
    compiled: list[str] = []
    compile_it = scan.Scan.code

    def counted(self: scan.Scan, *shape: int) -> Any:
        compiled.append(self.name)
        return compile_it(self, *shape)

    monkeypatch.setattr(scan.Scan, "code", counted)
    monkeypatch.setattr(scan, "needs_compiling", lambda _: True)
    for size, calls in ((1000, 1 + scan.PATIENCE // 1000), (scan.PATIENCE + 1, 2)):
        points, counts = np.linspace(1.0, 2.0, size), []
        kernel = scan.Scan("third", finish=lambda _select, _state, points: (points[0] / 3.0,))
        compiled.clear()
        for _ in range(calls):
            results, _ = kernel([points], [], 1, 1)
            assert np.array_equal(results[0], points / 3.0)
            counts.append(len(compiled))
        assert counts[0] == (size > scan.PATIENCE)
        assert counts[-1] == 1


SCRIPT = """
import numpy as np, fastgrad as fg
x = {points}
made = fg.derivative(lambda x: abs(x - 1) * x, x, full_output=True)
print([float(v).hex() for v in np.ravel(made.df)], [float(v).hex() for v in np.ravel(made.error)])
"""


def test_a_cold_and_a_warm_cache_give_the_same_bits(tmp_path: Path) -> None:
    for points in ("np.linspace(-2.0, 2.0, 41)", "1.0"):
        script = SCRIPT.format(points=points)
        cold, warm = (run_script(script, FASTGRAD_CACHE_DIR=str(tmp_path)) for _ in range(2))
        assert cold == warm and "0x" in cold


def test_steps_are_those_of_the_documentation() -> None:
    assert schedule.first(1, True).steps[:6] == (1 / 8, 3 / 32, 1 / 16, 1 / 32, 1 / 64, 1 / 128)
    assert Fraction(schedule.FACTOR).denominator > 2**40  # no sum inside `f` rounds alike at all of them


def test_short_pieces_of_the_first_round_along_lines_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of fewer entries than an instruction has lanes read and wrote before its arrays."""
    x = np.random.default_rng(0).normal(size=(211, 3))

    def f(v: Any) -> Any:
        return np.sin(v[0]) * v[1] + np.exp(v[2])

    whole = fg.gradient(f, x, full_output=True)
    taken = []

    def in_short_steps(work: Any, count: int, _cost: Any, *_: Any) -> None:
        start = 0
        for size in (3, 1, 9, 200, 7, count):
            work(slice(start, min(start + size, count)))
            taken.append(size)
            start += size

    monkeypatch.setattr("fastgrad.differentiation.lane_rounds.in_steps", in_short_steps)
    for a, b in zip(whole, fg.gradient(f, x, full_output=True), strict=True):
        np.testing.assert_array_equal(a, b)
    assert taken
