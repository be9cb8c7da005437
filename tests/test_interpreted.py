"""The kernels run by Python: the same text, the same numbers, the same bits as machine code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad.estimates import Estimate
from fastgrad.ladder import Adaptive, _climb, _machine, estimate

POINTS = np.concatenate(
    [[0.0, -0.0, 1e-300, 5e-324, 1e300, np.inf, np.nan, 1.0], np.random.default_rng(5).uniform(-3, 3, 12)]
)
FUNCTIONS: dict[str, Any] = {
    "smooth": lambda x: np.tanh(np.sin(x) * np.exp(-x * x)),
    "edge": lambda x: np.sqrt(x),
    "kink": lambda x: np.abs(x - 1),
    "step": np.floor,
    "fast": lambda x: np.sin(1000 * x),
    "pole": lambda x: 1 / x,
    "rounded": lambda x: np.round(np.exp(x), 6),
    "noisy": lambda x: np.sin(x) + 1e-8 * np.sin(1e9 * x),
}


def both(f: Any, rule: Adaptive, monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[Estimate, Estimate]:
    """The estimates by machine code and by Python."""

    def evaluate(points: Any, index: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(points)

    found = []
    for compiled in (True, False):
        monkeypatch.setattr(_climb, "compiled_for", lambda operands, compiled=compiled: compiled)
        found.append(estimate(evaluate, POINTS, rule, **given))
    return found[0], found[1]


@pytest.mark.parametrize("rule", [Adaptive(), Adaptive(2), Adaptive(3), Adaptive(1, "left"), Adaptive(1, rtol=1e-3)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_bits(name: str, rule: Adaptive, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, python = both(FUNCTIONS[name], rule, monkeypatch)
    for field, a, b in zip(Estimate._fields, compiled, python, strict=True):
        assert np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype, field
    # from one side six rounded digits are too few to converge: it says so
    assert compiled.success.any() or rule.n > 1 or name == "step" or (name, rule.side) == ("rounded", "left")


def test_same_bits_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, python = both(FUNCTIONS["smooth"], Adaptive(), monkeypatch, step=0.1, low=-2.0, high=2.5)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(compiled, python, strict=True))


def test_exceptions_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_climb, "compiled_for", lambda operands: False)

    def f(points: Any, index: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        estimate(f, POINTS, Adaptive())


SCRIPT = """
import fastgrad as fg
from fastgrad.ladder import _machine

def f(x):
    return x * x * x

print(float(fg.derivative(f, 2.0)).hex())
print(_machine.shared.cache_info().currsize)
"""


def test_few_points_do_not_wait_for_the_compiler(tmp_path: Path) -> None:
    """With an empty cache one point comes without compiling the ladder, and to the same bits as with it."""
    environment = {**os.environ, "FASTGRAD_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT]
    cold = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert cold[1] == "0"
    warm = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True).stdout.split()
    assert cold[0] == warm[0]
    assert abs(float.fromhex(cold[0]) - 12) < 1e-12


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many points, or many calls, are worth the compiler."""
    monkeypatch.setattr(_climb, "at_hand", lambda key: False)
    monkeypatch.setattr(_climb._python, "spent", 0.0)
    _machine.shared.cache_clear()
    try:
        assert not _climb.compiled_for([np.zeros(256), 1.0])
        assert _climb.compiled_for([np.zeros((257, 1)), 1.0])
        monkeypatch.setattr(_climb._python, "spent", 1.1)
        assert _climb.compiled_for([0.0])
    finally:
        monkeypatch.undo()
        _machine.shared()
