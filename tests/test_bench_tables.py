"""The README's table is that of the stored results."""

from __future__ import annotations

import json
import re

import pytest
from conftest import bench_module

bench = bench_module("tables")


def test_the_readme_is_up_to_date() -> None:
    parts = bench.rendered(json.loads(bench.RESULTS.read_text()))
    text = bench.README.read_text()
    assert len(parts) == 2
    assert bench.placed(text, parts) == text


def test_only_what_is_between_the_markers_changes() -> None:
    text = "before\n<!-- a: how -->\nold\n<!-- end -->\nafter\n<!-- b: how -->\n<!-- end -->\n"
    new = bench.placed(text, {"a": "| x |", "b": "| \\1 |"})
    assert new == "before\n<!-- a: how -->\n| x |\n<!-- end -->\nafter\n<!-- b: how -->\n| \\1 |\n<!-- end -->\n"
    with pytest.raises(ValueError, match="found it 0 times"):
        bench.placed("", {"a": ""})


def test_stored_results_name_no_machine_and_hold_every_row() -> None:
    stored = json.loads(bench.RESULTS.read_text())
    assert set(stored["about"]) == {"cores", "vectors", "numpy", "scipy", "numba"}
    for group in bench.GROUPS:
        assert stored["speed"][group]["fastgrad"] > 0
    for line in stored["corpus"]:
        assert {"missed", "covered", "wrong", "nan"} <= set(line)


def test_every_row_is_a_group_of_the_benchmarks() -> None:
    source = "".join(path.read_text() for path in bench.RESULTS.parent.glob("bench_*.py"))
    for group in bench.GROUPS:
        _, what, *_ = re.split(r" of (?:gate |corpus )?|,", group)
        assert f'"{what}"' in source or f'"gate {what}"' in source or f'"corpus {what}"' in source


def test_results_are_reduced_to_time_per_point() -> None:
    group = bench.GROUPS[0]
    entry = {"group": group, "params": {"library": "jax"}, "stats": {"min": 3e-6}, "extra_info": {"points": 1000}}
    other = {"group": "another", "params": {}, "stats": {"min": 1.0}, "extra_info": {"points": 1}}
    about = dict.fromkeys(("cores", "vectors", "numpy", "scipy", "numba", "machine"), "1")
    report = {"about": about, "corpus": [], "summary": []}
    found = bench.reduced(report, {"benchmarks": [entry, other], "machine_info": {"node": "secret"}})
    assert found["speed"] == {group: {"jax": 3.0}}
    assert "secret" not in json.dumps(found)
