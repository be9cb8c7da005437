"""Check the finished pages: every link inside the site leads somewhere, and nothing is loaded from a network."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

#: Attributes that a browser follows by itself, by tag; others wait for a click.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}


class _Page(HTMLParser):
    """Collect the names of a page's places, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = {"", "top"}
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)
                if (tag, name) in LOADED:
                    self.loaded.add(value)


def problems(root: Path) -> list[str]:
    """List links that lead nowhere, and files that a page would fetch from elsewhere."""
    paths = [path for path in root.rglob("*.html") if "_static" not in path.parts]
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in paths}
    mistakes = []
    for path, page in pages.items():
        name = path.relative_to(root)
        mistakes += [f"{name} loads {link}" for link in page.loaded if urlsplit(link).netloc]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists() or (target in pages and place not in pages[target].places):
                mistakes.append(f"{name} links to {link}, which is not there")
    return mistakes


def _check(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        for problem in problems(Path(app.outdir).resolve()):
            logging.getLogger(__name__).warning(problem)


def setup(app: Any) -> dict[str, bool]:
    """Check when all pages are written."""
    app.connect("build-finished", _check, priority=900)
    return {"parallel_read_safe": True}
