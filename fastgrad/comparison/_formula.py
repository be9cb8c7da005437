"""The formula of a function as text, to stand beside its figures."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

#: Longer formulas are left out: they are no longer read at a glance.
LONGEST = 160


def formula_of(f: Callable[..., Any]) -> str:
    """Return what a lambda or a short function computes; nothing where the source is long or unknown."""
    f = getattr(f, "formula", f)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    except (OSError, TypeError, SyntaxError):
        tree = ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            return _short(ast.unparse(node.body))
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            text = "; ".join(ast.unparse(line) for line in body).replace("return ", "")
            return "" if "\n" in text else _short(text)
    return ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else ""
