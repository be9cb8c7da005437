"""What arguments name: functions in modules and files, points in files, rules, parts of a report."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .._typing import FloatArray, Function
from ..rules.stencils import backward, central, forward
from .options import Mistake, redirect_prints
from .readers import BLOCK, open_source

#: Remedy for a count of columns that a function does not take.
PER_ARGUMENT = ". Give one --domain for each, or one column of --points"

#: Names in a message about a pattern or a name that matches nothing.
SHOWN = 8


def read_columns(path: Path, most: int | None) -> tuple[FloatArray, ...]:
    """Read points from a file, one array for each argument, `most` points at most."""
    source = open_source(str(path), "--points")
    parts: list[list[Any]] = []
    count = 0
    for block in source.blocks(range(len(source.columns)), BLOCK):
        parts.append([np.array(column, dtype=np.float64) for column in block])
        count += len(block[0])
        if most is not None and count >= most:
            break
    if count < 2:
        raise Mistake(f"--points {path} must hold at least two points; got {count}. Add some, or give --domain.")
    return tuple(np.concatenate(column)[:most] for column in zip(*parts, strict=True))


def parse_rule(text: str) -> Any:
    """Convert ``central4`` or ``forward(order=2)`` to a rule; other words stay."""
    match = re.fullmatch(r"(forward|backward|central)\W?(?:order\W)?(\d+)\W?", text)
    if match is None:
        return text
    make: Any = {"forward": forward, "backward": backward, "central": central}[match[1]]
    try:
        return make(int(match[2]))
    except ValueError as error:
        raise Mistake(f"--method {text}: {error}") from error


def load_function(target: str) -> Function:
    """Import ``module:function`` or ``file.py:function``."""
    place, separator, name = target.rpartition(":")
    if not (separator and place and name):
        raise Mistake(f"a function must be MODULE:FUNCTION or FILE.py:FUNCTION; got {target!r}. {_suggest(target)}")
    sys.path.insert(0, os.getcwd())
    try:
        with redirect_prints():
            value: Any = _file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as error:
        hint = f" (imported by {place})" if error.name and not place.startswith(error.name) else ""
        remedy = f"Run this in its directory, now {os.getcwd()}, or give FILE.py:{name}."
        raise Mistake(f"no module named {error.name!r}{hint}. {remedy}") from error
    except FileNotFoundError as error:
        raise Mistake(f"no file {place} in {os.getcwd()}. Give its path from here.") from error
    except Exception as error:
        raise Mistake(f"importing {place} raised {describe_error(error)}") from error
    for part in name.split("."):
        if not hasattr(value, part):
            raise Mistake(f"{place} has no {part!r}; it has {_names(value)}. Name one of them.")
        value = getattr(value, part)
    if not callable(value):
        raise Mistake(f"{target} must be a function; got {type(value).__name__}. Name a function.")
    return value  # type: ignore[no-any-return]


def _suggest(target: str) -> str:
    """Suggest a target for a name without a colon."""
    place, dot, name = target.rpartition(".")
    if name == "py" and Path(target).exists():
        return f"Say which function: {target}:NAME."
    is_dotted = dot and name.isidentifier() and name != "py"
    return f"Did you mean {place}:{name}." if is_dotted else "Write, say, model.py:f."


def _file(path: Path) -> ModuleType:
    """Import a file, once for all functions in it."""
    path = path.resolve()
    for name in (path.stem, f"{path.stem}.py"):  # random.py must not replace the module that NumPy imports
        module = sys.modules.get(name)
        if module is None:
            break
        if getattr(module, "__file__", None) == str(path):
            return module
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _names(value: object) -> str:
    names = [name for name, value in vars(value).items() if callable(value) and not name.startswith("_")]
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "") if names else "no functions"


def check_arguments(f: Function, count: int, name: str, remedy: str = PER_ARGUMENT) -> None:
    """Check that a function takes `count` arguments, where it has a signature."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        raise Mistake(f"{name}{signature} cannot take {count} argument(s){remedy}.") from None


def check_index(wrt: int, count: int) -> int:
    """Check that `wrt` is one of `count` arguments, and return it as a number from 0."""
    if not -count <= wrt < count:
        raise Mistake(f"--wrt must be from 0 to {count - 1} for {count} argument(s); got {wrt}. Count from 0.")
    return wrt % count


def is_ours(error: BaseException) -> bool:
    """Tell whether fastgrad raised an error, and not the caller's function."""
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or Path(__file__).parents[1] in Path(frames[-1].filename).parents


def describe_error(error: BaseException) -> str:
    """Describe an error in one line, with the file and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    has_place = is_ours(error) or isinstance(error, SyntaxError)  # the text of a SyntaxError names its place
    place = "" if has_place else f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    text = "".join(f": {line}" for line in str(error).splitlines()[:1])
    return f"{type(error).__name__}{text}{place}"


def make_mistake(error: Exception, name: str) -> Mistake:
    """Return the mistake to raise for an error of a call: what fastgrad refused, or what the caller's function raised.

    A `TypeError` counts as the function's: NumPy raises it inside fastgrad for values that are no numbers.
    """
    return Mistake(str(error) if is_ours(error) and not isinstance(error, TypeError) else
                   f"{name} raised {describe_error(error)}")  # fmt: skip


def match_names(patterns: Sequence[str], values: Sequence[Any], what: str) -> list[Any]:
    """Return the values whose name matches one of the patterns; all without patterns."""
    lower = [p.lower() for p in patterns] or ["*"]
    chosen = [v for v in values if any(fnmatchcase(v.name.lower(), pattern) for pattern in lower)]
    if not chosen:
        names = [v.name for v in values]
        near = get_close_matches(patterns[0].strip("*"), names, SHOWN, 0.4) or names[:SHOWN]
        more = " ..." if len(names) > len(near) else ""
        few = f"There are {len(names)}: {'; '.join(near)}{more}."
        raise Mistake(f"--only must match a {what}; got {patterns[0]!r}. {few}")
    return chosen
