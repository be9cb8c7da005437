"""The layout of the house: imports run down, and never between the wings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fastgrad

ROOT = Path(fastgrad.__file__).parent

#: Rooms by floor. A room may import rooms of its own floor and of those below; a package counts as one room.
FLOORS: dict[int, tuple[str, ...]] = {
    1: ("stencils", "_weights", "elementary", "estimates", "_operators", "_compile", "_references", "_watching",
        "_kinds", "_belongings", "_harmless", "_following", "_sharing"),
    2: ("_memory", "_ufunc", "_program", "_blocks", "_operands", "_bars", "ladder", "complexstep", "_advance", "_climb",
        "_asking", "_colouring", "_extrapolation", "_grains", "_interpreted", "_judgement", "_lanes", "_looks",
        "_noise", "_rounds", "_windows", "_calls", "_containers", "_frames", "_labelled", "_lazy", "_masked"),
    3: ("_engines", "_mixing", "_called", "_compiled", "_filling", "_functions", "_vectors", "_vector_code",
        "_vector_loops", "_forms", "_machine", "_sweeps", "gate", "gates"),
    4: ("derivatives", "_questions", "_jacobians", "_grouped", "_hessians", "multivariate", "curvature", "sparsity",
        "circuits", "_primitive", "_smooth", "_kinked", "_primitives", "_graph", "_refusal", "_nodes",
        "_array_functions", "_substitution", "_formulas", "_tracing", "_signature", "_growth", "_settling",
        "_accumulate", "_emit", "_codegen", "_fused", "_answers", "_drawing", "_layers"),
    5: ("checks", "_case", "_witnesses", "_verdicts", "_evidence", "_patterns", "_places", "_findings", "_sampling",
        "comparison", "_typed", "_jitted", "report", "corpus", "nist"),
    6: ("__init__", "__main__", "cli", "commands"),
}  # fmt: skip
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

NUMERICAL = {"derivatives", "multivariate", "curvature", "sparsity", "ladder", "_bars", "stencils", "_vectors",
             "_forms", "_machine", "_sweeps", "_questions", "_jacobians", "_grouped", "_hessians", "_typed",
             "_jitted"}  # fmt: skip
ANALYTIC = {"gate", "gates", "circuits", "_primitive", "_smooth", "_kinked", "_primitives", "_graph", "_refusal",
            "_nodes", "_array_functions", "_substitution", "_formulas", "_tracing", "_signature", "_growth",
            "_settling", "_accumulate", "_emit", "_codegen", "_fused", "_answers", "_lanes", "_drawing",
            "_layers"}  # fmt: skip


def imported(source: str, package: tuple[str, ...]) -> set[str]:
    """Rooms that a module of `package` imports, wherever in its text it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
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
                found.add(rest[0] if rest and rest[0] in ROOMS else "__init__")
    return found


def rooms() -> dict[str, list[Path]]:
    """Every room and its files."""
    found: dict[str, list[Path]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        found.setdefault(path.relative_to(ROOT).parts[0].removesuffix(".py"), []).append(path)
    return found


ROOMS = rooms()
ARROWS = {
    room: {
        target
        for path in paths
        for target in imported(path.read_text(), ("fastgrad", *path.relative_to(ROOT).parts[:-1]))
        if target != room
    }
    for room, paths in ROOMS.items()
}


def test_reader_of_imports() -> None:
    """The test of the test: every way to write an import is understood."""
    for text, wanted in {
        "import fastgrad.gates": {"gates"},
        "import fastgrad as fg": {"__init__"},
        "from fastgrad import gates, derivative": {"gates", "__init__"},
        "from . import stencils": {"stencils"},
        "from .stencils import forward": {"stencils"},
        "def f():\n    from ._engines import Called": {"_engines"},
        "import numpy.linalg\nfrom math import inf": set(),
    }.items():
        assert imported(text, ("fastgrad",)) == wanted, text
    text = "from ..stencils import forward\nfrom . import page"
    assert imported(text, ("fastgrad", "corpus")) == {"stencils", "corpus"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_floor(room: str) -> None:
    assert room in FLOOR, f"`{room}` stands on no floor; put it into the table of this test"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_down(room: str) -> None:
    up = {target for target in ARROWS[room] if FLOOR.get(target, 0) > FLOOR.get(room, 9)}
    assert not up, f"{room} (floor {FLOOR.get(room)}) imports {sorted(up)} from above"


def test_no_circles() -> None:
    left = {room: set(targets) for room, targets in ARROWS.items()}
    while free := [room for room, targets in left.items() if not targets & left.keys()]:
        for room in free:
            del left[room]
    assert not left, f"these import each other in a circle: {sorted(left)}"


@pytest.mark.parametrize(("wing", "other"), [(NUMERICAL, ANALYTIC), (ANALYTIC, NUMERICAL)])
def test_wings_never_import_each_other(wing: set[str], other: set[str]) -> None:
    assert wing & ROOMS.keys()
    crossing = {room: ARROWS[room] & other for room in wing & ROOMS.keys() if ARROWS[room] & other}
    assert not crossing


def test_no_room_of_odds_and_ends() -> None:
    assert not {"utils", "util", "core", "common", "helpers", "misc"} & ROOMS.keys()
