"""Every page of the site runs: its code without a warning, its examples with prompts as they are shown."""

from __future__ import annotations

import doctest
import runpy
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
DOCS = Path(__file__).parent.parent / "docs"
if not (DOCS / "pages").exists():
    pytest.skip("an installed package has no pages beside it", allow_module_level=True)

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SCRIPTS = sorted(DOCS.glob("pages/*/*.py"))
WRITTEN = sorted([*DOCS.glob("*.rst"), *DOCS.glob("reference/*.rst")])


def prompts(text: str) -> str:
    """Lines of a page that stand behind prompts, and what they print; comments of a script are text."""
    lines = [line.removeprefix("#").removeprefix(" ") if line.startswith("#") else "" for line in text.splitlines()]
    return "\n".join(lines)


@pytest.mark.slow  # the site is built after the tests, which runs every page as well
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_page_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib
    import matplotlib.pyplot as plt

    matplotlib.use("agg")
    monkeypatch.chdir(path.parent)
    runpy.run_path(str(path), run_name="__main__")
    drawn = plt.get_fignums()
    plt.close("all")
    assert drawn or path.parent.name != "gallery", "an example of the gallery has a picture"


@pytest.mark.parametrize("path", [p for p in SCRIPTS if ">>> " in p.read_text()], ids=lambda path: path.stem)
def test_answers_in_pages(path: Path) -> None:
    test = doctest.DocTestParser().get_doctest(prompts(path.read_text()), {}, path.stem, str(path), 0)
    assert test.examples
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0


@pytest.mark.parametrize("path", [p for p in WRITTEN if ">>> " in p.read_text()], ids=lambda path: path.stem)
def test_examples_in_written_pages(path: Path) -> None:
    done = doctest.testfile(str(path), module_relative=False, optionflags=FLAGS)
    assert done.attempted > 0
    assert done.failed == 0


def test_the_gallery_has_fifteen_examples() -> None:
    assert len(list(DOCS.glob("pages/gallery/*.py"))) >= 15
