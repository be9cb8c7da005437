"""Style of all pictures, and SVG in the colours of the page.

matplotlib draws in fixed colours. In the SVG each of them becomes a CSS variable: one drawing is readable in light, in
dark and in print. Text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from importlib import import_module
from io import BytesIO, StringIO
from math import log10
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours by the name of their variable: in light and in dark.
SCHEME: dict[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e4e7eb"), "paper": ("#fefefe", "#15181c"), "faint": ("#5c6670", "#99a3ad"),
    "line": ("#d5d9de", "#373d44"), "good": ("#0a6b3d", "#6fcf97"), "bad": ("#b3261e", "#ff8a80"),
    # colours of the methods, in their order
    "m0": ("#8a9099", "#a7afb8"), "m1": ("#b08a5b", "#cfae83"), "m2": ("#0072b2", "#56b4e9"),
    "m3": ("#009e73", "#3ddbaa"), "m4": ("#6a51a3", "#b39ddb"), "m5": ("#c2589b", "#f09ccb"),
    "m6": ("#d55e00", "#ff8c42"), "m7": ("#8a6d00", "#e0bd4f"), "m8": ("#a6192e", "#ff6b7d"),
    "m9": ("#00798c", "#4dd0e1"), "m10": ("#5b8c00", "#a8d454"), "m11": ("#3b4cc0", "#8ea2ff"),
    "m12": ("#2f3640", "#d3dae2"),
}  # fmt: skip
METHODS = tuple(name for name in SCHEME if re.fullmatch(r"m\d+", name))
MARKS = "osD^v<>phX*Pd"

SUPERSCRIPTS = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")

#: Size in inches and height of letters in points: an SVG of this width is readable on a phone.
SIZE, FONT = (5.0, 3.7), 9.0


class MissingExtra(ImportError):
    """A library that only reports need is not installed; the message says how to install it."""


def need_matplotlib() -> None:
    """Raise `MissingExtra` when matplotlib is missing, before minutes are spent on measuring."""
    try:
        import_module("matplotlib")
    except ImportError:
        raise MissingExtra('this needs matplotlib, which is not installed: pip install "fastgrad[report]"') from None


def variables() -> str:
    """Return the variables as CSS: light, dark where the reader prefers it, light in print."""
    light, dark = ("; ".join(f"--{n}: {pair[i]}" for n, pair in SCHEME.items()) for i in (0, 1))
    return (
        f":root {{ color-scheme: light dark; {light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}; }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light}; }} }}"
    )


def colour(name: str) -> str:
    """Return the colour to draw with."""
    return SCHEME[name][0]


def styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the colour and the marker of each method, the same in every plot of a report."""
    return {
        label: {"color": colour(METHODS[i % len(METHODS)]), "marker": MARKS[i % len(MARKS)]}
        for i, label in enumerate(dict.fromkeys(labels))
    }


def plot(xlabel: str, ylabel: str, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Return a figure and its axes, without pyplot: no global state, no window, nothing to close."""
    need_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink, faint = colour("ink"), colour("faint")
    style: Any = {
        "font.size": FONT, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "text.color": ink,
        "axes.labelcolor": ink, "axes.edgecolor": faint, "xtick.color": faint, "ytick.color": faint,
        "xtick.labelcolor": ink, "ytick.labelcolor": ink, "axes.titlesize": FONT + 1, "legend.fontsize": FONT - 1,
    }  # fmt: skip
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel, facecolor="none")
    axes.grid(True, color=colour("line"), linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def log_scales(axes: Axes, names: str = "xy") -> None:
    """Make axes logarithmic, with powers of ten as plain text: mathematical text takes most of the time of drawing."""
    from matplotlib.ticker import NullLocator

    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(lambda value, place: f"10{f'{log10(value):.0f}'.translate(SUPERSCRIPTS)}")
        axis.set_minor_locator(NullLocator())


def legend(figure: Figure, axes: Axes) -> None:
    """Name the lines below the plot, where the legend hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=FONT - 1,
                  labelcolor=colour("ink"), handlelength=1.8, columnspacing=1.2)  # fmt: skip


def svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an SVG element; `name` makes its identifiers unique in a page, `label` is read aloud."""
    import matplotlib

    out = StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata=metadata)
    figure.set_layout_engine("none")  # the layout takes half of the time of drawing, and stays
    text = out.getvalue()
    text = re.sub(r"#[0-9a-f]{6}\b", lambda m: _VARIABLES.get(m[0], m[0]), text[text.index("<svg") :])
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", text)
    text = text.replace("'DejaVu Sans'", "'DejaVu Sans', system-ui, sans-serif")
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    out = BytesIO()
    figure.savefig(out, format="png", dpi=144, facecolor=colour("paper"))
    return out.getvalue()


def alone(text: str) -> str:
    """Return the SVG element of `svg` as the text of a file, in light or dark as the reader prefers."""
    start = text.index(">") + 1
    paper = '<rect width="100%" height="100%" style="fill: var(--paper)"/>'
    return f"{text[:start]}\n<style>{variables()}</style>\n{paper}{text[start:]}"


_VARIABLES = {light: f"var(--{name}, {light})" for name, (light, _) in SCHEME.items()}
