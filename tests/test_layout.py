"""The layout of the package: imports run down its layers, and never between numerical and analytic derivatives."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fastgrad

ROOT = Path(fastgrad.__file__).parent

#: Packages and modules by layer. A package imports from its own layer and from those below.
LAYERS: dict[int, tuple[str, ...]] = {
    1: (
        "_parallel", "_signals", "_typing", "_workers", "array_kinds", "arguments", "estimates", "elementary",
        "compilation",
    ),
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


def imports(source: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import of a module, wherever in its text, and whether it is for types only."""
    pending: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while pending:
        node, for_types = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, for_types
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += [(child, True) for child in node.body] + [(child, for_types) for child in node.orelse]
        else:  # an expression holds no import
            pending += [(child, for_types) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]


def imported(source: str, package: tuple[str, ...], *, types: bool = True) -> set[str]:
    """Modules of fastgrad that a module of `package` imports; names below `fastgrad`.

    Without `types`, imports for type checkers are left out: a value that writes itself as a page knows the package that
    writes pages, and that package names the value's type.
    """
    targets: set[str] = set()
    for node, for_types in imports(source):
        if for_types and not types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*base, node.module) if node.module else base)
            names = [f"{start}.{alias.name}" for alias in node.names]
        for name in names:
            first, *rest = name.split(".")
            if first == "fastgrad":
                while rest and ".".join(rest) not in MODULES:
                    rest.pop()
                targets.add(".".join(rest) or "__init__")
    return targets


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
PACKAGES = sorted({name.partition(".")[0] for name in MODULES})


@cache
def arrows(*, types: bool = True) -> dict[str, set[str]]:
    """What each module imports."""
    return {
        name: imported(path.read_text(), ("fastgrad", *path.relative_to(ROOT).parts[:-1]), types=types) - {name}
        for name, path in MODULES.items()
    }


@cache
def packages() -> dict[str, set[str]]:
    """What each package imports of the others."""
    targets: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for name, others in arrows().items():
        package = name.partition(".")[0]
        targets[package] |= {other.partition(".")[0] for other in others} - {package}
    return targets


def test_reader_of_imports() -> None:
    """The test of the test: every way to write an import is understood."""
    for text, wanted in {
        "import fastgrad.gates": {"gates"},
        "import fastgrad as fg": {"__init__"},
        "from fastgrad import gates, derivative": {"gates", "__init__"},
        "from .rules import stencils": {"rules.stencils"},
        "from .rules.stencils import forward": {"rules.stencils"},
        "def f():\n    from .evaluation.called import Called": {"evaluation.called"},
        "try:\n    pass\nexcept ImportError:\n    from . import gates": {"gates"},
        "if TYPE_CHECKING:\n    from . import gates\nwith x:\n    from . import rules": {"gates", "rules"},
        "import numpy.linalg\nfrom math import inf": set(),
    }.items():
        assert imported(text, ("fastgrad",)) == wanted, text
    text = "from ..rules.stencils import forward\nfrom . import page"
    assert imported(text, ("fastgrad", "corpus")) == {"rules.stencils", "corpus"}
    text = "from .driver import estimate\nfrom .. import gates"
    assert imported(text, ("fastgrad", "adaptive_rule")) == {"adaptive_rule.driver", "gates"}
    text = "if TYPE_CHECKING:\n    from . import gates\nelse:\n    from . import rules"
    assert imported(text, ("fastgrad",), types=False) == {"rules"}


def test_every_package_has_its_layer() -> None:
    assert sorted(LAYER) == PACKAGES, "the table of this test names the packages, each on its layer"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_down(package: str) -> None:
    up = {target for target in packages()[package] if LAYER[target] > LAYER[package]}
    assert not up, f"{package} (layer {LAYER[package]}) imports {sorted(up)} from above"


def test_no_circles() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert not circle(packages()), "these packages import each other in a circle"
    assert not circle(arrows(types=False)), "these modules import each other in a circle"


@pytest.mark.parametrize(("side", "other"), [(NUMERICAL, ANALYTIC), (ANALYTIC, NUMERICAL)])
def test_numerical_and_analytic_derivatives_never_import_each_other(side: set[str], other: set[str]) -> None:
    crossing = {package: targets & other for package in side if (targets := packages()[package]) & other}
    assert not crossing


def test_private_modules_are_imported_by_their_own_package_only() -> None:
    private = {name for name in MODULES if any(part.startswith("_") for part in name.split(".")[1:])}
    assert len(private) > 20
    across = {
        name: others
        for name, targets in arrows().items()
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
