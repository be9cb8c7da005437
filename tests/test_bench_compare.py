"""The judge of benchmark runs: ratios to the reference loop, and nothing else, decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import bench_module

bench = bench_module("compare")
OURS, THEIRS = "bench/bench_x.py::test_a[sigmoid-1000-fastgrad]", "bench/bench_x.py::test_a[sigmoid-1000-scipy]"


def run(directory: Path, times: dict[str, float], reference: float = 1e-4, name: str = "run.json") -> str:
    """What pytest-benchmark would store."""
    entries: list[Any] = [
        {"fullname": key, "stats": {"min": value}, "extra_info": {"reference": reference}}
        for key, value in times.items()
    ]
    (directory / name).write_text(json.dumps({"benchmarks": entries}))
    return str(directory / name)


@pytest.fixture
def baseline(tmp_path: Path) -> list[str]:
    """Options that name a baseline of two benchmarks."""
    options = ["--baseline", str(tmp_path / "baseline.json")]
    assert bench.main([run(tmp_path, {OURS: 1e-3, THEIRS: 1e-1}), "--save", *options]) == 0
    return options


@pytest.mark.parametrize(
    ("ours", "theirs", "reference", "factor", "status"),
    [
        (1e-3, 1e-1, 1e-4, 2.0, 0),
        (1.9e-3, 1e-1, 1e-4, 2.0, 0),
        (2.1e-3, 1e-1, 1e-4, 2.0, 1),
        (1.4e-3, 1e-1, 1e-4, 1.3, 1),
        (5e-3, 5e-1, 5e-4, 1.1, 0),  # a machine five times as slow
        (1e-3, 1e-1, 2e-5, 2.0, 1),  # a machine five times as fast that fastgrad does not gain from
        (1e-3, 9.0, 1e-4, 2.0, 0),  # what others do is their affair
        (1e-5, 1e-1, 1e-4, 2.0, 0),
    ],
)
def test_ratio_decides(
    tmp_path: Path, baseline: list[str], ours: float, theirs: float, reference: float, factor: float, status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    capsys.readouterr()
    results = run(tmp_path, {OURS: ours, THEIRS: theirs}, reference)
    assert bench.main([results, *baseline, "--factor", str(factor)]) == status
    out, err = capsys.readouterr()
    assert out.count("REGRESSION") == status
    assert ("slower than" in err) == bool(status)
    assert len(out.splitlines()) == 3


def test_new_and_missing_benchmarks_are_told(
    tmp_path: Path, baseline: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([run(tmp_path, {OURS: 1e-3, "bench/bench_y.py::test_b": 1.0}), *baseline]) == 0
    out = capsys.readouterr().out
    assert "new  bench_y.py::test_b" in out
    assert "1 of the baseline's 2 benchmarks were not run" in out


def test_mistakes(tmp_path: Path, baseline: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.json").write_text("words")
    (tmp_path / "empty.json").write_text('{"benchmarks": []}')
    for name in ("none.json", "words.json", "empty.json"):
        assert bench.main([str(tmp_path / name), *baseline]) == 2
        assert capsys.readouterr().err.startswith("bench.compare: ")


def test_the_saved_baseline_is_small_and_whole() -> None:
    stored = json.loads((bench.BASELINE).read_text())
    assert len(stored) > 50
    assert all(isinstance(ratio, float) and ratio > 0 for ratio in stored.values())
    assert any(bench.judged(name) for name in stored)
    assert (bench.BASELINE).stat().st_size < 64_000
