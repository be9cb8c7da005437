"""Figures as SVG in the page's own colours, light or dark as the reader chooses; a PNG beside each for thumbnails."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

from fastgrad.report.drawing import SCHEME, colour, svg

#: Colours of lines, in the order in which they are used; SCHEME has their dark counterparts.
CYCLE = ("m2", "m6", "m3", "m8", "m4", "m5", "m9", "m0")

#: The drawing that was shown last: a block that ends with none must not show it again.
_drawn: list[str | None] = [None]


def style() -> dict[str, Any]:
    """Give the parameters of matplotlib that all figures share."""
    from cycler import cycler

    ink, faint = colour("ink"), colour("faint")
    return {
        "figure.figsize": (5.4, 3.5), "figure.constrained_layout.use": True, "figure.facecolor": "none",
        "axes.facecolor": "none", "savefig.facecolor": "none", "font.family": "sans-serif", "font.size": 9.5,
        "font.sans-serif": ["DejaVu Sans"], "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": faint,
        "axes.titlesize": 10.5, "axes.titlecolor": ink, "xtick.color": faint, "ytick.color": faint,
        "xtick.labelcolor": ink, "ytick.labelcolor": ink, "axes.grid": True, "grid.color": colour("line"),
        "grid.linewidth": 0.6, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
        "legend.frameon": False, "legend.labelcolor": ink, "lines.linewidth": 1.6,
        "axes.prop_cycle": cycler(color=[colour(name) for name in CYCLE]), "svg.fonttype": "none",
    }  # fmt: skip


def reset(configuration: Any, name: str) -> None:
    """Start every page from the same style."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcdefaults()
    mpl.rcParams.update(style())


def scrape(block: Any, variables: dict[str, Any], configuration: dict[str, Any]) -> str:
    """Keep the figures that a block of a page left open and the drawing that it ends with; return the markup."""
    import matplotlib.pyplot as plt

    shown = []
    paths = variables["image_path_iterator"]
    for number in plt.get_fignums():
        figure, path = plt.figure(number), Path(next(paths))
        figure.savefig(path, dpi=120, facecolor=colour("paper"))
        label = ". ".join(title for axes in figure.axes if (title := axes.get_title())) or "Figure"
        text = f'<figure class="drawn">{svg(figure, path.stem, label)}</figure>'
        shown.append(".. raw:: html\n\n" + indent(text, "    ") + "\n")
        plt.close(figure)
    last = variables["example_globals"].get("___")  # the value of the last expression that ended a block
    if isinstance(last, str) and last.startswith("<svg") and last is not _drawn[-1]:
        _drawn[:] = [last]
        path = Path(next(paths)).with_suffix(".svg")
        path.write_text(last, encoding="utf-8")
        source = "/" + path.relative_to(configuration["src_dir"]).as_posix()
        image = f".. image:: {source}\n    :alt: circuit\n    :class: circuit\n"
        shown.append(".. container:: wide\n\n" + indent(image, "    "))
    return "\n".join(shown)


def sheet() -> str:
    """Give the colours as CSS: those of the light page, and those of the dark one."""
    light, dark = ("; ".join(f"--{name}: {pair[i]}" for name, pair in SCHEME.items()) for i in (0, 1))
    return f'html {{ {light}; }}\nhtml[data-theme="dark"] {{ {dark}; }}\n'


def setup(app: Any) -> dict[str, bool]:
    """Write the sheet of colours beside the others."""
    app.connect("builder-inited", lambda app: (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True))
    app.connect("build-finished", lambda app, error: (Path(app.outdir) / "_static" / "figures.css").write_text(sheet()))
    return {"parallel_read_safe": True}
