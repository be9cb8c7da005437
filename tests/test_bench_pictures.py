"""The README's picture is drawn from the library, and is there."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from conftest import bench_module

pytest.importorskip("matplotlib")
bench = bench_module("pictures")


def words(text: str) -> list[str]:
    """What is written in a picture."""
    return [" ".join(node.itertext()) for node in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]


def test_pictures_are_whole_and_those_of_the_readme() -> None:
    """Drawn anew they say the same words, stand by themselves, and follow the reader into the dark."""
    drawn = bench.drawn()
    shown = re.findall(r"!\[[^]]*\]\(docs/([^)]*)\)", (bench.DOCS.parent / "README.md").read_text())
    assert sorted(shown) == sorted(drawn)
    for name, text in drawn.items():
        stored = (bench.DOCS / name).read_text()
        assert words(stored) == words(text)
        assert len(words(text)) > 10
        assert "prefers-color-scheme: dark" in stored
        assert not re.search(r"(?:href|src)=.http", stored)
