"""The formula of a function as text, to print beside its figures."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
from collections.abc import Callable
from types import CodeType
from typing import Any

#: Longer formulas are left out: they cannot be read at a glance.
LONGEST = 160


def formula_of(f: Callable[..., Any]) -> str:
    """Return the expression of a lambda or the statements of a short function; "" where unknown or too long."""
    code = getattr(inspect.unwrap(getattr(f, "formula", f)), "__code__", None)
    node = _definition(code) if code else None
    if node is None:
        return ""
    if isinstance(node, ast.Lambda):
        text = ast.unparse(node.body)
    else:
        body = node.body[1:] if ast.get_docstring(node) else node.body
        text = "; ".join(map(ast.unparse, body)).replace("return ", "")
    return "" if "\n" in text or len(text) > LONGEST else text


def _definition(code: CodeType) -> ast.Lambda | ast.FunctionDef | None:
    """Find the definition of a function in its source, among several lambdas of a line by their columns."""
    columns = [(line, column) for line, _, column, _ in code.co_positions() if line and column]
    for node in reversed(_definitions("".join(linecache.getlines(code.co_filename)))):  # the innermost first
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        if first == code.co_firstlineno and (isinstance(node, ast.Lambda) == (code.co_name == "<lambda>")):
            body = node.body if isinstance(node, ast.Lambda) else node
            start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
            if isinstance(node, ast.FunctionDef) or all(start <= place <= end for place in columns):
                return node
    return None


@functools.lru_cache(maxsize=8)
def _definitions(source: str) -> tuple[ast.Lambda | ast.FunctionDef, ...]:
    """Return all functions of a source; none where it cannot be parsed."""
    try:
        return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Lambda, ast.FunctionDef)))
    except SyntaxError:
        return ()
