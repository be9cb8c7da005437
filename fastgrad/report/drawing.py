"""How plots are drawn: one look for all, and as SVG in the colours of the page that they stand in.

matplotlib draws in fixed colours. In the SVG each of them becomes a CSS variable, so that one drawing is readable in
light, in dark and in print; text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from .extras import need

#: Colours by the name of their variable: in light and in dark.
SCHEME: dict[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e4e7eb"), "paper": ("#fefefe", "#15181c"), "faint": ("#5c6670", "#99a3ad"),
    "line": ("#d5d9de", "#373d44"), "good": ("#0a6b3d", "#6fcf97"), "bad": ("#b3261e", "#ff8a80"),
    # of the methods, in their order
    "m0": ("#8a9099", "#a7afb8"), "m1": ("#b08a5b", "#cfae83"), "m2": ("#0072b2", "#56b4e9"),
    "m3": ("#009e73", "#3ddbaa"), "m4": ("#6a51a3", "#b39ddb"), "m5": ("#c2589b", "#f09ccb"),
    "m6": ("#d55e00", "#ff8c42"), "m7": ("#8a6d00", "#e0bd4f"), "m8": ("#a6192e", "#ff6b7d"),
    "m9": ("#00798c", "#4dd0e1"), "m10": ("#5b8c00", "#a8d454"), "m11": ("#3b4cc0", "#8ea2ff"),
    "m12": ("#2f3640", "#d3dae2"),
}  # fmt: skip
METHODS = tuple(name for name in SCHEME if re.fullmatch(r"m\d+", name))
MARKS = "osD^v<>phX*Pd"

#: Inches and points: an SVG of this width is read on a phone without being shrunk much.
SIZE, FONT = (5.0, 3.7), 9.0


def variables() -> str:
    """Give the variables as CSS: light, dark where the reader prefers it, light again in print."""
    light, dark = ("; ".join(f"--{n}: {pair[i]}" for n, pair in SCHEME.items()) for i in (0, 1))
    return (
        f":root {{ color-scheme: light dark; {light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}; }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light}; }} }}"
    )


def colour(name: str) -> str:
    """Give the colour to draw with."""
    return SCHEME[name][0]


class Colours:
    """The colours and marks of methods: the same in every plot of a report."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = list(dict.fromkeys(labels))

    def of(self, label: str) -> str:
        """Colour of a method."""
        return colour(METHODS[self._labels.index(label) % len(METHODS)])

    def mark(self, label: str) -> str:
        """Mark of a method."""
        return MARKS[self._labels.index(label) % len(MARKS)]


def plot(xlabel: str, ylabel: str, size: tuple[float, float] = SIZE) -> tuple[Any, Any]:
    """Give a figure and its axes, without pyplot: no global state, no window, nothing to close."""
    need("matplotlib")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, faint = colour("ink"), colour("faint")
    look: Any = {
        "font.size": FONT, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "text.color": ink,
        "axes.labelcolor": ink, "axes.edgecolor": faint, "xtick.color": faint, "ytick.color": faint,
        "xtick.labelcolor": ink, "ytick.labelcolor": ink, "axes.titlesize": FONT + 1, "legend.fontsize": FONT - 1,
    }  # fmt: skip
    with matplotlib.rc_context(look):
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel, facecolor="none")
    axes.grid(True, color=colour("line"), linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def legend(figure: Any, axes: Any, columns: int = 4) -> None:
    """Name the lines below the plot, where they hide nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=FONT - 1,
                  labelcolor=colour("ink"), handlelength=1.8, columnspacing=1.2)  # fmt: skip


def svg(figure: Any, name: str, label: str) -> str:
    """Write a figure as an SVG element to stand in a page.

    `name` keeps its parts apart from those of others, `label` is what is said to a reader who does not see it.
    """
    import matplotlib

    out = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata=nothing)
    text = out.getvalue()
    text = re.sub(r"#[0-9a-f]{6}\b", lambda m: _VARIABLES.get(m[0], m[0]), text[text.index("<svg") :])
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", text)
    text = text.replace("'DejaVu Sans'", "'DejaVu Sans', system-ui, sans-serif")
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def alone(figure: Any, name: str, label: str) -> str:
    """Write a figure as an SVG file that stands by itself, in the reader's light or dark."""
    text = svg(figure, name, label)
    start = text.index(">") + 1
    paper = '<rect width="100%" height="100%" style="fill: var(--paper)"/>'
    return f"{text[:start]}\n<style>{variables()}</style>\n{paper}{text[start:]}"


def save(figure: Any, stem: Path, label: str) -> list[Path]:
    """Write a figure as SVG and as PNG; return what was written."""
    vector, pixels = stem.with_name(stem.name + ".svg"), stem.with_name(stem.name + ".png")
    vector.write_text(alone(figure, stem.name, label), encoding="utf-8")
    figure.savefig(pixels, dpi=144, facecolor=colour("paper"))
    return [vector, pixels]


_VARIABLES = {light: f"var(--{name}, {light})" for name, (light, _) in SCHEME.items()}
