"""The error-against-step plots: falling by truncation, rising again by rounding, a V."""

from __future__ import annotations

import re
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import MissingExtra
from .tables import GROUPS

if TYPE_CHECKING:
    from .results import AccuracyReport, Curve

# Told apart by colour-blind readers, and in print by the order of their slopes (Okabe and Ito 2008).
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def require() -> None:
    """Raise at once, and not after two minutes, when matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("matplotlib") from None


def draw(report: AccuracyReport, directory: Path) -> list[Path]:
    """Draw one plot for every function that has curves, as SVG and as PNG."""
    written: list[Path] = []
    for name in dict.fromkeys(curve.function for curve in report.curves):
        figure = _figure(name, [curve for curve in report.curves if curve.function == name])
        stem = "vcurve-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        for suffix in ("svg", "png"):
            path = directory / f"{stem}.{suffix}"
            figure.savefig(path, dpi=144)
            written.append(path)
    return written


def pictures(report: AccuracyReport) -> list[tuple[str, str]]:
    """Titles and SVG texts of all plots, to stand inside a page."""
    found = []
    if len(report.summary()) > 1:
        found.append(("Accuracy against speed", _text(_scatter(report))))
    for name in dict.fromkeys(curve.function for curve in report.curves):
        figure = _figure(name, [curve for curve in report.curves if curve.function == name])
        found.append((f"Error against step: {name}", _text(figure)))
    return found


def _text(figure: Any) -> str:
    """Write a figure as an SVG element, without the preamble of a file."""
    from io import StringIO

    out = StringIO()
    figure.savefig(out, format="svg")
    written = out.getvalue()
    return written[written.index("<svg") :]


def _scatter(report: AccuracyReport) -> Any:
    """Median error against time per point, one mark for every method and group: down and to the left is better."""
    require()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    lines = report.summary()
    for group, mark in zip(dict.fromkeys(line.group for line in lines), "os^", strict=False):
        labels: list[tuple[float, float, str]] = []
        for colour, line in zip(COLOURS * 3, (line for line in lines if line.group == group), strict=False):
            if not line.nanoseconds > 0:
                continue
            x, y = line.nanoseconds, max(line.median_error, 1e-17)
            axes.plot(x, y, mark, color=colour, markersize=7)
            text = line.method
            if labels and abs(log10(y / labels[-1][1])) < 0.3 and abs(log10(x / labels[-1][0])) < 1:
                beside = labels.pop()  # two names on one spot could not be read
                x, text = max(x, beside[0]), f"{beside[2]}, {text}"
            labels.append((x, y, text))
        for x, y, text in labels:
            axes.annotate(text, (x, y), xytext=(7, -3), textcoords="offset points", fontsize=8)
        axes.plot([], [], mark, color="#555555", label=GROUPS[group])
    axes.set(xscale="log", yscale="log", xlabel="nanoseconds per point", ylabel="median relative error")
    axes.margins(x=0.18, y=0.08)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")
    return figure


def _figure(name: str, curves: list[Curve]) -> Any:
    require()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Without pyplot: no global state, no window, nothing to close.
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for curve, colour in zip(curves, COLOURS * len(curves), strict=False):
        shown = [(s, max(e, 1e-17)) for s, e in zip(curve.steps, curve.errors, strict=True) if e < 1e6]
        axes.plot([s for s, _ in shown], [e for _, e in shown], color=colour, linewidth=1.6, label=curve.method)
        axes.plot(
            curve.chosen_step, max(curve.chosen_error, 1e-17), "o", color=colour, markersize=8,
            markeredgecolor="white", markeredgewidth=1.2, zorder=5,
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="step relative to max(|x|, 1)", ylabel="median relative error")
    axes.set_title(f"{name}: error against step; dots: the step fastgrad chooses", fontsize=11, loc="left")
    axes.set_ylim(1e-16, 10.0)
    axes.grid(True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")  # below the falling arms nothing is ever drawn
    return figure
