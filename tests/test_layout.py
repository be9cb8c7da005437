"""The layout of the house: imports run down, and never between the wings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fastgrad

ROOT = Path(fastgrad.__file__).parent

#: Rooms by floor: a module at the top, or a package. A room may import from its own floor and from those below.
FLOORS: dict[int, tuple[str, ...]] = {
    1: ("stencils", "_weights", "estimates", "elementary", "_blocks", "_signals", "_compiling", "_reading", "tracing"),
    2: ("_adaptive", "complexstep", "_rules", "_arguments"),
    3: ("_engines", "gate", "gates"),
    4: ("derivatives", "_vectors", "multivariate", "curvature", "sparsity", "circuits"),
    5: ("checks", "comparison", "plotting", "_typed", "_jitted", "_report", "corpus", "nist"),
    6: ("__init__", "__main__", "cli", "_commands"),
}
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

NUMERICAL = {"stencils", "_adaptive", "complexstep", "_rules", "derivatives", "_vectors", "multivariate", "curvature",
             "sparsity", "_typed", "_jitted"}  # fmt: skip
ANALYTIC = {"gate", "gates", "circuits"}


def imported(source: str, package: tuple[str, ...], *, types: bool = True) -> set[str]:
    """Modules of ours that a module of `package` imports, wherever in its text it does so; names below `fastgrad`.

    Without `types`, what only a reader of types imports is left out: a value that writes itself as a page knows the
    room that writes pages, and that room names the value's type.
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
ROOMS: dict[str, set[str]] = {}
for _name, _targets in IMPORTS.items():
    _room = _name.partition(".")[0]
    ROOMS.setdefault(_room, set()).update({target.partition(".")[0] for target in _targets} - {_room})


def test_reader_of_imports() -> None:
    """The test of the test: every way to write an import is understood."""
    for text, wanted in {
        "import fastgrad.gates": {"gates"},
        "import fastgrad as fg": {"__init__"},
        "from fastgrad import gates, derivative": {"gates", "__init__"},
        "from . import stencils": {"stencils"},
        "from .stencils import forward": {"stencils"},
        "def f():\n    from ._engines.called import Called": {"_engines.called"},
        "import numpy.linalg\nfrom math import inf": set(),
    }.items():
        assert imported(text, ("fastgrad",)) == wanted, text
    text = "from ..stencils import forward\nfrom . import page"
    assert imported(text, ("fastgrad", "corpus")) == {"stencils", "corpus"}
    text = "from .driver import estimate\nfrom .. import gates"
    assert imported(text, ("fastgrad", "_adaptive")) == {"_adaptive.driver", "gates"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_floor(room: str) -> None:
    assert room in FLOOR, f"`{room}` stands on no floor; put it into the table of this test"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_down(room: str) -> None:
    up = {target for target in ROOMS[room] if FLOOR.get(target, 0) > FLOOR.get(room, 9)}
    assert not up, f"{room} (floor {FLOOR.get(room)}) imports {sorted(up)} from above"


def test_no_circles() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]
    assert not circle(ROOMS), "these rooms import each other in a circle"
    assert not circle(LOADED), "these modules import each other in a circle"


@pytest.mark.parametrize(("wing", "other"), [(NUMERICAL, ANALYTIC), (ANALYTIC, NUMERICAL)])
def test_wings_never_import_each_other(wing: set[str], other: set[str]) -> None:
    assert wing <= ROOMS.keys()
    crossing = {room: ROOMS[room] & other for room in wing if ROOMS[room] & other}
    assert not crossing


def test_one_underscore_on_the_way_to_what_is_private() -> None:
    """A house is private as a whole, with plain names inside, or public, and its rooms behind the door are private."""
    inside = [(*name.rsplit(".", 1),) for name in MODULES if "." in name and not name.endswith("__main__")]
    assert len({house for house, _ in inside}) > 10
    for house, room in inside:
        assert house.startswith("_") != room.startswith("_"), f"{house}.{room}"


def test_no_room_of_odds_and_ends() -> None:
    assert not {"utils", "util", "core", "common", "helpers", "misc"} & {name.split(".")[-1] for name in MODULES}
