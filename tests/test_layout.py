"""The layout of the package: imports run down its layers, and never between numerical and analytic derivatives."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import fastgrad

ROOT = Path(fastgrad.__file__).parent

#: Packages and modules by layer. A package imports from its own layer and from those below.
LAYERS: dict[int, tuple[str, ...]] = {
    1: ("_parallel", "_signals", "array_kinds", "arguments", "estimates", "elementary", "compilation"),
    2: ("containers", "tracing"),
    3: ("evaluation",),
    4: ("adaptive_rule", "rules"),
    5: ("gates", "differentiation", "circuits"),
    6: ("numba_support", "gradcheck", "comparison", "corpus", "nist", "report"),
    7: ("__init__", "__main__", "cli"),
}
LAYER = {package: layer for layer, packages in LAYERS.items() for package in packages}

NUMERICAL = {"adaptive_rule", "rules", "differentiation", "numba_support"}
ANALYTIC = {"gates", "circuits"}


def imported(source: str, package: tuple[str, ...], *, types: bool = True) -> set[str]:
    """Modules of ours that a module of `package` imports, wherever in its text it does so; names below `fastgrad`.

    Without `types`, what only a reader of types imports is left out: a value that writes itself as a page knows the
    package that writes pages, and that package names the value's type.
    """
    found: set[str] = set()
    tree = ast.parse(source)
    if not types:
        tree.body = [
            node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*base, node.module) if node.module else base)
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first == "fastgrad":
                while rest and ".".join(rest) not in MODULES:
                    rest.pop()
                found.add(".".join(rest) or "__init__")
    return found


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below `fastgrad`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        *packages, name = path.relative_to(ROOT).with_suffix("").parts
        found[".".join([*packages, name] if name != "__init__" else packages) or "__init__"] = path
    return found


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """What is left of `arrows` once everything that leads nowhere is taken away, again and again."""
    left = {name: set(targets) - {name} for name, targets in arrows.items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


MODULES = modules()
IMPORTS, LOADED = (
    {
        name: imported(path.read_text(), ("fastgrad", *path.relative_to(ROOT).parts[:-1]), types=types) - {name}
        for name, path in MODULES.items()
    }
    for types in (True, False)
)
PACKAGES: dict[str, set[str]] = {}
for _name, _targets in IMPORTS.items():
    _package = _name.partition(".")[0]
    PACKAGES.setdefault(_package, set()).update({target.partition(".")[0] for target in _targets} - {_package})


def test_reader_of_imports() -> None:
    """The test of the test: every way to write an import is understood."""
    for text, wanted in {
        "import fastgrad.gates": {"gates"},
        "import fastgrad as fg": {"__init__"},
        "from fastgrad import gates, derivative": {"gates", "__init__"},
        "from .rules import stencils": {"rules.stencils"},
        "from .rules.stencils import forward": {"rules.stencils"},
        "def f():\n    from .evaluation.called import Called": {"evaluation.called"},
        "import numpy.linalg\nfrom math import inf": set(),
    }.items():
        assert imported(text, ("fastgrad",)) == wanted, text
    text = "from ..rules.stencils import forward\nfrom . import page"
    assert imported(text, ("fastgrad", "corpus")) == {"rules.stencils", "corpus"}
    text = "from .driver import estimate\nfrom .. import gates"
    assert imported(text, ("fastgrad", "adaptive_rule")) == {"adaptive_rule.driver", "gates"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_its_layer(package: str) -> None:
    assert package in LAYER, f"`{package}` stands on no layer; put it into the table of this test"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_down(package: str) -> None:
    up = {target for target in PACKAGES[package] if LAYER.get(target, 0) > LAYER.get(package, 9)}
    assert not up, f"{package} (layer {LAYER.get(package)}) imports {sorted(up)} from above"


def test_no_circles() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert not circle(PACKAGES), "these packages import each other in a circle"
    assert not circle(LOADED), "these modules import each other in a circle"


@pytest.mark.parametrize(("side", "other"), [(NUMERICAL, ANALYTIC), (ANALYTIC, NUMERICAL)])
def test_numerical_and_analytic_derivatives_never_import_each_other(side: set[str], other: set[str]) -> None:
    assert side <= PACKAGES.keys()
    crossing = {package: PACKAGES[package] & other for package in side if PACKAGES[package] & other}
    assert not crossing


def test_private_modules_are_imported_by_their_own_package_only() -> None:
    private = {name for name in MODULES if any(part.startswith("_") for part in name.split(".")[1:])}
    assert len(private) > 20
    across = {
        name: others
        for name, targets in IMPORTS.items()
        if (others := {t for t in targets & private if "." in t and t.partition(".")[0] != name.partition(".")[0]})
    }
    assert not across


def test_no_function_hides_a_module_of_its_name() -> None:
    for name in MODULES:
        *packages, last = name.split(".")
        parent = importlib.import_module(".".join(["fastgrad", *packages]))
        assert inspect.ismodule(vars(parent).get(last, inspect)), f"{name} is hidden by a name of {parent.__name__}"


def test_no_package_of_odds_and_ends() -> None:
    assert not {"utils", "util", "core", "common", "helpers", "misc"} & {name.split(".")[-1] for name in MODULES}
