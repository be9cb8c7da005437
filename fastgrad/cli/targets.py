"""What a command line names: functions in modules and files, points in files and intervals, parts of a report."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from ..rules.stencils import backward, central, forward
from .errors import Mistake
from .options import aside
from .readers import BLOCK, source_of

#: Names shown of those that a pattern does not match.
NEAR = 8


def one_place(given: argparse.Namespace) -> None:
    """Check that the points are said once, and how."""
    if given.points and given.domain:
        raise Mistake("--points and --domain exclude each other; leave one out.")
    for low, high in given.domain:
        if not (low < high and isfinite(high - low)):
            raise Mistake(f"--domain must be two finite numbers, the lower first; got {low:g} {high:g}.")


def columns_of(path: Path, most: int | None) -> tuple[Any, ...]:
    """Points out of a file, one array for each argument."""
    source = source_of(str(path), "--points")
    parts: list[list[Any]] = []
    count = 0
    for block in source.blocks(range(len(source.columns)), BLOCK):
        parts.append([np.array(column, dtype=np.float64) for column in block])
        count += len(block[0])
        if most is not None and count >= most:
            break
    if count < 2:
        raise Mistake(f"--points {path} must hold at least two points; got {count}.")
    return tuple(np.concatenate(column)[:most] for column in zip(*parts, strict=True))


def rule_of(text: str) -> Any:
    """Read a method: a word that `derivative` or `accuracy` takes, or ``central4``, ``forward(order=2)``."""
    order = re.fullmatch(r"(forward|backward|central)\W?(?:order\W)?(\d+)\W?", text)
    if order is None:
        return text
    make: Any = {"forward": forward, "backward": backward, "central": central}[order[1]]
    try:
        return make(int(order[2]))
    except ValueError as problem:
        raise Mistake(f"--method {text}: {problem}") from problem


def loaded(target: str) -> Callable[..., Any]:
    """Import ``module:function`` or ``file.py:function``."""
    place, separator, name = target.rpartition(":")
    if not (separator and place and name):
        raise Mistake(f"write the function as MODULE:FUNCTION or FILE.py:FUNCTION; got {target!r}{_meant(target)}.")
    sys.path.insert(0, os.getcwd())
    try:
        with aside():
            found: Any = _file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as problem:
        hint = f" (imported by {place})" if problem.name and not place.startswith(problem.name) else ""
        raise Mistake(f"no module named {problem.name!r}{hint}; it is looked for in {os.getcwd()} first.") from problem
    except FileNotFoundError as problem:
        raise Mistake(f"there is no file {place}.") from problem
    except Exception as problem:
        raise Mistake(f"importing {place} raised {where_raised(problem)}") from problem
    for part in name.split("."):
        if not hasattr(found, part):
            raise Mistake(f"{place} has no {part!r}; it has {_names(found)}.")
        found = getattr(found, part)
    if not callable(found):
        raise Mistake(f"{target} must be a function; it is of type {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def _meant(target: str) -> str:
    """Guess what was meant by a function without a colon."""
    place, dot, name = target.rpartition(".")
    if name == "py" and Path(target).exists():
        return f". Say which function: {target}:NAME"
    return f". Did you mean {place}:{name}" if dot and name.isidentifier() and name != "py" else ""


def fits(f: Callable[..., Any], count: int, name: str, remedy: str) -> None:
    """Refuse more or fewer arguments than a function takes, where it tells."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return  # it does not tell
    try:
        signature.bind(*range(count))
    except TypeError:
        raise Mistake(f"{name}{signature} cannot take {count} argument(s){remedy}.") from None


def _file(path: Path) -> Any:
    """Import a file, once for all the functions in it."""
    if not path.exists():
        raise FileNotFoundError(path)
    path = path.resolve()
    for name in (path.stem, f"{path.stem}.py"):  # random.py must not stand in for the module that NumPy means
        known = sys.modules.get(name)
        if known is None:
            break
        if getattr(known, "__file__", None) == str(path):
            return known
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _names(module: Any) -> str:
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "") if names else "no functions"


def within(problem: BaseException) -> bool:
    """Tell what fastgrad refused from what something else raised."""
    frames = traceback.extract_tb(problem.__traceback__)
    return not frames or Path(__file__).parents[1] in Path(frames[-1].filename).parents


def where_raised(problem: BaseException) -> str:
    """Tell an exception in one line, with the place it was raised at."""
    frames = traceback.extract_tb(problem.__traceback__)
    told = within(problem) or isinstance(problem, SyntaxError)  # which names its own place
    place = "" if told else f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    text = "".join(f": {line}" for line in str(problem).splitlines()[:1])
    return f"{type(problem).__name__}{text}{place}"


def matching(only: Sequence[str], known: Sequence[Any], what: str) -> list[Any]:
    """Those whose name matches one of the patterns."""
    patterns = [p.lower() for p in only] or ["*"]
    chosen = [p for p in known if any(fnmatchcase(p.name.lower(), pattern) for pattern in patterns)]
    if not chosen:
        names = [p.name for p in known]
        near = get_close_matches(only[0].strip("*"), names, NEAR, 0.4) or names[:NEAR]
        more = " ..." if len(names) > len(near) else ""
        raise Mistake(f"--only {only[0]!r} matches no {what}. There are {len(names)}: {'; '.join(near)}{more}.")
    return chosen
