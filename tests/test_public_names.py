"""Public names: `help(fastgrad)` and `dir(fastgrad)` show all of them and nothing else."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
import subprocess
import sys
from typing import Any

import pytest

import fastgrad


def signatures() -> dict[str, tuple[str, ...]]:
    """Public functions, and the names of their parameters."""
    public = {name: getattr(fastgrad, name) for name in fastgrad.__all__}
    found = {n: tuple(inspect.signature(f).parameters) for n, f in public.items() if inspect.isfunction(f)}
    return found | {"where": ("condition", "x", "y")}  # a gate


def sections(public: Any) -> dict[str, str]:
    """Split a docstring at its underlined headings."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.getdoc(public) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_table_of_contents() -> None:
    lines = [line.split() for line in (fastgrad.__doc__ or "").splitlines() if line.startswith("    ")]
    listed = [line[0] for line in lines]
    assert all(len(line) > 3 for line in lines)
    assert len(set(listed)) == len(listed)
    assert set(fastgrad.__all__) - set(listed) == {"Adaptive", "Check", "ComplexStep", "PerformanceWarning"}
    assert set(listed) <= set(fastgrad.__all__)
    assert all(name in (fastgrad.__doc__ or "") for name in fastgrad.__all__)


def test_dir_is_what_is_public() -> None:
    assert dir(fastgrad) == sorted([*fastgrad.__all__, "__version__"])
    assert all(hasattr(fastgrad, name) for name in dir(fastgrad))


def loaded_by(statement: str) -> set[str]:
    """Names of the modules that are loaded after a statement."""
    command = [sys.executable, "-W", "error", "-c", f"import sys; {statement}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_import_loads_nothing_before_a_name_is_used() -> None:
    loaded = loaded_by("import fastgrad; dir(fastgrad)")
    assert not loaded & {"numba", "numpy", "fastgrad.differentiation"}


def test_a_derivative_loads_nothing_that_it_does_not_need() -> None:
    loaded = loaded_by("import fastgrad; fastgrad.derivative")
    assert "fastgrad.differentiation.derivatives" in loaded
    heavy = {"scipy.special", "scipy.sparse", "scipy.differentiate", "numba.np.arrayobj", "ssl", "xml", "jinja2"}
    assert not loaded & (heavy | {"fastgrad.comparison", "fastgrad.report", "fastgrad.corpus"})


def test_names_are_where_they_are_said_to_be() -> None:
    """Type checkers read imports that do not run; these bind the same names."""
    tree = ast.parse(inspect.getsource(fastgrad))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom) and node.module]
    written = {(f".{node.module}", alias.name) for node in imports for alias in node.names}
    assert written == {(module, name) for name, module in fastgrad._MODULE_OF.items()}
    assert {name for _, name in written} | {"gates"} == set(fastgrad.__all__)


def test_what_is_loaded_on_demand_is_found_like_the_rest() -> None:
    assert pickle.loads(pickle.dumps(fastgrad.accuracy)) is fastgrad.accuracy
    assert dict(inspect.getmembers(fastgrad))["accuracy"] is fastgrad.accuracy
    with pytest.raises(AttributeError, match="acuracy"):
        fastgrad.acuracy  # noqa: B018


@pytest.mark.parametrize("name", signatures())
def test_docstrings_of_functions_are_complete(name: str) -> None:
    found = sections(getattr(fastgrad, name))
    assert {"Returns", "Raises", "Examples"} <= found.keys()
    described = re.findall(r"^(\*?[\w, ]+) : ", found.get("Parameters", ""), re.MULTILINE)
    assert [p.strip("*") for line in described for p in line.split(", ")] == list(signatures()[name])


@pytest.mark.parametrize("name", [n for n in fastgrad.__all__ if inspect.isclass(getattr(fastgrad, n))])
def test_docstrings_of_classes_show_or_name_how_they_are_made(name: str) -> None:
    public = getattr(fastgrad, name)
    assert "Examples" in sections(public) or "made by `" in public.__doc__
    fields = {n for n in getattr(public, "__annotations__", ()) if not n.startswith("_")}
    described = sections(public).get("Attributes", "") + sections(public).get("Parameters", "")
    assert fields <= set(re.findall(r"\w+", described))
