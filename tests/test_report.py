"""Tables, pages and plots: they say what the rows say."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import gates, report
from fastgrad.report import html, plots, tables, terminal
from fastgrad.report.results import AccuracyReport, Curve, Row, Standing

ROW = Row("sine", "function", "central(order=2)", "central 2", "closed form", 1000, 1000, 2e-9, 1e-9, 3e-11, 0.002, 0,
          4e-9, 5e-11, 0.5, 2.0, 12.345)  # fmt: skip
CURVE = Curve("sine", "central(order=2)", "central 2", (1e-8, 1e-5, 1e-2), (1e-8, 1e-11, 1e-5), 1e-5, 2e-11)


def many(count: int = 5) -> AccuracyReport:
    names = [(f"f{i}", label) for i in range(count) for label in ("a", "b")]
    rows = tuple(replace(ROW, function=name, method=label, label=label) for name, label in names)
    return AccuracyReport(rows, (CURVE,), {"points": "1,000", "cores": "2", "numpy": "2"})


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (2.4e-9, "2e-09"), (math.inf, "NaN"), (math.nan, "-"), (5e299, "> 1"), (1.0, "1e+00")],
)
def test_errors_are_shown(value: float, text: str) -> None:
    assert tables.error(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0 %"), (1e-6, "0.0001 %"), (0.099, "10 %"), (1.0, "100 %")])
def test_shares_are_shown(value: float, text: str) -> None:
    assert tables.share(value) == text


def test_few_functions_get_a_table_each_and_many_share() -> None:
    assert [t.title for t in tables.tables(AccuracyReport((ROW,)))] == ["sine"]
    titles = [t.title for t in tables.tables(many())]
    assert titles[0] == "Functions: maximum error"
    assert titles[-1] == "Functions: all 5 together"


def test_a_failure_is_told() -> None:
    failed = AccuracyReport((replace(ROW, failure="RuntimeError: no"),))
    assert "failed" in repr(failed)
    assert any("RuntimeError: no" in note for note in tables.notes(failed))


def test_json_holds_everything_and_no_nan() -> None:
    text = AccuracyReport((replace(ROW, max_error=math.inf),), (CURVE,), {"points": "9"}).to_json()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert found["rows"][0]["max_error"] is None
    assert found["rows"][0]["median_error"] == 3e-11
    assert found["curves"][0]["chosen_step"] == 1e-5
    assert found["summary"][0]["functions"] == 1


def test_markdown_tables_are_whole() -> None:
    text = many().to_markdown()
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 4
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
    assert "2e-09" in text
    assert "12.3" in text


def test_terminal_at_eighty_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "80")
    rows = tuple(
        replace(ROW, function=f"Black-Scholes delta {i}", label=label, max_error=3e-12)
        for i in range(4)
        for label in ("fwd 1", "bwd 1", "central 2", "central 4", "central 6", "adaptive", "NumPy", "SciPy")
    )
    terminal.show(AccuracyReport(rows, (), {"points": "1"}))
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("3e-12") >= 32


def test_no_bar_where_nobody_looks() -> None:
    with terminal.progress() as bar:
        assert bar is None


def test_pages_and_plots_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = report.write(many(), tmp_path / "new")
    pages = ["report.md", "report.html", "report.json"]
    assert [p.name for p in written] == [*pages, "vcurve-sine.svg", "vcurve-sine.png"]
    assert (tmp_path / "new" / "vcurve-sine.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "new" / "vcurve-sine.svg").read_text()
    assert "![Error against step](vcurve-sine.png)" in (tmp_path / "new" / "report.md").read_text()


@pytest.mark.parametrize(("room", "library"), [(terminal, "rich"), (plots, "matplotlib"), (html, "jinja2")])
def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch, room: object, library: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(report.MissingExtra, match=r'needs .* pip install "fastgrad\[report\]"'):
        room.require()  # type: ignore[attr-defined]


def test_the_page_needs_nothing_else() -> None:
    """Everything is inside, what a caller's function is called cannot break it, and all tables are there."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    found = replace(many(), rows=(replace(ROW, function="<b>evil</b>"), *many().rows))
    text = found.to_html()
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == text.count("</svg>") == 2
    assert "<b>evil" not in text
    assert "&lt;b&gt;evil" in text
    assert not any(word in text for word in ("<script", "<link", "src=", "@import"))
    assert all(part.startswith("#") for part in re.findall(r'href="([^"]*)"', text))
    for table in tables.tables(found):
        assert table.title in text


def test_rows_as_a_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = many().to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 10
    assert frame.digits[0] == pytest.approx(-math.log10(3e-11))


def test_standing_tells_medians_of_ratios() -> None:
    found = Standing({name: {"ours": ours, "NumPy": 10.0} for name, ours in (("f", 1.0), ("g", 2.0), ("h", 5.0))},
                     {"points": "9", "cores": "2", "vectors": "AVX2"})  # fmt: skip
    ratios = found.ratios()["times as fast as NumPy"]
    assert ratios["ours"] == 5.0
    assert math.isnan(ratios["NumPy"])
    assert json.loads(found.to_json())["ratios"]["times as fast as NumPy"] == {"ours": 5.0, "NumPy": None}
    table = tables.standing(found)
    assert table.cells[-1] == ("times as fast as NumPy", "5", "")
    assert table.cells[0] == ("f", "1.0", "10.0")


def test_repr_is_a_table() -> None:
    shown = repr(fg.accuracy(gates.sin, ["central", fg.central(4)], np.linspace(0, 1, 100)))
    assert shown.splitlines()[0] == "sin"
    assert "central 4" in shown
