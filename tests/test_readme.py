"""Every example in the README and in the docstrings runs and shows what it says."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import pkgutil
from pathlib import Path

import pytest

import fastgrad

README = Path(__file__).parent.parent / "README.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

MODULES = ["fastgrad"] + [
    module.name
    for module in pkgutil.walk_packages(fastgrad.__path__, "fastgrad.")
    if not module.name.endswith("__main__")
]


def text_of(name: str) -> str:
    return Path(str(importlib.util.find_spec(name).origin)).read_text()  # type: ignore[union-attr]


def examples(name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder().find(module, name) if test.examples]


@pytest.mark.skipif(not README.exists(), reason="an installed package has no README beside it")
def test_readme() -> None:
    done = doctest.testfile(str(README), module_relative=False, optionflags=FLAGS)
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if ">>>" in text_of(name)])
def test_docstrings(name: str) -> None:
    found = examples(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in found:
        runner.run(test)
    assert found
    assert runner.failures == 0


def test_public_functions_have_examples() -> None:
    """Every public function shows how it is used."""
    shown = {test.name.rpartition(".")[2] for name in MODULES for test in examples(name)}
    public = [n for n in fastgrad.__all__ if inspect.isfunction(getattr(fastgrad, n))]
    assert public
    assert set(public) - shown == set()
