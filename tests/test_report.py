"""Tables, pages and plots: they say what the rows say."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import gates
from fastgrad.report import content, drawing, formats, plots, tables
from fastgrad.report.content import build_document
from fastgrad.report.document import Document, Items, Legend, Section
from fastgrad.report.drawing import MissingExtra
from fastgrad.report.formats import render
from fastgrad.report.model import AccuracyReport, Speed
from fastgrad.report.results import FACTORS, Curve, Point, Profile, Row

ROW = Row(
    "sine", "function", "central(order=2)", "central 2", "closed form", points=1000, timed=1000, max_error=2e-9,
    p99_error=1e-9, median_error=3e-11, max_ulp=2e7, p99_ulp=1e7, median_ulp=3e5, off=0.002, max_absolute=4e-9,
    median_absolute=5e-11, worst=(Point((0.5,), 0.877, 0.878, 2e-9, 4e-9),), evaluations=2.0, nanoseconds=12.345,
    covered=0.99, calibration=tuple(k / 16 for k in range(17)),
)  # fmt: skip
CURVE = Curve("sine", "central(order=2)", "central 2", (1e-8, 1e-5, 1e-2), (1e-8, 1e-11, 1e-5), 1e-5, 2e-11)
PROFILE = Profile("sine", "central(order=2)", "central 2", (0.0, 1.0, 2.0), (1e-9, math.nan), (1e-11, math.nan))


def many(count: int = 5) -> AccuracyReport:
    names = [(f"f{i}", label) for i in range(count) for label in ("a", "b")]
    rows = tuple(replace(ROW, function=name, method=label, label=label) for name, label in names)
    return AccuracyReport(rows, (CURVE,), {"points": "1,000", "cores": "2", "numpy": "2"},
                          profiles=(PROFILE,))  # fmt: skip


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
    assert [t.title for t in tables.tables(AccuracyReport((ROW,)))] == ["sine", "sine: worst points"]
    titles = [t.title for t in tables.tables(many())]
    assert titles[0] == "Functions: largest error"
    assert titles[-1] == "Functions: all 5 together"


def test_a_failure_is_told() -> None:
    failed = AccuracyReport((replace(ROW, failure="RuntimeError: no"),))
    assert "failed" in repr(failed)
    assert any("RuntimeError: no" in note for note in content.notes(failed))


def test_json_holds_everything_and_no_nan() -> None:
    text = AccuracyReport((replace(ROW, max_error=math.inf),), (CURVE,), {"points": "9"}).to_json()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert found["rows"][0]["max_error"] is None
    assert found["rows"][0]["median_error"] == 3e-11
    assert found["rows"][0]["digits"] == pytest.approx(-math.log10(3e-11))
    assert found["rows"][0]["worst"][0] == {"args": [0.5], "df": 0.877, "truth": 0.878, "error": 2e-9, "bar": 4e-9}
    assert found["curves"][0]["chosen_step"] == 1e-5
    assert (found["curves"][0]["best_step"], found["curves"][0]["best_error"]) == (1e-5, 1e-11)
    assert len(found["factors"]) == len(FACTORS) == len(found["rows"][0]["calibration"])
    assert found["summary"][0]["functions"] == 1


def test_markdown_tables_are_whole() -> None:
    text = many().to_markdown()
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 5
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
    assert "2e-09" in text
    assert "12.3" in text


def test_terminal_at_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = tuple(
        replace(ROW, function=f"Black-Scholes delta {i}", label=label, max_error=3e-12)
        for i in range(4)
        for label in ("fwd 1", "bwd 1", "central 2", "central 4", "central 6", "adaptive", "NumPy", "SciPy")
    )
    shown = render(build_document(AccuracyReport(rows, (), {"points": "1"})), "terminal")
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("3e-12") >= 32
    assert shown.rstrip().split("\n\n")[-1].startswith("Use central(order=2): ")


def test_colours_on_a_terminal_unless_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    page = build_document(AccuracyReport((replace(ROW, max_error=0.5, median_error=1e-14),)))
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert all(code in render(page, "terminal") for code in ("\x1b[31m", "\x1b[32m", "\x1b[1msine\x1b[0m"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render(page, "terminal")


@pytest.mark.parametrize("columns", [1, 9, 40])
def test_a_table_too_wide_is_cut(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost, every part has the first column, and no line is too long."""
    monkeypatch.setenv("COLUMNS", "80")
    labels = [f"column-{k:02d}" for k in range(columns)]
    cells = tuple((f"row {i}", *(f"{i}.{k}" for k in range(columns))) for i in range(2))
    table = tables.Table("wide", ("", *labels), cells)
    shown = render(Document("", (Section("", (table,)),)), "terminal")
    assert max(map(len, shown.splitlines())) <= 80
    assert all(shown.count(label) == 1 for label in labels)
    assert shown.count("row 1") == shown.count("wide") == -(-columns // 7)
    assert all(f"1.{k}" in shown for k in range(columns))


@pytest.mark.parametrize("name", ["text", "terminal", "markdown", "markdown with pictures", "html"])
def test_every_format_writes_what_it_has_a_writer_for(name: str) -> None:
    """One document in all formats: cells, sentences and terms come out, or their element is none of the format."""
    table = tables.Table("heads", ("", "a"), (("r", "1.5"),))
    elements = (table, Items(("A sentence.",)), Legend("", (("b", "term"),)))
    text = render(Document("T", (Section("S", elements),), ("Use it.",)), name)
    assert "1.5" in text and "Use it." in text
    assert ("A sentence." in text) == ("term" in text) == (name != "text")


def test_the_recommendation_comes_first() -> None:
    """The most reliable method and the fastest that is nearly so; a method that fails is neither."""
    rows = (
        replace(ROW, method="good", label="good", off=0.0, median_error=1e-15, nanoseconds=100.0),
        replace(ROW, method="quick", label="quick", off=0.001, nanoseconds=1.0),
        replace(ROW, method="quicker, wrong", label="wrong", off=0.5, nanoseconds=0.1),
        replace(ROW, method="broken", label="broken", failure="no"),
    )
    (text,) = content.recommendation(AccuracyReport(rows))
    assert text == (
        "Use good: right to 1e-6 at all points, 15.0 digits at the median point, 100 ns a point. Where speed counts, "
        "use quick: 0.1 % of the points are wrong by more than 1e-6, 1.0 ns a point."
    )


def test_a_method_that_is_right_everywhere_is_not_wrong_at_0_per_cent() -> None:
    rows = (replace(ROW, method="good", off=0.0, median_error=1e-15, nanoseconds=100.0), replace(ROW, off=0.0))
    (text,) = content.recommendation(AccuracyReport(rows))
    assert "Where speed counts, use central(order=2): right to 1e-6 at all points, 12.3 ns a point." in text
    assert "0 %" not in text


def test_methods_timed_on_fewer_points_share_a_sentence() -> None:
    labels = {"a": 1000, "b": 100, "c": 100, "d": 0}
    rows = tuple(replace(ROW, method=label, label=label, timed=timed) for label, timed in labels.items())
    assert list(content.notes(AccuracyReport(rows))) == [
        "d was timed on 0 of the 1 functions.",
        "Timed on 1,000 points, slow methods and functions on fewer: at least 100 (b, c).",
    ]


def test_worst_points_are_listed_worst_first() -> None:
    point = ROW.worst[0]
    rows = [replace(ROW, function=f"f{i}", worst=(replace(point, args=(float(i), 2.0), error=i * 1e-3),))
            for i in range(1, 9)]  # fmt: skip
    (table,) = [t for t in tables.tables(AccuracyReport(tuple(rows))) if t.part == "Worst points"]
    assert [cells[1] for cells in table.cells] == ["f8", "f7", "f6"]
    assert table.cells[0][2:] == ("8, 2", "8e-03", "0.877", "0.878", "4.0e-09")
    assert "worst points" not in repr(AccuracyReport(tuple(rows)))


def test_no_progress_where_nobody_looks() -> None:
    with formats.progress() as bar:
        assert bar is None


def test_pages_and_plots_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = content.write(many(), tmp_path / "new")
    pages = ["report.md", "report.html", "report.json"]
    stems = ("speed-function", "vcurve-sine", "along-sine", "bars-function")
    assert [p.name for p in written] == [*pages, *(f"{s}.svg" for s in stems), *(f"{s}.png" for s in stems)]
    assert (tmp_path / "new" / "vcurve-sine.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "new" / "vcurve-sine.svg").read_text()
    assert "![Error against step: sine](vcurve-sine.png)" in (tmp_path / "new" / "report.md").read_text()


def test_processes_draw_the_same_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    alone = content.write(many(), tmp_path / "alone")
    monkeypatch.setattr(content, "FEWEST", 2)
    monkeypatch.setattr(content, "cores", lambda: 2)
    monkeypatch.setattr("fastgrad.report.document.svg", None)  # this process draws nothing
    for here, there in zip(alone, content.write(many(), tmp_path / "several"), strict=True):
        assert here.read_bytes() == there.read_bytes(), here.name


@pytest.mark.parametrize(("name", "start"), [("a.html", "<!doctype"), ("a.md", "# fastgrad"), ("a.json", "{")])
def test_a_single_page(tmp_path: Path, name: str, start: str) -> None:
    pytest.importorskip("matplotlib")
    assert content.write(many(), tmp_path / name) == [tmp_path / name]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text().startswith(start)
    with pytest.raises(ValueError, match="a page ends in"):
        content.write(many(), tmp_path / "a.pdf")


@pytest.mark.parametrize(
    "show", [content.require, lambda path: content.write(many(), path), lambda path: many().to_html()]
)
def test_a_missing_library_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, show: Callable[[Path], object]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r'needs matplotlib, .* pip install "fastgrad\[report\]"'):
        show(tmp_path / "a.html")


def test_the_page_needs_nothing_else() -> None:
    """Everything is inside, what a caller's function is called cannot break it, and all tables are there."""
    pytest.importorskip("matplotlib")
    report = replace(many(), rows=(replace(ROW, function="<b>evil</b>"), *many().rows))
    text = report.to_html()
    assert text.startswith("<!doctype html>")
    assert text.count("<svg") == text.count("</svg>") == 4
    assert [picture.part for picture in plots.pictures(report)] == list(plots.TEXTS)
    assert "<b>evil" not in text
    assert "&lt;b&gt;evil" in text
    assert not any(word in text for word in ("<link", "<script", "src=", "@import"))
    assert all(part.startswith(("#", "data:")) for part in re.findall(r'href="([^"]*)"', text))
    names = re.findall(r'\bid="([^"]*)"', text)
    assert len(names) == len(set(names)) > 50
    assert {link[1:] for link in re.findall(r'(?:href="|url\()(#[^")]*)', text)} <= set(names)
    for table in tables.tables(report):
        assert table.title in text


def test_rows_carry_their_ranks() -> None:
    """A style sheet sorts by them: numbers by size, then errors that are none, then empty cells; equal cells share."""
    cells = (("b", "1e-09"), ("a", "> 1"), ("d", "-"), ("c", "1,000"), ("e", "0 %"), ("f", "0 %"))
    page = render(Document("", (Section("", (tables.Table("t", ("", "x"), cells),)),)), "html")
    assert re.findall(r'<tr style="--c0:(\d);--c1:(\d)">', page) == [
        ("1", "1"), ("0", "3"), ("3", "4"), ("2", "2"), ("4", "0"), ("5", "0")]  # fmt: skip
    assert page.count('type="radio"') == 2
    assert "table:has(th:nth-child(2) input:checked) tbody tr { --rank: var(--c1); }" in page


def test_the_page_for_a_reader_who_does_not_see_it() -> None:
    """Headings go down one by one, cells have both their headers, plots and what scrolls have names."""
    pytest.importorskip("matplotlib")
    text = many().to_html()
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1 and all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    assert len(rows) > 20
    assert all(row.startswith(('<th scope="row">', '<th scope="col">')) for row in rows)
    named = re.findall(r'role="(?:img|region)" aria-label="([^"]+)"', text)
    assert len(named) == len(set(named)) == text.count("<svg") + text.count("<table")
    assert "Error against step: sine" in named


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
def test_columns_are_explained(name: str) -> None:
    """Every column of figures and every method has a legend."""
    pytest.importorskip("matplotlib")
    shown = " ".join(render(build_document(AccuracyReport((ROW,))), name).split())
    (detail, _) = tables.tables(AccuracyReport((ROW,)))
    assert set(detail.header[1:]) <= set(tables.LEGEND)
    assert all(tables.LEGEND[column] in shown for column in detail.header[1:])
    assert "central(order=2)" in shown and tables.LEGEND["fails"] not in shown
    if name == "html":
        assert all(f'title="{tables.LEGEND[column]}"' in shown for column in detail.header[1:])


def test_pictures_stand_before_tables() -> None:
    pytest.importorskip("matplotlib")
    text = many().to_html()
    assert text.index("<svg") < text.index("<table")
    assert text.index("Use ") < text.index("<svg")


def test_formulas_are_shown() -> None:
    pytest.importorskip("matplotlib")
    row = replace(ROW, formula="sin(x) < 1")
    assert "sin(x) &lt; 1" in AccuracyReport((row,)).to_html()


def test_plots_take_the_colours_of_the_page() -> None:
    """No colour of a plot is fixed but those of the heat map, which is an image; all variables are defined."""
    pytest.importorskip("matplotlib")
    for picture in plots.pictures(many()):
        used = set(re.findall(r"var\(--(\w+)", picture.svg))
        assert {"ink", "line"} <= used or picture.part == "Error along the domain"
        assert used <= set(drawing.SCHEME)
        fixed = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", picture.svg))
        assert not fixed, picture.part
    assert all(drawing.variables().count(f"--{name}:") == 3 for name in drawing.SCHEME)
    assert len({pair[0] for pair in drawing.SCHEME.values()}) == len(drawing.SCHEME)


def test_rows_as_a_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = many().to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 10
    assert frame.worst[0] == (0.5,)
    assert frame.groupby("label").max_error.max().to_dict() == {"a": 2e-9, "b": 2e-9}
    assert frame.digits[0] == pytest.approx(-math.log10(3e-11))


def test_speed_tells_medians_of_ratios() -> None:
    found = Speed({name: {"ours": ours, "NumPy": 10.0} for name, ours in (("f", 1.0), ("g", 2.0), ("h", 5.0))},
                     {"points": "9", "cores": "2", "vectors": "AVX2"})  # fmt: skip
    ratios = found.ratios()["times as fast as NumPy"]
    assert ratios["ours"] == 5.0
    assert math.isnan(ratios["NumPy"])
    assert json.loads(found.to_json())["ratios"]["times as fast as NumPy"] == {"ours": 5.0, "NumPy": None}
    assert found.promises() == ()
    kept = Speed({"f": {"central 2": 1.0, "adaptive": 10.0, "NumPy": 7.0, "SciPy": 90.0}}, found.about)
    assert [(p.method, p.here, p.promised) for p in kept.promises()] == [
        ("central 2", 7.0, 6.0), ("central 2", 90.0, 100.0), ("adaptive", 9.0, 5.0)]  # fmt: skip
    assert "central 2 is 90 times as fast as SciPy (promised: 100)." in tables.speeds(kept).note
    table = tables.speeds(found)
    assert table.cells[-1] == ("times as fast as NumPy", "5", "")
    assert table.cells[0] == ("f", "1.0", "10.0")


def test_repr_is_a_table() -> None:
    shown = repr(fg.accuracy(gates.sin, ["central", fg.central(4)], np.linspace(0, 1, 100)))
    assert shown.splitlines()[0] == "sin"
    assert "central 4" in shown
    assert shown.splitlines()[-1].startswith("Use central(order=4): right to 1e-6 at all points, ")
