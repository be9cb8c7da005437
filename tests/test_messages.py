"""The page on settings and messages names all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fastgrad as fg

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "messages.rst"


def test_every_setting_and_message_has_its_remedy() -> None:
    if not PAGE.exists():
        pytest.skip("the documentation is not installed beside the tests")
    rows = [row.split("\n     - ") for row in PAGE.read_text().split("\n   * - ")[1:]]
    sources = "\n".join(path.read_text() for path in Path(fg.__file__).parent.rglob("*.py"))
    names = {*re.findall(r"FASTGRAD_[A-Z_]+", sources), "PerformanceWarning"}
    names |= {f"`{member.name}` ({member.value})" for kind in (fg.Status, fg.Verdict) for member in kind}
    for name in names:
        described = [row for row in rows if name in row[0].replace("``", "`")]
        assert len(described) == 1, name
        assert all(len(cell.split("\n\n")[0].strip()) > 3 for cell in described[0]), name
