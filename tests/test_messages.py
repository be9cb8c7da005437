"""The page on settings and messages names all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fastgrad as fg

PAGE = Path(__file__).parent.parent / "docs" / "messages.md"


def test_every_setting_and_message_has_its_remedy() -> None:
    if not PAGE.exists():
        pytest.skip("the documentation is not installed beside the tests")
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    sources = "\n".join(path.read_text() for path in Path(fg.__file__).parent.rglob("*.py"))
    names = {*re.findall(r"FASTGRAD_[A-Z_]+", sources), "PerformanceWarning"}
    names |= {f"`{member.name}` ({member.value})" for kind in (fg.Status, fg.Verdict) for member in kind}
    for name in names:
        described = [row for row in rows if name in row.split("|")[1]]
        assert len(described) == 1, name
        assert all(len(cell.strip()) > 3 for cell in described[0].split("|")[1:-1]), name
