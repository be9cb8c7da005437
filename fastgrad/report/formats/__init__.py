"""Formats of a document: text, a terminal, Markdown, HTML. Begin reading in `renderer`.

A format is a table from types of elements to functions that write them; a type that is missing is left out.
"""

from .renderer import render

__all__ = ["render"]
