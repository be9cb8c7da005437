"""HTML pages: nothing is loaded, no script runs, pictures are inside; light, dark, on a phone and on paper.

Tables are sorted by style sheets alone. Each header holds a radio button, and each row carries its rank by each column;
the checked button chooses the rank that orders the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from math import inf
from pathlib import Path
from string import Template
from typing import Any

from .document import Document, Items, Legend, Picture, Section, Table, style
from .drawing import variables
from .tables import LEGEND

PAGE = Path(__file__).with_name("page.html")


def _tag(name: str, text: str, **attributes: str) -> str:
    """Write an element around text that is HTML already; attributes are escaped, empty ones are left out."""
    pairs = [(key.strip("_").replace("_", "-"), value) for key, value in attributes.items() if value]
    words = "".join(f' {key}="{escape(value)}"' for key, value in pairs)
    return f"<{name}{words}>{text}</{name}>"


def _table(table: Table) -> str:
    """Write a table in a frame that scrolls, with a button in each header that sorts by the column."""
    heads = "".join(
        _tag("th", f'<label><input type="radio" name="column" aria-label="sort by {escape(name or "name")}">'
             f"{escape(name)}</label>", scope="col", title=LEGEND.get(name, ""))
        for name in table.header
    )  # fmt: skip
    ranks = [_ranks([cells[i] for cells in table.cells]) for i in range(len(table.header))]
    rows = []
    for k, cells in enumerate(table.cells):
        figures = [_tag("td", escape(cell), class_=style(table, i, cell)) for i, cell in enumerate(cells) if i]
        places = ";".join(f"--c{i}:{rank[k]}" for i, rank in enumerate(ranks))
        rows.append(_tag("tr", _tag("th", escape(cells[0]), scope="row") + "".join(figures), style=places))
    body = "\n".join(rows)
    grid = _tag("table", f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>", style=f"--n:{len(ranks)}")
    controls = (
        '<p class="sorting"><label><input type="checkbox"> largest first</label> '
        '<button type="reset">original order</button></p>'
    )
    frame = _tag("div", grid, class_="wide", role="region", aria_label=table.title, tabindex="0")
    return _tag("article", f"<h3>{escape(table.title)}</h3><form>{controls}{frame}</form>"
                + (_tag("p", escape(table.note), class_="note") if table.note else ""))  # fmt: skip


def _ranks(cells: list[str]) -> list[int]:
    """Rank the cells of a column: numbers by size, then words, then empty cells."""

    def key(cell: str) -> tuple[int, float, str]:
        text = cell.replace(",", "").replace("%", "").strip()
        if text in ("> 1", "NaN", "failed"):
            return 0, inf, text
        try:
            return 0, float(text), ""
        except ValueError:
            return (2, 0.0, "") if text in ("", "-") else (1, 0.0, text.lower())

    places = {cell: rank for rank, cell in enumerate(sorted(set(cells), key=key))}
    return [places[cell] for cell in cells]


def _legend(legend: Legend) -> str:
    entries = "\n".join(
        _tag("dt", escape(name)) + _tag("dd", _tag("code", escape(text)) if legend.code else escape(text))
        for name, text in legend.entries
    )
    return _tag("dl", entries)


ELEMENTS: dict[type, Callable[[Any], str]] = {
    Table: _table,
    Picture: lambda picture: _tag("figure", _tag("figcaption", escape(picture.title)) + picture.svg),
    Items: lambda items: _tag("ul", "\n".join(_tag("li", escape(line)) for line in items.lines)),
    Legend: _legend,
}


def _anchor(section: Section) -> str:
    return section.title.lower().replace(" ", "-")


def section(section: Section, texts: list[str]) -> str:
    """Write a heading, its text and its elements; pictures stand side by side."""
    body = "\n".join(texts)
    text = _tag("p", escape(section.text), class_="note") if section.text else ""
    if isinstance(section.elements[0], Picture):
        body = _tag("div", body, class_="plots")
    return _tag("section", f"{_tag('h2', escape(section.title), id=_anchor(section))}\n{text}\n{body}")


def page(document: Document, sections: list[Section], texts: list[str]) -> str:
    """Write the title, what to use, links to the sections, and the sections."""
    widest = max((len(e.header) for s in sections for e in s.elements if isinstance(e, Table)), default=0)
    orders = "\n".join(
        f"table:has(th:nth-child({i + 1}) input:checked) tbody tr {{ --rank: var(--c{i}); }}" for i in range(widest)
    )
    use = _tag("ul", "".join(_tag("li", escape(line)) for line in document.recommendation), class_="use")
    links = "\n".join(_tag("a", escape(s.title), href=f"#{_anchor(s)}") for s in sections)
    formula = _tag("p", _tag("code", escape(document.formula))) if document.formula else ""
    body = "\n".join([
        _tag("h1", escape(document.title)), formula, use if document.recommendation else "",
        '<nav aria-label="Parts of this page">\n' + links + "\n</nav>", *texts,
        _tag("p", escape(document.setting), class_="note"),
    ])  # fmt: skip
    template = Template(PAGE.read_text(encoding="utf-8"))
    return template.substitute(title=escape(document.title), variables=variables(), orders=orders, body=body)
