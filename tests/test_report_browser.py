"""The page in a real browser: it asks for nothing, complains of nothing, fits a phone, and prints."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.report.model import AccuracyReport

pytest.importorskip("matplotlib")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if BROWSER is None:
    pytest.skip("needs Chromium", allow_module_level=True)

#: Shows the page in a frame as wide as a phone or a screen, and writes down what it finds there.
FRAME = """<!doctype html><meta charset="utf-8"><pre id="found"></pre>
<iframe id="page" style="width: {width}px; height: 900px; border: 0" srcdoc="{page}"></iframe>
<script>
onload = () => {{
  const root = document.getElementById("page").contentDocument, body = root.documentElement;
  const paper = getComputedStyle(root.body).backgroundColor;
  document.getElementById("found").textContent = JSON.stringify({{
    wide: body.scrollWidth, shown: body.clientWidth, plots: root.querySelectorAll("svg").length,
    narrow: [...root.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().width < 250).length,
    out: [...root.querySelectorAll("figure, p, h1, h2, h3, ul, .wide")]
      .filter(e => e.getBoundingClientRect().right > body.clientWidth + 1).map(e => e.outerHTML.slice(0, 80)),
    ink: getComputedStyle(root.body).color, paper,
    unseen: [...root.querySelectorAll("svg text, svg path, svg use")]
      .filter(e => getComputedStyle(e).fill === paper && getComputedStyle(e).stroke === "none").length,
  }});
}};
</script>"""


@pytest.fixture(scope="module")
def report() -> AccuracyReport:
    """A report with every plot, on a function with a name that is not fit for HTML."""

    def f(x: float) -> float:
        return np.exp(-0.3 * x) * np.sin(3 * x)  # type: ignore[no-any-return]

    f.__name__ = "<i>f & g</i>"
    return fg.accuracy(f, ["forward", "central", fg.central(4), "adaptive", "numpy", "scipy"], 300, domain=[(-5, 5)],
                       curves=["*"])  # fmt: skip


def browser(directory: Path, page: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a browser of its own, without a network."""
    path = directory / "page.html"
    path.write_text(page, encoding="utf-8")
    return subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", f"--user-data-dir={directory / 'profile'}",
         *options, path.as_uri()],
        capture_output=True, text=True, timeout=180, check=True, errors="replace",
    )  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, 1), (1280, 0)])
def test_in_a_browser(report: AccuracyReport, tmp_path: Path, width: int, scheme: int) -> None:
    page = report.to_html()
    frame = FRAME.format(width=width, page=html.escape(page, quote=True))
    done = browser(tmp_path, frame, f"--blink-settings=preferredColorScheme={scheme}", "--window-size=1400,1000",
                   "--dump-dom")  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints
    written = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert written is not None
    found = json.loads(html.unescape(written[1]))
    assert found["wide"] <= found["shown"] <= width
    assert found["out"] == []
    assert found["plots"] == 4
    assert found["narrow"] == found["unseen"] == 0
    dark = scheme == 0
    assert (found["paper"] == "rgb(21, 24, 28)") == dark
    assert (found["ink"] == "rgb(228, 231, 235)") == dark


def test_a_click_sorts_a_table(report: AccuracyReport, tmp_path: Path) -> None:
    """By the column that is clicked, upwards, then downwards, then as before; the page itself has no script."""
    script = """
      const table = root.querySelector("table"), form = table.closest("form");
      const column = () => [...table.tBodies[0].rows]
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map(row => row.cells[9].textContent);
      const aligned = () => new Set([...table.rows].map(row => row.cells[9].getBoundingClientRect().right)).size;
      const found = [[column(), aligned()]];
      for (const part of ["th:nth-child(10) label", "[type=checkbox]", "button"]) {
        form.querySelector(part).click();
        found.push([column(), aligned()]);
      }
      document.getElementById("found").textContent = JSON.stringify(found);
    };</script>"""
    assert "<script" not in report.to_html()
    head = FRAME.partition(", body = root")[0].format(width=1280, page=html.escape(report.to_html(), quote=True))
    done = browser(tmp_path, head + ";" + script, "--dump-dom")
    written = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert written is not None
    states = json.loads(html.unescape(written[1]))
    before, up, down, after = ([float(text.replace(",", "")) for text in texts] for texts, _ in states)
    assert sorted(before) == up == down[::-1]
    assert before == after != up
    assert [aligned for _, aligned in states] == [1, 1, 1, 1]


def test_the_frame_finds_what_it_looks_for(report: AccuracyReport, tmp_path: Path) -> None:
    """The test of the test: a page that is too wide, and asks for an image that its own policy forbids."""
    bad = '<p style="width: 900px">wide</p><img src="http://example.invalid/x.png"></body>'
    page = report.to_html().replace("</body>", bad)
    done = browser(tmp_path, FRAME.format(width=390, page=html.escape(page, quote=True)), "--dump-dom")
    assert any("CONSOLE" in line and "Content Security Policy" in line for line in done.stderr.splitlines())
    written = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert written is not None
    found = json.loads(html.unescape(written[1]))
    assert found["wide"] > 390
    assert len(found["out"]) == 1


def test_on_paper(report: AccuracyReport, tmp_path: Path) -> None:
    """Even where the reader prefers dark, it prints on white, on a few pages."""
    browser(tmp_path, report.to_html(), "--blink-settings=preferredColorScheme=0", "--no-pdf-header-footer",
            f"--print-to-pdf={tmp_path / 'page.pdf'}")  # fmt: skip
    paper = (tmp_path / "page.pdf").read_bytes()
    assert paper.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 8
