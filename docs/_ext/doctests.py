"""Run the examples with prompts on every page, those in folded answers too; a wrong one is a warning of the build.

The examples of the reference are left to the tests: they stand in docstrings.
"""

from __future__ import annotations

import doctest
from typing import Any

from docutils import nodes
from sphinx.util import logging

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _run(app: Any, tree: Any) -> None:
    """Run the examples of one page, one after the other, in one namespace."""
    name = app.env.docname
    if name.startswith("reference/"):
        return
    blocks = list(tree.findall(lambda node: isinstance(node, nodes.doctest_block) or _has_prompts(node)))
    if not blocks:
        return
    text = "\n\n".join(block.astext() for block in blocks)
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    output: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=output.append)
    if result.failed:
        logging.getLogger(__name__).warning("examples fail:\n%s", "".join(output), location=name)


def _has_prompts(node: Any) -> bool:
    return isinstance(node, nodes.literal_block) and node.astext().startswith(">>> ")


def setup(app: Any) -> dict[str, bool]:
    """Listen for pages that have been read."""
    app.connect("doctree-read", _run)
    return {"parallel_read_safe": True}
